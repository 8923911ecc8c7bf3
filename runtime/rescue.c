/* SPDX-License-Identifier: MIT
 *
 * A core that is stuck in user code, seen by the others: the watchdog marks it, whichever scheduler
 * comes by takes over what only that core would have done. Of the four things that a core consumes,
 *
 *   run queue   needs no rescue: thieves take from it at any time
 *   inbox       emptied with one exchange, by anyone
 *   due timers  fired under the core's lease, here instead of there
 *   pollers     under the lease too: each gives away what is bound to its core (pn_poller.rescue);
 *               lanes are bound to no core
 *
 * What stays behind is the memory that others freed to the core: the task that is stuck may be in
 * the middle of an allocation.
 *
 * Orderings
 *   V1  of watchdog.c: the mark read.
 *   V2  of watchdog.c: the second look of whoever goes to sleep.
 *   T1  of sched.c: a task that was sent to the stuck core.
 *   The lists themselves go over with the lease (runtime/lease.h, X1 to X3).
 */
#include "runtime/core.h"

#include <sched.h>

/* Timers fired at one go: the owner may be waiting for its lease. */
enum { TIMERS_AT_ONCE = 256 };

/* Polls of a lease that a rescuer has before this thread gives way: it may be without a CPU. */
enum { LEASE_POLLS = 100 };

void pn_core_enter_task(struct pn_core *core) {
    if (core->idle_since != 0) {
        pn_core_found_work(core); /* a core that is stuck must not count as searching: see park.h */
    }
    core->in_task = true;
    pn_lease_enter(&core->lease, ++core->turns);
}

void pn_core_leave_task(struct pn_core *core) {
    for (unsigned polls = 1; !pn_lease_leave(&core->lease, core->turns); polls++) {
        if (polls % LEASE_POLLS == 0) {
            (void)sched_yield();
            pn_stats_add(core->stats, PN_STAT_SYSCALLS, 1);
        }
        pn_relax();
    }
    core->in_task = false;
}

bool pn_core_hold(struct pn_core *core) {
    bool was_in_task = core->in_task;
    if (was_in_task) {
        pn_core_leave_task(core);
    }
    return was_in_task;
}

void pn_core_unhold(struct pn_core *core, bool was_in_task) {
    if (was_in_task) {
        pn_core_enter_task(core);
    }
}

/* Something there waits for this very core. */
static bool needs_rescue(const struct pn_core *stuck, uint64_t now_ns) {
    /* V1 acquire: pairs with the mark in watchdog.c. */
    uint64_t marked = pn_load_acq(&stuck->stalled);
    return marked != 0 && pn_lease_look(&stuck->lease) == marked &&
           /* relaxed: a time to look, set again by whoever looked. T1 acquire: as in sched.c. */
           (now_ns >= pn_load_rlx(&stuck->rescue_due_ns) || pn_load_acq(&stuck->inbox) != NULL);
}

bool pn_core_rescue_pending(const struct pn_core *core) {
    const struct pn_runtime *rt = core->rt;
    /* V2 acquire: pairs with the additions in watchdog.c. */
    if (pn_load_acq(&rt->n_stalled) == 0) {
        return false;
    }
    uint64_t now = pn_now_ns();
    for (unsigned i = 0; i < rt->n_cores; i++) {
        if (i != core->id && needs_rescue(&rt->cores[i], now)) {
            return true;
        }
    }
    return false;
}

static unsigned rescue_one(struct pn_core *core, struct pn_core *stuck, uint64_t now_ns) {
    uint64_t seen = pn_load_acq(&stuck->stalled); /* V1 acquire: as above */
    unsigned n = 0;
    if (pn_lease_take(&stuck->lease, seen)) {
        n += (unsigned)pn_wheel_advance(&stuck->wheel, now_ns, TIMERS_AT_ONCE);
        for (struct pn_poller *p = stuck->pollers; p != NULL; p = p->next) {
            n += p->rescue == NULL ? 0 : p->rescue(p);
        }
        /* relaxed: see needs_rescue; nobody but the stuck core adds timers to its wheel. */
        pn_store_rlx(&stuck->rescue_due_ns, pn_wheel_next_ns(&stuck->wheel));
        pn_lease_give(&stuck->lease, seen);
    }
    n += pn_core_take_inbox(stuck);
    pn_stats_add(core->stats, PN_STAT_RESCUES, n > 0);
    return n;
}

unsigned pn_core_rescue(struct pn_core *core) {
    struct pn_runtime *rt = core->rt;
    uint64_t now = pn_now_ns();
    unsigned n = 0;
    for (unsigned i = 0; i < rt->n_cores; i++) {
        if (i != core->id && needs_rescue(&rt->cores[i], now)) {
            n += rescue_one(core, &rt->cores[i], now);
        }
    }
    return n;
}
