/* SPDX-License-Identifier: MIT
 *
 * The segments of pn_segq and where they come from. Private to segq.c and segment.c.
 *
 * A segment's life: fresh or free -> linked at the tail -> used up -> retired -> (grace period) ->
 * free. Nothing becomes free in any other way, and that is what makes the pool's pop safe: see G2
 * in segment.c.
 */
#ifndef PN_SEGMENT_H
#define PN_SEGMENT_H

#include "runtime/atomic.h"

#include <pinion/placement.h>
#include <pinion/reclaim.h>

#if defined(PN_EXPLORE)
enum { PN_SEGMENT_CELLS = 2 }; /* small, so that every path is reached */
#else
/* 8 KiB of cells: one append, one retirement and one clearing in 1024 items. 512, 2048 and 4096
 * cells were within the noise of it in pairs and in streams (7 rounds each). */
enum { PN_SEGMENT_CELLS = 1024 };
#endif

/* A cell's life: NULL -> item (read by its ticket holder, never written again), or NULL -> PN_TAKEN
 * where the popper came first. Single use, so no ABA on cells. */
#define PN_TAKEN ((void *)1)

struct pn_slab; /* one mapping of several segments */

/* Equation: of a segment with enq tickets given out and deq taken,
 *   items inside = |{t : deq <= t < min(enq, CELLS), cell[t] holds an item}|. */
struct pn_segment {
    struct pn_retired retired;           /* while retired */
    struct pn_segment *below;            /* while free */
    struct pn_segment *going;            /* while a trim has it: readers may still look at below */
    struct pn_slab *slab;                /* written once */
    PN_ATOMIC(struct pn_segment *) next; /* while linked */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) enq;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) deq;
    _Alignas(PN_LINE) PN_ATOMIC(void *) cell[PN_SEGMENT_CELLS];
};

/* The segments of one NUMA node, shared by all queues there that have the same reclaimer.
 * Equation: made = free + taken; taken = linked + retired + spare of a port. */
struct pn_segment_pool {
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) free;
    PN_ATOMIC(struct pn_slab *) slabs;
    PN_ATOMIC(uint64_t) made, mapped_bytes;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) taken;
    struct pn_os_node node;
    /* The reclaimer's, under its lock. */
    struct pn_segment_pool *next;
    unsigned queues;            /* and a trim */
    uint64_t peak, peak_before; /* taken, in the window under way and in the one before */
    uint64_t window_end_ns;
};

/** The node's pool, made if it is the first queue's there. NULL: no memory. */
struct pn_segment_pool *pn_segment_pool_open(struct pn_reclaimer *r, struct pn_os_node node);
/** Nothing of the caller's is taken any more. The last one unmaps. NULL is allowed. */
void pn_segment_pool_close(struct pn_reclaimer *r, struct pn_segment_pool *pool);

/* A queue's first segment, of a slab of its own: whoever makes a queue need not be a reader. */
struct pn_segment *pn_segment_first(struct pn_segment_pool *pool);

/* A segment with empty cells, or NULL without memory. In a read-side section. */
struct pn_segment *pn_segment_get(struct pn_segment_pool *pool);

/* Give back a segment that no thread can reach since a grace period. */
void pn_segment_put(struct pn_segment_pool *pool, struct pn_segment *segment);

/** Unmap slabs that are wholly free, as long as `keep` segments stay made. Waits for a grace
 * period. One thread at a time, not a reader. */
void pn_segment_pool_trim(struct pn_reclaimer *r, struct pn_segment_pool *pool, uint64_t keep);

/** Reclaimer's thread: trim what two windows did not need. \return true if there is more than that
 * now, so that it is worth coming back in a window */
bool pn_segment_pools_trim(struct pn_reclaimer *r, uint64_t now_ns);

enum { PN_TRIM_WINDOW_NS = 100000000 };

#endif
