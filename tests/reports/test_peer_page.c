/* SPDX-License-Identifier: MIT
 *
 * A run of many designs: ratios, ladder and model say what was planted; names stay names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include <pinion/report.h>

#include "make_peers.h"

struct made_page {
    char dir[64];
    char *html;
    json_t *json;
};

static char *slurp(const char *path) {
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *data = malloc(8 << 20);
    assert_non_null(data);
    data[fread(data, 1, (8 << 20) - 1, f)] = '\0';
    (void)fclose(f);
    return data;
}

static struct made_page make_page(const struct made_peers *m) {
    struct made_page page;
    struct pn_report_error err;
    struct pn_report_verdict verdict;
    made_directory(page.dir, sizeof page.dir);
    make_peers(page.dir, m);
    if (pn_report_write(page.dir, &verdict, &err) != 0) {
        print_error("%s\n", err.text);
        fail();
    }
    page.html = slurp(verdict.html_path);
    json_error_t where;
    page.json = json_load_file(verdict.json_path, JSON_REJECT_DUPLICATES, &where);
    assert_non_null(page.json);
    return page;
}

static void drop(struct made_page *page) {
    free(page->html);
    json_decref(page->json);
    made_remove(page->dir);
}

static json_t *walk(const json_t *at, const char *key) {
    json_t *next = json_object_get(at, key);
    if (next == NULL) {
        print_error("no '%s'\n", key);
        fail();
    }
    return next;
}

static const json_t *sweep_of(const struct made_page *p, size_t i) {
    return json_array_get(walk(p->json, "sweeps"), i);
}

/* The interval, or what lies half a slot's noise beside it: one in twenty exact intervals misses.
 */
static void holds(const json_t *estimate, double truth) {
    double lo = json_number_value(walk(estimate, "low"));
    double hi = json_number_value(walk(estimate, "high"));
    if (!(lo - 0.005 <= truth && truth <= hi + 0.005 && hi - lo < 0.2)) {
        print_error("[%g, %g] does not hold %g\n", lo, hi, truth);
        fail();
    }
}

static const json_t *rung(const struct made_page *p, const char *key) {
    const json_t *rows = walk(json_array_get(walk(sweep_of(p, 1), "ladder"), 0), "rows");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(json_string_value(walk(row, "property")), key) == 0) {
            return row;
        }
    }
    fail();
    return NULL;
}

static bool says(const json_t *object, const char *key, const char *words) {
    return strstr(json_string_value(walk(object, key)), words) != NULL;
}

static void ladder_says_what_was_planted(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(21);
    struct made_page p = make_page(&m);
    const json_t *ladder = json_array_get(walk(sweep_of(&p, 1), "ladder"), 0);
    const json_t *route = rung(&p, "route");
    assert_string_equal(json_string_value(walk(route, "number")), "M1");
    holds(walk(walk(route, "in_a"), "ratio_log_rate"), m.route[0]);
    holds(walk(walk(route, "in_b"), "ratio_log_rate"), m.route[1]);
    assert_string_equal(json_string_value(walk(walk(route, "in_a"), "value")), "rr");
    assert_string_equal(json_string_value(walk(walk(route, "in_a"), "value_before")), "queue");
    assert_true(json_is_null(walk(walk(route, "in_a"), "caveat")));
    assert_true(says(walk(rung(&p, "credit"), "in_a"), "caveat", "another bound"));
    assert_string_equal(json_string_value(walk(sweep_of(&p, 1), "b")), "mailbox+like=beam");
    holds(walk(walk(rung(&p, "heap"), "in_a"), "ratio_log_rate"), 0);
    holds(walk(walk(rung(&p, "odd"), "in_a"), "ratio_log_rate"), 0.05);
    assert_true(json_is_null(walk(rung(&p, "odd"), "in_b")));
    assert_true(json_is_null(walk(rung(&p, "steal"), "in_a"))); /* a row all the same */
    holds(walk(ladder, "whole_log"), m.whole);
    holds(walk(ladder, "product_log_a"), m.route[0] + 0.05 + 0.3);
    holds(walk(ladder, "product_log_b"), m.route[1]);
    assert_null(json_object_get(sweep_of(&p, 0), "ladder"));
    assert_non_null(strstr(p.html, "id=\"ladder-1\""));
    assert_non_null(strstr(p.html, "route in shared most, by"));
    assert_non_null(strstr(p.html, "M8 balance (steal): not measured"));
    assert_non_null(strstr(p.html, ">queue → rr</td>"));
    assert_non_null(strstr(p.html, "none<small>needs mailboxes</small>"));
    assert_non_null(strstr(p.html, "3 of 6 single changes move the throughput"));
    drop(&p);
}

/* The first x at which a value of 32 designs differs is nobody's: a base must be there by name. */
static void a_change_needs_its_base(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(22);
    m.odd = "tokio:tuned+restart=join"; /* a change, but of neither compared design */
    struct made_page p = make_page(&m);
    assert_null(json_object_get(sweep_of(&p, 0), "ladder"));
    drop(&p);
    m.odd = "shared+route=actor+heap=actor"; /* two at once */
    p = make_page(&m);
    assert_null(json_object_get(sweep_of(&p, 0), "ladder"));
    drop(&p);
    m.odd = "shared+route=actor";
    p = make_page(&m);
    assert_non_null(json_object_get(sweep_of(&p, 0), "ladder"));
    drop(&p);
}

static void model_is_accepted_or_refused(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(23);
    struct made_page p = make_page(&m);
    const json_t *model = walk(p.json, "model");
    const json_t *curve = json_array_get(walk(model, "curves"), 0);
    assert_true(json_is_true(walk(model, "explains")));
    assert_true(json_number_value(walk(curve, "deviation_largest")) < 0.08);
    assert_true(json_number_value(walk(curve, "unit_ns_beam")) == 4.0);
    assert_null(strstr(p.html, "does not explain BEAM on this machine"));
    drop(&p);
    m.beam_apart = 1 / 1.5; /* at one x of five: the mean stays under 25 % */
    p = make_page(&m);
    model = walk(p.json, "model");
    curve = json_array_get(walk(model, "curves"), 0);
    assert_true(json_is_false(walk(model, "explains")));
    assert_true(fabs(json_number_value(walk(curve, "deviation_largest")) - 0.5) < 0.05);
    assert_true(fabs(json_number_value(walk(curve, "deviation_mean")) - 0.125) < 0.03);
    holds(walk(json_array_get(walk(curve, "points"), 4), "apart_log"), log(1.5));
    assert_non_null(strstr(p.html, "The mailbox model does not explain BEAM on this machine: 5"));
    drop(&p);
}

static const json_t *rival(const struct made_page *p, const char *runtime) {
    const json_t *all = walk(sweep_of(p, 0), "rivals");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const json_t *one = json_array_get(all, i);
        if (strcmp(json_string_value(walk(one, "runtime")), runtime) == 0) {
            return one;
        }
    }
    fail();
    return NULL;
}

/* Planted: Tokio overtakes between 4 and 8 producers, BEAM never; a mode that is no queue is named
 * and decides nothing. */
static void each_runtime_has_its_verdict(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(26);
    struct made_page p = make_page(&m);
    const json_t *tokio = walk(rival(&p, "tokio"), "verdict");
    assert_string_equal(json_string_value(walk(tokio, "kind")), "crossover");
    assert_true(json_number_value(walk(tokio, "x_low")) > 4);
    assert_true(json_number_value(walk(tokio, "x_high")) < 8);
    assert_string_equal(json_string_value(walk(tokio, "ahead")), "shared");
    assert_true(says(rival(&p, "tokio"), "sentence", "above it tokio:tuned leads"));
    const json_t *beam = rival(&p, "beam");
    assert_string_equal(json_string_value(walk(walk(beam, "verdict"), "kind")), "none");
    assert_false(says(beam, "sentence", "spawn"));
    assert_non_null(strstr(p.html, "<p class=\"v\"><b>beam</b>: No crossover"));
    assert_int_equal(json_array_size(walk(sweep_of(&p, 0), "rivals")), 2);
    drop(&p);
    m.spawn_rate = 8e6;
    p = make_page(&m);
    beam = rival(&p, "beam");
    assert_true(says(beam, "sentence", "shared is ahead of beam:tuned"));
    assert_true(says(beam, "sentence", "beam:spawn is faster at 5 of 5 points, but bound by"));
    drop(&p);
    m.spawn_rate = 0.7e6;
    m.second = "tokio:naive"; /* takes the mailbox's place in the pair, and is no less a rival */
    p = make_page(&m);
    assert_string_equal(json_string_value(walk(sweep_of(&p, 0), "b")), "tokio:naive");
    assert_true(says(rival(&p, "tokio"), "sentence", "tokio:"));
    drop(&p);
    m.second = "mailbox";
    m.odd = "tokio:shared"; /* as fast as tokio:tuned: which is best changes with x */
    p = make_page(&m);
    assert_true(says(walk(rival(&p, "tokio"), "verdict"), "sentence", "tokio at its best"));
    assert_true(says(rival(&p, "tokio"), "sentence", "Its best mode: tokio:"));
    drop(&p);
}

/* In an open loop the best mode is the one with the shorter tail, whatever its jobs/s. */
static void an_open_loop_is_judged_by_its_tail(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(29);
    struct made_page p = make_page(&m);
    const json_t *targets = walk(p.json, "peer_targets");
    assert_int_equal(json_array_size(targets), 1); /* skew alone has a target */
    const json_t *skew = json_array_get(targets, 0);
    assert_string_equal(json_string_value(walk(skew, "state")), "held");
    assert_true(says(skew, "said", "×0.5") || says(skew, "said", "×0.4"));
    assert_true(says(skew, "said", "of tokio:shared"));
    assert_non_null(
        strstr(p.html, "Shared is ahead of the best other design by its p99 at 1 of 1"));
    assert_non_null(strstr(p.html, "shared ÷ it, p99"));
    drop(&p);
}

static const json_t *guard(const struct made_page *p, const char *design, double x) {
    const json_t *rows = walk(sweep_of(p, 0), "guards");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (strcmp(json_string_value(walk(row, "design")), design) == 0 &&
            json_number_value(walk(row, "x")) == x) {
            return row;
        }
    }
    fail();
    return NULL;
}

static double number(const json_t *row, const char *key) {
    return json_number_value(walk(row, key));
}

/* Planted: Tokio starved in two rounds of each point, one slot of BEAM with another checksum, a
 * mode that loses mailboxes, 700 jobs of 1 KiB in flight, a literal mode a thousand times slower.
 */
static void guards_find_what_was_planted(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(27);
    struct made_page p = make_page(&m);
    assert_true(number(guard(&p, "tokio:tuned", 4), "slots_under_cpu_share") == 2);
    assert_true(number(guard(&p, "shared", 4), "slots_under_cpu_share") == 0);
    assert_true(number(guard(&p, "beam:tuned", 2), "slots_unlike") == 1);
    assert_true(says(guard(&p, "beam:tuned", 2), "unlike_reason", "checksum differs"));
    assert_true(number(guard(&p, "beam:tuned", 4), "slots_unlike") == 0);
    assert_true(number(guard(&p, "beam:naive", 4), "slots_unlike") == 12);
    assert_true(number(guard(&p, "beam:tuned", 4), "batch") == 16);
    assert_string_equal(json_string_value(walk(guard(&p, "beam:spawn", 4), "bound")), "in_flight");
    assert_true(fabs(number(guard(&p, "shared", 1), "bytes_in_flight") / (700 * 1024) - 1) < 0.06);
    /* Without a histogram the median of 900 ns: 0.7 M/s x 900 ns. */
    assert_true(fabs(number(guard(&p, "beam:spawn", 1), "jobs_in_flight") / 0.63 - 1) < 0.06);
    holds(walk(guard(&p, "beam:tuned", 1), "ratio_log_rate_equal_units"),
          log(5 / 1.4) + log(2.0 / 4.0));
    const json_t *mistakes = walk(sweep_of(&p, 0), "mistakes");
    assert_int_equal(json_array_size(mistakes), 5);
    holds(walk(json_array_get(mistakes, 0), "ratio_log_rate"), log(3.8e6 / 3.6e3));
    const json_t *fairness = walk(p.json, "fairness");
    assert_true(number(fairness, "l2_bytes") == 2097152 &&
                number(fairness, "l3_bytes") == 37748736);
    assert_true(says(fairness, "malloc_thresholds_reason", "left at the C library's"));
    drop(&p);
}

/* The same, as people read it. */
static void guards_are_on_the_page(void **state) {
    (void)state;
    static const char *const words[] = {
        "pinion 2.00\u00a0ns, tokio 2.05\u00a0ns, beam 4.00\u00a0ns",
        "beam, 1.00\u00a0KiB: fill 310\u00a0ns",
        "limit for each slot 2.00\u00a0GiB; malloc thresholds left at the C",
        "L2 2.00\u00a0MiB, L3 36.0\u00a0MiB",
        "off while measured, in every slot",
        "beam:naive by none, beam:spawn by in_flight; shared by queue",
        "beam:tuned 16, beam:naive 1",
        "above one L2 in 0 of 35 rows",
        "tokio:tuned in 10 of 60 slots. CPU per job looks too low",
        "No ratio: beam:tuned, 1 of 60 slots: checksum differs.",
        "What a tuning mistake costs",
        "tokio:tuned (its best)",
        "beam:tuned (its best), batch 16"};
    struct made_peers m = made_peers_plain(28);
    struct made_page p = make_page(&m);
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strstr(p.html, words[i]) == NULL) {
            print_error("the page lacks '%s'\n", words[i]);
            fail();
        }
    }
    /* A mode that computes nothing has no row among the rivals. */
    const char *table = strstr(p.html, "id=\"duels-0\"");
    const char *literal = strstr(table, "tokio:literal");
    assert_true(literal == NULL || literal > strstr(table, "</section>"));
    drop(&p);
}

static void names_stay_names(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(24);
    m.version = "</code><script>alert(1)</script>";
    m.reason = "<img src=x onerror=alert(1)>";
    m.odd = "shared+<b>route</b>=\"&'<script>";
    struct made_page p = make_page(&m);
    static const char *const never[] = {"<script", "<img", "<b>route", "nan", "inf<"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (strstr(p.html, never[i]) != NULL) {
            print_error("the page holds '%s': %.80s\n", never[i], strstr(p.html, never[i]) - 30);
            fail();
        }
    }
    assert_non_null(strstr(p.html, "&lt;b&gt;route&lt;/b&gt;"));
    drop(&p);
}

static void same_files_same_bytes(void **state) {
    (void)state;
    struct made_peers m = made_peers_plain(25);
    struct made_page a = make_page(&m);
    struct made_page b = make_page(&m);
    assert_string_equal(a.html, b.html);
    assert_true(json_equal(a.json, b.json));
    drop(&a);
    drop(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ladder_says_what_was_planted),
        cmocka_unit_test(a_change_needs_its_base),
        cmocka_unit_test(model_is_accepted_or_refused),
        cmocka_unit_test(each_runtime_has_its_verdict),
        cmocka_unit_test(guards_find_what_was_planted),
        cmocka_unit_test(guards_are_on_the_page),
        cmocka_unit_test(an_open_loop_is_judged_by_its_tail),
        cmocka_unit_test(names_stay_names),
        cmocka_unit_test(same_files_same_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
