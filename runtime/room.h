/* SPDX-License-Identifier: MIT
 *
 * Threads that wait for room in a bounded queue, woken one at a time: the woken one fills half of
 * the queue before the next wake-up pays. Waking all four producers of a full queue cost a third of
 * the throughput on two cores.
 *
 *   waiter:    prepare, look for room again, wait or cancel
 *   receiver:  give credits back, then pn_room_made
 *
 * `waking` is raised while a wake-up is on its way, and every waiter lowers it: when it has been
 * woken, when it goes without, and when it goes to sleep. The last is for a waiter that announced
 * itself just as a wake-up was sent, finds the room taken by somebody else, and sleeps: it was the
 * one that was counted on.
 *
 * Orderings
 *   O1  a wake-up sent (P1, P2 of runtime/park.c) -> the waiter's lowering: later than the raising.
 *   O3  waiting announced, `waking` lowered (read-modify-write), room looked for <-> credits given
 *       back, `waking` raised (read-modify-write): of two operations on one word the later sees
 *       what was done before the earlier. So either the waiter finds the room, or the receiver
 *       finds `waking` low and the waiter announced.
 */
#ifndef PN_ROOM_H
#define PN_ROOM_H

#include "runtime/park.h"

struct pn_room {
    struct pn_eventcount waiters;
    PN_ATOMIC(uint32_t) waking;
};

static inline void pn_room_init(struct pn_room *room) {
    pn_eventcount_init(&room->waiters);
    pn_atomic_init(&room->waking, 0);
}

/* Announce; afterwards look for room again, then wait with the key, or cancel. */
static inline uint32_t pn_room_prepare(struct pn_room *room) {
    uint32_t key = pn_eventcount_prepare(&room->waiters);
    (void)pn_xchg_acqrel(&room->waking, 0); /* O3: pairs with the exchange in pn_room_made */
    return key;
}

static inline void pn_room_cancel(struct pn_room *room) {
    pn_eventcount_cancel(&room->waiters);
    (void)pn_xchg_acqrel(&room->waking, 0); /* O1, O3 */
}

static inline void pn_room_wait(struct pn_room *room, uint32_t key) {
    (void)pn_eventcount_wait(&room->waiters, key, UINT64_MAX);
    (void)pn_xchg_acqrel(&room->waking, 0); /* O1, O3 */
}

/* Receiver, after credits went back: wake one waiter, unless one is on its way already.
 * \return true if that took a system call */
static inline bool pn_room_made(struct pn_room *room) {
    /* O3: pairs with the exchange in pn_room_prepare. */
    if (pn_xchg_acqrel(&room->waking, 1) != 0) {
        return false;
    }
    bool rang = pn_eventcount_notify(&room->waiters, false);
    if (!rang) {
        pn_store_rel(&room->waking, 0); /* O1: nobody is on the way */
    }
    return rang;
}

/* A waiter that will not use its room hands the wake-up on. */
static inline void pn_room_pass_on(struct pn_room *room) {
    (void)pn_eventcount_notify(&room->waiters, false);
}

/* There will never be room again: everybody looks. */
static inline void pn_room_end(struct pn_room *room) {
    (void)pn_eventcount_notify(&room->waiters, true);
}

#endif
