/* SPDX-License-Identifier: MIT
 *
 * A growing text buffer, numbers as text, and an upper bound of a text's width.
 *
 * Every figure that reaches a page goes through pn_num_*: no printf of a double, so the bytes
 * depend neither on the locale nor on the C library's idea of shortest.
 */
#ifndef PN_REPORTS_TEXT_H
#define PN_REPORTS_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialised is empty. `failed` is sticky: after an allocation failed every call is a no-op,
 * and who writes the file asks once, at the end. */
struct pn_text {
    char *data; /* always terminated once len > 0 */
    size_t len;
    size_t capacity;
    bool failed;
};

void pn_text_free(struct pn_text *text);
void pn_text_put(struct pn_text *text, const char *raw);
void pn_text_put_n(struct pn_text *text, const char *raw, size_t n);
/* For %s %d %u %zu only; floating point goes through pn_num_*. */
void pn_text_format(struct pn_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* As HTML text or attribute value: < > & " ' escaped, control and bidirectional-override characters
 * replaced by U+FFFD, so that a name in a run directory can only ever be a name. */
void pn_text_escape(struct pn_text *text, const char *raw);
/* Several raw strings; the last argument is NULL. */
void pn_text_cat(struct pn_text *text, ...) __attribute__((sentinel));

/* A number as text, returned by value: use it as pn_num_fixed(v, 1).s inside one expression. */
struct pn_num {
    char s[48];
};

#define PN_NBSP  "\u00a0"
#define PN_THIN  "\u202f"
#define PN_MINUS "\u2212"
#define PN_DASH  "\u2013"

/* Fixed decimals 0..6, digits grouped by U+202F from 1000, U+2212 for minus. "n/a" where not
 * finite. */
struct pn_num pn_num_fixed(double value, int decimals);
/* As above with an explicit plus sign. */
struct pn_num pn_num_signed(double value, int decimals);
/* No grouping: ticks and x values. */
struct pn_num pn_num_plain(double value, int decimals);
/* ASCII, one decimal: an SVG coordinate. */
struct pn_num pn_num_coord(double value);
/* Decimals that leave `digits` significant digits after rounding (999.7 has none at 3): given a
 * column's largest value, one count of decimals for all of it. */
int pn_num_decimals(double value, int digits);
/* `digits` significant digits; 1234567 at 3 is 1 230 000. */
struct pn_num pn_num_sig(double value, int digits);
/* 3 significant digits with k, M, G. */
struct pn_num pn_num_si(double value);
/* As pn_num_si without trailing zeros: 2 M, 500 k, 1.5 k. */
struct pn_num pn_num_tick(double value);
/* An x value: whole numbers whole, others with 3 significant digits; no grouping. */
struct pn_num pn_num_x(double value);
/* exp(log_ratio) - 1 in percent, signed, with a no-break space before the sign. */
struct pn_num pn_num_percent(double log_ratio, int decimals);

/* Upper bound of the width of `text` in px at size `px`: advances of the widest common face. */
double pn_text_width(const char *text, double px, bool bold);

#endif
