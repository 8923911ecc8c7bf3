/* SPDX-License-Identifier: MIT
 *
 * Where blocks come home: many threads push chains of blocks, the owner takes all there is.
 *
 * Orderings
 *   I1  push -> take: the links of the chain, and everything the freeing thread did with the
 *       blocks, happen before the owner hands them out again. Later pushes continue the release
 *       sequence of earlier ones (they are read-modify-writes), so one acquire covers the list.
 *
 * Progress: push is lock-free (it retries only when another push or a take came between), take is
 * wait-free. No ABA: a push depends on the head only as the value its own tail links to, and
 * nothing but take-all ever removes.
 * Source: the push of R. K. Treiber's stack (IBM RJ 5118, 1986), never popped singly.
 */
#ifndef PN_INBOX_H
#define PN_INBOX_H

#include "runtime/atomic.h"

#include <stdbool.h>
#include <stddef.h>

/* The first word of a block that is free or on its way home. */
struct pn_link {
    struct pn_link *next;
};

struct pn_inbox {
    PN_ATOMIC(struct pn_link *) head;
};

static inline void pn_inbox_init(struct pn_inbox *inbox) {
    pn_atomic_init(&inbox->head, NULL);
}

/**
 * Push a chain head .. tail, linked by next; ownership passes to the inbox.
 * \return compare-and-swaps lost
 */
static inline unsigned pn_inbox_push(struct pn_inbox *inbox, struct pn_link *head,
                                     struct pn_link *tail) {
    unsigned lost = 0;
    /* relaxed: the value is only linked to and compared, never followed here. */
    struct pn_link *old = pn_load_rlx(&inbox->head);
    for (;;) {
        tail->next = old;
        /* LP of a push. I1 release: the chain's links are visible to pn_inbox_take. */
        if (pn_cas_weak_rel(&inbox->head, &old, head)) {
            return lost;
        }
        lost++;
    }
}

/* Whether a take would find something. Any thread. */
static inline bool pn_inbox_waiting(const struct pn_inbox *inbox) {
    /* I1 acquire: an answer "yes" comes after the push it saw. */
    return pn_load_acq(&inbox->head) != NULL;
}

/* Owner only: everything pushed so far, newest chain first; NULL if nothing. */
static inline struct pn_link *pn_inbox_take(struct pn_inbox *inbox) {
    /* relaxed: a glance that spares the exchange; what it misses is taken next time. */
    if (pn_load_rlx(&inbox->head) == NULL) {
        return NULL;
    }
    /* LP of a take. I1 acquire: pairs with the release in pn_inbox_push. */
    return pn_xchg_acq(&inbox->head, NULL);
}

#endif
