/* SPDX-License-Identifier: MIT
 *
 * The mailbox: many senders, one receiver, which may look only while it is scheduled. Its pop's
 * EMPTY may mean that a sender has not linked yet and claims nothing; going to rest with success
 * claims that it was empty, so that is the EMPTY recorded. After it the receiver stays away until a
 * sender was told to schedule it: a message without that would hang, and be reported as lost.
 */
#include "subject.h"

#include <errno.h>
#include <pinion/mailbox.h>
#include <stdatomic.h>
#include <stdlib.h>

struct made {
    struct pn_mailbox *box;
    /* Relaxed: what the receiver did is for the mailbox to carry to the next one (M3). */
    atomic_uint scheduled;
};

static int create(void **queue, uint64_t capacity, unsigned ports, uint64_t *bound) {
    (void)ports;
    struct made *m = calloc(1, sizeof *m);
    int rc = m == NULL ? -ENOMEM : pn_mailbox_create(&m->box, PN_MAILBOX_LIST, capacity);
    if (rc != 0) {
        free(m);
        return rc;
    }
    *bound = capacity;
    *queue = m;
    return 0;
}

static void destroy(void *queue) {
    struct made *m = queue;
    pn_mailbox_destroy(m->box);
    free(m);
}

static void *open_port(void *queue, enum role role) {
    (void)role;
    return queue;
}

static void close_port(void *port) {
    (void)port;
}

static size_t push(void *port, void *const *items, size_t n, enum answer *why) {
    (void)n;
    *why = ANSWER_FULL;
    struct made *m = port;
    bool idle = false;
    if (pn_mailbox_push(m->box, items[0], &idle) != PN_QUEUE_OK) {
        return 0;
    }
    if (idle) {
        (void)atomic_fetch_add_explicit(&m->scheduled, 1, memory_order_relaxed);
    }
    return 1;
}

static size_t pop(void *port, void **items, size_t n, enum answer *why) {
    struct made *m = port;
    *why = ANSWER_NOTHING;
    if (atomic_load_explicit(&m->scheduled, memory_order_relaxed) == 0) {
        return 0;
    }
    size_t k = 0;
    struct pn_mail *mail = NULL;
    while (k < n && pn_mailbox_pop(m->box, &mail) == PN_QUEUE_OK) {
        items[k++] = mail;
    }
    if (k > 0) {
        pn_mailbox_took(m->box, NULL, (unsigned)k); /* no task waits for room here */
        return k;
    }
    if (pn_mailbox_rest(m->box)) {
        *why = ANSWER_EMPTY;
        (void)atomic_fetch_sub_explicit(&m->scheduled, 1, memory_order_relaxed);
    }
    return 0;
}

const struct subject subject_mailbox = {
    .name = "mailbox",
    .stores = true,
    .create = create,
    .destroy = destroy,
    .open = open_port,
    .close = close_port,
    .push = push,
    .pop = pop,
};
