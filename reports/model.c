/* SPDX-License-Identifier: MIT
 *
 * Is the mailbox design, in our language and on our scheduler, a model of BEAM? Its throughput over
 * producers and over payload must have BEAM's shape: jobs/s times the ns of one work unit, so that
 * the speed of generated code drops out, each curve divided by its first value. What is constant
 * over x drops out in that division; the units are printed all the same, to be checked.
 */
#include "ladder.h"

#include "guard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const double pn_model_limit = 0.25;

static bool is_tuned_beam(const char *design) {
    return strcmp(design, "beam") == 0 || strcmp(design, "beam:tuned") == 0;
}

/* The mailbox design as it is meant to be like BEAM, else as it is. */
static size_t find_mailbox(const struct pn_sweep *sweep) {
    size_t found = sweep->designs;
    for (size_t d = 0; d < sweep->designs; d++) {
        if (strcmp(sweep->design[d], "mailbox+like=beam") == 0) {
            return d;
        }
        found = strcmp(sweep->design[d], "mailbox") == 0 ? d : found;
    }
    return found;
}

static size_t find_beam(const struct pn_sweep *sweep) {
    size_t d = 0;
    while (d < sweep->designs && !is_tuned_beam(sweep->design[d])) {
        d++;
    }
    return d;
}

static bool tests_it(const struct pn_sweep *sweep) {
    return (strcmp(sweep->key, "producers") == 0 || strcmp(sweep->key, "payload") == 0) &&
           sweep->kind == PN_SWEEP_CROSSOVER && sweep->points > 1 &&
           find_mailbox(sweep) < sweep->designs && find_beam(sweep) < sweep->designs;
}

/* Change of one design from the first x to this one, in one round; NaN where either is missing. */
static double shape_of(const struct pn_model *m, size_t design, size_t point, size_t round) {
    const struct pn_sample *at = pn_study_slot(m->study, design, m->level, point, round);
    const struct pn_sample *from = pn_study_slot(m->study, design, m->level, m->first, round);
    return at == NULL || from == NULL ? NAN : log(pn_sample_rate(at) / pn_sample_rate(from));
}

static void measure(struct pn_model *m, size_t point) {
    double values[3][PN_ROUNDS_MAX];
    size_t rounds = m->study->sweep->rounds;
    for (size_t r = 0; r < rounds; r++) {
        values[0][r] = shape_of(m, m->mailbox, point, r);
        values[1][r] = shape_of(m, m->beam, point, r);
        values[2][r] = values[0][r] - values[1][r];
    }
    m->shape[0][point] = pn_estimate_median(values[0], rounds, 0.05);
    m->shape[1][point] = pn_estimate_median(values[1], rounds, 0.05);
    m->apart[point] = pn_estimate_median(values[2], rounds, 0.05);
}

bool pn_model_make(const struct pn_rundir *run, const struct pn_study *study, size_t level,
                   struct pn_model *out) {
    const struct pn_sweep *sweep = study->sweep;
    if (!tests_it(sweep)) {
        return false;
    }
    struct pn_model m = {
        .study = study, .level = level, .mailbox = find_mailbox(sweep), .beam = find_beam(sweep)};
    struct pn_side side[2] = {{m.mailbox, level}, {m.beam, level}};
    while (m.first < sweep->points &&
           pn_duel_ratio(study, side[0], side[1], m.first, PN_DUEL_RATE).n == 0) {
        m.first++;
    }
    m.unit[0] = pn_unit_ns(run, sweep->design[m.mailbox]);
    m.unit[1] = pn_unit_ns(run, sweep->design[m.beam]);
    double sum = 0;
    for (size_t p = m.first; p < sweep->points; p++) {
        measure(&m, p);
        double apart = expm1(fabs(m.apart[p].value));
        if (p == m.first || isnan(apart)) {
            continue;
        }
        sum += apart;
        m.points++;
        if (m.points == 1 || apart > m.largest) {
            m.largest = apart;
            m.worst = p;
        }
    }
    m.mean = m.points == 0 ? NAN : sum / (double)m.points;
    *out = m;
    return m.points > 0;
}

bool pn_model_explains(const struct pn_model *model) {
    return model->largest <= pn_model_limit;
}

bool pn_model_wanted(const struct pn_analysis *analysis) {
    for (size_t i = 0; i < analysis->studies; i++) {
        struct pn_ladder ladder;
        if (tests_it(analysis->study[i].sweep) || pn_ladder_find(&analysis->study[i], &ladder)) {
            return true;
        }
    }
    return false;
}

const char *pn_model_absence(const struct pn_analysis *analysis, char *room, size_t size) {
    const json_t *absent = pn_member(analysis->run->manifest, "absent_designs");
    for (size_t i = 0; i < json_array_size(absent); i++) {
        const json_t *one = json_array_get(absent, i);
        if (is_tuned_beam(pn_member_string(one, "design", ""))) {
            (void)snprintf(room, size, "beam:tuned: %.120s", pn_member_string(one, "reason", ""));
            return room;
        }
    }
    return "no sweep over producers or payload has rounds with both mailbox and beam:tuned";
}
