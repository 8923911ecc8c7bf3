/* SPDX-License-Identifier: MIT
 *
 * The steps of a job, one implementation for every design. Which jobs sleep, crash or block is a
 * function of (seed, producer, i), so that every runtime loses the same ones.
 */
#include <pinion/job.h>

#include "actor_heap.h"
#include "collected.h"
#include "failure.h"
#include "user_workload.h"

#include <errno.h>
#include <pinion/clock.h>
#include <pinion/generator.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Every floor(N / 20000)-th job of a producer, its first included, is sampled: fewer than 40000 and
 * one per producer. All may end on one core. */
enum { SAMPLES_MAX = 40000, TOUCH_STRIDE = 64, PAGE_WORDS = 1024 };

/* The figures that the collector reads while their core writes them. */
static uint64_t peek(const uint64_t *word) {
    return pn_load_rlx((const PN_ATOMIC(uint64_t) *)word); /* relaxed: a count, no edge */
}

static void put(uint64_t *word, uint64_t value) {
    PN_ATOMIC(uint64_t) *shared = (PN_ATOMIC(uint64_t) *)word;
    pn_store_rel(shared, value);
}

uint64_t pn_tally_ended(const struct pn_tally *tally) {
    return pn_load_acq((const PN_ATOMIC(uint64_t) *)&tally->done) + peek(&tally->lost);
}

void pn_tally_stamp(struct pn_tally *tally) {
    uint64_t ended = tally->done + tally->lost;
    if (ended != tally->stamped_done) {
        tally->stamped_done = ended;
        put(&tally->idle_ns, pn_now_ns());
    }
}

int pn_tally_init(struct pn_tally *tally, const struct pn_params *params, bool keep_records) {
    memset(tally, 0, sizeof *tally);
    /* On lines of its own: with few workers two cores' counts fell on one, 22 ns a job. */
    size_t bytes = (params->workers * sizeof *tally->worker_jobs + PN_LINE - 1) & ~(PN_LINE - 1ul);
    tally->worker_jobs = aligned_alloc(PN_LINE, bytes);
    if (tally->worker_jobs == NULL) {
        return -ENOMEM;
    }
    memset(tally->worker_jobs, 0, bytes);
    if (keep_records) {
        uint64_t most = SAMPLES_MAX + params->producers + (uint64_t)2 * PN_CRASH_RECORDS_MAX;
        tally->records = malloc(most * sizeof *tally->records);
        tally->max_records = tally->records == NULL ? 0 : most;
    }
    return keep_records && tally->records == NULL ? -ENOMEM : 0;
}

void pn_tally_reset(struct pn_tally *tally, const struct pn_params *params) {
    uint64_t *jobs = tally->worker_jobs;
    struct pn_record *records = tally->records;
    uint64_t max = tally->max_records;
    memset(tally, 0, sizeof *tally);
    memset(jobs, 0, params->workers * sizeof *jobs);
    tally->worker_jobs = jobs;
    tally->records = records;
    tally->max_records = max;
}

void pn_tally_fini(struct pn_tally *tally) {
    free(tally->worker_jobs);
    free(tally->records);
}

static void record(const struct pn_round *round, struct pn_tally *tally,
                   const struct pn_record *what) {
    if (round->log != NULL && what->kind == PN_RECORD_JOB) {
        round->log(round->log_context, what);
    } else if (tally->n_records < tally->max_records) {
        tally->records[tally->n_records++] = *what;
    }
}

/* The word repeated, by doubling copies: a plain loop over words is not vectorised at -O2 and made
 * this step four times as long. */
static void fill(uint32_t *to, uint64_t bytes, uint32_t word) {
    to[0] = word;
    for (uint64_t have = 4; have < bytes;) {
        uint64_t n = bytes - have < have ? bytes - have : have;
        memcpy((char *)to + have, to, n);
        have += n;
    }
}

static uint32_t read_payload(const uint32_t *payload, uint64_t bytes) {
    uint32_t sum = 0;
    uint64_t words = bytes / 4;
    for (uint64_t w = 0; w < words; w += PAGE_WORDS) {
        sum += payload[w];
    }
    return words == 0 ? 0 : sum + payload[words - 1];
}

static bool is_sampled(const struct pn_round *round, uint32_t i) {
    return i % (uint32_t)round->sample_every == 0; /* 64-bit division costs 2 ns a job more */
}

struct pn_job *pn_job_make(const struct pn_round *round, struct pn_arena *arena, uint32_t producer,
                           uint32_t i, bool inline_payload, uint64_t intended_ns) {
    uint64_t bytes = round->params->payload;
    struct pn_job *job = pn_arena_alloc(arena, sizeof *job + (inline_payload ? bytes : 0));
    if (job == NULL) {
        return NULL;
    }
    job->link.next = NULL;
    job->producer = producer;
    job->i = i;
    job->payload = NULL;
    job->payload_inline = inline_payload;
    job->start_ns = 0;
    if (is_sampled(round, i)) {
        job->start_ns = intended_ns != 0 ? intended_ns : pn_now_ns();
    }
    if (bytes > 0) {
        uint32_t *made = pn_arena_alloc(arena, bytes);
        if (made == NULL) {
            pn_arena_free(arena, job);
            return NULL;
        }
        if (round->user != NULL) {
            round->user->make(made, bytes, round->user->seed, producer, i);
        } else {
            fill(made, bytes, pn_mix(pn_job_key(round->bases[producer], i) + PN_DRAW_PAYLOAD));
        }
        job->payload = made;
        if (inline_payload) {
            /* The sender's own data, copied into what the receiver will own. */
            job->payload = (uint32_t *)(job + 1);
            memcpy(job->payload, made, bytes);
            pn_arena_free(arena, made);
        }
    }
    return job;
}

static void free_payload(struct pn_arena *arena, struct pn_job *job) {
    if (!job->payload_inline && job->payload != NULL) {
        pn_arena_free(arena, job->payload);
    }
    job->payload = NULL;
}

void pn_job_free(struct pn_arena *arena, struct pn_job *job) {
    free_payload(arena, job);
    pn_arena_free(arena, job);
}

/* Allocated, touched and freed by the worker. The touch is a store that the compiler may not drop.
 */
static void scratch(struct pn_arena *arena, uint64_t bytes) {
    char *block = pn_arena_alloc(arena, bytes);
    if (block == NULL) {
        return;
    }
    for (uint64_t at = 0; at < bytes; at += TOUCH_STRIDE) {
        block[at] = (char)at;
        __asm__("" : : "r"(block + at) : "memory");
    }
    pn_arena_free(arena, block);
}

static uint32_t units_of(const struct pn_params *p, uint32_t key) {
    if (p->greedy_ppm > 0 && pn_job_hit(key, PN_DRAW_GREEDY, (uint32_t)p->greedy_ppm)) {
        return (uint32_t)p->greedy_units;
    }
    if (p->wlo == p->whi) {
        return (uint32_t)p->wlo;
    }
    return pn_job_pick(key, PN_DRAW_UNITS, (uint32_t)p->wlo, (uint32_t)p->whi);
}

static bool is_short(const struct pn_round *round, const struct pn_job *job) {
    uint32_t ppm = (uint32_t)round->params->greedy_ppm;
    return ppm > 0 &&
           !pn_job_hit(pn_job_key(round->bases[job->producer], job->i), PN_DRAW_GREEDY, ppm);
}

static void block(uint64_t us) {
    (void)nanosleep(&(struct timespec){.tv_sec = (time_t)(us / 1000000),
                                       .tv_nsec = (long)(us % 1000000 * 1000)},
                    NULL);
}

void pn_job_lose(const struct pn_round *round, struct pn_tally *tally, struct pn_arena *arena,
                 struct pn_job *job, uint64_t worker) {
    tally->crashes++;
    if (tally->crash_records < PN_CRASH_RECORDS_MAX) {
        tally->crash_records++;
        struct pn_record what = {.kind = PN_RECORD_CRASH,
                                 .producer = job->producer,
                                 .i = job->i,
                                 .worker = (uint32_t)worker,
                                 .at_ns = pn_now_ns()};
        record(round, tally, &what);
    }
    uint32_t producer = job->producer;
    pn_job_free(arena, job);
    if (round->heaps != NULL) {
        pn_actor_heap_drop(&round->heaps[worker], arena);
    }
    put(&tally->lost, tally->lost + 1);
    if (round->ended != NULL) {
        round->ended(round->ended_context, producer);
    }
}

void pn_tally_restarted(const struct pn_round *round, struct pn_tally *tally, uint64_t worker,
                        uint64_t down_ns) {
    tally->restarts++;
    if (tally->restart_records < PN_CRASH_RECORDS_MAX) {
        tally->restart_records++;
        struct pn_record what = {.kind = PN_RECORD_RESTART,
                                 .worker = (uint32_t)worker,
                                 .at_ns = pn_now_ns(),
                                 .value_ns = down_ns};
        record(round, tally, &what);
    }
}

/* From the crash point on. */
static inline enum pn_job_rc end(const struct pn_round *round, struct pn_tally *tally,
                                 struct pn_arena *arena, struct pn_job *job, uint64_t worker,
                                 uint32_t key, uint64_t *sleep_ns) {
    const struct pn_params *p = round->params;
    enum pn_fate fate =
        round->failure == NULL ? PN_FATE_LIVE : pn_failure_at_crash_point(round->failure, worker);
    if (fate == PN_FATE_HANG) {
        *sleep_ns = PN_KILL_SLICE_NS;
        return PN_JOB_SLEEP;
    }
    if (fate == PN_FATE_DIE ||
        (p->crash_ppm > 0 && pn_job_hit(key, PN_DRAW_CRASH, (uint32_t)p->crash_ppm))) {
        pn_job_lose(round, tally, arena, job, worker);
        return PN_JOB_CRASH;
    }
    free_payload(arena, job);
    if (p->block_ppm > 0 && pn_job_hit(key, PN_DRAW_BLOCK, (uint32_t)p->block_ppm)) {
        block(p->block_us); /* on the scheduler's thread: the mistake that `offload` will measure */
    }
    if (p->sleep_ppm > 0 && pn_job_hit(key, PN_DRAW_SLEEP, (uint32_t)p->sleep_ppm)) {
        uint64_t us = pn_job_pick(key, PN_DRAW_SLEEP_US, (uint32_t)p->slo, (uint32_t)p->shi);
        if (us > 0) {
            *sleep_ns = us * 1000;
            return PN_JOB_SLEEP;
        }
    }
    pn_job_finish(round, tally, arena, job, worker, 0);
    return PN_JOB_DONE;
}

static inline uint32_t compute(const struct pn_round *round, uint32_t x, uint32_t units) {
    return __builtin_expect(round->counted, 0) ? pn_compute_counted(x, units)
                                               : pn_compute(x, units);
}

static enum pn_job_rc make_way(const struct pn_round *round, struct pn_tally *tally,
                               struct pn_job *job, uint32_t x, uint32_t units) {
    job->result = compute(round, x, round->slice_units);
    job->units_left = units - round->slice_units;
    tally->yields++;
    return PN_JOB_YIELD;
}

static inline void use_scratch(const struct pn_round *round, struct pn_arena *arena,
                               uint64_t worker) {
    if (__builtin_expect(round->heaps != NULL, 0)) {
        pn_actor_heap_use(&round->heaps[worker], arena, round->params->alloc);
    } else if (round->params->alloc > 0) {
        scratch(arena, round->params->alloc);
    }
}

/* Sampled results are looked at right away: a wrong one is counted, and ends the run. */
static uint64_t do_own(const struct pn_round *round, const struct pn_job *job) {
    struct pn_user_workload *user = round->user;
    uint64_t result =
        user->compute(job->payload, round->params->payload, user->seed, job->producer, job->i);
    if (is_sampled(round, job->i) && user->verify(user->seed, job->producer, job->i, result) != 0) {
        (void)pn_faa_rlx(&user->wrong, 1); /* relaxed: a count */
    }
    return result;
}

enum pn_job_rc pn_job_run(const struct pn_round *round, struct pn_tally *tally,
                          struct pn_arena *arena, struct pn_job *job, uint64_t worker,
                          uint64_t *sleep_ns) {
    const struct pn_params *p = round->params;
    uint32_t key = pn_job_key(round->bases[job->producer], job->i);
    if (__builtin_expect(round->user != NULL, 0)) {
        use_scratch(round, arena, worker);
        job->result = do_own(round, job);
        return end(round, tally, arena, job, worker, key, sleep_ns);
    }
    uint32_t x = key + (p->payload > 0 ? read_payload(job->payload, p->payload) : 0);
    use_scratch(round, arena, worker);
    uint32_t units = units_of(p, key);
    if (__builtin_expect(units > round->slice_units && round->slice_units > 0, 0)) {
        return make_way(round, tally, job, x, units);
    }
    job->result = compute(round, x, units);
    return end(round, tally, arena, job, worker, key, sleep_ns);
}

enum pn_job_rc pn_job_go_on(const struct pn_round *round, struct pn_tally *tally,
                            struct pn_arena *arena, struct pn_job *job, uint64_t worker,
                            uint64_t *sleep_ns) {
    uint32_t x = (uint32_t)job->result;
    if (job->units_left > round->slice_units) {
        return make_way(round, tally, job, x, job->units_left);
    }
    job->result = compute(round, x, job->units_left);
    return end(round, tally, arena, job, worker, pn_job_key(round->bases[job->producer], job->i),
               sleep_ns);
}

void pn_job_finish(const struct pn_round *round, struct pn_tally *tally, struct pn_arena *arena,
                   struct pn_job *job, uint64_t worker, uint64_t slept_ns) {
    tally->checksum += job->result;
    tally->worker_jobs[worker]++;
    if (round->collected != NULL) {
        pn_collect_one(round->collected, job->result);
    }
    if (slept_ns > 0 && is_sampled(round, job->i)) {
        tally->slept_ns += slept_ns;
        tally->slept++;
    }
    if (job->start_ns != 0 || round->log != NULL) {
        uint64_t now = pn_now_ns();
        uint64_t latency = job->start_ns == 0 ? UINT64_MAX : now - job->start_ns;
        if (job->start_ns != 0) {
            pn_histogram_add(&tally->latency, latency);
            if (is_short(round, job)) {
                pn_histogram_add(&tally->short_latency, latency);
            }
        }
        struct pn_record what = {.kind = PN_RECORD_JOB,
                                 .producer = job->producer,
                                 .i = job->i,
                                 .worker = (uint32_t)worker,
                                 .at_ns = now,
                                 .value_ns = latency,
                                 .sleep_ns = slept_ns};
        record(round, tally, &what);
    }
    uint32_t producer = job->producer;
    pn_arena_free(arena, job);
    put(&tally->done, tally->done + 1);
    if (__builtin_expect(round->ended != NULL, 0)) {
        round->ended(round->ended_context, producer);
    }
}
