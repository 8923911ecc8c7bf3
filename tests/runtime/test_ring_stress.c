/* SPDX-License-Identifier: MIT */
#include "queue_contract.h"

#include <pinion/ring.h>

static uint64_t create(void **queue, uint64_t capacity, unsigned ports) {
    (void)ports;
    struct pn_ring *ring = NULL;
    assert_int_equal(pn_ring_create(&ring, capacity), 0);
    *queue = ring;
    return pn_ring_capacity(ring);
}

static void destroy(void *queue) {
    pn_ring_destroy(queue);
}

static void *open_port(void *queue) {
    return queue;
}

static void close_port(void *port) {
    (void)port;
}

static enum pn_queue_rc push(void *port, void *item) {
    return pn_ring_push(port, item);
}

static enum pn_queue_rc pop(void *port, void **item) {
    return pn_ring_pop(port, item);
}

static void test_ring_holds_the_contract(void **state) {
    (void)state;
    const struct contract_plug plug = {create, destroy, open_port, close_port, push, pop, NULL};
    contract_all(&plug, 4096);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ring_holds_the_contract)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
