/* SPDX-License-Identifier: MIT
 *
 * How threads sleep without losing a wake-up, and wake others without a system call when nobody
 * sleeps. Two shapes of one protocol:
 *
 *   pn_eventcount  any number of anonymous waiters (foreign threads that wait for room)
 *   pn_sleepers    one named place per scheduler, so that a waker can choose the nearest
 *
 *   waiter:  announce, fence, look again, sleep (or cancel)
 *   waker:   publish, fence, read the announcements, ring
 *
 * Of the two fences at least one comes first in their total order: then either the waiter's second
 * look finds what was published, or the waker finds the announcement. See park.c for the edges.
 *
 * Threads: any. Progress: the waker's side is wait-free when nobody sleeps (a fence and a load).
 */
#ifndef PN_PARK_H
#define PN_PARK_H

#include "runtime/atomic.h"

#include <stdbool.h>
#include <stddef.h>

struct pn_eventcount {
    _Alignas(PN_LINE) PN_ATOMIC(uint32_t) epoch; /* the futex word; counts notifications */
    PN_ATOMIC(uint32_t) waiters;                 /* announced and not yet gone */
};

void pn_eventcount_init(struct pn_eventcount *ec);

/** Announce; afterwards look again, then wait with the key, or cancel. */
uint32_t pn_eventcount_prepare(struct pn_eventcount *ec);
void pn_eventcount_cancel(struct pn_eventcount *ec);
/** \param timeout_ns relative; PN_FOREVER \return false if the time ran out without a notification
 */
bool pn_eventcount_wait(struct pn_eventcount *ec, uint32_t key, uint64_t timeout_ns);
/** The caller has published. \return true if somebody announced itself: notify */
bool pn_eventcount_awaited(struct pn_eventcount *ec);
/** \return true if it made a system call */
bool pn_eventcount_notify(struct pn_eventcount *ec, bool all);

/* One scheduler's bell. Its owner sleeps on it; every waker of this scheduler writes it, so an
 * address-monitoring wait sees one line. */
struct pn_bell {
    _Alignas(PN_LINE) PN_ATOMIC(uint32_t) rung;
};

/* Invariant: bit i of asleep is set only between i's prepare and the first of: a waker that claims
 * it, i's cancel, i's return from wait. */
struct pn_sleepers {
    _Alignas(PN_LINE)
        PN_ATOMIC(uint64_t) asleep[16]; /* read by wakers, written on the way to sleep */
    PN_ATOMIC(uint32_t) searching;      /* schedulers without work that still look for some */
    struct pn_bell *bells;              /* [n] */
    unsigned n;
};

enum { PN_SLEEPERS_MAX = 1024 };

/** \return 0; -ENOMEM; -ERANGE for more than PN_SLEEPERS_MAX */
int pn_sleepers_init(struct pn_sleepers *s, unsigned n);
void pn_sleepers_fini(struct pn_sleepers *s);

uint32_t pn_sleepers_prepare(struct pn_sleepers *s, unsigned i);
void pn_sleepers_cancel(struct pn_sleepers *s, unsigned i);
/** \return true if somebody rang, false if the time ran out */
bool pn_sleepers_wait(struct pn_sleepers *s, unsigned i, uint32_t key, uint64_t timeout_ns);
/** Ring scheduler i if it sleeps. \return true if it was rung (a system call) */
bool pn_sleepers_wake(struct pn_sleepers *s, unsigned i);
/** A scheduler starts, or ends, looking for work everywhere. It ends before it prepares to sleep.
 */
void pn_sleepers_search(struct pn_sleepers *s, bool begin);
/** How many sleep just now: a figure, out of date when it is returned. */
unsigned pn_sleepers_count(const struct pn_sleepers *s);
/** Ring one sleeper of [from, to), if there is one and nobody is searching: a searcher finds the
 * work by itself, and a second one would go back to sleep. */
bool pn_sleepers_wake_one(struct pn_sleepers *s, unsigned from, unsigned to);

#endif
