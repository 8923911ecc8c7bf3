/* SPDX-License-Identifier: MIT
 *
 * pn_ring: two producers and a consumer on two cells, singly or in batches: nothing lost, nothing
 * twice, each producer's items in its order.
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/ring.h>

enum { PRODUCERS = 2, ITEMS = 2 };

static struct pn_ring *q;
static int item[PRODUCERS][ITEMS];

static void produce(void *arg) {
    int *own = arg;
    void *what[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        own[i] = i + 1;
        what[i] = &own[i];
    }
    bool batch = pn_xp_choose(2) == 1;
    for (size_t i = 0; i < ITEMS;) {
        size_t n = batch ? pn_ring_push_n(q, what + i, ITEMS - i, NULL)
                         : pn_ring_push(q, what[i]) == PN_QUEUE_OK;
        i += n;
        if (n == 0) {
            pn_relax();
        }
    }
}

static void consume(void *arg) {
    (void)arg;
    int last[PRODUCERS] = {0};
    bool batch = pn_xp_choose(2) == 1;
    for (size_t n = 0; n < (size_t)PRODUCERS * ITEMS;) {
        void *got[2];
        size_t found = batch ? pn_ring_pop_n(q, got, 2, NULL) : pn_ring_pop(q, got) == PN_QUEUE_OK;
        if (found == 0) {
            pn_relax();
        }
        for (size_t i = 0; i < found; i++) {
            int *at = got[i];
            int p = at >= item[1] ? 1 : 0;
            pn_xp_require(*at == last[p] + 1);
            last[p] = *at;
        }
        n += found;
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
