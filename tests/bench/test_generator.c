/* SPDX-License-Identifier: MIT */
#include <pinion/generator.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* The check value of jobs=20000 with every other parameter at its default, job by job. */
static void test_checksum_default_parameters_agrees(void **state) {
    (void)state;
    uint64_t sum = 0;
    for (uint32_t p = 0; p < 4; p++) {
        uint32_t base = pn_job_base(42, p);
        for (uint32_t i = 0; i < 5000; i++) {
            uint32_t key = pn_job_key(base, i);
            sum += pn_compute(key, pn_job_pick(key, PN_DRAW_UNITS, 100, 100));
        }
    }
    assert_int_equal(sum, 0x000027050ac42ebdu);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksum_default_parameters_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
