/* SPDX-License-Identifier: MIT
 *
 * Restart intensity: at most `max` restarts in any `period`. Counted in eight buckets of the
 * period, so the window is exact to an eighth and needs no list of times, whatever max is.
 *
 * Threads: any; lock-free. A crash is not the hot path.
 */
#ifndef PN_INTENSITY_H
#define PN_INTENSITY_H

#include "runtime/atomic.h"

enum { PN_INTENSITY_BUCKETS = 8 };

struct pn_intensity {
    uint64_t max;
    uint64_t bucket_ns;
    PN_ATOMIC(uint64_t) bucket[PN_INTENSITY_BUCKETS]; /* epoch of the bucket << 32 | count */
};

void pn_intensity_init(struct pn_intensity *in, uint64_t max, uint64_t period_ns);

/** Count one restart. \return true if that is one too many */
bool pn_intensity_exceeded(struct pn_intensity *in, uint64_t now_ns);

#endif
