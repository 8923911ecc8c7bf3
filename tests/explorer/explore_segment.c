/* SPDX-License-Identifier: MIT
 *
 * The pool of segments: two readers take segments, write into them and retire them, while the
 * reclaimer gives them back after grace periods and trims. No segment is anybody's twice, and none
 * is touched after it was unmapped.
 */
#include "explorer.h"
#include "runtime/rcu.h"
#include "runtime/reclaim.h"
#include "runtime/segment.h"

enum { TAKERS = 2, TAKES = 3 };

static struct pn_reclaimer reclaimer;
static struct pn_segment_pool *pool;
static PN_ATOMIC(uint32_t) ended;

static void give_back(struct pn_retired *piece, void *context) {
    (void)context;
    pn_segment_put(pool, (struct pn_segment *)(void *)piece);
}

static void take(void *arg) {
    uint64_t mark = *(const uint64_t *)arg;
    pn_rcu_register();
    for (unsigned i = 0; i < TAKES; i++) {
        struct pn_segment *s = pn_segment_get(pool);
        pn_xp_require(s != NULL);
        pn_store_rlx(&s->enq, mark);
        pn_relax();
        pn_xp_require(pn_load_rlx(&s->enq) == mark);
        s->retired = (struct pn_retired){.fn = give_back, .bytes = 1};
        pn_reclaimer_retire(&reclaimer, &s->retired);
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void reclaim(void *arg) {
    (void)arg;
    while (pn_load_acq(&ended) < TAKERS) {
        (void)pn_reclaimer_round(&reclaimer);
        pn_segment_pool_trim(&reclaimer, pool, (uint64_t)pn_xp_choose(2));
        pn_relax();
    }
    (void)pn_reclaimer_round(&reclaimer);
}

static void setup(void) {
    static const uint64_t marks[TAKERS] = {1, 2};
    pn_reclaimer_init(&reclaimer);
    pool = pn_segment_pool_open(&reclaimer, (struct pn_os_node){-1});
    if (pool == NULL) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&ended, 0);
    for (unsigned i = 0; i < TAKERS; i++) {
        pn_xp_spawn(take, (void *)(uintptr_t)&marks[i]);
    }
    pn_xp_spawn(reclaim, NULL);
}

static void check(void) {
    pn_xp_require(pn_load_rlx(&pool->taken) == 0);
    pn_segment_pool_trim(&reclaimer, pool, 1);
    pn_xp_require(pn_load_rlx(&pool->made) <= 1);
    struct pn_segment *kept = pn_segment_get(pool); /* it is in the pool, not lost */
    pn_xp_require(kept != NULL && pn_load_rlx(&pool->made) == 1);
    pn_segment_put(pool, kept);
    pn_segment_pool_close(&reclaimer, pool);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "segment", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
