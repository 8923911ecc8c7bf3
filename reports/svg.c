/* SPDX-License-Identifier: MIT */
#include "svg.h"

#include <math.h>
#include <string.h>

void pn_svg_extend(struct pn_svg *svg, double h) {
    svg->h = h > svg->h ? h : svg->h;
}

static double clamp(double v, double lo, double hi) {
    return v < lo ? lo : v > hi ? hi : v;
}

void pn_svg_text(struct pn_svg *svg, double x, double y, const char *cls, enum pn_anchor anchor,
                 const char *text) {
    static const char *const anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
    bool bold = strstr(cls, "hd") != NULL || strstr(cls, "lb") != NULL || strstr(cls, "bd") != NULL;
    double width = pn_text_width(text, strstr(cls, "hd") != NULL ? 13.5 : PN_FIGURE_PX, bold);
    if (anchor == PN_START) {
        x = clamp(x, 0, fmax(0, svg->w - width - 1));
    } else if (anchor == PN_END) {
        x = clamp(x, fmin(width, svg->w), svg->w);
    } else {
        x = clamp(x, fmin(width / 2, svg->w / 2), fmax(svg->w - width / 2, svg->w / 2));
    }
    pn_text_cat(&svg->body, "<text class=\"", cls, "\" x=\"", pn_num_coord(x).s, "\" y=\"",
                pn_num_coord(y).s, "\"", anchors[anchor], ">", NULL);
    pn_text_escape(&svg->body, text);
    pn_text_put(&svg->body, "</text>");
    pn_svg_extend(svg, y + 5);
}

void pn_svg_line(struct pn_svg *svg, double x1, double y1, double x2, double y2, const char *cls) {
    pn_text_cat(&svg->body, "<path class=\"", cls, "\" d=\"M", pn_num_coord(x1).s, " ",
                pn_num_coord(y1).s, "L", pn_num_coord(x2).s, " ", pn_num_coord(y2).s, "\"/>", NULL);
}

void pn_svg_whisker(struct pn_svg *svg, double lo, double end, double hi, double y) {
    pn_svg_line(svg, lo, y, end, y, "inbar");
    pn_svg_line(svg, lo, y - 4, lo, y + 4, "inbar");
    pn_svg_line(svg, end, y, hi, y, "zero");
    pn_svg_line(svg, hi, y - 4, hi, y + 4, "zero");
}

static void put_title(struct pn_svg *svg, const char *title, const char *element) {
    if (title == NULL) {
        pn_text_put(&svg->body, "/>");
        return;
    }
    pn_text_put(&svg->body, "><title>");
    pn_text_escape(&svg->body, title);
    pn_text_cat(&svg->body, "</title></", element, ">", NULL);
}

void pn_svg_rect(struct pn_svg *svg, double x, double y, double w, double h, const char *cls,
                 const char *title) {
    pn_text_cat(&svg->body, "<rect class=\"", cls, "\" x=\"", pn_num_coord(x).s, "\" y=\"",
                pn_num_coord(y).s, "\" width=\"", pn_num_coord(fmax(w, 0)).s, "\" height=\"",
                pn_num_coord(fmax(h, 0)).s, "\"", NULL);
    put_title(svg, title, "rect");
}

static void put_point(struct pn_text *out, const char *op, double x, double y) {
    pn_text_cat(out, op, pn_num_coord(x).s, " ", pn_num_coord(y).s, NULL);
}

void pn_svg_polyline(struct pn_svg *svg, const double *x, const double *y, size_t n,
                     const char *cls) {
    bool drawn = false;
    bool open = false;
    for (size_t i = 0; i < n; i++) {
        if (isnan(x[i]) || isnan(y[i])) {
            open = false;
            continue;
        }
        if (!drawn) {
            pn_text_cat(&svg->body, "<path class=\"", cls, "\" d=\"", NULL);
        }
        put_point(&svg->body, open ? "L" : "M", x[i], y[i]);
        drawn = open = true;
    }
    if (drawn) {
        pn_text_put(&svg->body, "\"/>");
    }
}

void pn_svg_band(struct pn_svg *svg, const double *x, const double *lo, const double *hi, size_t n,
                 const char *cls) {
    size_t used = 0;
    pn_text_cat(&svg->body, "<path class=\"", cls, "\" d=\"", NULL);
    for (size_t i = 0; i < n; i++) {
        if (!isnan(lo[i]) && !isnan(hi[i])) {
            put_point(&svg->body, used++ == 0 ? "M" : "L", x[i], lo[i]);
        }
    }
    for (size_t i = n; i-- > 0;) {
        if (!isnan(lo[i]) && !isnan(hi[i])) {
            put_point(&svg->body, "L", x[i], hi[i]);
        }
    }
    pn_text_put(&svg->body, used > 0 ? "Z\"/>" : "\"/>");
}

void pn_svg_mark(struct pn_svg *svg, int kind, double x, double y, double r, const char *cls,
                 const char *title) {
    double z = r * 1.25;
    struct pn_text *out = &svg->body;
    if (kind % 4 == 0) {
        pn_text_cat(out, "<circle class=\"", cls, "\" cx=\"", pn_num_coord(x).s, "\" cy=\"",
                    pn_num_coord(y).s, "\" r=\"", pn_num_coord(r).s, "\"", NULL);
        put_title(svg, title, "circle");
        return;
    }
    pn_text_cat(out, "<path class=\"", cls, "\" d=\"", NULL);
    if (kind % 4 == 1) {
        put_point(out, "M", x, y - z);
        put_point(out, "L", x + z, y);
        put_point(out, "L", x, y + z);
        put_point(out, "L", x - z, y);
    } else if (kind % 4 == 2) {
        put_point(out, "M", x, y - z);
        put_point(out, "L", x + z, y + 0.72 * z);
        put_point(out, "L", x - z, y + 0.72 * z);
    } else {
        put_point(out, "M", x - 0.9 * r, y - 0.9 * r);
        put_point(out, "L", x + 0.9 * r, y - 0.9 * r);
        put_point(out, "L", x + 0.9 * r, y + 0.9 * r);
        put_point(out, "L", x - 0.9 * r, y + 0.9 * r);
    }
    pn_text_put(out, "Z\"");
    put_title(svg, title, "path");
}

double pn_axis_at(const struct pn_axis *a, double value) {
    double v = a->log ? log(value) : value;
    double lo = a->log ? log(a->lo) : a->lo;
    double hi = a->log ? log(a->hi) : a->hi;
    return hi > lo ? a->at_lo + (a->at_hi - a->at_lo) * (v - lo) / (hi - lo)
                   : 0.5 * (a->at_lo + a->at_hi);
}

static size_t log_ticks(const struct pn_axis *a, size_t wanted, double *tick, size_t room) {
    static const double steps[] = {1, 2, 5};
    double decades = log10(a->hi / a->lo);
    size_t n = 0;
    for (int e = (int)floor(log10(a->lo)); e <= (int)ceil(log10(a->hi)); e++) {
        for (size_t s = 0; s < 3; s++) {
            double v = steps[s] * pow(10, e);
            bool fits = s == 0 || decades * 3 <= (double)wanted;
            if (fits && v >= a->lo * 0.9999 && v <= a->hi * 1.0001 && n < room) {
                tick[n++] = v;
            }
        }
    }
    return n;
}

size_t pn_axis_ticks(const struct pn_axis *a, size_t wanted, double *tick, size_t room) {
    if (a->log) {
        return log_ticks(a, wanted, tick, room);
    }
    double span = a->hi - a->lo;
    if (!(span > 0) || wanted == 0) {
        return 0;
    }
    double raw = span / (double)wanted;
    double unit = pow(10, floor(log10(raw)));
    double step = raw <= unit       ? unit
                  : raw <= 2 * unit ? 2 * unit
                  : raw <= 5 * unit ? 5 * unit
                                    : 10 * unit;
    size_t n = 0;
    for (double k = ceil(a->lo / step - 1e-9); k * step <= a->hi + 1e-9 * span && n < room; k++) {
        tick[n++] = k * step;
    }
    return n;
}

void pn_dodge(double *y, size_t n, double gap, double lo, double hi) {
    size_t order[64];
    n = n > 64 ? 64 : n;
    for (size_t i = 0; i < n; i++) {
        size_t j = i;
        for (; j > 0 && y[order[j - 1]] > y[i]; j--) {
            order[j] = order[j - 1];
        }
        order[j] = i;
    }
    for (size_t i = 0; i < n; i++) {
        double least = i == 0 ? lo : y[order[i - 1]] + gap;
        y[order[i]] = fmax(y[order[i]], least);
    }
    for (size_t i = n; i-- > 0;) {
        double most = i == n - 1 ? hi : y[order[i + 1]] - gap;
        y[order[i]] = fmin(y[order[i]], most);
    }
}

int pn_design_style(const char *name, size_t place) {
    static const char *const known[] = {"shared", "mailbox", "tokio", "beam"};
    for (int i = 0; i < 4; i++) {
        size_t n = strlen(known[i]);
        if (strncmp(name, known[i], n) == 0 &&
            (name[n] == '\0' || name[n] == ':' || name[n] == '+')) {
            return i;
        }
    }
    return strcmp(name, "loop") == 0 ? 4 : (int)(place % 4);
}

static void write_variant(struct pn_text *out, const struct pn_figure *figure, const void *data,
                          bool narrow) {
    struct pn_svg svg = {.w = narrow ? PN_NARROW_W : figure->wide_w, .narrow = narrow};
    const char *suffix = narrow ? "n" : "w";
    figure->draw(&svg, data);
    struct pn_num w = pn_num_plain(svg.w, 0);
    struct pn_num h = pn_num_plain(ceil(svg.h), 0);
    pn_text_cat(out, "<svg class=\"", suffix, "\" viewBox=\"0 0 ", w.s, " ", h.s, "\" width=\"",
                w.s, "\" height=\"", h.s, "\" role=\"img\" aria-labelledby=\"", figure->id, suffix,
                "t ", figure->id, suffix, "d\"><title id=\"", figure->id, suffix, "t\">", NULL);
    pn_text_escape(out, figure->title);
    pn_text_cat(out, "</title><desc id=\"", figure->id, suffix, "d\">", NULL);
    pn_text_escape(out, figure->desc);
    pn_text_put(out, "</desc>");
    if (svg.body.failed) {
        out->failed = true;
    } else if (svg.body.len > 0) {
        pn_text_put_n(out, svg.body.data, svg.body.len);
    }
    pn_text_put(out, "</svg>\n");
    pn_text_free(&svg.body);
}

void pn_figure_write(struct pn_text *out, const struct pn_figure *figure, const void *data) {
    write_variant(out, figure, data, false);
    write_variant(out, figure, data, true);
}
