/* SPDX-License-Identifier: MIT
 *
 * Below us and around us: the hypervisor, and what the container leaves of the machine.
 */
#include "machine_files.h"

#include <errno.h>
#include <pinion/cgroup.h>
#include <pinion/cpulist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pn_check_hypervisor(const struct pn_machine_files *m, struct pn_finding *f) {
    char text[8192]; /* the first processor's lines are enough */
    int rc = pn_file_read(m, "/proc/cpuinfo", text, sizeof text);
    if (rc != 0 && rc != -EFBIG) {
        pn_not_read(f, rc);
        return;
    }
    char *flags = strstr(text, "\nflags");
    if (flags == NULL) {
        pn_not_offered(f, "this architecture has no such flag");
        return;
    }
    flags++;
    flags[strcspn(flags, "\n")] = '\0';
    if (strstr(flags, " hypervisor") != NULL) {
        pn_found(f, PN_FINDING_INFO, "virtual machine");
    } else {
        pn_found(f, PN_FINDING_OK, "bare metal, or a hypervisor that hides");
    }
}

/* One tick in the window may be chance; the rates are those that spoil a comparison of 2 %. */
void pn_check_steal(const struct pn_machine_files *m, struct pn_finding *f) {
    static const double warn_pct = 0.5;
    static const double fail_pct = 2.0;
    if (m->stat_error != 0) {
        pn_not_read(f, m->stat_error);
        return;
    }
    uint64_t total = m->after.total - m->before.total;
    uint64_t steal = m->after.steal - m->before.steal;
    if (m->after.total <= m->before.total || m->after.steal < m->before.steal) {
        pn_not_offered(f, "the counters of /proc/stat stood still for 200 ms");
        return;
    }
    double pct = 100.0 * (double)steal / (double)total;
    enum pn_finding_status status = PN_FINDING_OK;
    if (steal >= 4 && pct > fail_pct) {
        status = PN_FINDING_FAIL;
    } else if (steal >= 2 && pct > warn_pct) {
        status = PN_FINDING_WARN;
    } else if (steal > 0) {
        status = PN_FINDING_INFO;
    }
    pn_found(f, status, "%.1f %% (%llu of %llu ticks in 200 ms)", pct, (unsigned long long)steal,
             (unsigned long long)total);
}

struct share {
    unsigned all, missing;
    char list[32];
};

static unsigned missing_from(const struct pn_os_cpu *in, unsigned n_in, const struct pn_os_cpu *of,
                             unsigned n_of) {
    unsigned n = 0;
    for (unsigned i = 0; i < n_of; i++) {
        n += !pn_cpulist_has(in, n_in, of[i]);
    }
    return n;
}

/* How many of `of` are in `in`; unknown lists count as whole. */
static int compare_lists(const struct pn_machine_files *m,
                         int (*allowed)(const struct pn_machine_files *, struct pn_os_cpu **,
                                        unsigned *),
                         const char *all_path, struct share *s) {
    struct pn_os_cpu *in = NULL;
    struct pn_os_cpu *of = NULL;
    unsigned n_in = 0;
    int rc = allowed(m, &in, &n_in);
    if (rc == 0) {
        rc = pn_file_cpus(m, all_path, &of, &s->all);
    }
    if (rc == 0) {
        s->missing = missing_from(in, n_in, of, s->all);
        pn_cpulist_print(in, n_in, s->list, sizeof s->list);
    }
    free(in);
    free(of);
    return rc;
}

void pn_check_cpuset(const struct pn_machine_files *m, struct pn_finding *f) {
    struct share cpus = {.all = 0};
    struct share nodes = {.all = 0};
    int rc = compare_lists(m, pn_allowed_cpus, "/sys/devices/system/cpu/online", &cpus);
    if (rc != 0) {
        pn_not_read(f, rc);
        return;
    }
    char memory[80] = "";
    /* A kernel without NUMA names no nodes. */
    if (compare_lists(m, pn_allowed_nodes, "/sys/devices/system/node/has_memory", &nodes) == 0) {
        (void)snprintf(memory, sizeof memory, "; memory nodes %s: %u of %u", nodes.list,
                       nodes.all - nodes.missing, nodes.all);
    }
    pn_found(f, cpus.missing + nodes.missing == 0 ? PN_FINDING_OK : PN_FINDING_WARN,
             "CPUs %s: %u of %u online%s", cpus.list, cpus.all - cpus.missing, cpus.all, memory);
}

void pn_check_quota(const struct pn_machine_files *m, struct pn_finding *f) {
    struct pn_os_cpu *allowed = NULL;
    unsigned n_allowed = 0;
    double quota = pn_cpu_quota(m->root);
    int rc = quota < 0 ? (int)quota : pn_allowed_cpus(m, &allowed, &n_allowed);
    if (rc != 0) {
        pn_not_read(f, rc);
    } else if (quota > 0) {
        pn_found(f, quota < n_allowed ? PN_FINDING_WARN : PN_FINDING_INFO,
                 "%.2f CPUs of time for %u CPUs", quota, n_allowed);
    } else {
        pn_found(f, PN_FINDING_OK, "none");
    }
    free(allowed);
}

void pn_check_isolated(const struct pn_machine_files *m, struct pn_finding *f) {
    struct pn_os_cpu *isolated = NULL;
    struct pn_os_cpu *allowed = NULL;
    unsigned n_isolated = 0;
    unsigned n_allowed = 0;
    char text[64];
    int rc = pn_file_cpus(m, "/sys/devices/system/cpu/isolated", &isolated, &n_isolated);
    if (rc == 0) {
        rc = pn_allowed_cpus(m, &allowed, &n_allowed);
    }
    if (rc != 0) {
        pn_not_read(f, rc);
    } else if (n_isolated == 0) {
        pn_found(f, PN_FINDING_OK, "none isolated");
    } else {
        unsigned outside = missing_from(allowed, n_allowed, isolated, n_isolated);
        pn_cpulist_print(isolated, n_isolated, text, sizeof text);
        pn_found(f, outside > 0 ? PN_FINDING_WARN : PN_FINDING_INFO,
                 "CPUs %s isolated, %u outside of the mask", text, outside);
    }
    free(isolated);
    free(allowed);
}
