/* SPDX-License-Identifier: MIT
 *
 * pn_runtime: one scheduler pinned to each core of a plan. Each loops over its run queue, its
 * timers, its inbox and its pollers, helps others when it has nothing, and sleeps when nobody has.
 *
 * In the steady state a scheduler does not enter the kernel; with PN_IDLE_SPIN it never does.
 * Without permission to pin or to bind memory the runtime works and says so: pn_runtime_degraded.
 */
#ifndef PINION_RUNTIME_H
#define PINION_RUNTIME_H

#include <pinion/arena.h>
#include <pinion/placement.h>
#include <pinion/plan.h>
#include <pinion/stats.h>
#include <pinion/task.h>

struct pn_runtime;
struct pn_reclaimer;

enum pn_idle {
    PN_IDLE_ADAPTIVE, /* spin for spin_ns, then sleep on the core's bell */
    PN_IDLE_SPIN      /* poll for ever */
};

/* How far a scheduler without work goes to find some. */
enum pn_steal { PN_STEAL_MACHINE, PN_STEAL_NODE, PN_STEAL_LLC, PN_STEAL_OFF };

/* What the mailbox ladder compares with; all zero is the runtime as it is meant to be. */
struct pn_variant {
    bool locked_runq;    /* a mutex around each run queue, as BEAM's */
    bool steal_by_index; /* one task from the first that has some, whatever its distance */
    bool spin_fixed;     /* 10,000 pauses, then sleep, whether spinning has paid or not */
    unsigned free_batch; /* blocks of a returned chain; 0: PN_ARENA_BATCH */
};

struct pn_runtime_config {
    const struct pn_topology *topology; /* borrowed until destroy */
    const struct pn_plan *plan;         /* borrowed until destroy */
    enum pn_idle idle;
    enum pn_steal steal;
    enum pn_mem_policy mem; /* of the schedulers' arenas: LOCAL, MALLOC or INTERLEAVE */
    uint64_t spin_ns;       /* 0 = the default */
    bool floating;          /* do not pin (an experiment's factor, not a degradation) */
    struct pn_variant variant;
    /* Called by a scheduler each time it runs out of work, before it spins. May be NULL. */
    void (*on_idle)(void *context, unsigned core);
    void *context;
};

/** \return 0; -ENOMEM; -ERANGE more than 1024 schedulers; -EAGAIN no helper thread */
int pn_runtime_create(struct pn_runtime **out, const struct pn_runtime_config *config,
                      struct pn_error *err);

/** Start the schedulers and wait until each has placed itself. \return 0; -EAGAIN no thread */
int pn_runtime_start(struct pn_runtime *rt, struct pn_error *err);

/** End the schedulers after what they are running; queued tasks stay queued. Joins them. */
void pn_runtime_stop(struct pn_runtime *rt);

/** After stop. NULL is allowed. */
void pn_runtime_destroy(struct pn_runtime *rt);

unsigned pn_runtime_cores(const struct pn_runtime *rt);
struct pn_stats *pn_runtime_stats(struct pn_runtime *rt);
struct pn_reclaimer *pn_runtime_reclaimer(struct pn_runtime *rt);
enum pn_idle pn_runtime_idle(const struct pn_runtime *rt);

/** The i-th thing that is not as it should be ("cpu 3 not pinned: ..."); NULL after the last. */
const char *pn_runtime_degraded(const struct pn_runtime *rt, unsigned i);

/* What one scheduler thread has used so far, from the kernel's books and the runtime's. */
struct pn_core_usage {
    int cpu, node; /* OS indices, -1 unknown */
    int tid;
    bool pinned; /* was pinned and is: its mask is read again at every call */
    bool moved;  /* was pinned, and has another mask now */
    uint64_t cpu_ns, run_delay_ns;
    uint64_t spin_ns, sleep_ns;
    uint64_t voluntary_switches, involuntary_switches, faults;
    uint64_t syscalls; /* made by the runtime itself */
    uint64_t steals, wakes;
    uint64_t queue_locks; /* times that its run queue's mutex was taken; 0 without one */
};

/** Any thread, while the schedulers run. \return 0; -ESRCH */
int pn_runtime_usage(const struct pn_runtime *rt, unsigned core, struct pn_core_usage *out);

/** The `moved` of pn_runtime_usage alone. Any thread, while the schedulers run. One system call. */
bool pn_runtime_moved(const struct pn_runtime *rt, unsigned core);

/** Voluntary context switches of a thread of this process so far: each is a system call that slept.
 *  \return UINT64_MAX if there is no such thread */
uint64_t pn_thread_voluntary_switches(int tid);

/** Where the arenas' pages lie, summed over the cores. Any thread, schedulers at rest or stopped.
 */
void pn_runtime_audit(const struct pn_runtime *rt, struct pn_audit *audit);

/* On a scheduler: */

/** Position of this core in the plan; UINT_MAX on any other thread. */
unsigned pn_this_core_id(void);
struct pn_arena *pn_this_arena(void);
struct pn_stats_block *pn_this_stats(void);

/* A source of work that a scheduler visits each turn of its loop: an admission queue, a NIC ring.
 */
struct pn_poller {
    struct pn_poller *next; /* the runtime's */
    /** Do a bounded amount of work. \return how much; 0 = nothing to do */
    unsigned (*poll)(struct pn_poller *poller);
    /** True if poll would find something: asked once more before the core sleeps. */
    bool (*pending)(struct pn_poller *poller);
    /** On another scheduler, while the poller's own is stuck in user code: make ready there what
     * only the stuck one would have, without running any of it. NULL if there is no such thing.
     * \return how much */
    unsigned (*rescue)(struct pn_poller *poller);
};

/** Before start. Borrowed until stop. */
void pn_poller_register(struct pn_runtime *rt, unsigned core, struct pn_poller *poller);

/** Inside poll: true when timers or the inbox should be looked at again. */
bool pn_slice_over(void);

/** Wake one sleeping scheduler of this core's domain, if there is one. */
void pn_wake_neighbour(void);

#endif
