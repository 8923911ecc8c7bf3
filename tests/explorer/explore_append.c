/* SPDX-License-Identifier: MIT
 *
 * pn_segq where three pushers find the tail used up at the same time: one appends, the others help
 * or are too late, and a third one goes on in a segment that it knows from a helper only.
 */
#include "reclaiming.h"
#include "runtime/rcu.h"

#include <pinion/segq.h>

enum { PUSHERS = 3, EACH = 2, FILLED = 2 };

static struct pn_segq *q;
static struct pn_segq_port *port[PUSHERS + 1];
static uint64_t item[PUSHERS][EACH], filler[FILLED];

static void push(void *arg) {
    unsigned p = (unsigned)(uintptr_t)arg;
    pn_rcu_register();
    for (unsigned i = 0; i < EACH; i++) {
        item[p][i] = i + 1;
        pn_xp_require(pn_segq_push(port[p], &item[p][i]) == PN_QUEUE_OK);
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
    (void)pn_faa_acqrel(&ended, 1);
}

static void setup(void) {
    pn_reclaimer_init(&reclaimer);
    struct pn_segq_config config = {.node.id = -1, .reclaimer = &reclaimer};
    if (pn_segq_create(&q, &config) != 0) {
        pn_xp_fail("no memory");
    }
    for (unsigned i = 0; i <= PUSHERS; i++) {
        if (pn_segq_port_open(q, &port[i]) != 0) {
            pn_xp_fail("no memory");
        }
    }
    for (unsigned i = 0; i < FILLED; i++) {
        (void)pn_segq_push(port[PUSHERS], &filler[i]);
    }
    pn_atomic_init(&ended, 0);
    for (unsigned p = 0; p < PUSHERS; p++) {
        pn_xp_spawn(push, (void *)(uintptr_t)p);
    }
    spawn_reclaimer(PUSHERS);
}

static void check(void) {
    uint64_t last[PUSHERS] = {0};
    void *got = NULL;
    for (unsigned i = 0; i < FILLED; i++) {
        pn_xp_require(pn_segq_pop(port[PUSHERS], &got) == PN_QUEUE_OK && got == &filler[i]);
    }
    for (unsigned n = 0; n < PUSHERS * EACH; n++) {
        pn_xp_require(pn_segq_pop(port[PUSHERS], &got) == PN_QUEUE_OK);
        uint64_t *at = got;
        unsigned p = (unsigned)((at - &item[0][0]) / EACH);
        pn_xp_require(*at == ++last[p]);
    }
    pn_xp_require(pn_segq_pop(port[PUSHERS], &got) == PN_QUEUE_EMPTY);
    for (unsigned i = 0; i <= PUSHERS; i++) {
        pn_segq_port_close(port[i]);
    }
    pn_segq_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "append", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
