/* SPDX-License-Identifier: MIT
 *
 * A pool's making, and producing on schedulers.
 *
 * Orderings
 *   O2  a core's bit in `waiting` (read-modify-write), fence of pn_sleepers_prepare, second look at
 *       the credits <-> credits given back (read-modify-write), look at `waiting` (acquire), ring,
 *       whose fence is pn_sleepers_wake's: the core finds the room or is rung.
 *   O5  failed raised (release; pool_worker.c) -> read (acquire): the crash that was one too many.
 *   D1  of pool_lane.c: a look whether a bit is set; the second look of P1 of park.c.
 *   Foreign threads that wait for room: runtime/room.h.
 */
#include "runtime/pool_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct pn_pool_part *part_here(struct pn_pool *pool) {
    return &pool->parts[pn_this_core->id];
}

static bool any_queued(const struct pn_pool_part *part) {
    for (unsigned s = 0; s < part->pool->n_shards; s++) {
        if (part->ports[s] != NULL && pn_segq_seems_nonempty(part->ports[s])) {
            return true;
        }
    }
    return false;
}

static bool part_pending(struct pn_poller *poller) {
    struct pn_pool_part *part = (struct pn_pool_part *)(void *)poller;
    if (part->ready != NULL || pn_inbox_waiting(&part->returned) ||
        (part->waiting != NULL && pn_credit_free(part->shard->credit) >= part->shard->room_from)) {
        return true;
    }
    for (unsigned s = 0; s < part->pool->n_shards; s++) {
        struct pn_shard *shard = &part->pool->shards[s];
        for (unsigned w = 0; w < shard->n_words; w++) {
            /* D1 acquire: pairs with the setting of the bit in pool_lane.c. */
            if (pn_load_acq(&shard->doorbell[w]) != 0) {
                return true;
            }
        }
    }
    return part->free != NULL && (part->aside.n > 0 || any_queued(part));
}

/* Every producer that waits for room at this part, ready on the core that calls. */
static unsigned ready_producers(struct pn_pool_part *part) {
    unsigned id = part->core->id;
    struct pn_task *task = part->waiting;
    part->waiting = NULL;
    part->waiting_end = &part->waiting;
    /* O2: no more; pairs with the look in pn_shard_room. */
    (void)pn_fand_acqrel(&part->shard->waiting[id / 64], ~((uint64_t)1 << (id % 64)));
    unsigned n = 0;
    while (task != NULL) {
        struct pn_task *next = task->next;
        pn_task_ready(task);
        task = next;
        n++;
    }
    return n;
}

/* With fewer workers than cores, a core without one searches in vain: ring one that has. Workers
 * are dealt out from core 0 on. */
void pn_part_wake(struct pn_pool_part *part) {
    const struct pn_pool *pool = part->pool;
    if (pool->n_parts == 1 || !(any_queued(part) || pn_runq_length(part->core->runq) > 0)) {
        return;
    }
    if (pool->config.workers >= pool->n_parts) {
        pn_wake_neighbour();
        return;
    }
    bool rang = false;
    for (unsigned i = 0; !rang && i < pool->config.workers; i++) {
        rang = pn_sleepers_wake(&pool->rt->sleepers, i);
    }
    pn_stats_add(part->core->stats, PN_STAT_WAKE_SENT, rang);
    pn_stats_add(part->core->stats, PN_STAT_SYSCALLS, rang);
}

static unsigned part_rescue(struct pn_poller *poller) {
    struct pn_pool_part *part = (struct pn_pool_part *)(void *)poller;
    unsigned n = pn_part_adopt(part, part_here(part->pool));
    return part->waiting == NULL ? n : n + ready_producers(part);
}

static unsigned part_poll(struct pn_poller *poller) {
    struct pn_pool_part *part = (struct pn_pool_part *)(void *)poller;
    part->look_far = part->core->idle_since != 0 || (++part->polls & (PN_POOL_FAR_EVERY - 1)) == 0;
    pn_part_take_returned(part);
    unsigned n = pn_part_drain_lanes(part);
    if (part->waiting != NULL && pn_credit_free(part->shard->credit) >= part->shard->room_from) {
        n += ready_producers(part);
    }
    n += pn_part_run(part);
    if (part->pushed > 0) {
        part->pushed = 0;
        if (any_queued(part)) {
            pn_part_wake(part);
        }
    }
    return n;
}

void pn_shard_room(struct pn_pool *pool, struct pn_shard *shard) {
    if (shard->n_words > 0 && pn_credit_free(shard->credit) >= shard->room_from) {
        bool rang = pn_room_made(&shard->room);
        pn_stats_add(pn_this_core->stats, PN_STAT_FUTEX_WAKES, rang);
        pn_stats_add(pn_this_core->stats, PN_STAT_SYSCALLS, rang);
    }
    struct pn_runtime *rt = pool->rt;
    for (unsigned base = 0; base < rt->n_cores; base += 64) {
        /* O2 acquire: pairs with the setting of the bit in pn_pool_wait_room. */
        for (uint64_t word = pn_load_acq(&shard->waiting[base / 64]); word != 0; word &= word - 1) {
            bool rang = pn_sleepers_wake(&rt->sleepers, base + (unsigned)__builtin_ctzll(word));
            pn_stats_add(pn_this_core->stats, PN_STAT_SYSCALLS, rang);
        }
    }
}

static void pushed(struct pn_pool_part *part, unsigned items, unsigned jobs) {
    part->pushed += items;
    part->pushed_jobs += jobs;
    part->core->polls_due = part->pushed_jobs >= PN_POOL_TURN;
}

enum pn_queue_rc pn_pool_submit(struct pn_pool *pool, struct pn_pool_job *jobs, unsigned n) {
    struct pn_pool_part *part = part_here(pool);
    unsigned own = pn_this_core->domain;
    if (pn_pool_failed(pool)) {
        return PN_QUEUE_CLOSED;
    }
    if (!pn_credit_take(&part->credit, n)) {
        return PN_QUEUE_FULL;
    }
    if (part->ports[own] == NULL && pn_segq_port_open(part->shard->queue, &part->ports[own]) != 0) {
        (void)pn_credit_give(&part->credit, n);
        return PN_QUEUE_FULL;
    }
    enum pn_queue_rc rc = pn_segq_push(part->ports[own], jobs);
    if (rc != PN_QUEUE_OK) {
        (void)pn_credit_give(&part->credit, n);
        return rc;
    }
    pushed(part, 1, n);
    return PN_QUEUE_OK;
}

enum pn_queue_rc pn_pool_submit_n(struct pn_pool *pool, struct pn_pool_job *const *jobs, unsigned n,
                                  unsigned *done) {
    struct pn_pool_part *part = part_here(pool);
    unsigned own = pn_this_core->domain;
    *done = 0;
    if (pn_pool_failed(pool)) {
        return PN_QUEUE_CLOSED;
    }
    if (part->ports[own] == NULL && pn_segq_port_open(part->shard->queue, &part->ports[own]) != 0) {
        return PN_QUEUE_FULL;
    }
    uint64_t credits = pn_credit_take_some(&part->credit, n);
    if (credits > 0) {
        *done = (unsigned)pn_segq_push_n_credited(part->ports[own], (void *const *)jobs, credits);
        pushed(part, *done, *done);
    }
    if (*done < credits) {
        (void)pn_credit_give(&part->credit, credits - *done);
    }
    return *done == n ? PN_QUEUE_OK : PN_QUEUE_FULL;
}

void pn_pool_wait_room(struct pn_pool *pool, struct pn_task *task) {
    struct pn_pool_part *part = part_here(pool);
    /* Cached credits, too few for this task, must not be missing elsewhere. */
    (void)pn_credit_flush(&part->credit);
    bool was_in_task = pn_core_hold(part->core);
    task->next = NULL;
    if (part->waiting == NULL) {
        unsigned id = part->core->id;
        /* O2: pairs with the load in pn_shard_room. */
        (void)pn_for_acqrel(&part->shard->waiting[id / 64], (uint64_t)1 << (id % 64));
    }
    *part->waiting_end = task;
    part->waiting_end = &task->next;
    pn_core_unhold(part->core, was_in_task);
}

static unsigned cores_of(const struct pn_plan *plan, unsigned core) {
    unsigned n = 0;
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        n += plan->domain_of[i] == plan->domain_of[core];
    }
    return n;
}

static int create_shards(struct pn_pool *pool) {
    const struct pn_plan *plan = pool->rt->config.plan;
    pool->n_shards = plan->n_domains;
    size_t bytes = pool->n_shards * sizeof *pool->shards;
    pool->shards = aligned_alloc(PN_LINE, bytes);
    if (pool->shards == NULL) {
        return -ENOMEM;
    }
    memset((void *)pool->shards, 0, bytes);
    uint64_t each = pool->config.capacity / pool->n_shards;
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < pool->rt->n_cores; i++) {
        struct pn_shard *shard = &pool->shards[plan->domain_of[i]];
        if (shard->queue != NULL) {
            continue;
        }
        int node = plan->schedulers[i].node;
        struct pn_segq_config config = {
            .node.id = node < 0 ? -1 : pool->rt->config.topology->nodes[node].os.id,
            .bursts = true,
            .reclaimer = pool->rt->reclaimer};
        pn_room_init(&shard->room);
        for (unsigned w = 0; w < PN_SLEEPERS_MAX / 64; w++) {
            pn_atomic_init(&shard->waiting[w], 0);
        }
        uint64_t total = each < pool->config.batch ? pool->config.batch : each;
        uint64_t cores = cores_of(plan, i);
        uint64_t items = total / (8 * cores * pool->config.batch);
        shard->ahead = items < PN_POOL_TURN ? items : PN_POOL_TURN;
        shard->withheld = shard->ahead * cores * pool->config.batch;
        total -= shard->withheld;
        shard->room_from = (total + 1) / 2;
        rc = pn_segq_create(&shard->queue, &config);
        if (rc == 0) {
            rc = pn_credit_create(&shard->credit, total, pool->rt->n_cores + pool->config.foreign);
        }
        if (rc == 0) {
            rc = pn_shard_lanes_create(pool, shard);
        }
    }
    return rc;
}

static int create_part(struct pn_pool *pool, unsigned i, uint64_t *next_id) {
    struct pn_pool_part *part = &pool->parts[i];
    unsigned n = pool->n_parts;
    uint64_t share = pool->config.workers / n + (i < pool->config.workers % n);
    part->pool = pool;
    part->core = &pool->rt->cores[i];
    part->shard = &pool->shards[part->core->domain];
    part->burst = PN_POOL_TURN;
    part->ready_end = &part->ready;
    part->waiting_end = &part->waiting;
    part->poller =
        (struct pn_poller){.poll = part_poll, .pending = part_pending, .rescue = part_rescue};
    pn_claims_init(&part->claims);
    pn_inbox_init(&part->returned);
    part->ports = calloc(pool->n_shards, sizeof(struct pn_segq_port *));
    part->foreign_credit = calloc(pool->n_shards, sizeof *part->foreign_credit);
    part->aside.capacity = (size_t)PN_CLAIMS_MAX * (n + 1);
    part->aside.item = calloc(part->aside.capacity, sizeof *part->aside.item);
    if (part->ports == NULL || part->foreign_credit == NULL || part->aside.item == NULL) {
        return -ENOMEM;
    }
    pn_credit_port_init(&part->credit, part->shard->credit);
    for (unsigned s = 0; s < pool->n_shards; s++) {
        pn_credit_port_init(&part->foreign_credit[s], pool->shards[s].credit);
    }
    int rc = pn_part_workers_create(part, *next_id, share);
    *next_id += share;
    pn_poller_register(pool->rt, i, &part->poller);
    return rc;
}

int pn_pool_create(struct pn_pool **out, struct pn_runtime *rt,
                   const struct pn_pool_config *config) {
    if (config->capacity == 0 || config->workers == 0 || config->batch == 0 || config->batch > 32) {
        return -EINVAL;
    }
    struct pn_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return -ENOMEM;
    }
    pool->config = *config;
    pool->rt = rt;
    pool->n_parts = rt->n_cores;
    double per_ns = (double)rt->ticks.per_second * 1e-9;
    pool->taken_ticks = (uint64_t)(PN_POOL_TAKEN_NS * per_ns);
    pool->worth_ticks = (uint64_t)(PN_POOL_WORTH_NS * per_ns);
    pool->long_ticks = (uint64_t)(PN_POOL_LONG_NS * per_ns);
    pn_atomic_init(&pool->failed, 0);
    pn_atomic_init(&pool->lanes_opened, 0);
    pn_intensity_init(&pool->intensity, config->restarts_max, config->restarts_period_ns);
    size_t bytes = pool->n_parts * sizeof *pool->parts;
    pool->parts = aligned_alloc(PN_LINE, bytes);
    int rc = pool->parts == NULL ? -ENOMEM : create_shards(pool);
    if (pool->parts != NULL) {
        memset((void *)pool->parts, 0, bytes);
    }
    uint64_t next_id = 0;
    for (unsigned i = 0; rc == 0 && i < pool->n_parts; i++) {
        rc = create_part(pool, i, &next_id);
    }
    if (rc != 0) {
        pn_pool_destroy(pool);
        return rc;
    }
    *out = pool;
    return 0;
}

void pn_pool_destroy(struct pn_pool *pool) {
    if (pool == NULL) {
        return;
    }
    for (unsigned i = 0; pool->parts != NULL && i < pool->n_parts; i++) {
        struct pn_pool_part *part = &pool->parts[i];
        for (unsigned s = 0; part->ports != NULL && s < pool->n_shards; s++) {
            pn_segq_port_close(part->ports[s]);
        }
        pn_part_workers_destroy(part);
        free((void *)part->ports);
        free((void *)part->aside.item);
        free(part->foreign_credit);
    }
    for (unsigned s = 0; pool->shards != NULL && s < pool->n_shards; s++) {
        pn_shard_lanes_destroy(&pool->shards[s]);
        pn_segq_destroy(pool->shards[s].queue);
        pn_credit_destroy(pool->shards[s].credit);
    }
    free(pool->shards);
    free(pool->parts);
    free(pool);
}

bool pn_pool_failed(const struct pn_pool *pool) {
    return pn_load_acq(&pool->failed) != 0; /* O5 acquire: pairs with the store in pool_worker.c */
}

static void add_counts(struct pn_queue_counts *sum, const struct pn_queue_counts *one) {
    sum->push += one->push;
    sum->pop += one->pop;
    sum->cas_failed += one->cas_failed;
    sum->retries += one->retries;
    sum->full += one->full;
    sum->empty += one->empty;
    if (one->longest_wait > sum->longest_wait) {
        sum->longest_wait = one->longest_wait;
    }
}

void pn_pool_counts(const struct pn_pool *pool, struct pn_pool_counts *out) {
    memset(out, 0, sizeof *out);
    out->shards = pool->n_shards;
    for (unsigned s = 0; s < pool->n_shards; s++) {
        struct pn_segq_memory memory;
        pn_segq_memory(pool->shards[s].queue, &memory);
        out->segments_retired += memory.segments_retired;
        out->segments_recycled += memory.segments_recycled;
        out->capacity += pn_credit_total(pool->shards[s].credit) + pool->shards[s].withheld;
    }
    for (unsigned i = 0; i < pool->n_parts; i++) {
        out->restarts += pool->parts[i].restarts;
        for (unsigned s = 0; s < pool->n_shards; s++) {
            if (pool->parts[i].ports[s] != NULL) {
                struct pn_queue_counts counts;
                pn_segq_counts(pool->parts[i].ports[s], &counts);
                add_counts(&out->queue, &counts);
            }
        }
    }
}
