/* SPDX-License-Identifier: MIT
 *
 * What the checks read: files of /proc and /sys, below a root of their choice.
 */
#ifndef PN_MACHINE_FILES_H
#define PN_MACHINE_FILES_H

#include <pinion/finding.h>
#include <pinion/topology.h>

/* Two looks at the first lines of /proc/stat, in clock ticks since boot, summed over CPUs. */
struct pn_ticks_seen {
    uint64_t total, steal;
    uint64_t running; /* tasks that run or want to, the reader among them */
};

struct pn_machine_files {
    const char *root;
    const struct pn_topology *topo; /* NULL if unknown */
    int stat_error;                 /* 0, or the -errno of /proc/stat */
    struct pn_ticks_seen before, after;
};

/**
 * The file's text without the final newline.
 * \param path  begins with '/', below the root
 * \return 0; -errno; -EFBIG if cap is too small (text is filled all the same)
 */
int pn_file_read(const struct pn_machine_files *m, const char *path, char *text, size_t cap);

/** A decimal number. \return 0; -errno; -EINVAL other text */
int pn_file_number(const struct pn_machine_files *m, const char *path, uint64_t *out);

/** A CPU list. \param out owned by the caller (free) \return 0; -errno; -EINVAL */
int pn_file_cpus(const struct pn_machine_files *m, const char *path, struct pn_os_cpu **out,
                 unsigned *n);

/** CPUs that this process may use. Same contract. */
int pn_allowed_cpus(const struct pn_machine_files *m, struct pn_os_cpu **out, unsigned *n);

/** Memory nodes that this process may use, in the form of a CPU list. Same contract. */
int pn_allowed_nodes(const struct pn_machine_files *m, struct pn_os_cpu **out, unsigned *n);

/** Look at /proc/stat twice, 200 ms apart. */
void pn_files_watch(struct pn_machine_files *m);

/** Status and value of a finding. */
void pn_found(struct pn_finding *f, enum pn_finding_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Could not look: "<source>: <strerror>". */
void pn_not_read(struct pn_finding *f, int error);

/** Could not look, for a reason of its own. */
void pn_not_offered(struct pn_finding *f, const char *reason);

/* A check fills status, value and reason; the table has filled the rest. */
typedef void pn_check_fn(const struct pn_machine_files *m, struct pn_finding *f);

/* check_host.c */
pn_check_fn pn_check_hypervisor, pn_check_steal, pn_check_cpuset, pn_check_quota, pn_check_isolated;
/* check_cpu.c */
pn_check_fn pn_check_smt, pn_check_governor, pn_check_turbo, pn_check_clock, pn_check_pmu;
/* check_memory.c */
pn_check_fn pn_check_thp, pn_check_numa_balancing, pn_check_node_sum;
/* check_nodes.c */
pn_check_fn pn_check_nodes, pn_check_free, pn_check_libnuma, pn_check_distances;
/* check_load.c */
pn_check_fn pn_check_loadavg, pn_check_runnable, pn_check_pressure;

#endif
