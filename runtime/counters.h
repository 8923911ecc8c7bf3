/* SPDX-License-Identifier: MIT
 *
 * Counters of one port: its thread writes them, anybody reads them while it runs. No line of them
 * is ever written by two threads, so counting costs a load and a store of the own cache.
 */
#ifndef PN_COUNTERS_H
#define PN_COUNTERS_H

#include "runtime/atomic.h"

#include <pinion/queue.h>

struct pn_counters {
    PN_ATOMIC(uint64_t) push, pop;
    PN_ATOMIC(uint64_t) cas_failed;
    PN_ATOMIC(uint64_t) retries;
    PN_ATOMIC(uint64_t) full, empty;
    PN_ATOMIC(uint64_t) longest_wait;
};

#if defined(PN_EXPLORE)
/* A counter that nobody decides by would only multiply the schedules. */
#define pn_count(counter, n)         ((void)(counter), (void)(n))
#define pn_count_longest(counter, n) ((void)(counter), (void)(n))
#else
/* relaxed: one writer, and readers take what they see. */
static inline void pn_count(PN_ATOMIC(uint64_t) * counter, uint64_t n) {
    pn_store_rlx(counter, pn_load_rlx(counter) + n);
}

static inline void pn_count_longest(PN_ATOMIC(uint64_t) * counter, uint64_t n) {
    /* relaxed: as above. */
    if (n > pn_load_rlx(counter)) {
        pn_store_rlx(counter, n);
    }
}
#endif

static inline void pn_counters_read(const struct pn_counters *c, struct pn_queue_counts *out) {
    /* relaxed: statistics; each word is true, together they may be from different moments. */
    out->push = pn_load_rlx(&c->push);
    out->pop = pn_load_rlx(&c->pop);
    out->cas_failed = pn_load_rlx(&c->cas_failed);
    out->retries = pn_load_rlx(&c->retries);
    out->full = pn_load_rlx(&c->full);
    out->empty = pn_load_rlx(&c->empty);
    out->longest_wait = pn_load_rlx(&c->longest_wait);
}

#endif
