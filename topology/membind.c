/* SPDX-License-Identifier: MIT
 *
 * Mappings with a home, and the kernel's word on where their pages are. The audit asks page by
 * page: /proc/self/numa_maps cannot tell neighbours of one policy apart, the kernel merges them.
 */
#include <pinion/placement.h>

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Bit n_bits of a mask is never set: the kernel takes maxnode as one more than it reads. */
static int bind_to(void *base, size_t bytes, int mode, const struct bitmask *nodes) {
    return mbind(base, bytes, mode, nodes->maskp, nodes->size + 1, 0) == 0 ? 0 : -errno;
}

static int bind_local(void *base, size_t bytes, struct pn_os_node node) {
    struct bitmask *mask = numa_allocate_nodemask();
    if (mask == NULL) {
        return -ENOMEM;
    }
    int rc = -ERANGE;
    if (node.id >= 0 && (unsigned long)node.id < mask->size) {
        numa_bitmask_setbit(mask, (unsigned)node.id);
        rc = bind_to(base, bytes, MPOL_BIND, mask);
    }
    numa_bitmask_free(mask);
    return rc;
}

static int bind_policy(void *base, size_t bytes, enum pn_mem_policy policy,
                       struct pn_os_node node) {
    if (numa_available() < 0) {
        return -ENOSYS;
    }
    if (policy == PN_MEM_INTERLEAVE) {
        /* Nodes with memory that this process may use. */
        return bind_to(base, bytes, MPOL_INTERLEAVE, numa_all_nodes_ptr);
    }
    return node.id < 0 ? 0 : bind_local(base, bytes, node);
}

int pn_map_create(struct pn_map *map, size_t bytes, enum pn_mem_policy policy,
                  struct pn_os_node node, bool huge) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (bytes == 0 || bytes > SIZE_MAX - page) {
        return -EINVAL;
    }
    bytes = (bytes + page - 1) & ~(page - 1);
    void *base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return -errno;
    }
    map->base = base;
    map->bytes = bytes;
    map->bound = policy == PN_MEM_MALLOC ? 0 : bind_policy(base, bytes, policy, node);
    if (huge) {
        /* Refused where THP is off; pages are then small, which the audit shows. */
        (void)madvise(base, bytes, MADV_HUGEPAGE);
    }
    return 0;
}

void pn_map_populate(const struct pn_map *map) {
#if defined(MADV_POPULATE_WRITE)
    (void)madvise(map->base, map->bytes, MADV_POPULATE_WRITE);
#else
    enum { POPULATE_WRITE = 23 }; /* older headers; the kernel may know it all the same */
    (void)madvise(map->base, map->bytes, POPULATE_WRITE);
#endif
}

void pn_map_destroy(struct pn_map *map) {
    if (map->base != NULL) {
        (void)munmap(map->base, map->bytes);
        memset(map, 0, sizeof *map);
    }
}

void pn_map_audit(const struct pn_map *map, struct pn_os_node node, struct pn_audit *audit) {
    enum { BATCH = 1024 };
    void *pages[BATCH];
    int where[BATCH];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t total = map->bytes / page;
    for (size_t done = 0; done < total && audit->error == 0;) {
        size_t n = total - done < BATCH ? total - done : BATCH;
        for (size_t i = 0; i < n; i++) {
            pages[i] = (char *)map->base + (done + i) * page;
        }
        if (move_pages(0, n, pages, NULL, where, 0) != 0) {
            audit->error = -errno;
            return;
        }
        for (size_t i = 0; i < n; i++) {
            audit->pages++;
            /* Not touched: -ENOENT on Linux 6.18, -EFAULT on 6.1; a zero page is -EFAULT. */
            bool absent = where[i] == -ENOENT || where[i] == -EFAULT;
            audit->absent += absent;
            if (where[i] < 0 && !absent) {
                audit->error = where[i];
            }
            audit->expected += where[i] >= 0 && (node.id < 0 || where[i] == node.id);
            audit->elsewhere += where[i] >= 0 && node.id >= 0 && where[i] != node.id;
        }
        done += n;
    }
}
