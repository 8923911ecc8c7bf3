/* SPDX-License-Identifier: MIT
 *
 * What pn_ring's EMPTY means: one producer has claimed the first cell and not published it, another
 * has pushed into the second and said so, and a consumer that knows is told EMPTY. The search must
 * find such an execution (so must FULL: a consumer that has claimed a cell and not given it back,
 * behind which another has popped). In all of them the successes are a FIFO queue's.
 */
#include "explorer.h"
#include "history.h"
#include "runtime/atomic.h"

#include <pinion/ring.h>

enum { WEAK_EMPTY, WEAK_FULL };

static struct pn_ring *q;
static uint64_t item[5] = {1, 2, 3, 4, 5};
static PN_ATOMIC(uint32_t) pushed, popped;

static bool push(uint64_t *what) {
    int operation = xp_push_begins(*what);
    bool done = pn_ring_push(q, what) == PN_QUEUE_OK;
    xp_push_ends(operation, done);
    return done;
}

static bool pop(int *operation) {
    void *got = NULL;
    *operation = xp_pop_begins();
    bool done = pn_ring_pop(q, &got) == PN_QUEUE_OK;
    xp_pop_ends(*operation, done ? *(uint64_t *)got : 0);
    return done;
}

static void produce(void *arg) {
    if (push(arg)) {
        (void)pn_faa_rel(&pushed, 1);
    }
}

/* Two push, one pops: it has been told of a push, so the queue was not empty when it asked. */
static void consume(void *arg) {
    (void)arg;
    bool knows = pn_load_acq(&pushed) > 0;
    int operation;
    if (!pop(&operation) && knows) {
        pn_xp_require(xp_empty_is_weak(operation));
        pn_xp_reached(WEAK_EMPTY);
    }
}

static void take(void *arg) {
    (void)arg;
    int operation;
    if (pop(&operation)) {
        (void)pn_faa_rel(&popped, 1);
    }
}

/* The ring was full, two pop, one pushes: it has been told of a pop, so there was room. */
static void refill(void *arg) {
    bool knows = pn_load_acq(&popped) > 0;
    if (!push(arg) && knows) {
        pn_xp_reached(WEAK_FULL);
    }
}

static void setup(void) {
    if (pn_ring_create(&q, 2) != 0) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&pushed, 0);
    pn_atomic_init(&popped, 0);
    xp_history_begin(XP_FIFO, 2);
    if (pn_xp_choose(2) == 0) {
        pn_xp_spawn(produce, &item[0]);
        pn_xp_spawn(produce, &item[1]);
        pn_xp_spawn(consume, NULL);
        return;
    }
    (void)push(&item[2]);
    (void)push(&item[3]);
    pn_xp_spawn(take, NULL);
    pn_xp_spawn(take, NULL);
    pn_xp_spawn(refill, &item[4]);
}

static void check(void) {
    xp_history_check();
    pn_ring_destroy(q);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {
        .name = "ring_weak",
        .setup = setup,
        .check = check,
        .must_reach = {"EMPTY, although a push was known to be complete",
                       "FULL, although a pop was known to be complete"}};
    return pn_xp_main(argc, argv, &test);
}
