/* SPDX-License-Identifier: MIT
 *
 * When throughput counts as back: windows that are told, so the answer is exact.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "bench/recovery.h"

#define MS(n) ((uint64_t)(n)*1000000u)

struct course {
    struct pn_recovery r;
    uint64_t t0, now, jobs;
};

static void begin(struct course *c, uint64_t fail_at_ms, uint64_t band_pct, uint64_t windows) {
    struct pn_params p;
    pn_params_init(&p);
    p.fail_at_ms = fail_at_ms;
    p.band_pct = band_pct;
    p.band_windows = windows;
    c->t0 = c->now = MS(7777);
    c->jobs = 0;
    pn_recovery_begin(&c->r, &p, c->t0);
}

/* `ms` milliseconds in which `jobs` jobs are completed, looked at every 2.5 ms. */
static bool pass(struct course *c, uint64_t ms, uint64_t jobs) {
    uint64_t from = c->now, had = c->jobs;
    bool recovered = false;
    for (uint64_t us = 2500; us <= ms * 1000; us += 2500) {
        c->now = from + us * 1000;
        c->jobs = had + jobs * us / (ms * 1000);
        if (c->r.struck_ns != 0 || c->now < c->r.fail_ns) {
            recovered = pn_recovery_look(&c->r, c->now, c->jobs) || recovered;
        }
    }
    return recovered;
}

static void strike(struct course *c) {
    assert_true(c->now >= c->r.fail_ns);
    pn_recovery_strike(&c->r, c->now, c->jobs);
}

static void a_dip_lasts_as_long_as_it_lasts(void **state) {
    (void)state;
    struct course c;
    begin(&c, 500, 5, 3);
    assert_false(pass(&c, 500, 500));
    strike(&c);
    assert_int_equal(c.r.baseline, 1000);
    assert_false(pass(&c, 100, 0));
    assert_false(pass(&c, 100, 60));
    assert_false(pass(&c, 200, 200)); /* two windows are not three */
    assert_false(pass(&c, 100, 94));  /* outside: from the start */
    assert_false(pass(&c, 200, 200));
    assert_true(pass(&c, 100, 105));
    assert_int_equal(c.r.recovery_ns, MS(500));
    /* What comes later changes nothing. */
    assert_false(pass(&c, 500, 0));
    assert_int_equal(c.r.recovery_ns, MS(500));
}

static void what_never_left_the_band_took_nothing(void **state) {
    (void)state;
    struct course c;
    begin(&c, 300, 10, 2);
    (void)pass(&c, 300, 3000);
    strike(&c);
    assert_false(pass(&c, 100, 910));
    assert_true(pass(&c, 100, 1090));
    assert_true(c.r.recovered);
    assert_int_equal(c.r.recovery_ns, 0);
}

static void too_much_is_not_back_either(void **state) {
    (void)state;
    struct course c;
    begin(&c, 300, 10, 1);
    (void)pass(&c, 300, 3000);
    strike(&c);
    assert_false(pass(&c, 200, 2400)); /* what had piled up is worked off */
    assert_true(pass(&c, 100, 1000));
    assert_int_equal(c.r.recovery_ns, MS(200));
}

static void the_baseline_is_a_median_of_whole_windows(void **state) {
    (void)state;
    struct course c;
    begin(&c, 520, 5, 1); /* 20 ms are left over at the start */
    (void)pass(&c, 20, 0);
    (void)pass(&c, 100, 10);
    (void)pass(&c, 100, 400);
    (void)pass(&c, 300, 300);
    strike(&c);
    assert_int_equal(c.r.baseline, 1000);
}

static void without_a_baseline_nothing_is_claimed(void **state) {
    (void)state;
    struct course c;
    begin(&c, 200, 100, 1);
    (void)pass(&c, 200, 200);
    strike(&c);
    assert_int_equal(c.r.baseline, 0);
    assert_false(pass(&c, 1000, 1000));
    assert_false(c.r.recovered);
    /* Nothing was done before: nothing to come back to. */
    begin(&c, 400, 100, 1);
    (void)pass(&c, 400, 0);
    strike(&c);
    assert_false(pass(&c, 1000, 0));
    assert_false(c.r.recovered);
}

/* A collector that was kept from looking: long windows, still jobs per second. */
static void late_looks_are_no_dips(void **state) {
    (void)state;
    struct course c;
    begin(&c, 500, 5, 3);
    (void)pass(&c, 500, 500);
    strike(&c);
    bool recovered = false;
    for (unsigned i = 0; i < 3; i++) {
        c.now += MS(100 + 70 * i);
        c.jobs += 100 + 70 * i;
        recovered = pn_recovery_look(&c.r, c.now, c.jobs);
    }
    assert_true(recovered);
    assert_int_equal(c.r.recovery_ns, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dip_lasts_as_long_as_it_lasts),
        cmocka_unit_test(what_never_left_the_band_took_nothing),
        cmocka_unit_test(too_much_is_not_back_either),
        cmocka_unit_test(the_baseline_is_a_median_of_whole_windows),
        cmocka_unit_test(without_a_baseline_nothing_is_claimed),
        cmocka_unit_test(late_looks_are_no_dips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
