/* SPDX-License-Identifier: MIT
 *
 * pn_wheel: one core's timers, in a hierarchical timing wheel. No lock, no allocation: the timer
 * lives inside what waits for it.
 *
 * A timer fires at the first pn_wheel_advance whose now_ns has reached its due time rounded up to
 * the next tick (4.096 us): never early, on average half a tick late. Timers fire in order of their
 * ticks, within a tick in the order they were added or came down.
 *
 * Threads: the owner only. Another core that wants to cancel sends a message.
 * Cost: add and cancel O(1); advance O(fired + moved down a level, at most 8 times per timer);
 *   empty stretches of time are skipped by bitmap.
 * Source: G. Varghese & A. Lauck, "Hashed and hierarchical timing wheels", SOSP 1987, scheme 7;
 *   differs: digits of the absolute tick instead of rotating cursors, so that no slot ever wraps.
 */
#ifndef PINION_WHEEL_H
#define PINION_WHEEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pn_timer;
struct pn_wheel;

/**
 * Runs on the wheel's thread. The timer is out of the wheel: fn may add it again, free it, add and
 * cancel others.
 */
typedef void pn_timer_fn(struct pn_timer *timer);

/* Zeroed is a valid idle timer. */
struct pn_timer {
    struct pn_timer *next, *prev; /* circular within a slot; the wheel's */
    uint64_t due_ns;              /* as asked; CLOCK_MONOTONIC */
    pn_timer_fn *fn;              /* the caller's, set before pn_wheel_add */
    uint32_t where;               /* the wheel's: 0 = idle, else slot + 1 */
};

/* 9 digits of 6 bits hold every tick of a 64-bit nanosecond clock. */
enum { PN_WHEEL_LEVELS = 9, PN_WHEEL_SLOTS = 64 };
#define PN_WHEEL_TICK_NS 4096u

/* Invariant: a timer with due tick d stands at the level of the highest digit in which d differs
 * from `tick`, in the slot of that digit; so occupied slots lie strictly ahead of the tick's own
 * digit, and the lowest occupied slot of the lowest occupied level is the earliest of all.
 * Equation: armed = timers in slots + n_due. */
struct pn_wheel {
    uint64_t tick;        /* everything up to this tick has fired or is in `due` */
    uint32_t levels;      /* bit per level: some slot is occupied */
    uint32_t n_due;       /* timers in `due` */
    struct pn_timer *due; /* expired, not yet fired, oldest first */
    uint64_t armed;
    uint64_t fired, cancelled, moved_down;
    uint64_t occupied[PN_WHEEL_LEVELS];
    struct pn_timer *slot[PN_WHEEL_LEVELS][PN_WHEEL_SLOTS];
    /* Lower bound of the due ticks in a slot; exact until a timer of it is cancelled. */
    uint64_t earliest[PN_WHEEL_LEVELS][PN_WHEEL_SLOTS];
};

/** \param now_ns  start of the wheel's time */
void pn_wheel_init(struct pn_wheel *wheel, uint64_t now_ns);

/**
 * \param timer   idle, fn set; borrowed until it fires or is cancelled
 * \param due_ns  absolute; a time in the past fires at the next advance
 */
void pn_wheel_add(struct pn_wheel *wheel, struct pn_timer *timer, uint64_t due_ns);

/** \return true: it will not fire; false: it was idle (fired already, or never added). */
bool pn_wheel_cancel(struct pn_wheel *wheel, struct pn_timer *timer);

static inline bool pn_timer_armed(const struct pn_timer *timer) {
    return timer->where != 0;
}

/**
 * Fire what is due. Timers added by a firing fn wait for the next call, also if already due.
 *
 * \param now_ns  not before an earlier call's; if it is, nothing new expires
 * \param budget  fire at most so many; the rest stay due and cancellable
 * \return number fired
 */
size_t pn_wheel_advance(struct pn_wheel *wheel, uint64_t now_ns, size_t budget);

/**
 * When to call advance next: 0 something is due now, UINT64_MAX no timer is armed, else the time at
 * which the earliest fires. Early only where the earliest of a far slot was cancelled; an advance
 * then fires nothing and the next answer is better. O(1).
 */
uint64_t pn_wheel_next_ns(const struct pn_wheel *wheel);

/** O(slots + timers): true if invariant and equation hold. */
bool pn_wheel_check(const struct pn_wheel *wheel);

#endif
