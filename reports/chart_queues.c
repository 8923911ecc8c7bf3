/* SPDX-License-Identifier: MIT
 *
 * Queues against the reference: a panel per workload, a row per queue, ratio on a log axis with its
 * interval. Workloads of one family share the figure, its rows and its scale.
 */
#include "page_queues.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "queue_lines.h"

#define LABEL_MOST  210.0
#define NUMBER_W    50.0
#define RATIO_LEAST 0.02
#define RATIO_MOST  50.0

struct pn_num pn_queue_multiple(double ratio) {
    return ratio < 0.095 ? pn_num_sig(ratio, 2) : pn_num_fixed(ratio, ratio < 9.995 ? 2 : 1);
}

struct panels {
    const struct pn_queue_report *report;
    size_t first, n; /* workloads */
    size_t row[PN_QUEUES_MAX];
    size_t rows;
    double lo, hi; /* of the axis */
};

/* A row of panels: the wide figure has one, the narrow one as many as its titles ask for. */
struct block {
    const struct panels *set;
    size_t first, n;
    double top, left, gap, width;
};

static const struct pn_queue_cell *cell_of(const struct panels *set, size_t panel, size_t row) {
    return pn_queue_report_cell(set->report, set->first + panel, set->row[row]);
}

/* Mean of ln(ratio) over the panels in which a queue was measured; NaN: none. */
static double standing(const struct panels *set, size_t queue) {
    double sum = 0;
    size_t n = 0;
    for (size_t p = 0; p < set->n; p++) {
        const struct pn_queue_cell *cell = pn_queue_report_cell(set->report, set->first + p, queue);
        if (cell->ratio.rounds > 0) {
            sum += log(cell->ratio.value);
            n++;
        }
    }
    return n == 0 ? NAN : sum / (double)n;
}

/* Fastest first; queues without a ratio in any panel have no row. */
static void choose_rows(struct panels *set) {
    double at[PN_QUEUES_MAX];
    for (size_t q = 0; q < set->report->queues; q++) {
        double s = standing(set, q);
        size_t i = set->rows;
        if (isnan(s)) {
            continue;
        }
        for (; i > 0 && at[i - 1] < s; i--) {
            at[i] = at[i - 1];
            set->row[i] = set->row[i - 1];
        }
        at[i] = s;
        set->row[i] = q;
        set->rows++;
    }
}

static void choose_range(struct panels *set) {
    set->lo = 0.8;
    set->hi = 1.25;
    for (size_t p = 0; p < set->n; p++) {
        for (size_t r = 0; r < set->rows; r++) {
            const struct pn_queue_figure *f = &cell_of(set, p, r)->ratio;
            if (f->rounds > 0) {
                set->lo = fmin(set->lo, isnan(f->lo) ? f->value : f->lo);
                set->hi = fmax(set->hi, isnan(f->hi) ? f->value : f->hi);
            }
        }
    }
    set->lo = fmax(set->lo / 1.08, RATIO_LEAST);
    set->hi = fmin(set->hi * 1.08, RATIO_MOST);
}

/* A name cut, with an ellipsis, to a width. */
static struct pn_label fit(const char *name, double width) {
    struct pn_label out = pn_label("%s", name);
    size_t n = strlen(out.s);
    while (n > 1 && pn_text_width(out.s, PN_FIGURE_PX, true) > width) {
        do {
            n--;
        } while (n > 1 && ((unsigned char)name[n] & 0xc0) == 0x80);
        out = pn_label("%.*s…", (int)n, name);
    }
    return out;
}

static double label_width(const struct panels *set) {
    double most = 0;
    for (size_t r = 0; r < set->rows; r++) {
        most = fmax(most, pn_text_width(set->report->queue[set->row[r]].name, PN_FIGURE_PX, true));
    }
    return fmin(most, LABEL_MOST);
}

static double row_height(const struct pn_svg *svg) {
    return svg->narrow ? 36 : 22;
}

/* Where the marks of a row lie; the narrow figure has the name above them. */
static double row_y(const struct pn_svg *svg, const struct block *b, size_t row) {
    return b->top + (svg->narrow ? 62 : 46) + row_height(svg) * (double)row;
}

static struct pn_axis axis_of(const struct pn_svg *svg, const struct block *b, size_t panel) {
    double left = b->left + (b->width + b->gap) * (double)panel;
    double right = left + b->width - (svg->narrow ? 0 : NUMBER_W);
    return (struct pn_axis){b->set->lo, b->set->hi, left, right, true};
}

static void draw_scale(struct pn_svg *svg, const struct block *b, const struct pn_axis *x,
                       double bottom) {
    double tick[16];
    double free_from = -1e9;
    size_t n = pn_axis_ticks(x, svg->narrow ? 3 : 6, tick, 16);
    for (size_t i = 0; i < n; i++) {
        double at = pn_axis_at(x, tick[i]);
        struct pn_num text = pn_num_tick(tick[i]);
        double half = 0.5 * pn_text_width(text.s, PN_FIGURE_PX, false);
        pn_svg_line(svg, at, b->top + 28, at, bottom, tick[i] == 1 ? "zero" : "grid");
        if (at - half > free_from) {
            pn_svg_text(svg, at, b->top + 22, "tk", PN_MIDDLE, text.s);
            pn_svg_text(svg, at, bottom + 16, "tk", PN_MIDDLE, text.s);
            free_from = at + half + 6;
        }
    }
}

static double clamped(const struct pn_axis *x, double ratio) {
    return pn_axis_at(x, fmin(fmax(ratio, x->lo), x->hi));
}

static void draw_ratio(struct pn_svg *svg, const struct block *b, size_t panel, size_t row,
                       const struct pn_axis *x) {
    const struct panels *set = b->set;
    const struct pn_queue_cell *cell = cell_of(set, b->first + panel, row);
    const struct pn_queue_entry *queue = &set->report->queue[set->row[row]];
    const struct pn_queue_figure *f = &cell->ratio;
    double y = row_y(svg, b, row);
    bool ours = queue->kind == PN_QUEUE_OURS;
    bool ahead = f->lo > 1 && queue->kind != PN_QUEUE_CEILING;
    char room[96];
    pn_svg_line(svg, x->at_lo, y, x->at_hi, y, "grid");
    if (f->rounds == 0) {
        if (!svg->narrow) {
            pn_svg_text(svg, x->at_hi + NUMBER_W, y + 4.3, "tk", PN_END,
                        cell->failed > 0 ? "failed" : PN_DASH);
        }
        return;
    }
    const char *line = ours ? "line s0 thin" : ahead ? "line sf thin" : "line sn thin";
    const char *mark = isnan(f->lo) ? "hollow" : ours ? "mark f0" : ahead ? "mark ff" : "mark fn";
    if (!isnan(f->lo)) {
        double lo = clamped(x, f->lo);
        double hi = clamped(x, f->hi);
        pn_svg_line(svg, lo, y, hi, y, line);
        pn_svg_line(svg, lo, y - 4, lo, y + 4, line);
        pn_svg_line(svg, hi, y - 4, hi, y + 4, line);
    }
    pn_svg_mark(svg, queue->kind == PN_QUEUE_CEILING ? 3 : 0, clamped(x, f->value), y, 3.5, mark,
                pn_label("%.60s, %.40s: ×%s", queue->name,
                         set->report->workload[set->first + b->first + panel].column,
                         pn_queue_figure_text(f, room, sizeof room))
                    .s);
    if (!svg->narrow) {
        pn_svg_text(svg, x->at_hi + NUMBER_W, y + 4.3,
                    ours    ? "bd t0"
                    : ahead ? "bd"
                            : "tk",
                    PN_END, pn_queue_multiple(f->value).s);
    }
}

static void draw_names(struct pn_svg *svg, const struct block *b) {
    const struct panels *set = b->set;
    for (size_t r = 0; r < set->rows; r++) {
        const struct pn_queue_entry *queue = &set->report->queue[set->row[r]];
        const char *cls = queue->kind == PN_QUEUE_OURS      ? "bd t0 halo"
                          : queue->kind == PN_QUEUE_CEILING ? "tk halo"
                                                            : "lab halo";
        pn_svg_text(svg, 0, row_y(svg, b, r) + (svg->narrow ? -12 : 4.3), cls, PN_START,
                    fit(queue->name, svg->narrow ? svg->w - 2 : LABEL_MOST).s);
    }
}

static double draw_block(struct pn_svg *svg, const struct block *b) {
    double bottom = row_y(svg, b, b->set->rows - 1) + (svg->narrow ? 12 : 13);
    for (size_t p = 0; p < b->n; p++) {
        struct pn_axis x = axis_of(svg, b, p);
        pn_svg_text(svg, x.at_lo, b->top + 4, "bd", PN_START,
                    b->set->report->workload[b->set->first + b->first + p].column);
        draw_scale(svg, b, &x, bottom);
        for (size_t r = 0; r < b->set->rows; r++) {
            draw_ratio(svg, b, p, r, &x);
        }
    }
    draw_names(svg, b);
    return bottom + 26;
}

/* Panels that fit beside each other with their titles. */
static size_t panels_across(const struct pn_svg *svg, const struct panels *set, double room) {
    double widest = svg->narrow ? 76 : 120;
    for (size_t p = 0; p < set->n; p++) {
        widest = fmax(widest, pn_text_width(set->report->workload[set->first + p].column,
                                            PN_FIGURE_PX, true));
    }
    size_t fit = room > widest + 16 ? (size_t)(room / (widest + 16)) : 1;
    size_t blocks = 1;
    while (blocks * fit < set->n) {
        blocks++;
    }
    return (set->n + blocks - 1) / blocks; /* 2 + 2 rather than 3 + 1 */
}

static void draw_panels(struct pn_svg *svg, const void *data) {
    const struct panels *set = data;
    const char *family = set->report->workload[set->first].family;
    struct pn_label unit =
        pn_label("rate as a multiple of %.60s in the same round", set->report->reference);
    double title = pn_text_width(family, 13.5, true);
    bool beside = title + pn_text_width(unit.s, PN_FIGURE_PX, false) + 8 < svg->w;
    pn_svg_text(svg, 0, 14, "hd", PN_START, family);
    pn_svg_text(svg, beside ? title + 6 : 0, beside ? 14 : 32, "tk", PN_START, unit.s);
    double left = svg->narrow ? 0 : label_width(set) + 16;
    double gap = svg->narrow ? 16 : 22;
    size_t across = panels_across(svg, set, svg->w - left + gap);
    double width =
        (svg->w - left - gap * (double)(across - 1) - (svg->narrow ? 8 : 0)) / (double)across;
    width = fmin(width, svg->narrow ? 358 : 420);
    double top = beside ? 42 : 60;
    for (size_t first = 0; first < set->n; first += across) {
        size_t n = set->n - first < across ? set->n - first : across;
        struct block b = {set, first, n, top, left + (svg->narrow ? 4 : 0), gap, width};
        top = draw_block(svg, &b) + 18;
    }
}

void pn_chart_queues(struct pn_text *out, const struct pn_queue_report *report, size_t first,
                     size_t n) {
    struct panels set = {.report = report, .first = first, .n = n};
    choose_rows(&set);
    if (set.rows == 0) {
        return;
    }
    choose_range(&set);
    struct pn_label id = pn_label("queues%zu", first);
    struct pn_figure figure = {id.s, report->workload[first].family,
                               "Dot plot: the rate of every queue as a multiple of the reference "
                               "queue's, with intervals, one panel per workload.",
                               1040, draw_panels};
    pn_figure_write(out, &figure, &set);
}
