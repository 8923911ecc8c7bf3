/* SPDX-License-Identifier: MIT */
#include "recovery.h"

#include <stdlib.h>
#include <string.h>

void pn_recovery_begin(struct pn_recovery *r, const struct pn_params *params, uint64_t t0_ns) {
    memset(r, 0, sizeof *r);
    r->band = (double)params->band_pct / 100;
    r->windows = params->band_windows;
    r->fail_ns = t0_ns + params->fail_at_ms * 1000000u;
    /* So that a window ends at the failure; what is left over at the start is no window. */
    r->next_ns = t0_ns + params->fail_at_ms * 1000000u % PN_RECOVERY_WINDOW_NS;
    r->from_ns = t0_ns;
}

static int by_size(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t median(const struct pn_recovery *r) {
    uint64_t sorted[PN_RECOVERY_BEFORE_MAX];
    unsigned n = r->n_before < PN_RECOVERY_BEFORE_MAX ? r->n_before : PN_RECOVERY_BEFORE_MAX;
    if (n < PN_RECOVERY_BEFORE_MIN) {
        return 0;
    }
    memcpy(sorted, r->before, n * sizeof *sorted);
    qsort(sorted, n, sizeof *sorted, by_size);
    return (sorted[(n - 1) / 2] + sorted[n / 2]) / 2;
}

/* The window under way ends here. \return its jobs/s */
static uint64_t end_window(struct pn_recovery *r, uint64_t now_ns, uint64_t jobs) {
    double took = (double)(now_ns - r->from_ns);
    uint64_t rate = took > 0 ? (uint64_t)((double)(jobs - r->from_jobs) * 1e9 / took) : 0;
    r->from_ns = now_ns;
    r->from_jobs = jobs;
    while (r->next_ns <= now_ns) {
        r->next_ns += PN_RECOVERY_WINDOW_NS;
    }
    return rate;
}

void pn_recovery_strike(struct pn_recovery *r, uint64_t now_ns, uint64_t jobs) {
    (void)pn_recovery_look(r, now_ns, jobs);
    r->from_ns = now_ns;
    r->from_jobs = jobs;
    r->next_ns = now_ns + PN_RECOVERY_WINDOW_NS;
    r->struck_ns = r->since_ns = now_ns;
    r->baseline = median(r);
}

bool pn_recovery_look(struct pn_recovery *r, uint64_t now_ns, uint64_t jobs) {
    if (now_ns < r->next_ns || r->recovered) {
        return false;
    }
    uint64_t began = r->from_ns;
    /* A left-over at the start of less than half a window is none. */
    bool whole = r->next_ns - began + PN_RECOVERY_WINDOW_NS / 2 >= PN_RECOVERY_WINDOW_NS;
    uint64_t rate = end_window(r, now_ns, jobs);
    if (r->struck_ns == 0) {
        if (whole) {
            r->before[r->n_before++ % PN_RECOVERY_BEFORE_MAX] = rate;
        }
        return false;
    }
    double off = (double)rate - (double)r->baseline;
    bool inside = r->baseline > 0 && (off < 0 ? -off : off) <= r->band * (double)r->baseline;
    if (inside && r->in_band++ == 0) {
        r->since_ns = began;
    }
    if (!inside) {
        r->in_band = 0;
    }
    if (r->in_band >= r->windows) {
        r->recovered = true;
        r->recovery_ns = r->since_ns - r->struck_ns;
    }
    return r->recovered;
}
