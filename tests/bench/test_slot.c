/* SPDX-License-Identifier: MIT
 *
 * Children that hang, die, flood, lie and leave others behind: none may stop the runner, and none
 * may be believed. A child is a small shell script that speaks, or misspeaks, the protocol.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pinion/clock.h>
#include <pinion/slot.h>

#define READY "echo '{\"event\":\"ready\",\"schema\":1}'; read go; "
#define SUMMARY(counts)                                                                            \
    "echo '{\"event\":\"summary\",\"schema\":1,\"checksum\":\"0123456789abcdef\"," counts          \
    ",\"wall_ns\":1000000,\"cpu_ns\":1000000,\"half1_ns\":500000,\"half2_ns\":500000}'; "
#define GOOD SUMMARY("\"jobs\":100,\"done\":97,\"lost\":3,\"dropped\":0,\"collateral\":0")

static const struct pn_os_cpu cpus[] = {{0}};

static int play(const char *script, double seconds, struct pn_slot_result *result) {
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct pn_slot_options options = {.argv = argv,
                                      .cpus = cpus,
                                      .n_cpus = 1,
                                      .deadline_ns = (uint64_t)(seconds * 1e9),
                                      .jobs = 100};
    return pn_slot_run(&options, result);
}

static void expect_error(const char *script, const char *part) {
    struct pn_slot_result result;
    assert_int_equal(play(script, 5, &result), 0);
    if (strstr(result.error, part) == NULL) {
        fail_msg("'%s'\nsaid '%s', not '%s'", script, result.error, part);
    }
    assert_null(strchr(result.error, '\n'));
    pn_slot_result_fini(&result);
}

static void test_a_good_child_is_kept(void **state) {
    (void)state;
    struct pn_slot_result result;
    assert_int_equal(play(READY GOOD, 5, &result), 0);
    assert_string_equal(result.error, "");
    assert_non_null(result.summary);
    assert_false(result.unsteady);
    assert_false(result.interrupted);
    assert_int_equal(json_integer_value(json_object_get(result.summary, "done")), 97);
    pn_slot_result_fini(&result);
}

/* Nothing of the user's environment but what the slot is given. */
static void test_malloc_thresholds_are_handed_on(void **state) {
    (void)state;
    struct pn_slot_result result;
    const char *const argv[] = {
        "/bin/sh", "-c",
        READY
        "test \"$MALLOC_TRIM_THRESHOLD_/$MALLOC_MMAP_THRESHOLD_\" = 4096/4096 || exit 9; " GOOD,
        NULL};
    struct pn_slot_options options = {.argv = argv,
                                      .cpus = cpus,
                                      .n_cpus = 1,
                                      .deadline_ns = 5000000000u,
                                      .jobs = 100,
                                      .malloc_thresholds = 4096};
    assert_int_equal(pn_slot_run(&options, &result), 0);
    assert_string_equal(result.error, "");
    pn_slot_result_fini(&result);
    options.malloc_thresholds = 0;
    assert_int_equal(pn_slot_run(&options, &result), 0);
    assert_non_null(strstr(result.error, "exit code 9"));
    pn_slot_result_fini(&result);
}

static void test_unlike_halves_are_unsteady(void **state) {
    (void)state;
    struct pn_slot_result result;
    assert_int_equal(play(READY "echo '{\"event\":\"summary\",\"checksum\":\"0123456789abcdef\","
                                "\"jobs\":100,\"done\":100,\"wall_ns\":1000000,\"cpu_ns\":1,"
                                "\"half1_ns\":500000,\"half2_ns\":511000}'",
                          5, &result),
                     0);
    assert_string_equal(result.error, "");
    assert_true(result.unsteady);
    pn_slot_result_fini(&result);
}

static void test_death_is_explained(void **state) {
    (void)state;
    expect_error("echo 'no such design' >&2; exit 7", "exit code 7: no such design");
    expect_error(READY "exit 7", "exit code 7");
    expect_error(READY "kill -9 $$", "signal 9");
    expect_error(READY GOOD "exit 3", "exit code 3");
    expect_error(READY "exit 0", "exit code 0");
}

static void test_lies_are_found(void **state) {
    (void)state;
    expect_error(
        READY SUMMARY("\"jobs\":100,\"done\":98,\"lost\":3,\"dropped\":0,\"collateral\":0"), "101");
    expect_error(READY SUMMARY("\"jobs\":99,\"done\":99,\"lost\":0,\"dropped\":0,\"collateral\":0"),
                 "99");
    expect_error(
        READY SUMMARY("\"jobs\":100,\"done\":103,\"lost\":-3,\"dropped\":0,\"collateral\":0"),
        "'done'");
    expect_error(READY
                 "echo '{\"event\":\"summary\",\"checksum\":\"0123456789abcdef\",\"jobs\":100,"
                 "\"done\":100}'",
                 "wall_ns");
    /* It cannot have run for 900 s. */
    expect_error(READY
                 "echo '{\"event\":\"summary\",\"checksum\":\"0123456789abcdef\",\"jobs\":100,"
                 "\"done\":100,\"wall_ns\":900000000000,\"cpu_ns\":1}'",
                 "passed");
    expect_error(READY "echo '{\"event\":\"summary\",\"jobs\":100,\"done\":100,"
                       "\"wall_ns\":1000000,\"cpu_ns\":1}'",
                 "checksum");
}

static void test_a_summary_before_the_go_is_none(void **state) {
    (void)state;
    expect_error(GOOD "exit 0", "go");
}

static void expect_ended(const char *script, double least_s, double most_s, const char *part) {
    struct pn_slot_result result;
    uint64_t from = pn_now_ns();
    assert_int_equal(play(script, 0.3, &result), 0);
    double took = (double)(pn_now_ns() - from) / 1e9;
    if (took < least_s || took > most_s || strstr(result.error, part) == NULL) {
        fail_msg("'%s'\ntook %.2f s and said '%s'", script, took, result.error);
    }
    assert_null(result.summary);
    pn_slot_result_fini(&result);
}

static void test_hanging_ends_at_the_deadline(void **state) {
    (void)state;
    expect_ended("exec sleep 60", 0.3, 3, "deadline");
    expect_ended(READY "exec sleep 60", 0.3, 3, "deadline");
    /* Deaf to TERM; the whole group goes, so that the sleep does not outlive it either. */
    expect_ended("trap '' TERM; " READY "while :; do sleep 60; done", 0.3, 4, "deadline");
    /* Output closed, process not: the end of the pipe is not the end of the child. */
    expect_ended(READY "exec >&- 2>&-; exec sleep 60", 0.3, 4, "deadline");
}

static void test_flood_is_cut(void **state) {
    (void)state;
    struct pn_slot_result result;
    assert_int_equal(play(READY "exec yes '{\"event\":\"snapshot\"}'", 20, &result), 0);
    assert_non_null(strstr(result.error, "more than"));
    pn_slot_result_fini(&result);
    assert_int_equal(play(READY "yes complaint >&2 & sleep 0.2; kill $!; " GOOD, 20, &result), 0);
    assert_string_equal(result.error, "");
    pn_slot_result_fini(&result);
}

static bool runs(const char *pid_file) {
    char text[32] = "", path[64];
    FILE *f = fopen(pid_file, "r");
    assert_non_null(f);
    assert_non_null(fgets(text, sizeof text, f));
    (void)fclose(f);
    (void)snprintf(path, sizeof path, "/proc/%d/stat", atoi(text));
    f = fopen(path, "r");
    char state = 'X';
    bool alive = f != NULL && fscanf(f, "%*d (%*[^)]) %c", &state) == 1 && state != 'Z';
    if (f != NULL) {
        (void)fclose(f);
    }
    return alive;
}

static void test_what_a_child_leaves_behind_is_ended(void **state) {
    (void)state;
    char file[] = "/tmp/pinion-slot-XXXXXX", script[512];
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    (void)close(fd);
    (void)snprintf(script, sizeof script,
                   "sleep 60 >/dev/null 2>&1 </dev/null & echo $! > %s; " READY "%s", file, GOOD);
    struct pn_slot_result result;
    assert_int_equal(play(script, 5, &result), 0);
    assert_string_equal(result.error, "");
    pn_slot_result_fini(&result);
    for (unsigned i = 0; i < 100 && runs(file); i++) {
        (void)usleep(10000);
    }
    assert_false(runs(file));
    (void)unlink(file);
}

static bool at_once(void) {
    return true;
}

static void test_interrupted_is_no_result(void **state) {
    (void)state;
    const char *const argv[] = {"/bin/sh", "-c", READY "exec sleep 60", NULL};
    struct pn_slot_options options = {.argv = argv,
                                      .cpus = cpus,
                                      .n_cpus = 1,
                                      .deadline_ns = 20000000000u,
                                      .jobs = 100,
                                      .interrupted = at_once};
    struct pn_slot_result result;
    uint64_t from = pn_now_ns();
    assert_int_equal(pn_slot_run(&options, &result), 0);
    assert_true(result.interrupted);
    assert_null(result.summary);
    assert_true(pn_now_ns() - from < 5000000000u);
    pn_slot_result_fini(&result);
}

static void test_no_such_program_is_an_error(void **state) {
    (void)state;
    const char *const argv[] = {"/nonexistent/pinion", NULL};
    struct pn_slot_options options = {.argv = argv, .cpus = cpus, .n_cpus = 1, .jobs = 1};
    struct pn_slot_result result;
    assert_true(pn_slot_run(&options, &result) < 0);
    pn_slot_result_fini(&result);
}

/* What the user's shell exports must not make one run faster than the next. */
static void test_environment_is_clean(void **state) {
    (void)state;
    assert_int_equal(setenv("MALLOC_ARENA_MAX", "1", 1), 0);
    expect_error(READY "[ -z \"$MALLOC_ARENA_MAX\" ] || exit 9; exit 8", "exit code 8");
    assert_int_equal(unsetenv("MALLOC_ARENA_MAX"), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_child_is_kept),
        cmocka_unit_test(test_malloc_thresholds_are_handed_on),
        cmocka_unit_test(test_unlike_halves_are_unsteady),
        cmocka_unit_test(test_death_is_explained),
        cmocka_unit_test(test_lies_are_found),
        cmocka_unit_test(test_a_summary_before_the_go_is_none),
        cmocka_unit_test(test_hanging_ends_at_the_deadline),
        cmocka_unit_test(test_flood_is_cut),
        cmocka_unit_test(test_what_a_child_leaves_behind_is_ended),
        cmocka_unit_test(test_interrupted_is_no_result),
        cmocka_unit_test(test_no_such_program_is_an_error),
        cmocka_unit_test(test_environment_is_clean),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
