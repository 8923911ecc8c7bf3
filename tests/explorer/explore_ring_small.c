/* SPDX-License-Identifier: MIT
 *
 * pn_ring without loops that wait: two producers of one item, a consumer that tries twice. Small
 * enough for all schedules with up to three preemptions.
 */
#include "explorer.h"
#include "history.h"
#include "runtime/atomic.h"

#include <pinion/ring.h>

static struct pn_ring *q;
static uint64_t item[2];

static void produce(void *arg) {
    uint64_t *what = arg;
    *what = (uint64_t)(what - item) + 1;
    int operation = xp_push_begins(*what);
    xp_push_ends(operation, pn_ring_push(q, what) == PN_QUEUE_OK);
}

static void consume(void *arg) {
    (void)arg;
    for (int i = 0; i < 2; i++) {
        void *got = NULL;
        int operation = xp_pop_begins();
        bool done = pn_ring_pop(q, &got) == PN_QUEUE_OK;
        xp_pop_ends(operation, done ? *(uint64_t *)got : 0);
    }
}

static void setup(void) {
    if (pn_ring_create(&q, 2) != 0) {
        pn_xp_fail("no memory");
    }
    xp_history_begin(XP_FIFO, 2);
    pn_xp_spawn(produce, &item[0]);
    pn_xp_spawn(produce, &item[1]);
    pn_xp_spawn(consume, NULL);
}

static void check(void) {
    xp_history_check();
    pn_ring_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "ring_small", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
