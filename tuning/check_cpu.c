/* SPDX-License-Identifier: MIT
 *
 * What makes one core as fast as another, and as fast as it was a second ago.
 */
#include "machine_files.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void siblings_of_topology(const struct pn_topology *topo, struct pn_finding *f) {
    unsigned shared = 0;
    for (unsigned i = 0; i < topo->n_cores; i++) {
        shared += topo->cores[i].n_pus > 1;
    }
    pn_found(f, shared == 0 ? PN_FINDING_OK : PN_FINDING_INFO, "%u of %u cores have siblings",
             shared, topo->n_cores);
}

void pn_check_smt(const struct pn_machine_files *m, struct pn_finding *f) {
    uint64_t active = 0;
    if (m->topo != NULL) {
        siblings_of_topology(m->topo, f);
        return;
    }
    int rc = pn_file_number(m, "/sys/devices/system/cpu/smt/active", &active);
    if (rc != 0) {
        pn_not_read(f, rc);
        return;
    }
    pn_found(f, active == 0 ? PN_FINDING_OK : PN_FINDING_INFO, "%s",
             active == 0 ? "no siblings online" : "siblings online");
}

/* What stands behind the governor's name: the driver, and its hint to the hardware where it has
 * one.
 */
static void read_driver(const struct pn_machine_files *m, int cpu, char *text, size_t cap) {
    char path[128];
    char driver[32];
    char hint[32];
    (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_driver", cpu);
    if (pn_file_read(m, path, driver, sizeof driver) != 0) {
        text[0] = '\0';
        return;
    }
    (void)snprintf(path, sizeof path,
                   "/sys/devices/system/cpu/cpu%d/cpufreq/energy_performance_preference", cpu);
    bool hinted = pn_file_read(m, path, hint, sizeof hint) == 0;
    (void)snprintf(text, cap, ", driver %s%s%s", driver, hinted ? ", hint " : "",
                   hinted ? hint : "");
}

void pn_check_governor(const struct pn_machine_files *m, struct pn_finding *f) {
    struct pn_os_cpu *cpus = NULL;
    unsigned n = 0;
    char first[64] = "";
    char driver[96] = "";
    unsigned seen = 0;
    unsigned slow = 0;
    int rc = pn_file_cpus(m, "/sys/devices/system/cpu/online", &cpus, &n);
    for (unsigned i = 0; rc == 0 && i < n; i++) {
        char path[128];
        char governor[64];
        (void)snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/cpufreq/scaling_governor",
                       cpus[i].id);
        if (pn_file_read(m, path, governor, sizeof governor) != 0) {
            continue;
        }
        bool fast = strcmp(governor, "performance") == 0;
        if (seen == 0 || (!fast && slow == 0)) {
            memcpy(first, governor, sizeof first);
            read_driver(m, cpus[i].id, driver, sizeof driver);
        }
        seen++;
        slow += !fast;
    }
    free(cpus);
    if (rc != 0) {
        pn_not_read(f, rc);
    } else if (seen == 0) {
        pn_not_offered(f, "no cpufreq here: the hypervisor or firmware sets the clock");
    } else if (slow > 0) {
        pn_found(f, PN_FINDING_WARN, "%.31s on %u of %u CPUs%s", first, slow, seen, driver);
    } else {
        pn_found(f, PN_FINDING_OK, "%.31s on %u CPUs%s", first, seen, driver);
    }
}

/* Two switches with opposite signs, in series where a machine has both. */
void pn_check_turbo(const struct pn_machine_files *m, struct pn_finding *f) {
    uint64_t no_turbo = 0;
    uint64_t boost = 1;
    bool intel = pn_file_number(m, "/sys/devices/system/cpu/intel_pstate/no_turbo", &no_turbo) == 0;
    bool generic = pn_file_number(m, "/sys/devices/system/cpu/cpufreq/boost", &boost) == 0;
    if (!intel && !generic) {
        pn_not_offered(f, "neither intel_pstate/no_turbo nor cpufreq/boost exists here");
        return;
    }
    bool on = no_turbo == 0 && boost != 0;
    pn_found(f, on ? PN_FINDING_INFO : PN_FINDING_OK, "%s (%s%s%s)", on ? "on" : "off",
             !intel          ? ""
             : no_turbo == 0 ? "no_turbo=0"
                             : "no_turbo=1",
             intel && generic ? ", " : "",
             !generic     ? ""
             : boost == 0 ? "boost=0"
                          : "boost=1");
}

static bool is_one_of(const char *name, const char *const *names) {
    for (; *names != NULL; names++) {
        if (strcmp(name, *names) == 0) {
            return true;
        }
    }
    return false;
}

void pn_check_clock(const struct pn_machine_files *m, struct pn_finding *f) {
    /* Read in user space, no system call, no trap. */
    static const char *const direct[] = {"tsc", "arch_sys_counter",  "timebase",
                                         "tod", "riscv_clocksource", NULL};
    /* Also without a system call, but scaled by pages that the hypervisor writes. */
    static const char *const paged[] = {"kvm-clock", "hyperv_clocksource_tsc_page", NULL};
    char name[64];
    int rc = pn_file_read(m, "/sys/devices/system/clocksource/clocksource0/current_clocksource",
                          name, sizeof name);
    if (rc != 0) {
        pn_not_read(f, rc);
    } else if (is_one_of(name, direct)) {
        pn_found(f, PN_FINDING_OK, "%s", name);
    } else if (is_one_of(name, paged)) {
        pn_found(f, PN_FINDING_INFO, "%s", name);
    } else {
        pn_found(f, PN_FINDING_WARN, "%s", name);
    }
}

/* The errors are told apart because each has another way out. */
void pn_check_pmu(const struct pn_machine_files *m, struct pn_finding *f) {
    if (m->root[0] != '\0') {
        pn_not_offered(f, "only the machine itself can be asked");
        return;
    }
    struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
                                   .size = sizeof attr,
                                   .config = PERF_COUNT_HW_CPU_CYCLES,
                                   .disabled = 1,
                                   .exclude_kernel = 1,
                                   .exclude_hv = 1};
    int fd = (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
    int error = errno;
    if (fd >= 0) {
        (void)close(fd);
        pn_found(f, PN_FINDING_OK, "cycles can be counted");
        return;
    }
    const char *cause = error == ENOENT || error == EOPNOTSUPP || error == ENODEV
                            ? "no counters in this (virtual) machine"
                        : error == EACCES || error == EPERM
                            ? "not permitted: perf_event_paranoid or a sandbox"
                        : error == ENOSYS ? "this kernel has no perf events"
                                          : strerror(error);
    pn_found(f, PN_FINDING_INFO, "%s", cause);
}
