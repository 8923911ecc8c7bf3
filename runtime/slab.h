/* SPDX-License-Identifier: MIT
 *
 * A slab: one mapping of several segments on one NUMA node. Private to segment.c and slab.c.
 */
#ifndef PN_SLAB_H
#define PN_SLAB_H

#include "runtime/segment.h"

struct pn_slab {
    struct pn_slab *next;
    size_t bytes;
    unsigned n;    /* segments */
    unsigned idle; /* while a trim counts: how many are free */
    bool going;    /* a trim will unmap it */
    struct pn_map map;
    struct pn_segment *first;
};

#if defined(PN_EXPLORE)
enum { PN_SLAB_SEGMENTS = 1, PN_SLAB_SEGMENTS_FIRST = 1 };
#else
/* Most queues never need more than their first slab; one that does grows to what is retired in a
 * nap of the reclaimer and then some, in one step, taken in the warm-up. With steps of 16 a
 * measured round of 2 million jobs saw 110 to 420 page faults on the schedulers, with 128 it sees
 * 10 to 60. */
enum { PN_SLAB_SEGMENTS = 128, PN_SLAB_SEGMENTS_FIRST = 16 };
#endif

/** n segments, not initialised; in the explorer 1. \return NULL without memory */
struct pn_slab *pn_slab_map(struct pn_os_node node, unsigned n);
void pn_slab_unmap(struct pn_slab *slab);

static inline struct pn_segment *pn_slab_segment(const struct pn_slab *slab, unsigned i) {
    return &slab->first[i];
}

#endif
