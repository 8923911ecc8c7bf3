/* SPDX-License-Identifier: MIT
 *
 * Times of calls and returns that can be compared between threads.
 *
 * No false alarm: the stamp of a call is read before any of its work begins, that of a return after
 * all of it is visible, and the source must never run backwards from one CPU to another. No
 * violation hidden: nothing lies between the stamps but the call.
 *   counter  stamps by the cycle: on x86 where the kernel itself keeps time by the TSC (it has
 *            checked it between the CPUs then) and where we see no step back either; a fence keeps
 *            the work from starting before the read (lfence), or from ending after it (lfence;
 *            mfence before it where an item is published by a plain store, which would otherwise
 *            wait in the store buffer when the return is stamped).
 *   clock    CLOCK_MONOTONIC with the same fences: what is left when the TSC is no clock source,
 *            and on other machines.
 *   shared   one atomic counter: right anywhere, but its line is one more thing that threads meet
 * on.
 */
#ifndef HIST_STAMP_H
#define HIST_STAMP_H

#include <pinion/clock.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum stamp_source { STAMP_COUNTER, STAMP_CLOCK, STAMP_SHARED };

/* Where it stands alone on its line: read by all, and written by STAMP_SHARED. */
struct stamps {
    enum stamp_source source;
    _Alignas(128) _Atomic uint64_t shared;
    _Alignas(128) uint64_t uncertain; /* ticks by which two CPUs may differ without our seeing it */
};

static inline void stamp_fence_work(bool stores) {
#if defined(__x86_64__)
    if (stores) {
        __builtin_ia32_mfence();
    }
    __builtin_ia32_lfence();
#elif defined(__aarch64__)
    (void)stores;
    __asm__ volatile("dmb ish\n\tisb" ::: "memory");
#else
    (void)stores;
    __sync_synchronize();
#endif
}

static inline uint64_t stamp_read(struct stamps *s) {
    switch (s->source) {
    case STAMP_COUNTER:
        return pn_ticks_now();
    case STAMP_CLOCK:
        return pn_now_ns();
    default:
        return atomic_fetch_add_explicit(&s->shared, 1, memory_order_relaxed);
    }
}

/* Later than `last`, this thread's stamp before: a coarse clock is waited for. */
static inline uint64_t stamp_call(struct stamps *s, uint64_t last) {
    uint64_t now;
    do {
        now = stamp_read(s);
    } while (now <= last);
    stamp_fence_work(false);
    return now;
}

static inline uint64_t stamp_return(struct stamps *s, bool stores) {
    stamp_fence_work(stores);
    return stamp_read(s);
}

/**
 * Take the first source of the three (from `first` on) that does not run backwards between the CPUs
 * this process may use.
 */
void stamps_choose(struct stamps *s, enum stamp_source first);

const char *stamp_source_text(enum stamp_source source);

#endif
