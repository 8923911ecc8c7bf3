/* SPDX-License-Identifier: MIT */
#include "duel.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A worker that does nothing but sleep: throughput within this share of workers / sleep. */
static const double sleep_bound_share = 0.9;

static double figure_of(const struct pn_sample *s, enum pn_duel_figure figure) {
    static const char *const keys[] = {NULL, NULL, "p99_ns", "short_p99_ns"};
    switch (figure) {
    case PN_DUEL_RATE:
        return pn_sample_rate(s);
    case PN_DUEL_CPU: {
        double done = pn_sample_number(s, "done");
        return done > 0 ? pn_sample_number(s, "cpu_ns") / done : NAN;
    }
    default:
        return pn_sample_number(s, keys[figure]);
    }
}

static const struct pn_sample *slot_of(const struct pn_study *study, struct pn_side side,
                                       size_t point, size_t round) {
    const struct pn_sample *s = pn_study_slot(study, side.design, side.level, point, round);
    return s != NULL && pn_sample_good(s) ? s : NULL;
}

const char *pn_duel_unlike(const struct pn_sample *a, const struct pn_sample *b) {
    static const char *const counts[] = {"done", "lost", "dropped"};
    static const char *const differs[] = {"done differs", "lost differs", "dropped differs"};
    const char *x = pn_sample_string(a, "checksum");
    const char *y = pn_sample_string(b, "checksum");
    if (pn_sample_number(a, "collateral") > 0 || pn_sample_number(b, "collateral") > 0) {
        return "waiting jobs were lost with their worker";
    }
    if (x != NULL && y != NULL && strcmp(x, y) != 0) {
        return "checksum differs";
    }
    for (size_t i = 0; i < 3; i++) {
        double u = pn_sample_number(a, counts[i]);
        double v = pn_sample_number(b, counts[i]);
        if (!isnan(u) && !isnan(v) && u != v) {
            return differs[i];
        }
    }
    return NULL;
}

double pn_duel_round(const struct pn_study *study, struct pn_side a, struct pn_side b, size_t point,
                     size_t round, enum pn_duel_figure figure) {
    const struct pn_sample *x = slot_of(study, a, point, round);
    const struct pn_sample *y = slot_of(study, b, point, round);
    bool pair = x != NULL && y != NULL && pn_duel_unlike(x, y) == NULL;
    double ratio = pair ? log(figure_of(x, figure) / figure_of(y, figure)) : NAN;
    return isfinite(ratio) ? ratio : NAN;
}

struct pn_estimate pn_duel_ratio(const struct pn_study *study, struct pn_side a, struct pn_side b,
                                 size_t point, enum pn_duel_figure figure) {
    double values[PN_ROUNDS_MAX];
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        values[r] = pn_duel_round(study, a, b, point, r, figure);
    }
    return pn_estimate_median(values, study->sweep->rounds, 0.05);
}

static struct pn_estimate over_rounds(const struct pn_study *study, struct pn_side side,
                                      size_t point, enum pn_duel_figure figure, const char *key) {
    double values[PN_ROUNDS_MAX];
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *s = slot_of(study, side, point, r);
        values[r] = s == NULL ? NAN : key != NULL ? pn_sample_number(s, key) : figure_of(s, figure);
    }
    return pn_estimate_median(values, study->sweep->rounds, 0.05);
}

struct pn_estimate pn_duel_value(const struct pn_study *study, struct pn_side side, size_t point,
                                 enum pn_duel_figure figure) {
    return over_rounds(study, side, point, figure, NULL);
}

struct pn_estimate pn_duel_sleep(const struct pn_study *study, struct pn_side side, size_t point) {
    return over_rounds(study, side, point, PN_DUEL_FIGURES, "sleep_mean_ns");
}

/* What makes one mode better than another: jobs/s, and in an open loop, where all carry the same
 * load, a shorter tail: of the short jobs where some are greedy. NaN where it has no figure. */
static double merit(const struct pn_study *study, struct pn_side side, size_t point) {
    if (study->sweep->kind != PN_SWEEP_LATENCY) {
        return pn_duel_value(study, side, point, PN_DUEL_RATE).value;
    }
    double tail = pn_duel_value(study, side, point, PN_DUEL_SHORT_P99).value;
    tail = isnan(tail) ? pn_duel_value(study, side, point, PN_DUEL_P99).value : tail;
    return -tail;
}

struct pn_side pn_duel_best_level(const struct pn_study *study, size_t design, size_t point) {
    struct pn_side best = {design, 0};
    double most = -INFINITY;
    for (size_t level = 0; level < study->sweep->levels; level++) {
        struct pn_side side = {design, level};
        double value = merit(study, side, point);
        if (value > most) {
            most = value;
            best = side;
        }
    }
    return best;
}

size_t pn_family_length(const char *design) {
    return strcspn(design, ":+");
}

bool pn_duel_is_literal(const char *design) {
    const char *colon = strchr(design, ':');
    return colon != NULL && strncmp(colon, ":literal", 8) == 0;
}

static bool loses_mailboxes(const struct pn_study *study, struct pn_side side, size_t point) {
    return over_rounds(study, side, point, PN_DUEL_FIGURES, "collateral").value > 0;
}

struct pn_side pn_duel_best(const struct pn_study *study, const char *family, size_t not_this,
                            size_t level, size_t point) {
    struct pn_side best = {PN_DESIGNS_MAX, 0};
    double most = -INFINITY;
    for (size_t d = 0; d < study->sweep->designs; d++) {
        const char *name = study->sweep->design[d];
        size_t len = pn_family_length(name);
        if (d == not_this || pn_duel_is_literal(name) ||
            (family != NULL && (strlen(family) != len || strncmp(family, name, len) != 0))) {
            continue;
        }
        struct pn_side side = {d, level};
        if (level == SIZE_MAX) {
            side = pn_duel_best_level(study, d, point);
        }
        double value = merit(study, side, point);
        if (value > most && !loses_mailboxes(study, side, point)) {
            most = value;
            best = side;
        }
    }
    return best;
}

const char *pn_duel_bound(const struct pn_study *study, struct pn_side side, size_t point) {
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *s = slot_of(study, side, point, r);
        const char *bound = s == NULL ? NULL : pn_sample_string(s, "bound");
        if (bound != NULL) {
            return bound;
        }
    }
    return "queue";
}

/* A parameter of the point: what the sweep sets, or its x, or the level. */
static double param(const struct pn_study *study, size_t level, size_t point, const char *key,
                    double otherwise) {
    const struct pn_sweep *s = study->sweep;
    if (strcmp(s->key, key) == 0) {
        return s->x[point].at;
    }
    if (s->by_key != NULL && strcmp(s->by_key, key) == 0) {
        double value = NAN;
        return sscanf(s->level[level], "%lf", &value) == 1 ? value : otherwise;
    }
    const char *text = pn_member_string(s->set, key, NULL);
    double value = NAN;
    return text != NULL && sscanf(text, "%lf", &value) == 1 ? value : otherwise;
}

/* Every job sleeps and the workers do little else: the rate is that of the timer. */
static bool is_sleep_bound(const struct pn_study *study, struct pn_side side, size_t point) {
    double sleep = pn_duel_sleep(study, side, point).value;
    double share = param(study, side.level, point, "sleep_ppm", 0) / 1e6;
    double workers = param(study, side.level, point, "workers", 4);
    double rate = pn_duel_value(study, side, point, PN_DUEL_RATE).value;
    return sleep > 0 && share > 0 && rate * sleep * share / 1e9 > sleep_bound_share * workers;
}

const char *pn_duel_caveat(const struct pn_study *study, struct pn_side a, struct pn_side b,
                           size_t point, char *room, size_t size) {
    const char *name = study->sweep->design[b.design];
    const char *x = pn_duel_bound(study, a, point);
    const char *y = pn_duel_bound(study, b, point);
    if (pn_duel_is_literal(name)) {
        return "computes nothing: what a tuning mistake costs";
    }
    if (loses_mailboxes(study, b, point)) {
        return "lost mailboxes: unlike work, no ratio";
    }
    if (strcmp(x, y) != 0) {
        (void)snprintf(room, size, "bound by %.12s against %.12s: no verdict", x, y);
        return room;
    }
    if (is_sleep_bound(study, a, point) || is_sleep_bound(study, b, point)) {
        return "bound by sleeping: the timers' ratio, no throughput win";
    }
    return NULL;
}

bool pn_duel_wanted(const struct pn_study *study) {
    return study->sweep->designs > 2 ||
           (study->sweep->designs == 2 && strcmp(study->sweep->design[study->b], "mailbox") != 0 &&
            strcmp(study->sweep->design[study->b], "loop") != 0);
}
