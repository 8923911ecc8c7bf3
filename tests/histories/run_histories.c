/* SPDX-License-Identifier: MIT
 *
 * usage: run_histories [--operations N] [--seed N] [--only QUEUE] [--clock counter|clock|shared]
 *
 * Recorded runs of every queue, each judged whole. Exit 0: at least N operations, all right. 1: a
 * flaw, told in one block. 2: the command line. 77: it could not be run.
 */
#include "run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ITEMS_MOST = 100000, ITEMS_PARTS = 8, ITEMS_CLOSED = 1500 };

/* share: of the operations. Less where every item costs a switch of threads on one CPU. */
static const struct {
    struct run_plan plan;
    unsigned share;
} cases[] = {
    {{.subject = &subject_segq, .n = {1, 1, 0}, .several = 1}, 8},
    {{.subject = &subject_segq, .n = {2, 2, 0}, .several = 1}, 10},
    {{.subject = &subject_segq, .n = {3, 1, 0}, .several = 1}, 4},
    {{.subject = &subject_segq, .n = {1, 3, 0}, .several = 1}, 4},
    {{.subject = &subject_segq, .n = {0, 0, 4}, .several = 1}, 8},
    {{.subject = &subject_segq, .n = {1, 1, 2}, .several = 1}, 4},
    {{.subject = &subject_segq, .n = {2, 2, 0}, .several = 8}, 6},
    {{.subject = &subject_segq, .n = {0, 0, 3}, .several = 48}, 6},
    {{.subject = &subject_segq, .n = {1, 1, 0}, .several = 32}, 6},
    {{.subject = &subject_segq, .n = {2, 2, 0}, .capacity = 1024, .several = 1}, 6},
    {{.subject = &subject_segq, .n = {4, 4, 0}, .capacity = 64, .several = 1}, 2},
    {{.subject = &subject_segq, .n = {1, 2, 0}, .capacity = 256, .several = 8}, 4},
    {{.subject = &subject_ring, .n = {1, 1, 0}, .capacity = 1024, .several = 1}, 4},
    {{.subject = &subject_ring, .n = {2, 2, 0}, .capacity = 1024, .several = 1}, 6},
    {{.subject = &subject_ring, .n = {0, 0, 4}, .capacity = 16, .several = 1}, 4},
    {{.subject = &subject_ring, .n = {2, 2, 0}, .capacity = 2, .several = 1}, 1},
    {{.subject = &subject_ring, .n = {2, 2, 0}, .capacity = 256, .several = 16}, 4},
    {{.subject = &subject_ring, .n = {1, 3, 0}, .capacity = 64, .several = 32}, 2},
    {{.subject = &subject_spsc, .n = {1, 1, 0}, .capacity = 1024, .several = 1}, 4},
    {{.subject = &subject_spsc, .n = {1, 1, 0}, .capacity = 64, .several = 16}, 3},
    {{.subject = &subject_spsc, .n = {1, 1, 0}, .capacity = 1, .several = 1}, 1},
    {{.subject = &subject_segq, .n = {2, 2, 0}, .several = 1, .closes = true}, 2},
    {{.subject = &subject_segq, .n = {1, 1, 2}, .several = 8, .closes = true}, 2},
    {{.subject = &subject_segq, .n = {3, 2, 0}, .capacity = 64, .several = 1, .closes = true}, 1},
    {{.subject = &subject_ring, .n = {2, 2, 0}, .capacity = 64, .several = 1, .closes = true}, 2},
    {{.subject = &subject_ring, .n = {1, 1, 2}, .capacity = 1024, .several = 8, .closes = true}, 1},
    {{.subject = &subject_spsc, .n = {1, 1, 0}, .capacity = 64, .several = 4, .closes = true}, 2},
    {{.subject = &subject_runq, .n = {0, 1, 1}, .capacity = 256, .several = 64}, 3},
    {{.subject = &subject_runq, .n = {0, 3, 1}, .capacity = 256, .several = 8}, 3},
    {{.subject = &subject_mailbox, .n = {1, 1, 0}, .capacity = 256, .several = 1}, 3},
    {{.subject = &subject_mailbox, .n = {3, 1, 0}, .capacity = 1024, .several = 32}, 3},
    {{.subject = &subject_mailbox, .n = {4, 1, 0}, .capacity = 4, .several = 4}, 1},
};

struct options {
    uint64_t operations, seed;
    const char *only;
    enum stamp_source clock;
};

static int usage(void) {
    (void)fprintf(stderr, "usage: run_histories [--operations N] [--seed N] [--only QUEUE] "
                          "[--clock counter|clock|shared]\n");
    return 2;
}

static bool parse_clock(const char *name, enum stamp_source *out) {
    static const char *const names[] = {"counter", "clock", "shared"};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(name, names[i]) == 0) {
            *out = (enum stamp_source)i;
            return true;
        }
    }
    return false;
}

static bool parse(int argc, char **argv, struct options *o) {
    for (int i = 1; i < argc; i += 2) {
        if (i + 1 == argc) {
            return false;
        }
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--operations") == 0) {
            o->operations = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--seed") == 0) {
            o->seed = strtoull(value, NULL, 10);
        } else if (strcmp(argv[i], "--only") == 0) {
            o->only = value;
        } else if (strcmp(argv[i], "--clock") != 0 || !parse_clock(value, &o->clock)) {
            return false;
        }
    }
    return o->operations > 0;
}

static int run_case(struct run_room *room, struct stamps *stamps, struct run_plan plan,
                    uint64_t operations, struct run_counts *total) {
    struct run_counts counts = {0};
    unsigned runs = 0;
    /* A run has one closing, so those are many and short. */
    uint64_t items = plan.closes ? ITEMS_CLOSED : operations / 2 / ITEMS_PARTS + 100;
    plan.items = items < ITEMS_MOST ? (uint32_t)items : ITEMS_MOST;
    while (counts.operations < operations) {
        enum hist_flaw flaw = HIST_FINE;
        int rc = run_once(room, stamps, &plan, &counts, &flaw, stdout);
        if (rc != 0) {
            return rc;
        }
        plan.seed++;
        runs++;
    }
    run_plan_print(&plan, stdout);
    printf(": %4u runs %9" PRIu64 " operations in %9" PRIu64 " calls; EMPTY %8" PRIu64 " (%" PRIu64
           " wrong), FULL %8" PRIu64 "\n",
           runs, counts.operations, counts.calls, counts.empties, counts.wrong_empties,
           counts.full);
    (void)fflush(stdout);
    total->operations += counts.operations;
    total->calls += counts.calls;
    total->empties += plan.subject->weak_empty ? 0 : counts.empties;
    total->wrong_empties += counts.wrong_empties;
    return 0;
}

static int run_all(const struct options *o, struct stamps *stamps, struct run_room *room) {
    uint64_t shares = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool chosen = o->only == NULL || strcmp(o->only, cases[i].plan.subject->name) == 0;
        shares += chosen ? cases[i].share : 0;
    }
    if (shares == 0) {
        return usage();
    }
    struct run_counts total = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct run_plan plan = cases[i].plan;
        if (o->only != NULL && strcmp(o->only, plan.subject->name) != 0) {
            continue;
        }
        plan.seed = o->seed * 1000003 + i * 10007;
        int rc = run_case(room, stamps, plan, o->operations * cases[i].share / shares + 1, &total);
        if (rc < 0) {
            printf("skipped: %s\n", strerror(-rc));
            return 77;
        }
        if (rc > 0) {
            return 1;
        }
    }
    printf("linearizable: %" PRIu64 " operations in %" PRIu64 " calls, %" PRIu64
           " EMPTY among them; of the ring's weak EMPTYs %" PRIu64 " were not linearizable\n",
           total.operations, total.calls, total.empties, total.wrong_empties);
    return 0;
}

int main(int argc, char **argv) {
    struct options o = {.operations = 1000000, .seed = 1, .clock = STAMP_COUNTER};
    if (!parse(argc, argv, &o)) {
        return usage();
    }
    struct stamps *stamps = aligned_alloc(128, sizeof *stamps);
    struct run_room *room = NULL;
    if (stamps == NULL || run_room_create(&room, ITEMS_MOST) != 0) {
        printf("skipped: no memory for the recordings\n");
        free(stamps);
        return 77;
    }
    stamps_choose(stamps, o.clock);
    printf("seed %" PRIu64 "; times by the %s, no step back seen, CPUs agree to %" PRIu64 "\n",
           o.seed, stamp_source_text(stamps->source), stamps->uncertain);
    int rc = run_all(&o, stamps, room);
    run_room_destroy(room);
    free(stamps);
    return rc;
}
