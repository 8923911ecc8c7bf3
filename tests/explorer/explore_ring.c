/* SPDX-License-Identifier: MIT
 *
 * pn_ring: two producers and a consumer on two cells: nothing lost, nothing twice, each producer's
 * items in its order.
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/ring.h>

enum { PRODUCERS = 2, ITEMS = 2 };

static struct pn_ring *q;
static int item[PRODUCERS][ITEMS];

static void produce(void *arg) {
    int *own = arg;
    for (int i = 0; i < ITEMS; i++) {
        own[i] = i + 1;
        while (pn_ring_push(q, &own[i]) != PN_QUEUE_OK) {
            pn_relax();
        }
    }
}

static void consume(void *arg) {
    (void)arg;
    int last[PRODUCERS] = {0};
    for (int n = 0; n < PRODUCERS * ITEMS; n++) {
        void *got = NULL;
        while (pn_ring_pop(q, &got) != PN_QUEUE_OK) {
            pn_relax();
        }
        int *at = got;
        int p = at >= item[1] ? 1 : 0;
        pn_xp_require(*at == last[p] + 1);
        last[p] = *at;
    }
}

static void setup(void) {
    if (pn_ring_create(&q, 2) != 0) {
        pn_xp_fail("no memory");
    }
    pn_xp_spawn(produce, item[0]);
    pn_xp_spawn(produce, item[1]);
    pn_xp_spawn(consume, NULL);
}

static void check(void) {
    pn_xp_require(pn_ring_seems_empty(q));
    pn_ring_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "ring", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
