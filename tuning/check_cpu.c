/* SPDX-License-Identifier: MIT
 *
 * What makes one core as fast as another, and as fast as it was a second ago.
 */
#include "machine_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void pn_check_governor(const struct pn_machine_files *m, struct pn_finding *f) {
    struct pn_os_cpu *cpus = NULL;
    unsigned n = 0;
    char first[64] = "";
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
        pn_found(f, PN_FINDING_WARN, "%s on %u of %u CPUs", first, slow, seen);
    } else {
        pn_found(f, PN_FINDING_OK, "%s on %u CPUs", first, seen);
    }
}

/* The two drivers say it with opposite signs. */
void pn_check_turbo(const struct pn_machine_files *m, struct pn_finding *f) {
    uint64_t value = 0;
    bool on = false;
    if (pn_file_number(m, "/sys/devices/system/cpu/intel_pstate/no_turbo", &value) == 0) {
        on = value == 0;
    } else if (pn_file_number(m, "/sys/devices/system/cpu/cpufreq/boost", &value) == 0) {
        on = value != 0;
    } else {
        pn_not_offered(f, "neither intel_pstate/no_turbo nor cpufreq/boost exists here");
        return;
    }
    pn_found(f, on ? PN_FINDING_INFO : PN_FINDING_OK, on ? "on" : "off");
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
