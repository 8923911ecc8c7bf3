/* SPDX-License-Identifier: MIT
 *
 * `pinion sweep` and `pinion survey` as a user calls them: refusals, dry runs, Ctrl-C, what a run
 * directory holds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static char base[] = "/tmp/pinion-sweep-XXXXXX";

/* Runs "pinion ARGUMENTS" in the scratch directory; what it says is in out. */
static int call(const char *arguments, char *out, size_t cap) {
    char command[1024];
    (void)snprintf(command, sizeof command, "cd '%s' && '%s/pinion' %s", base,
                   getenv("PINION_TEST_BUILD"), arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static unsigned lines(const char *text) {
    unsigned n = 0;
    for (; *text != '\0'; text++) {
        n += *text == '\n';
    }
    return n;
}

static void test_bad_input_is_one_line_and_leaves_nothing(void **state) {
    (void)state;
    static const struct {
        const char *arguments;
        int code;
    } bad[] = {
        {"sweep -o new", 2},
        {"sweep --x units=1,2", 2},
        {"sweep --x units=64..16:log2 -o new", 2},
        {"sweep --x units=16..16:log2 -o new", 2},
        {"sweep --x speed=1,2 -o new", 2},
        {"sweep --x payload=3,4 -o new", 2},
        {"sweep --x units=1,2 --by mem=local,remote -o new", 2},
        {"sweep --x units=1,2 --set workers=-1 -o new", 2},
        {"sweep --x units=1,2 --set nothing=1 -o new", 2},
        {"sweep --preset nothing -o new", 2},
        {"sweep --x units=1,2 --designs shared,pony -o new", 2},
        {"sweep --x units=1,2 --designs beam:fast -o new", 2},
        {"sweep --x units=1,2 --rounds 0 -o new", 2},
        {"sweep --x units=1,2 --rounds many -o new", 2},
        {"sweep --x units=1,2 --budget soon -o new", 2},
        {"sweep --x units=1,2 --seed -1 -o new", 2},
        {"sweep absent.ini -o new", 2},
        {"sweep --x units=1,2 -o full", 2},
        {"sweep --x units=1,2 --resume -o full", 2},
        {"sweep --x units=1,2 -o /dev/null/x", 3},
        {"sweep --x units=1,2 -o /proc/x", 3},
        {"sweep --x units=1,2 --cpus 9999 -o new", 2},
        {"survey -o full", 2},
        {"survey --budget soon -o new", 2},
        {"survey -o /dev/null/x", 3},
        {"survey fast", 2},
    };
    char out[8192], arguments[256], path[128];
    (void)snprintf(path, sizeof path, "%s/full", base);
    assert_int_equal(mkdir(path, 0755), 0);
    (void)snprintf(path, sizeof path, "%s/full/note", base);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
    (void)snprintf(path, sizeof path, "%s/new", base);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        (void)snprintf(arguments, sizeof arguments, "%s 2>err >/dev/null", bad[i].arguments);
        int code = call(arguments, out, sizeof out);
        (void)call("--version >/dev/null; grep -v -e WARNING -e '^takes ' -e 'note: ' err", out,
                   sizeof out);
        if (code != bad[i].code || lines(out) != 1 || access(path, F_OK) == 0) {
            fail_msg("%s: exit %d, said: %s", bad[i].arguments, code, out);
        }
    }
}

static void test_dry_run_touches_nothing(void **state) {
    (void)state;
    char out[8192], path[128];
    assert_int_equal(
        call("sweep --x units=16..64:log2 --by mem=local,malloc --dry-run -o dry", out, sizeof out),
        0);
    assert_non_null(strstr(out, "units=16"));
    assert_non_null(strstr(out, "units=64"));
    /* 3 points x 2 designs x 2 levels and the A/A slot. */
    assert_non_null(strstr(out, "13 slots a round, about 7 s each round"));
    assert_non_null(strstr(out, "about 73 s in all"));
    assert_int_equal(call("sweep --x units=16..64:log2 --set payload=64 --rounds 2 --budget 5s "
                          "--dry-run",
                          out, sizeof out),
                     0);
    assert_non_null(strstr(out, "with payload=64"));
    assert_non_null(strstr(out, "the budget ends it after 5 s"));
    (void)snprintf(path, sizeof path, "%s/dry", base);
    assert_int_not_equal(access(path, F_OK), 0);
    assert_int_equal(call("survey --dry-run -o dry 2>/dev/null", out, sizeof out), 0);
    assert_int_not_equal(access(path, F_OK), 0);
}

static pid_t start(const char *directory) {
    char program[512];
    (void)snprintf(program, sizeof program, "%s/pinion", getenv("PINION_TEST_BUILD"));
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        int null = open("/dev/null", O_RDWR);
        if (chdir(base) == 0 && dup2(null, 1) == 1 && dup2(null, 2) == 2) {
            (void)execl(program, program, "sweep", "--x", "units=10,20", "--rounds", "1", "-o",
                        directory, (char *)NULL);
        }
        _exit(99);
    }
    return pid;
}

static bool has_line(const char *directory) {
    char path[160];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s/samples.jsonl", base, directory);
    return stat(path, &st) == 0 && st.st_size > 0;
}

static double now_s(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* With the real `pinion run` as the child: stopped by Ctrl-C, gone on with, whole. */
static void test_ctrl_c_saves_and_resume_completes(void **state) {
    (void)state;
    char out[8192];
    pid_t pid = start("run");
    for (unsigned i = 0; i < 4000 && !has_line("run"); i++) {
        (void)usleep(5000);
    }
    assert_true(has_line("run"));
    double from = now_s();
    assert_int_equal(kill(pid, SIGINT), 0);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(now_s() - from < 10);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 130) {
        fail_msg("ended with %d", status);
    }
    int code = call("sweep --x units=10,20 --rounds 1 --resume -o run 2>&1", out, sizeof out);
    if (code != 0 && code != 4) { /* busy neighbours are not the test */
        fail_msg("exit %d: %s", code, out);
    }
    assert_non_null(strstr(out, "report: "));
    code =
        call("sweep --x units=10,30 --rounds 1 --resume -o run 2>&1 >/dev/null", out, sizeof out);
    assert_int_equal(code, 2); /* another plan */
}

static int make(void **state) {
    (void)state;
    return mkdtemp(base) == NULL;
}

static int clean(void **state) {
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", base);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_input_is_one_line_and_leaves_nothing),
        cmocka_unit_test(test_dry_run_touches_nothing),
        cmocka_unit_test(test_ctrl_c_saves_and_resume_completes),
    };
    return cmocka_run_group_tests(tests, make, clean);
}
