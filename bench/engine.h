/* SPDX-License-Identifier: MIT
 *
 * The inside of a run, shared by engine.c, producer.c, collector.c and the designs.
 */
#ifndef PN_ENGINE_H
#define PN_ENGINE_H

#include "collected.h"
#include "failure.h"
#include "recovery.h"
#include "user_workload.h"

#include <pinion/design.h>
#include <pinion/intensity.h>
#include <pinion/outcome.h>
#include <pinion/properties.h>
#include <pthread.h>

/* Jobs of a producer's task before others get their turn. */
enum { PN_PRODUCER_TURN = 64 };

/* One producer. In a round it is touched by one thread: its own, or the schedulers that run its
 * task one after another. The collector reads the counts after it has finished. */
struct pn_producer {
    _Alignas(PN_LINE) struct pn_task task;
    struct pn_bench *bench;
    uint32_t p;
    uint64_t next_i, end_i;
    uint64_t due_ns; /* open loop: intended start of next_i */
    uint64_t dropped, full;
    struct pn_job *pending; /* made, but there was no room */
    unsigned pending_n;
    struct pn_job *kept; /* of a turn of single jobs: made, and found no room; linked */
    bool counted_full;   /* for the pending job */
    uint64_t full_from_ns;
    struct pn_arena *arena; /* of a producer thread */
    void *lane;             /* the design's */
    void *waiter;           /* the design's */
    pthread_t thread;
    struct pn_record *full_records; /* one per 1000 */
    unsigned n_full_records;
    PN_ATOMIC(uint32_t) finished;
    PN_ATOMIC(uint32_t) halves; /* pattern: of a link, see producer.c */
};

struct pn_bench {
    const struct pn_run_options *options;
    const struct pn_params *params;
    const struct pn_design *design;
    struct pn_properties properties;
    bool copies;                 /* payloads travel as copies */
    struct pn_actor_heap *heaps; /* [workers] heap=actor; else NULL */
    void *design_state;
    struct pn_runtime *rt;
    struct pn_round round;
    struct pn_tally *tallies; /* [n_cores] */
    unsigned n_cores;
    struct pn_producer *producers;
    struct pn_failure *failure; /* NULL = fail_at_ms=0 */
    struct pn_recovery recovery;
    uint64_t rss_recovered_kb;
    /* Restarts that no pn_pool counts. */
    struct pn_intensity *intensity;
    PN_ATOMIC(uint32_t) too_many_restarts;
    uint8_t *unknown_near;    /* distances of producer threads' arenas: not known */
    PN_ATOMIC(uint32_t) stop; /* producers end early */
    bool measured;            /* this round is not the warm-up: events are written */
    pthread_mutex_t events_lock;
    struct pn_collected collected; /* collector=shared */
    struct pn_user_workload user;  /* library NULL: the workload's own jobs */
};

enum { PN_FULL_RECORDS_MAX = 1000, PN_FULL_RECORD_EVERY = 1000 };

/* engine_make.c: everything that both rounds share. Unmake also after a failure. */
int pn_bench_make(struct pn_bench *bench, struct pn_error *err);
void pn_bench_unmake(struct pn_bench *bench);

/* Jobs that may wait; with credit=none more than there ever are. */
static inline uint64_t pn_bench_bound(const struct pn_bench *b) {
    return b->properties.value[PN_PROPERTY_CREDIT] == PN_CREDIT_NONE ? (uint64_t)1 << 40
                                                                     : pn_params_bound(b->params);
}

/* producer.c: start P producers on `jobs` jobs; they end by themselves. */
int pn_producers_start(struct pn_bench *bench, uint64_t jobs);
/* pattern: a job of this chain has ended, its next one goes out. On a scheduler. */
void pn_chain_goes_on(void *bench, uint32_t producer);
bool pn_producers_finished(const struct pn_bench *bench);
/* Threads are joined; tasks are waited for if the round was `complete`, so that none is still
 * queued when the next round starts it. Else they may wait for room for ever: no round may follow.
 */
void pn_producers_join(struct pn_bench *bench, bool complete);

/* injection.c: a worker starts anew, here; too many restarts end the run. */
void pn_restart_in_place(struct pn_bench *bench, uint64_t worker, uint64_t crashed_ns);

/* The failure happens now; and what is known of it afterwards. */
void pn_inject(struct pn_bench *bench, uint64_t now_ns);
void pn_fill_failure(const struct pn_bench *bench, struct pn_outcome *out);

/* collector.c: wait for the round's end, filling wall, cpu, halves. */
struct pn_watch {
    uint64_t t0_ns, cpu0_ns;
    uint64_t end_ns, cpu_ns, half_ns, longest_gap_ns;
    bool failed, interrupted;
    unsigned next_core; /* the next to be asked whether it was moved */
    bool moved;         /* some scheduler was, in any round */
    bool log;           /* write job_done at once; the caller's wish */
};
void pn_collect(struct pn_bench *bench, uint64_t jobs, struct pn_watch *watch);

/* events.c */
void pn_event_snapshot(struct pn_bench *bench, uint64_t cpu_ns);
void pn_event_log(void *context, const struct pn_record *record);
void pn_events_write_records(struct pn_bench *bench);
uint64_t pn_done_so_far(const struct pn_bench *bench);
uint64_t pn_status_kb(const char *label);

/* engine.c: say "ready" and wait for a line on standard input. False if the other side has gone; an
 * interrupt ends the wait, too, and is told in *interrupted. */
bool pn_wait_for_go(const struct pn_run_options *options, bool *interrupted);

/* design_loop.c */
int pn_run_loop(const struct pn_run_options *options, struct pn_outcome *out, struct pn_error *err);

#endif
