/* SPDX-License-Identifier: MIT
 *
 * `pinion bench` as a user calls it: exit codes, one line per mistake, JSON on stdout or in a file.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

struct outcome {
    int code;
    char text[65536]; /* stdout, or stdout and stderr if the command redirects */
};

static void call(struct outcome *out, const char *arguments) {
    char command[512];
    (void)snprintf(command, sizeof command, "'%s/pinion' bench %s", getenv("PINION_TEST_BUILD"),
                   arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out->text, 1, sizeof out->text - 1, f);
    out->text[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    out->code = WEXITSTATUS(status);
}

static unsigned lines(const char *text) {
    unsigned n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

static void test_json_is_google_benchmarks_own(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--json --quick --min-time 0.001 timer/add_cancel 2>/dev/null");
    assert_int_equal(out.code, 0);
    json_t *root = json_loads(out.text, 0, NULL);
    assert_non_null(root);
    json_t *context = json_object_get(root, "context");
    assert_non_null(json_string_value(json_object_get(context, "pinion_build")));
    assert_int_equal(json_array_size(json_object_get(root, "benchmarks")), 2);
    json_decref(root);
}

static void test_json_file_is_written_beside_the_table(void **state) {
    (void)state;
    static struct outcome out;
    char path[64], arguments[256];
    (void)snprintf(path, sizeof path, "/tmp/pinion-test-bench-%d.json", (int)getpid());
    (void)snprintf(arguments, sizeof arguments,
                   "--json %s --repetitions 2 --min-time 0.001 'add_cancel/armed=0'", path);
    call(&out, arguments);
    assert_int_equal(out.code, 0);
    assert_non_null(strstr(out.text, "timer/add_cancel/armed=0 "));
    assert_int_equal(lines(out.text), 3);
    json_t *root = json_load_file(path, 0, NULL);
    (void)unlink(path);
    assert_non_null(root);
    json_decref(root);
}

static void test_bad_input_is_one_line_and_exit_2(void **state) {
    (void)state;
    static const char *const bad[] = {"'timer/('",           "nothing_is_called_so",
                                      "--repetitions 0 x",   "--repetitions many x",
                                      "--min-time=-1 timer", "timer clock"};
    static struct outcome out;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char arguments[256];
        (void)snprintf(arguments, sizeof arguments, "%s 2>&1 >/dev/null", bad[i]);
        call(&out, arguments);
        if (out.code != 2 || lines(out.text) != 1) {
            fail_msg("%s: exit %d, said: %s", bad[i], out.code, out.text);
        }
    }
}

static void test_file_that_cannot_be_written_is_exit_3(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--json=/nonexistent/micro.json timer 2>&1 >/dev/null");
    assert_int_equal(out.code, 3);
    assert_int_equal(lines(out.text), 1);
}

static void test_list_names_every_case(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--list");
    assert_int_equal(out.code, 0);
    assert_true(lines(out.text) >= 5);
    static const char *const areas[] = {"timer/add_fire/",           "queue/push_pop/kind=segq",
                                        "queue/hand_over/kind=ring", "queue/hand_over/kind=mailbox",
                                        "pingpong/round_trip/",      "pin/",
                                        "arena/free_alloc/"};
    for (size_t i = 0; i < sizeof areas / sizeof areas[0]; i++) {
        if (strstr(out.text, areas[i]) == NULL) {
            fail_msg("no %s", areas[i]);
        }
    }
}

/* What went in came out, or the case fails; two schedulers or threads need two CPUs. */
static void test_queues_of_every_kind_run(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--quick --min-time 0.001 queue/ 2>/dev/null");
    assert_int_equal(out.code, 0);
    assert_int_equal(lines(out.text), 10);
    assert_null(strstr(out.text, "FAILED"));
    assert_non_null(strstr(out.text, "queue/push_pop/kind=segq "));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_is_google_benchmarks_own),
        cmocka_unit_test(test_json_file_is_written_beside_the_table),
        cmocka_unit_test(test_bad_input_is_one_line_and_exit_2),
        cmocka_unit_test(test_file_that_cannot_be_written_is_exit_3),
        cmocka_unit_test(test_list_names_every_case),
        cmocka_unit_test(test_queues_of_every_kind_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
