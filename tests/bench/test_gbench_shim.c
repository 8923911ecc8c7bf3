/* SPDX-License-Identifier: MIT
 *
 * The face towards Google Benchmark: rows, failures, skips, threads, and the JSON that reports
 * read.
 */
#include "gbench_shim.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

struct seen {
    unsigned rows, errors, skips, medians;
    double value;
    char name[128], error[128];
};

static void note(const struct pn_bench_row *row, void *user) {
    struct seen *seen = user;
    seen->rows++;
    (void)snprintf(seen->name, sizeof seen->name, "%s", row->name);
    if (row->error != NULL) {
        seen->errors += !row->skipped;
        seen->skips += row->skipped;
        (void)snprintf(seen->error, sizeof seen->error, "%s", row->error);
        return;
    }
    seen->medians += strcmp(row->aggregate, "median") == 0;
    if (row->aggregate[0] == '\0') {
        assert_true(row->iterations > 0);
        assert_true(row->ns_per_op > 0 && row->real_ns > 0);
    }
    for (size_t i = 0; i < row->n_counters; i++) {
        if (row->aggregate[0] == '\0' && strcmp(row->counters[i].name, "answer") == 0) {
            seen->value = row->counters[i].value;
        }
    }
}

static int run_one(const struct pn_bench_case *what, int repetitions, struct seen *seen,
                   char **json) {
    static const struct pn_os_cpu cpus[] = {{0}, {1}};
    const struct pn_bench_options options = {.min_time_s = 0.001,
                                             .repetitions = repetitions,
                                             .cpus = cpus,
                                             .n_cpus = 2,
                                             .on_row = note,
                                             .user = seen};
    return pn_bench_run(&what, 1, &options, json);
}

static void good(struct pn_bench_state *state, const struct pn_bench_case *self) {
    uint64_t sum = 0;
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        sum += i;
        pn_bench_keep(&sum);
    }
    pn_bench_end(state);
    pn_bench_set_counter(state, "answer", (double)self->value);
}

static void wrong(struct pn_bench_state *state, const struct pn_bench_case *self) {
    good(state, self);
    pn_bench_fail(state, "two and two make five");
}

static void absent(struct pn_bench_state *state, const struct pn_bench_case *self) {
    (void)self;
    pn_bench_skip(state, "no such machine");
    assert_int_equal(pn_bench_begin(state), 0);
    pn_bench_end(state);
}

/* Returns between begin and end: the library must not be left in the middle of a run. */
static void careless(struct pn_bench_state *state, const struct pn_bench_case *self) {
    (void)self;
    (void)pn_bench_begin(state);
}

static void two(struct pn_bench_state *state, const struct pn_bench_case *self) {
    static const int token = 7;
    (void)self;
    void **shared = pn_bench_shared(state);
    if (pn_bench_thread(state) == 0) {
        assert_null(*shared);
        *shared = (void *)(uintptr_t)&token;
    }
    (void)pn_bench_begin(state);
    bool same = *shared == &token;
    pn_bench_end(state);
    if (!same) {
        pn_bench_fail(state, "not shared");
    }
    if (pn_bench_thread(state) == 0) {
        *shared = NULL;
    }
}

static void test_run_rows_and_json_agree(void **state) {
    (void)state;
    const struct pn_bench_case what = {"test/good/key=1", good, 1, 42, 0};
    struct seen seen = {0};
    char *json = NULL;
    assert_int_equal(run_one(&what, 3, &seen, &json), 1);
    assert_string_equal(seen.name, "test/good/key=1/threads:1");
    assert_true(seen.rows >= 3 + 3);
    assert_int_equal(seen.medians, 1);
    assert_true(seen.value == 42);
    json_t *root = json_loads(json, 0, NULL);
    assert_non_null(root);
    json_t *rows = json_object_get(root, "benchmarks");
    assert_int_equal(json_array_size(rows), seen.rows);
    assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "name")),
                        "test/good/key=1/threads:1");
    assert_non_null(json_object_get(json_array_get(rows, 0), "ns_per_op"));
    assert_non_null(json_object_get(json_object_get(root, "context"), "library_build_type"));
    json_decref(root);
    free(json);
}

static void test_run_wrong_result_is_an_error(void **state) {
    (void)state;
    const struct pn_bench_case what = {"test/wrong/key=1", wrong, 1, 0, 0};
    struct seen seen = {0};
    assert_int_equal(run_one(&what, 1, &seen, NULL), 1);
    assert_int_equal(seen.errors, 1);
    assert_int_equal(seen.skips, 0);
    assert_string_equal(seen.error, "two and two make five");
}

static void test_run_skip_is_no_error_and_says_why(void **state) {
    (void)state;
    const struct pn_bench_case what = {"test/absent/key=1", absent, 1, 0, 0};
    struct seen seen = {0};
    assert_int_equal(run_one(&what, 1, &seen, NULL), 1);
    assert_int_equal(seen.errors, 0);
    assert_int_equal(seen.skips, 1);
    assert_string_equal(seen.error, "no such machine");
}

static void test_run_return_before_end_is_finished(void **state) {
    (void)state;
    const struct pn_bench_case what = {"test/careless/key=1", careless, 1, 0, 0};
    struct seen seen = {0};
    assert_int_equal(run_one(&what, 1, &seen, NULL), 1);
    assert_int_equal(seen.rows, 1);
}

static void test_run_threads_share_a_pointer(void **state) {
    (void)state;
    const struct pn_bench_case what = {"test/two/key=1", two, 2, 0, 0};
    struct seen seen = {0};
    assert_int_equal(run_one(&what, 2, &seen, NULL), 1);
    assert_int_equal(seen.errors, 0);
    assert_string_equal(seen.name, "test/two/key=1/threads:2");
}

static void test_run_more_threads_than_cpus_is_skipped(void **state) {
    (void)state;
    const struct pn_bench_case what = {"test/two/key=1", two, 3, 0, 0};
    struct seen seen = {0};
    assert_int_equal(run_one(&what, 1, &seen, NULL), 1);
    assert_int_equal(seen.skips, 1);
    assert_int_equal(seen.errors, 0);
}

static void test_micro_bad_options_are_refused(void **state) {
    (void)state;
    struct pn_error err = {{0}};
    struct pn_micro_options options = {.filter = "timer/(", .quick = true};
    assert_int_equal(pn_micro_run(&options, NULL, &err), -EINVAL);
    assert_true(strlen(err.text) > 0);
    options.filter = "no benchmark is called so";
    assert_int_equal(pn_micro_run(&options, NULL, &err), -ENOENT);
    options = (struct pn_micro_options){.repetitions = -1};
    assert_int_equal(pn_micro_run(&options, NULL, &err), -EINVAL);
}

/* Every case, as short as can be: what is checked after the timed part holds. */
static void test_micro_all_cases_are_correct(void **state) {
    (void)state;
    const struct pn_os_cpu cpus[] = {{0}, {1}};
    struct seen seen = {0};
    struct pn_micro_options options = {.repetitions = 1,
                                       .min_time_s = 0.001,
                                       .quick = true,
                                       .cpus = cpus,
                                       .n_cpus = 2,
                                       .on_row = note,
                                       .user = &seen};
    int n = 0;
    while (pn_micro_name((size_t)n) != NULL) {
        n++;
    }
    assert_int_equal(pn_micro_run(&options, NULL, NULL), n);
    assert_string_equal(seen.errors == 0 ? "" : seen.error, "");
    assert_int_equal(seen.rows, n);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_rows_and_json_agree),
        cmocka_unit_test(test_run_wrong_result_is_an_error),
        cmocka_unit_test(test_run_skip_is_no_error_and_says_why),
        cmocka_unit_test(test_run_return_before_end_is_finished),
        cmocka_unit_test(test_run_threads_share_a_pointer),
        cmocka_unit_test(test_run_more_threads_than_cpus_is_skipped),
        cmocka_unit_test(test_micro_bad_options_are_refused),
        cmocka_unit_test(test_micro_all_cases_are_correct),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
