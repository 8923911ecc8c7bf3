/* SPDX-License-Identifier: MIT
 *
 * The gap split into kinds of time, and busy CPU per job.
 */
#include "page.h"
#include "rival.h"

#include <math.h>
#include <string.h>

#define BAR 26.0
#define ROW 40.0

struct split_scene {
    const struct pn_study *study;
    size_t level;
    struct pn_axis x;
};

/* Parts in the order they are stacked; two where spin is not known. */
static size_t parts_of(const struct pn_split *s, double *part, const char **cls,
                       const char **name) {
    part[0] = 100 * s->efficiency;
    cls[0] = "eff";
    name[0] = "efficiency";
    if (isnan(s->spinning)) {
        part[1] = 100 * s->waiting;
        cls[1] = "sleep";
        name[1] = "spinning + sleeping";
        return 2;
    }
    part[1] = 100 * s->spinning;
    cls[1] = "spin";
    name[1] = "spinning";
    part[2] = 100 * s->sleeping;
    cls[2] = "sleep";
    name[2] = "sleeping";
    return 3;
}

static double clear_of(double v, double otherwise) {
    return isnan(v) ? otherwise : v;
}

static void split_range(const struct split_scene *s, double *lo, double *hi) {
    *lo = -3;
    *hi = 3;
    for (size_t p = 0; p < s->study->sweep->points; p++) {
        const struct pn_split *split = &s->study->curve[s->level].point[p].split;
        double part[3];
        const char *cls[3];
        const char *name[3];
        double below = 0;
        double above = 0;
        if (isnan(split->total)) {
            continue;
        }
        size_t n = parts_of(split, part, cls, name);
        for (size_t i = 0; i < n; i++) {
            below += part[i] < 0 ? part[i] : 0;
            above += part[i] > 0 ? part[i] : 0;
        }
        *lo = below < *lo ? below : *lo;
        *hi = above > *hi ? above : *hi;
    }
}

static void draw_legend(struct pn_svg *svg, const char *const *name, const char *const *cls,
                        size_t n, double y) {
    double x = svg->narrow ? 0 : 66;
    for (size_t i = 0; i < n; i++) {
        pn_svg_rect(svg, x, y - 9.5, 11, 11, pn_label("p%s", cls[i]).s, NULL);
        pn_svg_text(svg, x + 17, y, "an", PN_START, name[i]);
        x += 17 + pn_text_width(name[i], PN_FIGURE_PX, false) + 14;
    }
}

/* Each part grows away from zero on its own side. */
static void draw_bar(struct pn_svg *svg, const struct split_scene *s, const struct pn_split *split,
                     double y, const char *label) {
    double part[3];
    const char *cls[3];
    const char *name[3];
    size_t n = parts_of(split, part, cls, name);
    double edge[2] = {0, 0};
    for (size_t i = 0; i < n; i++) {
        size_t side = part[i] < 0 ? 0 : 1;
        double from = pn_axis_at(&s->x, edge[side]);
        double to = pn_axis_at(&s->x, edge[side] + part[i]);
        double left = from < to ? from : to;
        double width = fabs(to - from);
        edge[side] += part[i];
        struct pn_num value = pn_num_signed(part[i], 1);
        pn_svg_rect(svg, left, y, width - 1, BAR, pn_label("p%s", cls[i]).s,
                    pn_label("%.40s, %s: %s log %%", label, name[i], value.s).s);
        if (pn_text_width(value.s, PN_FIGURE_PX, false) + 6 < width) {
            pn_svg_text(svg, left + width / 2, y + 17.3, pn_label("o%s", cls[i]).s, PN_MIDDLE,
                        value.s);
        }
    }
    bool ahead = split->total >= 0;
    double at = pn_axis_at(&s->x, edge[ahead ? 1 : 0]);
    pn_svg_text(svg, at + (ahead ? 8 : -8), y + 17.3, "bd", ahead ? PN_START : PN_END,
                pn_label("%s" PN_NBSP "%%", pn_num_signed(100 * split->total, 1).s).s);
}

static void draw_split_axis(struct pn_svg *svg, const struct split_scene *s, double top,
                            double bottom) {
    double tick[12];
    size_t n = pn_axis_ticks(&s->x, 4, tick, 12);
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
                "gap in throughput, log %, parts add up exactly");
}

static void draw_split(struct pn_svg *svg, const void *data) {
    struct split_scene s = *(const struct split_scene *)data;
    const struct pn_sweep *sweep = s.study->sweep;
    static const char *const three[] = {"efficiency", "spinning", "sleeping"};
    static const char *const three_cls[] = {"eff", "spin", "sleep"};
    static const char *const two[] = {"efficiency", "spinning + sleeping"};
    static const char *const two_cls[] = {"eff", "sleep"};
    double room = pn_text_width("+00.0 %", PN_FIGURE_PX, true) + 12;
    double lo, hi;
    split_range(&s, &lo, &hi);
    s.x = (struct pn_axis){lo, hi, 58 + room, svg->w - room, false};
    const char *a = sweep->design[s.study->a];
    const char *b = sweep->design[s.study->b];
    bool joined = s.study->spin_reason != NULL;
    double zero = pn_axis_at(&s.x, 0);
    double bw = pn_text_width(b, PN_FIGURE_PX, false) + 60;
    double aw = pn_text_width(a, PN_FIGURE_PX, false) + 60;
    double pivot = fmin(fmax(zero, bw + 10), svg->w - aw - 10);
    pn_svg_text(svg, pivot - 8, 14, pn_label("t%d", pn_design_style(b, s.study->b)).s, PN_END,
                pn_label("← %.24s ahead", b).s);
    pn_svg_text(svg, pivot + 8, 14, pn_label("t%d", pn_design_style(a, s.study->a)).s, PN_START,
                pn_label("%.24s ahead →", a).s);
    draw_legend(svg, joined ? two : three, joined ? two_cls : three_cls, joined ? 2 : 3, 40);
    double top = 58;
    double bottom = top + ROW * (double)sweep->points;
    double tie_lo = pn_axis_at(&s.x, fmax(-100 * s.study->margin, lo));
    double tie_hi = pn_axis_at(&s.x, fmin(100 * s.study->margin, hi));
    pn_svg_rect(svg, tie_lo, top, tie_hi - tie_lo, bottom - top, "tie", NULL);
    draw_split_axis(svg, &s, top, bottom);
    for (size_t p = 0; p < sweep->points; p++) {
        const struct pn_split *split = &s.study->curve[s.level].point[p].split;
        double y = top + ROW * (double)p + 7;
        pn_svg_text(svg, 44, y + 17.3, "lab", PN_END, pn_x_text(sweep, p).s);
        if (isnan(split->total)) {
            pn_svg_text(svg, zero + 8, y + 17.3, "tk", PN_START, "not measured");
        } else {
            draw_bar(svg, &s, split, y, pn_x_text(sweep, p).s);
        }
    }
}

void pn_chart_split(struct pn_text *out, const struct pn_study *study, size_t level) {
    struct split_scene data = {.study = study, .level = level};
    struct pn_label id = pn_label("split%zu-%zu", study->index, level);
    struct pn_figure figure = {
        id.s, "Gap by kind of time",
        "Stacked bars: efficiency, spinning and sleeping sum to the log ratio of throughput.", 500,
        draw_split};
    pn_figure_write(out, &figure, &data);
}

struct busy_scene {
    const struct pn_study *study;
    size_t point;
    double job; /* ns per job of the job itself; NaN if not measured */
    size_t drawn[PN_DESIGNS_MAX];
    size_t n_drawn;
};

static void draw_busy_row(struct pn_svg *svg, const struct busy_scene *s, const struct pn_axis *x,
                          size_t design, const struct pn_estimate *e, double y) {
    const char *name = s->study->sweep->design[design];
    double end = pn_axis_at(x, e->value);
    double job = isnan(s->job) || s->job > e->value ? 0 : s->job;
    double split = pn_axis_at(x, job);
    struct pn_label title =
        pn_label("%.30s: %s ns per job", name, pn_label_estimate(e, pn_num_sig3).s);
    pn_svg_text(svg, x->at_lo - 10, y + 17.3, pn_label("bd t%d", pn_design_style(name, design)).s,
                PN_END, name);
    if (job > 0) {
        struct pn_num v = pn_num_sig3(job);
        pn_svg_rect(svg, x->at_lo, y, split - x->at_lo - 1, BAR, "pjob", "the job itself");
        if (pn_text_width(v.s, PN_FIGURE_PX, false) + 6 < split - x->at_lo) {
            pn_svg_text(svg, 0.5 * (x->at_lo + split), y + 17.3, "ojob", PN_MIDDLE, v.s);
        }
    }
    pn_svg_rect(svg, split, y, end - split, BAR, pn_label("f%d", pn_design_style(name, design)).s,
                title.s);
    struct pn_num rest = pn_num_sig3(e->value - job);
    if (job > 0 && pn_text_width(rest.s, PN_FIGURE_PX, false) + 6 < end - split) {
        pn_svg_text(svg, 0.5 * (split + end), y + 17.3, "dark", PN_MIDDLE, rest.s);
    }
    double hi = isnan(e->hi) ? end : pn_axis_at(x, e->hi);
    if (!isnan(e->lo)) {
        pn_svg_whisker(svg, pn_axis_at(x, e->lo), end, hi, y + BAR / 2);
    }
    pn_svg_text(svg, hi + 8, y + 17.3, "bd", PN_START, pn_num_sig3(e->value).s);
}

static double busy_most(const struct busy_scene *s) {
    double most = 0;
    for (size_t level = 0; level < s->study->sweep->levels; level++) {
        for (size_t i = 0; s->study->curve[level].point != NULL && i < s->n_drawn; i++) {
            const struct pn_estimate *e = &s->study->curve[level].point[s->point].busy[s->drawn[i]];
            most = fmax(most, fmax(clear_of(e->value, 0), clear_of(e->hi, 0)));
        }
    }
    return most > 0 ? most : 1;
}

static void draw_busy(struct pn_svg *svg, const void *data) {
    const struct busy_scene *s = data;
    const struct pn_sweep *sweep = s->study->sweep;
    double left = 0;
    double tick[12];
    for (size_t i = 0; i < s->n_drawn; i++) {
        left = fmax(left, pn_text_width(sweep->design[s->drawn[i]], PN_FIGURE_PX, true) + 12);
    }
    struct pn_axis x = {0, busy_most(s), left,
                        svg->w - pn_text_width("00 000", PN_FIGURE_PX, true) - 14, false};
    if (!isnan(s->job)) {
        static const char *const name[] = {"the job itself"};
        static const char *const cls[] = {"job"};
        draw_legend(svg, name, cls, 1, 14);
    }
    double y = 32;
    size_t n = pn_axis_ticks(&x, 4, tick, 12);
    double bottom = y;
    for (size_t level = 0; level < sweep->levels; level++) {
        bottom += (sweep->by_key != NULL ? 26 : 0) + 34 * (double)s->n_drawn;
    }
    for (size_t i = 0; i < n; i++) {
        double at = pn_axis_at(&x, tick[i]);
        pn_svg_line(svg, at, 26, at, bottom, "grid");
        pn_svg_text(svg, at, bottom + 18, "tk", PN_MIDDLE,
                    pn_num_plain(tick[i], x.hi < 2 ? 1 : 0).s);
    }
    for (size_t level = 0; level < sweep->levels; level++) {
        char room[96];
        if (sweep->by_key != NULL) {
            pn_svg_text(svg, 0, y + 14, "lab halo", PN_START,
                        pn_level_name(sweep, level, room, sizeof room));
            y += 26;
        }
        for (size_t i = 0; s->study->curve[level].point != NULL && i < s->n_drawn; i++, y += 34) {
            const struct pn_estimate *e = &s->study->curve[level].point[s->point].busy[s->drawn[i]];
            if (!isnan(e->value)) {
                draw_busy_row(svg, s, &x, s->drawn[i], e, y);
            }
        }
    }
    pn_svg_text(
        svg, 0.5 * (x.at_lo + x.at_hi), bottom + 38, "tk", PN_MIDDLE,
        pn_label("busy ns per job at %s %.40s", pn_x_text(sweep, s->point).s, pn_x_unit(sweep)).s);
}

void pn_chart_busy(struct pn_text *out, const struct pn_study *study, size_t point) {
    struct busy_scene data = {
        study, point, study->job_ns == NULL ? NAN : study->job_ns[point], {0}, 0};
    data.n_drawn = pn_study_drawn(study, data.drawn);
    struct pn_label id = pn_label("busy%zu", study->index);
    struct pn_figure figure = {id.s, "Busy CPU per job", "Busy CPU time per job of each design.",
                               500, draw_busy};
    pn_figure_write(out, &figure, &data);
}
