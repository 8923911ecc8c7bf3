/* SPDX-License-Identifier: MIT
 *
 * The standing targets against other runtimes, and what a run says of each at each of its points.
 */
#include "duel.h"
#include "page.h"
#include "results_value.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern const char *const pn_peer_target_lines[];

/* figure: a ratio of `shared` to the best of a family, or its own mean sleep in microseconds. */
enum figure { FIGURE_RATE, FIGURE_CPU, FIGURE_P99, FIGURE_SHORT, FIGURE_SLEEP, FIGURES };
static const char *const figure_names[FIGURES] = {"rate", "cpu", "p99", "short_p99", "sleep_us"};
static const char *const figure_words[FIGURES] = {"jobs/s", "CPU ns per job", "p99",
                                                  "p99 of the short jobs", "mean sleep"};

struct rule {
    const char *sweep, *of;
    enum figure figure;
    bool at_least, best_level;
    double than;
    const json_t *x; /* NULL: all */
};

static bool read_rule(const json_t *line, struct rule *rule) {
    const char *figure = pn_member_string(line, "figure", "");
    const char *level = pn_member_string(line, "level", "");
    *rule = (struct rule){.sweep = pn_member_string(line, "sweep", NULL),
                          .of = pn_member_string(line, "of", "*"),
                          .figure = FIGURES,
                          .at_least = strcmp(pn_member_string(line, "is", ""), ">=") == 0,
                          .best_level = strcmp(level, "best") == 0,
                          .than = pn_member_number(line, "than"),
                          .x = json_object_get(line, "x")};
    for (int f = 0; f < FIGURES; f++) {
        if (strcmp(figure_names[f], figure) == 0) {
            rule->figure = (enum figure)f;
        }
    }
    return rule->sweep != NULL && rule->figure != FIGURES && !isnan(rule->than);
}

static bool wants_point(const struct rule *rule, const struct pn_sweep *sweep, size_t point) {
    for (size_t i = 0; i < json_array_size(rule->x); i++) {
        if (json_number_value(json_array_get(rule->x, i)) == sweep->x[point].at) {
            return true;
        }
    }
    return rule->x == NULL;
}

static bool holds(const struct rule *rule, double value) {
    return rule->at_least ? value >= rule->than : value <= rule->than;
}

/* By the whole interval, as for the queues; undecided where it holds both sides. */
static enum pn_target_state judge(const struct rule *rule, const struct pn_estimate *e) {
    if (e->n == 0 || isnan(e->value)) {
        return PN_TARGET_UNMEASURED;
    }
    if (isnan(e->lo) || isnan(e->hi) || holds(rule, e->lo) != holds(rule, e->hi)) {
        return PN_TARGET_UNDECIDED;
    }
    return holds(rule, e->lo) ? PN_TARGET_HELD : PN_TARGET_MISSED;
}

static struct pn_estimate as_ratio(struct pn_estimate e) {
    return (struct pn_estimate){exp(e.value), exp(e.lo), exp(e.hi), e.n};
}

/* What the figure is, and against whom: the best of the family at this very point. */
static struct pn_estimate measure(const struct pn_study *study, const struct rule *rule,
                                  size_t level, size_t point, struct pn_side *rival) {
    static const enum pn_duel_figure figures[] = {PN_DUEL_RATE, PN_DUEL_CPU, PN_DUEL_P99,
                                                  PN_DUEL_SHORT_P99};
    const struct pn_estimate nothing = {NAN, NAN, NAN, 0};
    struct pn_side own = {study->a, level == SIZE_MAX ? 0 : level};
    *rival = (struct pn_side){PN_DESIGNS_MAX, 0};
    if (level == SIZE_MAX) {
        own = pn_duel_best_level(study, study->a, point);
    }
    if (rule->figure == FIGURE_SLEEP) {
        struct pn_estimate e = pn_duel_sleep(study, own, point);
        return (struct pn_estimate){e.value / 1e3, e.lo / 1e3, e.hi / 1e3, e.n};
    }
    const char *family = strcmp(rule->of, "*") == 0 ? NULL : rule->of;
    *rival = pn_duel_best(study, family, study->a, level, point);
    if (rival->design == PN_DESIGNS_MAX) {
        return nothing;
    }
    return as_ratio(pn_duel_ratio(study, own, *rival, point, figures[rule->figure]));
}

static void put_claim(const struct pn_study *study, const struct rule *rule, size_t level,
                      size_t point, struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    const char *of = strcmp(rule->of, "*") == 0 ? "the best of all others" : rule->of;
    pn_text_cat(out, sweep->title, ", ", sweep->key, " = ", pn_x_text(sweep, point).s, NULL);
    if (level == SIZE_MAX) {
        pn_text_cat(out, ", each at its best ", sweep->by_key == NULL ? "level" : sweep->by_key,
                    NULL);
    } else if (sweep->by_key != NULL) {
        pn_text_cat(out, ", ", sweep->by_key, " = ", sweep->level[level], NULL);
    }
    pn_text_cat(out, ": ", figure_words[rule->figure], rule->at_least ? " ≥ " : " ≤ ",
                pn_num_sig(rule->than, 3).s, NULL);
    if (rule->figure == FIGURE_SLEEP) {
        pn_text_put(out, " µs");
    } else {
        pn_text_cat(out, " × ", of, NULL);
    }
}

static void put_said(const struct pn_study *study, const struct rule *rule,
                     const struct pn_side *rival, const struct pn_peer_target *t,
                     struct pn_text *out) {
    if (t->state == PN_TARGET_UNMEASURED) {
        pn_text_cat(out, rule->of, rule->figure == FIGURE_SLEEP ? "" : ": ", "no round has both",
                    NULL);
        return;
    }
    pn_text_cat(out, rule->figure == FIGURE_SLEEP ? "" : "×",
                pn_label_estimate(&t->figure, pn_num_sig3).s, NULL);
    if (rival->design != PN_DESIGNS_MAX) {
        char room[96];
        const char *level = pn_level_name(study->sweep, rival->level, room, sizeof room);
        pn_text_cat(out, " of ", study->sweep->design[rival->design], level[0] == '\0' ? "" : ", ",
                    level, NULL);
    }
    pn_text_format(out, ", %zu rounds", t->figure.n);
    if (t->state == PN_TARGET_UNDECIDED) {
        pn_text_put(out, isnan(t->figure.lo) ? ": under 6 rounds there is no interval"
                                             : ": the interval holds both sides");
    }
}

static void take(char *to, size_t size, struct pn_text *text) {
    (void)snprintf(to, size, "%s", text->data == NULL ? "" : text->data);
    pn_text_free(text);
}

static int add(struct pn_peer_targets *out, const struct pn_study *study, const struct rule *rule,
               size_t level, size_t point) {
    struct pn_peer_target *more = realloc(out->line, (out->lines + 1) * sizeof *more);
    struct pn_text text = {0};
    struct pn_side rival;
    if (more == NULL) {
        return -ENOMEM;
    }
    out->line = more;
    struct pn_peer_target *t = &out->line[out->lines++];
    t->figure = measure(study, rule, level, point, &rival);
    t->state = judge(rule, &t->figure);
    out->tally[t->state]++;
    put_claim(study, rule, level, point, &text);
    take(t->claim, sizeof t->claim, &text);
    put_said(study, rule, &rival, t, &text);
    take(t->said, sizeof t->said, &text);
    return 0;
}

static int judge_rule(const struct pn_analysis *analysis, const struct rule *rule,
                      struct pn_peer_targets *out) {
    int code = 0;
    for (size_t i = 0; i < analysis->studies; i++) {
        const struct pn_study *study = &analysis->study[i];
        if (strcmp(study->sweep->name, rule->sweep) != 0 ||
            strcmp(study->sweep->design[study->a], "shared") != 0) {
            continue;
        }
        for (size_t p = 0; p < study->sweep->points && code == 0; p++) {
            if (!wants_point(rule, study->sweep, p)) {
                continue;
            }
            size_t levels = rule->best_level ? 1 : study->sweep->levels;
            for (size_t level = 0; level < levels && code == 0; level++) {
                code = add(out, study, rule, rule->best_level ? SIZE_MAX : level, p);
            }
        }
    }
    return code;
}

int pn_peer_targets_judge(const struct pn_analysis *analysis, struct pn_peer_targets *out) {
    int code = 0;
    *out = (struct pn_peer_targets){.lines = 0};
    for (const char *const *line = pn_peer_target_lines; *line != NULL && code == 0; line++) {
        struct rule rule;
        json_t *parsed = (*line)[0] == '\0' ? NULL : json_loads(*line, 0, NULL);
        if ((*line)[0] != '\0') {
            code = parsed != NULL && read_rule(parsed, &rule) ? judge_rule(analysis, &rule, out)
                                                              : -EINVAL;
        }
        json_decref(parsed);
    }
    return code;
}

void pn_peer_targets_free(struct pn_peer_targets *targets) {
    free(targets->line);
    targets->line = NULL;
    targets->lines = 0;
}

json_t *pn_peer_targets_array(const struct pn_peer_targets *targets) {
    json_t *out = json_array();
    for (size_t i = 0; i < targets->lines; i++) {
        const struct pn_peer_target *t = &targets->line[i];
        json_t *row = json_object();
        pn_json_put(row, "claim", json_string(t->claim));
        pn_json_put(row, "state", json_string(pn_target_state_names[t->state]));
        pn_json_put(row, "said", json_string(t->said));
        pn_json_put(row, "figure", pn_json_estimate(&t->figure, "no round has both"));
        (void)json_array_append_new(out, row);
    }
    return out;
}

void pn_page_peer_targets(const struct pn_peer_targets *targets, struct pn_text *out) {
    if (targets->lines == 0) {
        return;
    }
    pn_section_open(out, "peer-targets", "Against other runtimes",
                    pn_label("Standing targets: %zu held, %zu did not, %zu undecided, %zu not "
                             "measured",
                             targets->tally[PN_TARGET_HELD], targets->tally[PN_TARGET_MISSED],
                             targets->tally[PN_TARGET_UNDECIDED],
                             targets->tally[PN_TARGET_UNMEASURED])
                        .s);
    pn_targets_open(out);
    for (size_t i = 0; i < targets->lines; i++) {
        const struct pn_peer_target *t = &targets->line[i];
        pn_target_row(out, t->claim, t->state, t->said);
    }
    pn_text_put(out, "</tbody></table>");
    pn_caption(out, "Against each runtime's best mode at the very point, by median throughput, in "
                    "an open loop by median p99. A ratio holds, or does not, where its whole "
                    "95\u00a0% interval "
                    "lies on one side of the target. Every target is judged on its own.");
    pn_text_put(out, "</figure>\n");
    pn_section_close(out);
}
