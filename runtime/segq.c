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
 * Orderings
 *   Q1  item swapped into the cell (release) -> read by the popper (acquire): what it points to.
 *   Q2  new segment linked at next (release) -> next read (acquire): the segment is initialised.
 *   Q3  head and tail moved (release) -> read (acquire): the segment is initialised; and who moved
 *       head had seen tail beyond the old one, so who reads the new head sees tail at least there.
 *   Q4  enq of a ticket (release) -> enq read by an EMPTY check (acquire): pushes that happened
 *       before are counted.
 *
 * Linearizable FIFO. LP of a push: its swap into the cell, or the link of the new segment; pushes
 * are ordered by ticket. LP of a pop: its ticket, or the push it met, whichever is later. LP of an
 * EMPTY: the read of enq, or of next, that found nothing.
 *
 * RCU: a segment pointer lives within one operation, and threads are quiescent only between
 * operations. Tail is moved off a segment BEFORE head is moved past it: otherwise an operation that
 * starts after the grace period began could still load it from tail. (Hazard pointers do not need
 * this: there the appender protects the old segment until tail has moved.)
 *
 * Source: the ticket idea of Morrison & Afek (LCRQ, PPoPP 2013) in the single-use form of Yang &
 * Mellor-Crummey (PPoPP 2016) and of Correia & Ramalhete's FAAArrayQueue (2016); QSBR after
 * Desnoyers, McKenney et al. (IEEE TPDS 2012). Differs: QSBR instead of hazard pointers (no fence
 * per operation), a load instead of an exchange to take an item, a look before the ticket only
 * after a miss, recycled segments, and credits.
 */
#include <pinion/segq.h>

#include "runtime/counters.h"
#include "runtime/segment.h"

#include <errno.h>
#include <pinion/credit.h>
#include <stdlib.h>
#include <string.h>

struct pn_segq {
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) head;
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_segment *) tail;
    _Alignas(PN_LINE) struct pn_credit *credit; /* NULL = unbounded; written once, as to the pool */
    struct pn_reclaimer *reclaimer;
    uint64_t retired_max; /* segments */
    struct pn_segment_pool pool;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) retired; /* once per segment */
};

struct pn_segq_port {
    _Alignas(PN_LINE) struct pn_segq *q;
    bool hot; /* the last pop found something: take a ticket at once */
    /* Where the last ticket was, and how many tickets others took between two of ours: where the
     * next one will be, for the guess of in_sight. */
    struct pn_segment *segment;
    uint64_t next, gap;
    struct pn_credit_port credit;
    struct pn_segment *spare; /* empty; appended by somebody else before this port could */
    struct pn_counters counts;
};

static const uint64_t retired_bytes_default = (uint64_t)16 << 20;

#if defined(PN_EXPLORE)
enum { WAIT_FOR_PUSHER = 1 };
#else
/* Polls of a cell whose pusher holds the ticket already: longer than a swap that is under way, far
 * shorter than a time slice. */
enum { WAIT_FOR_PUSHER = 64 };
#endif

/* Eight consecutive tickets on eight lines, so that neighbours do not fight for one: pairs on two
 * cores with work between 18.6 M operations/s against 16.0 dense (fetch-and-add alone 21.5), no
 * difference in streams, 1 % less in the pool (all medians of 7 to 9 rounds). Two or 16 lines: as
 * eight. Prefetching the cell two to eight tickets ahead bought nothing. */
static unsigned cell_of(uint64_t ticket) {
    unsigned t = (unsigned)ticket;
#if defined(PN_EXPLORE)
    return t;
#else
    return (t & ~63u) | ((t & 7u) << 3) | ((t >> 3) & 7u);
#endif
}

int pn_segq_create(struct pn_segq **out, const struct pn_segq_config *config) {
    if (config->reclaimer == NULL) {
        return -EINVAL;
    }
    struct pn_segq *q = aligned_alloc(PN_LINE, sizeof *q);
    if (q == NULL) {
        return -ENOMEM;
    }
    memset((void *)q, 0, sizeof *q);
    pn_segment_pool_init(&q->pool, config->node);
    q->reclaimer = config->reclaimer;
    uint64_t bytes =
        config->retired_bytes_max == 0 ? retired_bytes_default : config->retired_bytes_max;
    q->retired_max = bytes / sizeof(struct pn_segment);
    struct pn_segment *first = pn_segment_get(&q->pool);
    int rc = first == NULL ? -ENOMEM : 0;
    if (rc == 0 && config->capacity > 0) {
        rc = pn_credit_create(&q->credit, config->capacity, config->max_senders);
    }
    if (rc != 0) {
        pn_segment_pool_fini(&q->pool);
        free(q);
        return rc;
    }
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
    /* RCU: what is retired must be back in the pool before the pool's memory goes. */
    pn_reclaimer_barrier(q->reclaimer);
#if defined(PN_EXPLORE)
    /* There each segment is an allocation of its own, found through the pool. */
    for (struct pn_segment *s = pn_load_acq(&q->head); s != NULL;) {
        struct pn_segment *next = pn_load_acq(&s->next);
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
    memset((void *)port, 0, sizeof *port);
    port->q = q;
    pn_credit_port_init(&port->credit, q->credit);
    *out = port;
    return 0;
}

/* Runs after the grace period, on the reclaimer. */
static void recycle(struct pn_retired *piece, void *context) {
    struct pn_segq *q = context;
    /* RCU: every operation that could reach the segment has ended; G2 of segment.c holds. */
    pn_segment_put(&q->pool, (struct pn_segment *)(void *)piece);
    (void)pn_faa_rlx(&q->pool.recycled, 1); /* relaxed: a count for the bound and for statistics */
}

/* RCU: no new operation can reach s, because tail and head are past it, or it was never linked. */
static void retire(struct pn_segq *q, struct pn_segment *s) {
    s->retired = (struct pn_retired){.fn = recycle, .context = q, .bytes = sizeof *s};
    (void)pn_faa_rlx(&q->retired, 1); /* relaxed: a count for the bound and for statistics */
    pn_reclaimer_retire(q->reclaimer, &s->retired);
}

void pn_segq_port_close(struct pn_segq_port *port) {
    if (port == NULL) {
        return;
    }
    if (port->q->credit != NULL) {
        (void)pn_credit_flush(&port->credit);
    }
    if (port->spare != NULL) {
        retire(port->q, port->spare);
    }
    free(port);
}

/* Whether readers have held up so much that no further segment may be used up. */
static bool too_much_retired(const struct pn_segq *q) {
    /* relaxed: a bound far above one segment; recycled first, so the difference is not negative by
     * more than what is on its way. */
    uint64_t recycled = pn_load_rlx(&q->pool.recycled);
    uint64_t retired = pn_load_rlx(&q->retired);
    return retired > recycled && retired - recycled > q->retired_max;
}

/* An empty segment: the port's spare, or one of the pool. */
static struct pn_segment *empty_segment(struct pn_segq_port *port) {
    struct pn_segment *s = port->spare;
    port->spare = NULL;
    return s != NULL ? s : pn_segment_get(&port->q->pool);
}

enum append { APPEND_DONE, APPEND_AGAIN, APPEND_FULL };

/* The tail segment is used up: link a new one that holds the item, or help whoever did. */
static enum append append(struct pn_segq_port *port, struct pn_segment *tail, void *item) {
    struct pn_segq *q = port->q;
    struct pn_segment *expected = tail;
    /* Q2 acquire: pairs with the compare-and-swap below. */
    struct pn_segment *next = pn_load_acq(&tail->next);
    if (next != NULL) {
        /* Q3 release: a failure means that somebody helped. */
        (void)pn_cas_acqrel(&q->tail, &expected, next);
        return APPEND_AGAIN;
    }
    struct pn_segment *made = too_much_retired(q) ? NULL : empty_segment(port);
    if (made == NULL) {
        return APPEND_FULL;
    }
    pn_atomic_init(&made->cell[cell_of(0)], item);
    pn_atomic_init(&made->enq, 1);
    /* Q2 release: pairs with every load of next. LP of this push. */
    if (pn_cas_acqrel(&tail->next, &next, made)) {
        /* Q3 release: as above. */
        (void)pn_cas_acqrel(&q->tail, &expected, made);
        return APPEND_DONE;
    }
    pn_atomic_init(&made->cell[cell_of(0)], NULL);
    pn_atomic_init(&made->enq, 0);
    port->spare = made;
    pn_count(&port->counts.cas_failed, 1);
    /* Q3 release: as above. */
    (void)pn_cas_acqrel(&q->tail, &expected, next);
    return APPEND_AGAIN;
}

/* Put items into the cells of our n tickets, in order; a poisoned cell's item goes into the next.
 * \return how many found one */
static size_t fill(struct pn_segq_port *port, struct pn_segment *s, uint64_t ticket,
                   void *const *items, size_t n) {
    size_t filled = 0;
    for (uint64_t t = ticket; t < ticket + n && t < PN_SEGMENT_CELLS; t++) {
        void *empty = NULL;
        /* Q1 release: pairs with the loads of the cell in take. LP. */
        if (pn_cas_rel(&s->cell[cell_of(t)], &empty, items[filled])) {
            filled++;
        } else {
            pn_count(&port->counts.cas_failed, 1); /* poisoned: the popper of t came first */
        }
    }
    return filled;
}

size_t pn_segq_push_n_credited(struct pn_segq_port *port, void *const *items, size_t n) {
    struct pn_segq *q = port->q;
    size_t done = 0;
    while (done < n) {
        /* Q3 acquire: pairs with the moves of tail in append and advance_head. */
        struct pn_segment *tail = pn_load_acq(&q->tail);
        /* Q4 release: pairs with the load of enq in looks_empty. */
        uint64_t ticket = pn_faa_rel(&tail->enq, n - done);
        if (ticket < PN_SEGMENT_CELLS) {
            done += fill(port, tail, ticket, items + done, n - done);
        } else {
            enum append rc = append(port, tail, items[done]);
            if (rc == APPEND_FULL) {
                pn_count(&port->counts.full, 1);
                break;
            }
            done += rc == APPEND_DONE;
        }
        pn_count(&port->counts.retries, done < n);
    }
    pn_count(&port->counts.push, done);
    return done;
}

enum pn_queue_rc pn_segq_push_credited(struct pn_segq_port *port, void *item) {
    return pn_segq_push_n_credited(port, &item, 1) == 1 ? PN_QUEUE_OK : PN_QUEUE_FULL;
}

enum pn_queue_rc pn_segq_push(struct pn_segq_port *port, void *item) {
    if (port->q->credit == NULL) {
        return pn_segq_push_credited(port, item);
    }
    if (!pn_credit_take(&port->credit, 1)) {
        pn_count(&port->counts.full, 1);
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
    /* relaxed: whether waiting is worth while; nothing follows from it. */
    if (pn_load_rlx(&s->enq) > ticket) {
        uint64_t polls = 0;
        for (; polls < WAIT_FOR_PUSHER; polls++) {
            pn_relax();
            item = pn_load_acq(cell); /* Q1 acquire: as above */
            if (item != NULL) {
                break;
            }
        }
        pn_count_longest(&port->counts.longest_wait, polls);
        if (item != NULL) {
            return item;
        }
    }
    /* Q1 acquire on failure: then `item` is what the pusher put there just now. */
    if (pn_cas_acq(cell, &item, PN_TAKEN)) {
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
    /* RCU: tail leaves the segment before anyone can retire it. Q3 acquire: `head` was read from
     * q->head, so this load cannot return a segment before it. */
    struct pn_segment *expected = head;
    if (pn_load_acq(&q->tail) == head) {
        /* Q3 release: pairs with the load of tail in push. */
        (void)pn_cas_acqrel(&q->tail, &expected, next);
        expected = head;
    }
    /* Q3 release: pairs with the load of head in pop_item. */
    if (pn_cas_acqrel(&q->head, &expected, next)) {
        retire(q, head);
    }
    return true;
}

/* Without burning a ticket. A segment with a free ticket has no successor, so enq <= deq here means
 * that the whole queue was empty when enq was read. */
static bool looks_empty(struct pn_segment *s, uint64_t deq) {
    /* relaxed: the cell spares the read of enq, a line that pushers write, while there are items.
     * Q4 acquire: pairs with the ticket in push. LP of EMPTY. */
    return pn_load_rlx(&s->cell[cell_of(deq)]) == NULL && pn_load_acq(&s->enq) <= deq;
}

/* How many tickets to take at once: as many as asked for if the cell of the last of them seems to
 * be filled, else one. A look at enq would say it exactly, but moves a line that pushers write;
 * this cell will be read soon in any case. A wrong guess costs the pushers of our tickets a retry.
 */
static uint64_t in_sight(const struct pn_segq_port *port, const struct pn_segment *head, size_t n) {
#if defined(PN_EXPLORE)
    (void)head;
    return port->hot ? n : 1; /* a wrong guess must do no harm: make many */
#endif
    uint64_t last = port->next + 2 * port->gap + n - 1;
    /* relaxed: a guess. */
    bool filled = n > 1 && port->hot && port->segment == head && last < PN_SEGMENT_CELLS &&
                  pn_load_rlx(&head->cell[cell_of(last)]) != NULL;
    return filled ? n : 1;
}

/* The items of n tickets from `ticket` on that are ours; those whose pusher was late are poisoned.
 */
static size_t take_n(struct pn_segq_port *port, struct pn_segment *s, uint64_t ticket, uint64_t n,
                     void **items) {
    size_t found = 0;
    for (uint64_t t = ticket; t < ticket + n && t < PN_SEGMENT_CELLS; t++) {
        items[found] = take(port, s, t);
        found += items[found] != NULL;
    }
    port->gap = port->segment == s ? ticket - port->next : 0;
    port->segment = s;
    port->next = ticket + n;
    port->hot = found > 0;
    return found;
}

static size_t pop_items(struct pn_segq_port *port, void **items, size_t most) {
    struct pn_segq *q = port->q;
    for (;;) {
        /* Q3 acquire: pairs with the move of head in advance_head. */
        struct pn_segment *head = pn_load_acq(&q->head);
        if (!port->hot) {
            /* Q4 acquire: keeps the look at enq after this one. */
            uint64_t seen = pn_load_acq(&head->deq);
            if (seen < PN_SEGMENT_CELLS && looks_empty(head, seen)) {
                return 0;
            }
        }
        uint64_t n = in_sight(port, head, most);
        uint64_t ticket = pn_faa_acq(&head->deq, n); /* acquire: keeps the look at next after it */
        if (ticket < PN_SEGMENT_CELLS) {
            size_t found = take_n(port, head, ticket, n, items);
            if (found > 0) {
                return found;
            }
        } else if (!advance_head(q, head)) {
            port->hot = false;
            return 0;
        }
        pn_count(&port->counts.retries, 1);
    }
}

enum pn_queue_rc pn_segq_pop(struct pn_segq_port *port, void **item) {
    return pn_segq_pop_n(port, item, 1) == 1 ? PN_QUEUE_OK : PN_QUEUE_EMPTY;
}

size_t pn_segq_pop_n(struct pn_segq_port *port, void **items, size_t n) {
    size_t found = pop_items(port, items, n);
    if (found == 0) {
        pn_count(&port->counts.empty, 1);
        if (port->q->credit != NULL) {
            /* Nothing more to take: what is owed must not be missing elsewhere. */
            (void)pn_credit_flush(&port->credit);
        }
        return 0;
    }
    pn_count(&port->counts.pop, found);
    if (port->q->credit != NULL) {
        (void)pn_credit_give(&port->credit, found);
    }
    return found;
}

bool pn_segq_seems_nonempty(struct pn_segq_port *port) {
    /* Q3, Q4, Q2 acquire: as in pop_item and advance_head. */
    struct pn_segment *head = pn_load_acq(&port->q->head);
    uint64_t deq = pn_load_acq(&head->deq);
    if (deq >= PN_SEGMENT_CELLS) {
        return pn_load_acq(&head->next) != NULL;
    }
    return !looks_empty(head, deq);
}

void pn_segq_counts(const struct pn_segq_port *port, struct pn_queue_counts *out) {
    pn_counters_read(&port->counts, out);
}

void pn_segq_memory(const struct pn_segq *q, struct pn_segq_memory *out) {
    /* relaxed: statistics. */
    out->segments_made = pn_load_rlx(&q->pool.made);
    out->segments_retired = pn_load_rlx(&q->retired);
    out->segments_recycled = pn_load_rlx(&q->pool.recycled);
    out->bytes_mapped = pn_load_rlx(&q->pool.mapped_bytes);
}
