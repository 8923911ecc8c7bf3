/* SPDX-License-Identifier: MIT
 *
 * pn_segq: a linked list of segments; each hands out tickets to its cells by fetch-and-add.
 *
 *   head -> [deq ..... enq) -> ... -> tail
 *
 * A pusher takes a ticket of the tail segment and swaps its item into that cell. A popper takes a
 * ticket of the head segment and reads that cell; if the pusher of this ticket has not come yet,
 * the popper waits a moment, then poisons the cell, and the pusher goes on to its next ticket. Past
 * the last cell the pusher appends a segment that holds its item already, so it never starts over.
 *
 * Progress: lock-free while segments can be had. A stalled thread delays nobody: its cell is
 * poisoned or its item is in place. It does hold up the grace period if it stays online; then
 * retired bytes grow to the bound and push answers FULL.
 * Linearizable FIFO. LP of a push: its successful compare-and-swap on the cell, ordered by ticket;
 * LP of an EMPTY: the read of enq that is not above the segment's deq.
 *
 * Orderings
 *   Q1  item swapped into the cell (release) -> read by the popper (acquire): what the item points
 * to. Q2  new segment linked at next (release) -> next read (acquire): the segment is initialised.
 *   Q3  head and tail moved (release) -> read (acquire): same, for those who did not walk next.
 *   Q4  enq of a ticket (release) -> enq read by an EMPTY check (acquire).
 *
 * RCU: a segment pointer lives within one operation, and threads are quiescent only between
 * operations. Tail is moved off a segment BEFORE head is moved past it: otherwise an operation that
 * starts after the grace period began could still load it from tail.
 *
 * Source: the ticket idea of Morrison & Afek (LCRQ, PPoPP 2013) in the single-use form of Yang &
 * Mellor-Crummey (PPoPP 2016) and of Correia & Ramalhete's FAAArrayQueue; differs: QSBR instead of
 * hazard pointers (no fence per operation), a load instead of an exchange to take an item, a peek
 * before the ticket only after a miss, recycled segments, and credits.
 */
#include "runtime/rcu.h"
#include "runtime/segment.h"

#include <errno.h>
#include <pinion/credit.h>
#include <pinion/segq.h>
#include <stdlib.h>
#include <string.h>

struct pn_segq {
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) head;
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) tail;
    _Alignas(PN_LINE) struct pn_credit *credit; /* NULL = unbounded */
    struct pn_reclaimer *reclaimer;
    uint64_t retired_bytes_max;
    struct pn_segment_pool pool;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) retired; /* once per segment */
};

struct pn_segq_port {
    _Alignas(PN_LINE) struct pn_segq *q;
    bool hot; /* the last pop found something: take a ticket at once */
    struct pn_credit_port credit;
    struct pn_segment *keep;
    struct pn_queue_counts counts;
};

/* Polls of a cell whose pusher holds the ticket already: longer than a swap that is under way, far
 * shorter than a time slice. */
enum { WAIT_FOR_PUSHER = 64 };

/* Eight consecutive tickets on eight lines, so that neighbours do not fight for one. */
static unsigned cell_of(uint64_t ticket) {
#if defined(PN_EXPLORE)
    return (unsigned)ticket;
#else
    unsigned t = (unsigned)ticket;
    return (t & ~63u) | ((t & 7u) << 3) | ((t >> 3) & 7u);
#endif
}

int pn_segq_create(struct pn_segq **out, const struct pn_segq_config *config) {
    struct pn_segq *q = aligned_alloc(PN_LINE, sizeof *q);
    if (q == NULL) {
        return -ENOMEM;
    }
    memset((void *)q, 0, sizeof *q);
    pn_segment_pool_init(&q->pool, config->node);
    q->reclaimer = config->reclaimer;
    q->retired_bytes_max =
        config->retired_bytes_max == 0 ? (uint64_t)16 << 20 : config->retired_bytes_max;
    struct pn_segment *keep = NULL;
    struct pn_segment *first = pn_segment_get(&q->pool, &keep);
    int rc = first == NULL ? -ENOMEM : 0;
    if (rc == 0 && config->capacity > 0) {
        rc = pn_credit_create(&q->credit, config->capacity, config->max_senders);
    }
    if (rc != 0) {
        pn_segment_pool_fini(&q->pool);
        free(q);
        return rc;
    }
    pn_segment_put(&q->pool, keep);
    pn_atomic_init(&q->head, first);
    pn_atomic_init(&q->tail, first);
    pn_atomic_init(&q->retired, 0);
    *out = q;
    return 0;
}

void pn_segq_destroy(struct pn_segq *q) {
    if (q == NULL) {
        return;
    }
    /* Retired segments come back to the pool before the pool's memory goes. */
    pn_reclaimer_barrier(q->reclaimer);
#if defined(PN_EXPLORE)
    for (struct pn_segment *s = pn_load_acq(&q->head); s != NULL;) {
        struct pn_segment *next = pn_load_acq(&s->next);
        s->free_next = NULL;
        pn_segment_put(&q->pool, s);
        s = next;
    }
#endif
    pn_segment_pool_fini(&q->pool);
    pn_credit_destroy(q->credit);
    free(q);
}

int pn_segq_port_open(struct pn_segq *q, struct pn_segq_port **out) {
    struct pn_segq_port *port = aligned_alloc(PN_LINE, sizeof *port);
    if (port == NULL) {
        return -ENOMEM;
    }
    memset(port, 0, sizeof *port);
    port->q = q;
    pn_credit_port_init(&port->credit, q->credit);
    *out = port;
    return 0;
}

void pn_segq_port_close(struct pn_segq_port *port) {
    if (port == NULL) {
        return;
    }
    if (port->q->credit != NULL) {
        (void)pn_credit_flush(&port->credit);
    }
    pn_segment_put(&port->q->pool, port->keep);
    free(port);
}

/* Runs after the grace period, on the reclaimer. */
static void recycle(struct pn_retired *piece, void *context) {
    struct pn_segq *q = context;
    struct pn_segment *s = (struct pn_segment *)(void *)piece;
    s->free_next = NULL;
    pn_segment_put(&q->pool, s);
    (void)pn_faa_rlx(&q->pool.recycled, 1); /* relaxed: a statistic */
}

/* RCU: the caller has moved both tail and head past s, so no new operation can reach it. */
static void retire(struct pn_segq *q, struct pn_segment *s) {
    s->retired = (struct pn_retired){.fn = recycle, .context = q, .bytes = sizeof *s};
    (void)pn_faa_rlx(&q->retired, 1); /* relaxed: a statistic */
    pn_reclaimer_retire(q->reclaimer, &s->retired);
}

enum append { APPEND_DONE, APPEND_AGAIN, APPEND_FULL };

/* The tail segment is used up: link a new one that holds the item, or help whoever did. */
static enum append append(struct pn_segq_port *port, struct pn_segment *tail, void *item) {
    struct pn_segq *q = port->q;
    struct pn_segment *expected = tail;
    /* Q2 acquire: pairs with the compare-and-swap below. */
    struct pn_segment *next = pn_load_acq(&tail->next);
    if (next != NULL) {
        (void)pn_cas_acqrel(&q->tail, &expected, next);
        return APPEND_AGAIN;
    }
    if (pn_reclaimer_pending_bytes(q->reclaimer) > q->retired_bytes_max) {
        return APPEND_FULL;
    }
    struct pn_segment *made = pn_segment_get(&q->pool, &port->keep);
    if (made == NULL) {
        return APPEND_FULL;
    }
    pn_atomic_init(&made->cell[cell_of(0)], item);
    pn_atomic_init(&made->enq, 1);
    /* Q2 release: the segment and its first item; pairs with every load of next. LP of this push.
     */
    if (pn_cas_acqrel(&tail->next, &next, made)) {
        /* Q3 release: a failure means that somebody helped. */
        (void)pn_cas_acqrel(&q->tail, &expected, made);
        return APPEND_DONE;
    }
    made->free_next = port->keep;
    port->keep = made;
    port->counts.cas_failed++;
    (void)pn_cas_acqrel(&q->tail, &expected, next);
    return APPEND_AGAIN;
}

enum pn_queue_rc pn_segq_push_credited(struct pn_segq_port *port, void *item) {
    struct pn_segq *q = port->q;
    for (;;) {
        /* Q3 acquire: pairs with the moves of tail in append and advance_head. */
        struct pn_segment *tail = pn_load_acq(&q->tail);
        /* Q4 release: pairs with the load of enq in looks_empty. */
        uint64_t ticket = pn_faa_acqrel(&tail->enq, 1);
        if (ticket < PN_SEGMENT_CELLS) {
            void *empty = NULL;
            /* Q1 release: pairs with the loads of the cell in take. LP. */
            if (pn_cas_acqrel(&tail->cell[cell_of(ticket)], &empty, item)) {
                break;
            }
            port->counts.cas_failed++; /* poisoned: the popper of this ticket came first */
        } else {
            enum append rc = append(port, tail, item);
            if (rc == APPEND_DONE) {
                break;
            }
            if (rc == APPEND_FULL) {
                port->counts.full++;
                return PN_QUEUE_FULL;
            }
        }
        port->counts.retries++;
    }
    port->counts.push++;
    return PN_QUEUE_OK;
}

enum pn_queue_rc pn_segq_push(struct pn_segq_port *port, void *item) {
    if (port->q->credit == NULL) {
        return pn_segq_push_credited(port, item);
    }
    if (!pn_credit_take(&port->credit, 1)) {
        port->counts.full++;
        return PN_QUEUE_FULL;
    }
    enum pn_queue_rc rc = pn_segq_push_credited(port, item);
    if (rc != PN_QUEUE_OK) {
        (void)pn_credit_give(&port->credit, 1);
    }
    return rc;
}

/* The item of a ticket that is ours, or NULL after poisoning its cell. */
static void *take(struct pn_segq_port *port, struct pn_segment *s, uint64_t ticket) {
    PN_ATOMIC(void *) *cell = &s->cell[cell_of(ticket)];
    /* Q1 acquire: pairs with the swap in push. */
    void *item = pn_load_acq(cell);
    if (item != NULL) {
        return item;
    }
    if (pn_load_acq(&s->enq) > ticket) {
        uint64_t polls = 0;
        for (; polls < WAIT_FOR_PUSHER; polls++) {
            pn_relax();
            item = pn_load_acq(cell); /* Q1 acquire */
            if (item != NULL) {
                break;
            }
        }
        if (polls > port->counts.longest_wait) {
            port->counts.longest_wait = polls;
        }
        if (item != NULL) {
            return item;
        }
    }
    /* Q1 acquire on failure: then `item` is what the pusher put there just now. */
    if (pn_cas_acqrel(cell, &item, PN_TAKEN)) {
        return NULL;
    }
    return item;
}

/* The head segment's tickets are used up. \return false if there is no next segment: empty */
static bool advance_head(struct pn_segq *q, struct pn_segment *head) {
    /* Q2 acquire: pairs with the link in append. */
    struct pn_segment *next = pn_load_acq(&head->next);
    if (next == NULL) {
        return false;
    }
    /* RCU: tail leaves the segment before anyone can retire it. */
    struct pn_segment *expected = head;
    if (pn_load_acq(&q->tail) == head) {
        (void)pn_cas_acqrel(&q->tail, &expected, next);
        expected = head;
    }
    if (pn_cas_acqrel(&q->head, &expected, next)) {
        retire(q, head);
    }
    return true;
}

/* Without burning a ticket. A segment with a free ticket has no successor, so enq <= deq here means
 * that the whole queue was empty when enq was read. */
static bool looks_empty(struct pn_segment *s, uint64_t deq) {
    /* Q4 acquire: pairs with the ticket in push. LP of EMPTY. */
    return pn_load_acq(&s->cell[cell_of(deq)]) == NULL && pn_load_acq(&s->enq) <= deq;
}

static void *pop_item(struct pn_segq_port *port) {
    struct pn_segq *q = port->q;
    for (;;) {
        /* Q3 acquire: pairs with the move of head in advance_head. */
        struct pn_segment *head = pn_load_acq(&q->head);
        if (!port->hot) {
            uint64_t seen = pn_load_acq(&head->deq);
            if (seen < PN_SEGMENT_CELLS && looks_empty(head, seen)) {
                return NULL;
            }
        }
        uint64_t ticket = pn_faa_acqrel(&head->deq, 1);
        if (ticket < PN_SEGMENT_CELLS) {
            void *item = take(port, head, ticket);
            port->hot = item != NULL;
            if (item != NULL) {
                return item;
            }
        } else if (!advance_head(q, head)) {
            port->hot = false;
            return NULL;
        }
        port->counts.retries++;
    }
}

enum pn_queue_rc pn_segq_pop(struct pn_segq_port *port, void **item) {
    void *found = pop_item(port);
    if (found == NULL) {
        port->counts.empty++;
        if (port->q->credit != NULL) {
            /* Nothing more to take: what is owed must not be missing elsewhere. */
            (void)pn_credit_flush(&port->credit);
        }
        return PN_QUEUE_EMPTY;
    }
    port->counts.pop++;
    if (port->q->credit != NULL) {
        (void)pn_credit_give(&port->credit, 1);
    }
    *item = found;
    return PN_QUEUE_OK;
}

bool pn_segq_seems_nonempty(struct pn_segq_port *port) {
    struct pn_segment *head = pn_load_acq(&port->q->head);
    uint64_t deq = pn_load_acq(&head->deq);
    if (deq >= PN_SEGMENT_CELLS) {
        return pn_load_acq(&head->next) != NULL;
    }
    return !looks_empty(head, deq);
}

void pn_segq_counts(const struct pn_segq_port *port, struct pn_queue_counts *out) {
    *out = port->counts;
}

void pn_segq_memory(const struct pn_segq *q, struct pn_segq_memory *out) {
    /* relaxed: statistics. */
    out->segments_made = pn_load_rlx(&q->pool.made);
    out->segments_retired = pn_load_rlx(&q->retired);
    out->segments_recycled = pn_load_rlx(&q->pool.recycled);
    out->bytes_mapped = pn_load_rlx(&q->pool.mapped_bytes);
}
