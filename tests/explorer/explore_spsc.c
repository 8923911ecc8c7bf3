/* SPDX-License-Identifier: MIT
 *
 * pn_spsc: three items through two cells; none lost, none twice, in order, each written before
 * read.
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/spsc.h>

enum { ITEMS = 3 };

static struct pn_spsc *q;
static int item[ITEMS];

static void produce(void *arg) {
    (void)arg;
    for (int i = 0; i < ITEMS; i++) {
        item[i] = i + 1;
        while (pn_spsc_push(q, &item[i]) != PN_QUEUE_OK) {
            pn_relax();
        }
    }
}

static void consume(void *arg) {
    (void)arg;
    for (int i = 0; i < ITEMS; i++) {
        void *got = NULL;
        while (pn_spsc_pop(q, &got) != PN_QUEUE_OK) {
            pn_relax();
        }
        pn_xp_require(got == &item[i]);
        pn_xp_require(*(int *)got == i + 1);
    }
}

static void setup(void) {
    if (pn_spsc_create(&q, 2) != 0) {
        pn_xp_fail("no memory");
    }
    for (int i = 0; i < ITEMS; i++) {
        item[i] = 0;
    }
    pn_xp_spawn(produce, NULL);
    pn_xp_spawn(consume, NULL);
}

static void check(void) {
    pn_xp_require(pn_spsc_empty(q));
    pn_spsc_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "spsc", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
