/* SPDX-License-Identifier: MIT
 *
 * When throughput is back after a failure: judged by completed jobs in windows of 100 ms that end
 * at the failure's planned time and begin there again, never by how many workers were restarted.
 *
 * Baseline: the median of the windows before. Recovered: the start of the first window from which
 * on `band_windows` in a row lie within the band; 0 if throughput never left it. Pure: it is told
 * the time and the count.
 */
#ifndef PN_RECOVERY_H
#define PN_RECOVERY_H

#include <pinion/params.h>

#define PN_RECOVERY_WINDOW_NS 100000000u
/* Windows that the baseline is taken from, the last ones; fewer than the least give none. */
enum { PN_RECOVERY_BEFORE_MAX = 64, PN_RECOVERY_BEFORE_MIN = 3 };

struct pn_recovery {
    double band; /* a part of the baseline */
    uint64_t windows;
    uint64_t fail_ns;                        /* planned */
    uint64_t next_ns;                        /* the window under way ends then */
    uint64_t from_ns, from_jobs;             /* it began then */
    uint64_t before[PN_RECOVERY_BEFORE_MAX]; /* jobs/s */
    unsigned n_before;
    uint64_t struck_ns; /* 0 = not yet */
    uint64_t baseline;  /* jobs/s; 0 = none */
    uint64_t in_band;   /* windows in a row */
    uint64_t since_ns;  /* the first of them began then */
    bool recovered;
    uint64_t recovery_ns;
};

void pn_recovery_begin(struct pn_recovery *r, const struct pn_params *params, uint64_t t0_ns);
/** The failure happens now; jobs: completed so far. */
void pn_recovery_strike(struct pn_recovery *r, uint64_t now_ns, uint64_t jobs);
/** At r->next_ns or as soon after as may be. \return true: recovered, with this look */
bool pn_recovery_look(struct pn_recovery *r, uint64_t now_ns, uint64_t jobs);

#endif
