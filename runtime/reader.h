/* SPDX-License-Identifier: MIT
 *
 * The inside of pn_reader, for the scheduler's loop and for the reclaimer.
 */
#ifndef PN_READER_H
#define PN_READER_H

#include "runtime/atomic.h"
#include "runtime/rcu.h"

#include <pinion/reader.h>

/* Invariant: passes is odd while the thread is offline. One writer, its thread. */
struct pn_reader {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) passes;
    _Alignas(PN_LINE) struct pn_reclaimer *reclaimer;
    struct pn_reader *next; /* under the reclaimer's lock, as is `seen` */
    uint64_t seen;          /* passes when the grace period under way began */
    int tid;
    char name[48];
};

/** The calling thread, found by its id, goes offline or comes online. A system call. */
void pn_reclaimer_rest(struct pn_reclaimer *r, bool offline);

/** One grace period, timed, and watched by pn_reclaimer_held_up. \return how long it took, ns */
uint64_t pn_reclaimer_grace_period(struct pn_reclaimer *r);

static inline void pn_reader_passes(struct pn_reader *reader, uint64_t n) {
#if defined(PN_EXPLORE)
    (void)reader; /* nobody there decides by it */
    (void)n;
#else
    /* relaxed: whoever compares two values of it wants to know whether it moved. */
    pn_store_rlx(&reader->passes, pn_load_rlx(&reader->passes) + n);
#endif
}

static inline void pn_reader_is_quiescent(struct pn_reader *reader) {
    pn_rcu_quiescent();
    pn_reader_passes(reader, 2);
}

static inline void pn_reader_goes_offline(struct pn_reader *reader) {
    pn_rcu_offline();
    pn_reader_passes(reader, 1);
}

static inline void pn_reader_comes_online(struct pn_reader *reader) {
    pn_reader_passes(reader, 1);
    pn_rcu_online();
}

#endif
