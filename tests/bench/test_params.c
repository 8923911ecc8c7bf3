/* SPDX-License-Identifier: MIT
 *
 * The workload's parameters: what is taken, and one clear line for everything that is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <pinion/params.h>
#include <string.h>

static int set_all(struct pn_params *p, const char *assignments, struct pn_error *err) {
    char text[512];
    char *rest = NULL;
    pn_params_init(p);
    (void)snprintf(text, sizeof text, "%s", assignments);
    for (char *one = strtok_r(text, " ", &rest); one != NULL; one = strtok_r(NULL, " ", &rest)) {
        int rc = pn_params_set(p, one, err);
        if (rc != 0) {
            return rc;
        }
    }
    return pn_params_check(p, err);
}

static void defaults_are_those_of_the_schema(void **state) {
    (void)state;
    struct pn_params p;
    struct pn_error err = {""};
    assert_int_equal(set_all(&p, "", &err), 0);
    assert_int_equal(p.seed, 42);
    assert_int_equal(p.producers, 4);
    assert_int_equal(p.workers, 4);
    assert_int_equal(p.queue, 1024);
    assert_int_equal(p.jobs, 100000);
    assert_int_equal(p.warm, 20000);
    assert_int_equal(p.wlo, 100);
    assert_int_equal(p.whi, 100);
    assert_int_equal(p.slo, 1000);
    assert_int_equal(p.shi, 1000);
    assert_int_equal(p.restarts_max, 10000000);
    assert_int_equal(p.restarts_period_ms, 1000);
    assert_int_equal(p.batch, 1);
    assert_int_equal(p.drop + p.rate + p.payload + p.sleep_ppm + p.crash_ppm + p.alloc, 0);
    assert_int_equal(p.producers_as, PN_PRODUCERS_TASK);
    assert_int_equal(p.mem, PN_MEM_LOCAL);
}

/* What is refused, and the word that its line must hold. */
static const struct {
    const char *text, *says;
} bad[] = {
    {"nosuch=1", "no parameter 'nosuch'"},
    {"=1", "not key=value"},
    {"jobs", "not key=value"},
    {"", ""},
    {"a_name_that_is_longer_than_any_key_of_it=1", "not key=value"},
    {"jobs=", "whole number"},
    {"jobs=-1", "whole number"},
    {"jobs=+1", "whole number"},
    {"jobs= 1", "whole number"},
    {"jobs=1e6", "whole number"},
    {"jobs=1.5", "whole number"},
    {"jobs=0x10", "whole number"},
    {"jobs=10k", "whole number"},
    {"jobs=nan", "whole number"},
    {"jobs=0", "out of range"},
    {"jobs=18446744073709551616", "out of range"},
    {"seed=18446744073709551616", "out of range"},
    {"seed=-1", "whole number"},
    {"producers=0", "out of range"},
    {"producers=65537", "out of range"},
    {"workers=0", "out of range"},
    {"queue=0", "out of range"},
    {"drop=2", "out of range"},
    {"log=2", "out of range"},
    {"rate=-5", "whole number"},
    {"wlo=4294967295", "out of range"},
    {"whi=4294967295", "out of range"},
    {"units=4294967295", "out of range"},
    {"units=x", "whole number"},
    {"units=-1", "whole number"},
    {"payload=1073741828", "out of range"},
    {"sleep_ppm=1000001", "out of range"},
    {"crash_ppm=1000001", "out of range"},
    {"block_ppm=1000001", "out of range"},
    {"greedy_ppm=1000001", "out of range"},
    {"block_us=60000001", "out of range"},
    {"restarts_period_ms=0", "out of range"},
    {"batch=0", "out of range"},
    {"batch=33", "out of range"},
    {"cores=65537", "out of range"},
    {"producers_as=fiber", "task, thread"},
    {"producers_as=", "task, thread"},
    {"arrival=normal", "fixed, poisson"},
    {"mem=far", "local, malloc, interleave"},
    {"mem=remote", "not built yet"},
    {"offload=cpu", "not built yet"},
    {"collector=both", "sharded, shared"},
    {"queue_bytes=some", "whole number"},
    {"pattern=ring", "none, pingpong, big"},
    {"pattern=pingpong producers=3 workers=5", "needs workers=6"},
    {"pattern=big producers=5 workers=4", "needs workers=5"},
    {"pattern=big drop=1", "has no producers"},
    {"pattern=big rate=10", "has no producers"},
    {"pattern=big batch=2", "has no producers"},
    {"pattern=big producers_as=thread", "has no producers"},
    {"keys=16", "not built yet"},
    {"supervise=forest", "tree, loop"},
    {"fail_at_ms=-1", "whole number"},
    {"fail_at_ms=86400001", "out of range"},
    {"fail_at_ms=100 fail_kind=two", "one, node, all, init, supervisor, hang"},
    {"band_pct=0", "out of range"},
    {"band_pct=101", "out of range"},
    {"band_windows=0", "out of range"},
    /* Fine alone, not together. */
    {"payload=3", "multiple of 4"},
    {"payload=1", "multiple of 4"},
    {"payload=4100", "of 4096"},
    {"payload=8188", "of 4096"},
    {"wlo=2 whi=1", "above whi"},
    {"wlo=101", "above whi"},
    {"slo=2000", "above shi"},
    {"slo=5 shi=4", "above shi"},
    {"jobs=536870913", "at most 536870912"},
    {"producers=1 jobs=134217729", "at most 134217728"},
    {"producers=1 warm=134217729", "at most 134217728"},
    {"arrival=poisson", "needs rate"},
    {"fail_kind=all", "needs fail_at_ms"},
    {"fail_at_ms=1 fail_kind=supervisor supervise=loop", "needs supervise=tree"},
};

static void bad_input_is_one_clear_line(void **state) {
    (void)state;
    struct pn_params p;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pn_error err = {""};
        /* An empty word is no assignment either, but strtok never yields one. */
        int rc =
            bad[i].text[0] == '\0' ? pn_params_set(&p, "", &err) : set_all(&p, bad[i].text, &err);
        if (rc != -EINVAL || strstr(err.text, bad[i].says) == NULL || err.text[0] == '\0' ||
            strchr(err.text, '\n') != NULL) {
            print_error("'%s': %d, '%s', expected '%s'\n", bad[i].text, rc, err.text, bad[i].says);
            fail();
        }
        assert_true(bad[i].text[0] == '\0' || set_all(&p, bad[i].text, NULL) == -EINVAL);
    }
}

static void limits_themselves_are_taken(void **state) {
    (void)state;
    static const char *const fine[] = {"seed=18446744073709551615",
                                       "seed=0",
                                       "producers=1 jobs=134217728",
                                       "producers=8 jobs=1000000000",
                                       "payload=0",
                                       "payload=4",
                                       "payload=4096",
                                       "payload=8192",
                                       "payload=1073741824",
                                       "wlo=0 whi=0",
                                       "units=0",
                                       "wlo=4294967294 whi=4294967294",
                                       "sleep_ppm=1000000 slo=0 shi=0",
                                       "crash_ppm=1000000",
                                       "restarts_max=0",
                                       "batch=32",
                                       "rate=1 arrival=poisson",
                                       "drop=1",
                                       "queue=1",
                                       "queue_bytes=auto",
                                       "offload=none",
                                       "collector=sharded",
                                       "collector=shared",
                                       "queue_bytes=4096",
                                       "keys=0",
                                       "supervise=tree",
                                       "supervise=loop fail_at_ms=100 fail_kind=init",
                                       "fail_at_ms=86400000 fail_kind=supervisor",
                                       "band_pct=100 band_windows=1000",
                                       "warm=0",
                                       "mem=interleave"};
    struct pn_params p;
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        struct pn_error err = {""};
        if (set_all(&p, fine[i], &err) != 0) {
            print_error("'%s': %s\n", fine[i], err.text);
            fail();
        }
    }
}

static void a_byte_bound_is_one_of_jobs(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint64_t jobs;
    } bounds[] = {
        {"queue=64", 64},
        {"queue=64 queue_bytes=8", 64}, /* no payload: nothing to bound */
        {"queue=64 payload=4096 queue_bytes=0", 64},
        {"queue=64 payload=4096 queue_bytes=10000", 2},
        {"queue=64 payload=4096 queue_bytes=1", 1},
        {"queue=2 payload=4 queue_bytes=1000", 2},
    };
    for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
        struct pn_params p;
        struct pn_error err = {""};
        assert_int_equal(set_all(&p, bounds[i].text, &err), 0);
        assert_int_equal(pn_params_bound(&p), bounds[i].jobs);
    }
}

static void a_refused_value_changes_nothing(void **state) {
    (void)state;
    static const char *const refused[] = {"jobs=x", "units=x", "units=99999999999", "mem=far",
                                          "nosuch=1"};
    struct pn_params before;
    struct pn_params p;
    struct pn_error err;
    pn_params_init(&before);
    before.wlo = 7; /* so that a half-done `units` would show */
    p = before;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        assert_int_equal(pn_params_set(&p, refused[i], &err), -EINVAL);
        if (memcmp(&p, &before, sizeof p) != 0) {
            print_error("'%s' left a trace\n", refused[i]);
            fail();
        }
    }
}

static void what_is_printed_is_read_back(void **state) {
    (void)state;
    struct pn_params p;
    struct pn_params again;
    struct pn_error err = {""};
    char text[64];
    assert_int_equal(set_all(&p,
                             "seed=7 producers=3 workers=5 queue=9 drop=1 jobs=11 warm=13 rate=17 "
                             "wlo=19 whi=23 payload=28 sleep_ppm=31 slo=37 shi=41 crash_ppm=43 "
                             "block_ppm=47 block_us=53 greedy_ppm=59 greedy_units=61 "
                             "producers_as=thread restarts_max=67 restarts_period_ms=71 alloc=73 "
                             "supervise=loop fail_at_ms=79 fail_kind=hang band_pct=83 "
                             "band_windows=89 batch=2 arrival=poisson mem=malloc cores=1 log=1",
                             &err),
                     0);
    pn_params_init(&again);
    unsigned n = 0;
    for (; pn_params_get(&p, n, text, sizeof text); n++) {
        assert_int_equal(pn_params_set(&again, text, &err), 0);
        *strchr(text, '=') = '\0';
        assert_true(pn_params_known(text));
    }
    assert_int_equal(n, sizeof p / sizeof(uint64_t)); /* every field has its key */
    assert_memory_equal(&p, &again, sizeof p);
    assert_true(pn_params_known("units") && pn_params_known("keys"));
    assert_false(pn_params_known("nosuch"));
}

static void producers_share_all_jobs(void **state) {
    (void)state;
    struct pn_params p;
    pn_params_init(&p);
    p.producers = 7;
    uint64_t sum = 0;
    for (uint64_t k = 0; k < 7; k++) {
        uint64_t n = pn_params_jobs_of(&p, 100, k);
        assert_int_equal(n, k < 100 % 7 ? 15 : 14);
        sum += n;
    }
    assert_int_equal(sum, 100);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_schema),
        cmocka_unit_test(bad_input_is_one_clear_line),
        cmocka_unit_test(limits_themselves_are_taken),
        cmocka_unit_test(a_refused_value_changes_nothing),
        cmocka_unit_test(a_byte_bound_is_one_of_jobs),
        cmocka_unit_test(what_is_printed_is_read_back),
        cmocka_unit_test(producers_share_all_jobs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
