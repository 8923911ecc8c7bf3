/* SPDX-License-Identifier: MIT
 *
 * The table of standing targets, and what a run says of each line.
 */
#include "queue_lines.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rundir.h"
#include "text.h"

const char *const pn_target_state_names[PN_TARGET_STATES] = {"held", "did not hold", "undecided",
                                                             "not measured"};

/* ratio: to another queue or another workload, in the same round. The rest are of one queue over
 * all rounds: fastest / slowest rate, and the largest of a figure. */
enum measure { MEASURE_RATIO, MEASURE_SPREAD, MEASURE_BYTES, MEASURE_LEFT, MEASURE_WAIT, MEASURES };
static const char *const measure_names[MEASURES] = {"ratio", "spread", "bytes", "left", "wait"};

struct rule {
    enum measure measure;
    const char *queue, *of;
    const char *workload, *of_workload; /* names as in queues.jsonl; "": all */
    bool at_least;                      /* else at most */
    bool low; /* judged by the low end of the interval, else by the median with all of it */
    double than;
};

int pn_queue_targets_load(struct pn_queue_store *store) {
    store->targets = json_array();
    for (size_t i = 0; pn_queue_target_lines[i] != NULL; i++) {
        const char *line = pn_queue_target_lines[i];
        json_t *one = line[0] == '\0' ? NULL : json_loads(line, JSON_REJECT_DUPLICATES, NULL);
        if (line[0] != '\0' && (one == NULL || json_array_append_new(store->targets, one) != 0)) {
            return -1;
        }
    }
    return store->targets == NULL ? -1 : 0;
}

static bool names(const json_t *list, const char *name) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (strcmp(json_string_value(json_array_get(list, i)), name) == 0) {
            return true;
        }
    }
    return false;
}

enum pn_queue_kind pn_queue_kind_of(const struct pn_queue_store *store, const char *name) {
    const json_t *kinds = json_array_get(store->targets, 0);
    return names(pn_member(kinds, "ours"), name)       ? PN_QUEUE_OURS
           : names(pn_member(kinds, "ceilings"), name) ? PN_QUEUE_CEILING
                                                       : PN_QUEUE_PEER;
}

static struct rule rule_of(const json_t *line) {
    const char *workload = pn_member_string(line, "workload", "");
    const char *measure = pn_member_string(line, "measure", "ratio");
    struct rule rule = {
        .measure = MEASURE_RATIO,
        .queue = pn_member_string(line, "queue", ""),
        .of = pn_member_string(line, "of", ""),
        .workload = workload,
        .of_workload = pn_member_string(line, "of_workload", workload),
        .at_least = strcmp(pn_member_string(line, "is", ">="), ">=") == 0,
        .low = strcmp(pn_member_string(line, "judged", "median"), "low") == 0,
        .than = pn_member_number(line, "than"),
    };
    for (size_t m = 0; m < MEASURES; m++) {
        rule.measure = strcmp(measure, measure_names[m]) == 0 ? (enum measure)m : rule.measure;
    }
    return rule;
}

/* SIZE_MAX if the run does not have it. */
static size_t find_workload(const struct pn_queue_store *store, const char *name) {
    for (size_t w = 0; w < store->settings; w++) {
        if (strcmp(store->setting[w].name, name) == 0) {
            return w;
        }
    }
    return SIZE_MAX;
}

static const char *words_of(const struct pn_queue_report *report, const char *workload) {
    size_t w = find_workload(report->store, workload);
    return w == SIZE_MAX ? workload : report->workload[w].name;
}

static void put_claim(const struct pn_queue_report *report, const struct rule *rule,
                      struct pn_text *out) {
    const char *sign = rule->at_least ? " ≥ " : " ≤ ";
    bool across = strcmp(rule->workload, rule->of_workload) != 0;
    const char *where = words_of(report, rule->workload);
    pn_text_put(out, rule->queue);
    if (rule->measure == MEASURE_RATIO) {
        pn_text_cat(out, across ? " in " : "", across ? where : "", sign, pn_num_tick(rule->than).s,
                    " × ", rule->of, across ? " in " : "",
                    across ? words_of(report, rule->of_workload) : "", NULL);
    } else if (rule->measure == MEASURE_SPREAD) {
        pn_text_cat(out, ", fastest round", sign, pn_num_tick(rule->than).s, " × slowest", NULL);
    } else if (rule->measure == MEASURE_WAIT) {
        pn_text_cat(out, ", longest wait", sign, pn_num_tick(rule->than / 1e6).s, PN_NBSP "ms",
                    NULL);
    } else {
        pn_text_cat(out, sign, pn_num_tick(rule->than).s, PN_NBSP "bytes per item",
                    rule->measure == MEASURE_LEFT ? " left after a drain" : ", resident", NULL);
    }
    if (rule->workload[0] != '\0' && !across) {
        pn_text_cat(out, ": ", where, NULL);
    }
    pn_text_put(out, rule->low ? " (low end of the interval)" : "");
}

static bool holds(const struct rule *rule, double value) {
    return rule->at_least ? value >= rule->than : value <= rule->than;
}

/* A ratio has an interval. By its low end: held or not. By its median: held or not where the whole
 * interval says so, undecided where the interval holds both sides. */
static enum pn_target_state judge_ratio(const struct rule *rule, const struct pn_queue_figure *f) {
    if (f->rounds == 0) {
        return PN_TARGET_UNMEASURED;
    }
    if (isnan(f->lo) || isnan(f->hi)) {
        return PN_TARGET_UNDECIDED;
    }
    if (rule->low) {
        return holds(rule, f->lo) ? PN_TARGET_HELD : PN_TARGET_MISSED;
    }
    bool lo = holds(rule, f->lo);
    return lo != holds(rule, f->hi) ? PN_TARGET_UNDECIDED : lo ? PN_TARGET_HELD : PN_TARGET_MISSED;
}

/* The largest of a figure over all good lines of a queue, in one workload or (SIZE_MAX) in all. */
static struct pn_queue_figure largest(const struct pn_queue_store *store, size_t queue,
                                      size_t workload, enum measure measure) {
    struct pn_queue_figure f = {NAN, NAN, NAN, 0};
    for (size_t i = 0; i < store->lines; i++) {
        const struct pn_queue_line *line = &store->line[i];
        double value = measure == MEASURE_WAIT    ? line->wait_ns
                       : measure == MEASURE_BYTES ? line->per_item
                                                  : line->left;
        if (line->good && line->queue == queue && !isnan(value) &&
            (workload == SIZE_MAX || line->workload == workload)) {
            f.value = fmax(f.value, value);
            f.rounds++;
        }
    }
    return f;
}

static struct pn_queue_figure measure(const struct pn_queue_report *report, const struct rule *rule,
                                      size_t queue, double *room) {
    static const struct pn_queue_figure nothing = {NAN, NAN, NAN, 0};
    const struct pn_queue_store *store = report->store;
    size_t w = find_workload(store, rule->workload);
    size_t of = pn_queue_find(report, rule->of);
    size_t from = find_workload(store, rule->of_workload);
    if (w == SIZE_MAX && rule->workload[0] != '\0') {
        return nothing;
    }
    switch (rule->measure) {
    case MEASURE_RATIO:
        return w == SIZE_MAX || from == SIZE_MAX || of == SIZE_MAX
                   ? nothing
                   : pn_queue_ratio(pn_queue_rates(store, w, queue),
                                    pn_queue_rates(store, from, of), store->rounds, room);
    case MEASURE_SPREAD: {
        const struct pn_queue_cell *cell = pn_queue_report_cell(report, w, queue);
        return (struct pn_queue_figure){cell->most / cell->least, NAN, NAN, cell->mops.rounds};
    }
    default:
        return largest(store, queue, w, rule->measure);
    }
}

/* Why a target has no figure: the first of its queues or workloads that is not there. */
static void put_absence(const struct pn_queue_report *report, const struct rule *rule,
                        struct pn_text *out) {
    char room[200];
    const char *const queue[] = {rule->queue, rule->of};
    const char *const where[] = {rule->workload, rule->of_workload};
    for (size_t i = 0; i < 2; i++) {
        size_t q = pn_queue_find(report, queue[i]);
        size_t w = find_workload(report->store, where[i]);
        bool absent = q == SIZE_MAX || report->queue[q].missing != NULL;
        if (queue[i][0] == '\0') {
            continue;
        }
        if (!absent && w == SIZE_MAX && where[i][0] != '\0') {
            pn_text_cat(out, where[i], ": no such workload in this run", NULL);
            return;
        }
        if (absent || (w != SIZE_MAX && pn_queue_report_cell(report, w, q)->mops.rounds == 0)) {
            pn_text_cat(out, queue[i], ": ",
                        q == SIZE_MAX ? "not part of this run"
                                      : pn_queue_gap(report, w, q, room, sizeof room),
                        NULL);
            return;
        }
    }
    pn_text_put(out, rule->measure == MEASURE_RATIO ? "no round has both" : "no line states it");
}

static void put_said(const struct pn_queue_report *report, const struct rule *rule,
                     const struct pn_queue_target *target, struct pn_text *out) {
    char room[96];
    const struct pn_queue_figure *f = &target->figure;
    if (target->state == PN_TARGET_UNMEASURED) {
        put_absence(report, rule, out);
        return;
    }
    if (rule->measure == MEASURE_WAIT) {
        pn_text_cat(out, pn_num_sig(f->value / 1e6, 3).s, PN_NBSP "ms", NULL);
    } else if (rule->measure == MEASURE_BYTES || rule->measure == MEASURE_LEFT) {
        pn_text_cat(out, pn_num_sig(f->value, 3).s, PN_NBSP "bytes", NULL);
    } else {
        pn_text_cat(out, "×", pn_queue_figure_text(f, room, sizeof room), NULL);
    }
    pn_text_format(out, ", %zu round%s", f->rounds, f->rounds == 1 ? "" : "s");
    if (target->state == PN_TARGET_UNDECIDED) {
        pn_text_put(out, isnan(f->lo) ? ": under 6 rounds there is no interval"
                                      : ": the interval holds both sides");
    }
}

static void move(char *to, size_t size, struct pn_text *from) {
    pn_queue_copy(to, size, from->data == NULL ? "" : from->data);
    pn_text_free(from);
}

static void judge(struct pn_queue_report *report, const json_t *line, double *room) {
    struct rule rule = rule_of(line);
    struct pn_queue_target *target = &report->target[report->targets++];
    struct pn_text text = {0};
    size_t queue = pn_queue_find(report, rule.queue);
    target->figure = (struct pn_queue_figure){NAN, NAN, NAN, 0};
    if (queue != SIZE_MAX) {
        target->figure = measure(report, &rule, queue, room);
    }
    if (rule.measure == MEASURE_RATIO) {
        target->state = judge_ratio(&rule, &target->figure);
    } else if (target->figure.rounds == 0) {
        target->state = PN_TARGET_UNMEASURED;
    } else {
        target->state = holds(&rule, target->figure.value) ? PN_TARGET_HELD : PN_TARGET_MISSED;
    }
    /* One round has no spread. */
    if (rule.measure == MEASURE_SPREAD && target->figure.rounds == 1) {
        target->state = PN_TARGET_UNDECIDED;
    }
    report->tally[target->state]++;
    put_claim(report, &rule, &text);
    move(target->claim, sizeof target->claim, &text);
    put_said(report, &rule, target, &text);
    move(target->said, sizeof target->said, &text);
}

int pn_queue_targets_judge(struct pn_queue_report *report) {
    const struct pn_queue_store *store = report->store;
    size_t n = json_array_size(store->targets);
    double *room = malloc((store->rounds + 1) * sizeof *room);
    report->target = calloc(n + 1, sizeof *report->target);
    if (room == NULL || report->target == NULL) {
        free(room);
        return -ENOMEM;
    }
    for (size_t i = 1; i < n; i++) {
        judge(report, json_array_get(store->targets, i), room);
    }
    free(room);
    return 0;
}
