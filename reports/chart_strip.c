/* SPDX-License-Identifier: MIT
 *
 * Every slot by time, as its deviation from the median of its own point; and the ceiling's bars.
 */
#include "page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pinion/quantile.h>

#define ROWS_MAX 8

struct strip {
    const struct pn_analysis *analysis;
    const char *row[ROWS_MAX];
    size_t rows;
    double *deviation; /* per sample, %; NaN: no rate */
    double minutes;
    double most; /* half height of a row, % */
};

static bool same_group(const struct pn_sample *a, const struct pn_sample *b) {
    return a->sweep == b->sweep && a->role == b->role && a->point == b->point &&
           a->level == b->level && strcmp(a->design_name, b->design_name) == 0;
}

/* Median of the good slots like sample i; with `room` for run->samples values. */
static double group_median(const struct pn_rundir *run, size_t i, double *room) {
    size_t n = 0;
    for (size_t j = 0; j < run->samples; j++) {
        if (same_group(&run->sample[i], &run->sample[j]) && pn_sample_good(&run->sample[j])) {
            double rate = pn_sample_raw_rate(&run->sample[j]);
            if (!isnan(rate)) {
                room[n++] = rate;
            }
        }
    }
    if (n == 0) {
        return NAN;
    }
    pn_sort(room, n);
    return pn_median_sorted(room, n);
}

/* In the order of the styles, so the project's own design first and the job loop last. */
static int by_style(const void *a, const void *b) {
    const char *x = *(const char *const *)a;
    const char *y = *(const char *const *)b;
    int order = pn_design_style(x, 3) - pn_design_style(y, 3);
    return order != 0 ? order : strcmp(x, y);
}

static void find_rows(struct strip *s) {
    const struct pn_rundir *run = s->analysis->run;
    for (size_t i = 0; i < run->samples; i++) {
        size_t r = 0;
        while (r < s->rows && strcmp(s->row[r], run->sample[i].design_name) != 0) {
            r++;
        }
        if (r == s->rows && r < ROWS_MAX) {
            s->row[s->rows++] = run->sample[i].design_name;
        }
    }
    qsort(s->row, s->rows, sizeof s->row[0], by_style);
}

static bool measure(struct strip *s) {
    const struct pn_rundir *run = s->analysis->run;
    double *room = malloc((run->samples + 1) * sizeof *room);
    s->deviation = malloc((run->samples + 1) * sizeof *s->deviation);
    if (room == NULL || s->deviation == NULL) {
        free(room);
        return false;
    }
    size_t n = 0;
    for (size_t i = 0; i < run->samples; i++) {
        double end = run->sample[i].start_ns / 60e9;
        s->deviation[i] =
            100 * (pn_sample_raw_rate(&run->sample[i]) / group_median(run, i, room) - 1);
        s->minutes = fmax(s->minutes, end);
    }
    for (size_t i = 0; i < run->samples; i++) {
        if (!isnan(s->deviation[i])) {
            room[n++] = fabs(s->deviation[i]);
        }
    }
    /* Rows are as high as 98 % of the slots need; the others are drawn at the edge. */
    s->most = 5;
    if (n > 0) {
        pn_sort(room, n);
        double need = room[(size_t)(0.98 * (double)(n - 1))];
        while (s->most < need && s->most < 80) {
            s->most *= 2;
        }
    }
    free(room);
    return true;
}

static void draw_mark(struct pn_svg *svg, const struct strip *s, size_t i, double x, double middle,
                      double half) {
    const struct pn_sample *sample = &s->analysis->run->sample[i];
    double d = fmin(fmax(s->deviation[i], -s->most * 1.25), s->most * 1.25);
    size_t row = 0;
    while (row < s->rows && strcmp(s->row[row], sample->design_name) != 0) {
        row++;
    }
    int style = pn_design_style(sample->design_name, row);
    bool hollow = sample->void_reason != NULL;
    double y = middle - half * d / s->most;
    pn_svg_mark(svg, style, x, y, hollow ? 3 : 2.2, pn_label(hollow ? "h%d" : "dot f%d", style).s,
                NULL);
    if (sample->unsteady && !hollow) {
        pn_svg_line(svg, x, y - 6, x, y + 6, "uns");
    }
}

static void draw_strip_row(struct pn_svg *svg, const struct strip *s, size_t row,
                           const struct pn_axis *x, double top) {
    double half = 28;
    double middle = top + half + 6;
    double level[] = {s->most, 0, -s->most};
    for (size_t i = 0; i < 3; i++) {
        double y = middle - half * level[i] / s->most;
        pn_svg_line(svg, x->at_lo, y, x->at_hi, y, i == 1 ? "axis" : "grid");
        pn_svg_text(svg, x->at_lo - 8, y + 4.3, "tk", PN_END,
                    i == 1 ? "0" : pn_label("%s" PN_NBSP "%%", pn_num_signed(level[i], 0).s).s);
    }
    pn_svg_text(svg, 0, svg->narrow ? top - 6 : middle + 4.3,
                pn_label("bd t%d", pn_design_style(s->row[row], row)).s, PN_START, s->row[row]);
    for (size_t i = 0; i < s->analysis->run->samples; i++) {
        const struct pn_sample *sample = &s->analysis->run->sample[i];
        if (strcmp(sample->design_name, s->row[row]) == 0 && !isnan(s->deviation[i])) {
            draw_mark(svg, s, i, pn_axis_at(x, sample->start_ns / 60e9), middle, half);
        }
    }
}

static void draw_strip(struct pn_svg *svg, const void *data) {
    const struct strip *s = data;
    double left = svg->narrow ? 58 : 112;
    double gap = svg->narrow ? 104 : 94;
    double top = svg->narrow ? 22 : 8;
    double tick[16];
    for (size_t r = 0; r < s->rows && !svg->narrow; r++) {
        left = fmax(left, pn_text_width(s->row[r], PN_FIGURE_PX, true) + 64);
    }
    struct pn_axis x = {0, s->minutes > 0 ? s->minutes : 1, left, svg->w - 10, false};
    for (size_t r = 0; r < s->rows; r++) {
        draw_strip_row(svg, s, r, &x, top + gap * (double)r);
    }
    double bottom = top + gap * (double)s->rows - (svg->narrow ? 24 : 14);
    size_t n = pn_axis_ticks(&x, svg->narrow ? 4 : 7, tick, 16);
    for (size_t i = 0; i < n; i++) {
        double at = pn_axis_at(&x, tick[i]);
        pn_svg_line(svg, at, bottom, at, bottom + 5, "axis");
        pn_svg_text(svg, at, bottom + 20, "tk", PN_MIDDLE,
                    pn_num_plain(tick[i], x.hi < 5 ? 1 : 0).s);
    }
    pn_svg_text(svg, 0.5 * (x.at_lo + x.at_hi), bottom + 41, "tk", PN_MIDDLE,
                "minutes since start");
}

void pn_chart_strip(struct pn_text *out, const struct pn_analysis *analysis) {
    struct strip s = {.analysis = analysis};
    find_rows(&s);
    if (!measure(&s)) {
        out->failed = true;
    } else {
        struct pn_figure figure = {
            "strip", "Every sample by time",
            "One mark per slot: deviation from the median of its point, over time.", 1040,
            draw_strip};
        pn_figure_write(out, &figure, &s);
    }
    free(s.deviation);
}

static struct pn_num percent_of(double share) {
    return pn_num_fixed(100 * share, 1);
}

static struct pn_label share_name(const struct pn_study *study, const struct pn_share *share) {
    char room[96];
    const char *level = pn_level_name(study->sweep, share->level, room, sizeof room);
    return pn_label("%.30s = %s%s%.60s", study->sweep->key, pn_x_text(study->sweep, share->point).s,
                    level[0] != '\0' ? ", " : "", level);
}

static void draw_share(struct pn_svg *svg, const struct pn_study *study,
                       const struct pn_share *share, const struct pn_axis *x, double y) {
    const char *name = study->sweep->design[share->design];
    int style = pn_design_style(name, share->design);
    double end = pn_axis_at(x, share->share.value);
    double hi = isnan(share->share.hi) ? end : pn_axis_at(x, share->share.hi);
    pn_svg_text(svg, x->at_lo - 10, y + 17.3, pn_label("bd t%d", style).s, PN_END, name);
    pn_svg_rect(svg, x->at_lo, y, end - x->at_lo, 26, pn_label("f%d", style).s,
                pn_label("%.30s: %s %% of the job loop", name,
                         pn_label_estimate(&share->share, percent_of).s)
                    .s);
    if (!isnan(share->share.lo)) {
        pn_svg_whisker(svg, pn_axis_at(x, share->share.lo), end, hi, y + 13);
    }
    pn_svg_text(svg, hi + 8, y + 17.3, "bd halo", PN_START,
                pn_label("%s" PN_NBSP "%%", percent_of(share->share.value).s).s);
}

static void draw_ceiling(struct pn_svg *svg, const void *data) {
    const struct pn_study *study = data;
    double left = 0;
    for (size_t d = 0; d < study->sweep->designs; d++) {
        left = fmax(left, pn_text_width(study->sweep->design[d], PN_FIGURE_PX, true) + 12);
    }
    double most = 1;
    for (size_t i = 0; i < study->shares; i++) {
        most = fmax(most, isnan(study->share[i].share.hi) ? study->share[i].share.value
                                                          : study->share[i].share.hi);
    }
    struct pn_axis x = {0, most, left, svg->w - 70, false};
    double y = 10;
    struct pn_label last = {{0}};
    struct pn_svg rows = {.w = svg->w, .narrow = svg->narrow};
    for (size_t i = 0; i < study->shares; i++) {
        struct pn_label name = share_name(study, &study->share[i]);
        if (strcmp(name.s, last.s) != 0) {
            pn_svg_text(&rows, 0, y + 14, "lab halo", PN_START, name.s);
            last = name;
            y += 26;
        }
        draw_share(&rows, study, &study->share[i], &x, y);
        y += 34;
    }
    for (int quarter = 0; 0.25 * quarter <= most; quarter++) {
        double share = 0.25 * quarter;
        double at = pn_axis_at(&x, share);
        bool whole = quarter == 4;
        pn_svg_line(svg, at, 6, at, y, whole ? "zero" : "grid");
        pn_svg_text(svg, at, y + 18, "tk", PN_MIDDLE,
                    pn_label("%s" PN_NBSP "%%", pn_num_plain(100 * share, 0).s).s);
    }
    pn_svg_text(svg, 0.5 * (x.at_lo + x.at_hi), y + 38, "tk", PN_MIDDLE,
                "jobs/s as a share of the job loop's");
    if (rows.body.len > 0) {
        pn_text_put_n(&svg->body, rows.body.data, rows.body.len);
    }
    svg->body.failed |= rows.body.failed;
    pn_text_free(&rows.body);
}

void pn_chart_ceiling(struct pn_text *out, const struct pn_study *study) {
    struct pn_label id = pn_label("ceiling%zu", study->index);
    struct pn_figure figure = {
        id.s, "Share of the job loop",
        "Throughput of each design as a share of a loop of the same jobs without a queue.", 1040,
        draw_ceiling};
    pn_figure_write(out, &figure, study);
}
