/* SPDX-License-Identifier: MIT
 *
 * Waiting at both sides of pn_segq, pn_ring and pn_spsc, none of which has room for more than two
 * items: a thread that sleeps for items, another that is run again as a task would be, and a pusher
 * that sleeps for room. A lost wake-up is a deadlock, which the explorer reports. At the end the
 * pusher closes, and everybody who still waits must find that out.
 */
#include "reclaiming.h"
#include "runtime/futex.h"
#include "runtime/rcu.h"

#include <pinion/ring.h>
#include <pinion/segq.h>
#include <pinion/spsc.h>

/* KIND, of the including file, is one of: */
enum kind { SEGQ, RING, SPSC };
enum { PUSHER, SLEEPER, TASK, USERS, ITEMS = 4 };

static const enum kind kind = KIND;
static struct pn_segq *segq;
static struct pn_segq_port *port[USERS];
static struct pn_ring *ring;
static struct pn_spsc *spsc;
static uint64_t item[ITEMS];
static unsigned got[USERS];

/* What stands for a scheduler that runs a task when it was made ready. */
static struct pn_waiter waiter[USERS];
static PN_ATOMIC(uint32_t) ready[USERS];

static void make_ready(struct pn_waiter *self) {
    PN_ATOMIC(uint32_t) *word = &ready[self - waiter];
    (void)pn_faa_acqrel(word, 1);
    pn_futex_wake(word, 1);
}

/* As a task would: until it is made ready once more. */
static void until_ready(int user, uint32_t runs) {
    pn_rcu_offline();
    while (pn_load_acq(&ready[user]) == runs) {
        pn_futex_wait(&ready[user], runs, PN_FOREVER);
    }
    pn_xp_require(pn_load_acq(&ready[user]) == runs + 1); /* woken once per listing */
    pn_rcu_online();
}

static struct pn_wait_point items_for(int user) {
    return kind == SEGQ   ? pn_segq_items(port[user])
           : kind == RING ? pn_ring_items(ring)
                          : pn_spsc_items(spsc);
}

static struct pn_wait_point room_for(int user) {
    return kind == SEGQ   ? pn_segq_room(port[user])
           : kind == RING ? pn_ring_room(ring)
                          : pn_spsc_room(spsc);
}

static void close_it(void) {
    if (kind == SEGQ) {
        pn_segq_close(segq);
    } else if (kind == RING) {
        pn_ring_close(ring);
    } else {
        pn_spsc_close(spsc);
    }
}

static void leave(void) {
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void push(void *arg) {
    (void)arg;
    pn_rcu_register();
    bool as_task = pn_xp_choose(2) == 1;
    uint32_t runs = 0; /* wake-ups used up */
    for (unsigned i = 0; i < ITEMS;) {
        void *what = &item[i];
        if (!as_task) {
            pn_xp_require(pn_wait_thread(room_for(PUSHER), &what, PN_NO_DEADLINE) == PN_QUEUE_OK);
            i++;
        } else if (pn_wait_task(room_for(PUSHER), &what, &waiter[PUSHER]) == PN_QUEUE_OK) {
            i++;
        } else {
            until_ready(PUSHER, runs++);
        }
        pn_rcu_quiescent();
    }
    close_it();
    leave();
}

static void pop_asleep(void *arg) {
    (void)arg;
    void *what = NULL;
    pn_rcu_register();
    while (pn_wait_thread(items_for(SLEEPER), &what, PN_NO_DEADLINE) == PN_QUEUE_OK) {
        got[SLEEPER]++;
        pn_rcu_quiescent();
    }
    leave();
}

static void pop_as_task(void *arg) {
    (void)arg;
    void *what = NULL;
    uint32_t runs = 0; /* wake-ups used up */
    pn_rcu_register();
    for (;;) {
        enum pn_queue_rc rc = pn_wait_task(items_for(TASK), &what, &waiter[TASK]);
        if (rc == PN_QUEUE_CLOSED) {
            break;
        }
        if (rc == PN_QUEUE_OK) {
            got[TASK]++;
            pn_rcu_quiescent();
            continue;
        }
        until_ready(TASK, runs++);
    }
    leave();
}

static int make(void) {
    if (kind == RING) {
        int rc = pn_ring_create(&ring, 2);
        return rc != 0 ? rc : pn_ring_enable_waits(ring);
    }
    if (kind == SPSC) {
        int rc = pn_spsc_create(&spsc, 2);
        return rc != 0 ? rc : pn_spsc_enable_waits(spsc);
    }
    pn_reclaimer_init(&reclaimer);
    struct pn_segq_config config = {
        .node.id = -1, .capacity = 2, .max_senders = 1, .reclaimer = &reclaimer};
    int rc = pn_segq_create(&segq, &config);
    rc = rc != 0 ? rc : pn_segq_enable_waits(segq);
    for (int i = 0; i < USERS && rc == 0; i++) {
        rc = pn_segq_port_open(segq, &port[i]);
    }
    return rc;
}

static void setup(void) {
    if (make() != 0) {
        pn_xp_fail("no memory");
    }
    for (int i = 0; i < USERS; i++) {
        waiter[i].wake = make_ready;
        pn_atomic_init(&ready[i], 0);
    }
    got[SLEEPER] = got[TASK] = 0;
    pn_atomic_init(&ended, 0);
    pn_xp_spawn(push, NULL);
    pn_xp_spawn(pop_as_task, NULL);
    if (kind != SPSC) {
        pn_xp_spawn(pop_asleep, NULL);
    }
    if (kind == SEGQ) {
        spawn_reclaimer(USERS);
    }
}

static void check(void) {
    pn_xp_require(got[SLEEPER] + got[TASK] == ITEMS);
    if (kind == RING) {
        pn_ring_destroy(ring);
    } else if (kind == SPSC) {
        pn_spsc_destroy(spsc);
    } else {
        for (int i = 0; i < USERS; i++) {
            pn_segq_port_close(port[i]);
        }
        pn_segq_destroy(segq);
    }
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "wait", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
