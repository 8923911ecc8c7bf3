/* SPDX-License-Identifier: MIT
 *
 * Waiting at one side of a queue: for an item, or for room. A thread sleeps (pn_wait_thread); a
 * task leaves a pn_waiter behind and is run again (pn_wait_task).
 *
 *   pn_wait_thread(pn_ring_items(q), &item, PN_NO_DEADLINE)     a pop that waits
 *   pn_wait_thread(pn_ring_room(q), &item, pn_now_ns() + ms)    a push that waits until then
 *
 * A queue is asked for it once, with pn_<queue>_enable_waits, before others see it. From then on
 * each push and pop also looks whether somebody waits: a fence and a load.
 *
 * Each item pushed wakes one waiter for items, and room made wakes one waiter for room: tasks
 * first, in the order in which they came, then threads; closing wakes all. Woken is not served:
 * somebody else may have been faster, so whoever is woken tries again. No wake-up is lost: who
 * looks, finds nothing and waits is woken by whatever comes after its look.
 *
 * Progress: nobody waits for a waiter, but for a few instructions under the list's lock, which only
 * those take who wait or found somebody waiting.
 */
#ifndef PINION_WAIT_H
#define PINION_WAIT_H

#include <pinion/queue.h>
#include <stdbool.h>
#include <stdint.h>

/* No deadline. */
#define PN_NO_DEADLINE UINT64_MAX

/* One side of one queue: by value, valid as long as the queue (for segq: the port). */
struct pn_wait_point {
    const struct pn_wait_ops *ops;
    void *queue;
    struct pn_waitlist *list;
};

/**
 * Pop into *item, or push *item, when that is possible. A thread that is registered for RCU is
 * offline while it sleeps. Not on a scheduler.
 *
 * \param deadline_ns  of pn_now_ns; PN_NO_DEADLINE; 0: do not wait
 * \return OK; CLOSED; after the deadline EMPTY or FULL
 */
enum pn_queue_rc pn_wait_thread(struct pn_wait_point at, void **item, uint64_t deadline_ns);

struct pn_waiter;

/** Runs once per listing, on the thread that pushed, popped or closed: makes the task ready, as
 * with pn_task_send, and does not block. */
typedef void pn_wake_fn(struct pn_waiter *waiter);

/* The waiting task's, in its own memory: the queue's from the call that answered EMPTY or FULL
 * until wake runs, or until the cancelling call that answers true. */
struct pn_waiter {
    pn_wake_fn *wake; /* the caller's; set before */
    struct pn_waiter *next;
    uint64_t ticket;
};

/**
 * The same without waiting. EMPTY or FULL: the waiter is listed and will be woken, perhaps already
 * on another thread while this returns; so the task touches nothing of its own after it.
 */
enum pn_queue_rc pn_wait_task(struct pn_wait_point at, void **item, struct pn_waiter *waiter);

/**
 * Of a task that is listed and will not wait any longer (a deadline of its own ran out).
 *
 * \return true: it is not listed any more and will not be woken; false: it is woken, or soon will
 * be, and another waiter is woken for it
 */
bool pn_wait_cancel(struct pn_wait_point at, const struct pn_waiter *waiter);

#endif
