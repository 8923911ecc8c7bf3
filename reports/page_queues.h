/* SPDX-License-Identifier: MIT
 *
 * The page's section on queues.
 */
#ifndef PN_REPORTS_PAGE_QUEUES_H
#define PN_REPORTS_PAGE_QUEUES_H

#include <pinion/queue_report.h>

#include "page.h"

void pn_page_queues(const struct pn_queue_report *report, struct pn_text *out);
/* Rates of all, and what each costs in memory and waiting. */
void pn_queue_rates_table(const struct pn_queue_report *report, struct pn_text *out);
void pn_queue_costs_table(const struct pn_queue_report *report, struct pn_text *out);
/* Every figure with its interval, closed. */
void pn_queue_data_table(const struct pn_queue_report *report, struct pn_text *out);
/* What only pages with this section need. */
void pn_queue_style(struct pn_text *out);
/* A ratio in few characters: 0.0025, 0.12, 1.05, 12.3. */
struct pn_num pn_queue_multiple(double ratio);
/* One figure of n workloads that share a family. */
void pn_chart_queues(struct pn_text *out, const struct pn_queue_report *report, size_t first,
                     size_t n);

/* The parts of a page whose directory holds queues.jsonl and nothing else. */
void pn_page_queue_badges(const struct pn_queue_report *report, struct pn_text *out);
/* First and second line of the verdict as plain text. */
void pn_queue_verdict(const struct pn_queue_report *report, struct pn_report_verdict *out);

#endif
