/* SPDX-License-Identifier: MIT
 *
 * The section that sets `shared` against every other design of a sweep, row by row, whoever wins.
 */
#include "guard.h"
#include "page.h"
#include "results_value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct pn_num as_factor(double log_ratio) {
    return pn_num_sig(exp(log_ratio), 3);
}

static struct pn_num as_us(double ns) {
    return pn_num_sig(ns / 1e3, 3);
}

/* The interval lies on one side of 1: then the ratio is said to be ahead or behind. */
static const char *cell_class(const struct pn_estimate *e, bool more_is_better) {
    if (isnan(e->lo) || isnan(e->hi) || (e->lo <= 0 && e->hi >= 0)) {
        return "";
    }
    return (e->lo > 0) == more_is_better ? " class=\"ahead\"" : " class=\"behind\"";
}

static void ratio_cell(struct pn_text *out, const char *column, const struct pn_estimate *e,
                       const char *cls) {
    pn_text_cat(out, "<td", cls, " data-l=\"", NULL);
    pn_text_escape(out, column);
    pn_text_put(out, "\">");
    pn_text_escape(out, pn_label_estimate(e, as_factor).s);
    pn_text_put(out, "</td>");
}

static void value_cell(struct pn_text *out, const char *column, const struct pn_estimate *e,
                       struct pn_num (*number)(double)) {
    pn_card_cell(out, column, isnan(e->value) ? "–" : number(e->value).s);
}

/* The figures that stand in the table, each beside its ratio; the last two only where a row has
 * them: a latency in an open loop, a sleep where jobs sleep. */
enum { COLUMN_SLEEP = 3, COLUMNS = 4 };

static const struct {
    const char *value, *ratio;
    struct pn_num (*number)(double);
    enum pn_duel_figure figure;
    bool more_is_better;
} columns[COLUMNS] = {
    {"jobs/s", "÷ it, jobs/s", pn_num_si, PN_DUEL_RATE, true},
    {"CPU ns/job", "÷ it, CPU", pn_num_sig3, PN_DUEL_CPU, false},
    {"p99, µs", "÷ it, p99", as_us, PN_DUEL_P99, false},
    {"a sleep, µs", NULL, as_us, PN_DUEL_FIGURES, false},
};

/* "tokio:shared (its best), batch 16": which mode of a runtime is the one to beat, and what makes
 * unlike rows unlike. */
static struct pn_label design_text(const struct pn_rundir *run, const struct pn_study *study,
                                   struct pn_side side, size_t point) {
    const char *name = study->sweep->design[side.design];
    char family[32];
    (void)snprintf(family, sizeof family, "%.*s", (int)pn_family_length(name), name);
    double batch = pn_guard_look(run, study, side, point).batch;
    bool best = strchr(name, ':') != NULL &&
                pn_duel_best(study, family, study->a, side.level, point).design == side.design;
    return pn_label("%.60s%s%s%s", name, best ? " (its best)" : "", batch == 1 ? "" : ", batch ",
                    batch == 1 ? "" : pn_num_fixed(batch, 0).s);
}

/* "shared ÷ it, jobs/s" */
static struct pn_label ratio_text(const struct pn_study *study, size_t column) {
    return pn_label("%.24s %s", study->sweep->design[study->a], columns[column].ratio);
}

static void put_design(struct pn_text *out, const char *design, const char *caveat) {
    pn_text_put(out, "<td data-l=\"design\">");
    pn_text_escape(out, design);
    if (caveat != NULL) {
        pn_text_put(out, "<small>");
        pn_text_escape(out, caveat);
        pn_text_put(out, "</small>");
    }
    pn_text_put(out, "</td>");
}

static void put_row(const struct pn_rundir *run, const struct pn_study *study, struct pn_side own,
                    struct pn_side side, size_t point, const bool *shown, struct pn_text *out) {
    char room[96];
    char note[96];
    bool is_own = own.design == side.design;
    const char *level = pn_level_name(study->sweep, side.level, room, sizeof room);
    const char *caveat = is_own ? NULL : pn_duel_caveat(study, own, side, point, note, sizeof note);
    pn_row_open(out, pn_label("%s%s%s", pn_x_text(study->sweep, point).s,
                              level[0] == '\0' ? "" : ", ", level)
                         .s);
    put_design(out, design_text(run, study, side, point).s, caveat);
    for (size_t c = 0; c < COLUMNS; c++) {
        if (!shown[c]) {
            continue;
        }
        struct pn_estimate value = c == COLUMN_SLEEP
                                       ? pn_duel_sleep(study, side, point)
                                       : pn_duel_value(study, side, point, columns[c].figure);
        value_cell(out, columns[c].value, &value, columns[c].number);
        if (is_own && columns[c].ratio != NULL) {
            pn_card_cell(out, ratio_text(study, c).s, "");
        } else if (columns[c].ratio != NULL) {
            struct pn_estimate e = pn_duel_ratio(study, own, side, point, columns[c].figure);
            ratio_cell(out, ratio_text(study, c).s, &e,
                       caveat != NULL ? "" : cell_class(&e, columns[c].more_is_better));
        }
    }
    pn_row_close(out);
}

static bool anything_slept(const struct pn_study *study) {
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; p < study->sweep->points; p++) {
            for (size_t d = 0; d < study->sweep->designs; d++) {
                if (pn_duel_sleep(study, (struct pn_side){d, level}, p).n > 0) {
                    return true;
                }
            }
        }
    }
    return false;
}

static void open_table(const struct pn_study *study, const bool *shown, struct pn_text *out) {
    struct pn_label ratio[COLUMNS];
    const char *heads[2 + 2 * COLUMNS + 1] = {"point", "design"};
    size_t n = 2;
    for (size_t c = 0; c < COLUMNS; c++) {
        if (shown[c]) {
            heads[n++] = columns[c].value;
            if (columns[c].ratio != NULL) {
                ratio[c] = ratio_text(study, c);
                heads[n++] = ratio[c].s;
            }
        }
    }
    pn_cards_open(out, heads);
}

static struct pn_label headline(const struct pn_study *study) {
    bool tails = study->sweep->kind == PN_SWEEP_LATENCY; /* all carry the same load */
    size_t ahead = 0;
    size_t behind = 0;
    size_t all = 0;
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; p < study->sweep->points; p++) {
            struct pn_side own = {study->a, level};
            struct pn_side best = pn_duel_best(study, NULL, study->a, level, p);
            char room[96];
            if (best.design == PN_DESIGNS_MAX ||
                pn_duel_caveat(study, own, best, p, room, sizeof room) != NULL) {
                continue;
            }
            struct pn_estimate e =
                pn_duel_ratio(study, own, best, p, tails ? PN_DUEL_P99 : PN_DUEL_RATE);
            all++;
            ahead += tails ? e.hi < 0 : e.lo > 0;
            behind += tails ? e.lo > 0 : e.hi < 0;
        }
    }
    return pn_label("%.30s is ahead of the best other design%s at %zu of %zu points, behind at %zu",
                    study->sweep->design[study->a], tails ? " by its p99" : "", ahead, all, behind);
}

void pn_page_duels(const struct pn_rundir *run, const struct pn_study *study, struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    struct pn_label id = pn_label("duels-%zu", study->index);
    struct pn_label eyebrow = pn_label("Design by design: %.100s", sweep->title);
    pn_section_open(out, id.s, eyebrow.s, headline(study).s);
    bool shown[COLUMNS] = {true, true, sweep->kind == PN_SWEEP_LATENCY, anything_slept(study)};
    pn_text_put(out, "<figure>");
    open_table(study, shown, out);
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            struct pn_side own = {study->a, level};
            put_row(run, study, own, own, p, shown, out);
            for (size_t d = 0; d < sweep->designs; d++) {
                if (d != study->a && !pn_duel_is_literal(sweep->design[d])) {
                    put_row(run, study, own, (struct pn_side){d, level}, p, shown, out);
                }
            }
        }
    }
    pn_table_close(out);
    pn_caption(out,
               "Medians over rounds; a ratio is the median of the rounds' paired ratios with its "
               "exact 95\u00a0% interval, and is set in colour where that lies on one side of 1. "
               "CPU is all CPU time of the process per job done, spinning included. In a closed "
               "loop a latency is queue depth over rate, so none is shown. Where a note forbids a "
               "verdict, the ratio is shown and counts for nothing.");
    pn_text_put(out, "</figure>");
    pn_section_close(out);
}

json_t *pn_duels_array(const struct pn_study *study) {
    static const char *const keys[PN_DUEL_FIGURES] = {"rate", "cpu_per_job", "p99", "short_p99"};
    const struct pn_sweep *sweep = study->sweep;
    json_t *out = json_array();
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            for (size_t d = 0; d < sweep->designs; d++) {
                struct pn_side own = {study->a, level};
                struct pn_side side = {d, level};
                char note[96];
                char name[64];
                json_t *row = json_object();
                pn_json_put(row, "x",
                            sweep->x[p].word != NULL ? json_string(sweep->x[p].word)
                                                     : pn_json_number(sweep->x[p].at));
                pn_json_put(row, "level",
                            sweep->by_key == NULL ? json_null() : json_string(sweep->level[level]));
                pn_json_put(row, "design", json_string(sweep->design[d]));
                for (int f = 0; f < PN_DUEL_FIGURES; f++) {
                    struct pn_estimate v = pn_duel_value(study, side, p, (enum pn_duel_figure)f);
                    pn_json_put(row, keys[f], pn_json_estimate(&v, "no valid slot states it"));
                    if (d != study->a) {
                        struct pn_estimate e =
                            pn_duel_ratio(study, own, side, p, (enum pn_duel_figure)f);
                        (void)snprintf(name, sizeof name, "ratio_log_%s", keys[f]);
                        pn_json_put(row, name, pn_json_estimate(&e, "no round has both"));
                    }
                }
                struct pn_estimate sleep = pn_duel_sleep(study, side, p);
                pn_json_put(row, "sleep_mean_ns", pn_json_estimate(&sleep, "nothing slept"));
                const char *caveat =
                    d == study->a ? NULL : pn_duel_caveat(study, own, side, p, note, sizeof note);
                pn_json_put(row, "caveat", caveat == NULL ? json_null() : json_string(caveat));
                (void)json_array_append_new(out, row);
            }
        }
    }
    return out;
}
