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

/* Equation: of a segment with enq tickets given out and deq taken,
 *   items inside = |{t : deq <= t < min(enq, CELLS), cell[t] holds an item}|. */
struct pn_segment {
    struct pn_retired retired; /* while retired */
    struct pn_segment *below;  /* while free */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) enq;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) deq;
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) next;
    _Alignas(PN_LINE) PN_ATOMIC(void *) cell[PN_SEGMENT_CELLS];
};

struct pn_slab; /* one mapping of several */

/* Equation: made = free + linked + retired + spare of a port. */
struct pn_segment_pool {
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) free;
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_slab *) slabs;
    PN_ATOMIC(uint64_t) made, recycled, mapped_bytes;
    struct pn_os_node node;
};

void pn_segment_pool_init(struct pn_segment_pool *pool, struct pn_os_node node);
/* Every segment ever made is unmapped, wherever it is. */
void pn_segment_pool_fini(struct pn_segment_pool *pool);

/* A segment with empty cells, or NULL without memory. In a read-side section, or alone. */
struct pn_segment *pn_segment_get(struct pn_segment_pool *pool);

/* Give back a segment that no thread can reach since a grace period. */
void pn_segment_put(struct pn_segment_pool *pool, struct pn_segment *segment);

#endif
