/* SPDX-License-Identifier: MIT */
#include "queue_contract.h"

#include <pinion/reclaim.h>
#include <pinion/segq.h>
#include <string.h>

#include "runtime/rcu.h"

static struct pn_reclaimer *reclaimer; /* of the test under way */

static uint64_t create(void **queue, uint64_t capacity, unsigned ports) {
    struct pn_segq *q = NULL;
    assert_int_equal(pn_reclaimer_create(&reclaimer, (struct pn_os_cpu){-1}, 0), 0);
    struct pn_segq_config config = {
        .node = {-1}, .capacity = capacity, .max_senders = ports, .reclaimer = reclaimer};
    assert_int_equal(pn_segq_create(&q, &config), 0);
    *queue = q;
    return capacity;
}

/* At the end all that was retired has come back. */
static void destroy(void *queue) {
    pn_reclaimer_barrier(reclaimer);
    struct pn_segq_memory memory;
    pn_segq_memory(queue, &memory);
    assert_true(memory.segments_retired == memory.segments_recycled);
    pn_segq_destroy(queue);
    assert_true(pn_reclaimer_pending_bytes(reclaimer) == 0);
    pn_reclaimer_destroy(reclaimer);
}

static void *open_port(void *queue) {
    struct pn_segq_port *port = NULL;
    pn_rcu_register();
    return pn_segq_port_open(queue, &port) == 0 ? port : NULL;
}

static void close_port(void *port) {
    pn_segq_port_close(port);
    pn_rcu_unregister();
}

static enum pn_queue_rc push(void *port, void *item) {
    return pn_segq_push(port, item);
}

static enum pn_queue_rc pop(void *port, void **item) {
    return pn_segq_pop(port, item);
}

static void rest(void) {
    pn_rcu_quiescent();
}

static const struct contract_plug plug = {create, destroy, open_port, close_port, push, pop, rest};

static void test_segq_holds_the_contract(void **state) {
    (void)state;
    contract_all(&plug, 0);
}

/* Enough items that every segment is used many times. */
static void test_segq_recycles_under_load(void **state) {
    (void)state;
    contract_run(&plug, 2, 2, 256, 60000);
    contract_run(&plug, 1, 1, 0, 100000);
}

/* A port that takes up to eight at a time and hands them out singly. */
struct taker {
    struct pn_segq_port *port;
    void *items[8];
    void *out[3];
    size_t n_out;
    size_t at, n;
};

static void *open_taker(void *queue) {
    struct taker *t = calloc(1, sizeof *t);
    assert_non_null(t);
    t->port = open_port(queue);
    return t;
}

static void close_taker(void *port) {
    struct taker *t = port;
    if (t->n_out > 0) {
        assert_true(pn_segq_push_n_credited(t->port, t->out, t->n_out) == t->n_out);
    }
    close_port(t->port);
    free(t);
}

/* Three at once; the rest before the thread takes, so that nothing waits for it. */
static enum pn_queue_rc push_several(void *port, void *item) {
    struct taker *t = port;
    t->out[t->n_out++] = item;
    if (t->n_out < 3) {
        return PN_QUEUE_OK;
    }
    while (t->n_out > 0) {
        size_t in = pn_segq_push_n_credited(t->port, t->out, t->n_out);
        t->n_out -= in;
        memmove((void *)t->out, (void *)(t->out + in), t->n_out * sizeof *t->out);
        rest();
    }
    return PN_QUEUE_OK;
}

static enum pn_queue_rc pop_several(void *port, void **item) {
    struct taker *t = port;
    if (t->at == t->n) {
        t->at = 0;
        t->n = pn_segq_pop_n(t->port, t->items, 8);
        if (t->n == 0) {
            return PN_QUEUE_EMPTY;
        }
    }
    *item = t->items[t->at++];
    return PN_QUEUE_OK;
}

/* Unbounded: what a taker has not handed out yet would count as inside. */
static void test_several_at_a_time(void **state) {
    (void)state;
    static const struct contract_plug several = {create,       destroy,     open_taker, close_taker,
                                                 push_several, pop_several, rest};
    contract_run(&several, 1, 1, 0, 100000);
    contract_run(&several, 2, 2, 0, 60000);
    contract_run(&several, 1, 3, 0, 40000);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_segq_holds_the_contract),
                                       cmocka_unit_test(test_segq_recycles_under_load),
                                       cmocka_unit_test(test_several_at_a_time)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
