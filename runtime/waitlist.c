/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   P1  of park.c: publish, fence, look for waiters <-> announce, fence, look again.
 *   U1  unlock (release) -> lock (acquire): the list.
 *   U2  counted, fence (P1), listed (U1), looked again <-> published, fence (P1), list searched: a
 *       notifier that finds the count but not the listing has unlocked before the lister locked, so
 *       the look sees what it published. Counted first, because who unlists also uncounts:
 *       counted last, that took the count of a thread.
 */
#include "runtime/waitlist.h"

#include "runtime/futex.h"

#include <errno.h>
#include <pinion/clock.h>
#include <stdlib.h>

/* Source: U. Drepper, "Futexes are tricky" (2011), its second mutex. */
static void lock(PN_ATOMIC(uint32_t) * word) {
    uint32_t seen = 0;
    /* U1 acquire: pairs with the exchange in unlock. */
    if (pn_cas_acq(word, &seen, 1)) {
        return;
    }
    while (pn_xchg_acq(word, 2) != 0) { /* U1 acquire: as above */
        pn_futex_wait(word, 2, PN_FOREVER);
    }
}

static void unlock(PN_ATOMIC(uint32_t) * word) {
    /* U1 release: pairs with lock. */
    if (pn_xchg_rel(word, 0) == 2) {
        pn_futex_wake(word, 1);
    }
}

static void init(struct pn_waitlist *list) {
    pn_eventcount_init(&list->waiting);
    pn_atomic_init(&list->lock, 0);
    list->first = list->last = NULL;
    list->tickets = 0;
}

int pn_waits_create(struct pn_waits **out) {
    struct pn_waits *waits = aligned_alloc(PN_LINE, sizeof *waits);
    if (waits == NULL) {
        return -ENOMEM;
    }
    init(&waits->items);
    init(&waits->room);
    *out = waits;
    return 0;
}

uint64_t pn_waitlist_add(struct pn_waitlist *list, struct pn_waiter *waiter) {
    (void)pn_eventcount_prepare(&list->waiting); /* U2, P1 */
    lock(&list->lock);
    uint64_t ticket = ++list->tickets;
    waiter->ticket = ticket;
    waiter->next = NULL;
    if (list->first == NULL) {
        list->first = waiter;
    } else {
        list->last->next = waiter;
    }
    list->last = waiter;
    unlock(&list->lock);
    return ticket; /* the caller looks again */
}

/* Under the lock. \return the link that points to the waiter, or NULL */
static struct pn_waiter **find(struct pn_waitlist *list, const struct pn_waiter *waiter,
                               uint64_t ticket, struct pn_waiter **before) {
    *before = NULL;
    struct pn_waiter **at = &list->first;
    /* By its address alone: one that is not listed may be gone, or be listed again. */
    while (*at != NULL && (*at != waiter || (*at)->ticket != ticket)) {
        *before = *at;
        at = &(*at)->next;
    }
    return *at == NULL ? NULL : at;
}

bool pn_waitlist_remove(struct pn_waitlist *list, const struct pn_waiter *waiter, uint64_t ticket) {
    struct pn_waiter *before = NULL;
    lock(&list->lock);
    struct pn_waiter **at = find(list, waiter, ticket, &before);
    if (at != NULL) {
        *at = waiter->next;
        if (list->last == waiter) {
            list->last = before;
        }
    }
    unlock(&list->lock);
    if (at == NULL) {
        return false;
    }
    pn_eventcount_cancel(&list->waiting);
    return true;
}

/* \return false if no task waits */
static bool wake_task(struct pn_waitlist *list) {
    lock(&list->lock);
    struct pn_waiter *first = list->first;
    if (first != NULL) {
        list->first = first->next;
        if (list->first == NULL) {
            list->last = NULL;
        }
    }
    unlock(&list->lock);
    if (first == NULL) {
        return false;
    }
    pn_eventcount_cancel(&list->waiting);
    first->wake(first); /* the waiter is its own again */
    return true;
}

void pn_waitlist_notify(struct pn_waitlist *list, unsigned most) {
    if (!pn_eventcount_awaited(&list->waiting)) { /* P1, U2 */
        return;
    }
    unsigned woken = 0;
    while (woken < most && wake_task(list)) {
        woken++;
    }
    if (woken < most) {
        (void)pn_eventcount_notify(&list->waiting, most - woken > 1);
    }
}

/* Served, and there is more: a notifier woke one for what it brought, but a claimant in the middle
 * of a ring may have hidden what others brought before, and room comes in chunks. */
static void pass_on(struct pn_wait_point at, enum pn_queue_rc rc) {
    if (rc == PN_QUEUE_OK && pn_eventcount_awaited(&at.list->waiting) &&
        at.ops->possible(at.queue)) {
        pn_waitlist_notify(at.list, 1);
    }
}

static void sleep_until_notified(struct pn_wait_point at, uint32_t key, uint64_t timeout_ns) {
    if (at.ops->rest != NULL) {
        at.ops->rest(at.queue, true);
    }
    (void)pn_eventcount_wait(&at.list->waiting, key, timeout_ns);
    if (at.ops->rest != NULL) {
        at.ops->rest(at.queue, false);
    }
}

/* \return 0: it has passed */
static uint64_t left_until(uint64_t deadline_ns) {
    if (deadline_ns == PN_NO_DEADLINE) {
        return PN_FOREVER;
    }
    uint64_t now = pn_now_ns();
    return now < deadline_ns ? deadline_ns - now : 0;
}

enum pn_queue_rc pn_wait_thread(struct pn_wait_point at, void **item, uint64_t deadline_ns) {
    enum pn_queue_rc rc = at.ops->attempt(at.queue, item);
    uint64_t left = deadline_ns;
    while (rc == at.ops->refused && left != 0 && (left = left_until(deadline_ns)) != 0) {
        uint32_t key = pn_eventcount_prepare(&at.list->waiting); /* P1 */
        rc = at.ops->attempt(at.queue, item);
        if (rc == at.ops->refused) {
            sleep_until_notified(at, key, left);
            /* After a time-out too: it may have been us who was woken. */
            rc = at.ops->attempt(at.queue, item);
        } else {
            pn_eventcount_cancel(&at.list->waiting);
        }
    }
    pass_on(at, rc);
    return rc;
}

enum pn_queue_rc pn_wait_task(struct pn_wait_point at, void **item, struct pn_waiter *waiter) {
    for (;;) {
        enum pn_queue_rc rc = at.ops->attempt(at.queue, item);
        if (rc != at.ops->refused) {
            pass_on(at, rc);
            return rc;
        }
        uint64_t ticket = pn_waitlist_add(at.list, waiter);
        /* P1: a look, not an attempt: who is woken meanwhile must not hold an item as well. */
        if (!at.ops->possible(at.queue) || !pn_waitlist_remove(at.list, waiter, ticket)) {
            return rc;
        }
    }
}

bool pn_wait_cancel(struct pn_wait_point at, const struct pn_waiter *waiter) {
    if (pn_waitlist_remove(at.list, waiter, waiter->ticket)) {
        return true;
    }
    pn_waitlist_notify(at.list, 1); /* it will not use its wake-up */
    return false;
}
