/* SPDX-License-Identifier: MIT
 *
 * The ladder's section: each property changed alone, in both designs.
 */
#include "ladder.h"
#include "page.h"
#include "results_value.h"

#include <math.h>
#include <string.h>

static struct pn_num as_factor(double log_ratio) {
    return pn_num_sig(exp(log_ratio), 3);
}

static bool is_apart(const struct pn_estimate *e) {
    return e->lo > 0 || e->hi < 0;
}

/* Why the effect of a change is no verdict. That of taking the bound away is between two bounds. */
static const char *caveat_of(const struct pn_ladder *l, const struct pn_change *c, size_t level,
                             size_t point, char *room, size_t size) {
    struct pn_side base = {c->base, level};
    struct pn_side changed = {c->design, level};
    return strcmp(pn_duel_bound(l->study, base, point), pn_duel_bound(l->study, changed, point)) !=
                   0
               ? "another bound: no verdict"
               : pn_duel_caveat(l->study, base, changed, point, room, size);
}

/* How many changes move the throughput at a point, and which does most. */
struct tally {
    size_t apart, measured, known; /* known: with an interval */
    const struct pn_change *most;
    struct pn_estimate effect;
};

static struct tally count_point(const struct pn_ladder *l, size_t level, size_t point) {
    struct tally t = {.effect = {NAN, NAN, NAN, 0}};
    for (size_t i = 0; i < l->changes; i++) {
        struct pn_estimate e = pn_ladder_effect(l, &l->change[i], level, point, PN_DUEL_RATE);
        char room[96];
        bool apart =
            is_apart(&e) && caveat_of(l, &l->change[i], level, point, room, sizeof room) == NULL;
        t.measured += e.n > 0;
        t.known += isnan(e.lo) ? 0 : 1;
        t.apart += apart;
        if (apart && (t.most == NULL || fabs(e.value) > fabs(t.effect.value))) {
            t.most = &l->change[i];
            t.effect = e;
        }
    }
    return t;
}

static struct pn_label headline(const struct pn_ladder *l) {
    const struct pn_sweep *sweep = l->study->sweep;
    size_t point = sweep->points / 2;
    struct tally t = count_point(l, 0, point);
    if (t.known == 0) {
        return pn_label("%zu single changes need rounds: 6 give an interval", t.measured);
    }
    if (t.most == NULL) {
        return pn_label("0 of %zu single changes move the throughput at %s %.24s", t.measured,
                        pn_x_text(sweep, point).s, pn_x_unit(sweep));
    }
    return pn_label("%zu of %zu single changes move the throughput; %.20s in %.20s most, by %s",
                    t.apart, t.measured, t.most->key, sweep->design[t.most->base],
                    pn_num_percent1(t.effect.value).s);
}

static void no_change_cells(const struct pn_rung *rung, size_t side, const char *const *columns,
                            struct pn_text *out) {
    const char *why = side == 0 && rung->property != NULL ? rung->property->not_shared : NULL;
    pn_text_put(out, "<td data-l=\"");
    pn_text_escape(out, columns[0]);
    pn_text_put(out, why == NULL ? "\">not measured" : "\">none<small>");
    pn_text_put(out, why == NULL ? "" : why);
    pn_text_put(out, why == NULL ? "</td>" : "</small></td>");
    pn_card_cell(out, columns[1], "");
}

static void change_cells(const struct pn_ladder *l, const struct pn_change *c, size_t level,
                         size_t point, const char *const *columns, struct pn_text *out) {
    char room[96];
    struct pn_estimate rate = pn_ladder_effect(l, c, level, point, PN_DUEL_RATE);
    struct pn_estimate cpu = pn_ladder_effect(l, c, level, point, PN_DUEL_CPU);
    const char *before = pn_ladder_before(l, c, level, point);
    const char *caveat = caveat_of(l, c, level, point, room, sizeof room);
    const char *cls = caveat != NULL || !is_apart(&rate) ? ""
                      : rate.lo > 0                      ? " class=\"ahead\""
                                                         : " class=\"behind\"";
    pn_text_put(out, "<td data-l=\"");
    pn_text_escape(out, columns[0]);
    pn_text_put(out, "\">");
    pn_text_escape(out, pn_label("%.40s%s%.40s", before == NULL ? "" : before,
                                 before == NULL ? "" : " → ", c->value)
                            .s);
    pn_text_cat(out, "</td><td", cls, " data-l=\"", NULL);
    pn_text_escape(out, columns[1]);
    pn_text_put(out, "\">");
    pn_text_escape(out, pn_label_estimate(&rate, as_factor).s);
    pn_text_put(out, "<small>");
    pn_text_escape(
        out, caveat != NULL ? caveat : pn_label("CPU %s", pn_label_estimate(&cpu, as_factor).s).s);
    pn_text_put(out, "</small></td>");
}

static void put_table(const struct pn_ladder *l, size_t level, size_t point, struct pn_text *out) {
    const struct pn_sweep *sweep = l->study->sweep;
    struct pn_label name[4]; /* a card repeats them, and there the two designs' columns are mixed */
    const char *columns[4];
    const char *heads[6] = {"property"};
    for (size_t side = 0; side < 2; side++) {
        const char *design = sweep->design[side == 0 ? l->study->a : l->study->b];
        name[2 * side] = pn_label("%.24s with", design);
        name[2 * side + 1] = pn_label("%.24s, jobs/s ×", design);
        heads[2 * side + 1] = name[2 * side].s;
        heads[2 * side + 2] = "jobs/s ×";
    }
    for (size_t i = 0; i < 4; i++) {
        columns[i] = name[i].s;
    }
    pn_cards_open(out, heads);
    for (size_t i = 0; i < l->rungs; i++) {
        const struct pn_rung *rung = &l->rung[i];
        pn_row_open(out, rung->property == NULL ? rung->key
                                                : pn_label("%s %s (%.10s)", rung->property->number,
                                                           rung->property->words, rung->key)
                                                      .s);
        for (size_t side = 0; side < 2; side++) {
            if (rung->change[side] == NULL) {
                no_change_cells(rung, side, columns + 2 * side, out);
            } else {
                change_cells(l, rung->change[side], level, point, columns + 2 * side, out);
            }
        }
        pn_row_close(out);
    }
    pn_table_close(out);
}

/* Do the single changes add up to the whole way? What is left is interaction. */
static void put_product(const struct pn_ladder *l, size_t level, size_t point,
                        struct pn_text *out) {
    const struct pn_sweep *sweep = l->study->sweep;
    struct pn_estimate gap = pn_ladder_gap(l, level, point);
    struct pn_text said = {0};
    if (isnan(gap.value)) {
        return;
    }
    pn_text_cat(&said, sweep->design[l->study->b], " completes ×",
                pn_label_estimate(&gap, as_factor).s, " the jobs/s of ", sweep->design[l->study->a],
                ".", NULL);
    for (size_t side = 0; side < 2; side++) {
        struct pn_estimate product = pn_ladder_product(l, side, level, point);
        if (!isnan(product.value)) {
            pn_text_cat(&said, " The changes of ",
                        sweep->design[side == 0 ? l->study->a : l->study->b], " multiply to ×",
                        pn_label_estimate(&product, as_factor).s, ".", NULL);
        }
    }
    pn_text_put(&said, " Where product and whole differ, properties act together, and no single "
                       "one accounts for that part.");
    pn_text_put(out, "<p class=\"lead\">");
    pn_text_escape(out, said.data == NULL ? "" : said.data);
    pn_text_put(out, "</p>");
    pn_text_free(&said);
}

static void put_point(const struct pn_ladder *l, size_t level, size_t point, struct pn_text *out) {
    const struct pn_sweep *sweep = l->study->sweep;
    char room[96];
    const char *name = pn_level_name(sweep, level, room, sizeof room);
    pn_text_put(out, "<figure><h3>");
    pn_text_escape(out, pn_label("%s %.40s%s%s", pn_x_text(sweep, point).s, pn_x_unit(sweep),
                                 name[0] == '\0' ? "" : ", ", name)
                            .s);
    pn_text_put(out, "</h3>");
    put_product(l, level, point, out);
    pn_chart_ladder(out, l, level, point);
    put_table(l, level, point, out);
    if (level == 0 && point == 0) {
        pn_caption(out, "Each row sets one property of a design to the other design's value and "
                        "leaves all else. Ratios are to the unchanged design, paired round by "
                        "round, with their exact 95\u00a0% interval; CPU is CPU time per job. Each "
                        "interval holds by "
                        "itself, so of 22 about one misses the truth. Coloured and bold: the "
                        "interval lies on one side of 1. A property that matters in one "
                        "direction only does its work together with others.");
    }
    pn_text_put(out, "</figure>\n");
}

void pn_page_ladder(const struct pn_study *study, struct pn_text *out) {
    struct pn_ladder ladder;
    if (!pn_ladder_find(study, &ladder)) {
        return;
    }
    struct pn_label id = pn_label("ladder-%zu", study->index);
    struct pn_label eyebrow = pn_label("Ladder: %.100s", study->sweep->title);
    pn_section_open(out, id.s, eyebrow.s, headline(&ladder).s);
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; p < study->sweep->points; p++) {
            if (count_point(&ladder, level, p).measured > 0) {
                put_point(&ladder, level, p, out);
            }
        }
    }
    pn_section_close(out);
}

static json_t *change_object(const struct pn_ladder *l, const struct pn_change *c, size_t level,
                             size_t point) {
    static const char why[] = "no round has both";
    if (c == NULL) {
        return json_null();
    }
    json_t *out = json_object();
    struct pn_estimate rate = pn_ladder_effect(l, c, level, point, PN_DUEL_RATE);
    struct pn_estimate cpu = pn_ladder_effect(l, c, level, point, PN_DUEL_CPU);
    pn_json_put(out, "design", json_string(l->study->sweep->design[c->design]));
    const char *before = pn_ladder_before(l, c, level, point);
    char room[96];
    const char *caveat = caveat_of(l, c, level, point, room, sizeof room);
    pn_json_put(out, "value", json_string(c->value));
    pn_json_put(out, "value_before", before == NULL ? json_null() : json_string(before));
    pn_json_put(out, "caveat", caveat == NULL ? json_null() : json_string(caveat));
    pn_json_put(out, "ratio_log_rate", pn_json_estimate(&rate, why));
    pn_json_put(out, "ratio_log_cpu_per_job", pn_json_estimate(&cpu, why));
    return out;
}

static json_t *ladder_point(const struct pn_ladder *l, size_t level, size_t point) {
    const struct pn_sweep *sweep = l->study->sweep;
    static const char *const products[] = {"product_log_a", "product_log_b"};
    json_t *out = json_object();
    json_t *rows = json_array();
    struct pn_estimate gap = pn_ladder_gap(l, level, point);
    for (size_t i = 0; i < l->rungs; i++) {
        const struct pn_rung *rung = &l->rung[i];
        json_t *row = json_object();
        pn_json_put(row, "property", json_string(rung->key));
        pn_json_put(row, "number",
                    rung->property == NULL ? json_null() : json_string(rung->property->number));
        pn_json_put(row, "in_a", change_object(l, rung->change[0], level, point));
        pn_json_put(row, "in_b", change_object(l, rung->change[1], level, point));
        (void)json_array_append_new(rows, row);
    }
    pn_json_put(out, "x",
                sweep->x[point].word != NULL ? json_string(sweep->x[point].word)
                                             : pn_json_number(sweep->x[point].at));
    pn_json_put(out, "level",
                sweep->by_key == NULL ? json_null() : json_string(sweep->level[level]));
    pn_json_put(out, "rows", rows);
    pn_json_put(out, "whole_log", pn_json_estimate(&gap, "no round has both designs"));
    for (size_t side = 0; side < 2; side++) {
        struct pn_estimate product = pn_ladder_product(l, side, level, point);
        pn_json_put(out, products[side],
                    pn_json_estimate(&product, "no round has every change once"));
    }
    return out;
}

json_t *pn_ladder_array(const struct pn_study *study) {
    struct pn_ladder ladder;
    if (!pn_ladder_find(study, &ladder)) {
        return NULL;
    }
    json_t *out = json_array();
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; p < study->sweep->points; p++) {
            (void)json_array_append_new(out, ladder_point(&ladder, level, p));
        }
    }
    return out;
}
