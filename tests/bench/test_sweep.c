/* SPDX-License-Identifier: MIT
 *
 * Sweeps as text: what is taken, and that everything else is refused with one line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <pinion/peer.h>
#include <pinion/sweep.h>

static struct pn_sweep_plan sweep;
static struct pn_sweep_plan sweeps[PN_SWEEPS];

static void expect_x(const char *text, const char *values) {
    struct pn_error err = {""};
    char joined[1024] = "";
    pn_sweep_init(&sweep, "test");
    if (pn_sweep_set_x(&sweep, text, &err) != 0) {
        fail_msg("'%s' refused: %s", text, err.text);
    }
    for (unsigned i = 0; i < sweep.n_x; i++) {
        (void)strncat(joined, i == 0 ? "" : " ", sizeof joined - strlen(joined) - 1);
        (void)strncat(joined, sweep.x[i], sizeof joined - strlen(joined) - 1);
    }
    assert_string_equal(joined, values);
    assert_int_equal(pn_sweep_check(&sweep, &err), 0);
}

static void test_ranges_and_lists(void **state) {
    (void)state;
    expect_x("units=16..128:log2", "16 32 64 128");
    expect_x("units=25..180:log2", "25 50 100");
    expect_x("units=0..30:lin:10", "0 10 20 30");
    expect_x("payload=0,64,4096", "0 64 4096");
    expect_x("mem=local,malloc", "local malloc");
}

static void test_bad_x_is_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "units",
                                      "units=",
                                      "=1,2",
                                      "unit=1,2",
                                      "units=1,,2",
                                      "units=1,2,",
                                      "units=5,5",
                                      "units=128..16:log2",
                                      "units=16..16:log2",
                                      "units=0..16:log2",
                                      "units=1..9",
                                      "units=1..9:cubic",
                                      "units=1..9:lin",
                                      "units=1..9:lin:0",
                                      "units=1..9:lin:2x",
                                      "units=-1..9:log2",
                                      "units=1..-9:log2",
                                      "units=1..99999999999999999999:log2",
                                      "units=1..1000:lin:1",
                                      "jobs=10,20",
                                      "warm=10,20"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct pn_error err = {""};
        pn_sweep_init(&sweep, "test");
        if (pn_sweep_set_x(&sweep, bad[i], &err) == 0 || err.text[0] == '\0' ||
            strchr(err.text, '\n') != NULL) {
            fail_msg("'%s': taken, or not one line: '%s'", bad[i], err.text);
        }
    }
}

static void expect_unfit(const char *x, const char *by, const char *set) {
    struct pn_error err = {""};
    pn_sweep_init(&sweep, "test");
    int rc = pn_sweep_set_x(&sweep, x, &err);
    rc = rc != 0 || by == NULL ? rc : pn_sweep_set_by(&sweep, by, &err);
    rc = rc != 0 || set == NULL ? rc : pn_sweep_add_set(&sweep, set, &err);
    rc = rc != 0 ? rc : pn_sweep_check(&sweep, &err);
    if (rc == 0 || err.text[0] == '\0' || strchr(err.text, '\n') != NULL) {
        fail_msg("x=%s by=%s set=%s: taken, or not one line: '%s'", x, by == NULL ? "" : by,
                 set == NULL ? "" : set, err.text);
    }
}

static void test_what_no_slot_could_run_is_refused(void **state) {
    (void)state;
    expect_unfit("payload=4,3", NULL, NULL);
    expect_unfit("units=1,2", "payload=0,3", NULL);
    expect_unfit("units=1,x", NULL, NULL);
    expect_unfit("units=1,2", "mem=local,remote", NULL);
    expect_unfit("units=1,2", "units=3,4", NULL);
    expect_unfit("units=1,2", "mem=local,local", NULL);
    expect_unfit("units=1,2", "nothing=1,2", NULL);
    expect_unfit("units=1,2", NULL, "nothing=1");
    expect_unfit("units=1,2", NULL, "queue=0");
    expect_unfit("units=1,2", NULL, "jobs=5");
    expect_unfit("wlo=5,900", NULL, "whi=100");
    expect_unfit("fail_kind=one,all", NULL, NULL);
}

static void test_the_loop_has_no_failures(void **state) {
    (void)state;
    struct pn_error err = {""};
    pn_sweep_init(&sweep, "test");
    assert_int_equal(pn_sweep_set_x(&sweep, "fail_kind=one,all", &err), 0);
    assert_int_equal(pn_sweep_add_set(&sweep, "fail_at_ms=500", &err), 0);
    assert_int_equal(pn_sweep_check(&sweep, &err), 0);
    sweep.loop = true;
    assert_true(pn_sweep_check(&sweep, &err) != 0);
    assert_non_null(strstr(err.text, "fail_at_ms"));
}

static void test_designs(void **state) {
    (void)state;
    struct pn_error err = {""};
    pn_sweep_init(&sweep, "test");
    assert_int_equal(pn_sweep_set_designs(&sweep, "mailbox,shared", &err), 0);
    assert_int_equal(sweep.n_designs, 2);
    assert_string_equal(sweep.design[0], "mailbox");
    assert_int_equal(
        pn_sweep_set_designs(&sweep, "shared,mailbox+copy=none,tokio,beam:spawn", &err), 0);
    static const char *const refused[] = {
        "shared,pony", "shared:tuned", "tokio:fast", "tokio:",     "shared+",
        "shared+copy", "shared+copy=", "shared+=1",  "+copy=none", "beam:tuned+sbwt=x+"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        err.text[0] = '\0';
        if (pn_sweep_set_designs(&sweep, refused[i], &err) == 0 || err.text[0] == '\0') {
            fail_msg("'%s' is taken", refused[i]);
        }
    }
    assert_true(pn_sweep_set_designs(&sweep, "shared,shared", &err) != 0);
    assert_true(pn_sweep_set_designs(&sweep, "", &err) != 0);
}

static void test_a_design_is_taken_apart(void **state) {
    (void)state;
    struct pn_design_name name;
    struct pn_error err = {""};
    assert_int_equal(pn_design_parse("tokio", &name, &err), 0);
    assert_string_equal(name.peer->name, "tokio");
    assert_string_equal(name.mode, "tuned");
    assert_string_equal(name.switches, "");
    assert_int_equal(pn_design_parse("beam:spawn+sbwt=none", &name, &err), 0);
    assert_string_equal(name.base, "beam");
    assert_string_equal(name.mode, "spawn");
    assert_string_equal(name.switches, "+sbwt=none");
    assert_int_equal(pn_design_parse("mailbox+copy=none", &name, &err), 0);
    assert_null(name.peer);
    assert_string_equal(name.mode, "");
}

/* A program that is not there takes its designs out of the sweep, and leaves the reason. */
static void test_a_missing_peer_leaves_its_row(void **state) {
    (void)state;
    struct pn_error err = {""};
    pn_sweep_init(&sweep, "test");
    assert_int_equal(pn_sweep_set_designs(&sweep, "tokio,shared,beam:naive", &err), 0);
    json_t *peers = json_array();
    json_t *absent = json_array();
    assert_int_equal(pn_peers_keep(&sweep, 1, "/nonexistent/pinion", peers, absent), 2);
    assert_int_equal(sweep.n_designs, 1);
    assert_string_equal(sweep.design[0], "shared");
    assert_int_equal(json_array_size(peers), 0);
    assert_int_equal(json_array_size(absent), 2);
    const json_t *row = json_array_get(absent, 1);
    assert_string_equal(json_string_value(json_object_get(row, "design")), "beam:naive");
    assert_non_null(strstr(json_string_value(json_object_get(row, "reason")), "not built here"));
    json_decref(peers);
    json_decref(absent);
}

static void test_thinning_keeps_the_ends(void **state) {
    (void)state;
    struct pn_error err = {""};
    for (unsigned points = 2; points < 12; points++) {
        pn_sweep_init(&sweep, "test");
        assert_int_equal(pn_sweep_set_x(&sweep, "units=16..4096:log2", &err), 0);
        pn_sweep_thin(&sweep, points);
        assert_int_equal(sweep.n_x, points < 9 ? points : 9);
        assert_string_equal(sweep.x[0], "16");
        assert_string_equal(sweep.x[sweep.n_x - 1], "4096");
        for (unsigned i = 1; i < sweep.n_x; i++) {
            assert_string_not_equal(sweep.x[i - 1], sweep.x[i]);
        }
    }
}

static void expect_bad_plan(const char *text) {
    struct pn_error err = {""};
    int n = pn_sweep_read_plan(text, "plan.ini", sweeps, PN_SWEEPS, &err);
    if (n >= 0 || strncmp(err.text, "plan.ini", 8) != 0 || strchr(err.text, '\n') != NULL) {
        fail_msg("'%s': %d, '%s'", text, n, err.text);
    }
}

static void test_plan_files(void **state) {
    (void)state;
    struct pn_error err = {""};
    int n = pn_sweep_read_plan("; two\n[one]\nx = units=1..4:log2\nby = mem=local,malloc\n"
                               "rounds = 3\naa = yes\n[two]\nkind = latency\nx = rate=50000\n"
                               "set = units=100 payload=64\n",
                               "plan.ini", sweeps, PN_SWEEPS, &err);
    assert_int_equal(n, 2);
    assert_string_equal(sweeps[0].name, "one");
    assert_true(sweeps[0].aa);
    assert_int_equal(sweeps[0].rounds, 3);
    assert_int_equal(sweeps[0].n_by, 2);
    assert_int_equal(sweeps[1].kind, PN_KIND_LATENCY);
    assert_int_equal(sweeps[1].n_set, 2);
    expect_bad_plan("");
    expect_bad_plan("x = units=1,2\n");
    expect_bad_plan("[one]\nrounds = 3\n");
    expect_bad_plan("[one]\nx = units=4..1:log2\n");
    expect_bad_plan("[one]\nx = units=1,2\nspeed = 3\n");
    expect_bad_plan("[one]\nx = units=1,2\nrounds = 0\n");
    expect_bad_plan("[one]\nx = units=1,2\nrounds = 10x\n");
    expect_bad_plan("[one]\nx = units=1,2\naa = perhaps\n");
    expect_bad_plan("[one]\nx = units=1,2\nkind = other\n");
    expect_bad_plan("[one]\nx = units=1,2\nset = nothing=1\n");
    expect_bad_plan("[one]\nx = units=1,2\n[two]\nx = units=1,2\n[one]\nx = units=3,4\n");
    expect_bad_plan("[one\nx = units=1,2\n");
}

static void test_presets_are_plans(void **state) {
    (void)state;
    static const char *const names[] = {"quick", "full"};
    for (unsigned i = 0; i < 2; i++) {
        struct pn_error err = {""};
        assert_non_null(pn_preset(names[i]));
        int n = pn_sweep_read_plan(pn_preset(names[i]), names[i], sweeps, PN_SWEEPS, &err);
        assert_true(n >= 3);
        assert_true(sweeps[0].n_x >= 5);
        assert_true(sweeps[0].aa);
        assert_int_equal(sweeps[0].n_by, 2);
    }
    assert_null(pn_preset("other"));
    unsigned n_presets = 0;
    for (; pn_preset_name(n_presets) != NULL; n_presets++) {
        struct pn_error err = {""};
        const char *name = pn_preset_name(n_presets);
        if (pn_sweep_read_plan(pn_preset(name), name, sweeps, PN_SWEEPS, &err) < 1) {
            fail_msg("%s", err.text);
        }
        assert_int_equal(pn_preset(name)[0], ';'); /* what it is for, in a line */
    }
    assert_true(n_presets >= 15);
}

static void test_values_that_the_machine_fixes(void **state) {
    (void)state;
    static const char *const pairs[][2] = {
        {"workers=cores", "workers=6"},
        {"workers=4xcores", "workers=24"},
        {"workers=4", "workers=4"},
        {"workers=xcores", "workers=xcores"},
        {"workers=0xcores", "workers=0xcores"},
        {"mem=local", "mem=local"},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[96];
        pn_relative_cores(pairs[i][0], 6, text, sizeof text);
        assert_string_equal(text, pairs[i][1]);
    }
    double share = 0;
    assert_true(pn_relative_rate("80%", &share));
    assert_true(share == 0.8);
    assert_false(pn_relative_rate("80", &share));
    assert_false(pn_relative_rate("%", &share));
    assert_false(pn_relative_rate("0%", &share));
    assert_false(pn_relative_rate("500%", &share));
    struct pn_error err = {""};
    pn_sweep_init(&sweep, "test");
    assert_int_equal(pn_sweep_set_x(&sweep, "rate=80%", &err), 0);
    assert_int_equal(pn_sweep_add_set(&sweep, "workers=4xcores", &err), 0);
    assert_int_equal(pn_sweep_check(&sweep, &err), 0);
    assert_int_equal(pn_sweep_set_x(&sweep, "units=80%", &err), 0);
    assert_true(pn_sweep_check(&sweep, &err) != 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges_and_lists),
        cmocka_unit_test(test_bad_x_is_refused),
        cmocka_unit_test(test_what_no_slot_could_run_is_refused),
        cmocka_unit_test(test_the_loop_has_no_failures),
        cmocka_unit_test(test_designs),
        cmocka_unit_test(test_a_design_is_taken_apart),
        cmocka_unit_test(test_a_missing_peer_leaves_its_row),
        cmocka_unit_test(test_thinning_keeps_the_ends),
        cmocka_unit_test(test_plan_files),
        cmocka_unit_test(test_presets_are_plans),
        cmocka_unit_test(test_values_that_the_machine_fixes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
