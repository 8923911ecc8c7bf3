/* SPDX-License-Identifier: MIT
 *
 * Open-loop latencies: quantiles per slot, merged histograms, and the tail rule.
 */
#include "analysis.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const pn_quantile_keys[PN_QUANTILES] = {"p50_ns", "p95_ns", "p99_ns", "p999_ns",
                                                    "max_ns"};
const char *const pn_quantile_names[PN_QUANTILES] = {"p50", "p95", "p99", "p99.9", "max"};

/* 2^40 ns is 18 minutes; a histogram beyond it is damage, not data. */
#define BUCKETS_MAX 16384

double pn_bucket_low(size_t index, int bits) {
    size_t octave = index >> bits;
    if (octave < 2) {
        return (double)index;
    }
    return ldexp((double)(index - ((octave - 1) << bits)), (int)octave - 1);
}

double pn_bucket_width(size_t index, int bits) {
    size_t octave = index >> bits;
    return octave < 2 ? 1 : ldexp(1, (int)octave - 1);
}

double pn_latency_at(const struct pn_latency *latency, double q) {
    double total = 0;
    for (size_t i = 0; i < latency->counts; i++) {
        total += latency->count[i];
    }
    double rank = floor((total - 1) * q);
    double below = 0;
    for (size_t i = 0; i < latency->counts && total > 0; i++) {
        below += latency->count[i];
        if (below > rank) {
            double width = pn_bucket_width(i, latency->bits);
            return pn_bucket_low(i, latency->bits) + 0.5 * (width - 1);
        }
    }
    return NAN;
}

/* Adds one slot's sparse counts; a histogram that is not one is left out, never guessed at. */
static void merge(struct pn_latency *to, const json_t *histogram) {
    double bits = pn_member_number(histogram, "p");
    const json_t *counts = pn_member(histogram, "counts");
    if (!(bits >= 1 && bits <= 10) || !json_is_array(counts) ||
        (to->bits >= 0 && to->bits != (int)bits)) {
        return;
    }
    if (to->count == NULL) {
        to->count = calloc(BUCKETS_MAX, sizeof *to->count);
    }
    if (to->count == NULL) {
        return;
    }
    to->bits = (int)bits;
    for (size_t i = 0; i < json_array_size(counts); i++) {
        const json_t *pair = json_array_get(counts, i);
        const json_t *index = json_array_get(pair, 0);
        double count = json_number_value(json_array_get(pair, 1));
        if (!json_is_integer(index) || json_integer_value(index) < 0 ||
            json_integer_value(index) >= BUCKETS_MAX ||
            (json_integer_value(index) >> to->bits) > 60 || !(count >= 0)) {
            continue;
        }
        size_t at = (size_t)json_integer_value(index);
        to->count[at] += count;
        to->counts = at >= to->counts ? at + 1 : to->counts;
    }
}

static double quantile_of(const struct pn_sample *s, size_t q) {
    return pn_sample_number(s, pn_quantile_keys[q]);
}

/* The rate asked for: the x itself, the slot's plan, or the sweep's fixed parameters. */
static double offered_rate(const struct pn_rundir *run, const struct pn_sweep *sweep,
                           const struct pn_sample *s) {
    double rate = pn_sample_number(s, "rate");
    if (isnan(rate)) {
        rate = pn_sample_param(run, s, "rate");
    }
    if (isnan(rate) && strcmp(sweep->key, "rate") == 0) {
        rate = sweep->x[s->point].at;
    }
    return isnan(rate) ? pn_member_number(sweep->set, "rate") : rate;
}

static void measure(const struct pn_rundir *run, const struct pn_study *study,
                    struct pn_latency *to) {
    double values[PN_QUANTILES][PN_ROUNDS_MAX];
    size_t n = 0;
    to->bits = -1;
    to->offered = NAN;
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *s = pn_study_slot(study, to->design, to->level, to->point, r);
        if (s == NULL || !pn_sample_good(s)) {
            continue;
        }
        for (size_t q = 0; q < PN_QUANTILES; q++) {
            values[q][n] = quantile_of(s, q);
        }
        double samples = pn_sample_number(s, "samples");
        to->samples += isnan(samples) ? 0 : samples;
        to->offered = isnan(to->offered) ? offered_rate(run, study->sweep, s) : to->offered;
        merge(to, pn_member(s->summary, "histogram"));
        n++;
    }
    to->rounds = n;
    to->rate = pn_study_median(study, to->design, to->level, to->point, pn_sample_rate);
    for (size_t q = 0; q < PN_QUANTILES; q++) {
        to->quantile[q] = pn_estimate_median(values[q], n, 0.05);
    }
}

/* Median paired ln(p99 A / p99 B) at one point; NaN without a pair. */
static double tail_at(const struct pn_study *study, size_t level, size_t point) {
    double values[PN_ROUNDS_MAX];
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *a = pn_study_slot(study, study->a, level, point, r);
        const struct pn_sample *b = pn_study_slot(study, study->b, level, point, r);
        bool both = a != NULL && b != NULL && pn_sample_good(a) && pn_sample_good(b);
        double p = both ? quantile_of(a, PN_P99) : NAN;
        double q = both ? quantile_of(b, PN_P99) : NAN;
        values[r] = p > 0 && q > 0 ? log(p / q) : NAN;
    }
    return pn_estimate_median(values, study->sweep->rounds, 0.05).value;
}

/* Of our own two designs: another runtime's tail says nothing on them. Withheld where p99 differs
 * at least twofold although both carried the load within 10 %. */
static void judge_tail(struct pn_study *study, size_t level, size_t point, double rate_a,
                       double rate_b) {
    double log_p99 = tail_at(study, level, point);
    double log_rate = log(rate_a / rate_b);
    if (isnan(log_p99) || isnan(log_rate) || fabs(expm1(log_rate)) > 0.10) {
        return;
    }
    if (!study->tail.measured || fabs(log_p99) > fabs(study->tail.log_p99)) {
        study->tail.log_p99 = log_p99;
        study->tail.log_rate = log_rate;
    }
    study->tail.measured = true;
    study->tail.withheld = fabs(study->tail.log_p99) >= log(2);
}

int pn_study_latency(const struct pn_rundir *run, struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    study->latency = calloc(sweep->levels * sweep->points * sweep->designs, sizeof *study->latency);
    if (study->latency == NULL) {
        return -ENOMEM;
    }
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            double rate[PN_DESIGNS_MAX];
            for (size_t d = 0; d < sweep->designs; d++) {
                struct pn_latency *to = &study->latency[study->latencies];
                *to = (struct pn_latency){.design = d, .level = level, .point = p};
                measure(run, study, to);
                rate[d] = to->rate.value;
                if (to->rounds > 0) {
                    study->latencies++;
                }
            }
            if (study->a != study->b && strchr(sweep->design[study->b], ':') == NULL) {
                judge_tail(study, level, p, rate[study->a], rate[study->b]);
            }
        }
    }
    return 0;
}
