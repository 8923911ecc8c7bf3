/* SPDX-License-Identifier: MIT
 *
 * `pinion peers` as a user calls it, here where none is built: each missing one is a line, and an
 * exit code only where it was asked for.
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

static char folder[4096];

/* A copy of the command in a directory of its own: nothing lies beside it. */
static int set_up(void **state) {
    (void)state;
    char command[9000];
    (void)snprintf(folder, sizeof folder, "%s/tests/peers-alone-%d", getenv("PINION_TEST_BUILD"),
                   (int)getpid());
    (void)snprintf(command, sizeof command, "mkdir -p '%s' && cp '%s/pinion' '%s/'", folder,
                   getenv("PINION_TEST_BUILD"), folder);
    return system(command); // NOLINT(cert-env33-c): a test's own shell
}

static int tear_down(void **state) {
    (void)state;
    char command[5000];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command); // NOLINT(cert-env33-c)
}

static int call(const char *program, const char *words, char *out, size_t cap) {
    char command[9000];
    (void)snprintf(command, sizeof command, "timeout 30 '%s/pinion' %s 2>&1", program, words);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out, 1, cap - 1, f);
    out[n] = '\0';
    int status = pclose(f);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static void expect(const char *words, int code, const char *part) {
    char out[8192];
    int ended = call(folder, words, out, sizeof out);
    if (ended != code || strstr(out, part) == NULL) {
        fail_msg("%s: exit %d, not %d\n%s\n  has no '%s'", words, ended, code, out, part);
    }
}

static void test_missing_ones_are_lines(void **state) {
    (void)state;
    expect("peers", 0, "beam   missing: beam: not built here");
    expect("peers", 0, "tokio  missing: tokio: not built here");
    expect("peers", 0, "pinion peers --install --build");
    expect("run --design tokio jobs=1000", 3, "tokio: not built here");
    expect("run --design beam:fast jobs=1000", 2, "no design 'beam:fast'");
    expect("peers --json", 0, "\"status\": \"missing\"");
    expect("peers --require", 3, "2 of 2 missing");
    expect("peers --check", 0, "tokio: not built here: not checked");
    expect("sweep --x units=1,2 --designs shared,tokio --require -o never", 3, "tokio");
    expect("sweep --x units=1,2 --designs tokio:shared -o never", 3, "none of its designs");
    assert_int_not_equal(access("never", F_OK), 0);
}

static void test_mistakes_are_one_line(void **state) {
    (void)state;
    expect("peers inspect", 2, "inspect whom?");
    expect("peers look", 2, "only the word 'inspect'");
    expect("peers inspect shared", 2, "inspect beam or tokio");
    expect("peers inspect beam:quick", 2, "beam has the modes");
    expect("peers inspect tokio", 3, "tokio: not built here");
    expect("peers --sets many", 2, "many");
    expect("peers --ms 0", 2, "--ms is 1 to 60000");
    expect("peers --build", 3, "is not in a build tree");
}

static void test_a_dry_run_only_says(void **state) {
    (void)state;
    char out[8192];
    assert_int_equal(
        call(getenv("PINION_TEST_BUILD"), "peers --install --dry-run", out, sizeof out), 0);
    assert_true(strstr(out, "would install") != NULL || strstr(out, "is here") != NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_missing_ones_are_lines),
        cmocka_unit_test(test_mistakes_are_one_line),
        cmocka_unit_test(test_a_dry_run_only_says),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
