/* SPDX-License-Identifier: MIT
 *
 * The judge of other runtimes: what it expects is the schema's own values and what our designs
 * compute, and one that lies, refuses or dies is told apart.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <pinion/conformance.h>

enum { SETS = 6 };

static void test_the_known_values_are_the_reference_s(void **state) {
    (void)state;
    for (unsigned i = 0; i < PN_CHECK_VALUES; i++) {
        struct pn_check check;
        struct pn_params p;
        struct pn_reference r;
        struct pn_error err;
        char *rest = NULL;
        pn_check_make(i, 1, &check);
        pn_params_init(&p);
        for (char *word = strtok_r(check.text, " ", &rest); word != NULL;
             word = strtok_r(NULL, " ", &rest)) {
            assert_int_equal(pn_params_set(&p, word, &err), 0);
        }
        pn_reference_run(&p, &r);
        assert_int_equal(r.checksum, check.expected.checksum);
        assert_int_equal(r.done, check.expected.done);
        assert_int_equal(r.lost, check.expected.lost);
    }
}

static enum pn_checked run(const char *program, const struct pn_check *check, const char *design,
                           char *why, size_t cap) {
    why[0] = '\0';
    return pn_check_run(check, program, design, NULL, why, cap);
}

/* Our own designs speak the peers' protocol: they are judged by the same rules. */
static void test_our_designs_conform(void **state) {
    (void)state;
    const char *text = getenv("PINION_SEED");
    uint32_t seed = text == NULL ? 20261127 : (uint32_t)strtoul(text, NULL, 10);
    char program[4096];
    (void)snprintf(program, sizeof program, "%s/pinion", getenv("PINION_TEST_BUILD"));
    (void)fprintf(stderr, "  seed %u\n", seed);
    for (unsigned i = 0; i < PN_CHECK_VALUES + SETS; i++) {
        struct pn_check check;
        char why[300];
        pn_check_make(i, seed, &check);
        enum pn_checked rc =
            run(program, &check, i % 2 == 0 ? "shared" : "mailbox", why, sizeof why);
        if (rc == PN_CHECKED_REFUSED && strstr(why, "offload") == NULL &&
            strstr(why, "collector") == NULL) {
            fail_msg("%s\n  %s", check.text, why);
        }
        if (rc == PN_CHECKED_FAILED) {
            fail_msg("%s\n  %s", check.text, why);
        }
    }
}

static void write_program(const char *path, const char *body) {
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    (void)fprintf(f, "#!/bin/sh\n%s\n", body);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

#define HEAD "\"schema\":1,\"runtime\":\"x\",\"t_ns\":1"

static void test_a_liar_is_found(void **state) {
    (void)state;
    static const struct {
        const char *body;
        enum pn_checked rc;
        const char *why;
    } liars[] = {
        {"exit 0", PN_CHECKED_FAILED, "no summary"},
        {"echo hello", PN_CHECKED_FAILED, "line 1: no JSON"},
        {"echo '{\"event\":\"tea\"," HEAD "}'", PN_CHECKED_FAILED, "no such event: tea"},
        {"echo '{\"event\":\"worker_restart\"," HEAD ",\"worker\":1}'", PN_CHECKED_FAILED,
         "missing or of another type: down_ns"},
        {"echo '{\"event\":\"worker_restart\"," HEAD ",\"worker\":1,\"down_ns\":2,\"x\":1}'",
         PN_CHECKED_FAILED, "a field that the schema does not have"},
        {"echo '{\"event\":\"worker_restart\",\"schema\":1,\"runtime\":\"y\",\"t_ns\":1,\"worker\":"
         "1,\"down_ns\":2}'",
         PN_CHECKED_FAILED, "another schema or runtime"},
        {"echo no such key >&2; exit 2", PN_CHECKED_REFUSED, "no such key"},
        {"echo oh >&2; exit 1", PN_CHECKED_FAILED, "exit code 1: oh"},
        {"kill -9 $$", PN_CHECKED_FAILED, "signal 9"},
    };
    char path[64] = "conformance-liar-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    char whole[4200];
    char here[4096];
    assert_non_null(getcwd(here, sizeof here));
    (void)snprintf(whole, sizeof whole, "%s/%s", here, path);
    struct pn_check check;
    pn_check_make(0, 1, &check);
    for (size_t i = 0; i < sizeof liars / sizeof *liars; i++) {
        char why[300];
        write_program(whole, liars[i].body);
        enum pn_checked rc = run(whole, &check, "x", why, sizeof why);
        if (rc != liars[i].rc || strstr(why, liars[i].why) == NULL) {
            fail_msg("'%s' is judged %d: %s", liars[i].body, (int)rc, why);
        }
    }
    (void)unlink(whole);
}

/* A summary of all the right shape with one job too few, or another sum. */
static void test_a_wrong_sum_is_found(void **state) {
    (void)state;
    char program[4096];
    char body[8192];
    char path[4200];
    char here[4096];
    char why[300];
    struct pn_check check;
    assert_non_null(getcwd(here, sizeof here));
    (void)snprintf(path, sizeof path, "%s/conformance-wrong-%d", here, (int)getpid());
    (void)snprintf(program, sizeof program, "%s/pinion", getenv("PINION_TEST_BUILD"));
    pn_check_make(0, 1, &check);
    for (unsigned i = 0; i < 2; i++) {
        (void)snprintf(body, sizeof body, "'%s' \"$@\" | sed 's/%s/%s/'", program,
                       i == 0 ? "27050ac42ebd" : "\"done\":20000",
                       i == 0 ? "27050ac42ebe" : "\"done\":19999");
        write_program(path, body);
        assert_int_equal(run(path, &check, "shared", why, sizeof why), PN_CHECKED_FAILED);
        assert_non_null(strstr(why, "expected"));
    }
    (void)unlink(path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_known_values_are_the_reference_s),
        cmocka_unit_test(test_our_designs_conform),
        cmocka_unit_test(test_a_liar_is_found),
        cmocka_unit_test(test_a_wrong_sum_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
