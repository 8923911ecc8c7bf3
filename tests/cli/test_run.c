/* SPDX-License-Identifier: MIT
 *
 * `pinion run` and `pinion doctor` as a user calls them: exit codes, one line per mistake, nothing
 * half-written, and the events of a run that works.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OUT_MAX = 1 << 23 };

struct called {
    int code;
    char *text; /* [OUT_MAX] */
};

/* \param arguments  with redirections; what reaches standard output is kept */
static void call(struct called *c, const char *arguments) {
    char command[1024];
    (void)snprintf(command, sizeof command, "timeout 30 '%s/pinion' %s",
                   getenv("PINION_TEST_BUILD"), arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(c->text, 1, OUT_MAX - 1, f);
    c->text[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    c->code = WEXITSTATUS(status);
}

static void expect_line(struct called *c, const char *arguments, int code, const char *part) {
    char quoted[1024];
    (void)snprintf(quoted, sizeof quoted, "%s 2>&1", arguments);
    call(c, quoted);
    char *newline = strchr(c->text, '\n');
    bool one = newline != NULL && newline[1] == '\0';
    if (c->code != code || !one || strncmp(c->text, "pinion: ", 8) != 0 ||
        strstr(c->text, part) == NULL) {
        print_error("%s: exit %d: %s\nexpected exit %d, one line with '%s'\n", arguments, c->code,
                    c->text, code, part);
        fail();
    }
}

static void bad_input_is_one_line_and_exit_2(void **state) {
    static const struct {
        const char *arguments, *part;
    } bad[] = {
        {"run", "--design is missing"},
        {"run jobs=10", "--design is missing"},
        {"run --design nosuch", "no design 'nosuch'"},
        {"run --design shared nosuch=1", "no parameter 'nosuch'"},
        {"run --design shared jobs", "not key=value"},
        {"run --design shared payload=3", "payload=3"},
        {"run --design shared jobs=-1", "jobs=-1"},
        {"run --design shared workers=0", "workers=0"},
        {"run --design shared seed=18446744073709551616", "out of range"},
        {"run --design shared wlo=5 whi=2", "wlo=5"},
        {"run --design shared jobs=99999999999", "at most"},
        {"run --design shared keys=4", "not built yet"},
        {"run --design shared mem=remote", "not built yet"},
        {"run --design shared offload=cpu", "not built yet"},
        {"run --design shared fail_kind=all", "needs fail_at_ms"},
        {"run --design loop fail_at_ms=5", "the loop has none"},
        {"run --design shared --idle lazy", "--idle"},
        {"run --design shared --cpus abc jobs=10", "--cpus"},
        {"run --design shared --cpus 9999 jobs=10", "--cpus"},
        {"run --design shared --cpus 2-1 jobs=10", "--cpus"},
        {"run --design shared jobs=10 -o .", "not empty"},
        {"doctor surplus", "surplus"},
        {"nosuch", "no command"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect_line(*state, bad[i].arguments, 2, bad[i].part);
    }
}

static void no_place_to_write_is_exit_3(void **state) {
    expect_line(*state, "run --design shared jobs=10 -o /proc/nosuch/x", 3, "/proc/nosuch/x");
    expect_line(*state, "run --design shared jobs=10 -o /dev/null", 3, "/dev/null");
}

static void a_refused_run_leaves_no_directory(void **state) {
    char dir[] = "/tmp/pinion-cli-run-XXXXXX";
    char arguments[256];
    struct stat st;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(arguments, sizeof arguments, "run --design shared -o %s/d payload=3", dir);
    expect_line(*state, arguments, 2, "payload");
    (void)snprintf(arguments, sizeof arguments, "run --design shared -o %s/d --cpus 9999", dir);
    expect_line(*state, arguments, 2, "cpus");
    (void)snprintf(arguments, sizeof arguments, "%s/d", dir);
    assert_int_equal(stat(arguments, &st), -1);
    assert_int_equal(rmdir(dir), 0);
}

static void too_many_restarts_are_exit_1(void **state) {
    static const char *const runs[] = {
        "run --design shared crash_ppm=1000000 restarts_max=3 jobs=1000 warm=0",
        "run --design mailbox crash_ppm=1000000 restarts_max=3 jobs=1000 warm=500"};
    struct called *c = *state;
    for (size_t i = 0; i < 2; i++) {
        char arguments[256];
        (void)snprintf(arguments, sizeof arguments, "%s 2>&1 >/dev/null", runs[i]);
        call(c, arguments);
        assert_int_equal(c->code, 1);
        assert_non_null(strstr(c->text, "restart intensity exceeded"));
    }
}

static void nobody_says_go(void **state) {
    struct called *c = *state;
    call(c, "run --design shared --json --stdin-go jobs=10 2>/dev/null </dev/null");
    assert_int_equal(c->code, 1);
    assert_non_null(strstr(c->text, "\"ready\""));
    assert_null(strstr(c->text, "\"summary\""));
}

static void lost_output_is_not_success(void **state) {
    struct called *c = *state;
    call(c, "run --design shared --json jobs=10 warm=0 2>/dev/null >/dev/full");
    assert_int_equal(c->code, 1);
}

static void events_end_with_the_summary(void **state) {
    struct called *c = *state;
    static const char *const designs[] = {"shared", "mailbox", "loop"};
    for (size_t d = 0; d < 3; d++) {
        char arguments[128];
        (void)snprintf(arguments, sizeof arguments,
                       "run --design %s --json jobs=20000 warm=100 2>/dev/null", designs[d]);
        call(c, arguments);
        assert_int_equal(c->code, 0);
        char *rest = NULL;
        json_t *last = NULL;
        for (char *line = strtok_r(c->text, "\n", &rest); line != NULL;
             line = strtok_r(NULL, "\n", &rest)) {
            json_decref(last);
            last = json_loads(line, 0, NULL);
            assert_non_null(last);
            assert_string_equal(json_string_value(json_object_get(last, "runtime")), designs[d]);
        }
        assert_string_equal(json_string_value(json_object_get(last, "event")), "summary");
        assert_string_equal(json_string_value(json_object_get(last, "checksum")),
                            "000027050ac42ebd");
        assert_int_equal(json_integer_value(json_object_get(last, "done")), 20000);
        json_decref(last);
    }
}

static void doctor_says_the_same_twice(void **state) {
    struct called *c = *state;
    call(c, "doctor --json");
    assert_int_equal(c->code, 0);
    json_t *findings = json_loads(c->text, 0, NULL);
    assert_true(json_array_size(findings) >= 13);
    bool bad = false;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *f = json_array_get(findings, i);
        const char *status = json_string_value(json_object_get(f, "status"));
        bool skip = strcmp(status, "skip") == 0;
        assert_int_equal(json_is_null(json_object_get(f, "value")), skip);
        assert_int_equal(json_is_string(json_object_get(f, "reason")), skip);
        bad = bad || strcmp(status, "warn") == 0 || strcmp(status, "fail") == 0;
    }
    /* Load comes and goes between two calls; what does not depend on it decides. */
    const json_t *sum = json_array_get(findings, 10);
    bool sure = strcmp(json_string_value(json_object_get(sum, "status")), "warn") == 0;
    call(c, "doctor --strict");
    assert_true(c->code == 3 || (c->code == 0 && !sure));
    assert_non_null(strstr(c->text, "could not look"));
    json_decref(findings);
}

static int setup(void **state) {
    static struct called c;
    c.text = malloc(OUT_MAX);
    *state = &c;
    return c.text == NULL ? -1 : 0;
}

static int teardown(void **state) {
    free(((struct called *)*state)->text);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_input_is_one_line_and_exit_2),
        cmocka_unit_test(no_place_to_write_is_exit_3),
        cmocka_unit_test(a_refused_run_leaves_no_directory),
        cmocka_unit_test(too_many_restarts_are_exit_1),
        cmocka_unit_test(nobody_says_go),
        cmocka_unit_test(lost_output_is_not_success),
        cmocka_unit_test(events_end_with_the_summary),
        cmocka_unit_test(doctor_says_the_same_twice),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
