/* SPDX-License-Identifier: MIT
 *
 * The failure of a run (fail_at_ms), from the collector's side: it happens, it is over, it is
 * reported.
 */
#include "engine.h"

#include <pinion/clock.h>

void pn_restart_in_place(struct pn_bench *b, uint64_t worker, uint64_t crashed_ns) {
    uint64_t now = pn_now_ns();
    if (pn_intensity_exceeded(b->intensity, now)) {
        pn_store_rel(&b->too_many_restarts, 1);
    }
    pn_tally_restarted(&b->round, &b->tallies[pn_this_core_id()], worker, now - crashed_ns);
}

static int node_of(const struct pn_bench *b, uint64_t worker) {
    return b->options->plan->schedulers[b->design->core_of(b, worker)].node;
}

void pn_inject(struct pn_bench *b, uint64_t now_ns) {
    struct pn_failure *f = b->failure;
    bool some = f->kind == PN_FAIL_NODE;
    if (!some && f->kind != PN_FAIL_ALL && f->kind != PN_FAIL_SUPERVISOR) {
        pn_failure_want_one(f, now_ns);
        return;
    }
    int node = b->options->plan->schedulers[0].node;
    uint64_t n = 0;
    for (uint64_t w = 0; w < b->params->workers; w++) {
        n += !some || node_of(b, w) == node;
    }
    pn_failure_strike(f, n, now_ns);
    for (uint64_t w = 0; w < b->params->workers; w++) {
        if (!some || node_of(b, w) == node) {
            pn_failure_mark(f, w);
        }
    }
    b->design->deliver(b);
}

/* NULL: everything is known. */
static const char *why_not(const struct pn_bench *b, bool all_up) {
    if (b->failure->struck_ns == 0) {
        return "the round ended before fail_at_ms";
    }
    if (!all_up) {
        return "the round ended before every victim had a successor";
    }
    if (b->recovery.baseline == 0) {
        return "fewer than 3 windows of 100 ms before the failure, or nothing done in them";
    }
    return b->recovery.recovered ? NULL : "the round ended before throughput was back in the band";
}

void pn_fill_failure(const struct pn_bench *b, struct pn_outcome *out) {
    struct pn_failure *f = b->failure;
    out->detect_ns = out->restart_ns = out->recovery_ns = out->baseline_per_s = PN_NONE;
    out->rss_recovered_kb = out->victims = PN_NONE;
    if (f == NULL) {
        return;
    }
    uint64_t dead = pn_load_acq(&f->dead);
    bool all_up = dead > 0 && pn_load_acq(&f->up) == pn_load_acq(&f->victims);
    out->failure_reason = why_not(b, all_up);
    out->victims = dead;
    if (all_up) {
        uint64_t noticed = pn_load_acq(&f->noticed_ns);
        out->detect_ns = noticed - f->struck_ns;
        out->restart_ns = pn_load_acq(&f->up_ns) - noticed;
    }
    if (b->recovery.baseline > 0) {
        out->baseline_per_s = b->recovery.baseline;
    }
    if (b->recovery.recovered) {
        out->recovery_ns = b->recovery.recovery_ns;
        out->rss_recovered_kb = b->rss_recovered_kb;
    }
}
