/* SPDX-License-Identifier: MIT
 *
 *   head -> newest message, lowest bit set = empty and idle
 *   tail -> oldest message already taken (or the stub); the next to take is tail's next
 *
 * Orderings
 *   M1  link of next (release) -> receiver's read of next (acquire): the message.
 *   M2  exchange of head (release) -> the same by the next sender (acquire): the message before is
 *       initialised before it is linked to.
 *   M3  rest's swap (release) -> the next sender's exchange (acquire): what the receiver did while
 *       scheduled is seen by whoever schedules it next.
 *   M4  waiter pushed, `inside` read <-> `inside` lowered, waiters read: all four are seq_cst, so
 *       one of the two sides sees the other (a store-load pair, hence not acquire and release).
 *   M5  took's subtraction (release) -> a sender's addition or look (acquire): room means that the
 *       receiver is done with what was there.
 *   M6  waiter pushed (release) -> all taken with one exchange (acquire): each waiter's link.
 */
#include <pinion/mailbox.h>

#include "runtime/atomic.h"
#include "runtime/futex.h"
#include "runtime/mail_lock.h"
#include "runtime/park.h"

#include <errno.h>
#include <stdlib.h>
#if !defined(PN_EXPLORE)
#include <sched.h>
#endif

#define IDLE ((uintptr_t)1)

/* The atomic view of a message's link. */
struct link {
    PN_ATOMIC(struct link *) next;
};
_Static_assert(sizeof(struct pn_mail_lock) <= PN_LINE, "a locked mailbox has one line");
_Static_assert(sizeof(struct link) == sizeof(struct pn_mail),
               "a link is what a message begins with");

struct pn_mailbox {
    _Alignas(PN_LINE) PN_ATOMIC(uintptr_t) head; /* senders */
    _Alignas(PN_LINE) struct link *tail;         /* receiver */
    struct link stub;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) inside; /* messages accepted and not yet taken */
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_mail_waiter *) waiters;
    struct pn_eventcount room;
    /* Read by all, written by none: on the line of `waiters` it cost mailbox 15 % at units=1. */
    _Alignas(PN_LINE) struct pn_mail_lock *locked; /* NULL: the list above */
    uint64_t capacity;
};

int pn_mailbox_create(struct pn_mailbox **out, enum pn_mailbox_kind kind, uint64_t capacity) {
    if (capacity == 0) {
        return -EINVAL;
    }
    struct pn_mailbox *box = aligned_alloc(PN_LINE, sizeof *box);
    if (box == NULL) {
        return -ENOMEM;
    }
    pn_atomic_init(&box->stub.next, NULL);
    pn_atomic_init(&box->head, (uintptr_t)&box->stub | IDLE);
    box->tail = &box->stub;
    pn_atomic_init(&box->inside, 0);
    pn_atomic_init(&box->waiters, NULL);
    pn_eventcount_init(&box->room);
    box->capacity = capacity;
    box->locked = NULL;
    if (kind == PN_MAILBOX_LOCKED) {
        box->locked = aligned_alloc(PN_LINE, PN_LINE);
        if (box->locked == NULL) {
            free(box);
            return -ENOMEM;
        }
        pn_mail_lock_init(box->locked);
    }
    *out = box;
    return 0;
}

void pn_mailbox_destroy(struct pn_mailbox *box) {
    if (box != NULL && box->locked != NULL) {
        pn_mail_lock_fini(box->locked);
        free(box->locked);
    }
    free(box);
}

uint64_t pn_mailbox_length(const struct pn_mailbox *box) {
    return pn_load_rlx(&box->inside); /* relaxed: a guess at who has less to do */
}

static bool enqueue(struct pn_mailbox *box, struct link *first) {
    pn_atomic_init(&first->next, NULL);
    /* M2, M3: acquire the previous message, release this one. LP. */
    uintptr_t before = pn_xchg_acqrel(&box->head, (uintptr_t)first);
    struct link *previous = (struct link *)(before & ~IDLE);
    /* M1 release: pairs with the loads of next in pop. */
    pn_store_rel(&previous->next, first);
    return (before & IDLE) != 0;
}

/* Reserve room for one message. */
static bool reserve(struct pn_mailbox *box) {
    uint64_t inside = pn_load_rlx(&box->inside); /* relaxed: a guess for the compare-and-swap */
    do {
        if (inside >= box->capacity) {
            return false;
        }
        /* M5 acquire: pairs with the subtraction in pn_mailbox_took. */
    } while (!pn_cas_weak_acqrel(&box->inside, &inside, inside + 1));
    return true;
}

enum pn_queue_rc pn_mailbox_push(struct pn_mailbox *box, struct pn_mail *mail, bool *idle) {
    if (!reserve(box)) {
        return PN_QUEUE_FULL;
    }
    *idle = enqueue(box, (struct link *)mail);
    return PN_QUEUE_OK;
}

/* Functions of their own: with both kinds in one, push was no longer inlined into its sender, and
 * mailbox lost 12 % at units=1, half of it in pop and rest. */
enum pn_queue_rc pn_mailbox_push_locked(struct pn_mailbox *box, struct pn_mail *mail, bool *idle) {
    if (!reserve(box)) {
        return PN_QUEUE_FULL;
    }
    *idle = pn_mail_lock_push(box->locked, mail);
    return PN_QUEUE_OK;
}

enum pn_queue_rc pn_mailbox_pop(struct pn_mailbox *box, struct pn_mail **mail) {
    struct link *tail = box->tail;
    /* M1 acquire: pairs with the store in enqueue. */
    struct link *next = pn_load_acq(&tail->next);
    if (tail == &box->stub) {
        if (next == NULL) {
            return PN_QUEUE_EMPTY;
        }
        box->tail = tail = next;
        next = pn_load_acq(&tail->next); /* M1 acquire */
    }
    if (next == NULL) {
        /* The last message may leave only if another stands behind it: put the stub there. The
         * actor is scheduled, so this push of our own never meets the mark. M2 acquire: what the
         * next sender would see. */
        if ((pn_load_acq(&box->head) & ~IDLE) != (uintptr_t)tail) {
            return PN_QUEUE_EMPTY; /* a sender is about to link */
        }
        (void)enqueue(box, &box->stub);
        next = pn_load_acq(&tail->next); /* M1 acquire */
        if (next == NULL) {
            return PN_QUEUE_EMPTY; /* a sender came between and is about to link */
        }
    }
    box->tail = next;
    *mail = (struct pn_mail *)tail;
    return PN_QUEUE_OK;
}

enum pn_queue_rc pn_mailbox_pop_locked(struct pn_mailbox *box, struct pn_mail **mail) {
    *mail = pn_mail_lock_pop(box->locked);
    return *mail == NULL ? PN_QUEUE_EMPTY : PN_QUEUE_OK;
}

bool pn_mailbox_rest_locked(struct pn_mailbox *box) {
    return pn_mail_lock_rest(box->locked);
}

bool pn_mailbox_rest(struct pn_mailbox *box) {
    uintptr_t empty = (uintptr_t)&box->stub;
    if (box->tail != &box->stub) {
        return false;
    }
    /* M3 release: pairs with the exchange in enqueue. */
    return pn_cas_acqrel(&box->head, &empty, empty | IDLE);
}

/* Everybody who waits, in no order: each looks for room by itself. */
static void release_waiters(struct pn_mailbox *box, struct pn_runtime *rt) {
    /* M6 acquire: pairs with the push in pn_mailbox_wait_room. */
    struct pn_mail_waiter *w = pn_xchg_acqrel(&box->waiters, NULL);
    while (w != NULL) {
        struct pn_mail_waiter *next = w->next;
        pn_task_send(rt, w->core, w->task);
        w = next;
    }
}

/* Half empty is when waking pays: a producer that is woken for one place sleeps again at once. */
static bool has_room(uint64_t inside, uint64_t capacity) {
    return inside <= capacity / 2;
}

void pn_mailbox_took(struct pn_mailbox *box, struct pn_runtime *rt, unsigned n) {
    /* M4, M5 release: pairs with reserve and with the load in pn_mailbox_wait_room. */
    uint64_t inside = pn_faa_seq(&box->inside, (uint64_t)0 - n) - n;
    if (!has_room(inside, box->capacity)) {
        return;
    }
    /* M4: pairs with the push in pn_mailbox_wait_room. */
    if (pn_load_seq(&box->waiters) != NULL) {
        release_waiters(box, rt);
    }
    (void)pn_eventcount_notify(&box->room, true);
}

void pn_mailbox_wait_room(struct pn_mailbox *box, struct pn_runtime *rt,
                          struct pn_mail_waiter *waiter) {
    struct pn_mail_waiter *top = pn_load_rlx(&box->waiters); /* relaxed: a guess */
    do {
        waiter->next = top;
    } while (!pn_cas_seq(&box->waiters, &top, waiter)); /* M4, M6 release */
    /* M4: pairs with the subtraction in pn_mailbox_took. Room came in between: let all go, oneself
     * among them; a waiter can not be taken out of the middle. */
    if (has_room(pn_load_seq(&box->inside), box->capacity)) {
        release_waiters(box, rt);
    }
}

void pn_mailbox_wait_room_foreign(struct pn_mailbox *box, bool spin) {
#if defined(PN_EXPLORE)
    enum { PAUSES = 1 };
#else
    enum { PAUSES = 64 };
#endif
    for (unsigned i = 0; i < PAUSES; i++) {
        /* M5 acquire: pairs with the subtraction in pn_mailbox_took. */
        if (has_room(pn_load_acq(&box->inside), box->capacity)) {
            return;
        }
        pn_relax();
    }
#if !defined(PN_EXPLORE)
    if (spin) {
        (void)sched_yield();
        return;
    }
#else
    (void)spin;
#endif
    uint32_t key = pn_eventcount_prepare(&box->room);
    /* The second look that P1 of park.c is about; M5 acquire: as above. */
    if (has_room(pn_load_acq(&box->inside), box->capacity)) {
        pn_eventcount_cancel(&box->room);
        return;
    }
    (void)pn_eventcount_wait(&box->room, key, PN_FOREVER);
}
