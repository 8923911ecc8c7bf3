/* SPDX-License-Identifier: MIT
 *
 * Percentile spectrum of one open-loop point: each step to the right is ten times rarer.
 */
#include "page.h"
#include "rival.h"

#include <math.h>

struct spectrum {
    const struct pn_study *study;
    size_t level, point;
    const struct pn_latency *latency[PN_DESIGNS_MAX];
    struct pn_axis x; /* 1 / (1 - q), log */
    struct pn_axis y; /* ns, log */
    double rarest;
};

#define STEPS 60

static double quantile_at(const struct spectrum *s, size_t step) {
    double rarity = pow(s->rarest, (double)step / STEPS);
    return 1 - 1 / rarity;
}

static void set_scales(struct spectrum *s) {
    double lo = INFINITY;
    double hi = 0;
    double samples = INFINITY;
    for (size_t d = 0; d < s->study->sweep->designs; d++) {
        const struct pn_latency *l = s->latency[d];
        if (l == NULL) {
            continue;
        }
        double total = 0;
        for (size_t i = 0; i < l->counts; i++) {
            total += l->count[i];
        }
        samples = total < samples ? total : samples;
    }
    /* Ten samples beyond the last percentile drawn. */
    s->rarest = isfinite(samples) ? fmax(10, pow(10, floor(log10(fmax(samples, 100) / 10)))) : 10;
    for (size_t d = 0; d < s->study->sweep->designs; d++) {
        for (size_t i = 0; s->latency[d] != NULL && i <= STEPS; i++) {
            double v = pn_latency_at(s->latency[d], quantile_at(s, i));
            lo = v > 0 && v < lo ? v : lo;
            hi = v > hi ? v : hi;
        }
    }
    s->x.lo = 1;
    s->x.hi = s->rarest;
    s->x.log = true;
    s->y.log = true;
    s->y.lo = (isfinite(lo) ? lo : 1000) / 1.2;
    s->y.hi = fmax(hi, s->y.lo * 2) * 1.2;
}

static struct pn_label percentile_name(double rarity) {
    if (rarity < 1.5) {
        return pn_label("0");
    }
    int decimals = (int)floor(log10(rarity) + 0.5) - 2;
    return pn_label("%s", pn_num_plain(100 - 100 / rarity, decimals < 0 ? 0 : decimals).s);
}

static struct pn_num micro(double ns) {
    return pn_num_sig(ns / 1e3, 2);
}

static void draw_axes(struct pn_svg *svg, const struct spectrum *s) {
    double tick[32];
    size_t n = pn_axis_ticks(&s->y, 8, tick, 32);
    for (size_t i = 0; i < n; i++) {
        double y = pn_axis_at(&s->y, tick[i]);
        pn_svg_line(svg, s->x.at_lo, y, s->x.at_hi, y, "grid");
        pn_svg_text(svg, s->x.at_lo - 8, y + 4.3, "tk", PN_END, pn_num_tick(tick[i] / 1e3).s);
    }
    for (int e = 0; pow(10, e) <= s->rarest * 1.01; e++) {
        double rarity = pow(10, e);
        double x = pn_axis_at(&s->x, rarity);
        pn_svg_line(svg, x, s->y.at_hi, x, s->y.at_lo, "grid");
        pn_svg_text(svg, x, s->y.at_lo + 18, "tk", PN_MIDDLE, percentile_name(rarity).s);
    }
    pn_svg_text(svg, 0.5 * (s->x.at_lo + s->x.at_hi), s->y.at_lo + 38, "tk", PN_MIDDLE,
                "percentile, % of jobs");
    pn_svg_text(svg, 0, 14, "hd", PN_START, "Latency");
    pn_svg_text(svg, pn_text_width("Latency", 13.5, true) + 6, 14, "tk", PN_START,
                "µs, log, from intended start");
}

static void draw_lines(struct pn_svg *svg, const struct spectrum *s) {
    double label[PN_DESIGNS_MAX] = {0};
    double end[PN_DESIGNS_MAX] = {0};
    size_t shown[PN_DESIGNS_MAX];
    size_t n = 0;
    for (size_t d = 0; d < s->study->sweep->designs; d++) {
        double px[STEPS + 1], py[STEPS + 1];
        const char *name = s->study->sweep->design[d];
        int style = pn_design_style(name, d);
        if (s->latency[d] == NULL || s->latency[d]->counts == 0) {
            continue;
        }
        for (size_t i = 0; i <= STEPS; i++) {
            double q = quantile_at(s, i);
            px[i] = pn_axis_at(&s->x, 1 / (1 - q));
            py[i] = pn_axis_at(&s->y, fmax(pn_latency_at(s->latency[d], q), s->y.lo));
        }
        pn_svg_polyline(svg, px, py, STEPS + 1, pn_label("line s%d", style).s);
        for (int e = 1; pow(10, e) <= s->rarest * 1.01; e++) {
            double rarity = pow(10, e);
            double v = pn_latency_at(s->latency[d], 1 - 1 / rarity);
            pn_svg_mark(
                svg, style, pn_axis_at(&s->x, rarity), pn_axis_at(&s->y, fmax(v, s->y.lo)), 4,
                pn_label("mark f%d", style).s,
                pn_label("%.30s: %s µs at p%s", name, micro(v).s, percentile_name(rarity).s).s);
        }
        end[n] = label[n] = py[STEPS];
        shown[n++] = d;
    }
    pn_dodge(label, n, 17, s->y.at_hi, s->y.at_lo - 4);
    for (size_t i = 0; i < n; i++) {
        const char *name = s->study->sweep->design[shown[i]];
        if (fabs(label[i] - end[i]) > 3) {
            pn_svg_line(svg, s->x.at_hi + 5, end[i], s->x.at_hi + 11, label[i], "leader");
        }
        pn_svg_text(svg, s->x.at_hi + 14, label[i] + 4.3,
                    pn_label("bd t%d", pn_design_style(name, shown[i])).s, PN_START, name);
    }
}

static void draw(struct pn_svg *svg, const void *data) {
    struct spectrum s = *(const struct spectrum *)data;
    double right = 14;
    for (size_t d = 0; d < s.study->sweep->designs; d++) {
        if (s.latency[d] == NULL) {
            continue;
        }
        right = fmax(right, pn_text_width(s.study->sweep->design[d], PN_FIGURE_PX, true) + 16);
    }
    set_scales(&s);
    s.x.at_lo = 52;
    s.x.at_hi = svg->w - right;
    s.y.at_hi = 34;
    s.y.at_lo = 300;
    draw_axes(svg, &s);
    draw_lines(svg, &s);
}

/* All latencies of one level and point, by design. */
static struct spectrum gather(const struct pn_study *study, size_t level, size_t point) {
    struct spectrum s = {.study = study, .level = level, .point = point};
    size_t drawn[PN_DESIGNS_MAX];
    size_t n = pn_study_drawn(study, drawn);
    for (size_t i = 0; i < study->latencies; i++) {
        const struct pn_latency *l = &study->latency[i];
        for (size_t k = 0; k < n && l->level == level && l->point == point && l->counts > 0; k++) {
            s.latency[l->design] = drawn[k] == l->design ? l : s.latency[l->design];
        }
    }
    return s;
}

void pn_chart_latency(struct pn_text *out, const struct pn_study *study, size_t level,
                      size_t point) {
    struct spectrum s = gather(study, level, point);
    struct pn_label id = pn_label("latency%zu-%zu-%zu", study->index, level, point);
    struct pn_figure figure = {id.s, "Latency by percentile",
                               "Completion time from the intended start, by percentile.", 500,
                               draw};
    pn_figure_write(out, &figure, &s);
}

/* Bins of equal width on the log axis: enough to see a shape, wider than the histogram's own
 * buckets. */
#define BINS ((size_t)40)

static void fill_bins(const struct spectrum *s, size_t d, double *share) {
    const struct pn_latency *l = s->latency[d];
    double total = 0;
    double span = log(s->x.hi / s->x.lo);
    for (size_t b = 0; b < BINS; b++) {
        share[b] = 0;
    }
    for (size_t i = 0; i < l->counts; i++) {
        double middle = pn_bucket_low(i, l->bits) + 0.5 * pn_bucket_width(i, l->bits);
        double at = (double)BINS * log(middle / s->x.lo) / span;
        size_t bin = at <= 0 ? 0 : at >= (double)BINS ? BINS - 1 : (size_t)at;
        share[bin] += l->count[i];
        total += l->count[i];
    }
    for (size_t b = 0; b < BINS; b++) {
        share[b] = total > 0 ? 100 * share[b] / total : 0;
    }
}

static void draw_steps(struct pn_svg *svg, const struct spectrum *s, size_t d,
                       const double *share) {
    double px[2 * BINS] = {0};
    double py[2 * BINS] = {0};
    int style = pn_design_style(s->study->sweep->design[d], d);
    for (size_t b = 0; b < BINS; b++) {
        double width = (s->x.at_hi - s->x.at_lo) / (double)BINS;
        px[2 * b] = s->x.at_lo + width * (double)b;
        px[2 * b + 1] = px[2 * b] + width;
        py[2 * b] = py[2 * b + 1] = pn_axis_at(&s->y, share[b]);
    }
    double base[2 * BINS] = {0};
    for (size_t i = 0; i < sizeof base / sizeof base[0]; i++) {
        base[i] = s->y.at_lo;
    }
    pn_svg_band(svg, px, base, py, 2 * BINS, pn_label("band f%d", style).s);
    pn_svg_polyline(svg, px, py, 2 * BINS, pn_label("line s%d thin", style).s);
}

static void draw_histogram_axes(struct pn_svg *svg, const struct spectrum *s) {
    double tick[32];
    size_t n = pn_axis_ticks(&s->y, 5, tick, 32);
    for (size_t i = 0; i < n; i++) {
        double y = pn_axis_at(&s->y, tick[i]);
        pn_svg_line(svg, s->x.at_lo, y, s->x.at_hi, y, "grid");
        pn_svg_text(svg, s->x.at_lo - 8, y + 4.3, "tk", PN_END,
                    pn_label("%s" PN_NBSP "%%", pn_num_tick(tick[i]).s).s);
    }
    n = pn_axis_ticks(&s->x, svg->narrow ? 6 : 9, tick, 32);
    for (size_t i = 0; i < n; i++) {
        double x = pn_axis_at(&s->x, tick[i]);
        pn_svg_line(svg, x, s->y.at_hi, x, s->y.at_lo, "grid");
        pn_svg_text(svg, x, s->y.at_lo + 18, "tk", PN_MIDDLE, pn_num_tick(tick[i] / 1e3).s);
    }
    pn_svg_text(svg, 0.5 * (s->x.at_lo + s->x.at_hi), s->y.at_lo + 38, "tk", PN_MIDDLE,
                "latency, µs (log), from intended start");
    pn_svg_text(svg, 0, 14, "hd", PN_START, "Jobs");
    pn_svg_text(svg, pn_text_width("Jobs", 13.5, true) + 6, 14, "tk", PN_START, "% in each bin");
}

/* The design's name above its highest bin. */
static void draw_peak_label(struct pn_svg *svg, const struct spectrum *s, size_t d,
                            const double *share, double *used) {
    size_t top = 0;
    for (size_t b = 1; b < BINS; b++) {
        top = share[b] > share[top] ? b : top;
    }
    const char *name = s->study->sweep->design[d];
    double x = s->x.at_lo + (s->x.at_hi - s->x.at_lo) * ((double)top + 0.5) / (double)BINS;
    x = fmin(x, svg->w - 0.55 * pn_text_width(name, PN_FIGURE_PX, true)); /* bold may be wider */
    double y = fmin(pn_axis_at(&s->y, share[top]) - 8, *used);
    pn_svg_text(svg, x, y, pn_label("bd halo t%d", pn_design_style(name, d)).s, PN_MIDDLE, name);
    *used = y - 16;
}

static void draw_histogram(struct pn_svg *svg, const void *data) {
    struct spectrum s = *(const struct spectrum *)data;
    double share[PN_DESIGNS_MAX][BINS] = {{0}};
    double lo = INFINITY;
    double hi = 0;
    double most = 1;
    size_t designs = s.study->sweep->designs;
    for (size_t d = 0; d < designs; d++) {
        double first = s.latency[d] == NULL ? NAN : pn_latency_at(s.latency[d], 0);
        double last = s.latency[d] == NULL ? NAN : pn_latency_at(s.latency[d], 0.9999);
        lo = first < lo ? first : lo;
        hi = last > hi ? last : hi;
    }
    s.x = (struct pn_axis){isfinite(lo) && lo > 0 ? lo / 1.1 : 100, fmax(hi * 1.1, 1000), 46,
                           svg->w - 10, true};
    for (size_t d = 0; d < designs; d++) {
        if (s.latency[d] != NULL) {
            fill_bins(&s, d, share[d]);
        }
        for (size_t b = 0; s.latency[d] != NULL && b < BINS; b++) {
            most = fmax(most, share[d][b]);
        }
    }
    s.y = (struct pn_axis){0, most * 1.25, 300, 34, false};
    draw_histogram_axes(svg, &s);
    double used = INFINITY;
    for (size_t d = 0; d < designs; d++) {
        if (s.latency[d] != NULL) {
            draw_steps(svg, &s, d, share[d]);
        }
    }
    for (size_t d = 0; d < designs; d++) {
        if (s.latency[d] != NULL) {
            draw_peak_label(svg, &s, d, share[d], &used);
        }
    }
}

void pn_chart_histogram(struct pn_text *out, const struct pn_study *study, size_t level,
                        size_t point) {
    struct spectrum s = gather(study, level, point);
    struct pn_label id = pn_label("histogram%zu-%zu-%zu", study->index, level, point);
    struct pn_figure figure = {id.s, "Latency histogram",
                               "Share of jobs per latency bin, each design.", 500, draw_histogram};
    pn_figure_write(out, &figure, &s);
}
