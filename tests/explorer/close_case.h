/* SPDX-License-Identifier: MIT
 *
 * Closing pn_segq, pn_ring and pn_spsc while others push and pop: whoever was told that its item is
 * in finds it come out; after CLOSED nothing comes out; who was told CLOSED lost nothing; and a
 * popper that goes on until CLOSED ends.
 */
#include "reclaiming.h"
#include "runtime/rcu.h"

#include <pinion/ring.h>
#include <pinion/segq.h>
#include <pinion/spsc.h>

/* KIND, of the including file, is one of: */
enum kind { SEGQ, RING, SPSC };
enum { PUSHERS = 2, ITEMS = 2 };

static const enum kind kind = KIND;
static struct pn_segq *segq;
static struct pn_segq_port *port[PUSHERS + 1];
static struct pn_ring *ring;
static struct pn_spsc *spsc;
static uint64_t item[PUSHERS][ITEMS];
static unsigned note; /* plain: written before the close, read by who was told CLOSED */
static unsigned accepted[PUSHERS],
    popped[PUSHERS]; /* each written by one thread, read at the end */

static enum pn_queue_rc try_push(int p, void *what) {
    return kind == SEGQ   ? pn_segq_push(port[p], what)
           : kind == RING ? pn_ring_push(ring, what)
                          : pn_spsc_push(spsc, what);
}

static enum pn_queue_rc try_pop(void **what) {
    return kind == SEGQ   ? pn_segq_pop(port[PUSHERS], what)
           : kind == RING ? pn_ring_pop(ring, what)
                          : pn_spsc_pop(spsc, what);
}

static void push(void *arg) {
    int p = *(int *)arg;
    pn_rcu_register();
    enum pn_queue_rc rc = PN_QUEUE_OK;
    for (unsigned i = 0; i < ITEMS && rc != PN_QUEUE_CLOSED; i++) {
        item[p][i] = i + 1;
        while ((rc = try_push(p, &item[p][i])) == PN_QUEUE_FULL) {
            pn_rcu_quiescent();
            pn_relax();
        }
        accepted[p] += rc == PN_QUEUE_OK;
        pn_rcu_quiescent();
    }
    if (rc == PN_QUEUE_CLOSED) {
        pn_xp_require(try_push(p, &item[p][0]) == PN_QUEUE_CLOSED);
    }
    if (kind == SPSC) {
        note = 1;
        pn_spsc_close(spsc);
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void close_it(void *arg) {
    (void)arg;
    note = 1;
    pn_rcu_register();
    if (kind == SEGQ) {
        pn_segq_close(segq);
    } else {
        pn_ring_close(ring);
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void pop(void *arg) {
    (void)arg;
    pn_rcu_register();
    for (;;) {
        void *what = NULL;
        enum pn_queue_rc rc = try_pop(&what);
        pn_rcu_quiescent();
        if (rc == PN_QUEUE_CLOSED) {
            pn_xp_require(note == 1);
            break;
        }
        if (rc == PN_QUEUE_EMPTY) {
            pn_relax();
            continue;
        }
        int p = (uint64_t *)what >= item[1] ? 1 : 0;
        pn_xp_require(*(uint64_t *)what == ++popped[p]);
    }
    void *more = NULL;
    pn_xp_require(try_pop(&more) == PN_QUEUE_CLOSED);
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static int make(void) {
    if (kind == RING) {
        return pn_ring_create(&ring, 2);
    }
    if (kind == SPSC) {
        return pn_spsc_create(&spsc, 2);
    }
    pn_reclaimer_init(&reclaimer);
    struct pn_segq_config config = {.node.id = -1, .reclaimer = &reclaimer};
    int rc = pn_segq_create(&segq, &config);
    for (int i = 0; i <= PUSHERS && rc == 0; i++) {
        rc = pn_segq_port_open(segq, &port[i]);
    }
    return rc;
}

static void setup(void) {
    static int id[PUSHERS] = {0, 1};
    if (make() != 0) {
        pn_xp_fail("no memory");
    }
    for (int p = 0; p < PUSHERS; p++) {
        accepted[p] = popped[p] = 0;
    }
    note = 0;
    pn_atomic_init(&ended, 0);
    pn_xp_spawn(push, &id[0]);
    pn_xp_spawn(pop, NULL);
    if (kind != SPSC) {
        pn_xp_spawn(push, &id[1]);
        pn_xp_spawn(close_it, NULL);
    }
    if (kind == SEGQ) {
        spawn_reclaimer(PUSHERS + 2);
    }
}

static void check(void) {
    for (int p = 0; p < PUSHERS; p++) {
        pn_xp_require(accepted[p] == popped[p]);
    }
    if (kind == RING) {
        pn_ring_destroy(ring);
    } else if (kind == SPSC) {
        pn_spsc_destroy(spsc);
    } else {
        for (int i = 0; i <= PUSHERS; i++) {
            pn_segq_port_close(port[i]);
        }
        pn_segq_destroy(segq);
    }
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "close", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
