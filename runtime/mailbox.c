/* SPDX-License-Identifier: MIT
 *
 *   head -> newest message, lowest bit set = empty and idle
 *   tail -> oldest message already taken (or the stub); the next to take is tail's next
 *
 * Orderings
 *   M1  link of next (release) -> receiver's read of next (acquire): the message.
 *   M2  exchange of head (release) -> exchange of head by the next sender (acquire): the previous
 *       message is initialised before it is linked to.
 *   M3  rest's swap (release) -> the next sender's exchange (acquire): what the receiver did while
 *       scheduled is seen by whoever schedules it next.
 */
#include <pinion/mailbox.h>

#include "runtime/atomic.h"

#include <errno.h>
#include <stdlib.h>

#define IDLE ((uintptr_t)1)

/* The atomic view of a message's link. */
struct link {
    PN_ATOMIC(struct link *) next;
};
_Static_assert(sizeof(struct link) == sizeof(struct pn_mail), "a link is what a message begins with");

struct pn_mailbox {
    _Alignas(PN_LINE) PN_ATOMIC(uintptr_t) head; /* senders */
    _Alignas(PN_LINE) struct link *tail;         /* receiver */
    struct link stub;
};

int pn_mailbox_create(struct pn_mailbox **out) {
    struct pn_mailbox *box = aligned_alloc(PN_LINE, sizeof *box);
    if (box == NULL) {
        return -ENOMEM;
    }
    pn_atomic_init(&box->stub.next, NULL);
    pn_atomic_init(&box->head, (uintptr_t)&box->stub | IDLE);
    box->tail = &box->stub;
    *out = box;
    return 0;
}

void pn_mailbox_destroy(struct pn_mailbox *box) {
    free(box);
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

bool pn_mailbox_push(struct pn_mailbox *box, struct pn_mail *mail) {
    return enqueue(box, (struct link *)mail);
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
         * actor is scheduled, so this push of our own never meets the mark. */
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

bool pn_mailbox_rest(struct pn_mailbox *box) {
    uintptr_t empty = (uintptr_t)&box->stub;
    if (box->tail != &box->stub) {
        return false;
    }
    /* M3 release: pairs with the exchange in enqueue. */
    return pn_cas_acqrel(&box->head, &empty, empty | IDLE);
}
