/* SPDX-License-Identifier: MIT */
#include "queue_contract.h"

#include <errno.h>
#include <pinion/credit.h>

static void test_none_and_too_many_are_refused(void **state) {
    (void)state;
    struct pn_credit *credit = NULL;
    assert_int_equal(pn_credit_create(&credit, 0, 1), -EINVAL);
    assert_int_equal(pn_credit_create(&credit, UINT64_MAX, 1), -EINVAL);
    assert_null(credit);
    pn_credit_destroy(NULL);
}

/* One credit and a hundred senders: each can have it in turn. */
static void test_small_totals_are_exact_for_many_ports(void **state) {
    (void)state;
    struct pn_credit_port ports[100];
    for (uint64_t total = 1; total <= 50; total++) {
        struct pn_credit *credit = NULL;
        assert_int_equal(pn_credit_create(&credit, total, 100), 0);
        for (unsigned i = 0; i < 100; i++) {
            pn_credit_port_init(&ports[i], credit);
        }
        for (unsigned turn = 0; turn < 3; turn++) {
            for (uint64_t i = 0; i < total; i++) {
                assert_true(pn_credit_take(&ports[(i + turn) % 100], 1));
            }
            for (unsigned i = 0; i < 100; i++) {
                assert_false(pn_credit_take(&ports[i], 1));
            }
            for (uint64_t i = 0; i < total; i++) {
                assert_true(pn_credit_give(&ports[(7 * i + turn) % 100], 1));
            }
        }
        assert_int_equal(pn_credit_free(credit), total);
        assert_int_equal(pn_credit_total(credit), total);
        pn_credit_destroy(credit);
    }
}

static void test_take_is_all_or_nothing(void **state) {
    (void)state;
    struct pn_credit *credit = NULL;
    struct pn_credit_port port;
    assert_int_equal(pn_credit_create(&credit, 10, 1), 0);
    pn_credit_port_init(&port, credit);
    assert_false(pn_credit_take(&port, 11));
    assert_true(pn_credit_take(&port, 10));
    assert_false(pn_credit_take(&port, 1));
    assert_true(pn_credit_give(&port, 4));
    assert_false(pn_credit_take(&port, 5));
    assert_true(pn_credit_take(&port, 4));
    pn_credit_destroy(credit);
}

static void test_flush_leaves_nothing_behind(void **state) {
    (void)state;
    struct pn_credit *credit = NULL;
    struct pn_credit_port a;
    struct pn_credit_port b;
    assert_int_equal(pn_credit_create(&credit, 4096, 2), 0);
    pn_credit_port_init(&a, credit);
    pn_credit_port_init(&b, credit);
    assert_true(pn_credit_take(&a, 1));
    assert_true(pn_credit_free(credit) < 4095); /* a chunk was taken */
    assert_false(pn_credit_give(&b, 1));        /* and one credit is owed */
    assert_true(pn_credit_flush(&a));
    assert_true(pn_credit_flush(&b));
    assert_false(pn_credit_flush(&a));
    assert_int_equal(pn_credit_free(credit), 4096);
    pn_credit_destroy(credit);
}

enum { THREADS = 4, TURNS = 60000 };

struct trade {
    struct pn_credit *credit;
    uint64_t total, seed;
    PN_ATOMIC(uint64_t) out; /* credits in use: never above total */
    PN_ATOMIC(uint64_t) over;
};

struct trader {
    struct trade *trade;
    unsigned id;
    pthread_t thread;
};

static void *trade(void *arg) {
    struct trader *self = arg;
    struct trade *t = self->trade;
    struct pn_credit_port port;
    pn_credit_port_init(&port, t->credit);
    uint64_t rng = t->seed + self->id * 17u;
    uint64_t mine = 0;
    for (unsigned i = 0; i < TURNS; i++) {
        uint64_t n = 1 + contract_random(&rng) % 3;
        if (pn_credit_take(&port, n)) {
            mine += n;
            if (pn_faa_seq(&t->out, n) + n > t->total) {
                (void)pn_faa_seq(&t->over, 1);
            }
        }
        contract_pause(&rng);
        uint64_t back = mine == 0 ? 0 : 1 + contract_random(&rng) % mine;
        (void)pn_faa_seq(&t->out, (uint64_t)0 - back);
        if (back != 0 && pn_credit_give(&port, back) && (rng & 7u) == 0) {
            (void)pn_credit_flush(&port);
        }
        mine -= back;
    }
    (void)pn_faa_seq(&t->out, (uint64_t)0 - mine);
    (void)pn_credit_give(&port, mine);
    (void)pn_credit_flush(&port);
    return NULL;
}

static void test_credits_are_conserved_between_threads(void **state) {
    (void)state;
    static const uint64_t totals[] = {1, 3, 64, 5000};
    for (size_t k = 0; k < sizeof totals / sizeof *totals; k++) {
        struct trade t = {.total = totals[k], .seed = contract_seed()};
        assert_int_equal(pn_credit_create(&t.credit, t.total, THREADS), 0);
        struct trader traders[THREADS];
        for (unsigned i = 0; i < THREADS; i++) {
            traders[i] = (struct trader){.trade = &t, .id = i};
            assert_int_equal(pthread_create(&traders[i].thread, NULL, trade, &traders[i]), 0);
        }
        for (unsigned i = 0; i < THREADS; i++) {
            (void)pthread_join(traders[i].thread, NULL);
        }
        if (pn_load_seq(&t.over) != 0 || pn_credit_free(t.credit) != t.total) {
            print_error("seed %llu total %llu\n", (unsigned long long)t.seed,
                        (unsigned long long)t.total);
        }
        assert_int_equal(pn_load_seq(&t.over), 0);
        assert_int_equal(pn_credit_free(t.credit), t.total);
        pn_credit_destroy(t.credit);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_none_and_too_many_are_refused),
        cmocka_unit_test(test_small_totals_are_exact_for_many_ports),
        cmocka_unit_test(test_take_is_all_or_nothing),
        cmocka_unit_test(test_flush_leaves_nothing_behind),
        cmocka_unit_test(test_credits_are_conserved_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
