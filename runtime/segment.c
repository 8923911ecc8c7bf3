/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   G1  put (release) -> take-all in get (acquire): the segment's last user is done with it. For a
 *       retired one the grace period has already ordered that; the edge carries free_next.
 */
#include "runtime/segment.h"

#include <stdlib.h>
#include <string.h>

struct pn_slab {
    struct pn_slab *next;
    struct pn_map map;
};

#if defined(PN_EXPLORE)

/* The explorer watches each segment as an allocation of its own. */
void *pn_xp_alloc(size_t bytes);
void pn_xp_free(void *block);

static struct pn_segment *map_slab(struct pn_segment_pool *pool) {
    struct pn_segment *s = pn_xp_alloc(sizeof *s);
    (void)pn_faa_rlx(&pool->made, 1); /* relaxed: a statistic */
    s->free_next = NULL;
    return s;
}

static void unmap_slabs(struct pn_segment_pool *pool) {
    for (struct pn_segment *s = pn_xchg_acqrel(&pool->free, NULL); s != NULL;) {
        struct pn_segment *next = s->free_next;
        pn_xp_free(s);
        s = next;
    }
}

#else

/* Map PN_SLAB_SEGMENTS and hand all of them to the caller as a chain. */
static struct pn_segment *map_slab(struct pn_segment_pool *pool) {
    struct pn_slab *slab = malloc(sizeof *slab);
    if (slab == NULL) {
        return NULL;
    }
    size_t bytes = PN_SLAB_SEGMENTS * sizeof(struct pn_segment);
    if (pn_map_create(&slab->map, bytes, PN_MEM_LOCAL, pool->node, false) != 0) {
        free(slab);
        return NULL;
    }
    /* A queue that grows does so in the steady state; then a fault per page is what would be seen.
     */
    pn_map_populate(&slab->map);
    /* relaxed: a guess. */
    slab->next = pn_load_rlx(&pool->slabs);
    while (!pn_cas_weak_rel(&pool->slabs, &slab->next, slab)) {
    }
    /* relaxed: statistics. */
    (void)pn_faa_rlx(&pool->made, PN_SLAB_SEGMENTS);
    (void)pn_faa_rlx(&pool->mapped_bytes, slab->map.bytes);
    struct pn_segment *segments = slab->map.base;
    for (unsigned i = 0; i + 1 < PN_SLAB_SEGMENTS; i++) {
        segments[i].free_next = &segments[i + 1];
    }
    segments[PN_SLAB_SEGMENTS - 1].free_next = NULL;
    return segments;
}

static void unmap_slabs(struct pn_segment_pool *pool) {
    for (struct pn_slab *slab = pn_load_acq(&pool->slabs); slab != NULL;) {
        struct pn_slab *next = slab->next;
        pn_map_destroy(&slab->map);
        free(slab);
        slab = next;
    }
}

#endif

void pn_segment_pool_init(struct pn_segment_pool *pool, struct pn_os_node node) {
    pn_atomic_init(&pool->free, NULL);
    pn_atomic_init(&pool->slabs, NULL);
    pn_atomic_init(&pool->made, 0);
    pn_atomic_init(&pool->recycled, 0);
    pn_atomic_init(&pool->mapped_bytes, 0);
    pool->node = node;
}

void pn_segment_pool_fini(struct pn_segment_pool *pool) {
    unmap_slabs(pool);
}

void pn_segment_put(struct pn_segment_pool *pool, struct pn_segment *first) {
    if (first == NULL) {
        return;
    }
    struct pn_segment *last = first;
    while (last->free_next != NULL) {
        last = last->free_next;
    }
    /* relaxed: a guess. */
    struct pn_segment *top = pn_load_rlx(&pool->free);
    do {
        last->free_next = top;
        /* G1 release: pairs with the exchange in pn_segment_get. */
    } while (!pn_cas_weak_acqrel(&pool->free, &top, first));
}

/* Keep a few of a long chain; a port that hoards makes the others map more. */
static void keep_some(struct pn_segment_pool *pool, struct pn_segment *chain) {
    enum { KEEP = 8 };
    struct pn_segment *last = chain;
    for (unsigned i = 1; i < KEEP && last->free_next != NULL; i++) {
        last = last->free_next;
    }
    struct pn_segment *rest = last->free_next;
    last->free_next = NULL;
    pn_segment_put(pool, rest);
}

struct pn_segment *pn_segment_get(struct pn_segment_pool *pool, struct pn_segment **keep) {
    if (*keep == NULL) {
        /* G1 acquire: pairs with the push in pn_segment_put. relaxed: a first look. */
        if (pn_load_rlx(&pool->free) != NULL) {
            *keep = pn_xchg_acqrel(&pool->free, NULL);
        }
        if (*keep == NULL) {
            *keep = map_slab(pool);
        }
        if (*keep == NULL) {
            return NULL;
        }
        keep_some(pool, *keep);
    }
    struct pn_segment *s = *keep;
    *keep = s->free_next;
    s->free_next = NULL;
    for (unsigned i = 0; i < PN_SEGMENT_CELLS; i++) {
        pn_atomic_init(&s->cell[i], NULL);
    }
    pn_atomic_init(&s->enq, 0);
    pn_atomic_init(&s->deq, 0);
    pn_atomic_init(&s->next, NULL);
    return s;
}
