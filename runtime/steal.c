/* SPDX-License-Identifier: MIT
 *
 * Where a scheduler without work looks: the inject queue of its domain, then the run queues of the
 * others, nearest first. Inside the node one queued task is worth taking at once; across nodes only
 * after 50 us without work, because the task's memory stays behind.
 */
#include "runtime/core.h"

enum { STEAL_MAX = PN_RUNQ_CAPACITY / 2 };

static unsigned take_injected(struct pn_core *core) {
    unsigned n = 0;
    void *task;
    while (n < PN_SLICE_TASKS && pn_segq_pop(core->inject, &task) == PN_QUEUE_OK) {
        pn_task_ready(task);
        n++;
    }
    return n;
}

static bool within_reach(const struct pn_core *core, unsigned victim) {
    static const enum pn_near reach[] = {PN_NEAR_REMOTE, PN_NEAR_NODE, PN_NEAR_LLC, PN_NEAR_SELF};
    uint8_t near = core->near[victim];
    if (near > reach[core->rt->config.steal]) {
        return false;
    }
    return near < PN_NEAR_REMOTE ||
           (core->idle_since != 0 && pn_ticks_now() - core->idle_since > core->rt->slice_ticks);
}

/* The only task of a core that is just looking after a pool for a moment is soon run there, where
 * its memory is: with one producer of short jobs, stealing it moved all lines of the queue each
 * time (units=1, P=1: half the jobs/s for 3.7 times the CPU). */
static bool gives(const struct pn_core *core, unsigned victim) {
    const struct pn_core *from = &core->rt->cores[victim];
    size_t queued = pn_runq_length(from->runq);
#if !defined(PN_EXPLORE)
    if (queued == 1) {
        /* relaxed: a guess at what is worth while. */
        uint64_t since = pn_load_rlx(&from->serves_from);
        return since <= 1 || pn_ticks_now() - since > core->rt->away_ticks;
    }
#endif
    return queued > 0;
}

unsigned pn_core_look_elsewhere(struct pn_core *core) {
    unsigned n = take_injected(core);
    void *stolen[STEAL_MAX];
    for (unsigned i = 0; n == 0 && i < core->n_victims; i++) {
        unsigned victim = core->victims[i];
        if (!within_reach(core, victim)) {
            if (core->rt->config.variant.steal_by_index) {
                continue;
            }
            break; /* the rest is farther */
        }
        if (!gives(core, victim)) {
            continue;
        }
        size_t most = core->rt->config.variant.steal_by_index ? 1 : STEAL_MAX;
        n = (unsigned)pn_core_rob(&core->rt->cores[victim], stolen, most);
        for (unsigned k = 0; k < n; k++) {
            pn_task_ready(stolen[k]);
        }
        static const enum pn_stat by_near[] = {PN_STAT_STEAL_SMT, PN_STAT_STEAL_SMT,
                                               PN_STAT_STEAL_LLC, PN_STAT_STEAL_NODE,
                                               PN_STAT_STEAL_REMOTE};
        pn_stats_add(core->stats, n > 0 ? by_near[core->near[victim]] : PN_STAT_STEAL_MISS,
                     n > 0 ? n : 1);
    }
    return n;
}

bool pn_core_elsewhere_pending(const struct pn_core *core) {
    if (pn_segq_seems_nonempty(core->inject)) {
        return true;
    }
    for (unsigned i = 0; i < core->n_victims; i++) {
        unsigned victim = core->victims[i];
        if (within_reach(core, victim) && gives(core, victim)) {
            return true;
        }
    }
    return false;
}
