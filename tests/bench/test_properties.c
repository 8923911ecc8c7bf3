/* SPDX-License-Identifier: MIT
 *
 * The ladder's switches: each is real, each does the same work, and none is taken silently.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "run_design.h"

struct state {
    struct bed bed;
    struct pn_outcome out;
};

static int set_up(void **state) {
    static struct state s;
    bed_make(&s.bed, NULL);
    *state = &s;
    return 0;
}

static int tear_down(void **state) {
    bed_unmake(&((struct state *)*state)->bed);
    return 0;
}

static void run(struct state *s, const char *design, const char *text) {
    struct pn_params p;
    set_params(&p, text);
    struct reference r = reference_run(&p);
    (void)fprintf(stderr, "  %s %s\n", design, text);
    run_with(&s->bed, design, &p, PN_IDLE_ADAPTIVE, &s->out);
    if (s->out.checksum != r.checksum || s->out.done != r.done || s->out.lost != r.lost) {
        fail_msg("%s: %llu done, %llu lost, checksum %016llx; expected %llu, %llu, %016llx", design,
                 (unsigned long long)s->out.done, (unsigned long long)s->out.lost,
                 (unsigned long long)s->out.checksum, (unsigned long long)r.done,
                 (unsigned long long)r.lost, (unsigned long long)r.checksum);
    }
}

static const char *const sets[] = {
    "jobs=3000 warm=300 workers=9 producers=5 queue=64 wlo=0 whi=9000 payload=4096 alloc=3000 "
    "sleep_ppm=20000 slo=50 shi=200 crash_ppm=5000",
    "jobs=3000 warm=0 workers=2 producers=3 queue=2 wlo=0 whi=50 batch=4 producers_as=thread",
};

/* Every design that the ladder measures, and every value beside. */
static void every_step_does_the_same_work(void **state) {
    struct state *s = *state;
    char design[64];
    unsigned n = 0;
    for (; pn_ladder_design(n, design, sizeof design); n++) {
        for (unsigned k = 0; k < 2; k++) {
            run(s, design, sets[k]);
            pn_outcome_fini(&s->out);
        }
    }
    assert_int_equal(n, 22); /* 2 bases, 9 steps from one, 11 from the other */
    static const char *const more[] = {"shared+route=random", "mailbox+route=least2",
                                       "shared+route=rr+mbox=locked+migrate=free",
                                       "mailbox+steal=off", "mailbox+like=beam+route=queue"};
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        run(s, more[i], sets[0]);
        pn_outcome_fini(&s->out);
    }
}

/* What shows that a property is on, and off without it. */
static void each_property_shows(void **state) {
    struct state *s = *state;
    static const char text[] = "jobs=4000 warm=0 workers=4 wlo=5000 whi=9000 alloc=3000";
    run(s, "shared", text);
    assert_int_equal(s->out.yields, 0);
    assert_int_equal(s->out.collections, 0);
    assert_int_equal(s->out.queue_locks, 0);
    assert_string_equal(s->out.payload_mode, "reference");
    assert_string_equal(s->out.bound, "queue");
    pn_outcome_fini(&s->out);
    run(s, "shared+reds=4000", text);
    assert_in_range(s->out.yields, 4000, 12000); /* one to three slices each */
    pn_outcome_fini(&s->out);
    run(s, "mailbox+reds=4000", text);
    assert_in_range(s->out.yields, 4000, 12000);
    pn_outcome_fini(&s->out);
    run(s, "shared+heap=actor", "jobs=4000 warm=4000 workers=4 wlo=50 whi=90 alloc=3000");
    /* 383 words a job: a heap of 609 words and a live set hold one. */
    assert_in_range(s->out.collections, 3000, 4000);
    pn_outcome_fini(&s->out);
    run(s, "mailbox+rq=mutex", text);
    assert_true(s->out.queue_locks > 0);
    pn_outcome_fini(&s->out);
    run(s, "shared+copy=frag", text);
    assert_string_equal(s->out.payload_mode, "copy");
    pn_outcome_fini(&s->out);
    run(s, "shared+credit=none", text);
    assert_string_equal(s->out.bound, "none");
    assert_true(s->out.queue_effective == PN_NONE);
    assert_int_equal(s->out.queue_full, 0);
    pn_outcome_fini(&s->out);
    run(s, "shared+route=rr", text);
    assert_int_equal(s->out.shards, 4); /* a mailbox per worker */
    pn_outcome_fini(&s->out);
    run(s, "mailbox+route=queue", text);
    assert_string_equal(s->out.queue_kind, "segq");
    pn_outcome_fini(&s->out);
}

/* Nobody steals where nobody may. */
static void stealing_can_be_off(void **state) {
    struct state *s = *state;
    uint64_t steals = 0;
    run(s, "mailbox+steal=off", "jobs=20000 warm=0 workers=8 wlo=0 whi=3000");
    for (unsigned i = 0; i < s->out.n_cores; i++) {
        steals += s->out.cores[i].steals;
    }
    pn_outcome_fini(&s->out);
    assert_int_equal(steals, 0);
}

static void mistakes_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"shared+copy=deep",
                                      "shared+copies=frag",
                                      "shared+mbox=locked",
                                      "shared+migrate=free",
                                      "shared+like=beam",
                                      "loop+copy=frag",
                                      "pony",
                                      "shared+copy",
                                      "mailbox+mbox=list+rq=",
                                      "shared+copy=none=x",
                                      "mailbox+route=queue+mbox=locked",
                                      "mailbox+copy=none+like=beam",
                                      "mailbox+like=beam+route=queue+migrate=free"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct pn_properties p;
        struct pn_error err = {""};
        char base[16];
        if (pn_properties_parse(bad[i], &p, base, &err) == 0 || err.text[0] == '\0') {
            fail_msg("'%s' is taken", bad[i]);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_does_the_same_work),
        cmocka_unit_test(each_property_shows),
        cmocka_unit_test(stealing_can_be_off),
        cmocka_unit_test(mistakes_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
