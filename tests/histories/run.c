/* SPDX-License-Identifier: MIT */
#include "run.h"

#include "runtime/atomic.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { EMPTIES_PER_ITEM = 1, IDLE_BEFORE_YIELD = 16 };
static const uint64_t stuck_ns_default = UINT64_C(20000000000);

struct worker {
    struct run *run;
    enum role role;
    struct hist_log *log;
    uint32_t next, end; /* values of its own to push */
    uint64_t rng, last; /* last stamp */
    unsigned pace;      /* bits of a random number that must be 0 for no pause; 0 = never */
    unsigned idle;      /* operations without success in a row */
    size_t empties_left;
    uint64_t closes_at; /* close after so many calls; 0 = not this one */
    bool over;          /* a pop was told that nothing will come */
    uint64_t full, calls, damaged;
    int error;
    pthread_t thread;
    _Alignas(PN_LINE) _Atomic uint64_t popped; /* own line: read by those who found EMPTY */
};

struct run {
    const struct run_plan *plan;
    struct stamps *stamps;
    void *queue;
    struct item *items;
    struct history h;
    unsigned n_threads;
    struct worker worker[RUN_THREADS];
    _Alignas(PN_LINE) atomic_uint arrived;
    _Alignas(PN_LINE) _Atomic bool give_up;
};

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

static uint64_t draw(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x >> 8;
}

static uint64_t word_of(const struct run *r, uint32_t value) {
    return (value + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ r->plan->seed;
}

/* A run is slow at one end or the other or nowhere, so that the queue is empty, full or between. */
static void pause_between(struct worker *w) {
    uint64_t r = draw(&w->rng);
    if ((r & 1023u) == 0) {
        (void)sched_yield();
    } else if (w->pace != 0 && (r >> 10 & w->pace) != 0) {
        for (uint64_t i = 0; i < (r >> 32 & 63u); i++) {
            pn_relax();
        }
    }
}

static size_t how_many(struct worker *w) {
    unsigned several = w->run->plan->several;
    return several <= 1 ? 1 : 1 + draw(&w->rng) % several;
}

static void had_success(struct worker *w, bool success) {
    w->idle = success ? 0 : w->idle + 1;
    if (w->idle >= IDLE_BEFORE_YIELD) {
        w->idle = 0;
        (void)sched_yield();
    }
}

static void note(struct worker *w, enum hist_kind kind, uint64_t inv, const uint32_t *values,
                 size_t n) {
    for (size_t i = 0; i < n; i++) {
        hist_note(w->log, (struct hist_op){.inv = inv,
                                           .res = w->last,
                                           .value = values[i],
                                           .kind = (uint8_t)kind,
                                           .joined = i > 0});
    }
}

static void push_some(struct worker *w, void *port) {
    struct run *r = w->run;
    void *items[RUN_SEVERAL];
    uint32_t values[RUN_SEVERAL];
    size_t n = how_many(w);
    n = n < w->end - w->next ? n : w->end - w->next;
    for (size_t i = 0; i < n; i++) {
        values[i] = w->next + (uint32_t)i;
        r->items[values[i]].word = word_of(r, values[i]);
        items[i] = &r->items[values[i]];
    }
    uint64_t inv = stamp_call(r->stamps, w->last);
    enum answer why = ANSWER_NOTHING;
    size_t k = r->plan->subject->push(port, items, n, &why);
    w->last = stamp_return(r->stamps, r->plan->subject->stores);
    w->calls++;
    w->full += k == 0 && why == ANSWER_FULL;
    w->next += (uint32_t)k;
    note(w, HIST_PUSH, inv, values, k);
    if (k == 0 && why == ANSWER_CLOSED) {
        note(w, HIST_REFUSED, inv, &(uint32_t){0}, 1);
        w->end = w->next;
    }
    had_success(w, k > 0);
}

/* What came out: a value, or none that ever existed. */
static uint32_t value_of(struct worker *w, const void *item) {
    const struct run *r = w->run;
    uintptr_t at = (uintptr_t)item - (uintptr_t)r->items;
    if (at % sizeof *r->items != 0 || at / sizeof *r->items >= r->h.n_values) {
        return r->h.n_values;
    }
    uint32_t value = (uint32_t)(at / sizeof *r->items);
    w->damaged += r->items[value].word != word_of(r, value);
    return value;
}

static void pop_some(struct worker *w, void *port) {
    struct run *r = w->run;
    void *items[RUN_SEVERAL];
    uint32_t values[RUN_SEVERAL];
    size_t n = how_many(w);
    enum answer why = ANSWER_NOTHING;
    uint64_t inv = stamp_call(r->stamps, w->last);
    size_t k = r->plan->subject->pop(port, items, n, &why);
    w->last = stamp_return(r->stamps, r->plan->subject->stores);
    w->calls++;
    for (size_t i = 0; i < k; i++) {
        values[i] = value_of(w, items[i]);
    }
    /* What comes out more often than it can is one entry per thread too many, and enough. */
    size_t room = w->log->room - w->log->n;
    note(w, HIST_POP, inv, values, k < room ? k : room);
    if (k == 0 && room > 0 && why == ANSWER_EMPTY && w->empties_left > 0) {
        w->empties_left--;
        note(w, HIST_EMPTY, inv, &(uint32_t){0}, 1);
    } else if (k == 0 && room > 0 && why == ANSWER_CLOSED) {
        note(w, HIST_OVER, inv, &(uint32_t){0}, 1);
        w->over = true;
    }
    if (k > 0) {
        /* relaxed: a count that ends the run */
        uint64_t popped = atomic_load_explicit(&w->popped, memory_order_relaxed);
        atomic_store_explicit(&w->popped, popped + k, memory_order_relaxed);
    }
    had_success(w, k > 0);
}

static uint64_t popped_by_all(struct run *r) {
    uint64_t sum = 0;
    for (unsigned t = 0; t < r->n_threads; t++) {
        sum += atomic_load_explicit(&r->worker[t].popped, memory_order_relaxed);
    }
    return sum;
}

/* Nothing came out for so long that nothing will: the history then shows what is missing. */
static bool stuck(struct run *r, uint64_t *since, uint64_t *popped) {
    uint64_t now_popped = popped_by_all(r);
    uint64_t now = pn_now_ns();
    if (now_popped != *popped) {
        *popped = now_popped;
        *since = now;
    }
    uint64_t most = r->plan->stuck_ns != 0 ? r->plan->stuck_ns : stuck_ns_default;
    if (now - *since > most) {
        atomic_store_explicit(&r->give_up, true, memory_order_relaxed);
    }
    return atomic_load_explicit(&r->give_up, memory_order_relaxed);
}

static void close_queue(struct worker *w, void *port) {
    struct run *r = w->run;
    uint64_t inv = stamp_call(r->stamps, w->last);
    r->plan->subject->end(port);
    w->last = stamp_return(r->stamps, true);
    note(w, HIST_CLOSE, inv, &(uint32_t){0}, 1);
    w->closes_at = 0;
    if (r->plan->subject->end_is_last) {
        w->end = w->next;
    }
}

static bool finished(struct worker *w, uint64_t *since, uint64_t *popped) {
    struct run *r = w->run;
    if (w->closes_at != 0) {
        return false; /* comes soon: it is a number of calls, successful or not */
    }
    bool pushed = w->next == w->end;
    if (pushed && (w->role == ROLE_PUSH || w->over)) {
        return true;
    }
    if (w->idle == 0) {
        return false;
    }
    if (pushed && !r->plan->closes && popped_by_all(r) >= r->h.n_values) {
        return true;
    }
    return stuck(r, since, popped);
}

/* Who does both pushes more for a while and pops more then, so that it is full and empty in turn.
 */
static unsigned lean(const struct worker *w) {
    static const unsigned of_eight[] = {4, 6, 4, 2};
    return of_eight[w->calls >> 9 & 3u];
}

static void *work(void *arg) {
    struct worker *w = arg;
    struct run *r = w->run;
    const struct subject *subject = r->plan->subject;
    void *port = subject->open(r->queue, w->role);
    w->error = port == NULL ? ENOMEM : 0;
    (void)atomic_fetch_add(&r->arrived, 1);
    while (atomic_load(&r->arrived) < r->n_threads) {
        if (subject->rest != NULL && port != NULL) {
            subject->rest(port);
        }
        (void)sched_yield();
    }
    uint64_t since = pn_now_ns();
    uint64_t popped = 0;
    while (port != NULL && !finished(w, &since, &popped)) {
        if (w->closes_at != 0 && (w->calls >= w->closes_at || w->next == w->end)) {
            close_queue(w, port);
            continue;
        }
        bool push = w->role == ROLE_PUSH ||
                    (w->role == ROLE_BOTH && w->next < w->end && draw(&w->rng) % 8 < lean(w));
        (push ? push_some : pop_some)(w, port);
        if (subject->rest != NULL) {
            subject->rest(port);
        }
        pause_between(w);
    }
    if (port != NULL) {
        subject->close(port);
    }
    return NULL;
}

static void assign(struct run *r, struct run_room *room) {
    const struct run_plan *plan = r->plan;
    unsigned pushers = plan->n[ROLE_PUSH] + plan->n[ROLE_BOTH];
    uint64_t rng = plan->seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    unsigned tempo = (unsigned)(draw(&rng) % 4);
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
                                 .rng = draw(&rng) | 1};
            w->pace = (tempo == 1 && role == ROLE_PUSH) || (tempo == 2 && role == ROLE_POP) ? 7
                      : tempo == 3                                                          ? 1
                                                                                            : 0;
            w->log->n = 0;
            w->empties_left = (size_t)plan->items * EMPTIES_PER_ITEM;
            if (plan->closes && given == 0 && share > 0) {
                w->closes_at = 1 + draw(&rng) % share;
            }
            given += share;
        }
    }
    r->h = (struct history){
        .log = room->log, .n_logs = r->n_threads, .n_values = given, .drained = true};
}

static int start_all(struct run *r) {
    for (unsigned t = 0; t < r->n_threads; t++) {
        int rc = pthread_create(&r->worker[t].thread, NULL, work, &r->worker[t]);
        if (rc != 0) {
            (void)fprintf(stderr, "thread %u of %u: %s\n", t, r->n_threads, strerror(rc));
            abort(); /* those that run wait for all */
        }
    }
    int error = 0;
    for (unsigned t = 0; t < r->n_threads; t++) {
        (void)pthread_join(r->worker[t].thread, NULL);
        error = r->worker[t].error != 0 ? -r->worker[t].error : error;
    }
    return error;
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
        counts->calls += r->worker[t].calls;
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
