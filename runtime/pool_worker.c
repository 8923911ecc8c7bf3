/* SPDX-License-Identifier: MIT
 *
 * Workers: taking jobs, sleeping, crashing, starting again.
 *
 * A worker that was asleep while its core got stuck is adopted by the rescuer, finishes its item
 * there and goes home: W and the share of each core stay what they are.
 *
 * Orderings
 *   O4  worker pushed to its home's `returned` -> taken there: runtime/inbox.h, I1.
 *   O5  of pool.c: failed raised.
 */
#include "runtime/pool_parts.h"

#include <errno.h>
#include <pinion/clock.h>
#include <stdlib.h>
#include <string.h>

uint64_t pn_worker_id(const struct pn_worker *worker) {
    return worker->home->first_id + (uint64_t)(worker - worker->home->workers);
}

void *pn_worker_state(const struct pn_worker *worker) {
    const struct pn_pool_part *home = worker->home;
    return home->states == NULL
               ? NULL
               : home->states + (size_t)(worker - home->workers) * home->state_bytes;
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
    struct pn_core *core = worker->part->core;
    worker->slept_from_ns = pn_now_ns();
    worker->timer.fn = woke;
    bool was_in_task = pn_core_hold(core);
    pn_wheel_add(&core->wheel, &worker->timer, worker->slept_from_ns + worker->part->sleep_ns);
    pn_core_unhold(core, was_in_task);
}

/* The worker has nothing in hand. */
static void set_free(struct pn_worker *worker) {
    struct pn_pool_part *part = worker->part;
    struct pn_pool_part *home = worker->home;
    if (home == part) {
        worker->next = part->free;
        part->free = worker;
        part->n_free++;
        return;
    }
    worker->part = home;
    (void)pn_inbox_push(&home->returned, &worker->back, &worker->back); /* O4 */
    bool rang = pn_sleepers_wake(&part->core->rt->sleepers, home->core->id);
    pn_stats_add(part->core->stats, PN_STAT_WAKE_SENT, rang);
    pn_stats_add(part->core->stats, PN_STAT_SYSCALLS, rang);
}

void pn_part_take_returned(struct pn_pool_part *part) {
    struct pn_link *link = pn_inbox_take(&part->returned); /* O4 */
    while (link != NULL) {
        struct pn_worker *worker =
            (struct pn_worker *)(void *)((char *)link - offsetof(struct pn_worker, back));
        link = link->next;
        set_free(worker);
    }
}

/* Holding the lease, as in take_aside. Capacity is the caller's to know. */
static void put_aside(struct pn_aside *aside, void *const *items, size_t n) {
    if (aside->first > 0) {
        memmove((void *)aside->item, (void *)(aside->item + aside->first),
                aside->n * sizeof *aside->item);
        aside->first = 0;
    }
    memcpy((void *)(aside->item + aside->n), (void *)items, n * sizeof *items);
    aside->n += n;
}

static size_t take_aside(struct pn_aside *aside, void **items, size_t most) {
    size_t n = aside->n < most ? aside->n : most;
    memcpy((void *)items, (void *)(aside->item + aside->first), n * sizeof *items);
    aside->n -= n;
    aside->first = aside->n == 0 ? 0 : aside->first + n;
    return n;
}

static void adopt(struct pn_pool_part *here, struct pn_worker *worker) {
    worker->part = here;
    list_ready(here, worker);
}

/* Items that a stuck core took off the queue: aside here, for this core's workers. If there is no
 * room for all that may be there, they stay. */
static unsigned adopt_items(struct pn_pool_part *stuck, struct pn_pool_part *here) {
    if (here->aside.n + stuck->aside.n + PN_CLAIMS_MAX > here->aside.capacity) {
        return 0;
    }
    uint64_t first = 0;
    uint64_t end = pn_claims_revoke(&stuck->claims, &first);
    put_aside(&here->aside, stuck->claims.item + first, end - first);
    pn_stats_add(here->core->stats, PN_STAT_SYSCALLS, 1);
    size_t n = stuck->aside.n;
    put_aside(&here->aside, stuck->aside.item + stuck->aside.first, n);
    stuck->aside.n = stuck->aside.first = 0;
    return (unsigned)(end - first + n);
}

unsigned pn_part_adopt(struct pn_pool_part *stuck, struct pn_pool_part *here) {
    unsigned n = 0;
    while (stuck->ready != NULL) {
        struct pn_worker *worker = stuck->ready;
        stuck->ready = worker->next;
        adopt(here, worker);
        n++;
    }
    stuck->ready_end = &stuck->ready;
    return here->core->rt->membarrier ? n + adopt_items(stuck, here) : n;
}

/* The supervisor, one_for_one: what the worker had is dropped, a new one takes its place. The rest
 * of its item is not lost: it had not been started. */
static void restart(struct pn_worker *worker, uint64_t crashed_ns) {
    struct pn_pool_part *part = worker->part;
    struct pn_pool *pool = part->pool;
    worker->job = NULL;
    if (pn_worker_state(worker) != NULL) {
        memset(pn_worker_state(worker), 0, worker->home->state_bytes);
    }
    uint64_t now = pn_now_ns();
    part->restarts++;
    pn_stats_add(part->core->stats, PN_STAT_CRASHES, 1);
    pn_stats_add(part->core->stats, PN_STAT_RESTARTS, 1);
    if (pn_intensity_exceeded(&pool->intensity, now)) {
        pn_store_rel(&pool->failed, 1); /* O5 release: pairs with the load in pool.c */
        for (unsigned s = 0; s < pool->n_shards; s++) {
            pn_room_end(&pool->shards[s].room);
        }
    }
    if (pool->config.restarted != NULL) {
        pool->config.restarted(worker, now - crashed_ns);
    }
}

/* What a handler answered. \return true if the worker can take the next job */
static bool settle(struct pn_worker *worker, enum pn_job_rc rc) {
    if (rc == PN_JOB_CRASH || rc == PN_JOB_CRASH_WAIT) {
        restart(worker, pn_now_ns());
    }
    if (rc == PN_JOB_SLEEP || rc == PN_JOB_CRASH_WAIT) {
        fall_asleep(worker);
        return false;
    }
    if (rc == PN_JOB_YIELD) {
        bool was_in_task = pn_core_hold(worker->part->core);
        list_ready(worker->part, worker);
        pn_core_unhold(worker->part->core, was_in_task);
        return false;
    }
    worker->job = NULL;
    return true;
}

/* Run jobs until the item is finished or the worker sleeps. \return true if the worker is free */
static bool run_item(struct pn_worker *worker) {
    const struct pn_pool_config *config = &worker->part->pool->config;
    while (worker->rest != NULL) {
        worker->job = worker->rest;
        worker->rest = worker->job->next;
        if (!settle(worker, config->run(worker, worker->job))) {
            return false;
        }
    }
    return true;
}

/* A worker that is ready has slept, or made way for others. \return true if it can go on */
static bool end_wait(struct pn_worker *worker) {
    if (worker->slept_from_ns == 0) {
        return settle(worker, worker->part->pool->config.go_on(worker, worker->job));
    }
    worker->part->slept_ns = pn_now_ns() - worker->slept_from_ns;
    worker->slept_from_ns = 0;
    return settle(worker, worker->part->pool->config.resume(worker, worker->job));
}

static unsigned run_ready(struct pn_pool_part *part) {
    unsigned n = 0;
    /* Who makes way again goes behind the queue, not only behind who is ready. */
    struct pn_worker **end = part->ready_end;
    for (bool last = false; part->ready != NULL && n < PN_POOL_TURN && !last;) {
        struct pn_worker *worker = part->ready;
        last = end == &worker->next;
        part->ready = worker->next;
        if (part->ready == NULL) {
            part->ready_end = &part->ready;
        }
        pn_core_enter_task(part->core);
        if (end_wait(worker) && run_item(worker)) {
            set_free(worker);
        }
        pn_core_leave_task(part->core);
        n++;
    }
    return n;
}

void pn_pool_end_idle(struct pn_pool *pool, enum pn_job_rc (*ends)(struct pn_worker *worker)) {
    struct pn_pool_part *part = &pool->parts[pn_this_core->id];
    struct pn_worker **link = &part->free;
    while (*link != NULL) {
        struct pn_worker *worker = *link;
        struct pn_worker *next = worker->next; /* asleep, it may be another core's at once */
        if (settle(worker, ends(worker))) {
            link = &worker->next;
        } else {
            *link = next;
            part->n_free--;
        }
    }
}

/* How many jobs an item holds is how many credits come back. */
static unsigned length(const struct pn_pool_job *job) {
    unsigned n = 0;
    for (; job != NULL; job = job->next) {
        n++;
    }
    return n;
}

static size_t take(struct pn_pool_part *part, unsigned s, void **items, size_t most) {
    struct pn_shard *shard = &part->pool->shards[s];
    if (part->ports[s] == NULL && pn_segq_port_open(shard->queue, &part->ports[s]) != 0) {
        return 0;
    }
    bool own = shard == part->shard;
    struct pn_credit_port *credit = own ? &part->credit : &part->foreign_credit[s];
    size_t found = pn_segq_pop_n(part->ports[s], items, most);
    if (found == 0) {
        if (pn_credit_flush(credit)) {
            pn_shard_room(part->pool, shard);
        }
        return 0;
    }
    unsigned n = 0;
    for (size_t i = 0; i < found; i++) {
        n += length(items[i]);
    }
    if (pn_credit_give(credit, n)) {
        pn_shard_room(part->pool, shard);
    }
    return found;
}

static size_t take_anywhere(struct pn_pool_part *part, void **items, size_t most) {
    unsigned own = part->core->domain;
    size_t n = take(part, own, items, most);
    /* Another domain's queue: its lines and the jobs' memory are far. */
    most = most < part->n_free ? most : (size_t)part->n_free; /* nothing ahead from there */
    for (unsigned k = 1; n == 0 && part->look_far && k < part->pool->n_shards; k++) {
        n = take(part, (own + k) % part->pool->n_shards, items, most);
    }
    return n;
}

static struct pn_worker *employ(struct pn_pool_part *part, void *item) {
    struct pn_worker *worker = part->free;
    part->free = worker->next;
    part->n_free--;
    worker->rest = item;
    return worker;
}

static void work(struct pn_worker *worker) {
    if (run_item(worker)) {
        set_free(worker);
    }
}

/* No worker is free for items [i, end): they come first when one is. */
__attribute__((noinline)) static void leave_claims(struct pn_pool_part *part, uint64_t i) {
    bool was_in_task = pn_core_hold(part->core);
    uint64_t end = pn_claims_end(&part->claims);
    if (i < end) {
        put_aside(&part->aside, part->claims.item + i, end - i);
    }
    pn_core_unhold(part->core, was_in_task);
    part->prudent = PN_POOL_PRUDENT;
}

/* Several items, one after the other; a rescuer may take over those not started. */
static void work_claims(struct pn_pool_part *part, uint64_t n) {
    struct pn_claims *claims = &part->claims;
    pn_claims_publish(claims, n);
    for (uint64_t i = 0; i < n; i++) {
        if (part->free == NULL) {
            leave_claims(part, i);
            return;
        }
        if (!pn_claims_start(claims, n, i)) {
            bool was_in_task = pn_core_hold(part->core);
            n = pn_claims_settle(claims, i);
            pn_core_unhold(part->core, was_in_task);
            if (i >= n) {
                break;
            }
        }
        work(employ(part, claims->item[i]));
    }
}

/* With one operation on the queue; one item where claims could not be revoked. */
static size_t how_many(const struct pn_pool_part *part, unsigned left) {
    size_t most = part->n_free;
    /* Ahead only while no worker sleeps or has made way: the next to do so may be the last. */
    if (most == part->n_workers && part->prudent == 0 && most < PN_POOL_TURN) {
        most += part->shard->ahead;
    }
    most = most < left ? most : left;
    most = most < part->burst ? most : part->burst;
    return part->core->rt->membarrier ? most : 1;
}

/* Producers have run here. If this core is about to be away for long, somebody may take over what
 * it leaves: jobs in the queue, a producer in the run queue. Not while it measures what a job takes
 * when the core is left alone. */
static void before_work(struct pn_pool_part *part, size_t found) {
    struct pn_core *core = part->core;
    bool away = found > 0 && (part->job_ticks > part->pool->long_ticks ||
                              (part->visits % PN_POOL_QUIET_EVERY >= PN_POOL_QUIET &&
                               part->alone_ticks > part->pool->worth_ticks));
    /* relaxed: thieves guess by it. */
    pn_store_rlx(&core->serves_from, away ? 1 : part->visit_from);
    if (away) {
        part->pushed = 0;
        pn_part_wake(part);
    }
}

/* The visit ran n jobs. */
static void learn(struct pn_pool_part *part, unsigned n) {
    uint64_t each = (pn_ticks_now() - part->visit_from) / n;
    part->job_ticks = (3 * part->job_ticks + each) / 4 + 1;
    uint64_t fit = part->pool->taken_ticks / part->job_ticks;
    part->burst = fit < 1 ? 1 : fit < PN_POOL_TURN ? (unsigned)fit : PN_POOL_TURN;
    unsigned phase = part->visits++ % PN_POOL_QUIET_EVERY;
    if (phase < PN_POOL_QUIET) {
        part->least_ticks = phase == 0 || each < part->least_ticks ? each : part->least_ticks;
        if (phase == PN_POOL_QUIET - 1) {
            part->alone_ticks = part->least_ticks;
        }
    }
}

static void run_taken(struct pn_pool_part *part, size_t found) {
    if (!part->core->in_task) {
        /* Once per visit: queue, `free` and claims need no lease. */
        pn_core_enter_task(part->core);
    }
    if (found == 1) {
        work(employ(part, part->claims.item[0]));
    } else {
        work_claims(part, found);
    }
}

static unsigned run_queued(struct pn_pool_part *part, unsigned most) {
    unsigned n = 0;
    while (n < most && part->free != NULL && !pn_pool_failed(part->pool)) {
        /* The claims are all started or ended: their list is free. */
        void **items = part->claims.item;
        size_t want = how_many(part, most - n);
        /* While the lease is not lent: else a rescuer may be there. */
        bool old = !part->core->in_task && part->aside.n > 0;
        size_t found =
            old ? take_aside(&part->aside, items, want) : take_anywhere(part, items, want);
        if (found == 0) {
            break;
        }
        if (part->pushed > 0) {
            before_work(part, found);
        }
        run_taken(part, found);
        n += (unsigned)found;
        /* Timers are looked at between long jobs: a producer may be due. */
        if (old || pn_slice_over() || (part->burst == 1 && part->core->slice_end != PN_NO_TIMERS)) {
            break;
        }
    }
    return n;
}

unsigned pn_part_run(struct pn_pool_part *part) {
    unsigned n = run_ready(part);
    /* Nobody here will find the queue empty (take), so credits that are kept from sending must go
     * back now: another core's batch may need every one of them. */
    if (part->free == NULL && pn_credit_flush(&part->credit)) {
        pn_shard_room(part->pool, part->shard);
    }
    part->prudent -= part->prudent > 0;
    /* What was made here, if that is a visit's worth: one more taking would find nothing, or what
     * the next core has just made. */
    unsigned most = part->pushed_jobs < PN_POOL_TURN   ? PN_POOL_TURN
                    : part->pushed < PN_POOL_VISIT_MAX ? part->pushed
                                                       : PN_POOL_VISIT_MAX;
    part->pushed_jobs = 0;
    if (n < most) {
        part->visit_from = pn_ticks_now();
        unsigned ran = run_queued(part, most - n);
        if (ran > 0) {
            learn(part, ran);
        }
        n += ran;
    }
    if (part->core->in_task) {
        pn_core_leave_task(part->core);
    }
    return n;
}

/* On lines of its own: each core writes its workers with every job. */
static void *zeroed_lines(size_t bytes) {
    bytes = (bytes + PN_LINE - 1) & ~(PN_LINE - (size_t)1);
    void *lines = aligned_alloc(PN_LINE, bytes);
    return lines == NULL ? NULL : memset(lines, 0, bytes);
}

int pn_part_workers_create(struct pn_pool_part *part, uint64_t first_id, uint64_t n) {
    part->state_bytes = (part->pool->config.state_bytes + 15) & ~(size_t)15;
    part->workers = zeroed_lines((n + 1) * sizeof *part->workers);
    part->states = part->state_bytes == 0 ? NULL : zeroed_lines((n + 1) * part->state_bytes);
    if (part->workers == NULL || (part->state_bytes != 0 && part->states == NULL)) {
        return -ENOMEM;
    }
    part->n_workers = part->n_free = n;
    part->first_id = first_id;
    for (uint64_t i = n; i-- > 0;) {
        struct pn_worker *worker = &part->workers[i];
        worker->part = worker->home = part;
        worker->next = part->free;
        part->free = worker;
    }
    return 0;
}

void pn_part_workers_destroy(struct pn_pool_part *part) {
    free(part->states);
    free(part->workers);
}
