/* SPDX-License-Identifier: MIT */
#ifndef PN_REPORTS_VERDICT_H
#define PN_REPORTS_VERDICT_H

#include "page.h"

/* First line: where one design overtakes the other. As HTML with <b> and intervals, or plain. */
void pn_verdict_crossover(const struct pn_analysis *analysis, bool html, struct pn_text *out);
/* Second line: what memory placement shifts, and what the gap is made of. */
void pn_verdict_cause(const struct pn_analysis *analysis, bool html, struct pn_text *out);

#endif
