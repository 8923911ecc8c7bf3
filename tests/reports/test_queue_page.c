/* SPDX-License-Identifier: MIT
 *
 * The section on queues: byte for byte from made-up input, alone and beside a survey, with hostile
 * names, and with too few rounds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include <pinion/report.h>

#include "make_queues.h"

static char *load(const char *dir, const char *name) {
    char path[4300];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        fail_msg("%s is missing", path);
    }
    char *data = malloc(4 << 20);
    assert_non_null(data);
    data[fread(data, 1, (4 << 20) - 1, f)] = '\0';
    (void)fclose(f);
    return data;
}

static void save(const char *dir, const char *name, const char *data) {
    FILE *f = made_open(dir, name);
    (void)fputs(data, f);
    (void)fclose(f);
}

struct page {
    char dir[64];
    char *html;
    json_t *results;
    struct pn_report_verdict verdict;
};

static void write_page(struct page *p) {
    struct pn_report_error err;
    if (pn_report_write(p->dir, &p->verdict, &err) != 0) {
        fail_msg("%s", err.text);
    }
    char *json = load(p->dir, "results.json");
    p->html = load(p->dir, "report.html");
    p->results = json_loads(json, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(p->results);
    free(json);
}

static void drop(struct page *p) {
    free(p->html);
    json_decref(p->results);
    made_remove(p->dir);
}

static struct page bare_page(size_t rounds) {
    struct page p;
    made_directory(p.dir, sizeof p.dir);
    made_bare_manifest(p.dir, true);
    make_queues(p.dir, 5, rounds);
    write_page(&p);
    return p;
}

static void same_bytes_as_committed(void **state) {
    (void)state;
    static const char *const raw[] = {"manifest.json", "queues.jsonl"};
    static const char *const made[] = {"results.json", "report.html"};
    char from[4096];
    struct page p;
    (void)snprintf(from, sizeof from, "%s/tests/reports/made_up_queues",
                   getenv("PINION_TEST_SOURCE"));
    made_directory(p.dir, sizeof p.dir);
    for (size_t i = 0; i < 2; i++) {
        char *data = load(from, raw[i]);
        save(p.dir, raw[i], data);
        free(data);
    }
    write_page(&p);
    for (size_t i = 0; i < 2; i++) {
        char *then = load(from, made[i]);
        char *now = load(p.dir, made[i]);
        if (strcmp(then, now) != 0) {
            fail_msg("%s/%s differs from what the code makes now: 'pinion report' on it, and look "
                     "at the difference",
                     from, made[i]);
        }
        free(then);
        free(now);
    }
    drop(&p);
}

static void ids_are_unique(const char *html) {
    for (const char *at = strstr(html, " id=\""); at != NULL; at = strstr(at + 1, " id=\"")) {
        char id[128];
        size_t n = (size_t)(strchr(at + 5, '"') - at) + 1;
        assert_true(n < sizeof id);
        memcpy(id, at, n);
        id[n] = '\0';
        const char *first = strstr(html, id);
        if (strstr(first + 1, id) != NULL) {
            fail_msg("%s is used twice", id);
        }
    }
}

static void queues_alone_make_a_report(void **state) {
    (void)state;
    struct page p = bare_page(9);
    static const char *const never[] = {
        "id=\"verdict\"", "id=\"samples\"", "id=\"micro\"", "Noise floor", "nan",
        "inf<",           "<script",        "http:",        "(null)"};
    static const char *const held[] = {
        "Pinion queue report",
        "id=\"queues\"",
        "id=\"machine\"",
        "id=\"rerun\"",
        "9 rounds of 12 queues",
        "Pairs, 50–150\u00a0ns between operations",
        "Streams, batches of 32",
        "not measured: package libck-dev",
        "1 round failed: no progress for 5 s",
        "pinion bench queues --peers",
    };
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        if (strstr(p.html, never[i]) != NULL) {
            fail_msg("the page holds '%s'", never[i]);
        }
    }
    for (size_t i = 0; i < sizeof held / sizeof held[0]; i++) {
        if (strstr(p.html, held[i]) == NULL) {
            fail_msg("the page does not hold '%s'", held[i]);
        }
    }
    ids_are_unique(p.html);
    assert_string_equal(p.verdict.kind, "queues");
    assert_non_null(strstr(p.verdict.crossover, "Of 12 workloads a queue of ours leads in 9"));
    assert_non_null(strstr(p.verdict.cause, "moodycamel is ahead"));
    drop(&p);
}

/* Plan and samples beside it: both halves, and the survey's verdict stays the first. */
static void a_survey_keeps_its_own_report(void **state) {
    (void)state;
    struct made_run m = made_run_plain(12);
    struct page p;
    made_directory(p.dir, sizeof p.dir);
    make_run(p.dir, &m);
    write_page(&p);
    char *alone = p.html;
    assert_null(strstr(alone, "id=\"queues\""));
    assert_null(strstr(alone, ".qt "));
    assert_null(json_object_get(p.results, "queues"));
    json_decref(p.results);
    make_queues(p.dir, 5, 6);
    write_page(&p);
    assert_non_null(strstr(p.html, "id=\"verdict\""));
    assert_non_null(strstr(p.html, "id=\"queues\""));
    assert_non_null(strstr(p.html, "id=\"samples\""));
    assert_string_equal(p.verdict.kind, "crossover");
    ids_are_unique(p.html);
    free(alone);
    drop(&p);
}

static void results_hold_every_figure(void **state) {
    (void)state;
    struct page p = bare_page(7);
    const json_t *queues = json_object_get(p.results, "queues");
    const json_t *cell = NULL;
    size_t i;
    json_t *one;
    assert_string_equal(json_string_value(json_object_get(queues, "schema")),
                        "pinion.queue_results/1");
    assert_int_equal(json_array_size(json_object_get(queues, "workloads")), MADE_WORKLOADS);
    assert_int_equal(json_array_size(json_object_get(queues, "queues")), MADE_QUEUES + 1);
    assert_int_equal(json_array_size(json_object_get(queues, "cells")),
                     MADE_WORKLOADS * (MADE_QUEUES + 1));
    assert_int_equal(json_array_size(json_object_get(queues, "failures")), 1);
    json_array_foreach(json_object_get(queues, "cells"), i, one) {
        if (strcmp(json_string_value(json_object_get(one, "queue")), "ck_ring") == 0) {
            cell = one;
        }
    }
    const json_t *mops = json_object_get(cell, "mops");
    assert_true(json_is_null(json_object_get(mops, "median")));
    assert_string_equal(json_string_value(json_object_get(mops, "median_reason")),
                        "not measured: package libck-dev");
    drop(&p);
}

static void one_round_draws_hollow_marks(void **state) {
    (void)state;
    struct page p = bare_page(1);
    assert_non_null(strstr(p.html, "class=\"hollow\""));
    assert_non_null(strstr(p.html, "under 6 there is no interval"));
    assert_null(strstr(p.html, "class=\"mark "));
    assert_non_null(strstr(p.html, "In none of the 0 that are decided; 12 are open."));
    assert_null(strstr(p.html, "class=\"chip ok\">held</span></td><td data-l=\"measured\">×"));
    drop(&p);
}

static void names_stay_names(void **state) {
    (void)state;
    struct page p;
    made_directory(p.dir, sizeof p.dir);
    made_bare_manifest(p.dir, true);
    FILE *f = made_open(p.dir, "queues.jsonl");
    for (size_t r = 0; r < 6; r++) {
        (void)fprintf(f,
                      "{\"round\":%zu,\"queue\":\"<script>alert(1)</script>\",\"library\":\"<b>l"
                      "</b>\",\"workload\":\"</svg><img src=x>\",\"mops\":%zu,\"status\":\"ok\"}\n",
                      r, r + 1);
        (void)fprintf(
            f,
            "{\"round\":%zu,\"queue\":\"segq\",\"workload\":\"</svg><img src=x>\",\"mops\":"
            "99,\"status\":\"ok\"}\n",
            r);
    }
    (void)fputs(
        "{\"queue\":\"\\\"'&\\u202e\",\"status\":\"not measured\",\"reason\":\"<i>no</i>\"}\n"
        "{\"round\":0,\"queue\":\"q\",\"workload\":\"w\",\"status\":\"<u>died</u>\","
        "\"reason\":\"\\u001b[2J<s>\"}\n",
        f);
    (void)fclose(f);
    write_page(&p);
    static const char *const never[] = {"<script", "<img", "<b>l",    "<i>no",       "<u>",
                                        "<s>",     "\x1b", "</svg><", "\xe2\x80\xae"};
    for (size_t i = 0; i < sizeof never / sizeof never[0]; i++) {
        const char *at = strstr(p.html, never[i]);
        if (at != NULL && strcmp(never[i], "</svg><") != 0) {
            fail_msg("the page holds '%.40s'", at);
        }
    }
    assert_non_null(strstr(p.html, "&lt;script&gt;alert(1)"));
    assert_non_null(strstr(p.html, "&lt;/svg&gt;&lt;img src=x&gt;"));
    drop(&p);
}

/* Damage in queues.jsonl costs no report that stood before. */
static void damage_leaves_the_old_report(void **state) {
    (void)state;
    struct page p = bare_page(2);
    struct pn_report_error err;
    save(p.dir, "queues.jsonl", "{\"queue\":\"segq\"}\n");
    assert_int_equal(pn_report_write(p.dir, &p.verdict, &err), -1);
    assert_int_equal(err.status, PN_REPORT_BAD_INPUT);
    assert_non_null(strstr(err.text, "queues.jsonl:1: "));
    char *html = load(p.dir, "report.html");
    assert_string_equal(html, p.html);
    free(html);
    drop(&p);
}

/* A survey whose samples are gone is no queue report. */
static void lost_samples_are_an_error(void **state) {
    (void)state;
    struct made_run m = made_run_plain(13);
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    char dir[64];
    char path[128];
    made_directory(dir, sizeof dir);
    make_run(dir, &m);
    make_queues(dir, 5, 2);
    (void)snprintf(path, sizeof path, "%s/samples.jsonl", dir);
    (void)unlink(path);
    assert_int_equal(pn_report_write(dir, &verdict, &err), -1);
    assert_non_null(strstr(err.text, "/samples.jsonl: No such file"));
    (void)snprintf(path, sizeof path, "%s/plan.jsonl", dir);
    (void)unlink(path);
    assert_int_equal(pn_report_write(dir, &verdict, &err), -1);
    assert_non_null(strstr(err.text, "names sweeps, but neither plan.jsonl nor samples.jsonl"));
    made_remove(dir);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_bytes_as_committed),
        cmocka_unit_test(queues_alone_make_a_report),
        cmocka_unit_test(a_survey_keeps_its_own_report),
        cmocka_unit_test(results_hold_every_figure),
        cmocka_unit_test(one_round_draws_hollow_marks),
        cmocka_unit_test(names_stay_names),
        cmocka_unit_test(damage_leaves_the_old_report),
        cmocka_unit_test(lost_samples_are_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
