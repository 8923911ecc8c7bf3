/* SPDX-License-Identifier: MIT
 *
 * collector=shared: the contended aggregator. Every completed job adds itself to one pair of
 * counters, whose line then travels with every job: the mistake that the experiment shows, and
 * why results are kept per core everywhere else.
 */
#ifndef PN_COLLECTED_H
#define PN_COLLECTED_H

#include "runtime/atomic.h"

#include <stdint.h>

struct pn_collected {
    _Alignas(128) PN_ATOMIC(uint64_t) done;
    PN_ATOMIC(uint64_t) checksum;
};

static inline void pn_collect_one(struct pn_collected *c, uint64_t result) {
    (void)pn_faa_rlx(&c->done, 1); /* relaxed: sums, read when the round is over */
    (void)pn_faa_rlx(&c->checksum, result);
}

#endif
