/* SPDX-License-Identifier: MIT
 *
 * What a machine looks like: packages, memory nodes, physical cores, logical CPUs (PUs), last-level
 * caches, distances. Immutable once loaded; any thread may read it.
 *
 * Source: the live machine, an hwloc v2 XML file, or a synthetic string, all through the helper
 * executable `pinion-topo`, because hwloc can crash on malformed XML and under failed allocation.
 *
 * Errors: 0 or -errno; *err gets one line (what, where, what to do) and may be NULL.
 */
#ifndef PINION_TOPOLOGY_H
#define PINION_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* OS indices and positions in our arrays are different types, so that one is never taken for the
 * other. -1 in either means "none". */
struct pn_os_cpu {
    int id;
};
struct pn_os_node {
    int id;
};

struct pn_error {
    char text[512];
};

struct pn_topo_node {
    struct pn_os_node os;
    uint64_t memory_bytes; /* 0 = the node has none, unless memory_known is false */
    bool memory_known;     /* false where the source gives no memory on any node */
    bool cpuless;          /* memory only, such as CXL, HBM beside DRAM, a GPU's */
    bool allowed;          /* the cgroup's cpuset lets this process use it */
};

struct pn_topo_core {
    const struct pn_os_cpu *pus; /* [n_pus] ascending, all of them, allowed or not */
    unsigned n_pus;
    int home;       /* position in nodes[] of the node it sits on, with memory or not, -1 = none */
    int node;       /* position in nodes[] of the nearest allowed one with memory, -1 = unknown */
    int llc;        /* logical id of the last-level cache, -1 = unknown */
    int package;    /* logical id, -1 = unknown */
    int kind;       /* rises with speed on a hybrid machine, -1 = all alike, as far as is known */
    unsigned place; /* rank in the order in which cores that share most are neighbours */
    bool pu_as_core;
};

enum pn_distance_source { PN_DISTANCE_NONE, PN_DISTANCE_HWLOC, PN_DISTANCE_SLIT };

struct pn_topology {
    unsigned n_packages;
    unsigned n_nodes;
    unsigned n_cores;
    unsigned n_llcs;
    const struct pn_topo_node *nodes; /* ascending OS index */
    const struct pn_topo_core *cores; /* ascending first PU */
    const struct pn_os_cpu *pus;      /* what cores[].pus point into */
    const struct pn_os_cpu *allowed;  /* [n_allowed] affinity and cgroup cpuset, ascending */
    unsigned n_allowed;
    enum pn_distance_source distance_source;
    const unsigned *distances; /* [n_nodes * n_nodes] row = from, 0 = not said; or NULL */
    bool live;                 /* this machine, now; false for XML and synthetic */
};

/**
 * Load a topology.
 *
 * \param input  NULL: this machine. "synthetic:DESC": an hwloc synthetic string. Else an XML file.
 * \param out    owned by the caller, pn_topology_destroy
 * \return 0; -EINVAL malformed, and a file on which the helper died or answered nonsense;
 *         -EFBIG over 64 MiB; -ENOENT, -EACCES; -ENOEXEC helper not found; -EPROTO the helper died
 *         or answered nonsense on this machine, or not within 30 s; -ENOMEM. *out is untouched
 * \threads any; SIGCHLD may be ignored or handled by the host
 * \cost one process, one pipe: 5-10 ms, also for 384 PUs
 */
int pn_topology_load(const char *input, struct pn_topology **out, struct pn_error *err);

/** NULL is allowed. */
void pn_topology_destroy(struct pn_topology *topo);

/**
 * Write this machine as an hwloc v2 XML file that pn_topology_load and lstopo read. A regular file
 * is replaced whole or not at all; a pipe or device is written into.
 *
 * \return 0; the -errno of the path (-EACCES, -ENOENT, -ENOSPC, ...); -ENOEXEC, -EPROTO, -ENOMEM
 */
int pn_topology_capture(const char *path, struct pn_error *err);

/**
 * Ask libnuma for the same distances, as two readers of one table must agree.
 *
 * \param text  [cap] receives the first pair on which they differ; "" if none
 * \return the number of ordered pairs that differ; -ENODATA not this machine, one node or no
 * matrix; -ENOSYS this kernel has no NUMA
 */
int pn_topology_distances_check(const struct pn_topology *topo, char *text, size_t cap);

/**
 * Ask libnuma for the same memory sizes.
 *
 * \param text  [cap] receives the first node on which they differ by over 5 %; "" if none
 * \return the number of nodes that differ; -ENODATA not this machine, or sizes unknown; -ENOSYS
 */
int pn_topology_nodes_check(const struct pn_topology *topo, char *text, size_t cap);

/* Distance between two nodes (SLIT units, 10 = local), 10 where equal, 0 where unknown. */
unsigned pn_topology_distance(const struct pn_topology *topo, int node_a, int node_b);

#endif
