/* SPDX-License-Identifier: MIT
 *
 * Looks at a queue from outside: an answer "there is something" comes after the push it saw, so
 * what the pusher wrote before is plain data to whoever was told so. One pusher, one that looks.
 */
#include "explorer.h"
#include "runtime/inbox.h"
#include "runtime/rcu.h"
#include "runtime/reclaim.h"

#include <pinion/credit.h>
#include <pinion/ring.h>
#include <pinion/runq.h>
#include <pinion/segq.h>
#include <pinion/spsc.h>

enum kind { RING, SPSC, RUNQ, SEGQ, INBOX, CREDIT, KINDS };
enum { PUSHES = 3 }; /* past a segment of two cells */

static enum kind kind;
static struct pn_ring *ring;
static struct pn_spsc *spsc;
static struct pn_runq *runq;
static struct pn_segq *segq;
static struct pn_segq_port *port[3];
static struct pn_reclaimer reclaimer;
static struct pn_inbox inbox;
static struct pn_credit *credit;
static struct pn_credit_port filled;
static struct pn_link block;
static unsigned before[PUSHES]; /* written before push i */

void pn_reclaimer_barrier(struct pn_reclaimer *r) {
    (void)pn_reclaimer_round(r);
}

static void push_once(unsigned i) {
    before[i] = i + 1;
    switch (kind) {
    case RING:
        (void)pn_ring_push(ring, &before[i]);
        break;
    case SPSC:
        (void)pn_spsc_push(spsc, &before[i]);
        break;
    case RUNQ:
        (void)pn_runq_push(runq, &before[i]);
        break;
    case SEGQ:
        (void)pn_segq_push(port[0], &before[i]);
        break;
    case INBOX:
        (void)pn_inbox_push(&inbox, &block, &block);
        break;
    default:
        (void)pn_credit_flush(&filled);
        break;
    }
}

static void push(void *arg) {
    (void)arg;
    unsigned n = kind == SEGQ ? PUSHES : 1;
    pn_rcu_register();
    for (unsigned i = 0; i < n; i++) {
        push_once(i);
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
}

static bool something(void) {
    switch (kind) {
    case RING:
        return !pn_ring_seems_empty(ring);
    case SPSC:
        return !pn_spsc_empty(spsc);
    case RUNQ:
        return pn_runq_length(runq) > 0;
    case SEGQ:
        return pn_segq_seems_nonempty(port[1]);
    case INBOX:
        return pn_inbox_waiting(&inbox);
    default:
        return pn_credit_free(credit) > 0;
    }
}

/* Of pn_segq: takes one after the other, so that the look is at another segment. */
static void pop(void *arg) {
    (void)arg;
    pn_rcu_register();
    for (unsigned i = 0; i < PUSHES; i++) {
        void *got = NULL;
        while (pn_segq_pop(port[2], &got) != PN_QUEUE_OK) {
            pn_rcu_quiescent();
            pn_relax();
        }
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
}

/* pn_segq promises no more than that a pop would probably find something. */
static void look_at_segq(void) {
    pn_rcu_register();
    for (unsigned i = 0; i < PUSHES; i++) {
        if (something()) {
            pn_xp_reached(i);
        }
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
}

static void look(void *arg) {
    (void)arg;
    if (kind == SEGQ) {
        look_at_segq();
    } else if (something()) {
        pn_xp_require(before[0] == 1);
    }
}

static int create(void) {
    switch (kind) {
    case RING:
        return pn_ring_create(&ring, 2);
    case SPSC:
        return pn_spsc_create(&spsc, 2);
    case RUNQ:
        return pn_runq_create(&runq);
    case INBOX:
        pn_inbox_init(&inbox);
        return 0;
    case CREDIT: {
        int rc = pn_credit_create(&credit, 16, 1);
        pn_credit_port_init(&filled, credit);
        return rc == 0 && pn_credit_take(&filled, 16) && !pn_credit_give(&filled, 1) ? 0 : -1;
    }
    default:
        break;
    }
    pn_reclaimer_init(&reclaimer);
    struct pn_segq_config config = {.node.id = -1, .reclaimer = &reclaimer};
    int rc = pn_segq_create(&segq, &config);
    for (int i = 0; rc == 0 && i < 3; i++) {
        rc = pn_segq_port_open(segq, &port[i]);
    }
    return rc;
}

static void setup(void) {
    kind = (enum kind)pn_xp_choose(KINDS);
    if (create() != 0) {
        pn_xp_fail("no memory");
    }
    for (unsigned i = 0; i < PUSHES; i++) {
        before[i] = 0;
    }
    pn_xp_spawn(push, NULL);
    pn_xp_spawn(look, NULL);
    if (kind == SEGQ) {
        pn_xp_spawn(pop, NULL);
    }
}

static void check(void) {
    switch (kind) {
    case RING:
        pn_ring_destroy(ring);
        break;
    case SPSC:
        pn_spsc_destroy(spsc);
        break;
    case RUNQ:
        pn_runq_destroy(runq);
        break;
    case CREDIT:
        pn_credit_destroy(credit);
        break;
    case INBOX:
        break;
    default:
        for (int i = 0; i < 3; i++) {
            pn_segq_port_close(port[i]);
        }
        pn_segq_destroy(segq);
        break;
    }
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "looks",
                                           .setup = setup,
                                           .check = check,
                                           .must_reach = {"segq: a first look saw an item",
                                                          "segq: a second one did",
                                                          "segq: a third one did"}};
    return pn_xp_main(argc, argv, &test);
}
