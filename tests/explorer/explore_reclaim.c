/* SPDX-License-Identifier: MIT
 *
 * A reclaimer with its thread, as it ships: a reader, two that retire (one of them not registered
 * with RCU, as who closes a port may be), and an owner that waits at the barrier and then ends it.
 * A piece is handed on once, after every reader that could see it is past it, and before the
 * barrier lets go.
 */
#include "explorer.h"
#include "runtime/rcu.h"
#include "runtime/reclaim.h"

struct piece {
    struct pn_retired retired;
    unsigned value;
};

static struct pn_reclaimer *reclaimer;
static PN_ATOMIC(struct piece *) shared;
static PN_ATOMIC(uint32_t) gone, retired;
static unsigned handed_on; /* plain: the reclaimer's, and the owner's after the barrier */

static void hand_on(struct pn_retired *piece, void *context) {
    (void)context;
    pn_xp_require(((struct piece *)(void *)piece)->value == 7);
    handed_on++;
    pn_xp_free(piece);
}

static struct piece *make(void) {
    struct piece *p = pn_xp_alloc(sizeof *p);
    p->value = 7;
    return p;
}

static void retire(struct piece *p) {
    p->retired = (struct pn_retired){.fn = hand_on, .bytes = PN_RECLAIM_RING_BYTES};
    pn_reclaimer_retire(reclaimer, &p->retired);
    (void)pn_faa_rel(&retired, 1);
}

static void read_it(void *arg) {
    (void)arg;
    pn_rcu_register();
    for (unsigned i = 0; i < 2; i++) {
        struct piece *p = pn_load_acq(&shared);
        pn_xp_require(p->value == 7);
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
}

static void replace(void *arg) {
    (void)arg;
    pn_rcu_register();
    retire(pn_xchg_acqrel(&shared, make()));
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&gone, 1);
}

static void drop(void *arg) {
    (void)arg;
    retire(make()); /* nobody ever saw it */
    (void)pn_faa_acqrel(&gone, 1);
}

static void own(void *arg) {
    (void)arg;
    if (pn_xp_choose(2) == 0) {
        while (pn_load_acq(&retired) < 2) {
            pn_relax();
        }
        pn_reclaimer_barrier(reclaimer);
        pn_xp_require(handed_on == 2);
    }
    while (pn_load_acq(&gone) < 2) {
        pn_relax();
    }
    pn_reclaimer_destroy(reclaimer);
    pn_xp_require(handed_on == 2);
}

static void setup(void) {
    handed_on = 0;
    pn_atomic_init(&shared, make());
    pn_atomic_init(&gone, 0);
    pn_atomic_init(&retired, 0);
    if (pn_reclaimer_create(&reclaimer, (struct pn_os_cpu){.id = -1}, 0) != 0) {
        pn_xp_fail("no memory");
    }
    pn_xp_spawn(read_it, NULL);
    pn_xp_spawn(replace, NULL);
    pn_xp_spawn(drop, NULL);
    pn_xp_spawn(own, NULL);
}

static void check(void) {
    pn_xp_free(pn_load_acq(&shared));
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "reclaim", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
