/* SPDX-License-Identifier: MIT
 *
 * pn_spsc: three items through two cells, singly or in batches; none lost, none twice, in order,
 * each written before read.
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/spsc.h>

enum { ITEMS = 3 };

static struct pn_spsc *q;
static int item[ITEMS];

static void produce(void *arg) {
    (void)arg;
    void *what[ITEMS];
    for (int i = 0; i < ITEMS; i++) {
        item[i] = i + 1;
        what[i] = &item[i];
    }
    bool batch = pn_xp_choose(2) == 1;
    for (size_t i = 0; i < ITEMS;) {
        size_t n = batch ? pn_spsc_push_n(q, what + i, ITEMS - i)
                         : pn_spsc_push(q, what[i]) == PN_QUEUE_OK;
        i += n;
        if (n == 0) {
            pn_relax();
        }
    }
}

static void consume(void *arg) {
    (void)arg;
    bool batch = pn_xp_choose(2) == 1;
    for (size_t n = 0; n < ITEMS;) {
        void *got[2];
        size_t found = batch ? pn_spsc_pop_n(q, got, 2) : pn_spsc_pop(q, got) == PN_QUEUE_OK;
        if (found == 0) {
            pn_relax();
        }
        for (size_t i = 0; i < found; i++, n++) {
            pn_xp_require(got[i] == &item[n]);
            pn_xp_require(*(int *)got[i] == (int)n + 1);
        }
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
