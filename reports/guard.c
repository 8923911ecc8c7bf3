/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include "rival.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Less than two full cores make a contended design look better per CPU: of 671 runs the 53 below
 * this share of their variant's best cores had up to a third less CPU per job. */
static const double starved_share = 0.9;

double pn_unit_ns(const struct pn_rundir *run, const char *design) {
    const json_t *units = pn_member(run->manifest, "units");
    char family[32];
    (void)snprintf(family, sizeof family, "%.*s", (int)pn_family_length(design), design);
    double ns = pn_member_number(units, design);
    ns = isnan(ns) ? pn_member_number(units, family) : ns;
    if (isnan(ns) && (strcmp(family, "shared") == 0 || strcmp(family, "mailbox") == 0)) {
        ns = pn_member_number(units, "pinion");
    }
    return ns > 0 ? ns : NAN;
}

static const struct pn_sample *good_slot(const struct pn_study *study, struct pn_side side,
                                         size_t point, size_t round) {
    const struct pn_sample *s = pn_study_slot(study, side.design, side.level, point, round);
    return s != NULL && pn_sample_good(s) ? s : NULL;
}

/* Mean of the sampled latencies, ns: the middle of each bucket. Closed-loop slots of a sweep come
 * without their histogram: there the median stands in for it. */
static double mean_latency(const struct pn_sample *s) {
    const json_t *histogram = pn_member(s->summary, "histogram");
    const json_t *counts = pn_member(histogram, "counts");
    double bits = pn_member_number(histogram, "p");
    double sum = 0;
    double n = 0;
    for (size_t i = 0; bits >= 1 && bits <= 10 && i < json_array_size(counts); i++) {
        const json_t *pair = json_array_get(counts, i);
        json_int_t index = json_integer_value(json_array_get(pair, 0));
        double count = json_number_value(json_array_get(pair, 1));
        if (index >= 0 && index < 16384 && count > 0) {
            sum += count * (pn_bucket_low((size_t)index, (int)bits) +
                            0.5 * (pn_bucket_width((size_t)index, (int)bits) - 1));
            n += count;
        }
    }
    return n > 0 ? sum / n : pn_sample_number(s, "p50_ns");
}

static double cores_used(const struct pn_sample *s) {
    double cpu = pn_sample_number(s, "cpu_ns");
    double wall = pn_sample_number(s, "wall_ns");
    return cpu > 0 && wall > 0 ? cpu / wall : NAN;
}

static double planned(const struct pn_rundir *run, const struct pn_sample *s, const char *key,
                      double otherwise) {
    double value = pn_sample_number(s, key);
    value = isnan(value) ? pn_sample_param(run, s, key) : value;
    return isnan(value) ? otherwise : value;
}

static void count_slot(struct pn_guard *g, const struct pn_study *study, struct pn_side side,
                       size_t point, size_t round, double most) {
    const struct pn_sample *s = good_slot(study, side, point, round);
    const struct pn_sample *own =
        good_slot(study, (struct pn_side){study->a, side.level}, point, round);
    g->slots++;
    g->starved += cores_used(s) < starved_share * most;
    const char *why = own == NULL || own == s ? NULL : pn_duel_unlike(own, s);
    if (why != NULL && !pn_duel_is_literal(study->sweep->design[side.design])) {
        g->unlike++;
        g->why = g->why == NULL ? why : g->why;
    }
}

static struct pn_estimate at_equal_units(const struct pn_rundir *run, const struct pn_study *study,
                                         struct pn_side side, size_t point) {
    struct pn_side own = {study->a, side.level};
    struct pn_estimate e = pn_duel_ratio(study, own, side, point, PN_DUEL_RATE);
    double by = log(pn_unit_ns(run, study->sweep->design[own.design]) /
                    pn_unit_ns(run, study->sweep->design[side.design]));
    return (struct pn_estimate){e.value + by, e.lo + by, e.hi + by, e.n};
}

struct pn_guard pn_guard_look(const struct pn_rundir *run, const struct pn_study *study,
                              struct pn_side side, size_t point) {
    struct pn_guard g = {.bound = pn_duel_bound(study, side, point), .batch = 1};
    double depth[PN_ROUNDS_MAX];
    double most = 0;
    size_t rounds = study->sweep->rounds;
    for (size_t r = 0; r < rounds; r++) {
        const struct pn_sample *s = good_slot(study, side, point, r);
        depth[r] = s == NULL ? NAN : pn_sample_rate(s) * mean_latency(s) / 1e9;
        most = s != NULL && cores_used(s) > most ? cores_used(s) : most;
        if (s != NULL) {
            g.batch = planned(run, s, "batch", 1);
            g.payload = planned(run, s, "payload", 0);
        }
    }
    for (size_t r = 0; r < rounds; r++) {
        if (good_slot(study, side, point, r) != NULL) {
            count_slot(&g, study, side, point, r, most);
        }
    }
    g.in_flight = pn_estimate_median(depth, rounds, 0.05).value;
    g.bytes = g.in_flight * g.payload;
    g.equal = at_equal_units(run, study, side, point);
    return g;
}

bool pn_mistake_look(const struct pn_study *study, struct pn_side literal, size_t point,
                     struct pn_mistake *out) {
    const char *name = study->sweep->design[literal.design];
    char family[PN_FAMILY_NAME];
    double values[PN_ROUNDS_MAX];
    if (!pn_duel_is_literal(name) || pn_family_length(name) >= sizeof family) {
        return false;
    }
    (void)snprintf(family, sizeof family, "%.*s", (int)pn_family_length(name), name);
    struct pn_side best = pn_duel_best(study, family, study->a, literal.level, point);
    if (best.design == PN_DESIGNS_MAX) {
        return false;
    }
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *a = good_slot(study, best, point, r);
        const struct pn_sample *b = good_slot(study, literal, point, r);
        values[r] = a == NULL || b == NULL ? NAN : log(pn_sample_rate(a) / pn_sample_rate(b));
    }
    *out = (struct pn_mistake){literal, best, point,
                               pn_estimate_median(values, study->sweep->rounds, 0.05)};
    return out->factor.n > 0;
}

bool pn_guards_wanted(const struct pn_analysis *analysis) {
    char family[PN_FAMILIES_MAX][PN_FAMILY_NAME];
    for (size_t i = 0; i < analysis->studies; i++) {
        if (pn_rival_families(&analysis->study[i], family) > 0) {
            return true;
        }
    }
    return false;
}
