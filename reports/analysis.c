/* SPDX-License-Identifier: MIT */
#include "analysis.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t cell(const struct pn_sweep *s, size_t design, size_t level, size_t point,
                   size_t round) {
    return ((design * s->levels + level) * s->points + point) * s->rounds + round;
}

const struct pn_sample *pn_study_slot(const struct pn_study *study, size_t design, size_t level,
                                      size_t point, size_t round) {
    return study->grid[cell(study->sweep, design, level, point, round)];
}

struct pn_estimate pn_study_median(const struct pn_study *study, size_t design, size_t level,
                                   size_t point, double (*get)(const struct pn_sample *)) {
    double values[PN_ROUNDS_MAX];
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *slot = pn_study_slot(study, design, level, point, r);
        values[r] = slot != NULL && pn_sample_good(slot) ? get(slot) : NAN;
    }
    return pn_estimate_median(values, study->sweep->rounds, 0.05);
}

const char *pn_level_name(const struct pn_sweep *sweep, size_t level, char *room, size_t size) {
    if (sweep->by_key == NULL) {
        room[0] = '\0';
    } else {
        (void)snprintf(room, size, "%.30s = %.40s", sweep->by_key, sweep->level[level]);
    }
    return room;
}

static double busy_per_job(const struct pn_sample *slot) {
    struct pn_effort e = pn_sample_effort(slot);
    return e.busy_ns / e.jobs;
}

static double spin_per_job(const struct pn_sample *slot) {
    struct pn_effort e = pn_sample_effort(slot);
    return e.spin_ns / e.jobs;
}

/* Two slots may be compared if both lost nothing silently and made the same results. */
static bool alike(const struct pn_sample *a, const struct pn_sample *b) {
    const char *x = pn_sample_string(a, "checksum");
    const char *y = pn_sample_string(b, "checksum");
    bool same = x == NULL || y == NULL || strcmp(x, y) == 0;
    return same && !(pn_sample_number(a, "collateral") > 0) &&
           !(pn_sample_number(b, "collateral") > 0);
}

/* Both slots of the pair, or false: missing, void, failed or unlike. */
static bool find_pair(const struct pn_study *study, size_t level, size_t point, size_t round,
                      const struct pn_sample **pair) {
    pair[0] = pn_study_slot(study, study->a, level, point, round);
    pair[1] = pn_study_slot(study, study->b, level, point, round);
    return pair[0] != NULL && pair[1] != NULL && pn_sample_good(pair[0]) && pn_sample_good(pair[1]);
}

static int by_total(const void *a, const void *b) {
    double x = ((const struct pn_split *)a)->total;
    double y = ((const struct pn_split *)b)->total;
    return (x > y) - (x < y);
}

static double part_of(const struct pn_split *s, enum pn_part part) {
    switch (part) {
    case PN_PART_EFFICIENCY:
        return s->efficiency;
    case PN_PART_SPINNING:
        return s->spinning;
    case PN_PART_SLEEPING:
        return s->sleeping;
    default:
        return s->waiting;
    }
}

static struct pn_split middle(const struct pn_split *s, size_t n) {
    const struct pn_split *u = &s[(n - 1) / 2];
    const struct pn_split *v = &s[n / 2];
    return (struct pn_split){0.5 * (u->total + v->total), 0.5 * (u->efficiency + v->efficiency),
                             0.5 * (u->waiting + v->waiting), 0.5 * (u->spinning + v->spinning),
                             0.5 * (u->sleeping + v->sleeping)};
}

/* Splits of all pairs of one point; its parts are those of the middle pair(s), so that they sum to
 * the median ratio that is stated. */
static void split_point(struct pn_point *point, struct pn_split *split, size_t n) {
    double values[PN_ROUNDS_MAX];
    point->split = (struct pn_split){NAN, NAN, NAN, NAN, NAN};
    if (n > 0) {
        qsort(split, n, sizeof *split, by_total);
        point->split = middle(split, n);
    }
    for (int part = 0; part < PN_PART_COUNT; part++) {
        for (size_t i = 0; i < n; i++) {
            values[i] = part_of(&split[i], (enum pn_part)part);
        }
        point->part[part] = pn_estimate_median(values, n, 0.05);
    }
}

/* Ratios of one point into row[], and everything that is printed for it. Returns the pairs found.
 */
static size_t measure_point(const struct pn_study *study, struct pn_curve *curve, size_t p,
                            double *row, struct pn_split *split) {
    struct pn_point *point = &curve->point[p];
    size_t pairs = 0;
    size_t splits = 0;
    for (size_t d = 0; d < study->sweep->designs; d++) {
        point->rate[d] = pn_study_median(study, d, curve->level, p, pn_sample_rate);
        point->busy[d] = pn_study_median(study, d, curve->level, p, busy_per_job);
        point->spin[d] = pn_study_median(study, d, curve->level, p, spin_per_job);
    }
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *pair[2];
        row[r] = NAN;
        if (study->a == study->b || !find_pair(study, curve->level, p, r, pair)) {
            continue;
        }
        if (!alike(pair[0], pair[1])) {
            point->unlike++;
            continue;
        }
        row[r] = log(pn_sample_rate(pair[0]) / pn_sample_rate(pair[1]));
        pairs += isnan(row[r]) ? 0 : 1;
        struct pn_effort a = pn_sample_effort(pair[0]);
        struct pn_effort b = pn_sample_effort(pair[1]);
        struct pn_split s = pn_split_gap(&a, &b);
        if (!isnan(s.total)) {
            split[splits++] = s;
        }
    }
    split_point(point, split, splits);
    return pairs;
}

/* The matrix of ratios of one level; NULL if out of memory. */
static double *measure_curve(const struct pn_study *study, struct pn_curve *curve) {
    size_t rounds = study->sweep->rounds;
    size_t points = study->sweep->points;
    double *ratios = malloc((points * rounds + 1) * sizeof *ratios);
    struct pn_split *split = malloc((rounds + 1) * sizeof *split);
    curve->point = calloc(points, sizeof *curve->point);
    if (ratios == NULL || split == NULL || curve->point == NULL) {
        free(ratios);
        free(split);
        return NULL;
    }
    for (size_t p = 0; p < points; p++) {
        curve->compared |= measure_point(study, curve, p, ratios + p * rounds, split) > 0;
    }
    free(split);
    return ratios;
}

int pn_study_cross(const struct pn_rundir *run, const struct pn_study *study, const double *ratios,
                   struct pn_cross *cross) {
    double x[PN_POINTS_MAX];
    for (size_t p = 0; p < study->sweep->points; p++) {
        x[p] = study->sweep->x[p].at;
    }
    struct pn_cross_input input = {.points = study->sweep->points,
                                   .rounds = study->sweep->rounds,
                                   .x = x,
                                   .log_ratio = ratios,
                                   .log2_x = study->sweep->scale == PN_SCALE_LOG2,
                                   .margin = study->margin,
                                   .seed = run->seed};
    int code = pn_cross_find(&input, cross);
    if (cross->kind == PN_CROSS_AT && study->sweep->x[0].word != NULL) {
        cross->kind = PN_CROSS_SEVERAL; /* between two words there is no place */
    }
    return code;
}

/* Change of the log-ratio from level 0, round by round. */
static int shift_points(const struct pn_study *study, struct pn_shift *shift, const double *from,
                        const double *to) {
    double values[PN_ROUNDS_MAX];
    size_t rounds = study->sweep->rounds;
    shift->delta = calloc(study->sweep->points, sizeof *shift->delta);
    if (shift->delta == NULL) {
        return -ENOMEM;
    }
    for (size_t p = 0; p < study->sweep->points; p++) {
        for (size_t r = 0; r < rounds; r++) {
            values[r] = to[p * rounds + r] - from[p * rounds + r];
        }
        shift->delta[p] = pn_estimate_median(values, rounds, 0.05 / (double)study->sweep->points);
    }
    return 0;
}

static int study_curves(const struct pn_rundir *run, struct pn_study *study) {
    double *first = NULL;
    int code = 0;
    for (size_t level = 0; level < study->sweep->levels && code == 0; level++) {
        struct pn_curve *curve = &study->curve[level];
        *curve = (struct pn_curve){.sweep = study->sweep, .level = level};
        double *ratios = measure_curve(study, curve);
        code = ratios == NULL ? -ENOMEM : 0;
        if (code == 0 && curve->compared) {
            code = pn_study_cross(run, study, ratios, &curve->cross);
        }
        if (code == 0 && level > 0 && curve->compared && study->curve[0].compared) {
            struct pn_shift *shift = &study->shift[study->shifts++];
            shift->to = level;
            shift->factor = pn_cross_shift(&study->curve[0].cross, &curve->cross,
                                           study->sweep->scale == PN_SCALE_LOG2);
            code = shift_points(study, shift, first, ratios);
        }
        if (level == 0) {
            first = ratios;
        } else {
            free(ratios);
        }
    }
    free(first);
    return code;
}

/* The project's own pair where both are there, else the first two. */
static void choose_pair(struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    study->a = 0;
    study->b = sweep->designs > 1 ? 1 : 0;
    for (size_t d = 0; d < sweep->designs; d++) {
        if (strcmp(sweep->design[d], "shared") == 0 && d != 0) {
            study->b = study->a;
            study->a = d;
        }
    }
    size_t exact = SIZE_MAX;
    size_t like = SIZE_MAX; /* "mailbox+like=beam", where there is no plain one */
    for (size_t d = sweep->designs; d-- > 0;) {
        bool mailbox = strncmp(sweep->design[d], "mailbox", 7) == 0 && d != study->a;
        exact = mailbox && sweep->design[d][7] == '\0' ? d : exact;
        like = mailbox && sweep->design[d][7] == '+' ? d : like;
    }
    study->b = exact != SIZE_MAX ? exact : like != SIZE_MAX ? like : study->b;
}

static int lay_out(const struct pn_rundir *run, struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    size_t cells = sweep->designs * sweep->levels * sweep->points * sweep->rounds;
    study->grid = calloc(cells + 1, sizeof(const struct pn_sample *));
    if (study->grid == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < run->samples; i++) {
        const struct pn_sample *s = &run->sample[i];
        bool wanted = s->role == PN_ROLE_MAIN ||
                      (s->role == PN_ROLE_LATENCY && sweep->kind == PN_SWEEP_LATENCY);
        if (s->sweep != sweep || s->design == PN_DESIGNS_MAX || !wanted) {
            continue;
        }
        const struct pn_sample **at =
            &study->grid[cell(sweep, s->design, s->level, s->point, s->round)];
        if (*at == NULL || (!pn_sample_good(*at) && pn_sample_good(s))) {
            *at = s;
        }
    }
    return 0;
}

/* Why a spin is not known, from the first slot that says so. */
static void explain_spin(struct pn_study *study, const struct pn_rundir *run) {
    for (size_t i = 0; i < run->samples && study->spin_reason == NULL; i++) {
        const struct pn_sample *s = &run->sample[i];
        bool compared = s->design == study->a || s->design == study->b;
        if (s->sweep == study->sweep && compared && pn_sample_good(s) &&
            isnan(pn_sample_number(s, "spin_ns"))) {
            study->spin_reason =
                pn_member_reason(s->summary, "spin_ns", "a design does not count its idle spin");
        }
    }
}

static void choose_gap(struct pn_study *study) {
    const struct pn_curve *curve = &study->curve[0];
    study->gap_point = SIZE_MAX;
    for (size_t i = 0; curve->compared && i < study->sweep->points; i++) {
        size_t p = (study->sweep->points / 2 + i) % study->sweep->points; /* the middle first */
        bool said = curve->cross.sign[p] == PN_SIGN_A || curve->cross.sign[p] == PN_SIGN_B;
        double best =
            study->gap_point == SIZE_MAX ? 0 : fabs(curve->point[study->gap_point].split.total);
        if (said && fabs(curve->point[p].split.total) > best) {
            study->gap_point = p;
        }
        if (i == 0 && study->gap_point != SIZE_MAX) {
            return;
        }
    }
}

static int study_make(const struct pn_rundir *run, struct pn_study *study) {
    int code = 0;
    if (study->sweep->kind == PN_SWEEP_LATENCY) {
        code = pn_study_latency(run, study);
    } else {
        explain_spin(study, run);
        code = study_curves(run, study);
        choose_gap(study);
        code = code == 0 ? pn_study_job(run, study) : code;
    }
    if (code == 0) {
        code = pn_study_ceiling(run, study);
    }
    return code == 0 ? pn_study_cores(study) : code;
}

static void count_slots(const struct pn_rundir *run, struct pn_analysis *out) {
    for (size_t i = 0; i < run->samples; i++) {
        out->voided += run->sample[i].void_reason != NULL;
        out->failed += run->sample[i].error != NULL;
        out->unsteady += run->sample[i].unsteady;
    }
    const char *status = pn_member_string(run->manifest, "status", "");
    out->noisy = strcmp(status, "noisy") == 0 || out->voided * 4 > run->samples;
}

static void withhold(struct pn_analysis *out) {
    for (size_t i = 0; i < out->studies; i++) {
        out->study[i].withheld = out->tail.withheld;
    }
}

int pn_analysis_make(const struct pn_rundir *run, struct pn_analysis *out) {
    *out = (struct pn_analysis){.run = run, .noise = {.floor = NAN, .pair = {NAN, NAN, NAN, 0}}};
    int code = 0;
    count_slots(run, out);
    for (size_t i = 0; i < run->sweeps && code == 0; i++) {
        struct pn_study *study = &out->study[out->studies++];
        study->index = i;
        study->sweep = &run->sweep[i];
        choose_pair(study);
        code = lay_out(run, study);
        if (code == 0) {
            study->noise = pn_study_noise(run, study);
        }
        if (study->noise.floor > out->noise.floor || isnan(out->noise.floor)) {
            out->noise = study->noise;
        }
    }
    for (size_t i = 0; i < out->studies && code == 0; i++) {
        struct pn_study *study = &out->study[i];
        double floor = isnan(study->noise.floor) ? out->noise.floor : study->noise.floor;
        study->margin = floor > log1p(PN_TIE) ? floor : log1p(PN_TIE);
        code = study_make(run, study);
        if (study->tail.measured &&
            (!out->tail.measured || fabs(study->tail.log_p99) > fabs(out->tail.log_p99))) {
            bool withheld = out->tail.withheld || study->tail.withheld;
            out->tail = study->tail;
            out->tail.withheld = withheld;
        }
        for (size_t level = 0; level < study->sweep->levels; level++) {
            for (size_t p = 0; study->curve[level].point != NULL && p < study->sweep->points; p++) {
                out->unlike += study->curve[level].point[p].unlike;
            }
        }
    }
    withhold(out);
    return code;
}

const struct pn_study *pn_analysis_first(const struct pn_analysis *analysis,
                                         enum pn_sweep_kind kind) {
    for (size_t i = 0; i < analysis->studies; i++) {
        const struct pn_study *study = &analysis->study[i];
        if (study->sweep->kind == kind && (kind != PN_SWEEP_LATENCY || study->latencies > 0)) {
            return study;
        }
    }
    return NULL;
}

static void study_free(struct pn_study *study) {
    for (size_t level = 0; level < PN_LEVELS_MAX; level++) {
        free(study->curve[level].point);
        pn_cross_free(&study->curve[level].cross);
        free(study->shift[level].delta);
    }
    for (size_t i = 0; i < study->latencies; i++) {
        free(study->latency[i].count);
    }
    for (size_t i = 0; i < study->core_tables; i++) {
        free(study->core[i].core);
    }
    free(study->latency);
    free(study->share);
    free(study->loop);
    free(study->job_ns);
    free((void *)study->grid);
}

void pn_analysis_free(struct pn_analysis *analysis) {
    for (size_t i = 0; i < analysis->studies; i++) {
        study_free(&analysis->study[i]);
    }
}
