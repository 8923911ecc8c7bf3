/* SPDX-License-Identifier: MIT
 *
 * The inside of pn_segq: segq.c pushes and pops, segq_life.c makes, closes, bounds and unmakes.
 */
#ifndef PN_SEGQ_PARTS_H
#define PN_SEGQ_PARTS_H

#include "runtime/counters.h"
#include "runtime/segment.h"
#include "runtime/waitlist.h"

#include <pinion/credit.h>
#include <pinion/segq.h>

struct pn_segq {
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) head;
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) tail;
    _Alignas(PN_LINE) struct pn_credit *credit; /* NULL = unbounded; written once, as to the pool */
    struct pn_waits *waits;                     /* NULL: nobody ever waits */
    struct pn_reclaimer *reclaimer;
    uint64_t retired_max; /* segments */
    struct pn_segment_pool *pool;
    bool bursts;                                   /* how tickets are laid out */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) retired; /* once per segment */
    PN_ATOMIC(uint64_t) recycled;                  /* once per segment, by the reclaimer */
};

struct pn_segq_port {
    _Alignas(PN_LINE) struct pn_segq *q;
    struct pn_waits *waits;       /* the queue's */
    bool bursts;                  /* the queue's */
    struct pn_credit_port credit; /* .credit is NULL if the queue is unbounded */
    bool hot;                     /* the last pop found something: take a ticket at once */
    bool closed;                  /* a push was told so */
    /* Where the last tickets were, and how many others took between two takings of ours: where the
     * next ones will be, for the guess of in_sight. */
    struct pn_segment *segment;
    uint64_t next, gap;
    /* Slipping: pauses at the last miss, and what the port had answered and pushed by then. */
    unsigned slip;
    uint64_t miss_answers, miss_pushes;
    struct pn_segment *spare; /* empty; appended by somebody else before this port could */
    struct pn_counters counts;
};

/* In enq: no more tickets; the count is below it. Never reached by counting. */
#define PN_SEGQ_CLOSED ((uint64_t)1 << 63)

/* In next of a used-up segment: there will be no other. */
#define PN_SEGQ_END ((struct pn_segment *)1)

/* Eight consecutive tickets on eight lines, so that neighbours do not fight for one: pairs on two
 * cores with work between 18.6 M operations/s against 16.0 dense (fetch-and-add alone 21.5), no
 * difference in streams (medians of 7 to 9 rounds). Two or 16 lines: as eight. Dense where several
 * items go in and out at once: a burst of 16 is then on two or three lines and not on eight that
 * other bursts are on, too; in the pool (units 1 and 100) 1.3 and 1.2 times the jobs/s while the
 * cores are far apart, 1.04 near. Two lines alternating: between the two. */
static inline unsigned pn_segq_cell_of(bool bursts, uint64_t ticket) {
    unsigned t = (unsigned)ticket;
#if defined(PN_EXPLORE)
    (void)bursts;
    return t;
#else
    return bursts ? t : (t & ~63u) | ((t & 7u) << 3) | ((t >> 3) & 7u);
#endif
}

/* RCU: no new operation can reach s, because tail and head are past it, or it was never linked. */
void pn_segq_retire(struct pn_segq *q, struct pn_segment *s);

/* What a pop would be answered now. */
enum pn_queue_rc pn_segq_glance(struct pn_segq_port *port);

/* Whether readers have held up so much that no further segment may be used up. */
bool pn_segq_too_much_retired(const struct pn_segq *q);

#endif
