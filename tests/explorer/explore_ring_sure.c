/* SPDX-License-Identifier: MIT
 *
 * When pn_ring must not say FULL or EMPTY: two pushers where there is room for both, two poppers
 * where there is an item for each, whoever is in the middle of what. Singly or as a batch of one.
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/ring.h>

enum { SIDES = 2, EACH = 2 };

static struct pn_ring *q;
static uint64_t item[SIDES * EACH];

static void push(void *arg) {
    bool batch = pn_xp_choose(2) == 1;
    for (unsigned i = 0; i < EACH; i++) {
        void *what = &item[(uintptr_t)arg * EACH + i];
        pn_xp_require((batch ? pn_ring_push_n(q, &what, 1, NULL) == 1
                             : pn_ring_push(q, what) == PN_QUEUE_OK));
    }
}

static void pop(void *arg) {
    (void)arg;
    bool batch = pn_xp_choose(2) == 1;
    for (unsigned i = 0; i < EACH; i++) {
        void *got = NULL;
        pn_xp_require(
            (batch ? pn_ring_pop_n(q, &got, 1, NULL) == 1 : pn_ring_pop(q, &got) == PN_QUEUE_OK));
    }
}

static void setup(void) {
    if (pn_ring_create(&q, SIDES * EACH) != 0) {
        pn_xp_fail("no memory");
    }
    bool pushing = pn_xp_choose(2) == 0;
    for (unsigned i = 0; !pushing && i < SIDES * EACH; i++) {
        (void)pn_ring_push(q, &item[i]);
    }
    for (unsigned i = 0; i < SIDES; i++) {
        pn_xp_spawn(pushing ? push : pop, (void *)(uintptr_t)i);
    }
}

static void check(void) {
    pn_ring_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "ring_sure", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
