/* SPDX-License-Identifier: MIT
 *
 * The pool is a stack: pushed by compare-and-swap, popped by compare-and-swap.
 *
 * Orderings
 *   G1  put, or the push of fresh ones (release) -> get (acquire): the segment's link below it.
 *   G2  get's read of a top and of its link -> the same top pushed again: a grace period lies
 *       between, because a segment becomes free only through retirement and get runs inside a
 *       read-side section. So the link that was read is still true when the compare-and-swap
 *       succeeds (no ABA), and a link is never written while somebody reads it.
 *
 * Tried and rejected: taking all with one exchange, which needs no grace period, and pushing back
 * what is not needed. After a burst of 10 million items the walk to the end of the pushed-back
 * chain made every eighth append touch ten thousand segments.
 *
 * Source: R. K. Treiber's stack (IBM RJ 5118, 1986) with liburcu's rule for its rculfstack: pop in
 *   a read-side section, push again after a grace period.
 */
#include "runtime/segment.h"

#include <stdlib.h>

/* Push a chain whose links are set up to `last`. */
static void push_chain(struct pn_segment_pool *pool, struct pn_segment *first,
                       struct pn_segment *last) {
    struct pn_segment *top = pn_load_rlx(&pool->free); /* relaxed: a guess for the swap below */
    do {
        last->below = top;
        /* G1 release: pairs with the load in pop_free. LP of a push. */
    } while (!pn_cas_weak_rel(&pool->free, &top, first));
}

static struct pn_segment *pop_free(struct pn_segment_pool *pool) {
    /* G1 acquire: pairs with the swap in push_chain. */
    struct pn_segment *top = pn_load_acq(&pool->free);
    /* G1 acquire on failure; G2: `below` is still true if the swap succeeds. LP of a pop. */
    while (top != NULL && !pn_cas_weak_acqrel(&pool->free, &top, top->below)) {
    }
    return top;
}

#if defined(PN_EXPLORE)

/* The explorer watches each segment as an allocation of its own. */
void *pn_xp_alloc(size_t bytes);
void pn_xp_free(void *block);

static struct pn_segment *map_slab(struct pn_segment_pool *pool) {
    struct pn_segment *s = pn_xp_alloc(sizeof *s);
    (void)pn_faa_rlx(&pool->made, 1); /* relaxed: a statistic */
    s->below = NULL;
    return s;
}

static void unmap_slabs(struct pn_segment_pool *pool) {
    for (struct pn_segment *s = pn_load_acq(&pool->free); s != NULL;) {
        struct pn_segment *below = s->below;
        pn_xp_free(s);
        s = below;
    }
}

#else

struct pn_slab {
    struct pn_slab *next;
    struct pn_map map;
};

/* Most queues never need more than the first; one that does grows to what is retired in a nap of
 * the reclaimer and then some, in one step, taken in the warm-up. With steps of 16 a measured round
 * of 2 million jobs saw 110 to 420 page faults on the schedulers, with 128 it sees 10 to 60. */
enum { FIRST_SEGMENTS = 16, MORE_SEGMENTS = 128 };

/* Map a slab; one segment for the caller, the others become free. */
static struct pn_segment *map_slab(struct pn_segment_pool *pool) {
    /* relaxed: whether it is the first; two at once are no harm. */
    unsigned n = pn_load_rlx(&pool->made) == 0 ? FIRST_SEGMENTS : MORE_SEGMENTS;
    struct pn_slab *slab = malloc(sizeof *slab);
    if (slab == NULL) {
        return NULL;
    }
    size_t bytes = n * sizeof(struct pn_segment);
    if (pn_map_create(&slab->map, bytes, PN_MEM_LOCAL, pool->node, false) != 0) {
        free(slab);
        return NULL;
    }
    /* A queue that grows does so in the steady state: one system call instead of a fault per page.
     */
    pn_map_populate(&slab->map);
    slab->next = pn_load_rlx(&pool->slabs); /* relaxed: a guess for the swap; nobody pops slabs */
    /* G1 release: pairs with the load in unmap_slabs. */
    while (!pn_cas_weak_rel(&pool->slabs, &slab->next, slab)) {
    }
    /* relaxed: statistics. */
    (void)pn_faa_rlx(&pool->made, n);
    (void)pn_faa_rlx(&pool->mapped_bytes, slab->map.bytes);
    struct pn_segment *segments = slab->map.base;
    for (unsigned i = 1; i + 1 < n; i++) {
        segments[i].below = &segments[i + 1];
    }
    /* G2: these were never free before, so no get can have read a link of theirs. */
    push_chain(pool, &segments[1], &segments[n - 1]);
    return segments;
}

static void unmap_slabs(struct pn_segment_pool *pool) {
    /* G1 acquire: pairs with the swap in map_slab. */
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

void pn_segment_put(struct pn_segment_pool *pool, struct pn_segment *segment) {
    push_chain(pool, segment, segment);
}

struct pn_segment *pn_segment_get(struct pn_segment_pool *pool) {
    struct pn_segment *s = pop_free(pool);
    if (s == NULL) {
        s = map_slab(pool);
    }
    if (s == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < PN_SEGMENT_CELLS; i++) {
        pn_atomic_init(&s->cell[i], NULL);
    }
    pn_atomic_init(&s->enq, 0);
    pn_atomic_init(&s->deq, 0);
    pn_atomic_init(&s->next, NULL);
    return s;
}
