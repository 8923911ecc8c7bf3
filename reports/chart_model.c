/* SPDX-License-Identifier: MIT
 *
 * Two shapes over one x: the mailbox design and BEAM, each divided by its first value.
 */
#include "ladder.h"
#include "page.h"

#include <math.h>

struct scene {
    const struct pn_model *model;
    struct pn_axis x, y;
    double px[PN_POINTS_MAX];
};

static void set_scale(const struct pn_model *m, struct pn_axis *y) {
    y->lo = 0.8;
    y->hi = 1.25;
    for (size_t p = m->first; p < m->study->sweep->points; p++) {
        for (size_t side = 0; side < 2; side++) {
            const struct pn_estimate *e = &m->shape[side][p];
            double lo = exp(isnan(e->lo) ? e->value : e->lo);
            double hi = exp(isnan(e->hi) ? e->value : e->hi);
            y->lo = lo < y->lo ? lo : y->lo;
            y->hi = hi > y->hi ? hi : y->hi;
        }
    }
    y->log = y->hi / y->lo > 5;
    y->lo /= 1.1;
    y->hi *= 1.1;
}

static void draw_frame(struct pn_svg *svg, const struct scene *s) {
    const struct pn_sweep *sweep = s->model->study->sweep;
    double tick[24];
    size_t n = pn_axis_ticks(&s->y, 7, tick, 24);
    for (size_t i = 0; i < n; i++) {
        double y = pn_axis_at(&s->y, tick[i]);
        pn_svg_line(svg, s->x.at_lo, y, s->x.at_hi, y, fabs(tick[i] - 1) < 1e-9 ? "zero" : "grid");
        pn_svg_text(svg, s->x.at_lo - 8, y + 4.3, "tk", PN_END,
                    pn_label("×%s", pn_num_x(tick[i]).s).s);
    }
    for (size_t p = 0; p < sweep->points; p++) {
        pn_svg_line(svg, s->px[p], s->y.at_hi, s->px[p], s->y.at_lo, "grid");
    }
    for (size_t p = 0; p < sweep->points; p++) {
        pn_svg_text(svg, s->px[p], s->y.at_lo + 20, "tk", PN_MIDDLE, pn_x_text(sweep, p).s);
    }
    pn_svg_text(svg, 0.5 * (s->x.at_lo + s->x.at_hi), s->y.at_lo + 42, "tk", PN_MIDDLE,
                pn_label("%.60s%s", pn_x_unit(sweep), s->x.log ? " (log2)" : "").s);
    pn_svg_text(svg, 0, 14, "hd", PN_START, "Shape");
    pn_svg_text(svg, pn_text_width("Shape", 13.5, true) + 6, 14, "tk", PN_START,
                svg->narrow ? "first value = 1; band = 95 %"
                            : "jobs/s × s per work unit, first value = 1; band = 95 %");
}

static void draw_limit(struct pn_svg *svg, const struct scene *s) {
    double lo[PN_POINTS_MAX], hi[PN_POINTS_MAX];
    size_t n = s->model->study->sweep->points;
    for (size_t p = 0; p < n; p++) {
        double beam = exp(s->model->shape[1][p].value);
        bool known = p >= s->model->first && !isnan(beam);
        lo[p] = known ? pn_axis_at(&s->y, fmax(beam / (1 + pn_model_limit), s->y.lo)) : NAN;
        hi[p] = known ? pn_axis_at(&s->y, fmin(beam * (1 + pn_model_limit), s->y.hi)) : NAN;
    }
    pn_svg_band(svg, s->px, lo, hi, n, "tie");
}

static double draw_curve(struct pn_svg *svg, const struct scene *s, size_t side, int style) {
    const struct pn_model *m = s->model;
    const struct pn_sweep *sweep = m->study->sweep;
    double y[PN_POINTS_MAX], lo[PN_POINTS_MAX], hi[PN_POINTS_MAX];
    double end = s->y.at_lo;
    for (size_t p = 0; p < sweep->points; p++) {
        const struct pn_estimate *e = &m->shape[side][p];
        bool known = p >= m->first && !isnan(e->value);
        y[p] = known ? pn_axis_at(&s->y, exp(e->value)) : NAN;
        lo[p] = known && !isnan(e->lo) ? pn_axis_at(&s->y, exp(e->lo)) : NAN;
        hi[p] = known && !isnan(e->hi) ? pn_axis_at(&s->y, exp(e->hi)) : NAN;
        end = known ? y[p] : end;
    }
    pn_svg_band(svg, s->px, lo, hi, sweep->points, pn_label("band f%d", style).s);
    pn_svg_polyline(svg, s->px, y, sweep->points, pn_label("line s%d", style).s);
    for (size_t p = 0; p < sweep->points; p++) {
        if (!isnan(y[p])) {
            pn_svg_mark(svg, style, s->px[p], y[p], 4, pn_label("mark f%d", style).s,
                        pn_label("%.30s at %s: ×%s of its first",
                                 sweep->design[side == 0 ? m->mailbox : m->beam],
                                 pn_x_text(sweep, p).s,
                                 pn_num_sig(exp(m->shape[side][p].value), 3).s)
                            .s);
        }
    }
    return end;
}

static void draw(struct pn_svg *svg, const void *data) {
    struct scene s = {.model = data};
    const struct pn_sweep *sweep = s.model->study->sweep;
    const char *const name[] = {sweep->design[s.model->mailbox], sweep->design[s.model->beam]};
    double end[2];
    double right = 14;
    for (size_t side = 0; side < 2; side++) {
        double w = pn_text_width(name[side], PN_FIGURE_PX, true) + 22;
        right = w > right ? w : right;
    }
    /* A list has no distances: its values stand side by side. */
    bool list = sweep->scale == PN_SCALE_LIST;
    s.x = (struct pn_axis){list ? 0 : sweep->x[0].at,
                           list ? (double)sweep->points - 1 : sweep->x[sweep->points - 1].at,
                           svg->narrow ? 54 : 64, svg->w - right, sweep->scale == PN_SCALE_LOG2};
    set_scale(s.model, &s.y);
    s.y.at_hi = 34;
    s.y.at_lo = svg->narrow ? 230 : 300;
    for (size_t p = 0; p < sweep->points; p++) {
        s.px[p] = pn_axis_at(&s.x, list ? (double)p : sweep->x[p].at);
    }
    draw_limit(svg, &s);
    draw_frame(svg, &s);
    for (size_t side = 0; side < 2; side++) {
        end[side] = draw_curve(svg, &s, side, side == 0 ? 1 : 3);
    }
    pn_dodge(end, 2, 17, s.y.at_hi, s.y.at_lo - 4);
    for (size_t side = 0; side < 2; side++) {
        pn_svg_text(svg, s.x.at_hi + 14, end[side] + 4.3, side == 0 ? "bd t1" : "bd t3", PN_START,
                    name[side]);
    }
    pn_svg_extend(svg, s.y.at_lo + 48);
}

void pn_chart_model(struct pn_text *out, const struct pn_model *model) {
    struct pn_label id = pn_label("model%zu-%zu", model->study->index, model->level);
    struct pn_figure figure = {.id = id.s,
                               .title = "Shape of the mailbox design and of BEAM",
                               .desc = "Throughput over x, each curve divided by its first value",
                               .wide_w = 620,
                               .draw = draw};
    pn_figure_write(out, &figure, model);
}
