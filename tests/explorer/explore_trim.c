/* SPDX-License-Identifier: MIT
 *
 * The pool of segments is trimmed to nothing while two others take segments, so that fresh ones
 * come to the list while others leave it: what was taken stays mapped, what went is gone once, and
 * what is left can be taken again.
 */
#include "explorer.h"
#include "runtime/rcu.h"
#include "runtime/reclaim.h"
#include "runtime/segment.h"

enum { TAKERS = 2, TAKES = 2, IDLE = 2 };

static struct pn_reclaimer reclaimer; /* without a thread, and nothing is retired */
static struct pn_segment_pool *pool;
static struct pn_segment *taken[TAKERS][TAKES];

static void take(void *arg) {
    struct pn_segment **mine = taken[(uintptr_t)arg];
    pn_rcu_register();
    for (unsigned i = 0; i < TAKES; i++) {
        mine[i] = pn_segment_get(pool);
        pn_xp_require(mine[i] != NULL);
        mine[i]->retired.bytes = i; /* plain: it is nobody else's */
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
}

static void trim(void *arg) {
    (void)arg;
    pn_segment_pool_trim(&reclaimer, pool, 0);
}

static void setup(void) {
    struct pn_segment *idle[IDLE];
    pn_reclaimer_init(&reclaimer);
    pool = pn_segment_pool_open(&reclaimer, (struct pn_os_node){-1});
    if (pool == NULL) {
        pn_xp_fail("no memory");
    }
    for (unsigned i = 0; i < IDLE; i++) {
        idle[i] = pn_segment_get(pool);
    }
    for (unsigned i = 0; i < IDLE; i++) {
        pn_segment_put(pool, idle[i]);
    }
    for (unsigned i = 0; i < TAKERS; i++) {
        pn_xp_spawn(take, (void *)(uintptr_t)i);
    }
    pn_xp_spawn(trim, NULL);
}

static void check(void) {
    for (unsigned i = 0; i < TAKERS; i++) {
        for (unsigned k = 0; k < TAKES; k++) {
            pn_segment_put(pool, taken[i][k]);
        }
    }
    pn_segment_pool_trim(&reclaimer, pool, 1);
    pn_xp_require(pn_load_rlx(&pool->made) == 1);
    struct pn_segment *kept = pn_segment_get(pool);
    pn_xp_require(kept != NULL && pn_load_rlx(&pool->made) == 1);
    pn_segment_put(pool, kept);
    pn_segment_pool_close(&reclaimer, pool);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "trim", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
