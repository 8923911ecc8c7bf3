/* SPDX-License-Identifier: MIT
 *
 * queues.jsonl: its statistics against values worked out by hand, the verdict on each kind of
 * target at its edges, and every kind of damaged line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <pinion/queue_report.h>

#include "make_queues.h"

struct file {
    char dir[64];
    FILE *f;
};

static struct file start(void) {
    struct file out;
    made_directory(out.dir, sizeof out.dir);
    out.f = made_open(out.dir, "queues.jsonl");
    return out;
}

/* `more` is the rest of the line: workload and its settings. */
static void put(struct file *file, size_t round, const char *queue, double mops, const char *more) {
    (void)fprintf(file->f, "{\"round\":%zu,\"queue\":\"%s\",\"mops\":%.17g,\"status\":\"ok\",%s}\n",
                  round, queue, mops, more);
}

#define PAIRS1 "\"workload\":\"pairs_t1\",\"threads\":1"
#define WORK2  "\"workload\":\"pairs_t2_work\",\"threads\":2,\"work_ns\":[50,150]"
#define WORK4  "\"workload\":\"pairs_t4_work\",\"threads\":4,\"work_ns\":[50,150]"
#define STREAM                                                                                     \
    "\"workload\":\"1p1c_1024\",\"threads\":2,\"capacity\":1024,\"batch\":1,\"work_ns\":null"

static struct pn_queue_report *finish(struct file *file, const char *reference) {
    struct pn_queue_report *report = NULL;
    struct pn_report_error err;
    (void)fclose(file->f);
    if (pn_queue_report_read(file->dir, reference, &report, &err) != 0) {
        print_error("%s\n", err.text);
        fail();
    }
    made_remove(file->dir);
    return report;
}

static const struct pn_queue_cell *cell(const struct pn_queue_report *report, const char *workload,
                                        const char *queue) {
    for (size_t w = 0; w < report->workloads; w++) {
        for (size_t q = 0; q < report->queues; q++) {
            if (strcmp(report->workload[w].name, workload) == 0 &&
                strcmp(report->queue[q].name, queue) == 0) {
                return pn_queue_report_cell(report, w, q);
            }
        }
    }
    fail_msg("no cell %s, %s", workload, queue);
    return NULL;
}

static const struct pn_queue_target *target(const struct pn_queue_report *report,
                                            const char *claim) {
    for (size_t i = 0; i < report->targets; i++) {
        if (strcmp(report->target[i].claim, claim) == 0) {
            return &report->target[i];
        }
    }
    fail_msg("no target '%s'", claim);
    return NULL;
}

static void is(double a, double b) {
    if (!(fabs(a - b) < 1e-12)) {
        fail_msg("%.17g is not %.17g", a, b);
    }
}

/* The machine slows down from round to round; both queues feel it, the ratio does not. */
static void ratios_are_paired_by_round(void **state) {
    (void)state;
    static const double ratio[] = {1.3, 0.8, 1.1, 0.9, 1.4, 1.2, 1.0};
    struct file file = start();
    for (size_t r = 0; r < 7; r++) {
        double speed = 100 - 12.0 * (double)r;
        put(&file, r, "segq", speed, PAIRS1);
        put(&file, r, "tbb_queue", speed * ratio[r], PAIRS1);
    }
    struct pn_queue_report *report = finish(&file, NULL);
    const struct pn_queue_cell *tbb = cell(report, "pairs T=1", "tbb_queue");
    assert_string_equal(report->reference, "segq");
    assert_int_equal(tbb->ratio.rounds, 7);
    is(tbb->ratio.value, 1.1); /* the 4th of 7; 98.4 % between the 1st and the 7th */
    is(tbb->ratio.lo, 0.8);
    is(tbb->ratio.hi, 1.4);
    const struct pn_queue_cell *segq = cell(report, "pairs T=1", "segq");
    is(segq->mops.value, 64);
    is(segq->least, 28);
    is(segq->most, 100);
    is(segq->ratio.value, 1);
    assert_int_equal(report->leads, 1);
    assert_false(report->lead[0].peer_ahead || report->lead[0].ours_ahead);
    pn_queue_report_free(report);
}

/* 9 rounds: 96.1 % between the 2nd and the 8th. */
static void nine_rounds_leave_out_the_extremes(void **state) {
    (void)state;
    struct file file = start();
    for (size_t r = 0; r < 9; r++) {
        put(&file, r, "segq", 10, PAIRS1);
        put(&file, r, "tbb_queue", 10.0 + (double)r, PAIRS1);
    }
    struct pn_queue_report *report = finish(&file, NULL);
    const struct pn_queue_cell *tbb = cell(report, "pairs T=1", "tbb_queue");
    is(tbb->ratio.value, 1.4);
    is(tbb->ratio.lo, 1.1);
    is(tbb->ratio.hi, 1.7);
    assert_true(report->lead[0].peer_ahead);
    assert_string_equal(report->lead[0].said,
                        "pairs T=1: tbb_queue is ahead, ×1.40 [1.10, 1.70] of segq.");
    pn_queue_report_free(report);
}

/* The middle of 0.5 and 8 is 2, and that of 2 and 0.125 is 0.5: the same statement. */
static void even_counts_take_the_geometric_middle(void **state) {
    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        struct file file = start();
        put(&file, 0, "segq", 10, PAIRS1);
        put(&file, 0, "tbb_queue", 5, PAIRS1);
        put(&file, 1, "segq", 10, PAIRS1);
        put(&file, 1, "tbb_queue", 80, PAIRS1);
        struct pn_queue_report *report = finish(&file, turn == 0 ? "segq" : "tbb_queue");
        const struct pn_queue_cell *c = cell(report, "pairs T=1", turn == 0 ? "tbb_queue" : "segq");
        is(c->ratio.value, turn == 0 ? 2 : 0.5);
        assert_true(isnan(c->ratio.lo) && isnan(c->ratio.hi));
        pn_queue_report_free(report);
    }
}

static void one_round_has_no_interval_and_says_so(void **state) {
    (void)state;
    struct file file = start();
    put(&file, 0, "segq", 20, PAIRS1);
    put(&file, 0, "tbb_queue", 10, PAIRS1);
    struct pn_queue_report *report = finish(&file, NULL);
    const struct pn_queue_target *t = target(report, "segq ≥ 1.1 × tbb_queue: pairs T=1");
    is(t->figure.value, 2);
    assert_int_equal(t->state, PN_TARGET_UNDECIDED);
    assert_string_equal(t->said, "×2.00, 1 round: under 6 rounds there is no interval");
    assert_string_equal(report->lead[0].said,
                        "pairs T=1: tbb_queue and segq are not told apart: ×0.500, "
                        "1 round gives no interval.");
    pn_queue_report_free(report);
}

/* A failed slot leaves its round without a ratio, and nothing else. */
static void failures_are_named(void **state) {
    (void)state;
    struct file file = start();
    for (size_t r = 0; r < 7; r++) {
        put(&file, r, "segq", 10, PAIRS1);
        if (r == 3) {
            (void)fprintf(file.f,
                          "{\"round\":3,\"queue\":\"tbb_queue\",\"mops\":99,\"status\":\"wrong "
                          "sum\",\"reason\":\"7 lost\"," PAIRS1 "}\n");
        } else {
            put(&file, r, "tbb_queue", 8, PAIRS1);
        }
    }
    (void)fputs(
        "{\"queue\":\"ck_ring\",\"status\":\"not measured\",\"reason\":\"package "
        "libck-dev\"}\n{\"queue\":\"tbb_queue\",\"status\":\"not measured\",\"reason\":\"no such "
        "operation\"," STREAM "}\n",
        file.f);
    struct pn_queue_report *report = finish(&file, NULL);
    const struct pn_queue_cell *tbb = cell(report, "pairs T=1", "tbb_queue");
    assert_int_equal(tbb->ratio.rounds, 6);
    assert_int_equal(tbb->failed, 1);
    is(tbb->most, 8);
    assert_int_equal(report->failures, 1);
    assert_int_equal(report->failure[0].round, 3);
    assert_string_equal(report->failure[0].status, "wrong sum");
    assert_string_equal(report->failure[0].reason, "7 lost");
    assert_string_equal(report->queue[2].missing, "package libck-dev");
    assert_string_equal(cell(report, "1P1C, 1\u202f024", "tbb_queue")->reason, "no such operation");
    assert_null(report->queue[1].missing);
    pn_queue_report_free(report);
}

/* 7 rounds of a against b = 10, so that the interval runs from `lo` to `hi`, the median `mid`. */
static struct pn_queue_report *seven(const char *a, const char *b, const char *where, double lo,
                                     double mid, double hi) {
    struct file file = start();
    for (size_t r = 0; r < 7; r++) {
        put(&file, r, a, 10 * (r == 0 ? lo : r == 6 ? hi : mid), where);
        put(&file, r, b, 10, where);
    }
    return finish(&file, NULL);
}

static void a_median_is_judged_with_its_whole_interval(void **state) {
    (void)state;
    static const char claim[] = "segq ≥ 1.1 × tbb_queue: pairs T=1";
    static const struct {
        double lo, mid, hi;
        enum pn_target_state state;
    } cases[] = {
        {1.1, 1.2, 1.3, PN_TARGET_HELD}, /* on the line is held */
        {1.1, 1.1, 1.1, PN_TARGET_HELD},          {1.0999, 1.2, 1.3, PN_TARGET_UNDECIDED},
        {0.9, 1.0, 1.1, PN_TARGET_UNDECIDED},     {0.9, 1.0, 1.0999, PN_TARGET_MISSED},
        {1.09, 1.0999, 1.2, PN_TARGET_UNDECIDED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pn_queue_report *report =
            seven("segq", "tbb_queue", PAIRS1, cases[i].lo, cases[i].mid, cases[i].hi);
        assert_int_equal(target(report, claim)->state, cases[i].state);
        assert_int_equal(report->tally[PN_TARGET_HELD] + report->tally[PN_TARGET_MISSED] +
                             report->tally[PN_TARGET_UNDECIDED],
                         1);
        assert_int_equal(report->tally[PN_TARGET_UNMEASURED], report->targets - 1);
        pn_queue_report_free(report);
    }
}

static void a_low_end_decides_alone(void **state) {
    (void)state;
    static const char low[] =
        "segq ≥ 0.75 × faa: pairs T=2, 50–150\u00a0ns between operations (low "
        "end of the interval)";
    static const char median[] = "segq ≥ 0.85 × faa: pairs T=2, 50–150\u00a0ns between operations";
    struct pn_queue_report *report = seven("segq", "faa", WORK2, 0.75, 0.9, 1.0);
    assert_int_equal(target(report, low)->state, PN_TARGET_HELD);
    assert_int_equal(target(report, median)->state, PN_TARGET_UNDECIDED);
    assert_int_equal(report->queue[1].kind, PN_QUEUE_CEILING);
    assert_int_equal(report->leads, 0); /* a ceiling leads nothing */
    pn_queue_report_free(report);
    report = seven("segq", "faa", WORK2, 0.7499, 0.9, 1.0);
    assert_int_equal(target(report, low)->state, PN_TARGET_MISSED);
    pn_queue_report_free(report);
}

/* Threads against threads of the same queue, in the same round. */
static void scale_is_paired_too(void **state) {
    (void)state;
    static const char claim[] = "ring in pairs T=4, 50–150\u00a0ns between operations ≥ 0.5 × ring "
                                "in pairs T=2, 50–150\u00a0ns "
                                "between operations";
    struct file file = start();
    for (size_t r = 0; r < 7; r++) {
        put(&file, r, "ring", 10.0 + (double)r, WORK2);
        put(&file, r, "ring", 0.5 * (10.0 + (double)r), WORK4);
    }
    struct pn_queue_report *report = finish(&file, NULL);
    assert_string_equal(report->reference, "ring");
    assert_int_equal(target(report, claim)->state, PN_TARGET_HELD);
    is(target(report, claim)->figure.hi, 0.5);
    pn_queue_report_free(report);
}

static void spread_and_waits_go_by_the_worst(void **state) {
    (void)state;
    struct file file = start();
    put(&file, 0, "segq", 10, STREAM);
    put(&file, 1, "segq", 20.1, STREAM);
    put(&file, 0, "segq", 5, WORK4 ",\"longest_wait_ns\":2e7");
    put(&file, 1, "segq", 5, WORK4 ",\"longest_wait_ns\":1e6");
    put(&file, 0, "ring", 5, WORK4 ",\"longest_wait_ns\":20000001");
    put(&file, 1, "ring", 5, WORK4 ",\"longest_wait_ns\":7");
    struct pn_queue_report *report = finish(&file, NULL);
    assert_int_equal(target(report, "segq, fastest round ≤ 2 × slowest: 1P1C, 1\u202f024")->state,
                     PN_TARGET_MISSED);
    assert_int_equal(target(report, "segq, longest wait ≤ 20\u00a0ms: pairs T=4, 50–150\u00a0ns "
                                    "between operations")
                         ->state,
                     PN_TARGET_HELD);
    assert_int_equal(target(report, "ring, longest wait ≤ 20\u00a0ms: pairs T=4, 50–150\u00a0ns "
                                    "between operations")
                         ->state,
                     PN_TARGET_MISSED);
    is(report->queue[0].longest_wait_ns, 2e7);
    pn_queue_report_free(report);
}

static void the_cpus_distance_is_told(void **state) {
    (void)state;
    static const char *const hops[] = {",\"hop_ns\":110", ",\"hop_ns\":24", ",\"hop_ns\":null", ""};
    struct file file = start();
    for (size_t i = 0; i < 4; i++) {
        char more[96];
        (void)snprintf(more, sizeof more, PAIRS1 "%s", hops[i]);
        put(&file, i, "segq", 10, more);
    }
    struct pn_queue_report *report = finish(&file, NULL);
    assert_int_equal(report->hop_ns.rounds, 2);
    is(report->hop_ns.value, 67);
    is(report->hop_least_ns, 24);
    is(report->hop_most_ns, 110);
    pn_queue_report_free(report);
}

/* The largest memory workload speaks; what is left is what is left some time later; less than
 * before is none. */
static void memory_is_per_item(void **state) {
    (void)state;
    static const char *const lines[] = {
        "\"workload\":\"memory_1m\",\"threads\":1,\"ops\":1000000,\"rss_per_item\":50,"
        "\"rss_drained\":9000000",
        "\"workload\":\"memory_10m\",\"threads\":1,\"ops\":10000000,\"rss_per_item\":10,"
        "\"rss_drained\":90000000,\"rss_later\":2000000",
        "\"workload\":\"memory_10m\",\"threads\":1,\"ops\":10000000,\"rss_per_item\":9.9,"
        "\"rss_drained\":90000000,\"rss_later\":-4096",
    };
    struct file file = start();
    put(&file, 0, "segq", 40, lines[0]);
    put(&file, 0, "segq", 40, lines[1]);
    put(&file, 1, "segq", 40, lines[2]);
    put(&file, 0, "ring", 5, PAIRS1);
    struct pn_queue_report *report = finish(&file, NULL);
    is(report->queue[0].bytes_per_item.value, 9.95);
    is(report->queue[0].bytes_left.value, 0.1);
    is(target(report, "segq ≤ 10\u00a0bytes per item, resident: memory_10m")->figure.value, 10);
    const struct pn_queue_target *left =
        target(report, "segq ≤ 1\u00a0bytes per item left after a drain: memory_10m");
    is(left->figure.value, 0.2);
    assert_int_equal(left->state, PN_TARGET_HELD);
    assert_int_equal(report->leads, 0);
    for (size_t w = 0; w < report->workloads; w++) {
        assert_int_equal(report->workload[w].rated, report->workload[w].family[0] == 'P');
    }
    pn_queue_report_free(report);
}

static void what_is_not_there_is_said(void **state) {
    (void)state;
    struct file file = start();
    put(&file, 0, "segq", 10, PAIRS1);
    (void)fputs("{\"queue\":\"tbb_queue\",\"status\":\"not measured\",\"reason\":\"package "
                "libtbb-dev\"}\n",
                file.f);
    put(&file, 0, "a queue no table knows", 3, "\"workload\":\"tree walk\",\"threads\":3");
    struct pn_queue_report *report = finish(&file, NULL);
    const struct pn_queue_target *t = target(report, "segq ≥ 1.1 × tbb_queue: pairs T=1");
    assert_int_equal(t->state, PN_TARGET_UNMEASURED);
    assert_string_equal(t->said, "tbb_queue: not measured: package libtbb-dev");
    t = target(report, "segq ≥ 5 × urcu_rculfqueue: pairs T=1");
    assert_string_equal(t->said, "urcu_rculfqueue: not part of this run");
    assert_int_equal(cell(report, "tree walk T=3", "a queue no table knows")->mops.rounds, 1);
    assert_string_equal(report->workload[1].family, "tree walk");
    assert_string_equal(report->workload[1].column, "T=3");
    pn_queue_report_free(report);
}

/* Each after one good line, so the fault is in line 2. */
static void damage_is_named_with_its_line(void **state) {
    (void)state;
    static const char good[] =
        "{\"round\":0,\"queue\":\"segq\",\"mops\":1,\"status\":\"ok\"," PAIRS1 "}\n";
#define OK2 "\"queue\":\"x\",\"status\":\"ok\","
    static const char *const cases[][2] = {
        {"{\"round\":1," OK2 PAIRS1 ",\"mops\":NaN}", "damaged line"},
        {"{\"round\":1," OK2 PAIRS1 ",\"mops\":1e999}", "damaged line"},
        {"{\"round\":1,", "damaged line"},
        {"[1]", "not a JSON object"},
        {"{}", "\"status\" is not a string"},
        {"{\"round\":1," OK2 PAIRS1 ",\"mops\":\"12\"}", "\"mops\" is neither a number"},
        {"{\"round\":1," OK2 PAIRS1 ",\"mops\":-1}", "\"mops\" is neither a number from 0"},
        {"{\"round\":1," OK2 PAIRS1 ",\"mops\":0}", "neither \"mops\" nor \"rss_per_item\""},
        {"{\"round\":1," OK2 PAIRS1 "}", "neither \"mops\" nor \"rss_per_item\""},
        {"{" OK2 PAIRS1 ",\"mops\":1}", "\"round\" is not a whole number"},
        {"{\"round\":0.5," OK2 PAIRS1 ",\"mops\":1}", "\"round\" is not a whole number"},
        {"{\"round\":1000," OK2 PAIRS1 ",\"mops\":1}", "\"round\" is not a whole number"},
        {"{\"round\":1," OK2 "\"mops\":1}", "\"workload\" is not a name"},
        {"{\"round\":1," OK2 "\"workload\":7,\"mops\":1}", "\"workload\" is not a name"},
        {"{\"round\":1,\"status\":\"ok\"," PAIRS1 ",\"mops\":1}", "\"queue\" is not a name"},
        {"{\"round\":1," OK2 "\"workload\":\"pairs\",\"threads\":0,\"mops\":1}",
         "\"threads\" is neither a number from 1"},
        {"{\"round\":1," OK2 PAIRS1 ",\"work_ns\":[5],\"mops\":1}", "\"work_ns\" is neither"},
        {"{\"round\":1," OK2 PAIRS1 ",\"work_ns\":[9,5],\"mops\":1}", "\"work_ns\" is neither"},
        {"{\"round\":1," OK2 "\"workload\":\"pairs_t1\",\"threads\":2,\"mops\":1}",
         "differ from an earlier line of this workload"},
        {"{\"round\":0,\"queue\":\"segq\",\"mops\":2,\"status\":\"ok\"," PAIRS1 "}",
         "round, workload and queue of line 1 repeated"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct file file = start();
        struct pn_queue_report *report;
        struct pn_report_error err;
        (void)fprintf(file.f, "%s%s\n", good, cases[i][0]);
        (void)fclose(file.f);
        assert_int_equal(pn_queue_report_read(file.dir, NULL, &report, &err), -1);
        assert_null(report);
        assert_int_equal(err.status, PN_REPORT_BAD_INPUT);
        if (strstr(err.text, "queues.jsonl:2: ") == NULL || strstr(err.text, cases[i][1]) == NULL) {
            fail_msg("%s: %s", cases[i][0], err.text);
        }
        made_remove(file.dir);
    }
}

static void nothing_to_read_is_an_error(void **state) {
    (void)state;
    struct pn_queue_report *report;
    struct pn_report_error err;
    struct file file = start();
    (void)fclose(file.f);
    assert_int_equal(pn_queue_report_read(file.dir, NULL, &report, &err), -1);
    assert_non_null(strstr(err.text, "holds no line"));
    made_remove(file.dir);
    assert_int_equal(pn_queue_report_read("/nonexistent", NULL, &report, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent/queues.jsonl: No such file"));
    file = start();
    put(&file, 0, "segq", 1, PAIRS1);
    (void)fclose(file.f);
    assert_int_equal(pn_queue_report_read(file.dir, "tbb_queue", &report, &err), -1);
    assert_non_null(strstr(err.text, "no queue 'tbb_queue' to refer to"));
    made_remove(file.dir);
}

/* A kill in the middle of the last line costs that line only. */
static void a_cut_last_line_is_dropped(void **state) {
    (void)state;
    struct file file = start();
    put(&file, 0, "segq", 1, PAIRS1);
    (void)fputs("{\"round\":1,\"queue\":\"se", file.f);
    struct pn_queue_report *report = finish(&file, NULL);
    assert_int_equal(report->lines, 1);
    assert_string_equal(report->notice, "queues.jsonl: line 2 was cut short and dropped");
    pn_queue_report_free(report);
}

/* Sentences go to terminals. */
static void control_characters_stay_in_the_file(void **state) {
    (void)state;
    struct file file = start();
    put(&file, 0, "segq", 1, PAIRS1);
    (void)fputs(
        "{\"queue\":\"tbb_queue\",\"status\":\"not measured\",\"reason\":\"\\u001b[31mred\\n\"}\n",
        file.f);
    struct pn_queue_report *report = finish(&file, NULL);
    assert_string_equal(report->queue[1].missing, "?[31mred?");
    pn_queue_report_free(report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ratios_are_paired_by_round),
        cmocka_unit_test(nine_rounds_leave_out_the_extremes),
        cmocka_unit_test(even_counts_take_the_geometric_middle),
        cmocka_unit_test(one_round_has_no_interval_and_says_so),
        cmocka_unit_test(failures_are_named),
        cmocka_unit_test(a_median_is_judged_with_its_whole_interval),
        cmocka_unit_test(a_low_end_decides_alone),
        cmocka_unit_test(scale_is_paired_too),
        cmocka_unit_test(spread_and_waits_go_by_the_worst),
        cmocka_unit_test(the_cpus_distance_is_told),
        cmocka_unit_test(memory_is_per_item),
        cmocka_unit_test(what_is_not_there_is_said),
        cmocka_unit_test(damage_is_named_with_its_line),
        cmocka_unit_test(nothing_to_read_is_an_error),
        cmocka_unit_test(a_cut_last_line_is_dropped),
        cmocka_unit_test(control_characters_stay_in_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
