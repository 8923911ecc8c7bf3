/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   N1  push's sequence (release) -> pop's sequence (acquire): the item.
 *   N2  pop's sequence (release) -> push's sequence (acquire): the cell may be overwritten.
 *   N3  closing (release) -> tail read by a pop that found nothing (acquire): no push will claim
 *       beyond it.
 *
 * The claims on tail and head carry nothing: a claimed cell's state is known from its sequence.
 *
 * Tried and not taken: swapping index bits so that consecutive positions lie on different lines. It
 * costs a third of the batch rate and bought nothing in pairs.
 */
#include <pinion/ring.h>

#include "runtime/waitlist.h"

#include <errno.h>
#include <stdlib.h>

struct cell {
    PN_ATOMIC(uint64_t) sequence;
    void *item;
};

enum { CELLS_PER_LINE = 64 / sizeof(struct cell) };

struct pn_ring {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) tail; /* with CLOSED */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) head;
    _Alignas(PN_LINE) uint64_t mask;
    struct cell *cell;
    struct pn_waits *waits;     /* NULL: nobody ever waits */
    PN_ATOMIC(uint32_t) closed; /* a glance that spares pops of an open ring the read of tail */
};

/* In tail. No sequence is near a position with this bit, so a push finds no free cell there. */
static const uint64_t CLOSED = (uint64_t)1 << 62;

/* How far ahead a popper that finds whole lines filled asks for the next one. On two cores of a
 * Zen, batches of 32 through 65536 cells, million items a second: none 130, 16 to 256 cells ahead
 * 340 to 430, for writing 250. Asking where the line is not filled yet takes it from the pusher. */
enum { AHEAD = 32 };

int pn_ring_create(struct pn_ring **out, size_t capacity) {
    if (capacity == 0 || capacity > (size_t)1 << 30) {
        return -EINVAL;
    }
    size_t n = 2; /* with one cell, "holds" and "free for the next round" are the same number */
    while (n < capacity) {
        n *= 2;
    }
    struct pn_ring *q = aligned_alloc(PN_LINE, sizeof *q);
    struct cell *cell =
        aligned_alloc(PN_LINE, (n * sizeof *cell + PN_LINE - 1) / PN_LINE * PN_LINE);
    if (q == NULL || cell == NULL) {
        free(q);
        free(cell);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        pn_atomic_init(&cell[i].sequence, i);
        cell[i].item = NULL;
    }
    pn_atomic_init(&q->tail, 0);
    pn_atomic_init(&q->head, 0);
    pn_atomic_init(&q->closed, 0);
    q->mask = n - 1;
    q->cell = cell;
    q->waits = NULL;
    *out = q;
    return 0;
}

void pn_ring_destroy(struct pn_ring *q) {
    if (q != NULL) {
        free(q->cell);
        free(q->waits);
        free(q);
    }
}

int pn_ring_enable_waits(struct pn_ring *q) {
    return q->waits != NULL ? 0 : pn_waits_create(&q->waits);
}

/* P1 of park.c: after the sequences were stored. */
static void moved(struct pn_waitlist *list, size_t n) {
    if (n > 0) {
        pn_waitlist_notify(list, (unsigned)n);
    }
}

size_t pn_ring_capacity(const struct pn_ring *q) {
    return (size_t)q->mask + 1;
}

void pn_ring_close(struct pn_ring *q) {
    pn_store_rel(&q->closed, 1); /* N3: seen by whoever sees the mark, and a glance before */
    /* N3 release: pairs with the load of tail in no_item. LP. */
    (void)pn_for_acqrel(&q->tail, CLOSED);
    if (__builtin_expect(q->waits != NULL, 0)) {
        pn_waitlist_notify(&q->waits->items, UINT32_MAX);
        pn_waitlist_notify(&q->waits->room, UINT32_MAX);
    }
}

/* Claim up to n consecutive cells whose sequence is position + lead. \return how many, from *at */
static size_t claim(struct pn_ring *q, PN_ATOMIC(uint64_t) * index, uint64_t lead, size_t n,
                    uint64_t *at, struct pn_queue_counts *counts) {
    uint64_t position = pn_load_rlx(index); /* relaxed: a guess for the compare-and-swap */
    for (;;) {
        size_t ready = 0;
        int64_t ahead = 0;
        while (ready < n) {
            uint64_t p = position + ready;
            /* N1, N2 acquire: pair with the stores of the sequence in push_n and pop_n. */
            ahead = (int64_t)(pn_load_acq(&q->cell[p & q->mask].sequence) - (p + lead));
            if (ahead != 0) {
                break;
            }
            ready++;
        }
        if (ready == 0 && ahead < 0) {
            return 0;
        }
        if (ready == 0) {
            position = pn_load_rlx(index); /* relaxed: somebody was faster; a new guess */
        } else if (pn_cas_weak_rlx(index, &position, position + ready)) {
            /* relaxed: the cells' sequences carry the edges. */
            *at = position;
            return ready;
        } else if (counts != NULL) {
            counts->cas_failed++;
        }
        if (counts != NULL) {
            counts->retries++;
        }
    }
}

size_t pn_ring_push_n(struct pn_ring *q, void *const *items, size_t n,
                      struct pn_queue_counts *counts) {
    uint64_t at = 0;
    size_t k = n == 0 ? 0 : claim(q, &q->tail, 0, n, &at, counts);
    for (size_t i = 0; i < k; i++) {
        struct cell *c = &q->cell[(at + i) & q->mask];
        c->item = items[i];
        /* N1 release: pairs with the load in claim, called by pop_n. LP. */
        pn_store_rel(&c->sequence, at + i + 1);
    }
    if (q->waits != NULL) {
        moved(&q->waits->items, k);
    }
    if (counts != NULL) {
        counts->push += k;
        counts->full += k == 0;
    }
    return k;
}

size_t pn_ring_pop_n(struct pn_ring *q, void **items, size_t n, struct pn_queue_counts *counts) {
    uint64_t at = 0;
    size_t k = n == 0 ? 0 : claim(q, &q->head, 1, n, &at, counts);
    for (size_t i = 0; k == n && i < k; i += CELLS_PER_LINE) {
        __builtin_prefetch(&q->cell[(at + AHEAD + i) & q->mask]);
    }
    for (size_t i = 0; i < k; i++) {
        struct cell *c = &q->cell[(at + i) & q->mask];
        items[i] = c->item;
        /* N2 release: pairs with the load in claim, called by push_n. */
        pn_store_rel(&c->sequence, at + i + q->mask + 1);
    }
    if (q->waits != NULL) {
        moved(&q->waits->room, k);
    }
    if (counts != NULL) {
        counts->pop += k;
        counts->empty += k == 0;
    }
    return k;
}

enum pn_queue_rc pn_ring_push(struct pn_ring *q, void *item) {
    /* Read before the claim: after it, the read costs 7 % of pairs at one thread. */
    struct pn_waits *waits = q->waits;
    uint64_t p = pn_load_rlx(&q->tail); /* relaxed: a guess for the compare-and-swap */
    for (;;) {
        struct cell *c = &q->cell[p & q->mask];
        /* N2 acquire: pairs with the stores of the sequence in pop and pop_n. */
        int64_t ahead = (int64_t)(pn_load_acq(&c->sequence) - p);
        if (ahead == 0) {
            /* relaxed: as in claim */
            if (pn_cas_weak_rlx(&q->tail, &p, p + 1)) {
                c->item = item;
                /* N1 release: pairs with the loads in pop and claim. LP. */
                pn_store_rel(&c->sequence, p + 1);
                if (__builtin_expect(waits != NULL, 0)) {
                    moved(&waits->items, 1);
                }
                return PN_QUEUE_OK;
            }
        } else if (ahead < 0) {
            return p < CLOSED ? PN_QUEUE_FULL : PN_QUEUE_CLOSED;
        } else {
            p = pn_load_rlx(&q->tail); /* relaxed: somebody was faster; a new guess */
        }
    }
}

/* Why there is nothing at a position: CLOSED only if nobody can have claimed it. */
static enum pn_queue_rc no_item(struct pn_ring *q, uint64_t position) {
    /* N3 acquire: pairs with the mark in pn_ring_close. */
    if (pn_load_acq(&q->closed) == 0) {
        return PN_QUEUE_EMPTY;
    }
    return pn_load_acq(&q->tail) == (position | CLOSED) ? PN_QUEUE_CLOSED : PN_QUEUE_EMPTY;
}

static void ask_ahead(const struct pn_ring *q, uint64_t p) {
    uint64_t last = p + CELLS_PER_LINE - 1;
    /* relaxed: a guess. */
    if (p % CELLS_PER_LINE == 0 && pn_load_rlx(&q->cell[last & q->mask].sequence) == last + 1) {
        __builtin_prefetch(&q->cell[(p + AHEAD) & q->mask]);
    }
}

enum pn_queue_rc pn_ring_pop(struct pn_ring *q, void **item) {
    struct pn_waits *waits = q->waits;
    uint64_t p = pn_load_rlx(&q->head); /* relaxed: a guess for the compare-and-swap */
    for (;;) {
        struct cell *c = &q->cell[p & q->mask];
        /* N1 acquire: pairs with the stores of the sequence in push and push_n. */
        int64_t ahead = (int64_t)(pn_load_acq(&c->sequence) - (p + 1));
        if (ahead == 0) {
            ask_ahead(q, p);
            /* relaxed: as in claim */
            if (pn_cas_weak_rlx(&q->head, &p, p + 1)) {
                *item = c->item;
                /* N2 release: pairs with the loads in push and claim. */
                pn_store_rel(&c->sequence, p + q->mask + 1);
                if (__builtin_expect(waits != NULL, 0)) {
                    moved(&waits->room, 1);
                }
                return PN_QUEUE_OK;
            }
        } else if (ahead < 0) {
            return no_item(q, p);
        } else {
            p = pn_load_rlx(&q->head); /* relaxed: somebody was faster; a new guess */
        }
    }
}

/* How the cell at an index is to what a claim would need: 0 ready, less than 0 not yet. */
static int64_t glance(const struct pn_ring *q, const PN_ATOMIC(uint64_t) * index, uint64_t lead,
                      uint64_t *position) {
    for (;;) {
        *position = pn_load_rlx(index); /* relaxed: a guess that the sequence corrects */
        /* N1, N2 acquire: pair with the stores of the sequence. Beyond what the position needs, it
         * was stored after a later value of the index, which the next load therefore sees. */
        uint64_t sequence = pn_load_acq(&q->cell[*position & q->mask].sequence);
        int64_t ahead = (int64_t)(sequence - (*position + lead));
        if (ahead <= 0) {
            return ahead;
        }
    }
}

bool pn_ring_seems_empty(const struct pn_ring *q) {
    uint64_t head = 0;
    return glance(q, &q->head, 1, &head) < 0;
}

static enum pn_queue_rc attempt_pop(void *queue, void **item) {
    return pn_ring_pop(queue, item);
}

static enum pn_queue_rc attempt_push(void *queue, void **item) {
    return pn_ring_push(queue, *item);
}

static bool pop_possible(void *queue) {
    struct pn_ring *q = queue;
    uint64_t head = 0;
    return glance(q, &q->head, 1, &head) == 0 || no_item(q, head) == PN_QUEUE_CLOSED;
}

static bool push_possible(void *queue) {
    const struct pn_ring *q = queue;
    uint64_t tail = 0;
    /* A closed ring refuses for another reason. */
    return glance(q, &q->tail, 0, &tail) == 0 || tail >= CLOSED;
}

struct pn_wait_point pn_ring_items(struct pn_ring *q) {
    static const struct pn_wait_ops ops = {PN_QUEUE_EMPTY, false, attempt_pop, pop_possible};
    return (struct pn_wait_point){&ops, q, &q->waits->items};
}

struct pn_wait_point pn_ring_room(struct pn_ring *q) {
    static const struct pn_wait_ops ops = {PN_QUEUE_FULL, false, attempt_push, push_possible};
    return (struct pn_wait_point){&ops, q, &q->waits->room};
}
