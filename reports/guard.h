/* SPDX-License-Identifier: MIT
 *
 * What makes a comparison unfair, looked for in the run's own records.
 */
#ifndef PN_REPORTS_GUARD_H
#define PN_REPORTS_GUARD_H

#include "duel.h"

/* ns of one work unit in this design's runtime, from the manifest's `units`: by the design's name,
 * by its runtime's ("beam" of "beam:tuned"), or "pinion" for one of ours; NaN if it has none. */
double pn_unit_ns(const struct pn_rundir *run, const char *design);

#endif
