/* SPDX-License-Identifier: MIT
 *
 * `pinion report` as a user calls it: the verdict, the path, one line per mistake, exit codes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <jansson.h>

#include "tests/reports/make_run.h"

struct outcome {
    int code;
    char text[16384];
};

static void call(struct outcome *out, const char *before, const char *arguments) {
    char command[1024];
    (void)snprintf(command, sizeof command, "%s '%s/pinion' report %s", before,
                   getenv("PINION_TEST_BUILD"), arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out->text, 1, sizeof out->text - 1, f);
    out->text[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    out->code = WEXITSTATUS(status);
}

static size_t lines(const char *text) {
    size_t n = 0;
    for (const char *at = strchr(text, '\n'); at != NULL; at = strchr(at + 1, '\n')) {
        n++;
    }
    return n;
}

static void make(char *dir, size_t size) {
    struct made_run m = made_run_plain(21);
    made_directory(dir, size);
    make_run(dir, &m);
}

static void verdict_and_path_are_printed(void **state) {
    (void)state;
    struct outcome out;
    char dir[64];
    char path[96];
    make(dir, sizeof dir);
    call(&out, "", dir);
    assert_int_equal(out.code, 0);
    assert_non_null(strstr(out.text, "shared is ahead of mailbox"));
    (void)snprintf(path, sizeof path, "report: %s/report.html\n", dir);
    assert_non_null(strstr(out.text, path));
    char arguments[96];
    (void)snprintf(arguments, sizeof arguments, "--json %s", dir);
    call(&out, "", arguments);
    assert_int_equal(out.code, 0);
    json_t *root = json_loads(out.text, 0, NULL);
    assert_non_null(root);
    assert_string_equal(json_string_value(json_object_get(root, "kind")), "crossover");
    json_decref(root);
    made_remove(dir);
}

static void mistakes_are_one_line_each(void **state) {
    (void)state;
    static const char *const wrong[] = {"", "/nowhere", "one two", "/etc/passwd"};
    struct outcome out;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char arguments[64];
        (void)snprintf(arguments, sizeof arguments, "%s 2>&1", wrong[i]);
        call(&out, "", arguments);
        if (out.code != 2 || lines(out.text) != 1) {
            print_error("'%s': exit %d: %s\n", wrong[i], out.code, out.text);
            fail();
        }
    }
}

/* Where root would write anyway, another user tries; nothing to do if that user may not run the
 * binary. */
static void read_only_directory_is_exit_3(void **state) {
    (void)state;
    struct outcome out;
    char dir[64];
    char arguments[128];
    make(dir, sizeof dir);
    assert_true(chmod(dir, 0555) == 0);
    (void)snprintf(arguments, sizeof arguments, "%s 2>&1", dir);
    call(&out, geteuid() == 0 ? "setpriv --reuid 65534 --clear-groups" : "", arguments);
    (void)chmod(dir, 0755);
    bool ran = out.code != 126 && out.code != 127 && strstr(out.text, "setpriv") == NULL;
    made_remove(dir);
    if (!ran) {
        print_message("no setpriv to become an unprivileged user with\n");
        skip();
    }
    assert_int_equal(out.code, 3);
    assert_int_equal(lines(out.text), 1);
    assert_non_null(strstr(out.text, "cannot be written"));
}

static void lost_output_is_exit_1(void **state) {
    (void)state;
    struct outcome out;
    char dir[64];
    char path[128];
    char arguments[192];
    make(dir, sizeof dir);
    (void)snprintf(arguments, sizeof arguments, "%s 2>&1 >/dev/full", dir);
    call(&out, "", arguments);
    assert_int_equal(out.code, 1);
    (void)snprintf(path, sizeof path, "%s/report.html", dir);
    (void)unlink(path);
    assert_true(mkdir(path, 0755) == 0); /* cannot be renamed over */
    (void)snprintf(arguments, sizeof arguments, "%s 2>&1", dir);
    call(&out, "", arguments);
    assert_int_equal(out.code, 1);
    assert_int_equal(lines(out.text), 1);
    (void)snprintf(arguments, sizeof arguments, "ls %s/ | grep -c 'html\\.' >/dev/null", dir);
    assert_true(system(arguments) != 0); /* no temporary file stays */
    (void)rmdir(path);
    made_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdict_and_path_are_printed),
        cmocka_unit_test(mistakes_are_one_line_each),
        cmocka_unit_test(read_only_directory_is_exit_3),
        cmocka_unit_test(lost_output_is_exit_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
