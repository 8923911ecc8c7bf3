/* SPDX-License-Identifier: MIT
 *
 * One scheduler, private to runtime/. Fields stand in lines by writer.
 */
#ifndef PN_CORE_H
#define PN_CORE_H

#include "runtime/atomic.h"
#include "runtime/lease.h"
#include "runtime/park.h"

#include <pinion/clock.h>
#include <pinion/runq.h>
#include <pinion/runtime.h>
#include <pinion/segq.h>
#include <pthread.h>

/* Tasks between two looks at timers, inbox and pollers. */
enum { PN_SLICE_TASKS = 16 };

/* A core that has been away from its run queue for so long may be for longer. */
enum { PN_AWAY_NS = 20000 };
#define PN_SLICE_NS 50000u

struct pn_core {
    /* Written by whoever sends; emptied by the owner with one exchange. */
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_task *) inbox;
    /* Guards wheel and pollers' lists. Written by the owner per stretch of user code; by a rescuer
     * while the core is stuck. */
    _Alignas(PN_LINE) struct pn_lease lease;
    /* Since when the core serves a pool, in ticks; 1: it will for a while; 0: it never did. Left as
     * it is at the end: what it does next may take long as well. Read by thieves. */
    PN_ATOMIC(uint64_t) serves_from;
    /* The watchdog's mark: the lease word of a core that does not move, 0 = none. Read by
     * schedulers while rt->n_stalled is not 0. */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) stalled;
    PN_ATOMIC(uint64_t) rescue_due_ns; /* a rescue finds nothing before; the rescuer's, per stall */
    /* Owner's; read by others only after start and before stop. */
    _Alignas(PN_LINE) struct pn_runtime *rt;
    unsigned id;
    unsigned domain;
    struct pn_runq *runq;
    struct pn_runq_lock *runq_lock; /* NULL but in the variant with a mutex */
    struct pn_reader *reader;
    struct pn_segq_port *inject;
    struct pn_arena *arena;
    struct pn_stats_block *stats;
    struct pn_poller *pollers;
    unsigned *victims; /* [n_victims] nearest first */
    uint8_t *near;     /* [n_cores] enum pn_near */
    unsigned n_victims;
    uint64_t slice_end;  /* ticks */
    uint64_t idle_since; /* ticks; 0 = not idle */
    uint64_t spun_until; /* ticks; idle time is counted up to here */
    unsigned spun_turns; /* of the variant that spins a fixed number */
    uint64_t spin_ticks; /* how long to spin before sleeping, as it has paid lately */
    bool woken;          /* the last sleep ended by a ring that has not found work yet */
    bool searching;      /* counted in sleepers.searching */
    bool polls_due;      /* a task has given a poller enough to do: the others wait */
    bool in_task;        /* the lease is lent: in user code */
    uint64_t turns;      /* entries into user code */
    bool pinned;
    PN_ATOMIC(int) tid;
    int start_error;
    int core_lock; /* descriptor; -1 = none */
    pthread_t thread;
    struct pn_wheel wheel;
};

struct pn_runtime {
    struct pn_runtime_config config;
    struct pn_ticks ticks;
    uint64_t spin_ticks, slice_ticks, away_ticks;
    unsigned n_cores;
    struct pn_core *cores;
    struct pn_segq **inject; /* [n_domains] */
    unsigned n_domains;
    struct pn_reclaimer *reclaimer;
    struct pn_watchdog *watchdog; /* NULL with one core */
    struct pn_stats *stats;
    struct pn_sleepers sleepers;
    pthread_mutex_t lock; /* start-up and degradations only */
    pthread_cond_t placed;
    unsigned n_placed;
    char **degraded;
    unsigned n_degraded;
    bool started;
    bool membarrier; /* it works here: claims may be made, because they can be revoked */
    _Alignas(PN_LINE) PN_ATOMIC(uint32_t) stop;
    _Alignas(PN_LINE) PN_ATOMIC(uint32_t) n_stalled; /* cores that the watchdog has marked */
};

/* The scheduler that the calling thread is; NULL on other threads. */
/* slice_end of a turn that began without a timer. */
#define PN_NO_TIMERS UINT64_MAX

extern _Thread_local struct pn_core *pn_this_core;

/* The core's run queue; runq_locked.c: behind its mutex, where the variant asks for one. */
bool pn_locked_push(struct pn_core *core, void *task);
void *pn_locked_pop(struct pn_core *core);
size_t pn_locked_steal(struct pn_core *victim, void **out, size_t max);
static inline bool pn_core_queue(struct pn_core *core, void *task) {
    return __builtin_expect(core->runq_lock == NULL, 1) ? pn_runq_push(core->runq, task)
                                                        : pn_locked_push(core, task);
}
static inline void *pn_core_dequeue(struct pn_core *core) {
    return __builtin_expect(core->runq_lock == NULL, 1) ? pn_runq_pop(core->runq)
                                                        : pn_locked_pop(core);
}
static inline size_t pn_core_rob(struct pn_core *victim, void **out, size_t max) {
    return __builtin_expect(victim->runq_lock == NULL, 1) ? pn_runq_steal(victim->runq, out, max)
                                                          : pn_locked_steal(victim, out, max);
}
int pn_runq_lock_create(struct pn_runq_lock **out);
void pn_runq_lock_destroy(struct pn_runq_lock *lock);
/* How often it was taken; 0 without one. */
uint64_t pn_runq_lock_taken(const struct pn_runq_lock *lock);

void *pn_core_main(void *arg);

/* sched.c: make ready here what was sent to `from`. */
unsigned pn_core_take_inbox(struct pn_core *from);

/* idle.c: called each time a turn of the loop found nothing. */
void pn_core_idle(struct pn_core *core);
void pn_core_found_work(struct pn_core *core);

/* steal.c: tasks taken into the own run queue. */
unsigned pn_core_look_elsewhere(struct pn_core *core);
bool pn_core_elsewhere_pending(const struct pn_core *core);

/* rescue.c: user code begins, ends. Between them the core may not touch its wheel or its pollers'
 * lists, unless it holds the lease meanwhile. */
void pn_core_enter_task(struct pn_core *core);
void pn_core_leave_task(struct pn_core *core);
/* Hold the lease for a moment, in user code or not. */
bool pn_core_hold(struct pn_core *core);
void pn_core_unhold(struct pn_core *core, bool was_in_task);
/* Do what stuck cores would have done. \return how much */
unsigned pn_core_rescue(struct pn_core *core);
bool pn_core_rescue_pending(const struct pn_core *core);

/* runtime.c */
void pn_runtime_degrade(struct pn_runtime *rt, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
