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

/* One design at one level and x. */
struct pn_guard {
    const char *bound;     /* what bounds the jobs that wait */
    double batch, payload; /* jobs per queue operation, bytes per job; 1 and 0 where not planned */
    double in_flight; /* jobs: jobs/s x mean latency (Little's law), or x median; NaN: unknown */
    double bytes;     /* in flight x payload */
    size_t slots;     /* good ones */
    size_t starved;   /* of them: CPU time / wall time under 0.9 of this design's best here */
    size_t unlike;    /* of them: unlike the slot of study->a in the same round */
    const char *why;  /* the first of these; NULL: none */
    struct pn_estimate equal; /* ln(a / this), jobs/s, after dividing out the cost of a work unit */
};
struct pn_guard pn_guard_look(const struct pn_rundir *run, const struct pn_study *study,
                              struct pn_side side, size_t point);

/* What a tuning mistake costs: a literal mode beside the best mode of its runtime. */
struct pn_mistake {
    struct pn_side literal, best;
    size_t point;
    struct pn_estimate factor; /* ln(jobs/s of the best / of the literal), of the same rounds */
};
/* False where the design is no literal mode, or nothing of it was measured. */
bool pn_mistake_look(const struct pn_study *study, struct pn_side literal, size_t point,
                     struct pn_mistake *out);

/* Whether the run holds another runtime at all. */
bool pn_guards_wanted(const struct pn_analysis *analysis);
void pn_page_guards(const struct pn_analysis *analysis, struct pn_text *out);
/* Of one study: rows and mistakes; of the run: units, touch, caches, logs, memory. */
json_t *pn_guards_array(const struct pn_rundir *run, const struct pn_study *study);
json_t *pn_mistakes_array(const struct pn_study *study);
json_t *pn_fairness_object(const struct pn_analysis *analysis);

#endif
