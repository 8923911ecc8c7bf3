/* SPDX-License-Identifier: MIT
 *
 * The inside of pn_intensity, for those who embed one.
 */
#ifndef PN_INTENSITY_H
#define PN_INTENSITY_H

#include "runtime/atomic.h"

#include <pinion/intensity.h>

enum { PN_INTENSITY_BUCKETS = 8 };

struct pn_intensity {
    uint64_t max;
    uint64_t bucket_ns;
    PN_ATOMIC(uint64_t) bucket[PN_INTENSITY_BUCKETS]; /* epoch of the bucket << 32 | count */
};

void pn_intensity_init(struct pn_intensity *in, uint64_t max, uint64_t period_ns);

#endif
