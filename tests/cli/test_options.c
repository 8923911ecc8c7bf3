/* SPDX-License-Identifier: MIT
 *
 * What holds of every command: the common options, one line and exit 2 for a mistake, lost output
 * is an error, the first Ctrl-C is answered.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static const char *const commands[] = {"bench", "doctor", "peers", "report",
                                       "run",   "survey", "sweep", "topo"};
enum { COMMANDS = sizeof commands / sizeof *commands };

struct outcome {
    int code;
    char out[1 << 16], err[4096];
};

static size_t read_all(FILE *f, char *text, size_t cap) {
    size_t n = fread(text, 1, cap - 1, f);
    text[n] = '\0';
    return n;
}

static struct outcome *call(const char *arguments) {
    static struct outcome o;
    char command[1024];
    char err_path[] = "/tmp/pinion-options-XXXXXX";
    int err = mkstemp(err_path);
    assert_true(err >= 0);
    (void)snprintf(command, sizeof command, "cd /; '%s/pinion' %s 2>%s",
                   getenv("PINION_TEST_BUILD"), arguments, err_path);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    (void)read_all(f, o.out, sizeof o.out);
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    o.code = WEXITSTATUS(status);
    f = fdopen(err, "r");
    assert_non_null(f);
    (void)read_all(f, o.err, sizeof o.err);
    (void)fclose(f);
    (void)unlink(err_path);
    return &o;
}

static void expect_one_line(const char *arguments, int code, const char *part) {
    const struct outcome *o = call(arguments);
    const char *newline = strchr(o->err, '\n');
    if (o->code != code || newline == NULL || newline[1] != '\0' || strstr(o->err, part) == NULL ||
        o->out[0] != '\0') {
        fail_msg("%s: exit %d, stderr '%s', stdout '%s'", arguments, o->code, o->err, o->out);
    }
}

static void test_a_mistake_is_one_line_everywhere(void **state) {
    (void)state;
    static const struct {
        const char *option, *part;
    } wrong[] = {
        {"--nosuch", "unrecognized option '--nosuch'"},
        {"-Z", "invalid option"},
        {"--seed", "requires an argument"},
        {"--seed=x", "--seed 'x'"},
        {"--seed=-1", "--seed '-1'"},
        {"--seed=", "--seed ''"},
        {"--seed=99999999999999999999", "--seed"},
        {"--quiet=1", "doesn't allow an argument"},
    };
    for (size_t c = 0; c < COMMANDS; c++) {
        for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
            char arguments[128];
            (void)snprintf(arguments, sizeof arguments, "%s %s", commands[c], wrong[i].option);
            expect_one_line(arguments, 2, wrong[i].part);
        }
    }
    expect_one_line("topo \"$(printf 'a\\nb')\"", 2, "a?b");
    expect_one_line("topo --input \"$(printf 'a\\nb')\"", 2, "a?b: No such file");
    expect_one_line("topo --capture=", 2, "empty");
    expect_one_line("topo --cpus zz", 2, "zz");
    expect_one_line("run --design shared --cpus 0 --housekeeping 0", 2, "no CPU is left");
    expect_one_line("bench --repetitions 0", 2, "--repetitions '0'");
    expect_one_line("bench one two", 2, "'two'");
    expect_one_line("report", 2, "which run directory");
}

static void test_help_and_common_options_are_everywhere(void **state) {
    (void)state;
    static const char *const options[] = {"--json", "--quiet", "--verbose", "--seed", "--dry-run"};
    for (size_t c = 0; c < COMMANDS; c++) {
        char arguments[128];
        (void)snprintf(arguments, sizeof arguments, "%s --help", commands[c]);
        const struct outcome *o = call(arguments);
        assert_int_equal(o->code, 0);
        assert_string_equal(o->err, "");
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
            if (strstr(o->out, options[i]) == NULL) {
                fail_msg("%s: no %s", arguments, options[i]);
            }
        }
        (void)snprintf(arguments, sizeof arguments, "%s --help >/dev/full", commands[c]);
        assert_int_equal(call(arguments)->code, 1);
    }
}

static void test_dry_runs_do_nothing(void **state) {
    (void)state;
    static const char *const dry[] = {"topo --capture /nonexistent/x --dry-run",
                                      "run --design shared jobs=1000 --dry-run",
                                      "sweep --x units=1,2 --dry-run",
                                      "survey -o /nonexistent/x --dry-run",
                                      "bench --dry-run",
                                      "report /nonexistent --dry-run"};
    for (size_t i = 0; i < sizeof dry / sizeof *dry; i++) {
        const struct outcome *o = call(dry[i]);
        if (o->code != 0 || o->out[0] == '\0') {
            fail_msg("%s: exit %d, '%s'", dry[i], o->code, o->err);
        }
    }
    json_t *plan = json_loads(call("sweep --x units=1,2 --dry-run --json -q")->out, 0, NULL);
    json_t *sweep = json_array_get(json_object_get(plan, "sweeps"), 0);
    assert_int_equal(json_array_size(json_object_get(sweep, "x")), 2);
    assert_true(json_integer_value(json_object_get(plan, "slots_per_round")) > 0);
    json_decref(plan);
    assert_non_null(strstr(call("run --design shared --seed 77 --dry-run")->out, " seed=77 "));
}

static void test_lost_output_is_an_error(void **state) {
    (void)state;
    expect_one_line("topo >&-", 1, "standard output was lost");
    expect_one_line("topo --json >/dev/full", 1, "standard output was lost");
    assert_int_equal(call("doctor --json >/dev/full")->code, 1);
    expect_one_line("--version >&-", 1, "standard output was lost");
}

static void test_doctor_is_data(void **state) {
    (void)state;
    static const char *const keys[] = {"id", "status", "impact", "expected", "source", "why"};
    const struct outcome *o = call("doctor --json --strict");
    json_t *list = json_loads(o->out, 0, NULL);
    assert_true(json_array_size(list) >= 16);
    bool bad = false;
    size_t i;
    json_t *f;
    json_array_foreach(list, i, f) {
        const char *status = json_string_value(json_object_get(f, "status"));
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++) {
            assert_true(json_string_length(json_object_get(f, keys[k])) > 0);
        }
        bool skipped = strcmp(status, "skip") == 0;
        bool warned = strcmp(status, "warn") == 0 || strcmp(status, "fail") == 0;
        assert_int_equal(json_is_null(json_object_get(f, "value")), skipped);
        assert_int_equal(json_is_string(json_object_get(f, "reason")), skipped);
        assert_true(!warned || json_string_length(json_object_get(f, "fix")) > 0);
        bad = bad || warned;
    }
    json_decref(list);
    assert_int_equal(o->code, bad ? 3 : 0);
    assert_int_equal(call("doctor")->code, 0);
}

/* \return the exit code of a run that got Ctrl-C once it could answer it */
static int interrupted_run(char *const *arguments) {
    char program[1024];
    int ready[2];
    int hold[2];
    char byte;
    (void)snprintf(program, sizeof program, "%s/pinion", getenv("PINION_TEST_BUILD"));
    assert_int_equal(pipe(ready), 0);
    assert_int_equal(pipe(hold), 0);
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGINT, SIG_DFL);
        (void)dup2(hold[0], 0);
        (void)dup2(ready[1], 1);
        (void)close(hold[1]);
        (void)close(ready[0]);
        (void)execv(program, arguments);
        _exit(127);
    }
    (void)close(ready[1]);
    (void)close(hold[0]);
    assert_int_equal(read(ready[0], &byte, 1), 1); /* "ready": signals are held by now */
    assert_int_equal(kill(pid, SIGINT), 0);
    while (read(ready[0], &byte, 1) > 0) {
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    (void)close(ready[0]);
    (void)close(hold[1]);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* While it waits for the go, which never comes: only the answer to the signal ends it. */
static void test_ctrl_c_ends_a_run_that_waits(void **state) {
    (void)state;
    static const char *const designs[] = {"shared", "mailbox", "loop"};
    for (size_t i = 0; i < 3; i++) {
        char design[32];
        (void)snprintf(design, sizeof design, "--design=%s", designs[i]);
        char *arguments[] = {(char *)"pinion",     (char *)"run",       design,
                             (char *)"--stdin-go", (char *)"jobs=1000", NULL};
        assert_int_equal(interrupted_run(arguments), 130);
    }
}

static void test_ctrl_c_ends_the_loop(void **state) {
    (void)state;
    char *arguments[] = {(char *)"pinion",
                         (char *)"run",
                         (char *)"--design=loop",
                         (char *)"--json",
                         (char *)"jobs=500000000",
                         (char *)"units=4000",
                         NULL};
    char program[1024];
    (void)snprintf(program, sizeof program, "%s/pinion", getenv("PINION_TEST_BUILD"));
    pid_t pid = fork();
    if (pid == 0) {
        (void)signal(SIGINT, SIG_DFL);
        if (freopen("/dev/null", "w", stdout) == NULL) {
            _exit(126);
        }
        (void)execv(program, arguments);
        _exit(127);
    }
    (void)nanosleep(&(struct timespec){.tv_nsec = 500000000}, NULL);
    assert_int_equal(kill(pid, SIGINT), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid); /* hours without an answer: the timeout */
    /* Before it holds signals, on a very busy machine, the signal ends it: nothing is lost. */
    assert_true((WIFEXITED(status) && WEXITSTATUS(status) == 130) ||
                (WIFSIGNALED(status) && WTERMSIG(status) == SIGINT));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mistake_is_one_line_everywhere),
        cmocka_unit_test(test_help_and_common_options_are_everywhere),
        cmocka_unit_test(test_dry_runs_do_nothing),
        cmocka_unit_test(test_lost_output_is_an_error),
        cmocka_unit_test(test_doctor_is_data),
        cmocka_unit_test(test_ctrl_c_ends_a_run_that_waits),
        cmocka_unit_test(test_ctrl_c_ends_the_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
