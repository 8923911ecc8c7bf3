/* SPDX-License-Identifier: MIT
 *
 * Every line of `pinion run --json`, over drawn parameter sets, against the schema: which events,
 * with which fields of which type, how many of each, and the summary last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>
#include <pinion/event_schema.h>

enum { SETS = 30, LINE = 1 << 20 };

static const char *set; /* what is run, for messages */

static void complain(const char *line, const char *why, const char *what) {
    fail_msg("%s\n  %.400s\n  %s '%s'", set, line, why, what);
}

static json_int_t figure(const struct pn_events_seen *s, const char *name) {
    return json_integer_value(json_object_get(s->summary, name));
}

static json_int_t least(json_int_t a, json_int_t b) {
    return a < b ? a : b;
}

/* Every floor(jobs / 20000)-th job of each producer, its first included. */
static json_int_t sampled(json_int_t jobs, json_int_t producers) {
    json_int_t every = jobs / 20000 > 0 ? jobs / 20000 : 1, n = 0;
    for (json_int_t p = 0; p < producers; p++) {
        n += (jobs / producers + (p < jobs % producers) + every - 1) / every;
    }
    return n;
}

static void run(const char *design, const char *params, struct pn_events_seen *s) {
    char command[1024];
    static char line[LINE];
    static char said[600];
    (void)snprintf(said, sizeof said, "run --design %s %s", design, params);
    set = said;
    (void)snprintf(command, sizeof command, "timeout 40 '%s/pinion' %s --json",
                   getenv("PINION_TEST_BUILD"), said);
    memset(s, 0, sizeof *s);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        size_t len = strlen(line);
        if (line[len - 1] != '\n') {
            complain(line, "no whole line", "");
        }
        line[len - 1] = '\0';
        char why[200];
        if (pn_event_check(line, design, s, why, sizeof why) != 0) {
            complain(line, why, "");
        }
    }
    int status = pclose(f);
    if (status != 0 || s->summaries != 1) {
        fail_msg("%s: status %d, %lld summaries", said, status, (long long)s->summaries);
    }
}

static uint32_t draw(uint32_t *x, uint32_t n) {
    *x = *x * 1664525u + 1013904223u;
    return (uint32_t)(((uint64_t)*x * n) >> 32);
}

#define PICK(x, ...)                                                                               \
    ((const uint32_t[]){__VA_ARGS__}[draw(x, sizeof((const uint32_t[]){__VA_ARGS__}) / 4)])

struct drawn {
    char text[512];
    uint32_t jobs, producers, drop, log, fail;
};

static void draw_set(uint32_t *x, struct drawn *d) {
    static const char *const kinds[] = {"one", "node", "all", "init", "hang"};
    *d = (struct drawn){.jobs = PICK(x, 1, 700, 3000, 19999, 20000, 39999),
                        .producers = PICK(x, 1, 3, 4, 40),
                        .drop = PICK(x, 0, 0, 1),
                        .log = PICK(x, 0, 0, 1),
                        .fail = PICK(x, 0, 0, 5)};
    (void)snprintf(d->text, sizeof d->text,
                   "jobs=%u producers=%u drop=%u log=%u fail_at_ms=%u fail_kind=%s supervise=%s "
                   "warm=%u seed=%u workers=%u queue=%u payload=%u sleep_ppm=%u slo=0 shi=400 "
                   "crash_ppm=%u batch=%u alloc=%u block_ppm=%u block_us=50 greedy_ppm=%u "
                   "greedy_units=3000 producers_as=%s rate=%u mem=%s",
                   d->jobs, d->producers, d->drop, d->log, d->fail,
                   d->fail == 0 ? "one" : kinds[draw(x, 5)], PICK(x, 0, 1) ? "loop" : "tree",
                   PICK(x, 0, 100), draw(x, 1000), PICK(x, 1, 4, 50), PICK(x, 1, 30, 1024),
                   PICK(x, 0, 4, 4096), PICK(x, 0, 2000), PICK(x, 0, 1000, 200000),
                   PICK(x, 1, 1, 8), PICK(x, 0, 4000), PICK(x, 0, 500), PICK(x, 0, 1000),
                   PICK(x, 0, 1) ? "task" : "thread", PICK(x, 0, 0, 60000),
                   PICK(x, 0, 1) ? "local" : "malloc");
}

static void check_counts(const struct drawn *d, const struct pn_events_seen *s) {
    json_int_t done = figure(s, "done"), lost = figure(s, "lost"), restarts = figure(s, "restarts");
    assert_int_equal(figure(s, "jobs"), d->jobs);
    assert_int_equal(done + lost + figure(s, "dropped") + figure(s, "collateral"), d->jobs);
    assert_int_equal(s->crashes, least(lost, 1000));
    assert_int_equal(s->restarts, least(restarts, 1000));
    assert_true(d->fail > 0 ? restarts >= lost : restarts == lost);
    assert_true(figure(s, "queue_full") == 0 || s->fulls <= figure(s, "queue_full"));
    if (d->log) {
        assert_int_equal(s->jobs_done, done);
    } else {
        assert_int_equal(s->jobs_done, figure(s, "samples"));
    }
    if (lost == 0 && figure(s, "dropped") == 0) {
        assert_int_equal(figure(s, "samples"), sampled(d->jobs, d->producers));
    }
}

/* PINION_SEED=n for other sets, PINION_LONG=1 for ten times as many. */
static void test_every_line_of_drawn_runs(void **state) {
    (void)state;
    const char *text = getenv("PINION_SEED");
    uint32_t seed = text == NULL ? 20260202 : (uint32_t)strtoul(text, NULL, 10);
    unsigned n = getenv("PINION_LONG") != NULL ? 10 * SETS : SETS;
    uint32_t x = seed;
    for (unsigned i = 0; i < n; i++) {
        struct drawn d;
        struct pn_events_seen s;
        draw_set(&x, &d);
        (void)fprintf(stderr, "  seed %u set %u\n", seed, i);
        run(i % 2 == 0 ? "shared" : "mailbox", d.text, &s);
        check_counts(&d, &s);
        pn_events_seen_fini(&s);
    }
}

static void test_a_snapshot_each_100_ms(void **state) {
    (void)state;
    struct pn_events_seen s;
    run("shared", "jobs=3500 warm=0 rate=5000", &s);
    assert_in_range(s.snapshots, 4, 7);
    pn_events_seen_fini(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_of_drawn_runs),
        cmocka_unit_test(test_a_snapshot_each_100_ms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
