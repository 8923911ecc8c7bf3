/* SPDX-License-Identifier: MIT */
#include "queue_contract.h"

#include <pinion/runq.h>

static void *item_of(uintptr_t i) {
    return (void *)(i * 8 + 8);
}

static void test_owner_sees_fifo_full_and_empty(void **state) {
    (void)state;
    struct pn_runq *q = NULL;
    assert_int_equal(pn_runq_create(&q), 0);
    assert_null(pn_runq_pop(q));
    uintptr_t in = 0;
    uintptr_t out = 0;
    for (unsigned turn = 0; turn < 5; turn++) {
        while (pn_runq_push(q, item_of(in))) {
            in++;
        }
        assert_int_equal(in - out, PN_RUNQ_CAPACITY);
        assert_int_equal(pn_runq_length(q), PN_RUNQ_CAPACITY);
        for (unsigned i = 0; i < 100 + turn; i++) {
            assert_ptr_equal(pn_runq_pop(q), item_of(out++));
        }
    }
    while (out < in) {
        assert_ptr_equal(pn_runq_pop(q), item_of(out++));
    }
    assert_null(pn_runq_pop(q));
    assert_int_equal(pn_runq_length(q), 0);
    struct pn_queue_counts counts;
    pn_runq_counts(q, &counts);
    assert_int_equal(counts.push, in);
    assert_int_equal(counts.pop, in);
    assert_int_equal(counts.full, 5);
    assert_int_equal(counts.empty, 2);
    pn_runq_destroy(q);
}

static void test_thief_takes_the_older_half_rounded_up(void **state) {
    (void)state;
    struct pn_runq *q = NULL;
    void *out[PN_RUNQ_CAPACITY];
    assert_int_equal(pn_runq_create(&q), 0);
    assert_int_equal(pn_runq_steal(q, out, PN_RUNQ_CAPACITY), 0);
    for (uintptr_t i = 0; i < 7; i++) {
        assert_true(pn_runq_push(q, item_of(i)));
    }
    assert_int_equal(pn_runq_steal(q, out, PN_RUNQ_CAPACITY), 4);
    assert_ptr_equal(out[0], item_of(0));
    assert_ptr_equal(out[3], item_of(3));
    assert_int_equal(pn_runq_steal(q, out, 1), 1);
    assert_ptr_equal(out[0], item_of(4));
    assert_ptr_equal(pn_runq_pop(q), item_of(5));
    assert_int_equal(pn_runq_steal(q, out, PN_RUNQ_CAPACITY), 1);
    assert_ptr_equal(out[0], item_of(6));
    assert_int_equal(pn_runq_length(q), 0);
    pn_runq_destroy(q);
}

enum { THIEVES = 3, TASKS = 120000 };

struct heist {
    struct pn_runq *q;
    uint64_t seed;
    PN_ATOMIC(uint32_t) seen[TASKS];
    PN_ATOMIC(uint32_t) done;
    uint32_t serial[TASKS]; /* plain: written before push, read after */
    uint64_t disorder[THIEVES + 1];
};

struct thief {
    struct heist *heist;
    unsigned id;
    uint64_t last;
    pthread_t thread;
};

static void took(struct heist *h, void *task, uint64_t *last, unsigned who) {
    uint32_t serial = *(uint32_t *)task;
    h->disorder[who] += serial + 1 <= *last;
    *last = serial + 1;
    (void)pn_faa_rlx(&h->seen[serial], 1);
}

static void *steal(void *arg) {
    struct thief *self = arg;
    struct heist *h = self->heist;
    uint64_t rng = h->seed + self->id * 31u;
    void *out[PN_RUNQ_CAPACITY / 2];
    bool last_look = false;
    while (!last_look) {
        last_look = pn_load_acq(&h->done) != 0;
        size_t max = 1 + contract_random(&rng) % (PN_RUNQ_CAPACITY / 2);
        size_t n = pn_runq_steal(h->q, out, max);
        for (size_t i = 0; i < n; i++) {
            took(h, out[i], &self->last, self->id);
        }
        contract_pause(&rng);
    }
    return NULL;
}

static void own(struct heist *h, uint64_t *rng) {
    uint64_t last = 0;
    for (uint32_t i = 0; i < TASKS;) {
        uint64_t burst = contract_random(rng) % 300;
        for (; burst > 0 && i < TASKS; burst--) {
            h->serial[i] = i;
            if (!pn_runq_push(h->q, &h->serial[i])) {
                break;
            }
            i++;
        }
        contract_pause(rng);
        void *task = NULL;
        for (uint64_t n = contract_random(rng) % 200; n > 0; n--) {
            task = pn_runq_pop(h->q);
            if (task == NULL) {
                break;
            }
            took(h, task, &last, THIEVES);
        }
    }
    for (void *task = pn_runq_pop(h->q); task != NULL; task = pn_runq_pop(h->q)) {
        took(h, task, &last, THIEVES);
    }
    pn_store_rel(&h->done, 1);
}

/* Every task comes out once; the owner and each thief see theirs in order. */
static void test_tasks_are_neither_lost_nor_doubled(void **state) {
    (void)state;
    struct heist *h = calloc(1, sizeof *h);
    assert_non_null(h);
    h->seed = contract_seed();
    uint64_t rng = h->seed;
    assert_int_equal(pn_runq_create(&h->q), 0);
    struct thief thieves[THIEVES];
    for (unsigned i = 0; i < THIEVES; i++) {
        thieves[i] = (struct thief){.heist = h, .id = i};
        assert_int_equal(pthread_create(&thieves[i].thread, NULL, steal, &thieves[i]), 0);
    }
    own(h, &rng);
    uint64_t bad = 0;
    for (unsigned i = 0; i < THIEVES; i++) {
        (void)pthread_join(thieves[i].thread, NULL);
        bad += h->disorder[i];
    }
    bad += h->disorder[THIEVES];
    for (unsigned i = 0; i < TASKS; i++) {
        bad += pn_load_rlx(&h->seen[i]) != 1;
    }
    if (bad != 0) {
        print_error("seed %llu\n", (unsigned long long)h->seed);
    }
    assert_true(bad == 0);
    pn_runq_destroy(h->q);
    free(h);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owner_sees_fifo_full_and_empty),
        cmocka_unit_test(test_thief_takes_the_older_half_rounded_up),
        cmocka_unit_test(test_tasks_are_neither_lost_nor_doubled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
