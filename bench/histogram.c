/* SPDX-License-Identifier: MIT */
#include <pinion/histogram.h>

enum { LINEAR = 1 << (PN_HISTOGRAM_BITS + 1) };

static unsigned index_of(uint64_t v) {
    if (v < LINEAR) {
        return (unsigned)v;
    }
    unsigned e = 63u - (unsigned)__builtin_clzll(v);
    unsigned i =
        ((e - PN_HISTOGRAM_BITS) << PN_HISTOGRAM_BITS) + (unsigned)(v >> (e - PN_HISTOGRAM_BITS));
    return i < PN_HISTOGRAM_BUCKETS ? i : PN_HISTOGRAM_BUCKETS - 1;
}

uint64_t pn_histogram_floor(unsigned index) {
    if (index < LINEAR) {
        return index;
    }
    unsigned e = (index >> PN_HISTOGRAM_BITS) - 1;
    return ((uint64_t)(index & ((1u << PN_HISTOGRAM_BITS) - 1)) | (1u << PN_HISTOGRAM_BITS)) << e;
}

void pn_histogram_add(struct pn_histogram *h, uint64_t value) {
    h->count[index_of(value)]++;
    h->n++;
    if (value > h->max) {
        h->max = value;
    }
}

void pn_histogram_merge(struct pn_histogram *into, const struct pn_histogram *from) {
    for (unsigned i = 0; i < PN_HISTOGRAM_BUCKETS; i++) {
        into->count[i] += from->count[i];
    }
    into->n += from->n;
    into->max = from->max > into->max ? from->max : into->max;
}

uint64_t pn_histogram_quantile(const struct pn_histogram *h, double q) {
    uint64_t rank = (uint64_t)((double)(h->n - 1) * q);
    uint64_t seen = 0;
    for (unsigned i = 0; i < PN_HISTOGRAM_BUCKETS; i++) {
        seen += h->count[i];
        if (seen > rank) {
            uint64_t lo = pn_histogram_floor(i);
            uint64_t middle = lo + (pn_histogram_floor(i + 1) - lo) / 2;
            return middle < h->max ? middle : h->max;
        }
    }
    return h->max;
}
