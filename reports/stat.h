/* SPDX-License-Identifier: MIT
 *
 * Statistics of paired rounds: exact intervals of a median, the crossover of two designs, the split
 * of a gap. Pure functions of their arguments; NaN stands for "no value".
 */
#ifndef PN_REPORTS_STAT_H
#define PN_REPORTS_STAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PN_POINTS_MAX 64
#define PN_ROUNDS_MAX 1000
#define PN_RESAMPLES  4000
/* Within +-2 % two designs are called equal. */
#define PN_TIE 0.02

/* A median with its exact interval. lo and hi are NaN where n is too small for the level asked. */
struct pn_estimate {
    double value;
    double lo;
    double hi;
    size_t n;
};

/* Rank r (1-based) of the widest-needed order statistic: [x_(r), x_(n+1-r)] covers the median with
 * probability >= 1 - alpha whatever the (continuous) distribution. 0 where even the extremes do
 * not. */
size_t pn_order_rank(size_t n, double alpha);
/* Coverage of [x_(r), x_(n+1-r)]: 1 - 2 P(Binomial(n, 1/2) < r). */
double pn_order_coverage(size_t n, size_t rank);
/* Rounds needed so that k simultaneous intervals hold at 95 % (Bonferroni): 1 + log2(20 k). */
size_t pn_rounds_needed(size_t points);
/* Drops NaN, sorts `values` in place, returns median and interval at 1 - alpha. */
struct pn_estimate pn_estimate_median(double *values, size_t n, double alpha);

/* splitmix64: one word of state, the same stream everywhere. */
struct pn_random {
    uint64_t state;
};
uint64_t pn_random_next(struct pn_random *random);
/* Uniform in [0, n), n >= 1. */
size_t pn_random_below(struct pn_random *random, size_t n);

/* What would decide an undetermined curve: points between two decided ones, more rounds at open
 * points, or x beyond a range that ends in ties. */
enum pn_next { PN_NEXT_NOTHING, PN_NEXT_BETWEEN, PN_NEXT_ROUNDS, PN_NEXT_BEYOND };

enum pn_cross_kind { PN_CROSS_UNDETERMINED, PN_CROSS_AT, PN_CROSS_NONE, PN_CROSS_SEVERAL };
/* What one x says: A or B ahead by more than the margin, equal within it, or open. */
enum pn_sign { PN_SIGN_OPEN, PN_SIGN_A, PN_SIGN_B, PN_SIGN_TIE };

/* log_ratio[point * rounds + round] = ln(A / B), NaN where a slot of the pair is missing or void.
 */
struct pn_cross_input {
    size_t points;
    size_t rounds;
    const double *x; /* ascending */
    const double *log_ratio;
    bool log2_x;
    double margin; /* ln of the tie zone or the noise floor, the larger */
    uint64_t seed;
};

struct pn_cross {
    enum pn_cross_kind kind;
    enum pn_sign ahead;    /* AT: at the low end; NONE: everywhere; SEVERAL: at the low end */
    double x, lo, hi;      /* AT: with the 95 % percentile interval */
    double gap_lo, gap_hi; /* least and largest |median log-ratio| of who is ahead (NONE) */
    double lead_low;       /* AT: largest log-ratio lead below x, and above it */
    double lead_high;
    double tie_lo, tie_hi;   /* range of x whose intervals lie in the tie zone; NaN if none */
    enum pn_next next;       /* UNDETERMINED: what to measure next, */
    double next_lo, next_hi; /* and where; equal where it is one point */
    bool needs_rounds;       /* UNDETERMINED because some x has fewer than rounds_needed */
    size_t rounds_needed;
    size_t rounds_least; /* fewest ungated rounds of any x */
    size_t crossings;    /* zeros of the medians */
    double crossing[8];
    struct pn_estimate point[PN_POINTS_MAX]; /* log-ratio, interval at 1 - 0.05/points */
    enum pn_sign sign[PN_POINTS_MAX];
    double *resampled; /* PN_RESAMPLES zeros (log2 x or x); +-INFINITY beyond the range; owned */
};

/* 0, -EINVAL (no point, too many), -ENOMEM. Free with pn_cross_free. Cost: PN_RESAMPLES * points *
 * rounds steps. The same seed and number of rounds draw the same rounds for every curve, so that
 * `resampled` of two curves of one sweep is paired. */
int pn_cross_find(const struct pn_cross_input *input, struct pn_cross *cross);
void pn_cross_free(struct pn_cross *cross);
/* x*_to / x*_from with its interval from paired resamples; lo and hi NaN where open. Valid only
 * where both curves have a crossover. */
struct pn_estimate pn_cross_shift(const struct pn_cross *from, const struct pn_cross *to,
                                  bool log2_x);

/* Work of one slot. spin_ns is NaN where it cannot be counted. */
struct pn_effort {
    double jobs;
    double wall_ns;
    double busy_ns; /* CPU time without counted idle spin */
    double spin_ns;
};

/* ln(throughput A / throughput B) = efficiency + spinning + sleeping, exactly.
 * throughput = U / b with U = busy / wall (busy cores) and b = busy / jobs (busy ns per job), so
 *   efficiency = ln(b_B / b_A)
 *   waiting    = ln(U_A / U_B) = (U_A - U_B) / L,  L = logarithmic mean of U_A and U_B;
 * with the same cores for both, U_A - U_B = (S_B - S_A) + (Z_B - Z_A) for spinning cores S and
 * sleeping cores Z, hence spinning = (S_B - S_A) / L and sleeping = waiting - spinning. Where a
 * spin is NaN, spinning and sleeping are NaN and only `waiting` is known. */
struct pn_split {
    double total;
    double efficiency;
    double waiting;
    double spinning;
    double sleeping;
};
/* All NaN unless jobs, wall and busy of both are positive. */
struct pn_split pn_split_gap(const struct pn_effort *a, const struct pn_effort *b);

#endif
