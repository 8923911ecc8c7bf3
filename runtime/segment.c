/* SPDX-License-Identifier: MIT
 *
 * The pool is a stack: pushed by compare-and-swap, popped by compare-and-swap.
 *
 * Orderings
 *   G1  put, or the push of fresh ones (release) -> get, trim (acquire): the segment's link below
 *       it, and the slab it belongs to.
 *   G2  get's read of a top and of its link -> the same top pushed again: a grace period lies
 *       between, because a segment becomes free only through retirement, or by a trim that
 *       waits for one, and get runs inside a read-side section. So the link that was read is
 *       still true when the compare-and-swap succeeds (no ABA), a link is never written while
 *       somebody reads it, and nothing is unmapped that a get still looks at.
 *
 * Tried and rejected: taking all with one exchange in get, which needs no grace period, and pushing
 * back what is not needed. After a burst of 10 million items the walk to the end of the pushed-back
 * chain made every eighth append touch ten thousand segments.
 *
 * Source: R. K. Treiber's stack (IBM RJ 5118, 1986) with liburcu's rule for its rculfstack: pop in
 *   a read-side section, push again after a grace period.
 */
#include "runtime/segment.h"

#include "runtime/reader.h"
#include "runtime/reclaim.h"
#include "runtime/slab.h"

#include <stdlib.h>

/* Push a chain whose links are set up to `last`. */
static void push_chain(struct pn_segment_pool *pool, struct pn_segment *first,
                       struct pn_segment *last) {
    struct pn_segment *top = pn_load_rlx(&pool->free); /* relaxed: a guess for the swap below */
    do {
        last->below = top;
        /* G1 release: pairs with the loads in pop_free and trim. LP of a push. */
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

/* Map a slab; one segment for the caller, the others become free. */
static struct pn_segment *fresh(struct pn_segment_pool *pool, unsigned n) {
    struct pn_slab *slab = pn_slab_map(pool->node, n);
    if (slab == NULL) {
        return NULL;
    }
    for (unsigned i = 0; i < n; i++) {
        struct pn_segment *s = pn_slab_segment(slab, i);
        s->slab = slab;
        s->below = i + 1 < n ? pn_slab_segment(slab, i + 1) : NULL;
    }
    /* relaxed: statistics. */
    (void)pn_faa_rlx(&pool->made, n);
    (void)pn_faa_rlx(&pool->mapped_bytes, slab->bytes);
    slab->next = pn_load_rlx(&pool->slabs); /* relaxed: a guess for the swap; nobody pops slabs */
    /* G1 release: pairs with the loads in unmap_idle and pool_unmake. */
    while (!pn_cas_weak_rel(&pool->slabs, &slab->next, slab)) {
    }
    if (n > 1) {
        /* G2: these were never free before, so no get can have read a link of theirs. */
        push_chain(pool, pn_slab_segment(slab, 1), pn_slab_segment(slab, n - 1));
    }
    return pn_slab_segment(slab, 0);
}

static struct pn_segment *emptied(struct pn_segment_pool *pool, struct pn_segment *s) {
    if (s == NULL) {
        return NULL;
    }
    (void)pn_faa_rlx(&pool->taken, 1); /* relaxed: a figure that trims go by */
    for (unsigned i = 0; i < PN_SEGMENT_CELLS; i++) {
        pn_atomic_init(&s->cell[i], NULL);
    }
    pn_atomic_init(&s->enq, 0);
    pn_atomic_init(&s->deq, 0);
    pn_atomic_init(&s->next, NULL);
    return s;
}

struct pn_segment *pn_segment_get(struct pn_segment_pool *pool) {
    struct pn_segment *s = pop_free(pool);
    return emptied(pool, s != NULL ? s : fresh(pool, PN_SLAB_SEGMENTS));
}

struct pn_segment *pn_segment_first(struct pn_segment_pool *pool) {
    return emptied(pool, fresh(pool, PN_SLAB_SEGMENTS_FIRST));
}

void pn_segment_put(struct pn_segment_pool *pool, struct pn_segment *segment) {
    (void)pn_faa_rlx(&pool->taken, (uint64_t)-1); /* relaxed: as in get */
    push_chain(pool, segment, segment);
}

/* Unlink and unmap the slabs that are marked; the others forget what was counted. */
static void unmap_idle(struct pn_segment_pool *pool) {
    /* G1 acquire: pairs with the swap in fresh. */
    struct pn_slab *slab = pn_load_acq(&pool->slabs);
    struct pn_slab *before = NULL;
    while (slab != NULL) {
        struct pn_slab *next = slab->next;
        slab->idle = 0;
        if (!slab->going) {
            before = slab;
        } else if (before != NULL) {
            before->next = next;
            pn_slab_unmap(slab);
        } else {
            struct pn_slab *first = slab;
            /* G1 acquire on failure: a fresh one came before it; look for the link there. */
            if (!pn_cas_acqrel(&pool->slabs, &first, next)) {
                for (before = first; before->next != slab; before = before->next) {
                }
                before->next = next;
            }
            pn_slab_unmap(slab);
        }
        slab = next;
    }
}

/* Take what is to go off the top, and leave the rest to gets: taking all made each get of the grace
 * period map a slab, and a loaded queue grew to three times its need. G2: only this thread puts
 * what was taken before, so no ABA. */
static struct pn_segment *take_off(struct pn_segment_pool *pool, uint64_t keep) {
    struct pn_segment *chain = NULL;
    /* relaxed: a figure; what it misses goes with the next trim. */
    for (uint64_t made = pn_load_rlx(&pool->made); made > keep; made--) {
        struct pn_segment *s = pop_free(pool);
        if (s == NULL) {
            break;
        }
        s->going = chain;
        chain = s;
    }
    return chain;
}

void pn_segment_pool_trim(struct pn_reclaimer *r, struct pn_segment_pool *pool, uint64_t keep) {
    struct pn_segment *chain = take_off(pool, keep);
    if (chain == NULL) {
        return;
    }
    (void)pn_reclaimer_grace_period(r); /* G2: whoever read a top or a link of these is done */
    for (struct pn_segment *s = chain; s != NULL; s = s->going) {
        s->slab->idle++;
    }
    struct pn_segment *first = NULL;
    struct pn_segment *last = NULL;
    while (chain != NULL) {
        struct pn_segment *s = chain;
        struct pn_slab *slab = s->slab;
        chain = s->going;
        /* relaxed: only this thread lowers it. */
        if (slab->idle == slab->n && !slab->going && pn_load_rlx(&pool->made) - slab->n >= keep) {
            slab->going = true;
            (void)pn_faa_rlx(&pool->made, (uint64_t)0 - slab->n);
            (void)pn_faa_rlx(&pool->mapped_bytes, (uint64_t)0 - slab->bytes);
        }
        if (!slab->going) {
            s->below = first;
            first = s;
            last = last == NULL ? s : last;
        }
    }
    unmap_idle(pool);
    if (first != NULL) {
        push_chain(pool, first, last);
    }
}

static struct pn_segment_pool *pool_make(struct pn_os_node node) {
    struct pn_segment_pool *pool = aligned_alloc(PN_LINE, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pn_atomic_init(&pool->free, NULL);
    pn_atomic_init(&pool->slabs, NULL);
    pn_atomic_init(&pool->made, 0);
    pn_atomic_init(&pool->mapped_bytes, 0);
    pn_atomic_init(&pool->taken, 0);
    pool->node = node;
    pool->queues = 0;
    pool->peak = pool->peak_before = 0;
    pool->window_end_ns = 0;
    return pool;
}

static void pool_unmake(struct pn_segment_pool *pool) {
    /* G1 acquire: pairs with the swap in fresh. */
    for (struct pn_slab *slab = pn_load_acq(&pool->slabs); slab != NULL;) {
        struct pn_slab *next = slab->next;
        pn_slab_unmap(slab);
        slab = next;
    }
    free(pool);
}

struct pn_segment_pool *pn_segment_pool_open(struct pn_reclaimer *r, struct pn_os_node node) {
    (void)pthread_mutex_lock(&r->pools_lock);
    struct pn_segment_pool *pool = r->pools;
    while (pool != NULL && pool->node.id != node.id) {
        pool = pool->next;
    }
    if (pool == NULL && (pool = pool_make(node)) != NULL) {
        pool->next = r->pools;
        r->pools = pool;
    }
    if (pool != NULL) {
        pool->queues++;
    }
    (void)pthread_mutex_unlock(&r->pools_lock);
    return pool;
}

/* Under the lock. \return whether that was its last user: it is off the list, the caller's */
static bool let_go(struct pn_reclaimer *r, struct pn_segment_pool *pool) {
    if (--pool->queues > 0) {
        return false;
    }
    struct pn_segment_pool **at = &r->pools;
    while (*at != pool) {
        at = &(*at)->next;
    }
    *at = pool->next;
    return true;
}

void pn_segment_pool_close(struct pn_reclaimer *r, struct pn_segment_pool *pool) {
    if (pool == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&r->pools_lock);
    bool last = let_go(r, pool);
    (void)pthread_mutex_unlock(&r->pools_lock);
    if (last) {
        pool_unmake(pool);
    }
}

/* \return segments that stay: what two windows needed, and a slab's worth for the next */
static uint64_t wanted(struct pn_segment_pool *pool, uint64_t now_ns) {
    uint64_t taken = pn_load_rlx(&pool->taken); /* relaxed: a figure */
    pool->peak = taken > pool->peak ? taken : pool->peak;
    if (now_ns >= pool->window_end_ns) {
        pool->window_end_ns = now_ns + PN_TRIM_WINDOW_NS;
        pool->peak_before = pool->peak;
        pool->peak = taken;
    }
    uint64_t peak = pool->peak_before > pool->peak ? pool->peak_before : pool->peak;
    return peak + PN_SLAB_SEGMENTS;
}

/* \return true if there is more than is wanted now */
static bool trim_if_idle(struct pn_reclaimer *r, struct pn_segment_pool *pool, uint64_t now_ns) {
    uint64_t keep = wanted(pool, now_ns);
    /* relaxed: figures. Twice: a load that comes and goes does not map and unmap each time. */
    if (pn_load_rlx(&pool->made) > 2 * keep) {
        pn_segment_pool_trim(r, pool, keep);
    }
    return pn_load_rlx(&pool->made) > 2 * (pn_load_rlx(&pool->taken) + PN_SLAB_SEGMENTS);
}

bool pn_segment_pools_trim(struct pn_reclaimer *r, uint64_t now_ns) {
    bool more = false;
    (void)pthread_mutex_lock(&r->pools_lock);
    for (struct pn_segment_pool *pool = r->pools; pool != NULL;) {
        /* A user among others meanwhile, and without the lock: a trim waits for readers, and one of
         * them may be about to open a pool. */
        pool->queues++;
        (void)pthread_mutex_unlock(&r->pools_lock);
        more = trim_if_idle(r, pool, now_ns) || more;
        (void)pthread_mutex_lock(&r->pools_lock);
        struct pn_segment_pool *next = pool->next;
        if (let_go(r, pool)) {
            pool_unmake(pool);
        }
        pool = next;
    }
    (void)pthread_mutex_unlock(&r->pools_lock);
    return more;
}
