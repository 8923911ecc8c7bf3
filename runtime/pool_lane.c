/* SPDX-License-Identifier: MIT
 *
 * Lanes: how threads that are no schedulers put jobs in. A lane is an SPSC ring into one cache
 * domain; whichever core of the domain comes by moves what it finds into the domain's queue. So a
 * foreign thread never holds a segment, is never registered with RCU, and can be stopped anywhere
 * without holding anything up but its own lane.
 *
 * Any core of the domain, not one of its own: where producers share CPUs with schedulers, a
 * producer runs exactly while "its" scheduler does not, and what it sends would wait for that one.
 *
 * Orderings
 *   D1  push into the ring, doorbell bit set (release) -> bits taken (acquire): what is in the ring
 *       (S1 of spsc.c) is found by whoever takes the bit.
 *   D2  doorbell bit set -> fence -> "who sleeps": P1 of park.c.
 *   D3  lane made (release) -> lane looked up by its bit (acquire): the lane.
 *   D4  claim given up (release) -> claimed by the next core (acquire): the ring's consumer side.
 */
#include "runtime/futex.h"
#include "runtime/pool_parts.h"
#include "runtime/rcu.h"

#include <errno.h>
#include <stdlib.h>

#if defined(PN_EXPLORE)
enum { LANE_ITEMS_MAX = 1024, PAUSES = 1, AT_ONCE = 1 }; /* every path with a few items */
#else
enum { LANE_ITEMS_MAX = 1024, PAUSES = 64, AT_ONCE = 32 };
#endif

int pn_shard_lanes_create(const struct pn_pool *pool, struct pn_shard *shard) {
    unsigned each = (pool->config.foreign + pool->n_shards - 1) / pool->n_shards;
    shard->n_words = (each + 63) / 64;
    if (shard->n_words > PN_POOL_LANES_MAX / 64) {
        return -ENOSPC;
    }
    for (unsigned w = 0; w < shard->n_words; w++) {
        pn_atomic_init(&shard->doorbell[w], 0);
    }
    if (shard->n_words == 0) {
        return 0;
    }
    shard->lanes = calloc((size_t)shard->n_words * 64, sizeof *shard->lanes);
    return shard->lanes == NULL ? -ENOMEM : 0;
}

void pn_shard_lanes_destroy(struct pn_shard *shard) {
    for (unsigned i = 0; shard->lanes != NULL && i < shard->n_words * 64; i++) {
        struct pn_pool_lane *lane = pn_load_acq(&shard->lanes[i].lane); /* D3 acquire: alone here */
        if (lane != NULL) {
            pn_spsc_destroy(lane->ring);
            free(lane);
        }
    }
    free(shard->lanes);
}

int pn_pool_lane_open(struct pn_pool *pool, struct pn_pool_lane **out) {
    /* D3: a number of its own is all that comes of it; the store below publishes the lane. */
    uint32_t i = pn_faa_acqrel(&pool->lanes_opened, 1);
    if (i >= pool->config.foreign) {
        return -ENOSPC;
    }
    struct pn_pool_lane *lane = aligned_alloc(PN_LINE, sizeof *lane);
    if (lane == NULL) {
        return -ENOMEM;
    }
    struct pn_shard *shard = &pool->shards[i % pool->n_shards];
    unsigned slot = i / pool->n_shards;
    *lane = (struct pn_pool_lane){
        .pool = pool, .shard = shard, .word = slot / 64, .bit = (uint64_t)1 << (slot % 64)};
    pn_atomic_init(&lane->claimed, 0);
    uint64_t total = pn_credit_total(shard->credit);
    int rc = pn_spsc_create(&lane->ring, total < LANE_ITEMS_MAX ? (size_t)total : LANE_ITEMS_MAX);
    if (rc != 0) {
        free(lane);
        return rc;
    }
    pn_credit_port_init(&lane->credit, shard->credit);
    /* D3 release: pairs with the load in empty_word. */
    pn_store_rel(&shard->lanes[slot].lane, lane);
    *out = lane;
    return 0;
}

void pn_pool_lane_rest(struct pn_pool_lane *lane) {
    (void)pn_credit_flush(&lane->credit);
    /* Wake-ups are handed on from one waiter to the next by the jobs that the woken one sends. One
     * that stops instead hands on the wake-up itself: nobody else would. */
    pn_room_pass_on(&lane->shard->room);
}

enum pn_queue_rc pn_pool_lane_submit(struct pn_pool_lane *lane, struct pn_pool_job *jobs,
                                     unsigned n) {
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
    /* D1 release: pairs with the exchange in empty_word. A read-modify-write each time: a plain
     * look at the bit could pass the push in the store buffer, and the item would stay unseen.
     * Whoever found the bit clear rings; until the exchange, that ring stands for later items too.
     */
    struct pn_runtime *rt = lane->pool->rt;
    if ((pn_for_acqrel(&lane->shard->doorbell[lane->word], lane->bit) & lane->bit) == 0) {
        /* D2: the fence is in wake_one. */
        (void)pn_sleepers_wake_one(&rt->sleepers, 0, rt->n_cores);
    }
    return PN_QUEUE_OK;
}

static bool room_is_made(const struct pn_pool_lane *lane) {
    return pn_credit_free(lane->shard->credit) >= lane->shard->room_from ||
           pn_pool_failed(lane->pool);
}

void pn_pool_lane_wait_room(struct pn_pool_lane *lane) {
    struct pn_shard *shard = lane->shard;
    (void)pn_credit_flush(&lane->credit);
    for (unsigned i = 0; i < PAUSES; i++) {
        if (room_is_made(lane)) {
            return;
        }
        pn_relax();
    }
    if (lane->pool->rt->config.idle == PN_IDLE_SPIN) {
        return; /* polls on: then no scheduler ever has to wake anybody */
    }
    uint32_t key = pn_room_prepare(&shard->room);
    if (room_is_made(lane)) {
        pn_room_cancel(&shard->room);
    } else {
        pn_room_wait(&shard->room, key);
    }
}

/* Move up to AT_ONCE items; the claim makes this core the ring's only consumer. */
static unsigned empty_lane(struct pn_pool_part *part, unsigned s, struct pn_pool_lane *lane) {
    uint32_t free_lane = 0;
    PN_ATOMIC(uint64_t) *doorbell = &lane->shard->doorbell[lane->word];
    /* D4 acquire: pairs with the store below. */
    if (!pn_cas_acqrel(&lane->claimed, &free_lane, 1)) {
        (void)pn_for_acqrel(doorbell, lane->bit); /* D1: the bit was taken for nothing */
        return 0;
    }
    void *items[AT_ONCE];
    size_t n = pn_spsc_pop_n(lane->ring, items, AT_ONCE);
    /* D4 release: pairs with the compare-and-swap above. */
    pn_store_rel(&lane->claimed, 0);
    if (n == AT_ONCE) {
        (void)pn_for_acqrel(doorbell, lane->bit); /* D1: there may be more */
    }
    /* Credits were taken when the item entered the lane. Without memory for a segment the core
     * makes room by taking jobs. RCU: no segment is held here, and what fills the bound on retired
     * segments may be waiting for this very core. */
    for (size_t done = 0; done < n;) {
        size_t in = pn_segq_push_n_credited(part->ports[s], items + done, n - done);
        done += in;
        if (in == 0) {
            (void)pn_part_run(part);
            pn_rcu_quiescent();
        }
    }
    return (unsigned)n;
}

static unsigned empty_word(struct pn_pool_part *part, unsigned s, unsigned w) {
    struct pn_shard *shard = &part->pool->shards[s];
    if (pn_load_rlx(&shard->doorbell[w]) == 0) { /* relaxed: a first look, the exchange decides */
        return 0;
    }
    unsigned n = 0;
    /* D1 acquire: pairs with the setting of the bit in submit. */
    for (uint64_t bits = pn_xchg_acqrel(&shard->doorbell[w], 0); bits != 0; bits &= bits - 1) {
        unsigned slot = w * 64 + (unsigned)__builtin_ctzll(bits);
        /* D3 acquire: pairs with the store in pn_pool_lane_open. */
        n += empty_lane(part, s, pn_load_acq(&shard->lanes[slot].lane));
    }
    return n;
}

static unsigned drain_shard(struct pn_pool_part *part, unsigned s) {
    struct pn_shard *shard = &part->pool->shards[s];
    if (shard->n_words == 0 ||
        (part->ports[s] == NULL && pn_segq_port_open(shard->queue, &part->ports[s]) != 0)) {
        return 0;
    }
    unsigned n = 0;
    for (unsigned w = 0; w < shard->n_words; w++) {
        n += empty_word(part, s, w);
    }
    return n;
}

unsigned pn_part_drain_lanes(struct pn_pool_part *part) {
    unsigned own = part->core->domain;
    unsigned n = drain_shard(part, own);
    /* A core that has nothing to do counts as searching, and then a lane rings nobody else,
     * whatever its domain. */
    for (unsigned k = 1; part->look_far && k < part->pool->n_shards; k++) {
        n += drain_shard(part, (own + k) % part->pool->n_shards);
    }
    part->pushed += n;
    return n;
}
