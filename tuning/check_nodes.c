/* SPDX-License-Identifier: MIT
 *
 * The memory nodes: which have memory, how much of it is free, and whether two libraries read the
 * same of them.
 */
#include "machine_files.h"

#include <errno.h>
#include <pinion/cpulist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES "/sys/devices/system/node/"

/* Nodes with CPUs and without memory: their cores use a neighbour's. Memory without CPUs (CXL, HBM,
 * a GPU's) is nobody's own. Programs that take node 0 for granted fail where it is missing. */
void pn_check_nodes(const struct pn_machine_files *m, struct pn_finding *f) {
    struct pn_os_cpu *memory = NULL;
    struct pn_os_cpu *cpu = NULL;
    unsigned n_memory = 0;
    unsigned n_cpu = 0;
    int rc = pn_file_cpus(m, NODES "has_memory", &memory, &n_memory);
    if (rc == 0) {
        rc = pn_file_cpus(m, NODES "has_cpu", &cpu, &n_cpu);
    }
    if (rc == -ENOENT) {
        pn_not_offered(f, "this kernel has no NUMA nodes");
    } else if (rc != 0) {
        pn_not_read(f, rc);
    } else {
        unsigned memless = 0;
        unsigned cpuless = 0;
        for (unsigned i = 0; i < n_cpu; i++) {
            memless += !pn_cpulist_has(memory, n_memory, cpu[i]);
        }
        for (unsigned i = 0; i < n_memory; i++) {
            cpuless += !pn_cpulist_has(cpu, n_cpu, memory[i]);
        }
        char list[48];
        pn_cpulist_print(memory, n_memory, list, sizeof list);
        pn_found(f,
                 memless > 0                                          ? PN_FINDING_WARN
                 : cpuless > 0 || (n_memory > 0 && memory[0].id != 0) ? PN_FINDING_INFO
                                                                      : PN_FINDING_OK,
                 "memory on %s; %u with CPUs but none, %u with memory only", list, memless,
                 cpuless);
    }
    free(memory);
    free(cpu);
}

static uint64_t field_kb(const char *text, const char *label) {
    const char *at = strstr(text, label);
    return at == NULL ? 0 : strtoull(at + strlen(label), NULL, 10);
}

/* The page cache gives way to a bound mapping; what others have mapped does not. */
static int available_kb(const struct pn_machine_files *m, struct pn_os_cpu node, uint64_t *kb) {
    char path[96];
    char text[8192];
    (void)snprintf(path, sizeof path, NODES "node%d/meminfo", node.id);
    int rc = pn_file_read(m, path, text, sizeof text);
    if (rc == 0 && strstr(text, " MemFree:") == NULL) {
        rc = -EINVAL;
    }
    *kb = field_kb(text, " MemFree:") + field_kb(text, " Inactive(file):") +
          field_kb(text, " Active(file):");
    return rc;
}

void pn_check_free(const struct pn_machine_files *m, struct pn_finding *f) {
    /* A survey's largest slots take about 100 MiB in all. */
    static const uint64_t enough_kb = 256 << 10;
    struct pn_os_cpu *nodes = NULL;
    unsigned n = 0;
    uint64_t least_kb = UINT64_MAX;
    int least_node = -1;
    int rc = pn_file_cpus(m, NODES "has_memory", &nodes, &n);
    for (unsigned i = 0; rc == 0 && i < n; i++) {
        uint64_t kb = 0;
        rc = available_kb(m, nodes[i], &kb);
        if (kb < least_kb) {
            least_kb = kb;
            least_node = nodes[i].id;
        }
    }
    free(nodes);
    if (rc == -ENOENT || (rc == 0 && n == 0)) {
        pn_not_offered(f, "this kernel has no NUMA nodes");
    } else if (rc != 0) {
        pn_not_read(f, rc);
    } else {
        pn_found(f, least_kb < enough_kb ? PN_FINDING_WARN : PN_FINDING_OK,
                 "%.0f MiB free or page cache on node %d, the least of %u", (double)least_kb / 1024,
                 least_node, n);
    }
}

static bool is_this_machine(const struct pn_machine_files *m, struct pn_finding *f) {
    if (m->topo == NULL || m->root[0] != '\0') {
        pn_not_offered(f, "no topology of this machine was given");
        return false;
    }
    return true;
}

void pn_check_libnuma(const struct pn_machine_files *m, struct pn_finding *f) {
    char text[96];
    if (!is_this_machine(m, f)) {
        return;
    }
    int differ = pn_topology_nodes_check(m->topo, text, sizeof text);
    if (differ < 0) {
        pn_not_offered(f, differ == -ENODATA ? "hwloc knows no node with memory"
                                             : "this kernel has no NUMA interface");
    } else {
        pn_found(f, differ == 0 ? PN_FINDING_OK : PN_FINDING_WARN, "%d of %u nodes differ%s%s",
                 differ, m->topo->n_nodes, differ == 0 ? "" : "; ", text);
    }
}

void pn_check_distances(const struct pn_machine_files *m, struct pn_finding *f) {
    char text[96];
    if (!is_this_machine(m, f)) {
        return;
    }
    int differ = pn_topology_distances_check(m->topo, text, sizeof text);
    if (differ == -ENODATA) {
        pn_not_offered(f, m->topo->n_nodes < 2 ? "one memory node has no distances"
                                               : "the firmware gives no distances");
    } else if (differ < 0) {
        pn_not_offered(f, "this kernel has no NUMA interface");
    } else {
        pn_found(f, differ == 0 ? PN_FINDING_OK : PN_FINDING_WARN, "%d pairs differ%s%s", differ,
                 differ == 0 ? "" : "; ", text);
    }
}
