/* SPDX-License-Identifier: MIT
 *
 * The report's page: its sections, and the small HTML helpers they share.
 */
#ifndef PN_REPORTS_PAGE_H
#define PN_REPORTS_PAGE_H

#include "analysis.h"
#include "svg.h"
#include "text.h"

/* The whole page. */
void pn_page_write(const struct pn_analysis *analysis, const struct pn_report_verdict *verdict,
                   struct pn_text *out);

void pn_page_style(struct pn_text *out);
void pn_page_head(const struct pn_analysis *analysis, struct pn_text *out);
void pn_page_verdict(const struct pn_analysis *analysis, const struct pn_report_verdict *verdict,
                     struct pn_text *out);
void pn_page_crossover(const struct pn_rundir *run, const struct pn_study *study,
                       struct pn_text *out);
void pn_page_shift(const struct pn_study *study, struct pn_text *out);
void pn_page_gap(const struct pn_study *study, struct pn_text *out);
void pn_page_latency(const struct pn_analysis *analysis, struct pn_text *out);
void pn_page_cores(const struct pn_analysis *analysis, struct pn_text *out);
void pn_page_ceiling(const struct pn_analysis *analysis, struct pn_text *out);
void pn_page_micro(const struct pn_rundir *run, struct pn_text *out);
void pn_page_machine(const struct pn_analysis *analysis, struct pn_text *out);
/* How the designs ran: placement audit, helper threads. */
void pn_page_run(const struct pn_analysis *analysis, struct pn_text *out);
void pn_gates_table(const struct pn_rundir *run, struct pn_text *out);
/* The first thing a slot could not do as asked, and how many slots say so; NULL if none. */
const char *pn_first_degraded(const struct pn_rundir *run, size_t *slots);
void pn_page_samples(const struct pn_analysis *analysis, struct pn_text *out);
void pn_page_rerun(const struct pn_analysis *analysis, struct pn_text *out);

/* Verdict sentences as plain text. */
void pn_verdict_fill(const struct pn_analysis *analysis, struct pn_report_verdict *out);
/* One curve's verdict, without the subject: "crossover at 325 [247, 374] units" and so on. */
void pn_verdict_curve(const struct pn_study *study, size_t level, struct pn_text *out);
/* results.json. NULL if out of memory; owned by the caller. */
char *pn_results_json(const struct pn_analysis *analysis, const struct pn_report_verdict *verdict);

/* <section id><p class=eyebrow>...<h2>...; headline is raw text, escaped here. */
void pn_section_open(struct pn_text *out, const char *id, const char *eyebrow,
                     const char *headline);
void pn_section_close(struct pn_text *out);
/* <details> with a table of the given class; columns are raw text, ended by NULL. */
void pn_details_open(struct pn_text *out, const char *const *columns);
void pn_details_named(struct pn_text *out, const char *name, const char *const *columns);
void pn_details_close(struct pn_text *out);
/* The same table in plain sight. */
void pn_table_open(struct pn_text *out, const char *const *columns);
/* A table that is no appendix: on a narrow screen each row is a card of pn_card_cell()s, which
 * repeat the column's name. */
void pn_cards_open(struct pn_text *out, const char *const *columns);
void pn_card_cell(struct pn_text *out, const char *column, const char *text);
void pn_table_close(struct pn_text *out);
/* A cell of escaped text; the first of a row is its header. */
void pn_row_open(struct pn_text *out, const char *header);
void pn_cell(struct pn_text *out, const char *text);
void pn_row_close(struct pn_text *out);
void pn_caption(struct pn_text *out, const char *text);
/* A figure with the table of standing targets; it ends with "</tbody></table>". */
void pn_targets_open(struct pn_text *out);
void pn_target_row(struct pn_text *out, const char *claim, enum pn_target_state state,
                   const char *said);
/* "39.7 M [39.3 M, 40.2 M]" in the style of `number`; the bare value where the interval is unknown.
 */
struct pn_label {
    char s[160];
};
struct pn_label pn_label_estimate(const struct pn_estimate *e, struct pn_num (*number)(double));
/* "[lo, hi]" or "" where unknown. */
struct pn_label pn_label_interval(const struct pn_estimate *e, struct pn_num (*number)(double));
/* printf into a label, cut at its size; %s and %zu only. */
struct pn_label pn_label(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct pn_num pn_num_sig3(double value);
struct pn_num pn_num_percent1(double log_ratio);
/* An x value with its word or number. */
struct pn_num pn_x_text(const struct pn_sweep *sweep, size_t point);
/* "units", or "" for none; with a leading no-break space. */
const char *pn_x_unit(const struct pn_sweep *sweep);

/* The x values of a sweep as labels at height y, those left out that would touch the one before. */
void pn_chart_x_labels(struct pn_svg *svg, const struct pn_sweep *sweep, const struct pn_axis *x,
                       double y);
/* Figures of one study; all draw both variants. */
void pn_chart_cross(struct pn_text *out, const struct pn_study *study, size_t level);
void pn_chart_forest(struct pn_text *out, const struct pn_study *study);
void pn_chart_delta(struct pn_text *out, const struct pn_study *study,
                    const struct pn_shift *shift);
void pn_chart_split(struct pn_text *out, const struct pn_study *study, size_t level);
void pn_chart_busy(struct pn_text *out, const struct pn_study *study, size_t point);
void pn_chart_latency(struct pn_text *out, const struct pn_study *study, size_t level,
                      size_t point);
void pn_chart_histogram(struct pn_text *out, const struct pn_study *study, size_t level,
                        size_t point);
void pn_chart_strip(struct pn_text *out, const struct pn_analysis *analysis);
void pn_chart_ceiling(struct pn_text *out, const struct pn_study *study);

#endif
