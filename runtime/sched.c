/* SPDX-License-Identifier: MIT
 *
 * The scheduler's loop.
 *
 *   quiescent -> timers due -> inbox -> <= 16 tasks -> pollers -> (somebody stuck?) rescue
 *     -> (nothing?) returned memory, inject queue, thieving -> (nothing?) idle ladder
 *
 * The core holds its lease but while it runs user code (lease.h).
 *
 * Orderings
 *   T1  task pushed to the inbox (release) -> the owner's take-all (acquire): the task.
 *   T2  stop raised (release; runtime.c) -> read by a scheduler (acquire): what was done before it.
 *   T3  thread id stored (release) -> read by others (acquire; usage.c): the core is placed.
 */
#include "runtime/core.h"
#include "runtime/reader.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TIMERS_PER_TURN = 64 };

_Thread_local struct pn_core *pn_this_core;

unsigned pn_this_core_id(void) {
    return pn_this_core == NULL ? UINT_MAX : pn_this_core->id;
}

struct pn_arena *pn_this_arena(void) {
    return pn_this_core->arena;
}

struct pn_stats_block *pn_this_stats(void) {
    return pn_this_core->stats;
}

void pn_task_send(struct pn_runtime *rt, unsigned core, struct pn_task *task) {
    struct pn_core *to = &rt->cores[core];
    struct pn_task *top = pn_load_rlx(&to->inbox); /* relaxed: a guess */
    do {
        task->next = top;
        /* T1 release: pairs with the exchange in take_inbox. */
    } while (!pn_cas_weak_acqrel(&to->inbox, &top, task));
    struct pn_core *from = pn_this_core;
    if (from == to) {
        pn_stats_add(from->stats, PN_STAT_SEND_SELF, 1);
        return;
    }
    bool rang = pn_sleepers_wake(&rt->sleepers, core);
    if (from != NULL) {
        static const enum pn_stat by_near[] = {PN_STAT_SEND_SELF, PN_STAT_SEND_SMT,
                                               PN_STAT_SEND_LLC, PN_STAT_SEND_NODE,
                                               PN_STAT_SEND_REMOTE};
        pn_stats_add(from->stats, by_near[from->near[core]], 1);
        pn_stats_add(from->stats, PN_STAT_WAKE_SENT, rang);
        pn_stats_add(from->stats, PN_STAT_SYSCALLS, rang);
    }
}

void pn_task_ready(struct pn_task *task) {
    struct pn_core *core = pn_this_core;
    if (pn_core_queue(core, task)) {
        return;
    }
    /* Half of a full run queue's worth of work is better seen by the whole domain. */
    if (pn_segq_push(core->inject, task) != PN_QUEUE_OK) {
        pn_task_send(core->rt, core->id, task); /* no memory for a segment: the inbox needs none */
    }
}

static void timer_fired(struct pn_timer *timer) {
    struct pn_task *task =
        (struct pn_task *)(void *)((char *)timer - offsetof(struct pn_task, timer));
    pn_task_ready(task);
}

void pn_task_sleep(struct pn_task *task, uint64_t ns) {
    struct pn_core *core = pn_this_core;
    task->timer.fn = timer_fired;
    bool was_in_task = pn_core_hold(core);
    pn_wheel_add(&core->wheel, &task->timer, pn_now_ns() + ns);
    if (core->slice_end == PN_NO_TIMERS) {
        core->slice_end = 0; /* the next turn looks at the wheel, and sets it */
    }
    pn_core_unhold(core, was_in_task);
}

/* The inbox is a stack; turn it round, so that senders are served in their order. */
unsigned pn_core_take_inbox(struct pn_core *from) {
    if (pn_load_rlx(&from->inbox) == NULL) { /* relaxed: a first look, the exchange decides */
        return 0;
    }
    /* T1 acquire: pairs with the push in pn_task_send. */
    struct pn_task *task = pn_xchg_acqrel(&from->inbox, NULL);
    struct pn_task *first = NULL;
    while (task != NULL) {
        struct pn_task *next = task->next;
        task->next = first;
        first = task;
        task = next;
    }
    unsigned n = 0;
    while (first != NULL) {
        struct pn_task *next = first->next;
        pn_task_ready(first);
        first = next;
        n++;
    }
    return n;
}

/* What is queued now, at most a slice: a task that makes itself ready again waits for the pollers.
 */
static unsigned run_tasks(struct pn_core *core) {
    size_t queued = pn_runq_length(core->runq);
    unsigned most = queued < PN_SLICE_TASKS ? (unsigned)queued : PN_SLICE_TASKS;
    unsigned n = 0;
    if (most == 0) {
        return 0;
    }
    core->polls_due = false;
    pn_core_enter_task(core); /* once per slice: the run queue needs no lease */
    while (n < most) {
        struct pn_task *task = pn_core_dequeue(core);
        if (task == NULL) {
            break;
        }
        task->run(task);
        n++;
        if (core->polls_due || pn_slice_over()) {
            break;
        }
    }
    pn_core_leave_task(core);
    pn_stats_add(core->stats, PN_STAT_TASKS, n);
    return n;
}

bool pn_slice_over(void) {
    struct pn_core *core = pn_this_core;
    /* Not the wheel: it may be a rescuer's just now. */
    return core->slice_end != PN_NO_TIMERS && pn_ticks_now() > core->slice_end;
}

void pn_wake_neighbour(void) {
    struct pn_core *core = pn_this_core;
    struct pn_runtime *rt = core->rt;
    if (core->idle_since != 0) {
        pn_core_found_work(
            core); /* else the searcher that nobody is woken beside would be itself */
    }
    /* Cores of one domain are neighbours in the plan only in compact order; anybody who sleeps will
     * do, because a woken core looks into every domain. */
    bool rang = pn_sleepers_wake_one(&rt->sleepers, 0, rt->n_cores);
    pn_stats_add(core->stats, PN_STAT_WAKE_SENT, rang);
    pn_stats_add(core->stats, PN_STAT_SYSCALLS, rang);
}

static unsigned turn(struct pn_core *core) {
    unsigned n = 0;
    core->slice_end = PN_NO_TIMERS;
    if (core->wheel.armed != 0) {
        core->slice_end = pn_ticks_now() + core->rt->slice_ticks;
        n += (unsigned)pn_wheel_advance(&core->wheel, pn_now_ns(), TIMERS_PER_TURN);
    }
    n += pn_core_take_inbox(core);
    /* What stands behind the first task can be stolen: say so to one who sleeps, before a task that
     * may block (OTP #9762: one queued task is worth a wake-up). */
    if (core->rt->n_cores > 1 && pn_runq_length(core->runq) > 1) {
        pn_wake_neighbour();
    }
    n += run_tasks(core);
    for (struct pn_poller *p = core->pollers; p != NULL; p = p->next) {
        n += p->poll(p);
    }
    /* relaxed: a first look at a line that changes when a core gets stuck. */
    if (pn_load_rlx(&core->rt->n_stalled) != 0) {
        n += pn_core_rescue(core);
    }
    return n;
}

/* Two runs that share cores unnoticed spoil both: the second says so. */
static void lock_core(struct pn_core *core, struct pn_os_cpu cpu) {
    core->core_lock = -1;
    int rc = core->pinned ? pn_core_lock(cpu, &core->core_lock) : 0;
    if (rc == -EWOULDBLOCK) {
        pn_runtime_degrade(core->rt, "cpu %d: another run uses this core", cpu.id);
    } else if (rc != 0) {
        pn_runtime_degrade(core->rt, "cpu %d: not locked against other runs: %s", cpu.id,
                           strerror(-rc));
    }
}

static void place(struct pn_core *core) {
    struct pn_runtime *rt = core->rt;
    const struct pn_plan_scheduler *plan = &rt->config.plan->schedulers[core->id];
    const struct pn_topology *topo = rt->config.topology;
    int rc = rt->config.floating ? 0 : pn_pin_self(plan->cpu);
    core->pinned = rc == 0 && !rt->config.floating;
    if (rc != 0) {
        pn_runtime_degrade(rt, "cpu %d: scheduler not pinned (%s): it floats", plan->cpu.id,
                           strerror(-rc));
    }
    lock_core(core, plan->cpu);
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    struct pn_arena_config arena = {
        .policy = rt->config.mem,
        .node.id = rt->config.floating || plan->node < 0 ? -1 : topo->nodes[plan->node].os.id,
        .home = core->id,
        .near = core->near,
        .n_homes = rt->n_cores,
        .batch = rt->config.variant.free_batch};
    core->start_error = pn_arena_create(&core->arena, &arena);
    if (core->start_error == 0) {
        core->start_error = pn_segq_port_open(rt->inject[core->domain], &core->inject);
    }
    if (core->start_error == 0) {
        struct pn_arena_counts counts;
        pn_arena_counts(core->arena, &counts);
        if (counts.bound != 0) {
            pn_runtime_degrade(rt, "cpu %d: memory not bound to its node (%s): first touch",
                               plan->cpu.id, strerror(-counts.bound));
        }
    }
    pn_stats_label(rt->stats, core->id, "scheduler", plan->cpu.id,
                   plan->node < 0 ? -1 : topo->nodes[plan->node].os.id);
    pn_wheel_init(&core->wheel, pn_now_ns());
    /* T3 release: pairs with the loads in usage.c. */
    pn_store_rel(&core->tid, (int)syscall(SYS_gettid));
}

/* Online from here on, and known by name to whoever asks what holds memory up. */
static void open_reader(struct pn_core *core) {
    char name[32];
    (void)snprintf(name, sizeof name, "scheduler %u", core->id);
    if (core->start_error == 0) {
        core->start_error = pn_reader_open(core->rt->reclaimer, name, &core->reader);
    }
}

void *pn_core_main(void *arg) {
    struct pn_core *core = arg;
    struct pn_runtime *rt = core->rt;
    pn_this_core = core;
    place(core);
    open_reader(core);
    (void)pthread_mutex_lock(&rt->lock);
    rt->n_placed++;
    (void)pthread_cond_signal(&rt->placed);
    (void)pthread_mutex_unlock(&rt->lock);
    uint64_t turns = 0;
    /* T2 acquire: pairs with the store in pn_runtime_stop. */
    while (core->start_error == 0 && pn_load_acq(&rt->stop) == 0) {
        pn_reader_is_quiescent(core->reader);
        unsigned n = turn(core);
        if (n == 0) {
            n = (unsigned)pn_arena_collect(core->arena) > 0;
            n += pn_core_look_elsewhere(core);
        } else if ((++turns & 63u) == 0) {
            (void)pn_arena_collect(core->arena);
        }
        if (n == 0) {
            pn_core_idle(core);
        } else if (core->idle_since != 0) {
            pn_core_found_work(core);
        }
    }
    pn_reader_close(core->reader);
    if (core->arena != NULL) {
        (void)pn_arena_flush(core->arena);
    }
    pn_segq_port_close(core->inject);
    if (core->core_lock >= 0) {
        (void)close(core->core_lock);
    }
    return NULL;
}
