/* SPDX-License-Identifier: MIT
 *
 * pn_runq: an owner that pushes and pops and a thief that takes half, in two cells: every task runs
 * exactly once, and what it points to is written before.
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/runq.h>

enum { TASKS = 3 };

static struct pn_runq *q;
static int task[TASKS];
static int runs[TASKS]; /* [i] written by whoever ran task i */
static PN_ATOMIC(uint32_t) ended;

static void run(void *what) {
    int *t = what;
    int i = *t - 1;
    pn_xp_require(i >= 0 && i < TASKS);
    runs[i]++;
    (void)pn_faa_acqrel(&ended, 1);
}

static void own(void *arg) {
    (void)arg;
    for (int i = 0; i < TASKS; i++) {
        task[i] = i + 1;
        while (!pn_runq_push(q, &task[i])) {
            void *oldest = pn_runq_pop(q);
            if (oldest != NULL) {
                run(oldest);
            }
        }
    }
    while (pn_load_acq(&ended) < TASKS) {
        void *oldest = pn_runq_pop(q);
        if (oldest != NULL) {
            run(oldest);
        } else {
            pn_relax();
        }
    }
}

static void steal(void *arg) {
    (void)arg;
    for (int attempt = 0; attempt < 3; attempt++) {
        void *stolen[2];
        size_t n = pn_runq_steal(q, stolen, 2);
        for (size_t i = 0; i < n; i++) {
            run(stolen[i]);
        }
    }
}

static void setup(void) {
    if (pn_runq_create(&q) != 0) {
        pn_xp_fail("no memory");
    }
    for (int i = 0; i < TASKS; i++) {
        task[i] = runs[i] = 0;
    }
    pn_atomic_init(&ended, 0);
    pn_xp_spawn(own, NULL);
    pn_xp_spawn(steal, NULL);
    pn_xp_spawn(steal, NULL);
}

static void check(void) {
    for (int i = 0; i < TASKS; i++) {
        pn_xp_require(runs[i] == 1);
    }
    pn_xp_require(pn_runq_length(q) == 0);
    pn_runq_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "runq", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
