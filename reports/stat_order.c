/* SPDX-License-Identifier: MIT */
#include "stat.h"

#include <math.h>

#include <pinion/quantile.h>

/* P(Binomial(n, 1/2) < rank), summed from the small terms up. n <= PN_ROUNDS_MAX keeps 2^-n normal.
 */
static double below(size_t n, size_t rank) {
    double term = ldexp(1, -(int)n);
    double sum = 0;
    for (size_t i = 0; i < rank; i++) {
        sum += term;
        term *= (double)(n - i) / (double)(i + 1);
    }
    return sum;
}

double pn_order_coverage(size_t n, size_t rank) {
    return rank == 0 || n > PN_ROUNDS_MAX ? 1 : 1 - 2 * below(n, rank);
}

size_t pn_order_rank(size_t n, double alpha) {
    size_t rank = 0;
    if (n > PN_ROUNDS_MAX) {
        return 0;
    }
    while (rank + 1 <= (n + 1) / 2 && 2 * below(n, rank + 1) <= alpha) {
        rank++;
    }
    return rank;
}

size_t pn_rounds_needed(size_t points) {
    size_t n = 1;
    while (ldexp(1, (int)n - 1) < 20.0 * (double)points) {
        n++;
    }
    return n;
}

struct pn_estimate pn_estimate_median(double *values, size_t n, double alpha) {
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!isnan(values[i])) {
            values[kept++] = values[i];
        }
    }
    struct pn_estimate out = {NAN, NAN, NAN, kept};
    if (kept == 0) {
        return out;
    }
    pn_sort(values, kept);
    out.value = pn_median_sorted(values, kept);
    size_t rank = pn_order_rank(kept, alpha);
    if (rank > 0) {
        out.lo = values[rank - 1];
        out.hi = values[kept - rank];
    }
    return out;
}

uint64_t pn_random_next(struct pn_random *random) {
    uint64_t z = random->state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

size_t pn_random_below(struct pn_random *random, size_t n) {
    return (size_t)(((pn_random_next(random) >> 32) * (uint64_t)n) >> 32);
}
