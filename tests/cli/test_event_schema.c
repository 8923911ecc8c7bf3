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
#include <jansson.h>

enum { SETS = 30, LINE = 1 << 20 };

/* i: whole number; n: whole number or null; s: text; h: 16 hex digits. */
struct field {
    char type;
    const char *name;
};

static const struct field head[] = {
    {'s', "event"}, {'i', "schema"}, {'s', "runtime"}, {'i', "t_ns"}};
static const struct field job_done[] = {{'i', "producer"}, {'i', "i"},        {'i', "worker"},
                                        {'n', "lat_ns"},   {'i', "sleep_ns"}, {'i', "attempt"}};
static const struct field crash[] = {{'i', "worker"}, {'i', "producer"}, {'i', "i"}};
static const struct field restart[] = {{'i', "worker"}, {'i', "down_ns"}};
static const struct field waited[] = {{'i', "producer"}, {'i', "waited_ns"}};
static const struct field dropped[] = {{'i', "producer"}, {'i', "dropped"}};
static const struct field snapshot[] = {{'i', "done"},   {'n', "in_flight"}, {'n', "queued"},
                                        {'s', "reason"}, {'i', "rss_kb"},    {'i', "cpu_ns"}};
static const struct field summary[] = {{'i', "jobs"},
                                       {'i', "done"},
                                       {'i', "lost"},
                                       {'i', "collateral"},
                                       {'i', "dropped"},
                                       {'i', "restarts"},
                                       {'i', "queue_full"},
                                       {'h', "checksum"},
                                       {'i', "wall_ns"},
                                       {'i', "cpu_ns"},
                                       {'s', "producers_as"},
                                       {'s', "bound"},
                                       {'i', "queue_effective"},
                                       {'s', "queue_kind"},
                                       {'n', "detect_ns"},
                                       {'n', "restart_ns"},
                                       {'n', "recovery_ns"},
                                       {'n', "baseline_per_s"},
                                       {'n', "rss_recovered_kb"},
                                       {'i', "worker_min_jobs"},
                                       {'i', "worker_max_jobs"},
                                       {'n', "longest_gap_ns"},
                                       {'n', "p50_ns"},
                                       {'n', "p95_ns"},
                                       {'n', "p99_ns"},
                                       {'n', "p999_ns"},
                                       {'n', "max_ns"},
                                       {'i', "samples"},
                                       {'n', "sleep_mean_ns"},
                                       {'i', "rss_kb"},
                                       {'i', "hwm_kb"}};

#define FIELDS(list) list, sizeof(list) / sizeof(list)[0]

struct seen {
    json_int_t jobs_done, crashes, restarts, snapshots, fulls, summaries;
    json_t *summary;
};

static const char *set; /* what is run, for messages */

static void complain(const char *line, const char *why, const char *what) {
    fail_msg("%s\n  %.400s\n  %s '%s'", set, line, why, what);
}

static void check_field(const char *line, const json_t *event, const struct field *f) {
    const json_t *value = json_object_get(event, f->name);
    const char *text = json_string_value(value);
    bool whole = json_is_integer(value) && json_integer_value(value) >= 0;
    bool fits = f->type == 'i'   ? whole
                : f->type == 'n' ? whole || json_is_null(value)
                : f->type == 's'
                    ? text != NULL && text[0] != '\0'
                    : text != NULL && strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
    if (!fits) {
        complain(line, "missing or of another type:", f->name);
    }
}

/* `only`: nothing else may be there. */
static void check_fields(const char *line, json_t *event, const struct field *fields, size_t n,
                         bool only) {
    for (size_t i = 0; i < 4; i++) {
        check_field(line, event, &head[i]);
    }
    for (size_t i = 0; i < n; i++) {
        check_field(line, event, &fields[i]);
    }
    if (only && json_object_size(event) != n + 4) {
        complain(line, "a field that the schema does not have", "");
    }
}

static void check_line(const char *line, const char *design, struct seen *s) {
    json_error_t why;
    json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, &why);
    const char *kind = json_string_value(json_object_get(event, "event"));
    if (kind == NULL) {
        complain(line, "no event:", why.text);
        return;
    }
    if (s->summaries > 0) {
        complain(line, "stands behind the summary:", kind);
    }
    if (strcmp(kind, "job_done") == 0) {
        check_fields(line, event, FIELDS(job_done), true);
        s->jobs_done++;
    } else if (strcmp(kind, "worker_crash") == 0) {
        check_fields(line, event, FIELDS(crash), true);
        s->crashes++;
    } else if (strcmp(kind, "worker_restart") == 0) {
        check_fields(line, event, FIELDS(restart), true);
        s->restarts++;
    } else if (strcmp(kind, "queue_full") == 0) {
        bool drops = json_object_get(event, "dropped") != NULL;
        check_fields(line, event, drops ? dropped : waited, 2, true);
        s->fulls++;
    } else if (strcmp(kind, "snapshot") == 0) {
        check_fields(line, event, FIELDS(snapshot), true);
        s->snapshots++;
    } else if (strcmp(kind, "summary") == 0) {
        check_fields(line, event, FIELDS(summary), false);
        s->summaries++;
        s->summary = json_incref(event);
    } else {
        complain(line, "no such event:", kind);
    }
    if (json_integer_value(json_object_get(event, "schema")) != 1 ||
        strcmp(json_string_value(json_object_get(event, "runtime")), design) != 0) {
        complain(line, "another schema or runtime than", design);
    }
    json_decref(event);
}

static json_int_t figure(const struct seen *s, const char *name) {
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

static void run(const char *design, const char *params, struct seen *s) {
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
        check_line(line, design, s);
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

static void check_counts(const struct drawn *d, const struct seen *s) {
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
        struct seen s;
        draw_set(&x, &d);
        (void)fprintf(stderr, "  seed %u set %u\n", seed, i);
        run(i % 2 == 0 ? "shared" : "mailbox", d.text, &s);
        check_counts(&d, &s);
        json_decref(s.summary);
    }
}

static void test_a_snapshot_each_100_ms(void **state) {
    (void)state;
    struct seen s;
    run("shared", "jobs=3500 warm=0 rate=5000", &s);
    assert_in_range(s.snapshots, 4, 7);
    json_decref(s.summary);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_line_of_drawn_runs),
        cmocka_unit_test(test_a_snapshot_each_100_ms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
