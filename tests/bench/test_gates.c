/* SPDX-License-Identifier: MIT
 *
 * What voids a slot, what only is reported, and that a busy neighbour is seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <pinion/clock.h>
#include <pinion/slot.h>

static const struct pn_gates quiet = {0, 0, 0, 0, 0, 0, 0};
static const struct pn_gates unknown = {NAN, NAN, NAN, NAN, NAN, NAN, NAN};

static void expect_reason(struct pn_gates gates, const char *part) {
    char reason[96];
    pn_gates_judge(&gates, reason, sizeof reason);
    if (part == NULL ? reason[0] != '\0' : strstr(reason, part) == NULL) {
        fail_msg("said '%s', not '%s'", reason, part == NULL ? "" : part);
    }
}

static void test_each_signal_voids(void **state) {
    (void)state;
    static const struct {
        struct pn_gates gates;
        const char *part;
    } all[] = {
        {{.steal_pct = 30}, "steal 30"},   {{.foreign_cpu_pct = 40}, "foreign"},
        {{.freq_drift_pct = 25}, "clock"}, {{.throttled = 1}, "throttle"},
        {{.mask_moved = 1}, "scheduler"},  {{.pages_moved = 12}, "pages"},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        expect_reason(all[i].gates, all[i].part);
    }
}

/* Run-queue delay depends on the design (producer threads beside schedulers): reported only. */
static void test_run_delay_alone_voids_nothing(void **state) {
    (void)state;
    struct pn_gates g = quiet;
    g.run_delay_pct = 80;
    expect_reason(g, NULL);
}

static void test_unknown_is_null_and_voids_nothing(void **state) {
    (void)state;
    expect_reason(quiet, NULL);
    expect_reason(unknown, NULL);
    json_t *object = pn_gates_json(&unknown);
    assert_int_equal(json_object_size(object), 7);
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value) {
        assert_true(json_is_null(value));
    }
    json_decref(object);
}

static unsigned allowed_cpu(void) {
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    unsigned cpu = 0;
    while (!CPU_ISSET(cpu, &set)) {
        cpu++;
    }
    return cpu;
}

static pid_t start_hog(unsigned cpu) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        (void)sched_setaffinity(0, sizeof set, &set);
        (void)alarm(20); /* does not outlive a test that dies */
        for (unsigned i = 0;; i++) {
            __asm__ __volatile__("" : : "r"(i));
        }
    }
    return pid;
}

/* A child that sleeps for 0.5 s on a CPU that a foreign process burns. */
static void test_a_foreign_process_is_seen(void **state) {
    (void)state;
    static const char script[] =
        "echo '{\"event\":\"ready\"}'; read go; sleep 0.5; echo '{\"event\":\"summary\","
        "\"checksum\":\"0123456789abcdef\",\"jobs\":1,\"done\":1,\"wall_ns\":1000,\"cpu_ns\":1}'";
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    unsigned id = allowed_cpu();
    struct pn_os_cpu cpu = {(int)id};
    struct pn_slot_options options = {
        .argv = argv, .cpus = &cpu, .n_cpus = 1, .deadline_ns = 10000000000u, .jobs = 1};
    struct pn_slot_result result;
    pid_t hog = start_hog(id);
    int rc = pn_slot_run(&options, &result);
    (void)kill(hog, SIGKILL);
    (void)waitpid(hog, NULL, 0);
    assert_int_equal(rc, 0);
    assert_string_equal(result.error, "");
    assert_true(result.gates.foreign_cpu_pct > 25);
    assert_non_null(strstr(result.void_reason, "foreign"));
    pn_slot_result_fini(&result);
}

/* The child's own work is not foreign. Others may be busy beside it, so this looks at the change of
 * the figure, not at its height: one CPU's worth of own work must not show as 60 % foreign. */
static void test_own_work_is_not_foreign(void **state) {
    (void)state;
    static const char script[] =
        "echo '{\"event\":\"ready\"}'; read go; i=0; while [ $i -lt 150000 ]; do i=$((i+1)); done; "
        "echo '{\"event\":\"summary\",\"checksum\":\"0123456789abcdef\",\"jobs\":1,\"done\":1,"
        "\"wall_ns\":1000,\"cpu_ns\":1}'";
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    unsigned id = allowed_cpu();
    struct pn_os_cpu cpu = {(int)id};
    struct pn_slot_options options = {
        .argv = argv, .cpus = &cpu, .n_cpus = 1, .deadline_ns = 10000000000u, .jobs = 1};
    cpu_set_t before, one;
    assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
    CPU_ZERO(&one);
    CPU_SET(id, &one);
    double least = 100;
    for (unsigned i = 0; i < 5 && least > 20; i++) { /* the least: neighbours come and go */
        struct pn_slot_result result;
        (void)sched_setaffinity(0, sizeof one, &one);
        assert_int_equal(pn_slot_run(&options, &result), 0);
        (void)sched_setaffinity(0, sizeof before, &before);
        least = fmin(least, result.gates.foreign_cpu_pct);
        pn_slot_result_fini(&result);
    }
    assert_true(least < 60);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_signal_voids),
        cmocka_unit_test(test_run_delay_alone_voids_nothing),
        cmocka_unit_test(test_unknown_is_null_and_voids_nothing),
        cmocka_unit_test(test_a_foreign_process_is_seen),
        cmocka_unit_test(test_own_work_is_not_foreign),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
