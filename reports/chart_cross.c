/* SPDX-License-Identifier: MIT
 *
 * The two-panel crossover: throughput above, ratio below, one x.
 */
#include "page.h"
#include "rival.h"

#include <math.h>

struct scene {
    const struct pn_study *study;
    const struct pn_curve *curve;
    struct pn_axis x, rate, ratio;
    double px[PN_POINTS_MAX];
    double right; /* margin for end labels */
    size_t drawn[PN_DESIGNS_MAX];
    size_t n_drawn;
};

static bool drawable(const struct pn_study *study, size_t level) {
    return study->curve[level].point != NULL;
}

/* Scales are shared by all levels, so that their figures compare by eye. */
static void set_rate_scale(const struct scene *s, struct pn_axis *axis) {
    const struct pn_study *study = s->study;
    double lo = INFINITY;
    double hi = 0;
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; drawable(study, level) && p < study->sweep->points; p++) {
            for (size_t i = 0; i < s->n_drawn; i++) {
                double v = study->curve[level].point[p].rate[s->drawn[i]].value;
                lo = v < lo ? v : lo;
                hi = v > hi ? v : hi;
            }
        }
    }
    if (!(hi > 0)) {
        lo = 1;
        hi = 10;
    }
    axis->log = true;
    axis->lo = lo / 1.25;
    axis->hi = hi * 1.25;
}

static void set_ratio_scale(const struct pn_study *study, struct pn_axis *axis) {
    double lo = -0.04;
    double hi = 0.04;
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; study->curve[level].compared && p < study->sweep->points; p++) {
            const struct pn_estimate *e = &study->curve[level].cross.point[p];
            double low = isnan(e->lo) ? e->value : e->lo;
            double high = isnan(e->hi) ? e->value : e->hi;
            lo = expm1(low) < lo ? expm1(low) : lo;
            hi = expm1(high) > hi ? expm1(high) : hi;
        }
    }
    double pad = 0.12 * (hi - lo);
    axis->lo = 100 * (lo - pad);
    axis->hi = 100 * (hi + pad);
}

static struct pn_axis x_axis(const struct pn_sweep *sweep, double at_lo, double at_hi) {
    struct pn_axis axis = {sweep->x[0].at, sweep->x[sweep->points - 1].at, at_lo, at_hi,
                           sweep->scale == PN_SCALE_LOG2};
    return axis;
}

void pn_chart_x_labels(struct pn_svg *svg, const struct pn_sweep *sweep, const struct pn_axis *x,
                       double y) {
    double taken = -INFINITY;
    for (size_t p = 0; p < sweep->points; p++) {
        struct pn_num label = pn_x_text(sweep, p);
        double at = pn_axis_at(x, sweep->x[p].at);
        double half = 0.5 * pn_text_width(label.s, PN_FIGURE_PX, false);
        if (at - half > taken + 8) {
            pn_svg_text(svg, at, y, "tk", PN_MIDDLE, label.s);
            taken = at + half;
        }
    }
}

/* The unit, and what it costs where the job loop was measured at one of the points. */
static struct pn_label x_title(const struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    const char *log2 = sweep->scale == PN_SCALE_LOG2 ? "log2" : "";
    for (size_t p = 0; study->job_ns != NULL && p < sweep->points; p++) {
        if (!isnan(study->job_ns[p])) {
            return pn_label("%.60s (%s%s%s = %s ns in the job loop)", pn_x_unit(sweep), log2,
                            log2[0] != '\0' ? "; " : "", pn_x_text(sweep, p).s,
                            pn_num_sig(study->job_ns[p], 3).s);
        }
    }
    return log2[0] != '\0' ? pn_label("%.80s (%s)", pn_x_unit(sweep), log2)
                           : pn_label("%.80s", pn_x_unit(sweep));
}

static void draw_frame(struct pn_svg *svg, const struct scene *s) {
    double tick[24];
    size_t n = pn_axis_ticks(&s->rate, 9, tick, 24);
    for (size_t i = 0; i < n; i++) {
        double y = pn_axis_at(&s->rate, tick[i]);
        pn_svg_line(svg, s->x.at_lo, y, s->x.at_hi, y, "grid");
        pn_svg_text(svg, s->x.at_lo - 8, y + 4.3, "tk", PN_END, pn_num_tick(tick[i]).s);
    }
    n = pn_axis_ticks(&s->ratio, 5, tick, 24);
    for (size_t i = 0; i < n; i++) {
        double y = pn_axis_at(&s->ratio, tick[i]);
        bool zero = fabs(tick[i]) < 1e-9;
        if (!zero) {
            pn_svg_line(svg, s->x.at_lo, y, s->x.at_hi, y, "grid");
        }
        pn_svg_text(
            svg, s->x.at_lo - 8, y + 4.3, "tk", PN_END,
            zero ? "equal"
                 : pn_label("%s" PN_NBSP "%%", pn_num_signed(tick[i], fabs(tick[i]) < 1 ? 1 : 0).s)
                       .s);
    }
    const struct pn_sweep *sweep = s->study->sweep;
    for (size_t p = 0; p < sweep->points; p++) {
        pn_svg_line(svg, s->px[p], s->rate.at_hi, s->px[p], s->rate.at_lo, "grid");
        pn_svg_line(svg, s->px[p], s->ratio.at_hi, s->px[p], s->ratio.at_lo, "grid");
    }
    pn_chart_x_labels(svg, sweep, &s->x, s->ratio.at_lo + 20);
    pn_svg_text(svg, 0.5 * (s->x.at_lo + s->x.at_hi), s->ratio.at_lo + 42, "tk", PN_MIDDLE,
                x_title(s->study).s);
}

static double place_x(const struct scene *s, double value) {
    return pn_axis_at(&s->x, value);
}

static void draw_crossing(struct pn_svg *svg, const struct scene *s) {
    const struct pn_cross *c = &s->curve->cross;
    if (!s->curve->compared || c->kind != PN_CROSS_AT) {
        return;
    }
    double lo = place_x(s, c->lo);
    double hi = place_x(s, c->hi);
    double at = place_x(s, c->x);
    pn_svg_rect(svg, lo, s->rate.at_hi, hi - lo, s->rate.at_lo - s->rate.at_hi, "range", NULL);
    pn_svg_rect(svg, lo, s->ratio.at_hi, hi - lo, s->ratio.at_lo - s->ratio.at_hi, "range", NULL);
    pn_svg_line(svg, at, s->rate.at_hi, at, s->ratio.at_lo, "cross");
    pn_svg_text(
        svg, at, s->ratio.at_hi - (svg->narrow ? 8 : 17), "lb", PN_MIDDLE,
        pn_label("crossover %s [%s, %s]", pn_num_x(c->x).s, pn_num_x(c->lo).s, pn_num_x(c->hi).s)
            .s);
}

static void draw_rates(struct pn_svg *svg, const struct scene *s) {
    const struct pn_sweep *sweep = s->study->sweep;
    double end[PN_DESIGNS_MAX] = {0};
    double label[PN_DESIGNS_MAX] = {0};
    for (size_t i = 0; i < s->n_drawn; i++) {
        double y[PN_POINTS_MAX], lo[PN_POINTS_MAX], hi[PN_POINTS_MAX];
        size_t d = s->drawn[i];
        int style = pn_design_style(sweep->design[d], d);
        end[i] = NAN;
        for (size_t p = 0; p < sweep->points; p++) {
            const struct pn_estimate *e = &s->curve->point[p].rate[d];
            y[p] = isnan(e->value) ? NAN : pn_axis_at(&s->rate, e->value);
            lo[p] = isnan(e->lo) ? NAN : pn_axis_at(&s->rate, e->lo);
            hi[p] = isnan(e->hi) ? NAN : pn_axis_at(&s->rate, e->hi);
            end[i] = isnan(y[p]) ? end[i] : y[p];
        }
        pn_svg_band(svg, s->px, lo, hi, sweep->points, pn_label("band f%d", style).s);
        pn_svg_polyline(svg, s->px, y, sweep->points,
                        pn_label("line s%d%s", style, style > 1 ? " thin" : "").s);
        for (size_t p = 0; p < sweep->points; p++) {
            if (!isnan(y[p])) {
                pn_svg_mark(svg, style, s->px[p], y[p], style > 1 ? 3.2 : 4,
                            pn_label("mark f%d", style).s,
                            pn_label("%.30s at %s %.40s: %s jobs/s", sweep->design[d],
                                     pn_x_text(sweep, p).s, pn_x_unit(sweep),
                                     pn_label_estimate(&s->curve->point[p].rate[d], pn_num_si).s)
                                .s);
            }
        }
        label[i] = isnan(end[i]) ? s->rate.at_lo : end[i];
    }
    pn_dodge(label, s->n_drawn, 17, s->rate.at_hi, s->rate.at_lo - 4);
    for (size_t i = 0; i < s->n_drawn; i++) {
        size_t d = s->drawn[i];
        int style = pn_design_style(sweep->design[d], d);
        if (isnan(end[i])) {
            continue;
        }
        if (fabs(label[i] - end[i]) > 3) {
            pn_svg_line(svg, s->x.at_hi + 5, end[i], s->x.at_hi + 11, label[i], "leader");
        }
        pn_svg_text(svg, s->x.at_hi + 14, label[i] + 4.3, pn_label("bd t%d", style).s, PN_START,
                    sweep->design[d]);
    }
}

static void draw_ratio(struct pn_svg *svg, const struct scene *s) {
    const struct pn_sweep *sweep = s->study->sweep;
    double y[PN_POINTS_MAX] = {0}, lo[PN_POINTS_MAX], hi[PN_POINTS_MAX];
    int style = pn_design_style(sweep->design[s->study->a], s->study->a);
    double tie_hi = pn_axis_at(&s->ratio, 100 * expm1(s->study->margin));
    double tie_lo = pn_axis_at(&s->ratio, 100 * expm1(-s->study->margin));
    double equal = pn_axis_at(&s->ratio, 0);
    pn_svg_rect(svg, s->x.at_lo, tie_hi, s->x.at_hi - s->x.at_lo, tie_lo - tie_hi, "tie", NULL);
    pn_svg_line(svg, s->x.at_lo, equal, s->x.at_hi, equal, "zero");
    pn_svg_text(svg, s->x.at_hi + 8, equal - 2, "tk", PN_START, "tie zone");
    pn_svg_text(svg, s->x.at_hi + 8, equal + 13, "tk", PN_START,
                pn_label("±%s" PN_NBSP "%%", pn_num_sig(100 * expm1(s->study->margin), 2).s).s);
    if (!s->curve->compared) {
        return;
    }
    for (size_t p = 0; p < sweep->points; p++) {
        const struct pn_estimate *e = &s->curve->cross.point[p];
        y[p] = isnan(e->value) ? NAN : pn_axis_at(&s->ratio, 100 * expm1(e->value));
        lo[p] = isnan(e->lo) ? NAN : pn_axis_at(&s->ratio, 100 * expm1(e->lo));
        hi[p] = isnan(e->hi) ? NAN : pn_axis_at(&s->ratio, 100 * expm1(e->hi));
    }
    pn_svg_band(svg, s->px, lo, hi, sweep->points, pn_label("band f%d", style).s);
    pn_svg_polyline(svg, s->px, y, sweep->points, pn_label("line s%d solid", style).s);
    for (size_t p = 0; p < sweep->points; p++) {
        if (!isnan(y[p])) {
            pn_svg_mark(svg, style, s->px[p], y[p], 4, pn_label("mark f%d", style).s,
                        pn_label("%s %.40s: %s, %zu rounds", pn_x_text(sweep, p).s,
                                 pn_x_unit(sweep),
                                 pn_label_estimate(&s->curve->cross.point[p], pn_num_percent1).s,
                                 s->curve->cross.point[p].n)
                            .s);
        }
    }
    const char *a = sweep->design[s->study->a];
    const char *b = sweep->design[s->study->b];
    int other = pn_design_style(b, s->study->b);
    /* On the side where the first and last points leave room. */
    bool falls = !isnan(y[0]) && !isnan(y[sweep->points - 1]) && y[0] < y[sweep->points - 1];
    pn_svg_text(svg, falls ? s->x.at_hi - 6 : s->x.at_lo + 8, s->ratio.at_hi + 15,
                pn_label("halo t%d", style).s, falls ? PN_END : PN_START,
                pn_label("%.30s ahead ↑", a).s);
    pn_svg_text(svg, falls ? s->x.at_lo + 8 : s->x.at_hi - 6, s->ratio.at_lo - 8,
                pn_label("halo t%d", other).s, falls ? PN_START : PN_END,
                pn_label("%.30s ahead ↓", b).s);
}

static double end_margin(const struct scene *s) {
    double widest = pn_text_width("tie zone", PN_FIGURE_PX, false);
    for (size_t i = 0; i < s->n_drawn; i++) {
        double w = pn_text_width(s->study->sweep->design[s->drawn[i]], PN_FIGURE_PX, true) + 6;
        widest = w > widest ? w : widest;
    }
    return widest + 14;
}

static void draw_titles(struct pn_svg *svg, const struct scene *s, double ratio_title_y) {
    const struct pn_sweep *sweep = s->study->sweep;
    pn_svg_text(svg, 0, 14, "hd", PN_START, "Throughput");
    pn_svg_text(svg, pn_text_width("Throughput", 13.5, true) + 6, 14, "tk", PN_START,
                svg->narrow ? "jobs/s, log" : "jobs/s, log scale, closed loop; band = 95 %");
    struct pn_label title =
        pn_label("%.30s relative to %.30s", sweep->design[s->study->a], sweep->design[s->study->b]);
    pn_svg_text(svg, 0, ratio_title_y, "hd", PN_START, title.s);
    if (!svg->narrow) {
        pn_svg_text(svg, pn_text_width(title.s, 13.5, true) + 6, ratio_title_y, "tk", PN_START,
                    "%, band = 95 %");
    }
}

struct figure_data {
    const struct pn_study *study;
    size_t level;
};

static void draw(struct pn_svg *svg, const void *data) {
    const struct figure_data *f = data;
    const struct pn_sweep *sweep = f->study->sweep;
    struct scene s = {.study = f->study, .curve = &f->study->curve[f->level]};
    double left = svg->narrow ? 54 : 64;
    s.n_drawn = pn_study_drawn(f->study, s.drawn);
    s.right = end_margin(&s);
    s.x = x_axis(sweep, left, svg->w - s.right);
    set_rate_scale(&s, &s.rate);
    set_ratio_scale(f->study, &s.ratio);
    s.rate.at_hi = svg->narrow ? 32 : 44;
    s.rate.at_lo = svg->narrow ? 270 : 362;
    s.ratio.at_hi = svg->narrow ? 326 : 428;
    s.ratio.at_lo = svg->narrow ? 494 : 628;
    for (size_t p = 0; p < sweep->points; p++) {
        s.px[p] = pn_axis_at(&s.x, sweep->x[p].at);
    }
    draw_frame(svg, &s);
    draw_titles(svg, &s, svg->narrow ? 298 : 389);
    draw_crossing(svg, &s);
    draw_rates(svg, &s);
    draw_ratio(svg, &s);
}

void pn_chart_cross(struct pn_text *out, const struct pn_study *study, size_t level) {
    struct figure_data data = {study, level};
    struct pn_text desc = {0};
    struct pn_label id = pn_label("cross%zu-%zu", study->index, level);
    pn_verdict_curve(study, level, &desc);
    struct pn_figure figure = {.id = id.s,
                               .title = "Throughput and ratio over x",
                               .desc = desc.data == NULL ? "" : desc.data,
                               .wide_w = 1040,
                               .draw = draw};
    pn_figure_write(out, &figure, &data);
    pn_text_free(&desc);
}
