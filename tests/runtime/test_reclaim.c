/* SPDX-License-Identifier: MIT */
#include <pinion/reader.h>
#include <pinion/reclaim.h>

#include "runtime/rcu.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

static const struct pn_os_cpu anywhere = {-1};

struct piece {
    struct pn_retired retired;
    PN_ATOMIC(uint64_t) * handed_on;
};

static void hand_on(struct pn_retired *retired, void *context) {
    PN_ATOMIC(uint64_t) *count = context;
    (void)pn_faa_seq(count, 1);
    free(retired);
}

static void retire_one(struct pn_reclaimer *r, PN_ATOMIC(uint64_t) * count, uint32_t bytes) {
    struct pn_retired *piece = calloc(1, sizeof(struct piece));
    assert_non_null(piece);
    *piece = (struct pn_retired){.fn = hand_on, .context = (void *)count, .bytes = bytes};
    pn_reclaimer_retire(r, piece);
}

static void test_barrier_hands_everything_on(void **state) {
    (void)state;
    struct pn_reclaimer *r = NULL;
    PN_ATOMIC(uint64_t) count;
    pn_atomic_init(&count, 0);
    assert_int_equal(pn_reclaimer_create(&r, anywhere, 0), 0);
    for (uint64_t n = 1; n <= 50; n++) {
        retire_one(r, &count, 100);
        assert_true(pn_reclaimer_pending_bytes(r) <= 100);
        pn_reclaimer_barrier(r);
        assert_int_equal(pn_load_seq(&count), n);
        assert_int_equal(pn_reclaimer_pending_bytes(r), 0);
    }
    struct pn_reclaimer_counts counts;
    pn_reclaimer_counts(r, &counts);
    assert_int_equal(counts.pieces, 50);
    assert_true(counts.grace_periods >= 1 && counts.grace_periods <= 50 && counts.tid != 0);
    pn_reclaimer_destroy(r);
}

static void test_destroy_hands_the_rest_on(void **state) {
    (void)state;
    struct pn_reclaimer *r = NULL;
    PN_ATOMIC(uint64_t) count;
    pn_atomic_init(&count, 0);
    assert_int_equal(pn_reclaimer_create(&r, anywhere, 1000000000), 0);
    for (unsigned i = 0; i < 100; i++) {
        retire_one(r, &count, 0);
    }
    pn_reclaimer_destroy(r);
    assert_int_equal(pn_load_seq(&count), 100);
    pn_reclaimer_destroy(NULL);
}

struct reader {
    PN_ATOMIC(uint32_t) state; /* 1: inside, 2: may leave */
};

static void *read_long(void *arg) {
    struct reader *self = arg;
    pn_rcu_register();
    pn_store_rel(&self->state, 1);
    while (pn_load_acq(&self->state) != 2) {
        pn_relax();
    }
    pn_rcu_unregister();
    return NULL;
}

static void *wait_barrier(void *r) {
    pn_reclaimer_barrier(r);
    return NULL;
}

/* A reader that is inside when a piece is retired keeps it; one that is offline does not. */
static void test_reader_holds_pieces_until_it_leaves(void **state) {
    (void)state;
    struct pn_reclaimer *r = NULL;
    struct reader reader;
    PN_ATOMIC(uint64_t) count;
    pn_atomic_init(&count, 0);
    pn_atomic_init(&reader.state, 0);
    pthread_t thread;
    pthread_t waiter;
    assert_int_equal(pn_reclaimer_create(&r, anywhere, 100000), 0);
    assert_int_equal(pthread_create(&thread, NULL, read_long, &reader), 0);
    while (pn_load_acq(&reader.state) != 1) {
        pn_relax();
    }
    pn_rcu_register();
    pn_rcu_offline();
    retire_one(r, &count, 64);
    assert_int_equal(pthread_create(&waiter, NULL, wait_barrier, r), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 30000000}, NULL);
    assert_int_equal(pn_load_seq(&count), 0);
    assert_int_equal(pn_reclaimer_pending_bytes(r), 64);
    pn_store_rel(&reader.state, 2);
    (void)pthread_join(waiter, NULL);
    assert_int_equal(pn_load_seq(&count), 1);
    (void)pthread_join(thread, NULL);
    pn_rcu_online();
    pn_rcu_unregister();
    struct pn_reclaimer_counts counts;
    pn_reclaimer_counts(r, &counts);
    assert_true(counts.longest_ns >= 20000000);
    pn_reclaimer_destroy(r);
}

enum { THREADS = 3, PIECES = 20000 };

struct crowd {
    struct pn_reclaimer *r;
    PN_ATOMIC(void *) shared; /* what readers look at */
    PN_ATOMIC(uint64_t) freed, damaged;
};

struct block {
    struct pn_retired retired;
    struct crowd *crowd;
    uint64_t alive;
};

static void bury(struct pn_retired *retired, void *context) {
    struct block *block = (struct block *)retired;
    struct crowd *crowd = context;
    block->alive = 0;
    (void)pn_faa_seq(&crowd->freed, 1);
    free(block);
}

/* Replace the shared block, retire the old one, look at whatever is there. */
static void *replace(void *arg) {
    struct crowd *crowd = arg;
    pn_rcu_register();
    for (unsigned i = 0; i < PIECES; i++) {
        struct block *block = calloc(1, sizeof *block);
        block->alive = 1;
        block->retired = (struct pn_retired){.fn = bury, .context = crowd, .bytes = sizeof *block};
        struct block *old = pn_xchg_acqrel(&crowd->shared, block);
        pn_reclaimer_retire(crowd->r, &old->retired);
        struct block *seen = pn_load_acq(&crowd->shared);
        if (seen->alive != 1) {
            (void)pn_faa_seq(&crowd->damaged, 1);
        }
        pn_rcu_quiescent();
    }
    pn_rcu_unregister();
    return NULL;
}

static void test_readers_never_see_a_freed_piece(void **state) {
    (void)state;
    struct crowd crowd;
    pn_atomic_init(&crowd.freed, 0);
    pn_atomic_init(&crowd.damaged, 0);
    assert_int_equal(pn_reclaimer_create(&crowd.r, anywhere, 0), 0);
    struct block *first = calloc(1, sizeof *first);
    first->alive = 1;
    first->retired = (struct pn_retired){.fn = bury, .context = &crowd, .bytes = sizeof *first};
    pn_atomic_init(&crowd.shared, first);
    pthread_t threads[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, replace, &crowd), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    pn_reclaimer_barrier(crowd.r);
    assert_int_equal(pn_load_seq(&crowd.freed), (uint64_t)THREADS * PIECES);
    assert_int_equal(pn_load_seq(&crowd.damaged), 0);
    free(pn_load_seq(&crowd.shared));
    pn_reclaimer_destroy(crowd.r);
}

/* Nothing retired: the thread all but stops. */
static void test_idle_thread_rests(void **state) {
    (void)state;
    struct pn_reclaimer *r = NULL;
    PN_ATOMIC(uint64_t) count;
    pn_atomic_init(&count, 0);
    assert_int_equal(pn_reclaimer_create(&r, anywhere, 0), 0);
    (void)nanosleep(&(struct timespec){.tv_nsec = 400000000}, NULL);
    /* A burst while it rests rings once, and is handed on long before the rest ends. */
    for (unsigned i = 0; i < 64; i++) {
        retire_one(r, &count, 4096);
    }
    struct timespec tick = {.tv_nsec = 1000000};
    for (unsigned ms = 0; ms < 5000 && pn_load_seq(&count) < 64; ms++) {
        (void)nanosleep(&tick, NULL);
    }
    assert_int_equal(pn_load_seq(&count), 64);
    struct pn_reclaimer_counts counts;
    pn_reclaimer_counts(r, &counts);
    assert_int_equal(counts.rings, 1);
    pn_reclaimer_destroy(r);
}

struct held_reader {
    struct pn_reclaimer *r;
    const char *name;
    PN_ATOMIC(uint32_t) opened, go_on;
    bool sleeps; /* offline */
};

static void *hold(void *arg) {
    struct held_reader *h = arg;
    struct pn_reader *reader = NULL;
    assert_int_equal(pn_reader_open(h->r, h->name, &reader), 0);
    if (h->sleeps) {
        pn_reader_offline(reader);
    }
    pn_store_seq(&h->opened, 1);
    while (pn_load_seq(&h->go_on) == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    if (h->sleeps) {
        pn_reader_online(reader);
    }
    pn_reader_quiescent(reader);
    pn_reader_close(reader);
    return NULL;
}

/* One reader is stuck, one is offline: the stuck one is named until it moves on. */
static void test_who_holds_a_grace_period_up_is_named(void **state) {
    (void)state;
    enum { MS = 1000000 };
    struct pn_reclaimer *r = NULL;
    PN_ATOMIC(uint64_t) count;
    pn_atomic_init(&count, 0);
    assert_int_equal(pn_reclaimer_create(&r, anywhere, 1000000), 0);
    struct held_reader readers[2] = {{.r = r, .name = "stuck"},
                                     {.r = r, .name = "asleep", .sleeps = true}};
    pthread_t threads[2];
    for (unsigned i = 0; i < 2; i++) {
        pn_atomic_init(&readers[i].opened, 0);
        pn_atomic_init(&readers[i].go_on, 0);
        assert_int_equal(pthread_create(&threads[i], NULL, hold, &readers[i]), 0);
        while (pn_load_seq(&readers[i].opened) == 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        }
    }
    struct pn_holdup holdup;
    assert_false(pn_reclaimer_held_up(r, 20 * (uint64_t)MS, &holdup));
    retire_one(r, &count, 100);
    while (!pn_reclaimer_held_up(r, 20 * (uint64_t)MS, &holdup)) {
        (void)nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
    }
    assert_string_equal(holdup.name, "stuck");
    assert_true(holdup.tid > 0 && holdup.ns >= 20 * (uint64_t)MS);
    assert_int_equal(pn_load_seq(&count), 0);
    pn_store_seq(&readers[0].go_on, 1);
    assert_int_equal(pthread_join(threads[0], NULL), 0);
    pn_reclaimer_barrier(r);
    assert_false(pn_reclaimer_held_up(r, 0, &holdup));
    assert_int_equal(pn_load_seq(&count), 1);
    pn_store_seq(&readers[1].go_on, 1);
    assert_int_equal(pthread_join(threads[1], NULL), 0);
    pn_reclaimer_destroy(r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_holds_a_grace_period_up_is_named),
        cmocka_unit_test(test_barrier_hands_everything_on),
        cmocka_unit_test(test_destroy_hands_the_rest_on),
        cmocka_unit_test(test_reader_holds_pieces_until_it_leaves),
        cmocka_unit_test(test_readers_never_see_a_freed_piece),
        cmocka_unit_test(test_idle_thread_rests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
