/* SPDX-License-Identifier: MIT
 *
 * Where pages are, how large they are, and who moves them behind our back.
 */
#include "machine_files.h"

#include <errno.h>
#include <pinion/cpulist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pn_check_thp(const struct pn_machine_files *m, struct pn_finding *f) {
    char text[128];
    int rc = pn_file_read(m, "/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof text);
    if (rc != 0) {
        pn_not_read(f, rc);
        return;
    }
    char *from = strchr(text, '[');
    char *to = from == NULL ? NULL : strchr(from, ']');
    if (to == NULL) {
        pn_not_read(f, -EINVAL);
        return;
    }
    *to = '\0';
    pn_found(f, strcmp(from + 1, "never") == 0 ? PN_FINDING_INFO : PN_FINDING_OK, "%s", from + 1);
}

/* Nodes with memory, in the form of a CPU list. */
static int memory_nodes(const struct pn_machine_files *m, struct pn_os_cpu **out, unsigned *n) {
    return pn_file_cpus(m, "/sys/devices/system/node/has_memory", out, n);
}

void pn_check_numa_balancing(const struct pn_machine_files *m, struct pn_finding *f) {
    uint64_t mode = 0;
    int rc = pn_file_number(m, "/proc/sys/kernel/numa_balancing", &mode);
    if (rc == -ENOENT) {
        pn_not_offered(f, "this kernel has no NUMA balancing");
        return;
    }
    if (rc != 0) {
        pn_not_read(f, rc);
        return;
    }
    struct pn_os_cpu *nodes = NULL;
    unsigned n = 0;
    (void)memory_nodes(m, &nodes, &n);
    free(nodes);
    if (mode == 0) {
        pn_found(f, PN_FINDING_OK, "0 (off)");
    } else {
        pn_found(f, n == 1 ? PN_FINDING_INFO : PN_FINDING_WARN, "%llu (on)%s",
                 (unsigned long long)mode, n == 1 ? ", with one node" : "");
    }
}

/* "[Node 0 ]MemTotal:  5204180 kB" */
static int mem_total_kb(const struct pn_machine_files *m, const char *path, uint64_t *kb) {
    static const char label[] = "MemTotal:";
    char text[512]; /* it stands in the first line */
    int rc = pn_file_read(m, path, text, sizeof text);
    if (rc != 0 && rc != -EFBIG) {
        return rc;
    }
    const char *at = strstr(text, label);
    if (at == NULL) {
        return -EINVAL;
    }
    char *end = NULL;
    *kb = strtoull(at + sizeof label - 1, &end, 10);
    return end == at + sizeof label - 1 ? -EINVAL : 0;
}

static int sum_of_nodes(const struct pn_machine_files *m, uint64_t *sum_kb, unsigned *n) {
    struct pn_os_cpu *nodes = NULL;
    int rc = memory_nodes(m, &nodes, n);
    *sum_kb = 0;
    for (unsigned i = 0; rc == 0 && i < *n; i++) {
        char path[96];
        uint64_t kb = 0;
        (void)snprintf(path, sizeof path, "/sys/devices/system/node/node%d/meminfo", nodes[i].id);
        rc = mem_total_kb(m, path, &kb);
        *sum_kb += kb;
    }
    free(nodes);
    return rc;
}

void pn_check_node_sum(const struct pn_machine_files *m, struct pn_finding *f) {
    static const double allowed_pct = 10;
    static const double kb_per_gib = 1024.0 * 1024;
    uint64_t all_kb = 0;
    uint64_t sum_kb = 0;
    unsigned n = 0;
    int rc = mem_total_kb(m, "/proc/meminfo", &all_kb);
    if (rc == 0) {
        rc = sum_of_nodes(m, &sum_kb, &n);
    }
    if (rc == 0 && all_kb == 0) {
        rc = -EINVAL;
    }
    if (rc != 0) {
        pn_not_read(f, rc);
        return;
    }
    double apart = 100.0 * ((double)sum_kb / (double)all_kb - 1);
    bool fits = apart <= allowed_pct && apart >= -allowed_pct;
    pn_found(f, fits ? PN_FINDING_OK : PN_FINDING_WARN,
             "%.1f GiB on %u node%s, MemTotal %.1f GiB (%+.0f %%)", (double)sum_kb / kb_per_gib, n,
             n == 1 ? "" : "s", (double)all_kb / kb_per_gib, apart);
}
