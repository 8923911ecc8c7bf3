/* SPDX-License-Identifier: MIT
 *
 * The injected failure (fail_at_ms, fail_kind): who dies, when that was noticed, when the successor
 * was up.
 *
 * A worker dies at a defined point only: its job's crash point, between two slices of a sleep, or
 * while it has no job. So the collector only marks; the scheduler that runs the worker does the
 * rest when it comes by. In a run with a failure to come, workers sleep in slices, so that none is
 * out of reach for long.
 *
 *   one         the next worker at a crash point dies
 *   node, all   every worker of one memory node, or of all, dies
 *   init        as one, and its successor fails in its start, tried again after a doubling back-off
 *   supervisor  as all, and none comes up before the last is down
 *   hang        the next worker at a crash point stops, holding its job; a watchdog ends it
 *
 * Orderings
 *   F1  marks and figures of the strike (release) -> a worker's look (acquire).
 *   F2  hung (release) -> the watchdog's look (acquire): which worker, since when.
 */
#ifndef PN_FAILURE_H
#define PN_FAILURE_H

#include "runtime/atomic.h"

#include <pinion/params.h>

/* What the watchdog calls hung; a failed start is tried again after 1, 2, 4 ... ms. */
#define PN_WATCHDOG_NS   100000000u
#define PN_BACK_OFF_NS   1000000u
#define PN_KILL_SLICE_NS 1000000u
enum { PN_START_FAILURES = 6 };

struct pn_victim;
struct pn_failure {
    enum pn_fail_kind kind;
    struct pn_victim *workers; /* [n_workers] */
    uint64_t n_workers;
    PN_ATOMIC(uint32_t) wanted; /* the next worker at a crash point is the victim */
    PN_ATOMIC(uint64_t) hung;   /* worker + 1 */
    PN_ATOMIC(uint64_t) hung_ns;
    PN_ATOMIC(uint64_t) victims, dead, up;
    PN_ATOMIC(uint64_t) noticed_ns, up_ns; /* of the last victim so far */
    uint64_t struck_ns;                    /* 0 = not yet; the collector's */
};

/** \return 0; -ENOMEM */
int pn_failure_create(struct pn_failure **out, const struct pn_params *params);
void pn_failure_destroy(struct pn_failure *f);

/* The collector's side. */

/** One worker that will come by dies (or hangs). */
void pn_failure_want_one(struct pn_failure *f, uint64_t now_ns);
/** These die: say how many first, then mark each. */
void pn_failure_strike(struct pn_failure *f, uint64_t victims, uint64_t now_ns);
void pn_failure_mark(struct pn_failure *f, uint64_t worker);
/** Ends a worker that has hung for too long. */
void pn_failure_watch(struct pn_failure *f, uint64_t now_ns);

/* The side of the scheduler that runs the worker. */

enum pn_fate { PN_FATE_LIVE, PN_FATE_DIE, PN_FATE_HANG };
enum pn_fate pn_failure_at_crash_point(struct pn_failure *f, uint64_t worker);
/** The worker has no job in hand. \return true: it dies now */
bool pn_failure_dies(struct pn_failure *f, uint64_t worker);

/** A sleep begins. \return how long its first slice is */
uint64_t pn_failure_sleep(struct pn_failure *f, uint64_t worker, uint64_t ns);

enum pn_wake {
    PN_WAKE_SLEPT,       /* the sleep is over; *ns: what it took */
    PN_WAKE_AGAIN,       /* sleep *ns more */
    PN_WAKE_KILLED,      /* lose the job, then pn_failure_died */
    PN_WAKE_UP,          /* a new worker is up; there is no job */
    PN_WAKE_START_FAILED /* another restart; sleep *ns, there is no job */
};
enum pn_wake pn_failure_wakes(struct pn_failure *f, uint64_t worker, uint64_t *ns);

/** A worker has died, of this failure or of another. \return how long its successor waits before it
 * begins (pn_failure_wakes says when it is up); 0: it is up */
uint64_t pn_failure_died(struct pn_failure *f, uint64_t worker);

#endif
