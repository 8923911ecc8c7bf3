/* SPDX-License-Identifier: MIT
 *
 * Queues. Measured: an item in and out again by one thread (push_pop: the instructions, lines at
 * home), and a stream from one pinned thread to another (hand_over: with the travel of lines). Not
 * measured: many senders, wake-ups, and what an item carries. One iteration = one item.
 */
#include "micro.h"
#include "runtime/atomic.h"

#include <pinion/mailbox.h>
#include <pinion/ring.h>
#include <pinion/spsc.h>
#include <stdlib.h>

/* CAPACITY bounds what is inside; more messages than that, so that none is sent again in there. */
enum { CAPACITY = 1024, MAILS = 2 * CAPACITY, BATCH = 16 };
enum kind { KIND_RING, KIND_SPSC, KIND_MAILBOX };

struct queue {
    struct pn_ring *ring;
    struct pn_spsc *spsc;
    struct pn_mailbox *box;
    struct pn_mail *mails; /* [MAILS] */
    uint64_t sum;          /* of what came out: the receiver's */
    unsigned taken;        /* from the mailbox, not reported yet */
};

static void destroy(struct queue *q) {
    if (q != NULL) {
        pn_ring_destroy(q->ring);
        pn_spsc_destroy(q->spsc);
        pn_mailbox_destroy(q->box);
        free(q->mails);
        free(q);
    }
}

static struct queue *create(enum kind kind) {
    struct queue *q = calloc(1, sizeof *q);
    int rc = q == NULL ? -1 : 0;
    if (rc == 0 && kind == KIND_RING) {
        rc = pn_ring_create(&q->ring, CAPACITY);
    } else if (rc == 0 && kind == KIND_SPSC) {
        rc = pn_spsc_create(&q->spsc, CAPACITY);
    } else if (rc == 0) {
        rc = pn_mailbox_create(&q->box, PN_MAILBOX_LIST, CAPACITY);
        q->mails = calloc(MAILS, sizeof *q->mails);
        rc = q->mails == NULL ? -1 : rc;
    }
    if (rc != 0) {
        destroy(q);
        return NULL;
    }
    return q;
}

/* Item i is 8 times the number i + 1 (for the mailbox: message i modulo MAILS, counted 1). */
static bool push(struct queue *q, enum kind kind, uint64_t i) {
    void *item = (void *)(uintptr_t)(8 * (i + 1));
    bool idle = false;
    switch (kind) {
    case KIND_RING:
        return pn_ring_push(q->ring, item) == PN_QUEUE_OK;
    case KIND_SPSC:
        return pn_spsc_push(q->spsc, item) == PN_QUEUE_OK;
    case KIND_MAILBOX:
        return pn_mailbox_push(q->box, &q->mails[i % MAILS], &idle) == PN_QUEUE_OK;
    }
    return false;
}

static bool pop(struct queue *q, enum kind kind) {
    void *item = NULL;
    struct pn_mail *mail = NULL;
    if (kind == KIND_MAILBOX) {
        if (pn_mailbox_pop(q->box, &mail) != PN_QUEUE_OK) {
            return false;
        }
        q->sum += (uint64_t)(mail - q->mails) + 1;
        if (++q->taken == BATCH) {
            pn_mailbox_took(q->box, NULL, BATCH); /* nobody waits on a scheduler */
            q->taken = 0;
        }
        return true;
    }
    bool ok = kind == KIND_RING ? pn_ring_pop(q->ring, &item) == PN_QUEUE_OK
                                : pn_spsc_pop(q->spsc, &item) == PN_QUEUE_OK;
    q->sum += (uint64_t)(uintptr_t)item / 8;
    return ok;
}

static uint64_t expected(enum kind kind, uint64_t n) {
    uint64_t rounds = n / MAILS, rest = n % MAILS, all = MAILS;
    return kind == KIND_MAILBOX ? rounds * (all * (all + 1) / 2) + rest * (rest + 1) / 2
                                : n * (n + 1) / 2;
}

static void run_push_pop(struct pn_bench_state *state, const struct pn_bench_case *self) {
    enum kind kind = (enum kind)self->value;
    struct queue *q = create(kind);
    (void)pn_bench_pin(state);
    if (q == NULL) {
        pn_bench_fail(state, "no memory");
        return;
    }
    uint64_t n = pn_bench_begin(state);
    bool ok = true;
    for (uint64_t i = 0; i < n; i++) {
        ok = push(q, kind, i) && pop(q, kind) && ok;
    }
    pn_bench_end(state);
    if (!ok || q->sum != expected(kind, n)) {
        pn_bench_fail(state, "what went in did not come out");
    }
    destroy(q);
}

/* Thread 0 sends, thread 1 receives; both poll. */
static void run_hand_over(struct pn_bench_state *state, const struct pn_bench_case *self) {
    enum kind kind = (enum kind)self->value;
    void **shared = pn_bench_shared(state);
    bool sends = pn_bench_thread(state) == 0;
    (void)pn_bench_pin(state);
    if (sends) {
        *shared = create(kind);
    }
    uint64_t n = pn_bench_begin(state);
    struct queue *q = *shared;
    for (uint64_t i = 0; i < n && q != NULL; i++) {
        while (!(sends ? push(q, kind, i) : pop(q, kind))) {
            pn_relax();
        }
    }
    pn_bench_end(state);
    if (sends) {
        if (n != 0 && (q == NULL || q->sum != expected(kind, n))) {
            pn_bench_fail(state, "what went in did not come out");
        }
        destroy(q);
        *shared = NULL;
    }
}

static const struct pn_bench_case cases[] = {
    {"queue/push_pop/kind=ring", run_push_pop, 1, KIND_RING, 0},
    {"queue/push_pop/kind=spsc", run_push_pop, 1, KIND_SPSC, 0},
    {"queue/push_pop/kind=mailbox", run_push_pop, 1, KIND_MAILBOX, 0},
    {"queue/hand_over/kind=ring", run_hand_over, 2, KIND_RING, 0},
    {"queue/hand_over/kind=spsc", run_hand_over, 2, KIND_SPSC, 0},
    {"queue/hand_over/kind=mailbox", run_hand_over, 2, KIND_MAILBOX, 0},
};

const struct pn_micro_table pn_micro_queue = {cases, sizeof cases / sizeof cases[0]};
