/* SPDX-License-Identifier: MIT
 *
 * Both designs do the same jobs: the schema's check values, drawn parameter sets against a plain
 * loop, and the corners where something can be lost or wait for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "run_design.h"

/* ThreadSanitizer makes each set eight times as long. */
#if defined(__SANITIZE_THREAD__)
enum { SETS = 8 };
#else
enum { SETS = 25 };
#endif

static const char *const designs[] = {"shared", "mailbox"};

struct state {
    struct bed bed;
    struct pn_outcome out;
};

/* What drop=0 promises, for one design. */
static void check_against(const struct state *s, const char *design, const char *text,
                          const struct pn_params *p, const struct reference *r) {
    const struct pn_outcome *o = &s->out;
    /* In the job loop nobody restarts. */
    uint64_t restarts = strcmp(design, "loop") == 0 ? PN_NONE : r->lost;
    if (o->checksum != r->checksum || o->done != r->done || o->lost != r->lost || o->dropped != 0 ||
        o->collateral != 0 || o->restarts != restarts || o->failed) {
        print_error("%s %s\n  done %llu lost %llu dropped %llu checksum %016llx failed %d\n  "
                    "expected %llu %llu 0 %016llx\n",
                    design, text, (unsigned long long)o->done, (unsigned long long)o->lost,
                    (unsigned long long)o->dropped, (unsigned long long)o->checksum, o->failed,
                    (unsigned long long)r->done, (unsigned long long)r->lost,
                    (unsigned long long)r->checksum);
        fail();
    }
    assert_int_equal(o->jobs, p->jobs);
    assert_true(o->wall_ns > 0 && o->cpu_ns > 0);
}

static void compare_idle(struct state *s, const char *text, enum pn_idle idle) {
    struct pn_params p;
    set_params(&p, text);
    struct reference r = reference_run(&p);
    for (size_t d = 0; d < 2; d++) {
        (void)fprintf(stderr, "  %s %s\n", designs[d], text);
        run_with(&s->bed, designs[d], &p, idle, &s->out);
        check_against(s, designs[d], text, &p, &r);
        pn_outcome_fini(&s->out);
    }
}

static void compare(struct state *s, const char *text) {
    compare_idle(s, text, PN_IDLE_ADAPTIVE);
}

static void check_values(void **state) {
    struct state *s = *state;
    static const struct {
        const char *text;
        uint64_t checksum, lost;
    } fixed[] = {
        {"jobs=20000", 0x000027050ac42ebd, 0},
        {"jobs=20000 seed=7 producers=16 workers=100 queue=1024 wlo=0 whi=500 payload=4096 "
         "sleep_ppm=50000 slo=500 shi=2500 crash_ppm=5000",
         0x000026d0be2550a1, 95},
    };
    for (size_t i = 0; i < 2; i++) {
        struct pn_params p;
        set_params(&p, fixed[i].text);
        struct reference r = reference_run(&p);
        assert_int_equal(r.checksum, fixed[i].checksum);
        assert_int_equal(r.lost, fixed[i].lost);
        compare(s, fixed[i].text);
    }
}

static uint32_t draw(uint32_t *x, uint32_t lo, uint32_t hi) {
    *x = *x * 0x2545F49u + 0x9E3779B9u;
    return lo + pn_mix(*x) % (hi - lo + 1);
}

static uint32_t one_of(uint32_t *x, const uint32_t *list, uint32_t n) {
    return list[draw(x, 0, n - 1)];
}

#define ONE_OF(x, ...)                                                                             \
    one_of(x, (const uint32_t[]){__VA_ARGS__},                                                     \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Every parameter that both designs have. \return the set with drop=0 */
static void draw_set(uint32_t *x, char *text, size_t cap) {
    static const char *const as[] = {"task", "thread"};
    static const char *const mem[] = {"local", "malloc", "interleave"};
    uint32_t lo = draw(x, 0, 50);
    uint32_t rate = ONE_OF(x, 0, 0, 0, 0, 50000, 1000000);
    int used = snprintf(
        text, cap,
        "jobs=%u warm=%u seed=%u producers=%u workers=%u queue=%u wlo=%u whi=%u payload=%u "
        "sleep_ppm=%u slo=%u shi=%u crash_ppm=%u batch=%u alloc=%u producers_as=%s mem=%s "
        "greedy_ppm=%u greedy_units=2000",
        draw(x, 1, 3000), ONE_OF(x, 0, 0, 1, 500), draw(x, 0, UINT32_MAX - 1),
        ONE_OF(x, 1, 2, 3, 4, 7, 16, 40), ONE_OF(x, 1, 1, 2, 3, 4, 9, 100, 1000),
        ONE_OF(x, 1, 1, 2, 3, 8, 64, 1024), lo, lo + draw(x, 0, 400),
        ONE_OF(x, 0, 0, 4, 64, 512, 4096, 16384), ONE_OF(x, 0, 0, 2000, 20000), ONE_OF(x, 0, 100),
        ONE_OF(x, 100, 600), ONE_OF(x, 0, 0, 1000, 50000, 500000), ONE_OF(x, 1, 1, 1, 2, 8, 32),
        ONE_OF(x, 0, 0, 16, 3000, 200000), as[draw(x, 0, 1)], mem[draw(x, 0, 2)],
        ONE_OF(x, 0, 0, 10000));
    (void)snprintf(text + used, cap - (size_t)used,
                   " block_ppm=%u block_us=%u supervise=%s rate=%u arrival=%s "
                   "restarts_max=3000 restarts_period_ms=%u",
                   ONE_OF(x, 0, 0, 5000), ONE_OF(x, 0, 50), draw(x, 0, 1) ? "loop" : "tree", rate,
                   rate > 0 && draw(x, 0, 1) ? "poisson" : "fixed", ONE_OF(x, 1, 1000));
}

static bool conserved(const struct pn_outcome *o, const char *design, const char *text) {
    bool is = o->done + o->lost + o->dropped + o->collateral == o->jobs;
    if (!is) {
        print_error("%s %s: %llu done, %llu lost, %llu dropped\n", design, text,
                    (unsigned long long)o->done, (unsigned long long)o->lost,
                    (unsigned long long)o->dropped);
    }
    return is;
}

/* The same set where counts may differ, but not get lost: dropping, or with a failure. */
static void check_conservation(struct state *s, const char *text, uint32_t *x) {
    static const char *const kinds[] = {"one", "node", "all", "init", "hang"};
    char more[640];
    if (draw(x, 0, 1) == 0) {
        (void)snprintf(more, sizeof more, "%s drop=1", text);
    } else {
        (void)snprintf(more, sizeof more, "%s fail_at_ms=%u fail_kind=%s", text, draw(x, 1, 6),
                       kinds[draw(x, 0, 4)]);
    }
    struct pn_params p;
    set_params(&p, more);
    struct reference r = reference_run(&p);
    for (size_t d = 0; d < 2; d++) {
        (void)fprintf(stderr, "  %s %s\n", designs[d], more);
        run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
        assert_true(conserved(&s->out, designs[d], more));
        uint64_t victims = p.fail_at_ms == 0 ? 0 : s->out.victims;
        assert_true(s->out.lost <= r.lost + victims && !s->out.failed);
        assert_true(p.drop == 1 || s->out.lost >= r.lost);
        pn_outcome_fini(&s->out);
    }
}

/* PINION_LONG=1 draws 200 sets, PINION_SEED=n others. */
static void drawn_sets_agree_with_a_plain_loop(void **state) {
    struct state *s = *state;
    const char *seed_text = getenv("PINION_SEED");
    uint32_t seed = seed_text == NULL ? 20260101 : (uint32_t)strtoul(seed_text, NULL, 10);
    unsigned n = getenv("PINION_LONG") != NULL ? 200 : SETS;
    uint32_t x = seed;
    for (unsigned i = 0; i < n; i++) {
        char text[600];
        draw_set(&x, text, sizeof text);
        (void)fprintf(stderr, "  seed %u set %u\n", seed, i);
        compare_idle(s, text, i % 6 == 5 ? PN_IDLE_SPIN : PN_IDLE_ADAPTIVE);
        check_conservation(s, text, &x);
    }
}

static void corners(void **state) {
    struct state *s = *state;
    static const char *const sets[] = {
        "jobs=3000 warm=0 queue=1",
        "jobs=3000 warm=0 queue=1 producers_as=thread",
        "jobs=3000 warm=100 queue=1 batch=8",
        "jobs=3000 warm=100 queue=1 batch=32 producers_as=thread producers=9",
        "jobs=3000 warm=100 workers=1",
        "jobs=3000 warm=100 workers=1 producers_as=thread queue=2",
        "jobs=3000 warm=100 workers=1 sleep_ppm=5000 slo=100 shi=100 queue=1",
        "jobs=20000 warm=100 workers=10000 queue=20000",
        "jobs=20000 warm=100 workers=10000 queue=64 sleep_ppm=500000 slo=1000 shi=3000",
        "jobs=3000 warm=100 producers=64 workers=2",
        "jobs=3000 warm=100 producers=64 workers=2 producers_as=thread queue=16",
        "jobs=3000 warm=100 producers=200 workers=3 producers_as=thread batch=8",
        "jobs=5 warm=3 producers=16 workers=4",
        "jobs=1 warm=1 producers=1 workers=1 queue=1",
        "jobs=500 warm=10 block_ppm=20000 block_us=100",
        "jobs=2000 warm=10 crash_ppm=1000000",
        "jobs=2000 warm=10 sleep_ppm=1000000 slo=0 shi=0",
        "jobs=2000 warm=10 sleep_ppm=1000000 slo=100 shi=200 workers=50",
        "jobs=4000 warm=10 rate=40000",
        "jobs=4000 warm=10 rate=40000 producers_as=thread",
        "jobs=4000 warm=10 rate=40000 arrival=poisson batch=8",
        "jobs=4000 warm=10 rate=40000 arrival=poisson producers_as=thread producers=9",
        "jobs=4000 warm=10 rate=1000000000",
        "jobs=3000 warm=10 producers=3 producers_as=thread",
        /* A batch needs every credit there is, a core without a worker keeps one. */
        "jobs=1996 warm=0 seed=631292132 producers=40 workers=1 queue=1 wlo=17 whi=394 "
        "sleep_ppm=2000 slo=0 shi=100 crash_ppm=50000 batch=32 mem=malloc",
        "jobs=1996 warm=1996 seed=631292132 producers=40 workers=1 queue=40 wlo=17 whi=394 "
        "crash_ppm=50000 batch=32",
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        compare(s, sets[i]);
    }
}

static void spinning_schedulers_do_the_same(void **state) {
    struct state *s = *state;
    static const char *const sets[] = {
        "jobs=1000 warm=100",
        "jobs=1000 warm=100 producers_as=thread queue=4",
        "jobs=1000 warm=100 sleep_ppm=10000 slo=100 shi=300 workers=1",
        "jobs=1000 warm=100 rate=50000",
        "jobs=1000 warm=100 queue=1 batch=8 producers_as=thread crash_ppm=10000",
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        compare_idle(s, sets[i], PN_IDLE_SPIN);
    }
}

static void dropping_loses_no_count(void **state) {
    struct state *s = *state;
    static const char *const sets[] = {
        "drop=1 jobs=20000 warm=500 queue=1",
        "drop=1 jobs=20000 warm=500 queue=4 producers_as=thread",
        "drop=1 jobs=20000 warm=500 queue=1 batch=8 crash_ppm=10000",
        "drop=1 jobs=20000 warm=500 queue=16 workers=1 sleep_ppm=1000 slo=100 shi=100",
        "drop=1 jobs=20000 warm=500 queue=8 batch=8 producers_as=thread payload=4096 mem=malloc",
        "drop=1 jobs=4000 warm=10 queue=2 rate=100000",
        "drop=1 jobs=4000 warm=10 queue=2 rate=100000 producers_as=thread arrival=poisson",
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct pn_params p;
        set_params(&p, sets[i]);
        for (size_t d = 0; d < 2; d++) {
            const struct pn_outcome *o = &s->out;
            (void)fprintf(stderr, "  %s %s\n", designs[d], sets[i]);
            run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
            assert_true(conserved(o, designs[d], sets[i]));
            assert_true(o->dropped <= p.jobs && (o->dropped == 0 || o->queue_full > 0));
            pn_outcome_fini(&s->out);
        }
    }
}

/* Chains: the next message goes out when the one before has ended, done or lost. */
static void chains_of_messages(void **state) {
    struct state *s = *state;
    static const char *const sets[] = {
        "pattern=pingpong jobs=9001 warm=500 producers=2 workers=4 units=20",
        "pattern=pingpong jobs=3000 warm=0 producers=7 workers=14 queue=3 crash_ppm=20000 "
        "payload=512 sleep_ppm=5000 slo=50 shi=100",
        "pattern=big jobs=9001 warm=500 producers=8 workers=9 queue=8 units=20",
        "pattern=big jobs=3000 warm=10 producers=40 workers=40 queue=1 crash_ppm=20000 wlo=0 "
        "whi=200",
        "pattern=big jobs=5 warm=0 producers=9 workers=9",
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        compare(s, sets[i]);
    }
}

/* The shared pair counts what the tallies count; a bound in bytes is a bound. */
static void a_shared_collector_misses_nothing(void **state) {
    struct state *s = *state;
    struct pn_params p;
    set_params(&p, "jobs=20000 warm=2000 workers=9 payload=4096 queue_bytes=40000 "
                   "collector=shared crash_ppm=2000 sleep_ppm=1000 slo=50 shi=100");
    struct reference r = reference_run(&p);
    for (size_t d = 0; d < 2; d++) {
        run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
        check_against(s, designs[d], "collector=shared", &p, &r);
        assert_int_equal(s->out.collected, r.done);
        assert_in_range(s->out.queue_effective, 1, 9);
        pn_outcome_fini(&s->out);
    }
}

static void too_many_restarts_end_the_run(void **state) {
    struct state *s = *state;
    static const char *const sets[] = {
        "jobs=20000 warm=0 crash_ppm=100000 restarts_max=10 restarts_period_ms=60000",
        "jobs=20000 warm=5000 crash_ppm=100000 restarts_max=10 restarts_period_ms=60000",
        "jobs=20000 warm=0 crash_ppm=100000 restarts_max=0 queue=1 producers_as=thread",
        "jobs=20000 warm=9000 crash_ppm=100000 restarts_max=100 queue=8 producers=9 "
        "producers_as=thread restarts_period_ms=60000",
        "jobs=20000 warm=0 crash_ppm=100000 restarts_max=5 workers=1 queue=1 batch=8 "
        "payload=64 restarts_period_ms=60000",
        "jobs=20000 warm=0 crash_ppm=100000 restarts_max=5 sleep_ppm=100000 slo=500 shi=900 "
        "restarts_period_ms=60000 drop=1",
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct pn_params p;
        set_params(&p, sets[i]);
        for (size_t d = 0; d < 2; d++) {
            (void)fprintf(stderr, "  %s %s\n", designs[d], sets[i]);
            run_with(&s->bed, designs[d], &p, i % 2 == 0 ? PN_IDLE_ADAPTIVE : PN_IDLE_SPIN,
                     &s->out);
            assert_true(s->out.failed);
            assert_true(s->out.done + s->out.lost + s->out.dropped <= p.jobs);
            pn_outcome_fini(&s->out);
        }
    }
}

static bool at_once(void) {
    return true;
}

static void an_interrupted_run_ends(void **state) {
    struct state *s = *state;
    static const char *const sets[] = {
        "jobs=100000000 warm=0",
        "jobs=100000000 warm=100000000 producers_as=thread queue=1",
        "jobs=100000000 warm=100000000 rate=100 producers_as=thread",
        "jobs=1000 warm=0 rate=1",
    };
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        struct pn_params p;
        struct pn_error err = {""};
        set_params(&p, sets[i]);
        for (size_t d = 0; d < 2; d++) {
            struct pn_run_options options = {.design = designs[d],
                                             .params = &p,
                                             .topology = s->bed.topo,
                                             .plan = s->bed.plan,
                                             .interrupted = at_once,
                                             .summary_to = stdout};
            (void)fprintf(stderr, "  %s %s\n", designs[d], sets[i]);
            (void)alarm(20);
            assert_int_equal(pn_run(&options, &s->out, &err), 0);
            (void)alarm(0);
            assert_true(s->out.interrupted);
            pn_outcome_fini(&s->out);
        }
    }
}

/* More schedulers than CPUs, and fewer workers than schedulers: who is woken must be able to work.
 */
static void floating_schedulers_of_another_machine(void **state) {
    struct state *s = *state;
    static const char *const machines[] = {"synthetic:pack:1 core:6 pu:1",
                                           "synthetic:numa:2 l3:2 core:2 pu:1"};
    static const char *const sets[] = {
        "jobs=2000 warm=100 workers=1",
        "jobs=2000 warm=100 workers=2 producers_as=thread queue=4",
        "jobs=2000 warm=100 workers=1 rate=4000 producers=3",
        "jobs=2000 warm=100 workers=12 queue=3 batch=4 sleep_ppm=20000 slo=100 shi=200",
    };
    struct bed own = s->bed;
    struct pn_params p;
    for (size_t m = 0; m < 2; m++) {
        bed_make(&s->bed, machines[m]);
        for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
            compare(s, sets[i]);
        }
        set_params(&p, "jobs=20000 warm=0 crash_ppm=100000 restarts_max=0 queue=1 "
                       "producers_as=thread");
        for (size_t d = 0; d < 2; d++) {
            run_with(&s->bed, designs[d], &p, PN_IDLE_ADAPTIVE, &s->out);
            assert_true(s->out.failed && !s->out.pinned && s->out.n_degraded > 0);
            pn_outcome_fini(&s->out);
        }
        bed_unmake(&s->bed);
    }
    s->bed = own;
}

static void the_ceiling_does_the_same_jobs(void **state) {
    struct state *s = *state;
    struct pn_params p;
    set_params(&p, "jobs=20001 warm=100 producers=7 wlo=0 whi=300 payload=8192 crash_ppm=3000");
    struct reference r = reference_run(&p);
    run_with(&s->bed, "loop", &p, PN_IDLE_ADAPTIVE, &s->out);
    check_against(s, "loop", "", &p, &r);
    pn_outcome_fini(&s->out);
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
        cmocka_unit_test(check_values),
        cmocka_unit_test(drawn_sets_agree_with_a_plain_loop),
        cmocka_unit_test(corners),
        cmocka_unit_test(spinning_schedulers_do_the_same),
        cmocka_unit_test(dropping_loses_no_count),
        cmocka_unit_test(chains_of_messages),
        cmocka_unit_test(a_shared_collector_misses_nothing),
        cmocka_unit_test(too_many_restarts_end_the_run),
        cmocka_unit_test(an_interrupted_run_ends),
        cmocka_unit_test(floating_schedulers_of_another_machine),
        cmocka_unit_test(the_ceiling_does_the_same_jobs),
    };
    const char *only = getenv("PINION_ONLY");
    if (only != NULL) {
        cmocka_set_test_filter(only);
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
