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

unsigned pn_core_look_elsewhere(struct pn_core *core) {
    unsigned n = take_injected(core);
    void *stolen[STEAL_MAX];
    for (unsigned i = 0; n == 0 && i < core->n_victims; i++) {
        unsigned victim = core->victims[i];
        if (!within_reach(core, victim)) {
            break; /* the rest is farther */
        }
        struct pn_runq *queue = core->rt->cores[victim].runq;
        if (pn_runq_length(queue) == 0) {
            continue;
        }
        n = (unsigned)pn_runq_steal(queue, stolen, STEAL_MAX);
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
        if (within_reach(core, victim) && pn_runq_length(core->rt->cores[victim].runq) > 0) {
            return true;
        }
    }
    return false;
}
