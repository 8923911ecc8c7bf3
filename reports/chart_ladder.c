/* SPDX-License-Identifier: MIT
 *
 * One row per property: what each of the two changes does to jobs/s, and below the whole way.
 */
#include "ladder.h"
#include "page.h"

#include <math.h>
#include <string.h>

struct scene {
    const struct pn_ladder *ladder;
    size_t level, point;
    struct pn_axis x; /* percent */
};

static double row_height(const struct pn_svg *svg) {
    return svg->narrow ? 46 : 30;
}

static double row_y(const struct pn_svg *svg, size_t row) {
    return (svg->narrow ? 86 : 60) + row_height(svg) * (double)row;
}

/* Effect of one side of a row; the row after the last rung is the whole way. NaN if there is none.
 */
static struct pn_estimate effect_of(const struct scene *s, size_t row, size_t side) {
    const struct pn_ladder *l = s->ladder;
    if (row == l->rungs) {
        struct pn_estimate gap = pn_ladder_gap(l, s->level, s->point);
        return side == 0 ? gap : (struct pn_estimate){-gap.value, -gap.hi, -gap.lo, gap.n};
    }
    const struct pn_change *c = l->rung[row].change[side];
    return c == NULL ? (struct pn_estimate){NAN, NAN, NAN, 0}
                     : pn_ladder_effect(l, c, s->level, s->point, PN_DUEL_RATE);
}

static size_t rows_of(const struct pn_ladder *l) {
    return l->rungs + (l->study->a == l->study->b ? 0 : 1);
}

static void set_scale(struct scene *s) {
    double lo = -0.03;
    double hi = 0.03;
    for (size_t row = 0; row < rows_of(s->ladder); row++) {
        for (size_t side = 0; side < 2; side++) {
            struct pn_estimate e = effect_of(s, row, side);
            double low = isnan(e.lo) ? e.value : e.lo;
            double high = isnan(e.hi) ? e.value : e.hi;
            lo = expm1(low) < lo ? expm1(low) : lo;
            hi = expm1(high) > hi ? expm1(high) : hi;
        }
    }
    double pad = 0.05 * (hi - lo);
    s->x.lo = 100 * (lo - pad);
    s->x.hi = 100 * (hi + pad);
}

static void draw_scale(struct pn_svg *svg, const struct scene *s, double top, double bottom) {
    double tick[16];
    size_t n = pn_axis_ticks(&s->x, svg->narrow ? 4 : 8, tick, 16);
    for (size_t i = 0; i < n; i++) {
        double x = pn_axis_at(&s->x, tick[i]);
        bool zero = fabs(tick[i]) < 1e-9;
        pn_svg_line(svg, x, top, x, bottom, zero ? "zero" : "grid");
        pn_svg_text(
            svg, x, bottom + 18, "tk", PN_MIDDLE,
            zero ? "0"
                 : pn_label("%s" PN_NBSP "%%", pn_num_signed(tick[i], fabs(tick[i]) < 1 ? 1 : 0).s)
                       .s);
    }
    pn_svg_text(svg, 0.5 * (s->x.at_lo + s->x.at_hi), bottom + 38, "tk", PN_MIDDLE,
                "change of jobs/s, %; bar = 95 %");
}

static void draw_effect(struct pn_svg *svg, const struct scene *s, size_t row, size_t side,
                        double y) {
    const struct pn_study *study = s->ladder->study;
    struct pn_estimate e = effect_of(s, row, side);
    size_t base = side == 0 ? study->a : study->b;
    int style = pn_design_style(study->sweep->design[base], base);
    if (isnan(e.value)) {
        return;
    }
    if (!isnan(e.lo)) {
        pn_svg_line(svg, pn_axis_at(&s->x, 100 * expm1(e.lo)), y,
                    pn_axis_at(&s->x, 100 * expm1(e.hi)), y, pn_label("line s%d solid", style).s);
    }
    const struct pn_change *c = row < s->ladder->rungs ? s->ladder->rung[row].change[side] : NULL;
    size_t into = side == 0 ? study->b : study->a;
    pn_svg_mark(
        svg, style, pn_axis_at(&s->x, 100 * expm1(e.value)), y, 4, pn_label("mark f%d", style).s,
        pn_label("%.60s: %s, %zu rounds", study->sweep->design[c == NULL ? into : c->design],
                 pn_label_estimate(&e, pn_num_percent1).s, e.n)
            .s);
}

static struct pn_label name_of(const struct pn_ladder *l, size_t row) {
    if (row == l->rungs) {
        return pn_label("all of them at once");
    }
    const struct pn_rung *rung = &l->rung[row];
    return rung->property == NULL ? pn_label("%.24s", rung->key)
                                  : pn_label("%s %s (%.10s)", rung->property->number,
                                             rung->property->words, rung->key);
}

static void draw_legend(struct pn_svg *svg, const struct pn_study *study) {
    double x = 0;
    for (size_t side = 0; side < (study->a == study->b ? 1 : 2); side++) {
        size_t own = side == 0 ? study->a : study->b;
        size_t other = side == 0 ? study->b : study->a;
        int style = pn_design_style(study->sweep->design[own], own);
        struct pn_label text = pn_label("%.24s with it as in %.24s", study->sweep->design[own],
                                        study->sweep->design[other]);
        double y = 14 + (svg->narrow ? 20 * (double)side : 0);
        pn_svg_mark(svg, style, x + 6, y - 4, 4, pn_label("mark f%d", style).s, NULL);
        pn_svg_text(svg, x + 18, y, pn_label("bd t%d", style).s, PN_START, text.s);
        x += svg->narrow ? 0 : 18 + pn_text_width(text.s, PN_FIGURE_PX, true) + 26;
    }
}

static void draw(struct pn_svg *svg, const void *data) {
    struct scene s = *(const struct scene *)data;
    size_t rows = rows_of(s.ladder);
    double left = svg->narrow ? 8 : 0;
    for (size_t row = 0; row < rows && !svg->narrow; row++) {
        double w = pn_text_width(name_of(s.ladder, row).s, PN_FIGURE_PX, true) + 22;
        left = w > left ? w : left;
    }
    s.x = (struct pn_axis){.at_lo = left, .at_hi = svg->w - 26};
    set_scale(&s);
    double top = row_y(svg, 0) - (svg->narrow ? 28 : 20);
    double bottom = row_y(svg, rows - 1) + 18;
    draw_scale(svg, &s, top, bottom);
    draw_legend(svg, s.ladder->study);
    for (size_t row = 0; row < rows; row++) {
        double y = row_y(svg, row);
        bool known = !isnan(effect_of(&s, row, 0).value) || !isnan(effect_of(&s, row, 1).value);
        const char *cls = row == s.ladder->rungs ? "bd halo" : known ? "lab halo" : "tk halo";
        pn_svg_text(svg, 0, y + (svg->narrow ? -13 : 4.3), cls, PN_START,
                    known ? name_of(s.ladder, row).s
                          : pn_label("%.80s: not measured", name_of(s.ladder, row).s).s);
        draw_effect(svg, &s, row, 0, y - 4.5);
        draw_effect(svg, &s, row, 1, y + 4.5);
    }
    pn_svg_extend(svg, bottom + 46);
}

void pn_chart_ladder(struct pn_text *out, const struct pn_ladder *ladder, size_t level,
                     size_t point) {
    struct scene scene = {.ladder = ladder, .level = level, .point = point};
    struct pn_label id = pn_label("ladder%zu-%zu-%zu", ladder->study->index, level, point);
    struct pn_figure figure = {.id = id.s,
                               .title = "One property at a time",
                               .desc = "Change of throughput when one property of a design is set "
                                       "to the other design's value",
                               .wide_w = 1040,
                               .draw = draw};
    pn_figure_write(out, &figure, &scene);
}
