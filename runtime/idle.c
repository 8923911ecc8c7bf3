/* SPDX-License-Identifier: MIT
 *
 * The idle ladder: say that work ran out, poll with pauses, then sleep on the core's bell until
 * somebody rings or the next timer is due. Every rung is timed.
 *
 * Spin is counted turn by turn in ticks. A turn that took far longer than a turn can take was
 * preempted: it used no CPU and does not count, so that CPU time - spin stays the busy time.
 *
 * Orderings
 *   P1  of park.c: everything in anything_pending is the second look.
 *   T1  of sched.c: a task that was sent.
 *   T2  of sched.c: the end.
 */
#include "runtime/core.h"
#include "runtime/futex.h"
#include "runtime/reader.h"

/* FIXED: what BEAM's +sbwt medium does. */
enum { PAUSES = 8, FIXED_PAUSES = 10000 };

/* A polling turn takes 0.2-0.5 us here; nothing but preemption takes 20. */
static const uint64_t preempted_ns = 20000;

static void count_spin(struct pn_core *core, uint64_t ticks) {
    uint64_t ns = pn_ticks_to_ns(&core->rt->ticks, ticks);
    if (ns < preempted_ns) {
        pn_stats_add(core->stats, PN_STAT_SPIN_NS, ns);
    }
}

static void search(struct pn_core *core, bool begin) {
    if (core->searching != begin) {
        core->searching = begin;
        pn_sleepers_search(&core->rt->sleepers, begin);
    }
}

void pn_core_found_work(struct pn_core *core) {
    core->idle_since = 0;
    search(core, false);
    if (core->woken) {
        core->woken = false;
        pn_stats_add(core->stats, PN_STAT_WAKE_TAKEN, 1);
    } else {
        uint64_t longer = 2 * core->spin_ticks;
        core->spin_ticks = longer < core->rt->spin_ticks ? longer : core->rt->spin_ticks;
    }
}

static bool anything_pending(const struct pn_core *core) {
    /* P1: the second look. T2, T1 acquire: pair with pn_runtime_stop and the push to the inbox. */
    if (pn_load_acq(&core->rt->stop) != 0 || pn_load_acq(&core->inbox) != NULL ||
        pn_runq_length(core->runq) > 0) {
        return true;
    }
    for (struct pn_poller *p = core->pollers; p != NULL; p = p->next) {
        if (p->pending(p)) {
            return true;
        }
    }
    return pn_core_elsewhere_pending(core) || pn_core_rescue_pending(core);
}

static void park(struct pn_core *core) {
    struct pn_runtime *rt = core->rt;
    uint64_t next = pn_wheel_next_ns(&core->wheel);
    uint64_t now = pn_now_ns();
    if (next <= now) {
        return;
    }
    search(core, false);
    uint32_t key = pn_sleepers_prepare(&rt->sleepers, core->id);
    if (anything_pending(core)) {
        pn_sleepers_cancel(&rt->sleepers, core->id);
        return;
    }
    if (core->woken) {
        core->woken = false;
        pn_stats_add(core->stats, PN_STAT_WAKE_SPURIOUS, 1);
    }
    /* Offline: a sleeping reader would hold up every grace period. */
    pn_reader_goes_offline(core->reader);
    core->woken = pn_sleepers_wait(&rt->sleepers, core->id, key,
                                   next == UINT64_MAX ? PN_FOREVER : next - now);
    pn_reader_comes_online(core->reader);
    pn_stats_add(core->stats, PN_STAT_SLEEP_NS, pn_now_ns() - now);
    pn_stats_add(core->stats, PN_STAT_SYSCALLS, 1);
}

static bool has_spun(struct pn_core *core, uint64_t now) {
    if (core->rt->config.variant.spin_fixed) {
        return core->spun_turns++ > FIXED_PAUSES / PAUSES;
    }
    return now - core->idle_since > core->spin_ticks;
}

void pn_core_idle(struct pn_core *core) {
    struct pn_runtime *rt = core->rt;
    uint64_t start = pn_ticks_now();
    if (core->idle_since == 0) {
        core->idle_since = core->spun_until = start;
        core->spun_turns = 0;
        search(core, true);
        (void)pn_arena_flush(core->arena);
        if (rt->config.on_idle != NULL) {
            rt->config.on_idle(rt->config.context, core->id);
        }
        return;
    }
    if (rt->config.idle == PN_IDLE_ADAPTIVE && has_spun(core, start)) {
        core->spin_ticks =
            core->spin_ticks / 2 > rt->spin_ticks / 16 ? core->spin_ticks / 2 : rt->spin_ticks / 16;
        park(core);
        core->spun_until = pn_ticks_now();
        if (core->woken) {
            core->idle_since = core->spun_until; /* somebody has work: look for a while again */
            search(core, true);
        }
        return;
    }
    for (unsigned i = 0; i < PAUSES; i++) {
        pn_relax();
    }
    uint64_t now = pn_ticks_now();
    count_spin(core, now - core->spun_until); /* the poll before the pause belongs to it */
    core->spun_until = now;
}
