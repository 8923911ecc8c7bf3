/* SPDX-License-Identifier: MIT
 *
 * The wheel against a model that keeps every due time in an array and looks through all of it.
 */
#include <pinion/clock.h>
#include <pinion/wheel.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

enum { N = 500 };

struct item {
    struct pn_timer timer;
    struct lab *lab;
    uint64_t fires_ns; /* when it may fire: due rounded up to a tick */
    bool armed;
};

struct lab {
    struct pn_wheel wheel;
    struct item items[N];
    uint64_t now;
    uint64_t last_fired_ns; /* of this advance */
    uint64_t rng;
    size_t fired;
    unsigned readd; /* one firing in so many adds itself again; 0 = never */
};

static uint64_t draw(struct lab *lab) {
    lab->rng ^= lab->rng << 13;
    lab->rng ^= lab->rng >> 7;
    lab->rng ^= lab->rng << 17;
    return lab->rng * 0x2545f4914f6cdd1du;
}

static uint64_t round_up(uint64_t ns) {
    uint64_t rest = ns % PN_WHEEL_TICK_NS;
    return rest == 0 ? ns : ns - rest + PN_WHEEL_TICK_NS;
}

static void arm(struct lab *lab, struct item *item, uint64_t due_ns) {
    uint64_t from = lab->now / PN_WHEEL_TICK_NS * PN_WHEEL_TICK_NS;
    item->armed = true;
    item->fires_ns = due_ns < from ? 0 : round_up(due_ns);
    pn_wheel_add(&lab->wheel, &item->timer, due_ns);
}

static void on_fire(struct pn_timer *timer) {
    struct item *item = (struct item *)timer;
    struct lab *lab = item->lab;
    assert_true(item->armed);
    assert_false(pn_timer_armed(timer));
    item->armed = false;
    assert_true(lab->now >= timer->due_ns);
    lab->fired++;
    if (lab->readd != 0 && draw(lab) % lab->readd == 0) {
        arm(lab, item, lab->now + draw(lab) % 100000);
    }
}

static void on_fire_in_order(struct pn_timer *timer) {
    struct item *item = (struct item *)timer;
    struct lab *lab = item->lab;
    assert_true(item->fires_ns >= lab->last_fired_ns);
    lab->last_fired_ns = item->fires_ns;
    on_fire(timer);
}

static struct lab *lab_create(uint64_t now, uint64_t seed, pn_timer_fn *fn) {
    struct lab *lab = calloc(1, sizeof *lab);
    assert_non_null(lab);
    lab->now = now;
    lab->rng = seed;
    pn_wheel_init(&lab->wheel, now);
    for (size_t i = 0; i < N; i++) {
        lab->items[i].lab = lab;
        lab->items[i].timer.fn = fn;
    }
    return lab;
}

/* Nothing that may fire is left, and the next answer is not later than the earliest. */
static void check_against_model(struct lab *lab, bool cancelled_some) {
    uint64_t earliest = UINT64_MAX;
    size_t armed = 0;
    for (size_t i = 0; i < N; i++) {
        const struct item *item = &lab->items[i];
        assert_int_equal(item->armed, pn_timer_armed(&item->timer));
        armed += item->armed;
        if (item->armed && item->fires_ns < earliest) {
            earliest = item->fires_ns;
        }
    }
    assert_int_equal(armed, lab->wheel.armed);
    assert_true(pn_wheel_check(&lab->wheel));
    uint64_t next = pn_wheel_next_ns(&lab->wheel);
    if (earliest <= lab->now) {
        assert_int_equal(next, 0);
    } else if (cancelled_some) {
        assert_true(next <= earliest && next > lab->now);
    } else {
        assert_int_equal(next, earliest);
    }
}

static uint64_t random_span(struct lab *lab) {
    return draw(lab) % ((uint64_t)1 << (1 + draw(lab) % 45)); /* up to 9.7 hours, log-uniform */
}

static void run_model(uint64_t seed, bool cancel) {
    struct lab *lab = lab_create(1000000007u * (seed % 97), seed, on_fire);
    lab->readd = 5;
    for (unsigned step = 0; step < 20000; step++) {
        struct item *item = &lab->items[draw(lab) % N];
        unsigned what = (unsigned)(draw(lab) % 8);
        if (what < 5) {
            if (!item->armed) {
                uint64_t due = lab->now + random_span(lab);
                arm(lab, item, draw(lab) % 16 == 0 ? lab->now / 2 : due);
            } else if (cancel) {
                assert_true(pn_wheel_cancel(&lab->wheel, &item->timer));
                assert_false(pn_wheel_cancel(&lab->wheel, &item->timer));
                item->armed = false;
            }
        } else {
            uint64_t next = pn_wheel_next_ns(&lab->wheel);
            bool jump = what == 7 && next != UINT64_MAX && next > lab->now;
            lab->now = jump ? next : lab->now + random_span(lab) / 64;
            size_t due_before = 0;
            for (size_t i = 0; i < N; i++) {
                due_before += lab->items[i].armed && lab->items[i].fires_ns <= lab->now;
            }
            lab->fired = 0;
            size_t fired = pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX);
            assert_int_equal(fired, lab->fired);
            assert_int_equal(fired, due_before);
            assert_true(!jump || cancel || fired > 0);
        }
        if (step % 16 == 0) {
            check_against_model(lab, cancel);
        }
    }
    free(lab);
}

static void test_model_random_operations_agree(void **state) {
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        print_message("seed %u\n", (unsigned)seed);
        run_model(seed * 7919, seed % 2 == 0);
    }
}

static void test_advance_one_jump_fires_in_order_of_ticks(void **state) {
    (void)state;
    struct lab *lab = lab_create(UINT64_C(0x123456789abc), 42, on_fire_in_order);
    uint64_t last = 0;
    for (size_t i = 0; i < N; i++) {
        uint64_t due = lab->now + 1 + random_span(lab);
        last = due > last ? due : last;
        arm(lab, &lab->items[i], due);
    }
    lab->now = round_up(last);
    assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), N);
    assert_int_equal(pn_wheel_next_ns(&lab->wheel), UINT64_MAX);
    assert_true(lab->wheel.moved_down <= (uint64_t)N * (PN_WHEEL_LEVELS - 1));
    free(lab);
}

static void test_advance_budget_keeps_the_rest_due_and_cancellable(void **state) {
    (void)state;
    struct lab *lab = lab_create(0, 1, on_fire);
    for (size_t i = 0; i < 10; i++) {
        arm(lab, &lab->items[i], 5000);
    }
    lab->now = 8192;
    assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, 3), 3);
    assert_int_equal(pn_wheel_next_ns(&lab->wheel), 0);
    assert_false(lab->items[2].armed);
    assert_true(pn_wheel_cancel(&lab->wheel, &lab->items[5].timer));
    lab->items[5].armed = false;
    assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), 6);
    check_against_model(lab, false);
    free(lab);
}

static void on_fire_again(struct pn_timer *timer) {
    struct lab *lab = ((struct item *)timer)->lab;
    assert_int_equal(lab->fired++, 0);
    pn_wheel_add(&lab->wheel, timer, 0);
}

static void test_fire_adding_itself_without_delay_does_not_hold_the_core(void **state) {
    (void)state;
    struct lab *lab = lab_create(1000000, 1, on_fire_again);
    pn_wheel_add(&lab->wheel, &lab->items[0].timer, 0);
    for (unsigned i = 0; i < 100; i++) {
        lab->fired = 0;
        assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), 1);
    }
    free(lab);
}

static void test_add_far_future_stays_and_end_of_time_is_safe(void **state) {
    (void)state;
    struct lab *lab = lab_create(12345, 1, on_fire);
    arm(lab, &lab->items[0], UINT64_MAX);
    arm(lab, &lab->items[1], (uint64_t)1 << 62);
    lab->now = (uint64_t)1 << 61;
    assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), 0);
    assert_int_equal(pn_wheel_next_ns(&lab->wheel), (uint64_t)1 << 62);
    lab->now = (uint64_t)1 << 62;
    assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), 1);
    lab->now = UINT64_MAX;
    assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), 0);
    assert_int_equal(pn_wheel_next_ns(&lab->wheel), UINT64_MAX - 1);
    assert_true(pn_wheel_cancel(&lab->wheel, &lab->items[0].timer));
    free(lab);
}

static void test_advance_time_going_back_fires_nothing_new(void **state) {
    (void)state;
    struct lab *lab = lab_create(1000000, 1, on_fire);
    arm(lab, &lab->items[0], 1500000);
    assert_int_equal(pn_wheel_advance(&lab->wheel, 1400000, SIZE_MAX), 0);
    assert_int_equal(pn_wheel_advance(&lab->wheel, 1000000, SIZE_MAX), 0);
    assert_true(pn_wheel_check(&lab->wheel));
    lab->now = 1600000;
    assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), 1);
    free(lab);
}

/* Mean lateness in wheel time, without a clock: half a tick, at most one. */
static void test_next_lateness_is_below_one_tick(void **state) {
    (void)state;
    struct lab *lab = lab_create(777, 99, on_fire);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t due = lab->now + 1000000;
        arm(lab, &lab->items[0], due);
        uint64_t next = pn_wheel_next_ns(&lab->wheel);
        assert_true(next >= due && next - due < PN_WHEEL_TICK_NS);
        lab->now = next;
        assert_int_equal(pn_wheel_advance(&lab->wheel, lab->now, SIZE_MAX), 1);
        lab->now += draw(lab) % 3000000;
    }
    free(lab);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_random_operations_agree),
        cmocka_unit_test(test_advance_one_jump_fires_in_order_of_ticks),
        cmocka_unit_test(test_advance_budget_keeps_the_rest_due_and_cancellable),
        cmocka_unit_test(test_fire_adding_itself_without_delay_does_not_hold_the_core),
        cmocka_unit_test(test_add_far_future_stays_and_end_of_time_is_safe),
        cmocka_unit_test(test_advance_time_going_back_fires_nothing_new),
        cmocka_unit_test(test_next_lateness_is_below_one_tick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
