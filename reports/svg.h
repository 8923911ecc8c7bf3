/* SPDX-License-Identifier: MIT
 *
 * Figures: primitives, axes, and the frame that draws every figure twice (wide and narrow).
 */
#ifndef PN_REPORTS_SVG_H
#define PN_REPORTS_SVG_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

#define PN_FIGURE_PX 12.5
#define PN_NARROW_W  358.0

struct pn_svg {
    struct pn_text body;
    double w, h; /* h: the lowest edge so far, grown by pn_svg_extend */
    bool narrow;
};

enum pn_anchor { PN_START, PN_MIDDLE, PN_END };

void pn_svg_extend(struct pn_svg *svg, double h);
/* Text is moved until it lies within 0..w, whatever the reader's font. Raw text; escaped here. */
void pn_svg_text(struct pn_svg *svg, double x, double y, const char *cls, enum pn_anchor anchor,
                 const char *text);
void pn_svg_line(struct pn_svg *svg, double x1, double y1, double x2, double y2, const char *cls);
/* Interval of a bar that ends at `end`: dark inside the bar in either theme, as text outside. */
void pn_svg_whisker(struct pn_svg *svg, double lo, double end, double hi, double y);
/* title may be NULL. */
void pn_svg_rect(struct pn_svg *svg, double x, double y, double w, double h, const char *cls,
                 const char *title);
/* One polyline; a NaN in x or y starts a new piece. */
void pn_svg_polyline(struct pn_svg *svg, const double *x, const double *y, size_t n,
                     const char *cls);
/* Filled band between lo and hi; points where either is NaN are left out. */
void pn_svg_band(struct pn_svg *svg, const double *x, const double *lo, const double *hi, size_t n,
                 const char *cls);
/* Marker of a design: circle, diamond, triangle, square; then again from the circle. */
void pn_svg_mark(struct pn_svg *svg, int kind, double x, double y, double r, const char *cls,
                 const char *title);

struct pn_axis {
    double lo, hi;       /* values */
    double at_lo, at_hi; /* px */
    bool log;
};
double pn_axis_at(const struct pn_axis *axis, double value);
/* 1-2-5 ticks inside [lo, hi], log or linear; at most `room`. Returns their number. */
size_t pn_axis_ticks(const struct pn_axis *axis, size_t wanted, double *tick, size_t room);

/* Pushes ys at least gap apart inside lo..hi, order kept. order[] receives the indices by y. */
void pn_dodge(double *y, size_t n, double gap, double lo, double hi);

/* Style of a design by its name: 0 shared, 1 mailbox, 2 tokio, 3 beam; 4, neutral, for the job
 * loop; others by place. */
int pn_design_style(const char *name, size_t place);

struct pn_figure {
    const char *id; /* unique in the page */
    const char *title;
    const char *desc;
    double wide_w;
    void (*draw)(struct pn_svg *svg, const void *data);
};
/* Both variants; CSS shows one. */
void pn_figure_write(struct pn_text *out, const struct pn_figure *figure, const void *data);

#endif
