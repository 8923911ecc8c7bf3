/* SPDX-License-Identifier: MIT
 *
 * Lanes: how threads that are no schedulers put jobs in. A lane is an SPSC ring to one core of a
 * domain, which moves what it finds into the domain's queue; so a foreign thread never holds a
 * segment, is never registered with RCU and can be stopped anywhere without holding anything up.
 *
 * Orderings
 *   D1  push into the ring (pn_spsc, S1) -> doorbell bit set (release) -> bits taken (acquire).
 *   D2  doorbell bit set -> fence -> "does the core sleep" (runtime/park.c, P1).
 *   D3  lane made (release) -> lane looked up by its bit (acquire).
 */
#include "runtime/futex.h"
#include "runtime/pool_parts.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

enum { LANE_ITEMS_MAX = 1024, PAUSES = 64, YIELDS = 16 };

int pn_pool_lane_open(struct pn_pool *pool, struct pn_pool_lane **out) {
    uint32_t i = pn_faa_acqrel(&pool->lanes_opened, 1);
    if (i >= pool->n_parts * 64) {
        return -ENOSPC;
    }
    struct pn_pool_lane *lane = aligned_alloc(PN_LINE, (sizeof *lane + PN_LINE - 1) / PN_LINE * PN_LINE);
    if (lane == NULL) {
        return -ENOMEM;
    }
    unsigned core = i % pool->n_parts;
    unsigned bit = i / pool->n_parts;
    struct pn_pool_part *part = &pool->parts[core];
    *lane = (struct pn_pool_lane){
        .pool = pool, .part = part, .shard = part->shard, .bit = (uint64_t)1 << bit};
    uint64_t total = pn_credit_total(lane->shard->credit);
    int rc = pn_spsc_create(&lane->ring, total < LANE_ITEMS_MAX ? (size_t)total : LANE_ITEMS_MAX);
    if (rc != 0) {
        free(lane);
        return rc;
    }
    pn_credit_port_init(&lane->credit, lane->shard->credit);
    /* D3 release: pairs with the load in pn_part_drain_lanes. */
    pn_store_rel(&pool->lane_slots[core * 64 + bit], lane);
    *out = lane;
    return 0;
}

void pn_pool_lane_rest(struct pn_pool_lane *lane) {
    (void)pn_credit_flush(&lane->credit);
}

void pn_pool_lanes_destroy(struct pn_pool *pool) {
    for (size_t i = 0; pool->lane_slots != NULL && i < (size_t)pool->n_parts * 64; i++) {
        struct pn_pool_lane *lane = pn_load_acq(&pool->lane_slots[i]);
        if (lane != NULL) {
            pn_spsc_destroy(lane->ring);
            free(lane);
        }
    }
    free((void *)pool->lane_slots);
}

enum pn_queue_rc pn_pool_lane_submit(struct pn_pool_lane *lane, struct pn_pool_job *jobs,
                                     unsigned n) {
    struct pn_core *core = lane->part->core;
    if (pn_pool_failed(lane->pool)) {
        return PN_QUEUE_CLOSED;
    }
    if (!pn_credit_take(&lane->credit, n)) {
        return PN_QUEUE_FULL;
    }
    if (pn_spsc_push(lane->ring, jobs) != PN_QUEUE_OK) {
        (void)pn_credit_give(&lane->credit, n);
        return PN_QUEUE_FULL;
    }
    /* D1 release: pairs with the exchange in pn_part_drain_lanes. A read-modify-write each time: a
     * plain look at the bit could pass the push in the store buffer, and the item would stay unseen.
     * Whoever found the bit clear rings; until the exchange, that ring stands for later items too. */
    if ((pn_for_acqrel(&core->doorbell, lane->bit) & lane->bit) == 0) {
        /* D2: the fence is in wake. */
        (void)pn_sleepers_wake(&core->rt->sleepers, core->id);
    }
    return PN_QUEUE_OK;
}

void pn_pool_lane_wait_room(struct pn_pool_lane *lane) {
    struct pn_shard *shard = lane->shard;
    (void)pn_credit_flush(&lane->credit);
    for (unsigned i = 0; i < PAUSES; i++) {
        pn_relax();
        if (pn_credit_free(shard->credit) >= shard->room_from) {
            return;
        }
    }
    for (unsigned i = 0; i < YIELDS; i++) {
        (void)sched_yield();
        if (pn_credit_free(shard->credit) >= shard->room_from || pn_pool_failed(lane->pool)) {
            return;
        }
    }
    if (lane->pool->rt->config.idle == PN_IDLE_SPIN) {
        return; /* polls on: then no scheduler ever has to wake anybody */
    }
    uint32_t key = pn_eventcount_prepare(&shard->room);
    if (pn_credit_free(shard->credit) >= shard->room_from || pn_pool_failed(lane->pool)) {
        pn_eventcount_cancel(&shard->room);
        return;
    }
    (void)pn_eventcount_wait(&shard->room, key, PN_FOREVER);
}

static unsigned drain(struct pn_pool_part *part, struct pn_pool_lane *lane, unsigned bit) {
    enum { AT_ONCE = 32 };
    void *items[AT_ONCE];
    size_t n = pn_spsc_pop_n(lane->ring, items, AT_ONCE);
    unsigned own = part->core->domain;
    for (size_t i = 0; i < n; i++) {
        /* Credits were taken when the item entered the lane. Without memory for a segment the core
         * keeps trying: it frees segments itself by taking jobs. */
        while (pn_segq_push(part->ports[own], items[i]) != PN_QUEUE_OK) {
            (void)pn_part_run(part);
        }
    }
    if (n == AT_ONCE) {
        (void)pn_for_acqrel(&part->core->doorbell, (uint64_t)1 << bit); /* D1: there may be more */
    }
    return (unsigned)n;
}

unsigned pn_part_drain_lanes(struct pn_pool_part *part) {
    struct pn_core *core = part->core;
    unsigned own = core->domain;
    if (pn_load_rlx(&core->doorbell) == 0) { /* relaxed: a first look, the exchange decides */
        return 0;
    }
    if (part->ports[own] == NULL &&
        pn_segq_port_open(part->shard->queue, &part->ports[own]) != 0) {
        return 0;
    }
    /* D1 acquire: pairs with the setting of the bit in submit. */
    uint64_t bits = pn_xchg_acqrel(&core->doorbell, 0);
    unsigned n = 0;
    for (; bits != 0; bits &= bits - 1) {
        unsigned bit = (unsigned)__builtin_ctzll(bits);
        /* D3 acquire: pairs with the store in pn_pool_lane_open. */
        struct pn_pool_lane *lane = pn_load_acq(&part->pool->lane_slots[core->id * 64 + bit]);
        if (lane != NULL) {
            n += drain(part, lane, bit);
        }
    }
    part->pushed = part->pushed || n > 0;
    return n;
}
