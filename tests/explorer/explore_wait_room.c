/* SPDX-License-Identifier: MIT
 *
 * Two pushers wait as tasks for room in a pn_segq with two credits, each in segments that the other
 * may have appended, while one pops. Nobody waits for ever: that would be a deadlock here.
 */
#include "reclaiming.h"
#include "runtime/futex.h"
#include "runtime/rcu.h"

#include <pinion/segq.h>

enum { PUSHERS = 2, EACH = 2 };

static struct pn_segq *q;
static struct pn_segq_port *port[PUSHERS + 1];
static uint64_t item[PUSHERS][EACH];
static struct pn_waiter waiter[PUSHERS];
static PN_ATOMIC(uint32_t) ready[PUSHERS];

static void make_ready(struct pn_waiter *self) {
    PN_ATOMIC(uint32_t) *word = &ready[self - waiter];
    (void)pn_faa_acqrel(word, 1);
    pn_futex_wake(word, 1);
}

static void push(void *arg) {
    unsigned p = (unsigned)(uintptr_t)arg;
    uint32_t runs = 0;
    pn_rcu_register();
    for (unsigned i = 0; i < EACH;) {
        void *what = &item[p][i];
        item[p][i] = i + 1;
        if (pn_wait_task(pn_segq_room(port[p]), &what, &waiter[p]) == PN_QUEUE_OK) {
            i++;
        } else {
            pn_rcu_offline();
            while (pn_load_acq(&ready[p]) == runs) {
                pn_futex_wait(&ready[p], runs, PN_FOREVER);
            }
            runs++;
            pn_rcu_online();
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
    for (unsigned n = 0; n < PUSHERS * EACH;) {
        void *got = NULL;
        if (pn_segq_pop(port[PUSHERS], &got) == PN_QUEUE_OK) {
            uint64_t *at = got;
            unsigned p = at >= item[1] ? 1 : 0;
            pn_xp_require(*at == ++last[p]);
            n++;
        } else {
            pn_relax();
        }
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void setup(void) {
    pn_reclaimer_init(&reclaimer);
    struct pn_segq_config config = {
        .node.id = -1, .capacity = 2, .max_senders = PUSHERS, .reclaimer = &reclaimer};
    int rc = pn_segq_create(&q, &config);
    rc = rc != 0 ? rc : pn_segq_enable_waits(q);
    for (unsigned i = 0; i <= PUSHERS && rc == 0; i++) {
        rc = pn_segq_port_open(q, &port[i]);
    }
    if (rc != 0) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&ended, 0);
    for (unsigned p = 0; p < PUSHERS; p++) {
        waiter[p].wake = make_ready;
        pn_atomic_init(&ready[p], 0);
        pn_xp_spawn(push, (void *)(uintptr_t)p);
    }
    pn_xp_spawn(pop, NULL);
    spawn_reclaimer(PUSHERS + 1);
}

static void check(void) {
    for (unsigned i = 0; i <= PUSHERS; i++) {
        pn_segq_port_close(port[i]);
    }
    pn_segq_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "wait_room", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
