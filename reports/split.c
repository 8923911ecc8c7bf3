/* SPDX-License-Identifier: MIT */
#include "stat.h"

#include <math.h>

/* (u - v) / ln(u / v); u where they agree to rounding. */
static double log_mean(double u, double v) {
    double log_ratio = log(u / v);
    return fabs(log_ratio) < 1e-9 ? 0.5 * (u + v) : (u - v) / log_ratio;
}

static bool usable(const struct pn_effort *e) {
    return e->jobs > 0 && e->wall_ns > 0 && e->busy_ns > 0;
}

struct pn_split pn_split_gap(const struct pn_effort *a, const struct pn_effort *b) {
    struct pn_split out = {NAN, NAN, NAN, NAN, NAN};
    if (!usable(a) || !usable(b)) {
        return out;
    }
    double cores_a = a->busy_ns / a->wall_ns;
    double cores_b = b->busy_ns / b->wall_ns;
    out.efficiency = log((b->busy_ns / b->jobs) / (a->busy_ns / a->jobs));
    out.waiting = log(cores_a / cores_b);
    out.total = out.efficiency + out.waiting;
    double spin = b->spin_ns / b->wall_ns - a->spin_ns / a->wall_ns;
    out.spinning = spin / log_mean(cores_a, cores_b);
    out.sleeping = out.waiting - out.spinning;
    return out;
}
