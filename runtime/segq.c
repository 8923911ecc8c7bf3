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
 *   Q5  deq of a ticket (release) -> deq of a later one, or read by an EMPTY check (acquire): the
 *       pushes that the earlier popper knew of. Else the later one could miss the next segment that
 *       is known to be there, and answer EMPTY.
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
#include "runtime/segq_parts.h"

#if defined(PN_EXPLORE)
enum { WAIT_FOR_PUSHER = 1, SLIP_NEAR = 1, SLIP_FIRST = 1, SLIP_MOST = 1, GROW_PAUSES = 1 };
#else
/* Polls of a cell whose pusher holds the ticket already: longer than a swap that is under way, far
 * shorter than a time slice. */
enum { WAIT_FOR_PUSHER = 64 };
/* In answers and in pauses. One producer, one consumer, million items a second on two cores of a
 * Zen: no slip 27, 8 pauses 46, 32: 83, 64: 105, 128: 130; 64 are under a microsecond there.
 * Waiting until a cell 64 or 256 tickets ahead is filled instead, at most 128 pauses: 75 and 100.
 */
enum { SLIP_NEAR = 512, SLIP_FIRST = 4, SLIP_MOST = 64, GROW_PAUSES = 16 };
#endif

static PN_ATOMIC(void *) *
    cell_at(const struct pn_segq_port *port, struct pn_segment *s, uint64_t ticket) {
    return &s->cell[pn_segq_cell_of(port->bursts, ticket)];
}

/* An empty segment: the port's spare, or one of the pool. */
static struct pn_segment *empty_segment(struct pn_segq_port *port) {
    struct pn_segment *s = port->spare;
    port->spare = NULL;
    return s != NULL ? s : pn_segment_get(port->q->pool);
}

/* The tail segment is used up: link a new one that holds the item, or help whoever did.
 * \return OK; EMPTY: the item is not in, look again; FULL; CLOSED */
static enum pn_queue_rc append(struct pn_segq_port *port, struct pn_segment *tail, void *item) {
    struct pn_segq *q = port->q;
    struct pn_segment *expected = tail;
    /* Q2 acquire: pairs with the compare-and-swap below. */
    struct pn_segment *next = pn_load_acq(&tail->next);
    if (next == PN_SEGQ_END) {
        return PN_QUEUE_CLOSED;
    }
    if (next != NULL) {
        /* Q3 release: a failure means that somebody helped. */
        (void)pn_cas_acqrel(&q->tail, &expected, next);
        return PN_QUEUE_EMPTY;
    }
    struct pn_segment *made = pn_segq_too_much_retired(q) ? NULL : empty_segment(port);
    if (made == NULL) {
        return PN_QUEUE_FULL;
    }
    pn_atomic_init(cell_at(port, made, 0), item);
    pn_atomic_init(&made->enq, 1);
    /* Q2 release: pairs with every load of next. LP of this push. */
    if (pn_cas_acqrel(&tail->next, &next, made)) {
        /* Q3 release: as above. */
        (void)pn_cas_acqrel(&q->tail, &expected, made);
        return PN_QUEUE_OK;
    }
    pn_atomic_init(cell_at(port, made, 0), NULL);
    pn_atomic_init(&made->enq, 0);
    port->spare = made;
    pn_count(&port->counts.cas_failed, 1);
    return PN_QUEUE_EMPTY; /* whoever comes next helps or sees the end */
}

/* Put items into the cells of our n tickets, in order; a poisoned cell's item goes into the next.
 * \return how many found one */
static size_t fill(struct pn_segq_port *port, struct pn_segment *s, uint64_t ticket,
                   void *const *items, size_t n) {
    size_t filled = 0;
    for (uint64_t t = ticket; t < ticket + n && t < PN_SEGMENT_CELLS; t++) {
        void *empty = NULL;
        /* Q1 release: pairs with the loads of the cell in take and wait_for_pusher. LP. */
        if (pn_cas_rel(cell_at(port, s, t), &empty, items[filled])) {
            filled++;
        } else {
            pn_count(&port->counts.cas_failed, 1); /* poisoned: the popper of t came first */
        }
    }
    return filled;
}

/* P1 of park.c: after the publication. */
static void published(struct pn_segq_port *port, size_t n) {
    pn_count(&port->counts.push, n);
    if (__builtin_expect(port->waits != NULL, 0) && n > 0) {
        pn_waitlist_notify(&port->waits->items, (unsigned)n);
    }
}

/* P1 of park.c: after the counter grew. */
static void made_room(struct pn_segq_port *port) {
    if (port->waits != NULL) {
        pn_waitlist_notify(&port->waits->room, 1);
    }
}

static void give_back(struct pn_segq_port *port, size_t credits) {
    if (port->credit.credit != NULL && pn_credit_give(&port->credit, credits)) {
        made_room(port);
    }
}

/* In order, until all are in. \return why not all: FULL or CLOSED */
static enum pn_queue_rc push_items(struct pn_segq_port *port, void *const *items, size_t n,
                                   size_t *done) {
    struct pn_segq *q = port->q;
    enum pn_queue_rc rc = port->closed ? PN_QUEUE_CLOSED : PN_QUEUE_OK;
    *done = 0;
    while (*done < n && rc != PN_QUEUE_CLOSED) {
        /* Q3 acquire: pairs with the moves of tail in append and advance_head. */
        struct pn_segment *tail = pn_load_acq(&q->tail);
        /* Q4 release: pairs with the load of enq in nothing_left. */
        uint64_t ticket = pn_faa_rel(&tail->enq, n - *done);
        if (ticket < PN_SEGMENT_CELLS) {
            *done += fill(port, tail, ticket, items + *done, n - *done);
        } else {
            rc = ticket >= PN_SEGQ_CLOSED ? PN_QUEUE_CLOSED : append(port, tail, items[*done]);
            if (rc == PN_QUEUE_FULL) {
                break;
            }
            *done += rc == PN_QUEUE_OK;
        }
        if (*done < n) {
            pn_count(&port->counts.retries, 1);
        }
    }
    published(port, *done);
    pn_count(&port->counts.full, rc == PN_QUEUE_FULL);
    /* A ticket of a closed segment makes poppers wait for an item that will not come: not again. */
    port->closed = rc == PN_QUEUE_CLOSED;
    return *done == n ? PN_QUEUE_OK : rc;
}

/* Out of line, so that the first try stays short. */
__attribute__((noinline)) static enum pn_queue_rc push_again(struct pn_segq_port *port,
                                                             void *item) {
    size_t done = 0;
    pn_count(&port->counts.retries, 1);
    return push_items(port, &item, 1, &done);
}

enum pn_queue_rc pn_segq_push_credited(struct pn_segq_port *port, void *item) {
    if (port->closed) {
        return PN_QUEUE_CLOSED;
    }
    /* Q3 acquire, Q4 release, Q1 release: as in push_items and fill. */
    struct pn_segment *tail = pn_load_acq(&port->q->tail);
    uint64_t ticket = pn_faa_rel(&tail->enq, 1);
    void *empty = NULL;
    if (ticket < PN_SEGMENT_CELLS && pn_cas_rel(cell_at(port, tail, ticket), &empty, item)) {
        published(port, 1);
        return PN_QUEUE_OK;
    }
    return push_again(port, item);
}

size_t pn_segq_push_n_credited(struct pn_segq_port *port, void *const *items, size_t n) {
    size_t done = 0;
    (void)push_items(port, items, n, &done);
    return done;
}

enum pn_queue_rc pn_segq_push(struct pn_segq_port *port, void *item) {
    if (port->credit.credit == NULL) {
        return pn_segq_push_credited(port, item);
    }
    if (!pn_credit_take(&port->credit, 1)) {
        pn_count(&port->counts.full, 1);
        return PN_QUEUE_FULL;
    }
    enum pn_queue_rc rc = pn_segq_push_credited(port, item);
    if (rc != PN_QUEUE_OK) {
        give_back(port, 1);
    }
    return rc;
}

size_t pn_segq_push_n(struct pn_segq_port *port, void *const *items, size_t n) {
    if (port->credit.credit == NULL) {
        return pn_segq_push_n_credited(port, items, n);
    }
    size_t credits = pn_credit_take_some(&port->credit, n);
    size_t done = pn_segq_push_n_credited(port, items, credits);
    pn_count(&port->counts.full, credits == 0);
    if (done < credits) {
        give_back(port, credits - done);
    }
    return done;
}

/* A consumer that runs on a producer's heels pays for the travel of a line with every item, and
 * makes the producer pay too. If it only consumes, and misses keep coming, it lets the producer get
 * ahead. Fewer than SLIP_NEAR answers since the last miss: they keep coming. A rare miss, as of
 * messages that come singly, costs no wait. */
static void slip(struct pn_segq_port *port) {
    /* relaxed: own counters. */
    uint64_t answers = pn_load_rlx(&port->counts.pop) + pn_load_rlx(&port->counts.empty);
    uint64_t pushes = pn_load_rlx(&port->counts.push);
    bool again = answers - port->miss_answers < SLIP_NEAR && pushes == port->miss_pushes;
    unsigned more = port->slip == 0 ? SLIP_FIRST : 2 * port->slip;
    port->slip = !again ? 0 : more < SLIP_MOST ? more : SLIP_MOST;
    port->miss_answers = answers;
    port->miss_pushes = pushes;
    for (unsigned i = 0; i < port->slip; i++) {
        pn_relax();
    }
}

/* Our ticket's cell was empty: wait for its pusher if it holds the ticket already, then poison.
 * \return the item, or NULL: the ticket is burnt */
__attribute__((noinline)) static void *wait_for_pusher(struct pn_segq_port *port,
                                                       struct pn_segment *s, uint64_t ticket) {
    PN_ATOMIC(void *) *cell = cell_at(port, s, ticket);
    void *item = NULL;
    /* relaxed: whether waiting is worth while; nothing follows from it. */
    if ((pn_load_rlx(&s->enq) & ~PN_SEGQ_CLOSED) > ticket) {
        uint64_t polls = 0;
        for (; polls < WAIT_FOR_PUSHER; polls++) {
            pn_relax();
            item = pn_load_acq(cell); /* Q1 acquire: as in take */
            if (item != NULL) {
                break;
            }
        }
        pn_count_longest(&port->counts.longest_wait, polls);
        if (item != NULL) {
            slip(port);
            return item;
        }
    }
    /* Q1 acquire on failure: then `item` is what the pusher put there just now. */
    return pn_cas_acq(cell, &item, PN_TAKEN) ? NULL : item;
}

/* The item of a ticket that is ours, or NULL after poisoning its cell. */
static void *take(struct pn_segq_port *port, struct pn_segment *s, uint64_t ticket) {
    /* Q1 acquire: pairs with the swap in fill. */
    void *item = pn_load_acq(cell_at(port, s, ticket));
    return item != NULL ? item : wait_for_pusher(port, s, ticket);
}

/* The head segment's tickets are used up. \return OK: look again; EMPTY or CLOSED: no other */
static enum pn_queue_rc advance_head(struct pn_segq *q, struct pn_segment *head) {
    /* Q2 acquire: pairs with the link in append. */
    struct pn_segment *next = pn_load_acq(&head->next);
    if (next == NULL || next == PN_SEGQ_END) {
        return next == NULL ? PN_QUEUE_EMPTY : PN_QUEUE_CLOSED;
    }
    /* RCU: tail leaves the segment before anyone can retire it. Q3 acquire: `head` was read from
     * q->head, so this load cannot return a segment before it. */
    struct pn_segment *expected = head;
    if (pn_load_acq(&q->tail) == head) {
        /* Q3 release: pairs with the load of tail in push. */
        (void)pn_cas_acqrel(&q->tail, &expected, next);
        expected = head;
    }
    /* Q3 release: pairs with the load of head in pop_items. */
    if (pn_cas_acqrel(&q->head, &expected, next)) {
        pn_segq_retire(q, head);
    }
    return PN_QUEUE_OK;
}

/* Without burning a ticket. A segment with a free ticket has no successor, so enq <= deq here means
 * that the whole queue was empty when enq was read. \return EMPTY, CLOSED; OK: there is more */
static enum pn_queue_rc nothing_left(const struct pn_segq_port *port, struct pn_segment *s,
                                     uint64_t deq) {
    /* relaxed: the cell spares the read of enq, a line that pushers write, while there are items.
     */
    if (pn_load_rlx(cell_at(port, s, deq)) != NULL) {
        return PN_QUEUE_OK;
    }
    /* Q4 acquire: pairs with the ticket in push. LP of EMPTY and of CLOSED. */
    uint64_t enq = pn_load_acq(&s->enq);
    if ((enq & ~PN_SEGQ_CLOSED) > deq) {
        return PN_QUEUE_OK;
    }
    return enq < PN_SEGQ_CLOSED ? PN_QUEUE_EMPTY : PN_QUEUE_CLOSED;
}

/* How many tickets to take at once: as many as seem to be filled from where the next one will be. A
 * look at enq would say it exactly, but moves a line that pushers write; these cells will be read
 * soon in any case. While more is filled between two looks, looking on costs less than the lines
 * that a second taking moves. A wrong guess costs the pushers of our tickets a retry. */
static uint64_t in_sight(const struct pn_segq_port *port, struct pn_segment *head, size_t n) {
#if defined(PN_EXPLORE)
    (void)head;
    return port->hot ? n : 1; /* a wrong guess must do no harm: make many */
#endif
    if (n == 1 || !port->hot || port->segment != head) {
        return 1;
    }
    uint64_t first = port->next + port->gap;
    uint64_t filled = 0;
    for (uint64_t before = 0;; before = filled) {
        /* relaxed: a guess. */
        while (filled < n && first + filled < PN_SEGMENT_CELLS &&
               pn_load_rlx(cell_at(port, head, first + filled)) != NULL) {
            filled++;
        }
        if (filled == before || filled == n || first + filled >= PN_SEGMENT_CELLS) {
            return filled > 0 ? filled : 1;
        }
        for (unsigned i = 0; i < GROW_PAUSES; i++) {
            pn_relax();
        }
    }
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

/* \return how many; 0: *why is EMPTY or CLOSED */
static size_t pop_items(struct pn_segq_port *port, void **items, size_t most,
                        enum pn_queue_rc *why) {
    struct pn_segq *q = port->q;
    for (;;) {
        /* Q3 acquire: pairs with the move of head in advance_head. */
        struct pn_segment *head = pn_load_acq(&q->head);
        if (!port->hot) {
            /* Q5 acquire: pairs with the tickets; keeps the look at enq after this one. */
            uint64_t seen = pn_load_acq(&head->deq);
            *why = seen < PN_SEGMENT_CELLS ? nothing_left(port, head, seen) : PN_QUEUE_OK;
            if (*why != PN_QUEUE_OK) {
                return 0;
            }
        }
        uint64_t n = in_sight(port, head, most);
        /* Q5: pairs with the same of other pops, and with the load of deq above. Acquire also keeps
         * the look at next after it. */
        uint64_t ticket = pn_faa_acqrel(&head->deq, n);
        if (ticket < PN_SEGMENT_CELLS) {
            size_t found = take_n(port, head, ticket, n, items);
            if (found > 0) {
                return found;
            }
        } else {
            *why = advance_head(q, head);
            if (*why != PN_QUEUE_OK) {
                port->hot = false;
                return 0;
            }
        }
        pn_count(&port->counts.retries, 1);
    }
}

/* Nothing there. What is owed must not be missing elsewhere. */
static enum pn_queue_rc went_without(struct pn_segq_port *port, enum pn_queue_rc why) {
    pn_count(&port->counts.empty, 1);
    if (port->credit.credit != NULL && pn_credit_flush(&port->credit)) {
        made_room(port);
    }
    return why;
}

static void popped(struct pn_segq_port *port, size_t n) {
    pn_count(&port->counts.pop, n);
    give_back(port, n);
}

__attribute__((noinline)) static enum pn_queue_rc pop_again(struct pn_segq_port *port,
                                                            void **item) {
    enum pn_queue_rc why = PN_QUEUE_OK;
    if (pop_items(port, item, 1, &why) == 0) {
        return went_without(port, why);
    }
    popped(port, 1);
    return PN_QUEUE_OK;
}

enum pn_queue_rc pn_segq_pop(struct pn_segq_port *port, void **item) {
    if (!port->hot) {
        return pop_again(port, item);
    }
    /* Q3 acquire; Q5: as in pop_items. */
    struct pn_segment *head = pn_load_acq(&port->q->head);
    uint64_t ticket = pn_faa_acqrel(&head->deq, 1);
    void *found = ticket < PN_SEGMENT_CELLS ? take(port, head, ticket) : NULL;
    if (found == NULL) {
        port->hot = ticket >= PN_SEGMENT_CELLS;
        return pop_again(port, item);
    }
    *item = found;
    popped(port, 1);
    return PN_QUEUE_OK;
}

size_t pn_segq_pop_n(struct pn_segq_port *port, void **items, size_t n) {
    enum pn_queue_rc why = PN_QUEUE_OK;
    size_t found = pop_items(port, items, n, &why);
    if (found == 0) {
        (void)went_without(port, why);
        return 0;
    }
    popped(port, found);
    return found;
}

enum pn_queue_rc pn_segq_glance(struct pn_segq_port *port) {
    /* Q3, Q4, Q2 acquire: as in pop_items and advance_head. */
    struct pn_segment *head = pn_load_acq(&port->q->head);
    uint64_t deq = pn_load_acq(&head->deq);
    if (deq >= PN_SEGMENT_CELLS) {
        struct pn_segment *next = pn_load_acq(&head->next);
        return next == NULL ? PN_QUEUE_EMPTY : next == PN_SEGQ_END ? PN_QUEUE_CLOSED : PN_QUEUE_OK;
    }
    return nothing_left(port, head, deq);
}

bool pn_segq_seems_nonempty(struct pn_segq_port *port) {
    return pn_segq_glance(port) == PN_QUEUE_OK;
}
