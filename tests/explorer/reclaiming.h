/* SPDX-License-Identifier: MIT
 *
 * A reclaimer whose rounds a thread of the test runs, until all others have ended.
 */
#ifndef RECLAIMING_H
#define RECLAIMING_H

#include "explorer.h"
#include "runtime/reclaim.h"

static struct pn_reclaimer reclaimer;
static PN_ATOMIC(uint32_t) ended;
static uint32_t others;

static void reclaim(void *arg) {
    (void)arg;
    while (pn_load_acq(&ended) < others) {
        (void)pn_reclaimer_round(&reclaimer);
        pn_relax();
    }
    (void)pn_reclaimer_round(&reclaimer);
}

/* Nobody is inside any more. */
void pn_reclaimer_barrier(struct pn_reclaimer *r) {
    (void)pn_reclaimer_round(r);
}

static void spawn_reclaimer(uint32_t after) {
    others = after;
    pn_xp_spawn(reclaim, NULL);
}

#endif
