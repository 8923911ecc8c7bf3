/* SPDX-License-Identifier: MIT
 *
 * Put a thread on a CPU and memory on a node, and prove it: bind, read back, audit.
 * Permission may be missing (containers): every call says so by -EPERM or -ENOSYS and changes
 * nothing; the caller degrades loudly and marks its result.
 */
#ifndef PINION_PLACEMENT_H
#define PINION_PLACEMENT_H

#include <pinion/topology.h>

/**
 * Pin the calling thread to one CPU and read the mask back.
 * \return 0; -EPERM, -EINVAL (CPU not allowed), -ENOSYS; -EXDEV the mask read back differs
 * \threads any, acts on the caller
 */
int pn_pin_self(struct pn_os_cpu cpu);

/** True while the calling thread's mask is exactly this CPU and it runs there. One system call. */
bool pn_pin_holds(struct pn_os_cpu cpu);

struct pn_mask;
/**
 * Move the calling thread onto these CPUs, for a child that is started next and inherits them.
 * \param before  receives what pn_mask_leave puts back; owned by the caller
 * \return 0; -errno, and nothing has changed
 */
int pn_mask_enter(const struct pn_os_cpu *cpus, unsigned n, struct pn_mask **before);
/** NULL is allowed. */
void pn_mask_leave(struct pn_mask *before);

/**
 * Look from outside whether a thread of this process is still pinned to this CPU. Masks change
 * behind a thread's back: the CPU goes offline, its cgroup gets another cpuset, somebody calls
 * taskset.
 * \param tid  as of gettid; 0 is the caller
 * \return 0; -EXDEV the mask is another one; -ESRCH, -EPERM, -ENOMEM nothing is known
 * \cost one system call
 */
int pn_pin_check(int tid, struct pn_os_cpu cpu);

enum pn_mem_policy { PN_MEM_LOCAL, PN_MEM_MALLOC, PN_MEM_INTERLEAVE, PN_MEM_REMOTE };

struct pn_map {
    void *base;
    size_t bytes;
    int bound; /* 0 = bound as asked; else the -errno that mbind gave (first touch then decides) */
};

/**
 * Map zeroed memory, page aligned, bound to a node (PN_MEM_LOCAL) or spread over all nodes with
 * memory (PN_MEM_INTERLEAVE). Not yet touched: the thread that will use it touches it.
 * A failed mbind is not a failed map: see pn_map.bound.
 * \param huge  ask for transparent huge pages by madvise
 */
int pn_map_create(struct pn_map *map, size_t bytes, enum pn_mem_policy policy,
                  struct pn_os_node node, bool huge);
/** Fault every page in now, where policy or the calling thread puts it: one system call instead of
 * a fault per page later. Without kernel support (before 5.14) pages come as they are touched. */
void pn_map_populate(const struct pn_map *map);
void pn_map_destroy(struct pn_map *map);

struct pn_audit {
    uint64_t pages;    /* asked about */
    uint64_t expected; /* on the node they were bound to */
    uint64_t elsewhere;
    uint64_t absent; /* not present yet */
    int error;       /* 0, or the -errno of move_pages or of a page: the counts are then unknown */
};

/** Ask the kernel where the pages are (move_pages without moving). Adds to *audit. */
void pn_map_audit(const struct pn_map *map, struct pn_os_node node, struct pn_audit *audit);

/**
 * Lock a core against other runs: flock on its own sysfs directory. Ends with the process.
 * \param lock  receives a descriptor to close
 * \return 0; -EWOULDBLOCK another run holds it; -ENOENT no such directory
 */
int pn_core_lock(struct pn_os_cpu cpu, int *lock);

#endif
