/* SPDX-License-Identifier: MIT
 *
 * A workload of one's own: the example of the documentation in both designs, in a sweep, and what a
 * library can get wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

static int call(const char *words, char *out, size_t cap) {
    char command[4096];
    const char *build = getenv("PINION_TEST_BUILD");
    (void)snprintf(command, sizeof command, "cd '%s/tests' && timeout 50 '%s/pinion' %s 2>&1",
                   build, build, words);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

/* The sum that a plain loop over the example's three functions gives. */
static uint64_t expected(uint32_t seed, uint32_t producers, uint32_t jobs, uint32_t bytes) {
    uint64_t sum = 0;
    for (uint32_t p = 0; p < producers; p++) {
        uint32_t n = jobs / producers + (p < jobs % producers);
        for (uint32_t i = 0; i < n; i++) {
            uint32_t length = 16 + (seed + 7 * p + i) % 64;
            sum += (uint64_t)(bytes + 1) / (length + 1) * length + i;
        }
    }
    return sum;
}

static void test_both_designs_do_it(void **state) {
    (void)state;
    static const char *const designs[] = {"shared", "mailbox", "shared+heap=actor"};
    for (size_t d = 0; d < 3; d++) {
        char words[512];
        static char out[65536];
        char sum[32];
        (void)snprintf(words, sizeof words,
                       "run --design %s --workload ./workload_lines.so --json --summary jobs=6001 "
                       "producers=3 workers=5 payload=4096 seed=9 sleep_ppm=2000 slo=50 shi=90",
                       designs[d]);
        int code = call(words, out, sizeof out);
        (void)snprintf(sum, sizeof sum, "%016llx", (unsigned long long)expected(9, 3, 6001, 4096));
        if (code != 0 || strstr(out, sum) == NULL) {
            fail_msg("%s: exit %d, no checksum %s in\n%.600s", words, code, sum, out);
        }
    }
}

static void expect(const char *words, int code, const char *part) {
    static char out[65536];
    int ended = call(words, out, sizeof out);
    if (ended != code || strstr(out, part) == NULL) {
        fail_msg("%s: exit %d, not %d\n%.600s\n  has no '%s'", words, ended, code, out, part);
    }
}

static void test_bad_libraries_are_one_line(void **state) {
    (void)state;
    expect("run --design shared --workload ./none.so jobs=10", 1, "workload ./none.so: ");
    expect("run --design shared --workload ./workload_stale.so jobs=10", 1,
           "another pn_workload_abi; this program takes ABI 1");
    expect("run --design shared --workload ./workload_halved.so jobs=10", 1,
           "it has no pn_workload_verify");
    expect("run --design mailbox --workload ./workload_wrong.so jobs=100 warm=0 producers=2", 1,
           "2 sampled results are wrong, by its own verify");
    expect("run --design loop --workload ./workload_lines.so jobs=10", 1,
           "loop: it knows no workload of your own");
    expect("run --design tokio --workload ./workload_lines.so jobs=10", 2, "it is C");
    expect("sweep --workload ./none.so --x payload=64,128 -o never", 2, "workload ./none.so");
}

/* Slots, rounds and report as ever; another runtime's row says why it is empty. */
static void test_a_sweep_of_it(void **state) {
    (void)state;
    static char out[65536];
    char path[4200];
    (void)call("--version >/dev/null; rm -rf own-workload", out, sizeof out);
    int code = call("sweep --workload ./workload_lines.so --x payload=64,256 --designs "
                    "shared,mailbox,tokio --rounds 1 -o own-workload",
                    out, sizeof out);
    assert_true(code == 0 || code == 4);
    (void)snprintf(path, sizeof path, "%s/tests/own-workload/manifest.json",
                   getenv("PINION_TEST_BUILD"));
    json_t *manifest = json_load_file(path, 0, NULL);
    assert_non_null(manifest);
    assert_string_equal(json_string_value(json_object_get(manifest, "workload")),
                        "workload_lines.so");
    const json_t *absent = json_array_get(json_object_get(manifest, "absent_designs"), 0);
    assert_string_equal(json_string_value(json_object_get(absent, "design")), "tokio");
    assert_non_null(strstr(json_string_value(json_object_get(absent, "reason")), "your own"));
    json_decref(manifest);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_designs_do_it),
        cmocka_unit_test(test_bad_libraries_are_one_line),
        cmocka_unit_test(test_a_sweep_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
