/* SPDX-License-Identifier: MIT
 *
 * Sections of one sweep: crossover, its shift between levels, the gap and what it is made of.
 */
#include "page.h"
#include "rival.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct pn_label headline_cross(const struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    const struct pn_curve *curve = &study->curve[0];
    const struct pn_cross *c = &curve->cross;
    const char *unit = pn_x_unit(sweep);
    if (!curve->compared) {
        return pn_label("0 rounds compare two designs over %.40s", unit);
    }
    const char *ahead = sweep->design[c->ahead == PN_SIGN_B ? study->b : study->a];
    const char *behind = sweep->design[c->ahead == PN_SIGN_B ? study->a : study->b];
    switch (c->kind) {
    case PN_CROSS_AT:
        if (study->withheld) {
            return pn_label("Throughputs cross at %s %.24s", pn_num_x(c->x).s, unit);
        }
        return pn_label("%.24s leads below %s %.24s, %.24s above", ahead, pn_num_x(c->x).s, unit,
                        behind);
    case PN_CROSS_NONE:
        return pn_label("%.24s has the higher throughput from %s to %s %.24s, by up to %s" PN_NBSP
                        "%%",
                        ahead, pn_x_text(sweep, 0).s, pn_x_text(sweep, sweep->points - 1).s, unit,
                        pn_num_sig(100 * expm1(c->gap_hi), 2).s);
    case PN_CROSS_SEVERAL:
        return pn_label("%.24s and %.24s change places at %zu of %zu steps", ahead, behind,
                        c->crossings, sweep->points - 1);
    default: {
        size_t open = 0;
        size_t ties = 0;
        for (size_t p = 0; p < sweep->points; p++) {
            open += c->sign[p] == PN_SIGN_OPEN;
            ties += c->sign[p] == PN_SIGN_TIE;
        }
        return open == 0 ? pn_label("%.24s and %.24s tie at %zu of %zu points", ahead, behind, ties,
                                    sweep->points)
                         : pn_label("%zu of %zu points over %.24s are still open", open,
                                    sweep->points, unit);
    }
    }
}

static void table_cross(const struct pn_study *study, size_t level, struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    const struct pn_curve *curve = &study->curve[level];
    struct pn_label name[PN_DESIGNS_MAX + 3];
    const char *columns[PN_DESIGNS_MAX + 5];
    size_t n = 0;
    columns[n++] = pn_x_unit(sweep);
    for (size_t d = 0; d < sweep->designs; d++) {
        name[d] = pn_label("%.30s, jobs/s [95 %%]", sweep->design[d]);
        columns[n++] = name[d].s;
    }
    columns[n++] = "ratio, % [95 % over all points]";
    columns[n++] = "rounds";
    columns[n++] = "says";
    columns[n] = NULL;
    pn_details_open(out, columns);
    for (size_t p = 0; p < sweep->points; p++) {
        static const char *const says[] = {"open", "first ahead", "second ahead", "tie"};
        pn_row_open(out, pn_x_text(sweep, p).s);
        for (size_t d = 0; d < sweep->designs; d++) {
            pn_cell(out, pn_label_estimate(&curve->point[p].rate[d], pn_num_si).s);
        }
        if (curve->compared) {
            const struct pn_estimate *e = &curve->cross.point[p];
            enum pn_sign sign = curve->cross.sign[p];
            pn_cell(out, pn_label_estimate(e, pn_num_percent1).s);
            pn_cell(out, pn_label("%zu", e->n).s);
            pn_cell(out, sign == PN_SIGN_A   ? pn_label("%.30s ahead", sweep->design[study->a]).s
                         : sign == PN_SIGN_B ? pn_label("%.30s ahead", sweep->design[study->b]).s
                                             : says[sign]);
        } else {
            pn_cell(out, "n/a");
            pn_cell(out, "0");
            pn_cell(out, "open");
        }
        pn_row_close(out);
    }
    pn_details_close(out);
}

static void caption_cross(const struct pn_study *study, struct pn_text *out) {
    size_t drawn[PN_DESIGNS_MAX];
    bool all = pn_study_drawn(study, drawn) == study->sweep->designs;
    struct pn_text text = {0};
    pn_text_cat(&text, "Top: median throughput of each design",
                all ? ""
                    : ", of another runtime that of the mode that is best at most points (all are "
                      "in the tables)",
                ". Bottom: median of the paired ratios, round "
                "by round. Where the band lies wholly outside the tie zone the sign is stated; the "
                "shaded column is the 95\u00a0% interval of the crossover, from a bootstrap over "
                "rounds. All levels share both scales.",
                NULL);
    pn_caption(out, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
}

void pn_page_crossover(const struct pn_rundir *run, const struct pn_study *study,
                       struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    struct pn_label id =
        study->index == 0 ? pn_label("crossover") : pn_label("crossover-%zu", study->index);
    struct pn_label eyebrow = pn_label("Crossover: %.100s", sweep->title);
    pn_section_open(out, id.s, eyebrow.s, headline_cross(study).s);
    for (size_t level = 0; level < sweep->levels; level++) {
        char room[96];
        if (study->curve[level].point == NULL) {
            continue;
        }
        pn_text_put(out, "<figure>");
        if (sweep->by_key != NULL) {
            struct pn_text said = {0};
            pn_verdict_curve(study, level, &said);
            pn_text_put(out, "<h3>");
            pn_text_escape(out, pn_level_name(sweep, level, room, sizeof room));
            pn_text_put(out, "</h3>");
            if (level > 0 && said.len > 0) { /* the first level's is the verdict above */
                pn_text_put(out, "<p class=\"lead\">");
                pn_text_escape(out, said.data);
                pn_text_put(out, "</p>");
            }
            pn_text_free(&said);
        }
        pn_page_rivals(run, study, level, "lead", out);
        pn_chart_cross(out, study, level);
        if (level == 0) {
            caption_cross(study, out);
        }
        table_cross(study, level, out);
        pn_text_put(out, "</figure>\n");
    }
    pn_section_close(out);
}

static struct pn_label headline_shift(const struct pn_study *study) {
    const struct pn_shift *shift = &study->shift[0];
    char room[96];
    const char *name = pn_level_name(study->sweep, shift->to, room, sizeof room);
    if (!isnan(shift->factor.value)) {
        bool apart = shift->factor.lo > 1 || shift->factor.hi < 1;
        return pn_label("With %.60s the crossover moves ×%s%s", name,
                        pn_num_fixed(shift->factor.value, 2).s,
                        apart ? "" : ", not separated from none");
    }
    size_t apart = 0;
    size_t known = 0;
    for (size_t p = 0; p < study->sweep->points; p++) {
        apart += shift->delta[p].lo > 0 || shift->delta[p].hi < 0;
        known += isnan(shift->delta[p].lo) ? 0 : 1;
    }
    if (known == 0) {
        return pn_label("What %.60s shifts needs rounds: %zu per point would do", name,
                        pn_rounds_needed(study->sweep->points));
    }
    return pn_label("With %.60s the ratio changes at %zu of %zu points; no crossover to compare",
                    name, apart, study->sweep->points);
}

static void table_shift(const struct pn_study *study, struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    struct pn_label name[PN_LEVELS_MAX];
    const char *columns[PN_LEVELS_MAX + 2] = {pn_x_unit(sweep)};
    for (size_t i = 0; i < study->shifts; i++) {
        name[i] = pn_label("%.40s: change of the ratio, %% [95 %% over all points]",
                           sweep->level[study->shift[i].to]);
        columns[i + 1] = name[i].s;
    }
    pn_details_open(out, columns);
    for (size_t p = 0; p < sweep->points; p++) {
        pn_row_open(out, pn_x_text(sweep, p).s);
        for (size_t i = 0; i < study->shifts; i++) {
            pn_cell(out, pn_label_estimate(&study->shift[i].delta[p], pn_num_percent1).s);
        }
        pn_row_close(out);
    }
    pn_details_close(out);
}

void pn_page_shift(const struct pn_study *study, struct pn_text *out) {
    if (study->shifts == 0) {
        return;
    }
    struct pn_label id =
        study->index == 0 ? pn_label("shift") : pn_label("shift-%zu", study->index);
    pn_section_open(out, id.s, "Shift of the crossover", headline_shift(study).s);
    pn_text_put(out, "<figure>");
    pn_chart_forest(out, study);
    pn_caption(out, "Dot = crossover, bar = 95\u00a0% interval, shaded column = the reference. "
                    "Bold, dark rows are "
                    "separated from the reference; grey ones are not. An arrow means that no "
                    "crossover lies in the "
                    "measured range: its colour names the design that stays ahead. A hollow dot is "
                    "not decided; the "
                    "range to measure next is given.");
    pn_text_put(out, "</figure>\n");
    for (size_t i = 0; i < study->shifts; i++) {
        pn_text_put(out, "<figure>");
        pn_chart_delta(out, study, &study->shift[i]);
        if (i + 1 == study->shifts) {
            pn_caption(out,
                       "What the level changes at each point: the ratio of the two designs with it "
                       "over the ratio "
                       "without it, paired round by round. A band that misses zero is an effect.");
            table_shift(study, out);
        }
        pn_text_put(out, "</figure>\n");
    }
    pn_section_close(out);
}

static struct pn_label headline_gap(const struct pn_study *study) {
    size_t p = study->gap_point;
    if (p == SIZE_MAX) {
        size_t ties = 0;
        for (size_t i = 0; i < study->sweep->points && study->curve[0].compared; i++) {
            ties += study->curve[0].cross.sign[i] == PN_SIGN_TIE;
        }
        return pn_label("0 of %zu gaps are %s", study->sweep->points,
                        ties == study->sweep->points
                            ? "wide enough to be split"
                            : "decided: the splits are of medians whose sign is open");
    }
    const struct pn_split *s = &study->curve[0].point[p].split;
    struct pn_num x = pn_x_text(study->sweep, p);
    if (s->efficiency * s->waiting >= 0) {
        return pn_label("At %s %.30s, %s" PN_NBSP "%% of the gap is CPU per job", x.s,
                        pn_x_unit(study->sweep), pn_num_fixed(100 * s->efficiency / s->total, 0).s);
    }
    return pn_label("At %s %.30s %.24s does %s" PN_NBSP
                    "%% %s jobs: CPU per job %s, waiting %s log" PN_NBSP "%%",
                    x.s, pn_x_unit(study->sweep), study->sweep->design[study->a],
                    pn_num_sig(fabs(100 * expm1(s->total)), 2).s, s->total < 0 ? "fewer" : "more",
                    pn_num_signed(100 * s->efficiency, 1).s, pn_num_signed(100 * s->waiting, 1).s);
}

static struct pn_num log_percent(double v) {
    return pn_num_signed(100 * v, 1);
}

static void table_split(const struct pn_study *study, struct pn_text *out) {
    static const char *const columns[] = {"x, level",
                                          "gap, log %",
                                          "efficiency [95 %]",
                                          "spinning [95 %]",
                                          "sleeping [95 %]",
                                          "waiting = both [95 %]",
                                          NULL};
    pn_details_open(out, columns);
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; study->curve[level].point != NULL && p < study->sweep->points; p++) {
            const struct pn_point *point = &study->curve[level].point[p];
            const struct pn_split *s = &point->split;
            double part[] = {s->efficiency, s->spinning, s->sleeping, s->waiting};
            char room[96];
            const char *name = pn_level_name(study->sweep, level, room, sizeof room);
            pn_row_open(out, pn_label("%s%s%s", pn_x_text(study->sweep, p).s,
                                      name[0] != '\0' ? ", " : "", name)
                                 .s);
            pn_cell(out, isnan(s->total) ? "n/a" : log_percent(s->total).s);
            for (size_t i = 0; i < PN_PART_COUNT; i++) {
                pn_cell(out, isnan(part[i])
                                 ? "null"
                                 : pn_label("%s %s", log_percent(part[i]).s,
                                            pn_label_interval(&point->part[i], log_percent).s)
                                       .s);
            }
            pn_row_close(out);
        }
    }
    pn_details_close(out);
}

static void table_busy(const struct pn_study *study, struct pn_text *out) {
    static const char *const columns[] = {"x, level",
                                          "design",
                                          "busy CPU, ns per job [95 %]",
                                          "idle spin, ns per job [95 %]",
                                          "throughput, jobs/s [95 %]",
                                          NULL};
    pn_details_open(out, columns);
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; study->curve[level].point != NULL && p < study->sweep->points; p++) {
            for (size_t d = 0; d < study->sweep->designs; d++) {
                const struct pn_point *point = &study->curve[level].point[p];
                char room[96];
                const char *name = pn_level_name(study->sweep, level, room, sizeof room);
                pn_row_open(out, pn_label("%s%s%s", pn_x_text(study->sweep, p).s,
                                          name[0] != '\0' ? ", " : "", name)
                                     .s);
                pn_cell(out, study->sweep->design[d]);
                pn_cell(out, pn_label_estimate(&point->busy[d], pn_num_sig3).s);
                pn_cell(out, isnan(point->spin[d].value)
                                 ? "null"
                                 : pn_label_estimate(&point->spin[d], pn_num_sig3).s);
                pn_cell(out, pn_label_estimate(&point->rate[d], pn_num_si).s);
                pn_row_close(out);
            }
        }
    }
    pn_details_close(out);
}

/* The formula in words, and why two parts are joined where they are. */
static void caption_split(const struct pn_study *study, struct pn_text *out) {
    struct pn_text text = {0};
    pn_text_put(
        &text,
        "Throughput = busy cores ÷ busy ns per job, exactly, where busy is CPU time without "
        "counted idle spin. Efficiency = ln(busy ns per job of the second ÷ of the first). "
        "Waiting = ln(busy cores of the first ÷ of the second); it is split by the cores that "
        "spin and that sleep, each difference divided by the logarithmic mean of the two "
        "busy-core counts. So the parts sum to the log ratio. Parts against the total grow "
        "from the other side of zero.");
    if (study->spin_reason != NULL) {
        pn_text_cat(&text, " Spinning and sleeping are joined: ", study->spin_reason, ".", NULL);
    }
    pn_caption(out, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
}

void pn_page_gap(const struct pn_study *study, struct pn_text *out) {
    if (study->curve[0].point == NULL || study->a == study->b) {
        return;
    }
    struct pn_label id = study->index == 0 ? pn_label("gap") : pn_label("gap-%zu", study->index);
    pn_section_open(out, id.s, "Where the gap comes from", headline_gap(study).s);
    pn_text_put(out, "<div class=\"two\"><figure><h3>Gap, by kind of time</h3>");
    pn_chart_split(out, study, 0);
    caption_split(study, out);
    table_split(study, out);
    pn_text_put(out, "</figure><figure><h3>Busy CPU per job</h3>");
    pn_chart_busy(out, study, study->gap_point == SIZE_MAX ? study->core_point : study->gap_point);
    pn_caption(out, "Median busy CPU time per job with its 95\u00a0% interval. Grey is the job "
                    "itself, where the job loop "
                    "without a queue was measured at this point; the rest is the runtime.");
    table_busy(study, out);
    pn_text_put(out, "</figure></div>\n");
    pn_section_close(out);
}
