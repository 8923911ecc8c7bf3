/* SPDX-License-Identifier: MIT */
#include "queue_contract.h"

#include <errno.h>
#include <pinion/spsc.h>

static void *item_of(uintptr_t i) {
    return (void *)(i * 8 + 8);
}

static void test_create_rounds_up_and_refuses(void **state) {
    (void)state;
    struct pn_spsc *q = NULL;
    assert_int_equal(pn_spsc_create(&q, 0), -EINVAL);
    assert_int_equal(pn_spsc_create(&q, ((size_t)1 << 30) + 1), -EINVAL);
    assert_null(q);
    assert_int_equal(pn_spsc_create(&q, 5), 0);
    assert_int_equal(pn_spsc_capacity(q), 8);
    pn_spsc_destroy(q);
    pn_spsc_destroy(NULL);
}

static void fill_and_drain(struct pn_spsc *q, size_t n) {
    void *item = NULL;
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pn_spsc_push(q, item_of(i)), PN_QUEUE_OK);
        assert_false(pn_spsc_empty(q));
    }
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(pn_spsc_pop(q, &item), PN_QUEUE_OK);
        assert_ptr_equal(item, item_of(i));
    }
    assert_int_equal(pn_spsc_pop(q, &item), PN_QUEUE_EMPTY);
    assert_true(pn_spsc_empty(q));
}

static void test_every_fill_level_wraps_around(void **state) {
    (void)state;
    for (size_t capacity = 1; capacity <= 16; capacity *= 2) {
        struct pn_spsc *q = NULL;
        assert_int_equal(pn_spsc_create(&q, capacity), 0);
        for (size_t turn = 0; turn < 5 * capacity; turn++) {
            fill_and_drain(q, turn % (capacity + 1));
        }
        for (size_t i = 0; i < capacity; i++) {
            assert_int_equal(pn_spsc_push(q, item_of(i)), PN_QUEUE_OK);
        }
        assert_int_equal(pn_spsc_push(q, item_of(99)), PN_QUEUE_FULL);
        struct pn_queue_counts counts;
        pn_spsc_counts(q, &counts);
        assert_int_equal(counts.push - counts.pop, capacity);
        assert_int_equal(counts.full, 1);
        assert_int_equal(counts.empty, 5 * capacity);
        pn_spsc_destroy(q);
    }
}

static void test_batches_take_what_fits(void **state) {
    (void)state;
    struct pn_spsc *q = NULL;
    assert_int_equal(pn_spsc_create(&q, 8), 0);
    void *in[12];
    void *out[12];
    for (size_t i = 0; i < 12; i++) {
        in[i] = item_of(i);
    }
    assert_int_equal(pn_spsc_push_n(q, in, 5), 5);
    assert_int_equal(pn_spsc_push_n(q, in + 5, 7), 3);
    assert_int_equal(pn_spsc_push_n(q, in, 0), 0);
    assert_int_equal(pn_spsc_pop_n(q, out, 3), 3);
    assert_int_equal(pn_spsc_push_n(q, in + 8, 4), 3);
    assert_int_equal(pn_spsc_pop_n(q, out + 3, 9), 8);
    for (size_t i = 0; i < 11; i++) {
        assert_ptr_equal(out[i], in[i]);
    }
    assert_int_equal(pn_spsc_pop_n(q, out, 1), 0);
    pn_spsc_destroy(q);
}

static uint64_t create(void **queue, uint64_t capacity, unsigned ports) {
    (void)ports;
    struct pn_spsc *q = NULL;
    assert_int_equal(pn_spsc_create(&q, capacity), 0);
    *queue = q;
    return pn_spsc_capacity(q);
}

static void destroy(void *queue) {
    pn_spsc_destroy(queue);
}

static void *open_port(void *queue) {
    return queue;
}

static void close_port(void *port) {
    (void)port;
}

static enum pn_queue_rc push(void *port, void *item) {
    return pn_spsc_push(port, item);
}

static enum pn_queue_rc pop(void *port, void **item) {
    return pn_spsc_pop(port, item);
}

static void test_spsc_holds_the_contract(void **state) {
    (void)state;
    const struct contract_plug plug = {create, destroy, open_port, close_port, push, pop, NULL};
    const uint64_t capacities[] = {1, 2, 8, 64, 1024};
    for (size_t i = 0; i < sizeof capacities / sizeof *capacities; i++) {
        contract_run(&plug, 1, 1, capacities[i], capacities[i] < 8 ? 20000 : 200000);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create_rounds_up_and_refuses),
        cmocka_unit_test(test_every_fill_level_wraps_around),
        cmocka_unit_test(test_batches_take_what_fits),
        cmocka_unit_test(test_spsc_holds_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
