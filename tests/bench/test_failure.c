/* SPDX-License-Identifier: MIT
 *
 * The injected failure in both designs, under a supervisor and in restart loops: who dies, what is
 * lost, that everybody has a successor, and that no job is counted twice or not at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "run_design.h"

static const char *const designs[] = {"shared", "mailbox"};
static const char *const supervisions[] = {"tree", "loop"};

struct state {
    struct bed bed;
    struct pn_outcome out;
};

static const struct kind {
    const char *name;
    bool everybody;
    uint64_t failed_starts, detect_least_ns, restart_least_ns;
} kinds[] = {
    {"one", false, 0, 0, 0},
    {"node", true, 0, 0, 0},
    {"all", true, 0, 0, 0},
    {"supervisor", true, 0, 0, 1000000},       /* the last one down waits, too */
    {"hang", false, 0, 100000000, 0},          /* the watchdog's patience */
    {"init", false, 6, 0, 1000000 * (127 - 1)} /* 1 + 2 + ... + 64 ms, less the wait for notice */
};

static void check(const struct state *s, const struct pn_params *p, const struct kind *kind,
                  const char *design, const char *text) {
    const struct pn_outcome *o = &s->out;
    uint64_t victims = kind->everybody ? p->workers : 1;
    if (o->done + o->lost != p->jobs || o->victims != victims || o->lost > victims ||
        o->restarts != victims + kind->failed_starts || o->failed || o->detect_ns == PN_NONE ||
        o->detect_ns < kind->detect_least_ns || o->restart_ns < kind->restart_least_ns ||
        o->dropped + o->collateral != 0) {
        print_error("%s %s\n  done %llu lost %llu victims %llu restarts %llu failed %d detect %llu "
                    "restart %llu: %s\n",
                    design, text, (unsigned long long)o->done, (unsigned long long)o->lost,
                    (unsigned long long)o->victims, (unsigned long long)o->restarts, o->failed,
                    (unsigned long long)o->detect_ns, (unsigned long long)o->restart_ns,
                    o->failure_reason == NULL ? "" : o->failure_reason);
        fail();
    }
    /* One that is struck in its job loses it. */
    assert_true(kind->everybody || o->lost == 1);
    assert_true((o->recovery_ns == PN_NONE) == (o->failure_reason != NULL));
}

static void run_kind(struct state *s, const char *load, const struct kind *kind,
                     const char *supervision) {
    for (size_t d = 0; d < 2; d++) {
        char text[512];
        struct pn_params p;
        (void)snprintf(text, sizeof text, "%s fail_at_ms=50 fail_kind=%s supervise=%s", load,
                       kind->name, supervision);
        (void)fprintf(stderr, "  %s %s\n", designs[d], text);
        set_params(&p, text);
        run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
        check(s, &p, kind, designs[d], text);
        pn_outcome_fini(&s->out);
    }
}

/* The round lasts long enough for the slowest kind: its end is due 300 ms after its start. */
static void every_kind_in_every_state(void **state) {
    static const char *const loads[] = {
        /* busy or waiting for jobs, a full queue, payloads to give back */
        "jobs=900 warm=50 rate=3000 workers=5 queue=3 payload=4096 producers_as=thread",
        /* mostly asleep, also in sleeps that outlast the kill's slices by far */
        "jobs=900 warm=50 rate=3000 workers=40 sleep_ppm=900000 slo=1 shi=9000",
        /* most workers have never had a job */
        "jobs=900 warm=0 rate=3000 workers=500 batch=8 producers=3",
    };
    for (size_t i = 0; i < sizeof loads / sizeof *loads; i++) {
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            bool tree = (i + k) % 2 == 0 || strcmp(kinds[k].name, "supervisor") == 0;
            run_kind(*state, loads[i], &kinds[k], supervisions[tree ? 0 : 1]);
        }
    }
}

/* Sleepers are killed in their sleep: with jobs that sleep for longer than the round lasts
 * otherwise, what `all` loses is what they had in hand. */
static void sleepers_lose_what_they_have(void **state) {
    struct state *s = *state;
    struct pn_params p;
    set_params(&p, "jobs=8 warm=0 workers=8 producers=2 sleep_ppm=1000000 slo=3000000 shi=3000000 "
                   "fail_at_ms=100 fail_kind=all");
    for (size_t d = 0; d < 2; d++) {
        run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
        assert_int_equal(s->out.lost, 8);
        assert_int_equal(s->out.done, 0);
        assert_int_equal(s->out.restarts, 8);
        assert_true(s->out.wall_ns < 2000000000u);
        pn_outcome_fini(&s->out);
    }
}

/* Nobody sends anything between the strike and the end half a second later. */
static void idle_workers_die_without_a_job(void **state) {
    struct state *s = *state;
    for (size_t k = 0; k < 2; k++) {
        struct pn_params p;
        set_params(&p, k == 0 ? "jobs=2 warm=0 rate=2 workers=8 producers=1 fail_at_ms=50 "
                                "fail_kind=all supervise=loop"
                              : "jobs=2 warm=0 rate=2 workers=8 producers=1 fail_at_ms=50 "
                                "fail_kind=supervisor");
        for (size_t d = 0; d < 2; d++) {
            run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
            assert_int_equal(s->out.done, 2);
            assert_int_equal(s->out.victims, 8);
            assert_int_equal(s->out.restarts, 8);
            assert_int_not_equal(s->out.restart_ns, PN_NONE);
            pn_outcome_fini(&s->out);
        }
    }
}

static void a_restart_loop_meets_the_intensity(void **state) {
    struct state *s = *state;
    struct pn_params p;
    for (size_t d = 0; d < 2; d++) {
        for (size_t v = 0; v < 2; v++) {
            char text[256];
            (void)snprintf(text, sizeof text,
                           "jobs=3000 warm=50 rate=3000 fail_at_ms=50 fail_kind=init supervise=%s "
                           "restarts_max=4 restarts_period_ms=60000",
                           supervisions[v]);
            set_params(&p, text);
            run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
            assert_true(s->out.failed);
            pn_outcome_fini(&s->out);
        }
    }
}

static void loops_count_restarts_like_a_tree(void **state) {
    struct state *s = *state;
    static const char *const sets[] = {
        "supervise=loop jobs=20000 warm=500 crash_ppm=20000 payload=64",
        "supervise=loop jobs=20000 warm=500 crash_ppm=20000 producers_as=thread queue=2 batch=8",
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct pn_params p;
        set_params(&p, sets[i]);
        struct reference r = reference_run(&p);
        for (size_t d = 0; d < 2; d++) {
            run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
            assert_int_equal(s->out.checksum, r.checksum);
            assert_int_equal(s->out.lost, r.lost);
            assert_int_equal(s->out.restarts, r.lost);
            pn_outcome_fini(&s->out);
            p.restarts_max = 5;
            run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
            assert_true(s->out.failed);
            pn_outcome_fini(&s->out);
            p.restarts_max = 10000000;
        }
    }
}

static void what_did_not_happen_is_not_claimed(void **state) {
    struct state *s = *state;
    struct pn_params p;
    set_params(&p, "jobs=2000 warm=50 fail_at_ms=60000 fail_kind=all");
    for (size_t d = 0; d < 2; d++) {
        run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
        assert_int_equal(s->out.done, 2000);
        assert_int_equal(s->out.detect_ns, PN_NONE);
        assert_int_equal(s->out.recovery_ns, PN_NONE);
        assert_int_equal(s->out.rss_recovered_kb, PN_NONE);
        assert_non_null(strstr(s->out.failure_reason, "before fail_at_ms"));
        pn_outcome_fini(&s->out);
    }
}

/* A worker hangs, and its design with it if it is the only one: throughput is out of the band for
 * at least the watchdog's patience, and then it is back. A wide band: this is no quiet machine. */
static void the_only_worker_hangs_and_throughput_comes_back(void **state) {
    struct state *s = *state;
    struct pn_params p;
    set_params(&p, "jobs=4000 warm=50 rate=2000 workers=1 fail_at_ms=400 fail_kind=hang "
                   "band_pct=60 band_windows=2 queue=1");
    for (size_t d = 0; d < 2; d++) {
        run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
        assert_in_range(s->out.baseline_per_s, 500, 8000);
        assert_null(s->out.failure_reason);
        assert_true(s->out.recovery_ns >= 100000000u && s->out.recovery_ns < s->out.wall_ns);
        /* The kernel's two books differ by what each CPU has not reported yet. */
        assert_in_range(s->out.rss_recovered_kb, 100, 2 * s->out.hwm_kb);
        pn_outcome_fini(&s->out);
    }
}

static void on_several_nodes_one_node_dies(void **state) {
    struct state *s = *state;
    struct bed own = s->bed;
    struct pn_params p;
    bed_make(&s->bed, "synthetic:numa:2 l3:1 core:2 pu:1");
    /* A multiple of any number of schedulers up to four: each core has as many workers. */
    set_params(&p, "jobs=900 warm=50 rate=3000 workers=12 fail_at_ms=50 fail_kind=node");
    unsigned n = s->bed.plan->n_schedulers, there = 0;
    for (unsigned i = 0; i < n; i++) {
        there += s->bed.plan->schedulers[i].node == s->bed.plan->schedulers[0].node;
    }
    assert_true(there < n && 12 % n == 0);
    for (size_t d = 0; d < 2; d++) {
        run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
        assert_int_equal(s->out.victims, 12 / n * there);
        assert_int_equal(s->out.restarts, 12 / n * there);
        assert_int_equal(s->out.done + s->out.lost, p.jobs);
        pn_outcome_fini(&s->out);
    }
    bed_unmake(&s->bed);
    s->bed = own;
}

static int setup(void **state) {
    static struct state s;
    bed_make(&s.bed, NULL);
    *state = &s;
    return 0;
}

static int teardown(void **state) {
    bed_unmake(&((struct state *)*state)->bed);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_in_every_state),
        cmocka_unit_test(sleepers_lose_what_they_have),
        cmocka_unit_test(idle_workers_die_without_a_job),
        cmocka_unit_test(a_restart_loop_meets_the_intensity),
        cmocka_unit_test(loops_count_restarts_like_a_tree),
        cmocka_unit_test(what_did_not_happen_is_not_claimed),
        cmocka_unit_test(the_only_worker_hangs_and_throughput_comes_back),
        cmocka_unit_test(on_several_nodes_one_node_dies),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
