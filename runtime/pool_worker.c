/* SPDX-License-Identifier: MIT
 *
 * Workers: taking jobs, sleeping, crashing, starting again.
 */
#include "runtime/pool_parts.h"

#include <errno.h>
#include <pinion/clock.h>
#include <stdlib.h>
#include <string.h>

uint64_t pn_worker_id(const struct pn_worker *worker) {
    return worker->part->first_id + (uint64_t)(worker - worker->part->workers);
}

void *pn_worker_state(const struct pn_worker *worker) {
    const struct pn_pool_part *part = worker->part;
    return part->states == NULL
               ? NULL
               : part->states + (size_t)(worker - part->workers) * part->state_bytes;
}

void *pn_worker_context(const struct pn_worker *worker) {
    return worker->part->pool->config.context;
}

void pn_worker_sleep_ns(struct pn_worker *worker, uint64_t ns) {
    worker->part->sleep_ns = ns;
}

uint64_t pn_worker_slept_ns(const struct pn_worker *worker) {
    return worker->part->slept_ns;
}

static void list_ready(struct pn_pool_part *part, struct pn_worker *worker) {
    worker->next = NULL;
    *part->ready_end = worker;
    part->ready_end = &worker->next;
}

static void woke(struct pn_timer *timer) {
    struct pn_worker *worker =
        (struct pn_worker *)(void *)((char *)timer - offsetof(struct pn_worker, timer));
    list_ready(worker->part, worker);
}

static void fall_asleep(struct pn_worker *worker) {
    worker->slept_from_ns = pn_now_ns();
    worker->timer.fn = woke;
    pn_wheel_add(&worker->part->core->wheel, &worker->timer,
                 worker->slept_from_ns + worker->part->sleep_ns);
}

/* The supervisor, one_for_one: what the worker had is dropped, a new one takes its place. The rest
 * of its item is not lost: it had not been started. */
static void restart(struct pn_worker *worker, uint64_t crashed_ns) {
    struct pn_pool_part *part = worker->part;
    struct pn_pool *pool = part->pool;
    worker->job = NULL;
    if (part->states != NULL) {
        memset(pn_worker_state(worker), 0, part->state_bytes);
    }
    uint64_t now = pn_now_ns();
    part->restarts++;
    pn_stats_add(part->core->stats, PN_STAT_CRASHES, 1);
    pn_stats_add(part->core->stats, PN_STAT_RESTARTS, 1);
    if (pn_intensity_exceeded(&pool->intensity, now)) {
        pn_store_rel(&pool->failed, 1);
        for (unsigned s = 0; s < pool->n_shards; s++) {
            (void)pn_eventcount_notify(&pool->shards[s].room, true);
        }
    }
    if (pool->config.restarted != NULL) {
        pool->config.restarted(worker, now - crashed_ns);
    }
}

/* Run jobs until the item is finished or the worker sleeps. \return true if the worker is free */
static bool run_item(struct pn_worker *worker) {
    const struct pn_pool_config *config = &worker->part->pool->config;
    while (worker->rest != NULL) {
        worker->job = worker->rest;
        worker->rest = worker->job->next;
        enum pn_job_rc rc = config->run(worker, worker->job);
        if (rc == PN_JOB_SLEEP) {
            fall_asleep(worker);
            return false;
        }
        if (rc == PN_JOB_CRASH) {
            restart(worker, pn_now_ns());
        }
        worker->job = NULL;
    }
    return true;
}

static unsigned run_ready(struct pn_pool_part *part) {
    unsigned n = 0;
    while (part->ready != NULL && n < PN_POOL_TURN) {
        struct pn_worker *worker = part->ready;
        part->ready = worker->next;
        if (part->ready == NULL) {
            part->ready_end = &part->ready;
        }
        if (worker->job != NULL) {
            part->slept_ns = pn_now_ns() - worker->slept_from_ns;
            part->pool->config.resume(worker, worker->job);
            worker->job = NULL;
        }
        if (run_item(worker)) {
            worker->next = part->free;
            part->free = worker;
        }
        n++;
    }
    return n;
}

/* How many jobs an item holds is how many credits come back. */
static unsigned length(const struct pn_pool_job *job) {
    unsigned n = 0;
    for (; job != NULL; job = job->next) {
        n++;
    }
    return n;
}

static struct pn_pool_job *take(struct pn_pool_part *part, unsigned s) {
    struct pn_shard *shard = &part->pool->shards[s];
    if (part->ports[s] == NULL && pn_segq_port_open(shard->queue, &part->ports[s]) != 0) {
        return NULL;
    }
    void *item = NULL;
    bool own = shard == part->shard;
    struct pn_credit_port *credit = own ? &part->credit : &part->foreign_credit[s];
    if (pn_segq_pop(part->ports[s], &item) != PN_QUEUE_OK) {
        if (pn_credit_flush(credit)) {
            pn_shard_room(part->pool, shard);
        }
        return NULL;
    }
    unsigned n = ((struct pn_pool_job *)item)->next == NULL ? 1 : length(item);
    if (pn_credit_give(credit, n)) {
        pn_shard_room(part->pool, shard);
    }
    return item;
}

static struct pn_pool_job *take_anywhere(struct pn_pool_part *part) {
    unsigned own = part->core->domain;
    struct pn_pool_job *jobs = take(part, own);
    /* Another domain's queue: its lines and the jobs' memory are far. */
    for (unsigned k = 1; jobs == NULL && part->look_far && k < part->pool->n_shards; k++) {
        jobs = take(part, (own + k) % part->pool->n_shards);
    }
    return jobs;
}

unsigned pn_part_run(struct pn_pool_part *part) {
    unsigned n = run_ready(part);
    while (n < PN_POOL_TURN && part->free != NULL && !pn_pool_failed(part->pool)) {
        struct pn_pool_job *jobs = take_anywhere(part);
        if (jobs == NULL) {
            return n;
        }
        struct pn_worker *worker = part->free;
        part->free = worker->next;
        worker->rest = jobs;
        if (run_item(worker)) {
            worker->next = part->free;
            part->free = worker;
        }
        n++;
        if (pn_slice_over()) {
            break;
        }
    }
    return n;
}

int pn_part_workers_create(struct pn_pool_part *part, uint64_t first_id, uint64_t n) {
    part->state_bytes = (part->pool->config.state_bytes + 15) & ~(size_t)15;
    part->workers = calloc(n + 1, sizeof *part->workers);
    part->states = part->state_bytes == 0 ? NULL : calloc(n + 1, part->state_bytes);
    if (part->workers == NULL || (part->state_bytes != 0 && part->states == NULL)) {
        return -ENOMEM;
    }
    part->n_workers = n;
    part->first_id = first_id;
    for (uint64_t i = n; i-- > 0;) {
        struct pn_worker *worker = &part->workers[i];
        worker->part = part;
        worker->next = part->free;
        part->free = worker;
    }
    return 0;
}

void pn_part_workers_destroy(struct pn_pool_part *part) {
    free(part->states);
    free(part->workers);
}
