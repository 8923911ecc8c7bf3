/* SPDX-License-Identifier: MIT
 *
 * Shift between levels: the forest of crossovers, and the change of the ratio at each point.
 */
#include "page.h"

#include <math.h>

#define ROW 30.0

struct forest {
    const struct pn_study *study;
    struct pn_axis x;
    double text_at; /* left edge of the numbers */
};

/* The wide variant has text, plot and numbers in one row; the narrow one puts text above the plot.
 */
static double row_height(const struct pn_svg *svg) {
    return svg->narrow ? 74 : ROW;
}

static double row_y(const struct pn_svg *svg, size_t row) {
    return svg->narrow ? 76 + row_height(svg) * (double)row : 57 + row_height(svg) * (double)row;
}

static void draw_scale(struct pn_svg *svg, const struct forest *f, double bottom) {
    const struct pn_sweep *sweep = f->study->sweep;
    for (size_t p = 0; p < sweep->points; p++) {
        double x = pn_axis_at(&f->x, sweep->x[p].at);
        pn_svg_line(svg, x, 34, x, bottom, "grid");
    }
    pn_chart_x_labels(svg, sweep, &f->x, 24);
    pn_chart_x_labels(svg, sweep, &f->x, bottom + 18);
    pn_svg_text(svg, 0.5 * (f->x.at_lo + f->x.at_hi), bottom + 39, "tk", PN_MIDDLE,
                pn_label("crossover, %.60s%s", pn_x_unit(sweep), f->x.log ? " (log2)" : "").s);
    if (!svg->narrow) {
        pn_svg_text(svg, 0, 24, "tk", PN_START, "level");
        pn_svg_text(svg, f->text_at, 24, "tk", PN_START, "crossover [95 %]");
        pn_svg_text(svg, svg->w - 2, 24, "tk", PN_END, "shift");
    }
}

static void draw_reference(struct pn_svg *svg, const struct forest *f, double bottom) {
    const struct pn_cross *c = &f->study->curve[0].cross;
    if (!f->study->curve[0].compared || c->kind != PN_CROSS_AT) {
        return;
    }
    double lo = pn_axis_at(&f->x, c->lo);
    double hi = pn_axis_at(&f->x, c->hi);
    double at = pn_axis_at(&f->x, c->x);
    pn_svg_rect(svg, lo, 34, hi - lo, bottom - 34, "range", NULL);
    pn_svg_line(svg, at, 34, at, bottom, "cross");
}

static void draw_none(struct pn_svg *svg, const struct forest *f, const struct pn_cross *c,
                      double y) {
    const struct pn_sweep *sweep = f->study->sweep;
    size_t d = c->ahead == PN_SIGN_B ? f->study->b : f->study->a;
    int style = pn_design_style(sweep->design[d], d);
    /* A ahead everywhere: its crossover lies beyond the high end where its lead falls with x. */
    bool right = fabs(c->point[0].value) >= fabs(c->point[sweep->points - 1].value);
    double edge = right ? f->x.at_hi : f->x.at_lo;
    double way = right ? -1 : 1;
    pn_svg_line(svg, edge + way * 8, y, edge + way * 56, y, pn_label("line s%d solid", style).s);
    double ax[] = {edge, edge + way * 9, edge + way * 9};
    double ay[] = {y, y - 5, y + 5};
    pn_svg_polyline(svg, ax, ay, 3, pn_label("f%d", style).s);
    pn_svg_text(svg, edge + way * 62, y + 4.3, "halo", right ? PN_END : PN_START, "none in range");
}

static void draw_open(struct pn_svg *svg, const struct forest *f, const struct pn_cross *c,
                      double y) {
    const struct pn_sweep *sweep = f->study->sweep;
    double lo = isnan(c->next_lo) ? f->x.at_lo : pn_axis_at(&f->x, c->next_lo);
    double hi = isnan(c->next_hi) ? f->x.at_hi : pn_axis_at(&f->x, c->next_hi);
    if (sweep->points == 1 || hi - lo < 8) {
        lo -= 12;
        hi += 12;
    }
    pn_svg_line(svg, lo, y, hi, y, "open");
    pn_svg_mark(svg, 0, 0.5 * (lo + hi), y, 4, "hollow", "not decided");
}

static void draw_at(struct pn_svg *svg, const struct forest *f, const struct pn_cross *c, double y,
                    bool dark) {
    const char *line = dark ? "line sf" : "line sn";
    double lo = pn_axis_at(&f->x, c->lo);
    double hi = pn_axis_at(&f->x, c->hi);
    pn_svg_line(svg, lo, y, hi, y, line);
    pn_svg_line(svg, lo, y - 5, lo, y + 5, line);
    pn_svg_line(svg, hi, y - 5, hi, y + 5, line);
    pn_svg_mark(svg, 0, pn_axis_at(&f->x, c->x), y, 5, dark ? "mark ff" : "mark fn",
                pn_label("%s [%s, %s]", pn_num_x(c->x).s, pn_num_x(c->lo).s, pn_num_x(c->hi).s).s);
}

static struct pn_label said_of(const struct pn_study *study, size_t level) {
    const struct pn_cross *c = &study->curve[level].cross;
    if (!study->curve[level].compared) {
        return pn_label("not measured");
    }
    switch (c->kind) {
    case PN_CROSS_AT:
        return pn_label("%s [%s, %s]", pn_num_x(c->x).s, pn_num_x(c->lo).s, pn_num_x(c->hi).s);
    case PN_CROSS_NONE:
        return pn_label("%.20s ahead",
                        study->sweep->design[c->ahead == PN_SIGN_B ? study->b : study->a]);
    case PN_CROSS_SEVERAL:
        return pn_label("%zu crossings", c->crossings);
    default:
        return isnan(c->next_lo) ? pn_label("tie")
                                 : pn_label("measure %s" PN_DASH "%s", pn_num_x(c->next_lo).s,
                                            pn_num_x(c->next_hi).s);
    }
}

static struct pn_label shift_of(const struct pn_study *study, size_t level, bool *apart) {
    *apart = false;
    if (level == 0) {
        return pn_label("reference");
    }
    for (size_t i = 0; i < study->shifts; i++) {
        const struct pn_estimate *e = &study->shift[i].factor;
        if (study->shift[i].to == level && !isnan(e->value)) {
            *apart = e->lo > 1 || e->hi < 1;
            return isnan(e->lo) ? pn_label("×%s", pn_num_fixed(e->value, 2).s)
                                : pn_label("×%s [%s, %s]", pn_num_fixed(e->value, 2).s,
                                           pn_num_fixed(e->lo, 2).s, pn_num_fixed(e->hi, 2).s);
        }
    }
    const struct pn_cross *c = &study->curve[level].cross;
    if (study->curve[level].compared && c->kind == PN_CROSS_NONE) {
        return pn_label("by %s" PN_DASH "%s" PN_NBSP "%%",
                        pn_num_sig(100 * expm1(c->gap_lo < 0 ? 0 : c->gap_lo), 2).s,
                        pn_num_sig(100 * expm1(c->gap_hi), 2).s);
    }
    return pn_label("open");
}

static void draw_row(struct pn_svg *svg, const struct forest *f, size_t level) {
    const struct pn_curve *curve = &f->study->curve[level];
    double y = row_y(svg, level);
    char room[96];
    bool dark = false;
    struct pn_label shift = shift_of(f->study, level, &dark);
    struct pn_label said = said_of(f->study, level);
    const char *name = pn_level_name(f->study->sweep, level, room, sizeof room);
    if (svg->narrow) {
        pn_svg_text(svg, 0, y - 20, dark ? "bd halo" : "lab halo", PN_START, name);
        pn_svg_text(svg, svg->w - 2, y - 20, dark ? "bd halo" : "lab halo", PN_END, said.s);
        pn_svg_text(svg, svg->w - 2, y + 24, "tk halo", PN_END, shift.s);
    } else {
        pn_svg_text(svg, 0, y + 4.3, dark ? "bd" : "lab", PN_START, name);
        pn_svg_text(svg, f->text_at, y + 4.3, dark ? "bd" : "lab", PN_START, said.s);
        pn_svg_text(svg, svg->w - 2, y + 4.3, dark ? "bd" : "lab", PN_END, shift.s);
    }
    if (!curve->compared) {
        return;
    }
    if (curve->cross.kind == PN_CROSS_AT) {
        draw_at(svg, f, &curve->cross, y, dark);
    } else if (curve->cross.kind == PN_CROSS_NONE) {
        draw_none(svg, f, &curve->cross, y);
    } else {
        draw_open(svg, f, &curve->cross, y);
    }
}

static void draw_forest(struct pn_svg *svg, const void *data) {
    const struct pn_study *study = data;
    const struct pn_sweep *sweep = study->sweep;
    struct forest f = {.study = study, .text_at = 716};
    f.x = (struct pn_axis){sweep->x[0].at, sweep->x[sweep->points - 1].at, svg->narrow ? 22 : 200,
                           svg->narrow ? svg->w - 24 : 668, sweep->scale == PN_SCALE_LOG2};
    double bottom = row_y(svg, sweep->levels - 1) + (svg->narrow ? 34 : 22);
    draw_scale(svg, &f, bottom);
    draw_reference(svg, &f, bottom);
    for (size_t level = 0; level < sweep->levels; level++) {
        draw_row(svg, &f, level);
    }
}

void pn_chart_forest(struct pn_text *out, const struct pn_study *study) {
    struct pn_label id = pn_label("forest%zu", study->index);
    struct pn_figure figure = {id.s, "Crossover per level",
                               "Interval plot of the crossover for each level.", 1040, draw_forest};
    pn_figure_write(out, &figure, study);
}

struct delta {
    const struct pn_study *study;
    const struct pn_shift *shift;
};

static void delta_range(const struct delta *d, double *lo, double *hi) {
    *lo = -0.03;
    *hi = 0.03;
    for (size_t p = 0; p < d->study->sweep->points; p++) {
        const struct pn_estimate *e = &d->shift->delta[p];
        double low = expm1(isnan(e->lo) ? e->value : e->lo);
        double high = expm1(isnan(e->hi) ? e->value : e->hi);
        *lo = low < *lo ? low : *lo;
        *hi = high > *hi ? high : *hi;
    }
    double pad = 0.1 * (*hi - *lo);
    *lo = 100 * (*lo - pad);
    *hi = 100 * (*hi + pad);
}

static void draw_delta_points(struct pn_svg *svg, const struct delta *d, const struct pn_axis *x,
                              const struct pn_axis *y) {
    const struct pn_sweep *sweep = d->study->sweep;
    double px[PN_POINTS_MAX], at[PN_POINTS_MAX], lo[PN_POINTS_MAX], hi[PN_POINTS_MAX];
    for (size_t p = 0; p < sweep->points; p++) {
        const struct pn_estimate *e = &d->shift->delta[p];
        px[p] = pn_axis_at(x, sweep->x[p].at);
        at[p] = isnan(e->value) ? NAN : pn_axis_at(y, 100 * expm1(e->value));
        lo[p] = isnan(e->lo) ? NAN : pn_axis_at(y, 100 * expm1(e->lo));
        hi[p] = isnan(e->hi) ? NAN : pn_axis_at(y, 100 * expm1(e->hi));
    }
    pn_svg_band(svg, px, lo, hi, sweep->points, "band ff");
    pn_svg_polyline(svg, px, at, sweep->points, "line sf thin");
    for (size_t p = 0; p < sweep->points; p++) {
        const struct pn_estimate *e = &d->shift->delta[p];
        if (!isnan(at[p])) {
            pn_svg_mark(svg, 0, px[p], at[p], 4, e->lo > 0 || e->hi < 0 ? "mark ff" : "mark fn",
                        pn_label("%s %.40s: %s", pn_x_text(sweep, p).s, pn_x_unit(sweep),
                                 pn_label_estimate(e, pn_num_percent1).s)
                            .s);
        }
    }
}

static void draw_delta(struct pn_svg *svg, const void *data) {
    const struct delta *d = data;
    const struct pn_sweep *sweep = d->study->sweep;
    double lo, hi, tick[16];
    char room[96];
    delta_range(d, &lo, &hi);
    struct pn_axis x = {sweep->x[0].at, sweep->x[sweep->points - 1].at, svg->narrow ? 54 : 64,
                        svg->w - (svg->narrow ? 14 : 96), sweep->scale == PN_SCALE_LOG2};
    struct pn_axis y = {lo, hi, svg->narrow ? 200 : 214, 44, false};
    struct pn_label title =
        pn_label("%.60s", pn_level_name(sweep, d->shift->to, room, sizeof room));
    pn_svg_text(svg, 0, 14, "hd", PN_START, title.s);
    if (!svg->narrow) {
        pn_svg_text(svg, pn_text_width(title.s, 13.5, true) + 6, 14, "tk", PN_START,
                    pn_label("change of the ratio %.20s to %.20s, %%, band = 95 %%",
                             sweep->design[d->study->a], sweep->design[d->study->b])
                        .s);
    } else {
        pn_svg_text(svg, 0, 32, "tk", PN_START, "change of the ratio, %, band = 95 %");
    }
    size_t n = pn_axis_ticks(&y, 4, tick, 16);
    for (size_t i = 0; i < n; i++) {
        double at = pn_axis_at(&y, tick[i]);
        bool zero = fabs(tick[i]) < 1e-9;
        pn_svg_line(svg, x.at_lo, at, x.at_hi, at, zero ? "zero" : "grid");
        pn_svg_text(
            svg, x.at_lo - 8, at + 4.3, "tk", PN_END,
            zero ? "none"
                 : pn_label("%s" PN_NBSP "%%", pn_num_signed(tick[i], fabs(tick[i]) < 1 ? 1 : 0).s)
                       .s);
    }
    for (size_t p = 0; p < sweep->points; p++) {
        double at = pn_axis_at(&x, sweep->x[p].at);
        pn_svg_line(svg, at, y.at_hi, at, y.at_lo, "grid");
    }
    pn_chart_x_labels(svg, sweep, &x, y.at_lo + 18);
    pn_svg_text(svg, 0.5 * (x.at_lo + x.at_hi), y.at_lo + 39, "tk", PN_MIDDLE, pn_x_unit(sweep));
    draw_delta_points(svg, d, &x, &y);
}

void pn_chart_delta(struct pn_text *out, const struct pn_study *study,
                    const struct pn_shift *shift) {
    struct delta data = {study, shift};
    struct pn_label id = pn_label("delta%zu-%zu", study->index, shift->to);
    struct pn_figure figure = {id.s, "Change of the ratio per point",
                               "How a level changes the ratio of the two designs at each point.",
                               1040, draw_delta};
    pn_figure_write(out, &figure, &data);
}
