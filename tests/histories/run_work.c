/* SPDX-License-Identifier: MIT */
#include "run_parts.h"

#include <errno.h>
#include <sched.h>

enum { IDLE_BEFORE_YIELD = 16 };
static const uint64_t stuck_ns_default = UINT64_C(20000000000);

static uint64_t word_of(const struct run *r, uint32_t value) {
    return (value + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ r->plan->seed;
}

/* A run is slow at one end or the other or nowhere, so that the queue is empty, full or between. */
static void pause_between(struct worker *w) {
    uint64_t r = run_draw(&w->rng);
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
    return several <= 1 ? 1 : 1 + run_draw(&w->rng) % several;
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

/* At both ends of a call. relaxed: for those who wait. */
static void count_calls(struct worker *w) {
    uint64_t calls = atomic_load_explicit(&w->calls, memory_order_relaxed) + 1;
    atomic_store_explicit(&w->calls, calls, memory_order_relaxed);
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
    count_calls(w);
    uint64_t inv = stamp_call(r->stamps, w->last);
    enum answer why = ANSWER_NOTHING;
    size_t k = r->plan->subject->push(port, items, n, &why);
    w->last = stamp_return(r->stamps, r->plan->subject->stores);
    count_calls(w);
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
    count_calls(w);
    uint64_t inv = stamp_call(r->stamps, w->last);
    size_t k = r->plan->subject->pop(port, items, n, &why);
    w->last = stamp_return(r->stamps, r->plan->subject->stores);
    count_calls(w);
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

uint64_t popped_by_all(const struct run *r) {
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
    return of_eight[calls_of(w) >> 9 & 3u];
}

void *run_work(void *arg) {
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
        if (w->closes_at != 0 && (calls_of(w) >= w->closes_at || w->next == w->end)) {
            close_queue(w, port);
            continue;
        }
        bool push = w->role == ROLE_PUSH ||
                    (w->role == ROLE_BOTH && w->next < w->end && run_draw(&w->rng) % 8 < lean(w));
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
