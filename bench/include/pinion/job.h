/* SPDX-License-Identifier: MIT
 *
 * One job of the workload: the message that travels, and the steps that every design runs on it.
 * A job is (producer, i); everything else is made again from these two.
 */
#ifndef PINION_JOB_H
#define PINION_JOB_H

#include <pinion/arena.h>
#include <pinion/histogram.h>
#include <pinion/params.h>
#include <pinion/pool.h>

/* The message, 56 bytes. Owned by whoever holds it; freed when the job ends. */
struct pn_job {
    struct pn_pool_job link; /* the queue's (or the mailbox's) */
    uint32_t producer, i;
    uint64_t start_ns; /* sampled jobs: first attempt to enqueue, or intended start; else 0 */
    uint32_t *payload; /* NULL where payload=0; behind the message or a block of its own */
    uint64_t result;
    uint32_t units_left; /* of a job that made way for others */
    bool payload_inline; /* freed with the message */
};

/* What one kind of thing happened, when; written to the event file after the round. */
enum pn_record_kind { PN_RECORD_JOB, PN_RECORD_CRASH, PN_RECORD_RESTART, PN_RECORD_FULL };
struct pn_record {
    enum pn_record_kind kind;
    uint32_t producer, i, worker;
    uint64_t at_ns;
    /* Latency (UINT64_MAX: not sampled), down time or wait; with drop=1, what the producer dropped
     * so far. */
    uint64_t value_ns;
    uint64_t sleep_ns;
};

/* One scheduler's (or loop thread's) results. Single writer; the collector sums. */
struct pn_tally {
    _Alignas(128) uint64_t done; /* written by its core, read at any time: see pn_tally_done */
    uint64_t lost, checksum, slept_ns, slept, crashes, restarts, yields;
    uint64_t stamped_done, idle_ns; /* when this core last ran out of work, and what it had done */
    uint64_t *worker_jobs;          /* [workers] */
    struct pn_histogram latency, short_latency; /* short: with greedy_ppm, of jobs not hit */
    struct pn_record *records;
    uint64_t n_records, max_records, crash_records, restart_records;
};

struct pn_failure;
struct pn_collected;
struct pn_actor_heap;
struct pn_user_workload;

/* What is the same for every job of a round. Read-only while it runs. */
struct pn_round {
    const struct pn_params *params;
    struct pn_failure *failure; /* to come or come; NULL = none in this round */
    uint64_t jobs, sample_every;
    uint64_t start_ns;    /* t0 */
    uint32_t slice_units; /* a job makes way for others after so many; 0: never */
    uint32_t *bases;      /* [producers] */
    bool keep_records;
    struct pn_user_workload *user; /* its data and its work in place of the workload's; else NULL */
    struct pn_actor_heap *heaps;   /* [workers] heap=actor: scratch comes from there; else NULL */
    /* pattern: a job of this producer has ended, done or lost; on its scheduler. NULL: none */
    void (*ended)(void *context, uint32_t producer);
    void *ended_context;
    bool counted;                   /* reds=4000: every unit is counted down */
    struct pn_collected *collected; /* collector=shared: every core adds to it; else NULL */
    void (*log)(void *context, const struct pn_record *record); /* log=1: at once, any thread */
    void *log_context;
};

/* Records of crashes, and of restarts, that a run keeps; what comes later is only counted. */
enum { PN_CRASH_RECORDS_MAX = 1000 };

/** \return 0; -ENOMEM */
int pn_tally_init(struct pn_tally *tally, const struct pn_params *params, bool keep_records);
void pn_tally_reset(struct pn_tally *tally, const struct pn_params *params);
void pn_tally_fini(struct pn_tally *tally);
/** Any thread: jobs done or lost so far. */
uint64_t pn_tally_ended(const struct pn_tally *tally);
/** The core has nothing to do: note when, if it did something since. */
void pn_tally_stamp(struct pn_tally *tally);

/**
 * Make job i of a producer: message and payload from the caller's arena.
 * \param inline_payload  behind the message, as a copy (mailbox); else a block of its own
 * \return NULL without memory
 */
struct pn_job *pn_job_make(const struct pn_round *round, struct pn_arena *arena, uint32_t producer,
                           uint32_t i, bool inline_payload, uint64_t intended_ns);
void pn_job_free(struct pn_arena *arena, struct pn_job *job);

/**
 * Steps up to the sleep: read payload, scratch, compute, crash here if marked, release the payload,
 * blocking call.
 * \param sleep_ns  set for PN_JOB_SLEEP
 * \return DONE: finished and freed; YIELD: call pn_job_go_on after others had their turn; SLEEP:
 * call pn_job_finish after the sleep; CRASH: lost and freed
 */
enum pn_job_rc pn_job_run(const struct pn_round *round, struct pn_tally *tally,
                          struct pn_arena *arena, struct pn_job *job, uint64_t worker,
                          uint64_t *sleep_ns);
enum pn_job_rc pn_job_go_on(const struct pn_round *round, struct pn_tally *tally,
                            struct pn_arena *arena, struct pn_job *job, uint64_t worker,
                            uint64_t *sleep_ns);
/** The worker died with this job in hand. Freed. */
void pn_job_lose(const struct pn_round *round, struct pn_tally *tally, struct pn_arena *arena,
                 struct pn_job *job, uint64_t worker);
void pn_job_finish(const struct pn_round *round, struct pn_tally *tally, struct pn_arena *arena,
                   struct pn_job *job, uint64_t worker, uint64_t slept_ns);

/** A crashed worker's successor is up. */
void pn_tally_restarted(const struct pn_round *round, struct pn_tally *tally, uint64_t worker,
                        uint64_t down_ns);

#endif
