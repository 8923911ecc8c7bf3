/* SPDX-License-Identifier: MIT
 *
 * A run under way: run.c sets it up, waits and judges; run_work.c is what its threads do.
 */
#ifndef HIST_RUN_PARTS_H
#define HIST_RUN_PARTS_H

#include "run.h"

#include "runtime/atomic.h"

#include <pthread.h>
#include <stdatomic.h>

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
    uint64_t full, damaged;
    int error;
    pthread_t thread;
    /* Own line: read by those who found EMPTY, and by whoever waits for the end. */
    _Alignas(PN_LINE) _Atomic uint64_t popped;
    _Atomic uint64_t calls; /* twice what has returned; odd: inside one */
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

static inline uint64_t run_draw(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x >> 8;
}

static inline uint64_t calls_of(const struct worker *w) {
    return atomic_load_explicit(&w->calls, memory_order_relaxed) / 2;
}

uint64_t popped_by_all(const struct run *r);

/* A thread's main; the argument is its worker. */
void *run_work(void *arg);

#endif
