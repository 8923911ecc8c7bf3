/* SPDX-License-Identifier: MIT
 *
 * Short histories of a queue, checked for linearizability: two pushers and two poppers (one each
 * for pn_spsc), and, for pn_segq, a reclaimer. Before this is included, LIN_QUEUE says which.
 *
 * Pushers tell how far they are and poppers look, so that in some executions an EMPTY is bound: a
 * push that the popper knows of must not be missed. pn_ring promises less (see
 * explore_ring_weak.c): of it only the successes are checked.
 */
#include "explorer.h"
#include "history.h"
#include "runtime/rcu.h"
#include "runtime/reclaim.h"

#include <pinion/ring.h>
#include <pinion/segq.h>
#include <pinion/spsc.h>

enum { LIN_RING, LIN_SEGQ, LIN_SPSC };
enum {
    SIDES = LIN_QUEUE == LIN_SPSC ? 1 : 2,
    EACH = LIN_QUEUE == LIN_SPSC ? 3 : 2,
    POPS = EACH + 1
};

static struct pn_ring *ring;
static struct pn_spsc *spsc;
static struct pn_segq *segq;
static struct pn_segq_port *port[2 * SIDES];
static struct pn_reclaimer reclaimer;
static uint64_t item[SIDES * EACH];
static PN_ATOMIC(uint32_t) told, ended;

/* The barrier of a reclaimer without a thread: nobody is inside any more. */
void pn_reclaimer_barrier(struct pn_reclaimer *r) {
    (void)pn_reclaimer_round(r);
}

static bool push_one(int side, void *what) {
    switch ((int)LIN_QUEUE) {
    case LIN_RING:
        return pn_ring_push(ring, what) == PN_QUEUE_OK;
    case LIN_SPSC:
        return pn_spsc_push(spsc, what) == PN_QUEUE_OK;
    default:
        return pn_segq_push(port[side], what) == PN_QUEUE_OK;
    }
}

static bool pop_one(int side, void **what) {
    switch ((int)LIN_QUEUE) {
    case LIN_RING:
        return pn_ring_pop(ring, what) == PN_QUEUE_OK;
    case LIN_SPSC:
        return pn_spsc_pop(spsc, what) == PN_QUEUE_OK;
    default:
        return pn_segq_pop(port[SIDES + side], what) == PN_QUEUE_OK;
    }
}

static void push(void *arg) {
    int side = (int)(uintptr_t)arg;
    pn_rcu_register();
    for (int i = 0; i < EACH; i++) {
        uint64_t *what = &item[side * EACH + i];
        *what = (uint64_t)(side * EACH + i) + 1;
        int operation = xp_push_begins(*what);
        xp_push_ends(operation, push_one(side, what));
        (void)pn_faa_rel(&told, 1);
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void pop(void *arg) {
    int side = (int)(uintptr_t)arg;
    pn_rcu_register();
    for (int i = 0; i < POPS; i++) {
        (void)pn_load_acq(&told);
        void *what = NULL;
        int operation = xp_pop_begins();
        bool got = pop_one(side, &what);
        xp_pop_ends(operation, got ? *(uint64_t *)what : 0);
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void reclaim(void *arg) {
    (void)arg;
    while (pn_load_acq(&ended) < 2 * SIDES) {
        (void)pn_reclaimer_round(&reclaimer);
        pn_relax();
    }
}

static int create(void) {
    switch ((int)LIN_QUEUE) {
    case LIN_RING:
        return pn_ring_create(&ring, 2);
    case LIN_SPSC:
        return pn_spsc_create(&spsc, 2);
    default:
        break;
    }
    pn_reclaimer_init(&reclaimer);
    struct pn_segq_config config = {.node.id = -1, .reclaimer = &reclaimer};
    int rc = pn_segq_create(&segq, &config);
    for (int i = 0; rc == 0 && i < 2 * SIDES; i++) {
        rc = pn_segq_port_open(segq, &port[i]);
    }
    return rc;
}

static void setup(void) {
    if (create() != 0) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&told, 0);
    pn_atomic_init(&ended, 0);
    xp_history_begin(LIN_QUEUE == LIN_RING ? XP_FIFO : XP_EMPTY | XP_FULL,
                     LIN_QUEUE == LIN_SEGQ ? 0 : 2);
    for (int side = 0; side < SIDES; side++) {
        pn_xp_spawn(push, (void *)(uintptr_t)side);
        pn_xp_spawn(pop, (void *)(uintptr_t)side);
    }
    if (LIN_QUEUE == LIN_SEGQ) {
        pn_xp_spawn(reclaim, NULL);
    }
}

static void check(void) {
    xp_history_check();
    switch ((int)LIN_QUEUE) {
    case LIN_RING:
        pn_ring_destroy(ring);
        return;
    case LIN_SPSC:
        pn_spsc_destroy(spsc);
        return;
    default:
        break;
    }
    for (int i = 0; i < 2 * SIDES; i++) {
        pn_segq_port_close(port[i]);
    }
    pn_segq_destroy(segq);
}

int main(int argc, char **argv) {
    static const char *const name[] = {"lin_ring", "lin_segq", "lin_spsc"};
    const struct pn_xp_test test = {.name = name[LIN_QUEUE], .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
