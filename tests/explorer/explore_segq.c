/* SPDX-License-Identifier: MIT
 *
 * pn_segq with segments of two cells, so that every few operations one is appended, retired, waited
 * for and recycled: two pushers, a popper, and a reclaimer that runs rounds. Nothing lost, nothing
 * twice, each pusher's items in order; no segment is touched after it was freed or recycled too
 * early.
 */
#include "explorer.h"
#include "runtime/rcu.h"
#include "runtime/reclaim.h"

#include <pinion/segq.h>

enum { PUSHERS = 2, ITEMS = 3 };

static struct pn_segq *q;
static struct pn_segq_port *port[PUSHERS + 1];
static struct pn_reclaimer reclaimer;
static uint64_t item[PUSHERS][ITEMS];
static PN_ATOMIC(uint32_t) ended;

static void push(void *arg) {
    int p = *(int *)arg;
    pn_rcu_register();
    int i = 0;
    if (p == 0) { /* two at once, then singly */
        void *both[2] = {&item[p][0], &item[p][1]};
        item[p][0] = 1;
        item[p][1] = 2;
        while (i < 2) {
            i += (int)pn_segq_push_n_credited(port[p], both + i, (size_t)(2 - i));
            pn_rcu_quiescent();
        }
    }
    for (; i < ITEMS; i++) {
        item[p][i] = (uint64_t)i + 1;
        while (pn_segq_push(port[p], &item[p][i]) != PN_QUEUE_OK) {
            pn_rcu_quiescent();
            pn_relax();
        }
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void pop(void *arg) {
    (void)arg;
    uint64_t last[PUSHERS] = {0};
    pn_rcu_register();
    for (int n = 0; n < PUSHERS * ITEMS;) {
        void *got[2];
        pn_rcu_quiescent();
        size_t found = pn_segq_pop_n(port[PUSHERS], got, 2);
        if (found == 0) {
            pn_relax();
        }
        for (size_t i = 0; i < found; i++) {
            uint64_t *at = got[i];
            int p = at >= item[1] ? 1 : 0;
            pn_xp_require(*at == last[p] + 1);
            last[p] = *at;
            n++;
        }
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void reclaim(void *arg) {
    (void)arg;
    while (pn_load_acq(&ended) < PUSHERS + 1) {
        (void)pn_reclaimer_round(&reclaimer);
        pn_relax();
    }
    (void)pn_reclaimer_round(&reclaimer);
}

/* The barrier of a reclaimer without a thread: nobody is inside any more. */
void pn_reclaimer_barrier(struct pn_reclaimer *r) {
    (void)pn_reclaimer_round(r);
}

static void setup(void) {
    static int id[PUSHERS] = {0, 1};
    pn_reclaimer_init(&reclaimer);
    struct pn_segq_config config = {.node.id = -1, .reclaimer = &reclaimer};
    if (pn_segq_create(&q, &config) != 0) {
        pn_xp_fail("no memory");
    }
    for (int i = 0; i <= PUSHERS; i++) {
        if (pn_segq_port_open(q, &port[i]) != 0) {
            pn_xp_fail("no memory");
        }
    }
    pn_atomic_init(&ended, 0);
    pn_xp_spawn(push, &id[0]);
    pn_xp_spawn(push, &id[1]);
    pn_xp_spawn(pop, NULL);
    pn_xp_spawn(reclaim, NULL);
}

static void check(void) {
    for (int i = 0; i <= PUSHERS; i++) {
        pn_segq_port_close(port[i]);
    }
    pn_segq_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "segq", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
