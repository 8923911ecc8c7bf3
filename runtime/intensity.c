/* SPDX-License-Identifier: MIT
 *
 * The buckets carry no edges between threads: each is one word, and a sum that misses a restart of
 * this very instant is as good as one that does not.
 */
#include "runtime/intensity.h"

#include <errno.h>
#include <stdlib.h>

#define COUNT_MASK 0xffffffffu

void pn_intensity_init(struct pn_intensity *in, uint64_t max, uint64_t period_ns) {
    in->max = max;
    in->bucket_ns = period_ns / PN_INTENSITY_BUCKETS + 1;
    for (unsigned i = 0; i < PN_INTENSITY_BUCKETS; i++) {
        pn_atomic_init(&in->bucket[i], 0);
    }
}

int pn_intensity_create(struct pn_intensity **out, uint64_t max, uint64_t period_ns) {
    *out = malloc(sizeof **out);
    if (*out == NULL) {
        return -ENOMEM;
    }
    pn_intensity_init(*out, max, period_ns);
    return 0;
}

void pn_intensity_destroy(struct pn_intensity *in) {
    free(in);
}

bool pn_intensity_exceeded(struct pn_intensity *in, uint64_t now_ns) {
    uint64_t epoch = (now_ns / in->bucket_ns) & COUNT_MASK;
    PN_ATOMIC(uint64_t) *own = &in->bucket[epoch % PN_INTENSITY_BUCKETS];
    uint64_t seen = pn_load_rlx(own); /* relaxed: see above, for all accesses here */
    uint64_t counted;
    do {
        counted = seen >> 32 == epoch ? seen + 1 : epoch << 32 | 1u;
    } while (!pn_cas_weak_rlx(own, &seen, counted)); /* relaxed */
    uint64_t sum = 0;
    for (unsigned i = 0; i < PN_INTENSITY_BUCKETS; i++) {
        uint64_t word = pn_load_rlx(&in->bucket[i]); /* relaxed */
        if (((epoch - (word >> 32)) & COUNT_MASK) < PN_INTENSITY_BUCKETS) {
            sum += word & COUNT_MASK;
        }
    }
    return sum > in->max;
}
