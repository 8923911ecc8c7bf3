/* SPDX-License-Identifier: MIT */
#include <pinion/segq.h>

#include "runtime/rcu.h"

#include <errno.h>
#include <pinion/reader.h>
#include <pinion/reclaim.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    struct pn_reclaimer *reclaimer;
    struct pn_segq *q;
    struct pn_segq_port *port;
};

static void make(struct fixture *f, uint64_t capacity, uint64_t retired_bytes_max) {
    memset(f, 0, sizeof *f);
    assert_int_equal(pn_reclaimer_create(&f->reclaimer, (struct pn_os_cpu){-1}, 0), 0);
    struct pn_segq_config config = {.node = {-1},
                                    .capacity = capacity,
                                    .max_senders = 1,
                                    .retired_bytes_max = retired_bytes_max,
                                    .reclaimer = f->reclaimer};
    assert_int_equal(pn_segq_create(&f->q, &config), 0);
    pn_rcu_register();
    assert_int_equal(pn_segq_port_open(f->q, &f->port), 0);
}

static void unmake(struct fixture *f) {
    pn_segq_port_close(f->port);
    pn_rcu_unregister();
    pn_segq_destroy(f->q);
    pn_reclaimer_destroy(f->reclaimer);
}

static void *item_of(uintptr_t i) {
    return (void *)(i * 8 + 8);
}

static void push(struct fixture *f, uintptr_t i) {
    assert_int_equal(pn_segq_push(f->port, item_of(i)), PN_QUEUE_OK);
}

static void pop(struct fixture *f, uintptr_t i) {
    void *item = NULL;
    assert_int_equal(pn_segq_pop(f->port, &item), PN_QUEUE_OK);
    assert_ptr_equal(item, item_of(i));
}

static void test_without_reclaimer_is_refused(void **state) {
    (void)state;
    struct pn_segq *q = NULL;
    assert_int_equal(pn_segq_create(&q, &(struct pn_segq_config){.node = {-1}}), -EINVAL);
    assert_null(q);
    pn_segq_destroy(NULL);
    pn_segq_port_close(NULL);
}

/* In and out across many segment boundaries, at every distance between the two. */
static void test_fifo_across_segments(void **state) {
    (void)state;
    struct fixture f;
    void *item = NULL;
    make(&f, 0, 0);
    uintptr_t in = 0;
    uintptr_t out = 0;
    for (uintptr_t ahead = 0; ahead < 3000; ahead += 251) {
        while (in < out + ahead) {
            push(&f, in++);
        }
        for (unsigned i = 0; i < 5000; i++) {
            push(&f, in++);
            pop(&f, out++);
        }
        pn_rcu_quiescent();
    }
    while (out < in) {
        assert_true(pn_segq_seems_nonempty(f.port));
        pop(&f, out++);
    }
    assert_false(pn_segq_seems_nonempty(f.port));
    assert_int_equal(pn_segq_pop(f.port, &item), PN_QUEUE_EMPTY);
    struct pn_queue_counts counts;
    pn_segq_counts(f.port, &counts);
    assert_int_equal(counts.push, in);
    assert_int_equal(counts.pop, out);
    assert_int_equal(counts.empty, 1);
    unmake(&f);
}

/* Polling an empty queue uses up no cells: the first miss may, the following may not. */
static void test_empty_polls_burn_no_tickets(void **state) {
    (void)state;
    struct fixture f;
    void *item = NULL;
    make(&f, 0, 0);
    push(&f, 0);
    pop(&f, 0);
    for (unsigned i = 0; i < 100000; i++) {
        assert_int_equal(pn_segq_pop(f.port, &item), PN_QUEUE_EMPTY);
    }
    push(&f, 1);
    pop(&f, 1);
    struct pn_segq_memory memory;
    pn_segq_memory(f.q, &memory);
    assert_int_equal(memory.segments_retired, 0);
    unmake(&f);
}

/* The queue empties exactly at the end of a segment, again and again. */
static void test_empty_at_a_segment_boundary(void **state) {
    (void)state;
    struct fixture f;
    void *item = NULL;
    make(&f, 0, 0);
    uintptr_t in = 0;
    uintptr_t out = 0;
    for (unsigned offset = 0; offset < 4; offset++) {
        for (unsigned turn = 0; turn < 3; turn++) {
            for (unsigned i = 0; i < 1023 + offset; i++) {
                push(&f, in++);
            }
            while (out < in) {
                pop(&f, out++);
            }
            assert_int_equal(pn_segq_pop(f.port, &item), PN_QUEUE_EMPTY);
            assert_int_equal(pn_segq_pop(f.port, &item), PN_QUEUE_EMPTY);
            assert_false(pn_segq_seems_nonempty(f.port));
            pn_rcu_quiescent();
        }
    }
    unmake(&f);
}

static void test_any_capacity_is_full_exactly_there(void **state) {
    (void)state;
    struct fixture f;
    void *item = NULL;
    for (uint64_t capacity = 1; capacity < 40; capacity++) {
        make(&f, capacity, 0);
        for (unsigned turn = 0; turn < 100; turn++) {
            for (uint64_t i = 0; i < capacity; i++) {
                push(&f, i);
            }
            assert_int_equal(pn_segq_push(f.port, item_of(0)), PN_QUEUE_FULL);
            for (uint64_t i = 0; i < capacity; i++) {
                pop(&f, i);
            }
            assert_int_equal(pn_segq_pop(f.port, &item), PN_QUEUE_EMPTY);
        }
        unmake(&f);
    }
}

/* Memory in steady state is a few segments, each used over and over. */
static void test_segments_are_recycled(void **state) {
    (void)state;
    struct fixture f;
    make(&f, 0, 0);
    enum { SEGMENTS = 3000 };
    for (uintptr_t i = 0; i < (uintptr_t)SEGMENTS * 1024; i++) {
        push(&f, i);
        pop(&f, i);
        if (i % 64 == 0) {
            pn_rcu_quiescent();
        }
    }
    pn_rcu_offline();
    pn_reclaimer_barrier(f.reclaimer);
    pn_rcu_online();
    struct pn_segq_memory memory;
    pn_segq_memory(f.q, &memory);
    assert_true(memory.segments_retired >= SEGMENTS - 1);
    assert_int_equal(memory.segments_retired, memory.segments_recycled);
    assert_true(memory.segments_made < memory.segments_retired);
    unmake(&f);
}

/* A reader that never rests holds segments up to the bound; then push says FULL and nothing grows.
 * When it rests, everything goes on. */
static void test_stalled_reader_makes_full_not_growth(void **state) {
    (void)state;
    struct fixture f;
    void *item = NULL;
    make(&f, 0, 100000);
    uintptr_t in = 0;
    uintptr_t out = 0;
    while (pn_segq_push(f.port, item_of(in)) == PN_QUEUE_OK) {
        in++;
        pop(&f, out++);
        assert_true(in < 1000000);
    }
    assert_true(in >= (uintptr_t)10 * 1024);
    struct pn_segq_memory memory;
    pn_segq_memory(f.q, &memory);
    assert_true(memory.bytes_mapped <= 300000);
    assert_int_equal(pn_segq_pop(f.port, &item), PN_QUEUE_EMPTY);
    pn_rcu_offline();
    pn_reclaimer_barrier(f.reclaimer);
    pn_rcu_online();
    push(&f, in);
    pop(&f, in);
    unmake(&f);
}

/* At most 10 bytes of memory per queued item. */
static void test_memory_per_item(void **state) {
    (void)state;
    struct fixture f;
    make(&f, 0, 0);
    enum { ITEMS = 1000000 };
    for (uintptr_t i = 0; i < ITEMS; i++) {
        push(&f, i);
    }
    struct pn_segq_memory memory;
    pn_segq_memory(f.q, &memory);
    assert_true(memory.bytes_mapped <= (uint64_t)10 * ITEMS);
    for (uintptr_t i = 0; i < ITEMS; i++) {
        pop(&f, i);
        if (i % 64 == 0) {
            pn_rcu_quiescent();
        }
    }
    unmake(&f);
}

/* What a burst needed goes back to the system when it is over. */
static void test_memory_returns_after_a_burst(void **state) {
    (void)state;
    struct fixture f;
    make(&f, 0, 0);
    enum { ITEMS = 2000000, MIB = 1 << 20 };
    for (uintptr_t i = 0; i < ITEMS; i++) {
        push(&f, i);
    }
    struct pn_segq_memory full;
    pn_segq_memory(f.q, &full);
    assert_true(full.bytes_mapped >= (uint64_t)8 * ITEMS);
    for (uintptr_t i = 0; i < ITEMS; i++) {
        pop(&f, i);
        if (i % 64 == 0) {
            pn_rcu_quiescent();
        }
    }
    struct pn_segq_memory now;
    pn_rcu_offline();
    for (unsigned ms = 0; ms < 10000; ms += 20) {
        pn_segq_memory(f.q, &now);
        if (now.bytes_mapped < 4 * MIB) {
            break;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    pn_rcu_online();
    assert_true(now.bytes_mapped < 4 * MIB);
    push(&f, 1);
    pop(&f, 1);
    unmake(&f);
}

/* A trim waits for this thread, which is making a queue: neither may wait for the other. */
static void test_a_reader_makes_a_queue_during_a_trim(void **state) {
    (void)state;
    struct fixture f;
    make(&f, 0, 0);
    enum { ITEMS = 1000000, MS = 1000000 };
    for (uintptr_t i = 0; i < ITEMS; i++) {
        push(&f, i);
    }
    for (uintptr_t i = 0; i < ITEMS; i++) {
        pop(&f, i);
        if (i % 64 == 0) {
            pn_rcu_quiescent();
        }
    }
    pn_rcu_offline();
    pn_reclaimer_barrier(f.reclaimer); /* nothing is retired: the next grace period is a trim's */
    pn_rcu_online();
    struct pn_holdup holdup;
    (void)alarm(30);
    while (!pn_reclaimer_held_up(f.reclaimer, 20 * (uint64_t)MS, &holdup)) {
        (void)nanosleep(&(struct timespec){.tv_nsec = MS}, NULL);
    }
    struct pn_segq *other = NULL;
    struct pn_segq_config config = {.node = {-1}, .reclaimer = f.reclaimer};
    assert_int_equal(pn_segq_create(&other, &config), 0);
    (void)alarm(0);
    pn_rcu_offline();
    pn_segq_destroy(other);
    pn_rcu_online();
    unmake(&f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_reclaimer_is_refused),
        cmocka_unit_test(test_fifo_across_segments),
        cmocka_unit_test(test_empty_polls_burn_no_tickets),
        cmocka_unit_test(test_empty_at_a_segment_boundary),
        cmocka_unit_test(test_any_capacity_is_full_exactly_there),
        cmocka_unit_test(test_segments_are_recycled),
        cmocka_unit_test(test_stalled_reader_makes_full_not_growth),
        cmocka_unit_test(test_memory_per_item),
        cmocka_unit_test(test_memory_returns_after_a_burst),
        cmocka_unit_test(test_a_reader_makes_a_queue_during_a_trim),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
