/* SPDX-License-Identifier: MIT */
#include "runtime/slab.h"

#include <stdlib.h>

#if defined(PN_EXPLORE)

/* The explorer watches each segment as an allocation of its own. */
void *pn_xp_alloc(size_t bytes);
void pn_xp_free(void *block);

struct pn_slab *pn_slab_map(struct pn_os_node node, unsigned n) {
    (void)node;
    struct pn_slab *slab = pn_xp_alloc(sizeof *slab);
    *slab = (struct pn_slab){.n = n, .first = pn_xp_alloc(sizeof(struct pn_segment))};
    return slab;
}

void pn_slab_unmap(struct pn_slab *slab) {
    pn_xp_free(slab->first);
    pn_xp_free(slab);
}

#else

struct pn_slab *pn_slab_map(struct pn_os_node node, unsigned n) {
    struct pn_slab *slab = calloc(1, sizeof *slab);
    if (slab == NULL) {
        return NULL;
    }
    slab->n = n;
    if (pn_map_create(&slab->map, slab->n * sizeof(struct pn_segment), PN_MEM_LOCAL, node, false) !=
        0) {
        free(slab);
        return NULL;
    }
    /* A queue that grows does so in the steady state: one system call instead of a fault per page.
     */
    pn_map_populate(&slab->map);
    slab->bytes = slab->map.bytes;
    slab->first = slab->map.base;
    return slab;
}

void pn_slab_unmap(struct pn_slab *slab) {
    pn_map_destroy(&slab->map);
    free(slab);
}

#endif
