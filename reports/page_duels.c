/* SPDX-License-Identifier: MIT
 *
 * The section that sets `shared` against every other design of a sweep, row by row, whoever wins.
 */
#include "duel.h"
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
                       bool more_is_better) {
    pn_text_cat(out, "<td", cell_class(e, more_is_better), " data-l=\"", NULL);
    pn_text_escape(out, column);
    pn_text_put(out, "\">");
    pn_text_escape(out, pn_label_estimate(e, as_factor).s);
    pn_text_put(out, "</td>");
}

static void value_cell(struct pn_text *out, const char *column, const struct pn_estimate *e,
                       struct pn_num (*number)(double)) {
    pn_card_cell(out, column, isnan(e->value) ? "–" : number(e->value).s);
}

static const char *const columns[] = {"point",      "design",
                                      "jobs/s",     "shared ÷ it, jobs/s",
                                      "CPU ns/job", "shared ÷ it, CPU",
                                      "p99, µs",    "a sleep, µs",
                                      "note",       NULL};

static void put_row(const struct pn_study *study, struct pn_side own, struct pn_side side,
                    size_t point, struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    char room[96];
    char note[96];
    bool open_loop = sweep->kind == PN_SWEEP_LATENCY;
    struct pn_estimate rate = pn_duel_value(study, side, point, PN_DUEL_RATE);
    struct pn_estimate cpu = pn_duel_value(study, side, point, PN_DUEL_CPU);
    struct pn_estimate p99 = pn_duel_value(study, side, point, PN_DUEL_P99);
    struct pn_estimate sleep = pn_duel_sleep(study, side, point);
    bool is_own = own.design == side.design;
    (void)pn_level_name(sweep, side.level, room, sizeof room);
    struct pn_label where =
        pn_label("%s%s%s", pn_x_text(sweep, point).s, room[0] == '\0' ? "" : ", ", room);
    pn_row_open(out, where.s);
    pn_card_cell(out, columns[1], sweep->design[side.design]);
    value_cell(out, columns[2], &rate, pn_num_si);
    if (is_own) {
        pn_card_cell(out, columns[3], "");
    } else {
        struct pn_estimate ratio = pn_duel_ratio(study, own, side, point, PN_DUEL_RATE);
        ratio_cell(out, columns[3], &ratio, true);
    }
    value_cell(out, columns[4], &cpu, pn_num_sig3);
    if (is_own) {
        pn_card_cell(out, columns[5], "");
    } else {
        struct pn_estimate ratio = pn_duel_ratio(study, own, side, point, PN_DUEL_CPU);
        ratio_cell(out, columns[5], &ratio, false);
    }
    pn_card_cell(out, columns[6], open_loop && !isnan(p99.value) ? as_us(p99.value).s : "–");
    value_cell(out, columns[7], &sleep, as_us);
    const char *caveat = is_own ? NULL : pn_duel_caveat(study, own, side, point, note, sizeof note);
    pn_card_cell(out, columns[8], caveat == NULL ? "" : caveat);
    pn_row_close(out);
}

static struct pn_label headline(const struct pn_study *study) {
    size_t ahead = 0;
    size_t behind = 0;
    size_t all = 0;
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; p < study->sweep->points; p++) {
            struct pn_side own = {study->a, level};
            struct pn_side best = pn_duel_best(study, NULL, study->a, level, p);
            if (best.design == PN_DESIGNS_MAX) {
                continue;
            }
            struct pn_estimate e = pn_duel_ratio(study, own, best, p, PN_DUEL_RATE);
            all++;
            ahead += e.lo > 0;
            behind += e.hi < 0;
        }
    }
    return pn_label("%.30s is ahead of the best other design at %zu of %zu points, behind at %zu",
                    study->sweep->design[study->a], ahead, all, behind);
}

void pn_page_duels(const struct pn_study *study, struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    struct pn_label id = pn_label("duels-%zu", study->index);
    struct pn_label eyebrow = pn_label("Design by design: %.100s", sweep->title);
    pn_section_open(out, id.s, eyebrow.s, headline(study).s);
    pn_text_put(out, "<figure>");
    pn_cards_open(out, columns);
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            struct pn_side own = {study->a, level};
            put_row(study, own, own, p, out);
            for (size_t d = 0; d < sweep->designs; d++) {
                if (d != study->a) {
                    put_row(study, own, (struct pn_side){d, level}, p, out);
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
