/* SPDX-License-Identifier: MIT
 *
 * The two files: same bytes from the same input, nothing fetched, nothing injected, labels inside
 * their figure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include <pinion/report.h>

#include "reports/text.h"

#include "make_run.h"

struct made_page {
    char dir[64];
    char *html;
    char *json;
    struct pn_report_verdict verdict;
};

static char *slurp(const char *path) {
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *data = malloc(4 << 20);
    assert_non_null(data);
    size_t n = fread(data, 1, (4 << 20) - 1, f);
    data[n] = '\0';
    (void)fclose(f);
    return data;
}

static struct made_page make_page(const struct made_run *m) {
    struct made_page page;
    struct pn_report_error err;
    made_directory(page.dir, sizeof page.dir);
    make_run(page.dir, m);
    if (pn_report_write(page.dir, &page.verdict, &err) != 0) {
        print_error("%s\n", err.text);
        fail();
    }
    page.html = slurp(page.verdict.html_path);
    page.json = slurp(page.verdict.json_path);
    return page;
}

static void drop(struct made_page *page) {
    free(page->html);
    free(page->json);
    made_remove(page->dir);
}

static size_t count(const char *text, const char *word) {
    size_t n = 0;
    for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
        n++;
    }
    return n;
}

static void same_files_same_bytes(void **state) {
    (void)state;
    struct made_run m = made_run_plain(7);
    struct made_page a = make_page(&m);
    struct made_page b = make_page(&m); /* another directory: no path in the page */
    assert_string_equal(a.html, b.html);
    assert_string_equal(a.json, b.json);
    struct pn_report_verdict again;
    struct pn_report_error err;
    assert_int_equal(pn_report_write(a.dir, &again, &err), 0);
    char *html = slurp(again.html_path);
    assert_string_equal(a.html, html);
    free(html);
    drop(&a);
    drop(&b);
}

static void page_fetches_and_runs_nothing(void **state) {
    (void)state;
    struct made_run m = made_run_plain(8);
    struct made_page p = make_page(&m);
    static const char *const never[] = {"http:",   "https:",     "//",   "<script", "<link", "<img",
                                        "<iframe", "javascript", "url(", "@import", " on"};
    for (size_t i = 0; i + 1 < sizeof never / sizeof never[0]; i++) {
        if (strstr(p.html, never[i]) != NULL) {
            print_error("the page holds '%s'\n", never[i]);
            fail();
        }
    }
    assert_non_null(strstr(p.html, "default-src 'none'"));
    drop(&p);
}

static void names_stay_names(void **state) {
    (void)state;
    struct made_run m = made_run_plain(9);
    m.cpu_model = "</title><script>alert(1)</script>'\"&\xe2\x80\xae evil \x01";
    m.void_reason = "<img src=x onerror=alert(1)>";
    m.status = "<b>odd</b>";
    m.spin_null = true;
    struct made_page p = make_page(&m);
    assert_null(strstr(p.html, "<script"));
    assert_null(strstr(p.html, "<img"));
    assert_null(strstr(p.html, "<b>odd"));
    assert_null(strstr(p.html, "<b>cannot"));
    assert_null(strstr(p.html, "\xe2\x80\xae"));
    assert_non_null(strstr(p.html, "&lt;script&gt;alert(1)"));
    drop(&p);
}

/* Every id once; every svg has title and desc. */
static void ids_are_unique(void **state) {
    (void)state;
    struct made_run m = made_run_plain(10);
    struct made_page p = make_page(&m);
    for (const char *at = strstr(p.html, " id=\""); at != NULL; at = strstr(at + 1, " id=\"")) {
        char id[128];
        size_t n = (size_t)(strchr(at + 5, '"') - at) + 1;
        assert_true(n < sizeof id);
        memcpy(id, at, n);
        id[n] = '\0';
        if (count(p.html, id) != 1) {
            print_error("%s is used %zu times\n", id, count(p.html, id));
            fail();
        }
    }
    assert_true(count(p.html, "<svg ") > 10);
    assert_true(count(p.html, "<svg ") == count(p.html, "role=\"img\""));
    assert_true(count(p.html, "<svg ") == count(p.html, "<desc id"));
    assert_null(strstr(p.html, "nan"));
    assert_null(strstr(p.html, "inf<"));
    drop(&p);
}

static double attribute(const char *tag, const char *name) {
    const char *at = strstr(tag, name);
    return at == NULL ? 0 : strtod(at + strlen(name), NULL);
}

/* Entities count as one character. */
static void unescape(char *text) {
    char *to = text;
    for (char *from = text; *from != '\0'; to++) {
        char *end = *from == '&' ? strchr(from, ';') : NULL;
        *to = end != NULL ? 'o' : *from;
        from = end != NULL ? end + 1 : from + 1;
    }
    *to = '\0';
}

/* The upper bound of each label's width lies inside its figure, wide and narrow. */
static void labels_lie_inside(void **state) {
    (void)state;
    struct made_run m = made_run_plain(11);
    m.hypervisor = true;
    struct made_page p = make_page(&m);
    double width = 0;
    size_t seen = 0;
    for (const char *at = strchr(p.html, '<'); at != NULL; at = strchr(at + 1, '<')) {
        if (strncmp(at, "<svg ", 5) == 0) {
            width = attribute(at, "viewBox=\"0 0 ");
        }
        if (strncmp(at, "<text ", 6) != 0) {
            continue;
        }
        const char *open = strchr(at, '>');
        const char *close = strstr(open, "</text>");
        char label[256];
        char tag[256];
        assert_true(close - open < (long)sizeof label && open - at < (long)sizeof tag);
        (void)snprintf(label, sizeof label, "%.*s", (int)(close - open - 1), open + 1);
        (void)snprintf(tag, sizeof tag, "%.*s", (int)(open - at), at);
        unescape(label);
        double w = pn_text_width(label, 12.5, false);
        double x = attribute(tag, " x=\"");
        double left = strstr(tag, "\"end\"") != NULL      ? x - w
                      : strstr(tag, "\"middle\"") != NULL ? x - w / 2
                                                          : x;
        if (left < -1 || left + w > width + 1) {
            print_error("'%s' spans %.1f to %.1f of %.0f\n", label, left, left + w, width);
            fail();
        }
        seen++;
    }
    assert_true(seen > 200);
    drop(&p);
}

static const json_t *walk(const json_t *at, const char *key) {
    const json_t *next = json_object_get(at, key);
    assert_non_null(next);
    return next;
}

static void results_say_what_was_planted(void **state) {
    (void)state;
    struct made_run m = made_run_plain(12);
    struct made_page p = make_page(&m);
    json_error_t where;
    json_t *root = json_loads(p.json, JSON_REJECT_DUPLICATES, &where);
    assert_non_null(root);
    assert_string_equal(json_string_value(walk(root, "schema")), "pinion.results/1");
    assert_string_equal(p.verdict.kind, "crossover");
    const json_t *sweep = json_array_get(walk(root, "sweeps"), 0);
    const json_t *verdict = walk(json_array_get(walk(sweep, "curves"), 0), "verdict");
    assert_true(json_number_value(walk(verdict, "x_low")) <= 120 &&
                json_number_value(walk(verdict, "x_high")) >= 120);
    const json_t *shift = json_array_get(walk(sweep, "shifts"), 0);
    assert_true(json_number_value(walk(shift, "crossover_factor_low")) <= 260.0 / 120);
    assert_true(json_number_value(walk(shift, "crossover_factor_high")) >= 260.0 / 120);
    const json_t *gap =
        walk(json_array_get(walk(json_array_get(walk(sweep, "curves"), 0), "points"), 0), "gap");
    double sum = json_number_value(walk(gap, "efficiency_log")) +
                 json_number_value(walk(gap, "spinning_log")) +
                 json_number_value(walk(gap, "sleeping_log"));
    assert_true(fabs(sum - json_number_value(walk(gap, "total_log"))) < 1e-9);
    json_decref(root);
    drop(&p);
}

static void verdicts_follow_the_data(void **state) {
    (void)state;
    struct made_run m = made_run_plain(13);
    m.cross[0] = m.cross[1] = 0;
    struct made_page p = make_page(&m);
    assert_string_equal(p.verdict.kind, "none");
    assert_non_null(strstr(p.verdict.crossover, "shared is ahead"));
    drop(&p);

    m.p99_ratio = 3; /* a tail three times as long at equal load */
    p = make_page(&m);
    assert_true(p.verdict.withheld);
    assert_null(strstr(p.verdict.crossover, "is ahead of"));
    assert_non_null(strstr(p.verdict.crossover, "withheld"));
    drop(&p);

    m = made_run_plain(13);
    m.rounds = 6; /* 7 points need 9 */
    p = make_page(&m);
    assert_string_equal(p.verdict.kind, "undetermined");
    assert_non_null(strstr(p.verdict.crossover, "needs rounds"));
    drop(&p);

    m = made_run_plain(13);
    m.void_share = 0.4;
    p = make_page(&m);
    assert_true(p.verdict.noisy);
    assert_non_null(strstr(p.html, "Too noisy."));
    drop(&p);
}

static void unknown_spin_is_null_with_its_reason(void **state) {
    (void)state;
    struct made_run m = made_run_plain(14);
    m.spin_null = true;
    struct made_page p = make_page(&m);
    assert_non_null(strstr(p.json, "\"spinning_log\": null"));
    assert_non_null(strstr(p.json, "\"spinning_log_reason\""));
    assert_non_null(strstr(p.html, "Spinning and sleeping are joined"));
    drop(&p);
}

static void every_section_is_there_in_order(void **state) {
    (void)state;
    static const char *const ids[] = {"verdict",   "crossover", "shift",     "gap",
                                      "latency-1", "cores",     "ceiling-2", "micro",
                                      "placement", "machine",   "samples",   "rerun"};
    struct made_run m = made_run_plain(15);
    struct made_page p = make_page(&m);
    const char *at = p.html;
    for (size_t i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        char id[32];
        (void)snprintf(id, sizeof id, " id=\"%s\"", ids[i]);
        const char *next = strstr(at, id);
        if (next == NULL) {
            print_error("no section%s after the one before it\n", id);
            fail();
        }
        at = next;
    }
    assert_non_null(strstr(p.html, "segq_push_pop"));        /* Google Benchmark's row */
    assert_non_null(strstr(p.html, "needs 2 &lt;CPUs&gt;")); /* and one that could not run */
    assert_non_null(strstr(p.html, "mem.numa_balancing"));   /* doctor's finding */
    assert_non_null(strstr(p.html, "pinion survey --quick --set &#39;payload=0 bytes&#39;"));
    assert_non_null(strstr(p.html, "CPU 1, node 0"));
    drop(&p);
}

static void banner_says_what_limits_the_run(void **state) {
    (void)state;
    struct made_run m = made_run_plain(16);
    struct made_page p = make_page(&m);
    assert_null(strstr(p.html, "<div class=\"banner\""));
    drop(&p);
    m.hypervisor = true;
    p = make_page(&m);
    assert_non_null(strstr(p.html, "<b>Virtual machine.</b>"));
    assert_non_null(strstr(p.html, "<b>One NUMA node.</b>"));
    assert_null(strstr(p.html, "<b>Doctor fails.</b>"));
    drop(&p);
    m.hypervisor = false;
    m.doctor_fails = true;
    m.status = "interrupted";
    p = make_page(&m);
    assert_non_null(strstr(p.html, "<b>Doctor fails.</b> mem.numa_balancing: on"));
    assert_non_null(strstr(p.html, "<b>Not complete.</b>"));
    assert_null(strstr(p.html, "<b>Virtual machine.</b>"));
    drop(&p);
}

/* Every slot has its mark, in the wide figure and the narrow one, and its row; void ones are
 * hollow. */
static void every_slot_is_shown(void **state) {
    (void)state;
    struct made_run m = made_run_plain(17);
    m.void_share = 0.1;
    struct made_page p = make_page(&m);
    size_t hollow = 0;
    size_t filled = 0;
    for (int style = 0; style < 5; style++) {
        char cls[32];
        (void)snprintf(cls, sizeof cls, "class=\"h%d\"", style);
        hollow += count(p.html, cls);
        (void)snprintf(cls, sizeof cls, "class=\"dot f%d\"", style);
        filled += count(p.html, cls);
    }
    assert_true(p.verdict.voided > 20 && hollow == 2 * p.verdict.voided);
    assert_int_equal(filled, 2 * (p.verdict.slots - p.verdict.voided));
    assert_int_equal(count(p.html, "<td>void: foreign processes"), p.verdict.voided);
    drop(&p);
}

static void numbers_are_written_one_way(void **state) {
    (void)state;
    assert_string_equal(pn_num_fixed(1234567.891, 1).s, "1\u202f234\u202f567.9");
    assert_string_equal(pn_num_fixed(-0.04, 1).s, "0.0");
    assert_string_equal(pn_num_fixed(-12.35, 1).s, "\u221212.4");
    assert_string_equal(pn_num_signed(3, 0).s, "+3");
    assert_string_equal(pn_num_sig(999.7, 3).s, "1\u202f000");
    assert_string_equal(pn_num_sig(0.012345, 3).s, "0.0123");
    assert_string_equal(pn_num_si(39.66e6).s, "39.7\u202fM");
    assert_string_equal(pn_num_coord(-3.14159).s, "-3.1");
    assert_string_equal(pn_num_fixed(NAN, 1).s, "n/a");
    assert_string_equal(pn_num_fixed(1e300, 1).s, "over 10^15");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_files_same_bytes),
        cmocka_unit_test(page_fetches_and_runs_nothing),
        cmocka_unit_test(names_stay_names),
        cmocka_unit_test(ids_are_unique),
        cmocka_unit_test(labels_lie_inside),
        cmocka_unit_test(results_say_what_was_planted),
        cmocka_unit_test(verdicts_follow_the_data),
        cmocka_unit_test(unknown_spin_is_null_with_its_reason),
        cmocka_unit_test(every_section_is_there_in_order),
        cmocka_unit_test(banner_says_what_limits_the_run),
        cmocka_unit_test(every_slot_is_shown),
        cmocka_unit_test(numbers_are_written_one_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
