/* SPDX-License-Identifier: MIT
 *
 * `shared`: one admission queue per cache domain (pn_segq with credit), any worker takes; payloads
 * travel by reference and go home in batches.
 */
#include "engine.h"

#include <errno.h>
#include <pinion/pool.h>
#include <stdlib.h>

struct shared {
    struct pn_pool *pool;
    struct pn_bench *bench;
};

static struct shared *state_of(const struct pn_bench *b) {
    return b->design_state;
}

static enum pn_job_rc run(struct pn_worker *worker, struct pn_pool_job *link) {
    struct pn_bench *b = pn_worker_context(worker);
    uint64_t sleep_ns = 0;
    enum pn_job_rc rc = pn_job_run(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(),
                                   (struct pn_job *)link, pn_worker_id(worker), &sleep_ns);
    if (rc == PN_JOB_SLEEP) {
        pn_worker_sleep_ns(worker, sleep_ns);
    }
    return rc;
}

static void resume(struct pn_worker *worker, struct pn_pool_job *link) {
    struct pn_bench *b = pn_worker_context(worker);
    pn_job_finish(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(), (struct pn_job *)link,
                  pn_worker_id(worker), pn_worker_slept_ns(worker));
}

static void restarted(struct pn_worker *worker, uint64_t down_ns) {
    struct pn_bench *b = pn_worker_context(worker);
    pn_tally_restarted(&b->round, &b->tallies[pn_this_core_id()], pn_worker_id(worker), down_ns);
}

static int create(struct pn_bench *b) {
    const struct pn_params *p = b->params;
    bool threads = p->producers_as == PN_PRODUCERS_THREAD;
    struct pn_pool_config config = {.capacity = p->queue,
                                    .workers = p->workers,
                                    .foreign = threads ? (uint32_t)p->producers : 0,
                                    .batch = (uint32_t)p->batch,
                                    .state_bytes = 64,
                                    .restarts_max = p->restarts_max,
                                    .restarts_period_ns = p->restarts_period_ms * 1000000,
                                    .context = b,
                                    .run = run,
                                    .resume = resume,
                                    .restarted = restarted};
    struct shared *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return -ENOMEM;
    }
    s->bench = b;
    int rc = pn_pool_create(&s->pool, b->rt, &config);
    if (rc != 0) {
        free(s);
        return rc;
    }
    b->design_state = s;
    return 0;
}

static void destroy(struct pn_bench *b) {
    pn_pool_destroy(state_of(b)->pool);
    free(b->design_state);
    b->design_state = NULL;
}

static enum pn_queue_rc submit(struct pn_producer *p, struct pn_job *jobs, unsigned n) {
    return pn_pool_submit(state_of(p->bench)->pool, &jobs->link, n);
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
    out->queue_effective = counts.capacity;
    out->shards = counts.shards;
    out->segments_retired = counts.segments_retired;
    out->segments_recycled = counts.segments_recycled;
}

static bool failed(const struct pn_bench *b) {
    return pn_pool_failed(state_of(b)->pool);
}

static const struct pn_design design = {.name = "shared",
                                        .queue_kind = "segq",
                                        .payload_mode = "reference",
                                        .turn = 16,
                                        .create = create,
                                        .destroy = destroy,
                                        .submit = submit,
                                        .wait_room = wait_room,
                                        .open_lane = open_lane,
                                        .rest_lane = rest_lane,
                                        .submit_foreign = submit_foreign,
                                        .wait_room_foreign = wait_room_foreign,
                                        .report = report,
                                        .failed = failed};

extern const struct pn_design pn_design_mailbox;

const struct pn_design *const pn_designs[] = {&design, &pn_design_mailbox, NULL};
