/* SPDX-License-Identifier: MIT */
#include "run_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EMPTIES_PER_ITEM = 1 };
static const uint64_t hung_ns = UINT64_C(60000000000);

struct run_room {
    uint32_t items_most;
    struct item *items;
    struct hist_log log[RUN_THREADS];
};

static size_t log_room(uint32_t items) {
    return (size_t)items * (2 + EMPTIES_PER_ITEM);
}

int run_room_create(struct run_room **out, uint32_t items_most) {
    struct run_room *room = calloc(1, sizeof *room);
    if (room == NULL) {
        return -ENOMEM;
    }
    room->items_most = items_most;
    room->items = calloc(items_most, sizeof *room->items);
    bool memory = room->items != NULL;
    for (unsigned t = 0; t < RUN_THREADS && memory; t++) {
        room->log[t].room = log_room(items_most);
        room->log[t].op = malloc(room->log[t].room * sizeof *room->log[t].op);
        memory = room->log[t].op != NULL;
    }
    if (!memory) {
        run_room_destroy(room);
        return -ENOMEM;
    }
    *out = room;
    return 0;
}

void run_room_destroy(struct run_room *room) {
    if (room == NULL) {
        return;
    }
    for (unsigned t = 0; t < RUN_THREADS; t++) {
        free(room->log[t].op);
    }
    free(room->items);
    free(room);
}

static void assign(struct run *r, struct run_room *room) {
    const struct run_plan *plan = r->plan;
    unsigned pushers = plan->n[ROLE_PUSH] + plan->n[ROLE_BOTH];
    uint64_t rng = plan->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    unsigned tempo = (unsigned)(run_draw(&rng) % 4);
    uint32_t given = 0;
    for (unsigned role = 0, t = 0; role < 3; role++) {
        for (unsigned i = 0; i < plan->n[role]; i++, t++) {
            struct worker *w = &r->worker[t];
            uint32_t share = role == ROLE_POP ? 0 : plan->items / pushers;
            *w = (struct worker){.run = r,
                                 .role = (enum role)role,
                                 .log = &room->log[t],
                                 .next = given,
                                 .end = given + share,
                                 .rng = run_draw(&rng) | 1};
            w->pace = (tempo == 1 && role == ROLE_PUSH) || (tempo == 2 && role == ROLE_POP) ? 7
                      : tempo == 3                                                          ? 1
                                                                                            : 0;
            w->log->n = 0;
            w->empties_left = (size_t)plan->items * EMPTIES_PER_ITEM;
            if (plan->closes && given == 0 && share > 0) {
                w->closes_at = 1 + run_draw(&rng) % share;
                if (run_draw(&rng) % 2 == 0) {
                    /* About where 1024 items are in: segq's segment ends there. */
                    w->closes_at =
                        (1024 + run_draw(&rng) % 64) / pushers / ((plan->several + 1) / 2);
                }
            }
            given += share;
        }
    }
    r->h = (struct history){
        .log = room->log, .n_logs = r->n_threads, .n_values = given, .drained = true};
}

void run_plan_print(const struct run_plan *plan, FILE *to) {
    (void)fprintf(to, "%-8s", plan->subject->name);
    char text[48];
    int n = 0;
    for (unsigned role = 0; role < 3; role++) {
        if (plan->n[role] > 0) {
            n += snprintf(text + n, sizeof text - (size_t)n, "%u%s", plan->n[role],
                          role == ROLE_PUSH  ? "P"
                          : role == ROLE_POP ? "C"
                                             : "X");
        }
    }
    (void)fprintf(to, "%-5s", text);
    if (plan->capacity != 0) {
        (void)fprintf(to, " capacity %-5" PRIu64, plan->capacity);
    } else {
        (void)fprintf(to, " unbounded     ");
    }
    (void)fprintf(to, " at once %-2u%s", plan->several, plan->closes ? " closed" : "       ");
}

/* A thread did not come back from a call: nothing more can be run. Say where each is, and end. */
static void tell_hang(struct run *r) {
    printf("NOT RIGHT: ");
    run_plan_print(r->plan, stdout);
    printf(" items %" PRIu32 " seed %" PRIu64 "\n  no call returned for %" PRIu64 " s\n",
           r->plan->items, r->plan->seed, hung_ns / 1000000000);
    static const char *const role[] = {"pushes", "pops", "does both"};
    for (unsigned t = 0; t < r->n_threads; t++) {
        const struct worker *w = &r->worker[t];
        uint64_t calls = atomic_load_explicit(&w->calls, memory_order_relaxed);
        printf("  thread %-2u %-9s %s call %" PRIu64 ", %" PRIu64 " items popped\n", t,
               role[w->role], calls % 2 == 1 ? "inside" : "after", calls / 2 + calls % 2,
               atomic_load_explicit(&w->popped, memory_order_relaxed));
    }
    (void)fflush(stdout);
    _exit(1);
}

static uint64_t all_calls(const struct run *r) {
    uint64_t sum = 0;
    for (unsigned t = 0; t < r->n_threads; t++) {
        sum += atomic_load_explicit(&r->worker[t].calls, memory_order_relaxed);
    }
    return sum;
}

static void join(struct run *r, unsigned t) {
    uint64_t calls = all_calls(r);
    uint64_t since = pn_now_ns();
    for (;;) {
        struct timespec until;
        (void)clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec++;
        if (pthread_timedjoin_np(r->worker[t].thread, NULL, &until) == 0) {
            return;
        }
        uint64_t now = all_calls(r);
        if (now != calls) {
            calls = now;
            since = pn_now_ns();
        } else if (pn_now_ns() - since > hung_ns) {
            tell_hang(r);
        }
    }
}

static int start_all(struct run *r) {
    for (unsigned t = 0; t < r->n_threads; t++) {
        int rc = pthread_create(&r->worker[t].thread, NULL, run_work, &r->worker[t]);
        if (rc != 0) {
            (void)fprintf(stderr, "thread %u of %u: %s\n", t, r->n_threads, strerror(rc));
            abort(); /* those that run wait for all */
        }
    }
    int error = 0;
    for (unsigned t = 0; t < r->n_threads; t++) {
        join(r, t);
        error = r->worker[t].error != 0 ? -r->worker[t].error : error;
    }
    return error;
}

static void tell(struct run *r, struct hist_verdict *verdict, uint64_t damaged, FILE *to) {
    (void)fprintf(to, "NOT RIGHT: ");
    run_plan_print(r->plan, to);
    (void)fprintf(to, " items %" PRIu32 " seed %" PRIu64 "\n", r->plan->items, r->plan->seed);
    if (damaged > 0) {
        (void)fprintf(to,
                      "  %" PRIu64 " items came out with other contents than they went in with\n",
                      damaged);
    }
    if (atomic_load(&r->give_up)) {
        (void)fprintf(to, "  it stood still: %" PRIu64 " of %" PRIu32 " items came out\n",
                      popped_by_all(r), r->h.n_values);
    }
    if (verdict->flaw == HIST_FINE) {
        return;
    }
    hist_print(&r->h, verdict, to);
    (void)fprintf(to, "  times: %s\n", stamp_source_text(r->stamps->source));
    struct history wider = r->h;
    struct hist_verdict again;
    wider.slack = r->stamps->uncertain;
    if (wider.slack != 0 && hist_check(&wider, r->plan->subject->weak_empty, &again) == 0) {
        (void)fprintf(to, "  with every operation %" PRIu64 " longer at both sides: %s\n",
                      wider.slack, hist_flaw_text(again.flaw));
    }
}

static int judge(struct run *r, struct run_counts *counts, enum hist_flaw *flaw, FILE *to) {
    struct hist_verdict verdict;
    int rc = hist_check(&r->h, r->plan->subject->weak_empty, &verdict);
    if (rc != 0) {
        return rc;
    }
    uint64_t damaged = 0;
    for (unsigned t = 0; t < r->n_threads; t++) {
        counts->operations += r->h.log[t].n;
        counts->calls += calls_of(&r->worker[t]);
        counts->full += r->worker[t].full;
        damaged += r->worker[t].damaged;
    }
    counts->empties += verdict.empties;
    counts->wrong_empties += verdict.wrong_empties;
    *flaw = verdict.flaw;
    bool bad = verdict.flaw != HIST_FINE || damaged > 0 || atomic_load(&r->give_up);
    if (bad && to != NULL) {
        tell(r, &verdict, damaged, to);
    }
    return bad;
}

int run_once(struct run_room *room, struct stamps *stamps, const struct run_plan *plan,
             struct run_counts *counts, enum hist_flaw *flaw, FILE *to) {
    unsigned n = plan->n[ROLE_PUSH] + plan->n[ROLE_POP] + plan->n[ROLE_BOTH];
    if (n > RUN_THREADS || plan->several > RUN_SEVERAL || plan->items > room->items_most ||
        plan->n[ROLE_PUSH] + plan->n[ROLE_BOTH] == 0) {
        return -EINVAL;
    }
    struct run *r = aligned_alloc(PN_LINE, sizeof *r);
    if (r == NULL) {
        return -ENOMEM;
    }
    memset((void *)r, 0, sizeof *r);
    r->plan = plan;
    r->stamps = stamps;
    r->items = room->items;
    r->n_threads = n;
    assign(r, room);
    uint64_t bound = 0;
    int rc = plan->subject->create(&r->queue, plan->capacity, n, &bound);
    if (rc == 0) {
        r->h.capacity = bound;
        rc = start_all(r);
        plan->subject->destroy(r->queue);
        rc = rc != 0 ? rc : judge(r, counts, flaw, to);
    }
    free(r);
    return rc;
}
