/* SPDX-License-Identifier: MIT */
#include <pinion/clock.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void test_now_never_goes_back(void **state) {
    (void)state;
    uint64_t last = pn_now_ns();
    for (unsigned i = 0; i < 100000; i++) {
        uint64_t now = pn_now_ns();
        assert_true(now >= last);
        last = now;
    }
}

/* Cross-check of two clocks over 20 ms. Wide: a virtual machine may be off the CPU between any two
 * lines, but not for long in relation. */
static void test_ticks_agree_with_the_clock(void **state) {
    (void)state;
    struct pn_ticks ticks;
    pn_ticks_calibrate(&ticks);
    assert_true(ticks.per_second > 1000000);
    uint64_t ns0 = pn_now_ns(), t0 = pn_ticks_now(), ns1;
    do {
        ns1 = pn_now_ns();
    } while (ns1 - ns0 < 20000000);
    uint64_t by_ticks = pn_ticks_to_ns(&ticks, pn_ticks_now() - t0);
    assert_in_range(by_ticks, (ns1 - ns0) / 2, (ns1 - ns0) * 2);
    assert_int_equal(pn_ticks_to_ns(&ticks, 0), 0);
}

static void test_cpu_clocks_count_work_of_this_thread(void **state) {
    (void)state;
    uint64_t thread = pn_thread_cpu_ns(), process = pn_process_cpu_ns();
    while (pn_thread_cpu_ns() - thread < 2000000) {
    }
    /* The two were read one after the other. */
    assert_true(pn_process_cpu_ns() - process >= 1000000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_now_never_goes_back),
        cmocka_unit_test(test_ticks_agree_with_the_clock),
        cmocka_unit_test(test_cpu_clocks_count_work_of_this_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
