/* SPDX-License-Identifier: MIT */
#include <pinion/ring.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void *item_of(uintptr_t i) {
    return (void *)(i * 8 + 8);
}

static void test_create_rounds_up_and_refuses(void **state) {
    (void)state;
    struct pn_ring *q = NULL;
    assert_int_equal(pn_ring_create(&q, 0), -EINVAL);
    assert_int_equal(pn_ring_create(&q, ((size_t)1 << 30) + 1), -EINVAL);
    assert_null(q);
    static const size_t asked_got[][2] = {{1, 2}, {2, 2}, {3, 4}, {1000, 1024}};
    for (size_t i = 0; i < sizeof asked_got / sizeof *asked_got; i++) {
        assert_int_equal(pn_ring_create(&q, asked_got[i][0]), 0);
        assert_int_equal(pn_ring_capacity(q), asked_got[i][1]);
        pn_ring_destroy(q);
    }
    pn_ring_destroy(NULL);
}

static void fill_and_drain(struct pn_ring *q, size_t n) {
    void *item = NULL;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pn_ring_push(q, item_of(i)), PN_QUEUE_OK);
        assert_false(pn_ring_seems_empty(q));
    }
    if (n == pn_ring_capacity(q)) {
        assert_int_equal(pn_ring_push(q, item_of(n)), PN_QUEUE_FULL);
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pn_ring_pop(q, &item), PN_QUEUE_OK);
        assert_ptr_equal(item, item_of(i));
    }
    assert_int_equal(pn_ring_pop(q, &item), PN_QUEUE_EMPTY);
    assert_true(pn_ring_seems_empty(q));
}

static void test_every_fill_level_wraps_around(void **state) {
    (void)state;
    for (size_t capacity = 2; capacity <= 16; capacity *= 2) {
        struct pn_ring *q = NULL;
        assert_int_equal(pn_ring_create(&q, capacity), 0);
        for (size_t turn = 0; turn < 5 * capacity; turn++) {
            fill_and_drain(q, turn % (capacity + 1));
        }
        pn_ring_destroy(q);
    }
}

static void test_batches_take_what_is_ready(void **state) {
    (void)state;
    struct pn_ring *q = NULL;
    struct pn_queue_counts counts = {0};
    assert_int_equal(pn_ring_create(&q, 8), 0);
    void *in[12];
    void *out[12];
    for (size_t i = 0; i < 12; i++) {
        in[i] = item_of(i);
    }
    assert_int_equal(pn_ring_push_n(q, in, 5, &counts), 5);
    assert_int_equal(pn_ring_push_n(q, in + 5, 7, &counts), 3);
    assert_int_equal(pn_ring_push_n(q, in + 8, 4, &counts), 0);
    assert_int_equal(pn_ring_pop_n(q, out, 3, &counts), 3);
    assert_int_equal(pn_ring_push_n(q, in + 8, 4, &counts), 3);
    assert_int_equal(pn_ring_pop_n(q, out + 3, 9, &counts), 5); /* to the end of the array */
    assert_int_equal(pn_ring_pop_n(q, out + 8, 9, &counts), 3);
    assert_int_equal(pn_ring_pop_n(q, out, 1, &counts), 0);
    for (size_t i = 0; i < 11; i++) {
        assert_ptr_equal(out[i], in[i]);
    }
    assert_int_equal(counts.push, 11);
    assert_int_equal(counts.pop, 11);
    assert_int_equal(counts.full, 1);
    assert_int_equal(counts.empty, 1);
    pn_ring_destroy(q);
}

static void test_batch_of_none_returns(void **state) {
    (void)state;
    struct pn_ring *q = NULL;
    void *item = item_of(1);
    assert_int_equal(pn_ring_create(&q, 2), 0);
    assert_int_equal(pn_ring_push_n(q, &item, 0, NULL), 0);
    assert_int_equal(pn_ring_push(q, item), PN_QUEUE_OK);
    assert_int_equal(pn_ring_pop_n(q, &item, 0, NULL), 0);
    pn_ring_destroy(q);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_rounds_up_and_refuses),
        cmocka_unit_test(test_every_fill_level_wraps_around),
        cmocka_unit_test(test_batches_take_what_is_ready),
        cmocka_unit_test(test_batch_of_none_returns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
