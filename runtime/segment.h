/* SPDX-License-Identifier: MIT
 *
 * The segments of pn_segq and where they come from. Private to segq.c and segment.c.
 */
#ifndef PN_SEGMENT_H
#define PN_SEGMENT_H

#include "runtime/atomic.h"

#include <pinion/placement.h>
#include <pinion/reclaim.h>

#if defined(PN_EXPLORE)
enum { PN_SEGMENT_CELLS = 2, PN_SLAB_SEGMENTS = 1 }; /* small, so that every path is reached */
#else
/* 8 KiB of cells: one append, one retirement and one zeroing in 1024 items. */
enum { PN_SEGMENT_CELLS = 1024, PN_SLAB_SEGMENTS = 16 };
#endif

/* A cell's life: NULL -> item -> (taken by its ticket holder, never written again), or
 * NULL -> PN_TAKEN where the dequeuer came first. Single use, so no ABA on cells. */
#define PN_TAKEN ((void *)1)

/* Equation: of a segment with enq tickets given out and deq taken,
 *   items inside = |{t < min(enq, CELLS) : cell[t] holds an item and t >= deq}|. */
struct pn_segment {
    struct pn_retired retired;    /* while retired */
    struct pn_segment *free_next; /* while free */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) enq;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) deq;
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) next;
    _Alignas(PN_LINE) PN_ATOMIC(void *) cell[PN_SEGMENT_CELLS];
};

struct pn_slab; /* one mapping of PN_SLAB_SEGMENTS */

/* Where free segments wait. Pushed by compare-and-swap, emptied by exchange: no ABA. */
struct pn_segment_pool {
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) free;
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_slab *) slabs;
    PN_ATOMIC(uint64_t) made, recycled, mapped_bytes;
    struct pn_os_node node;
};

void pn_segment_pool_init(struct pn_segment_pool *pool, struct pn_os_node node);
/* Every segment ever made is unmapped. */
void pn_segment_pool_fini(struct pn_segment_pool *pool);

/* A segment with empty cells, or NULL without memory. `keep` is the calling port's own free list.
 */
struct pn_segment *pn_segment_get(struct pn_segment_pool *pool, struct pn_segment **keep);

/* Give back a chain that no thread can reach. */
void pn_segment_put(struct pn_segment_pool *pool, struct pn_segment *first);

#endif
