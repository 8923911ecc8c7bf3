/* SPDX-License-Identifier: MIT
 *
 * Who waits for one thing: threads, asleep on an eventcount, and tasks, in a list. The eventcount
 * counts both, so that a notifier looks at one word.
 *
 *   thread:    prepare, try again, wait or cancel, try again
 *   task:      add, look again, and if there is something: remove
 *   notifier:  publish, notify
 */
#ifndef PN_WAITLIST_H
#define PN_WAITLIST_H

#include "runtime/park.h"

#include <pinion/queue.h>
#include <pinion/wait.h>

struct pn_waitlist {
    struct pn_eventcount waiting;
    /* Equation: waiting.waiters = tasks in the list + threads between prepare and the end of it. */
    PN_ATOMIC(uint32_t) lock; /* 0 free, 1 held, 2 held and slept for */
    struct pn_waiter *first, *last;
    uint64_t tickets;
};

/* The two sides of a queue. */
struct pn_waits {
    struct pn_waitlist items, room;
};

int pn_waits_create(struct pn_waits **out);

/** \return the ticket of this listing */
uint64_t pn_waitlist_add(struct pn_waitlist *list, struct pn_waiter *waiter);
/** Touches the waiter only while it is listed. \return false: it is woken, or soon will be */
bool pn_waitlist_remove(struct pn_waitlist *list, const struct pn_waiter *waiter, uint64_t ticket);

/** The caller has published what so many wait for; UINT32_MAX: all. */
void pn_waitlist_notify(struct pn_waitlist *list, unsigned most);

/* How to try at one side of a queue. */
struct pn_wait_ops {
    enum pn_queue_rc refused; /* EMPTY or FULL: the answer that one waits on */
    enum pn_queue_rc (*attempt)(void *queue, void **item);
    void (*rest)(void *queue, bool offline); /* around the sleep of a reader; NULL: no reader */
    bool (*possible)(void *queue);           /* an attempt would be answered otherwise now */
};

#endif
