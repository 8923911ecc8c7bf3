/* SPDX-License-Identifier: MIT
 *
 * `shared`: one admission queue per cache domain (pn_segq with credit), any worker takes; payloads
 * travel by reference and go home in batches.
 */
#include "engine.h"

#include <errno.h>
#include <pinion/clock.h>
#include <pinion/pool.h>
#include <stdlib.h>
#include <string.h>

/* 50 to 60 us at 1.7 ns each: a core's slice. Not below 20000: jobs that differ by so little end
 * sooner one after the other than in turns. */
enum { STATE_BYTES = 64, SLICE_UNITS = 32768 };

/* Visits one core's idle workers after a blow. */
struct visit {
    struct pn_task task;
    struct pn_bench *bench;
    unsigned core;
};

struct shared {
    struct pn_pool *pool;
    struct visit *visits; /* [n_cores]; NULL where no failure comes */
};

static struct shared *state_of(const struct pn_bench *b) {
    return b->design_state;
}

/* The worker is dead, its job is lost or there was none. supervise=tree: the pool's supervisor
 * hears of it. loop: the worker's own loop starts anew, and the pool never knows. */
static enum pn_job_rc died(struct pn_worker *worker, uint64_t wait_ns) {
    struct pn_bench *b = pn_worker_context(worker);
    if (wait_ns > 0) {
        pn_worker_sleep_ns(worker, wait_ns);
    }
    if (b->params->supervise == PN_SUPERVISE_TREE) {
        return wait_ns > 0 ? PN_JOB_CRASH_WAIT : PN_JOB_CRASH;
    }
    uint64_t crashed_ns = pn_now_ns();
    memset(pn_worker_state(worker), 0, STATE_BYTES);
    pn_restart_in_place(b, pn_worker_id(worker), crashed_ns);
    return wait_ns > 0 ? PN_JOB_SLEEP : PN_JOB_DONE;
}

static uint64_t wait_of(struct pn_worker *worker) {
    struct pn_failure *f = ((struct pn_bench *)pn_worker_context(worker))->round.failure;
    return f == NULL ? 0 : pn_failure_died(f, pn_worker_id(worker));
}

/* What the job's steps have answered. */
static inline enum pn_job_rc answer(struct pn_worker *worker, enum pn_job_rc rc,
                                    uint64_t sleep_ns) {
    struct pn_bench *b = pn_worker_context(worker);
    if (rc == PN_JOB_SLEEP) {
        if (b->round.failure != NULL) {
            sleep_ns = pn_failure_sleep(b->round.failure, pn_worker_id(worker), sleep_ns);
        }
        pn_worker_sleep_ns(worker, sleep_ns);
    }
    return rc == PN_JOB_CRASH ? died(worker, wait_of(worker)) : rc;
}

static enum pn_job_rc run(struct pn_worker *worker, struct pn_pool_job *link) {
    struct pn_bench *b = pn_worker_context(worker);
    uint64_t sleep_ns = 0;
    enum pn_job_rc rc = pn_job_run(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(),
                                   (struct pn_job *)link, pn_worker_id(worker), &sleep_ns);
    return answer(worker, rc, sleep_ns);
}

static enum pn_job_rc go_on(struct pn_worker *worker, struct pn_pool_job *link) {
    struct pn_bench *b = pn_worker_context(worker);
    uint64_t sleep_ns = 0;
    enum pn_job_rc rc = pn_job_go_on(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(),
                                     (struct pn_job *)link, pn_worker_id(worker), &sleep_ns);
    return answer(worker, rc, sleep_ns);
}

static enum pn_job_rc resume(struct pn_worker *worker, struct pn_pool_job *link) {
    struct pn_bench *b = pn_worker_context(worker);
    struct pn_tally *tally = &b->tallies[pn_this_core_id()];
    struct pn_job *job = (struct pn_job *)link;
    uint64_t id = pn_worker_id(worker);
    uint64_t ns = pn_worker_slept_ns(worker);
    enum pn_wake wake =
        b->round.failure == NULL ? PN_WAKE_SLEPT : pn_failure_wakes(b->round.failure, id, &ns);
    switch (wake) {
    case PN_WAKE_AGAIN:
        pn_worker_sleep_ns(worker, ns);
        return PN_JOB_SLEEP;
    case PN_WAKE_KILLED:
        pn_job_lose(&b->round, tally, pn_this_arena(), job, id);
        return died(worker, wait_of(worker));
    case PN_WAKE_START_FAILED:
        return died(worker, ns);
    case PN_WAKE_UP:
        return PN_JOB_DONE;
    case PN_WAKE_SLEPT:
        pn_job_finish(&b->round, tally, pn_this_arena(), job, id, ns);
        return PN_JOB_DONE;
    }
    return PN_JOB_DONE;
}

static void restarted(struct pn_worker *worker, uint64_t down_ns) {
    struct pn_bench *b = pn_worker_context(worker);
    pn_tally_restarted(&b->round, &b->tallies[pn_this_core_id()], pn_worker_id(worker), down_ns);
}

static enum pn_job_rc ends(struct pn_worker *worker) {
    struct pn_bench *b = pn_worker_context(worker);
    return pn_failure_dies(b->failure, pn_worker_id(worker)) ? died(worker, wait_of(worker))
                                                             : PN_JOB_DONE;
}

static void visit(struct pn_task *task) {
    struct visit *v = (struct visit *)task;
    if (pn_this_core_id() != v->core) {
        pn_task_send(v->bench->rt, v->core, task); /* stolen on its way */
        return;
    }
    pn_pool_end_idle(state_of(v->bench)->pool, ends);
}

static void deliver(struct pn_bench *b) {
    for (unsigned i = 0; i < b->n_cores; i++) {
        pn_task_send(b->rt, i, &state_of(b)->visits[i].task);
    }
}

/* As the pool deals them out: a run of ids to each core. */
static unsigned core_of(const struct pn_bench *b, uint64_t worker) {
    uint64_t each = b->params->workers / b->n_cores;
    uint64_t more = b->params->workers % b->n_cores; /* so many cores have one more, the first */
    return worker < more * (each + 1) ? (unsigned)(worker / (each + 1))
                                      : (unsigned)(more + (worker - more * (each + 1)) / each);
}

static int create_visits(struct pn_bench *b, struct shared *s) {
    s->visits = calloc(b->n_cores, sizeof *s->visits);
    for (unsigned i = 0; s->visits != NULL && i < b->n_cores; i++) {
        s->visits[i] = (struct visit){.task.run = visit, .bench = b, .core = i};
    }
    return s->visits == NULL ? -ENOMEM : 0;
}

static int create(struct pn_bench *b) {
    const struct pn_params *p = b->params;
    bool threads = p->producers_as == PN_PRODUCERS_THREAD;
    struct pn_pool_config config = {.capacity = pn_bench_bound(b),
                                    .workers = p->workers,
                                    .foreign = threads ? (uint32_t)p->producers : 0,
                                    .batch = (uint32_t)p->batch,
                                    .state_bytes = STATE_BYTES,
                                    .restarts_max = p->restarts_max,
                                    .restarts_period_ns = p->restarts_period_ms * 1000000,
                                    .context = b,
                                    .run = run,
                                    .go_on = go_on,
                                    .resume = resume,
                                    .restarted = restarted};
    struct shared *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -ENOMEM;
    }
    int rc = b->failure == NULL ? 0 : create_visits(b, s);
    if (rc == 0) {
        rc = pn_pool_create(&s->pool, b->rt, &config);
    }
    if (rc != 0) {
        free(s->visits);
        free(s);
        return rc;
    }
    b->design_state = s;
    return 0;
}

static void destroy(struct pn_bench *b) {
    pn_pool_destroy(state_of(b)->pool);
    free(state_of(b)->visits);
    free(b->design_state);
    b->design_state = NULL;
}

static enum pn_queue_rc submit(struct pn_producer *p, struct pn_job *jobs, unsigned n) {
    return pn_pool_submit(state_of(p->bench)->pool, &jobs->link, n);
}

static enum pn_queue_rc submit_n(struct pn_producer *p, struct pn_job *const *jobs, unsigned n,
                                 unsigned *done) {
    return pn_pool_submit_n(state_of(p->bench)->pool, (struct pn_pool_job *const *)jobs, n, done);
}

static void wait_room(struct pn_producer *p) {
    pn_pool_wait_room(state_of(p->bench)->pool, &p->task);
}

static int open_lane(struct pn_producer *p) {
    struct pn_pool_lane *lane = NULL;
    int rc = pn_pool_lane_open(state_of(p->bench)->pool, &lane);
    p->lane = lane;
    return rc;
}

static void rest_lane(struct pn_producer *p) {
    pn_pool_lane_rest(p->lane);
}

static enum pn_queue_rc submit_foreign(struct pn_producer *p, struct pn_job *jobs, unsigned n) {
    return pn_pool_lane_submit(p->lane, &jobs->link, n);
}

static void wait_room_foreign(struct pn_producer *p) {
    pn_pool_lane_wait_room(p->lane);
}

static void report(const struct pn_bench *b, struct pn_outcome *out) {
    struct pn_pool_counts counts;
    pn_pool_counts(state_of(b)->pool, &counts);
    bool bounded = b->properties.value[PN_PROPERTY_CREDIT] == PN_CREDIT_BOUND;
    out->queue_effective = bounded ? counts.capacity : PN_NONE;
    out->shards = counts.shards;
    out->segments_retired = counts.segments_retired;
    out->segments_recycled = counts.segments_recycled;
}

static bool failed(const struct pn_bench *b) {
    return pn_pool_failed(state_of(b)->pool);
}

static const struct pn_design design = {.name = "shared",
                                        .queue_kind = "segq",
                                        .turn = 64,
                                        .slice_units = SLICE_UNITS,
                                        .create = create,
                                        .destroy = destroy,
                                        .submit = submit,
                                        .submit_n = submit_n,
                                        .wait_room = wait_room,
                                        .open_lane = open_lane,
                                        .rest_lane = rest_lane,
                                        .submit_foreign = submit_foreign,
                                        .wait_room_foreign = wait_room_foreign,
                                        .core_of = core_of,
                                        .deliver = deliver,
                                        .report = report,
                                        .failed = failed};

extern const struct pn_design pn_design_mailbox;

const struct pn_design *const pn_designs[] = {&design, &pn_design_mailbox, NULL};
