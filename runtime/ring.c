/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   N1  push's sequence (release) -> pop's sequence (acquire): the item.
 *   N2  pop's sequence (release) -> push's sequence (acquire): the cell may be overwritten.
 * The claims on tail and head carry nothing: a claimed cell's state is known from its sequence.
 *
 * Tried and not taken: swapping index bits so that consecutive positions lie on different lines. It
 * costs a third of the batch rate and bought nothing in pairs.
 */
#include <pinion/ring.h>

#include "runtime/atomic.h"

#include <errno.h>
#include <stdlib.h>

struct cell {
    PN_ATOMIC(uint64_t) sequence;
    void *item;
};

struct pn_ring {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) tail;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) head;
    _Alignas(PN_LINE) uint64_t mask;
    struct cell *cell;
};

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
    q->mask = n - 1;
    q->cell = cell;
    *out = q;
    return 0;
}

void pn_ring_destroy(struct pn_ring *q) {
    if (q != NULL) {
        free(q->cell);
        free(q);
    }
}

size_t pn_ring_capacity(const struct pn_ring *q) {
    return (size_t)q->mask + 1;
}

/* Claim up to n consecutive cells whose sequence is position + lead. \return how many, from *at */
static size_t claim(struct pn_ring *q, PN_ATOMIC(uint64_t) * index, uint64_t lead, size_t n,
                    uint64_t *at, struct pn_queue_counts *counts) {
    if (n == 0) {
        return 0;
    }
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
    size_t k = claim(q, &q->tail, 0, n, &at, counts);
    for (size_t i = 0; i < k; i++) {
        struct cell *c = &q->cell[(at + i) & q->mask];
        c->item = items[i];
        /* N1 release: pairs with the load in claim, called by pop_n. LP. */
        pn_store_rel(&c->sequence, at + i + 1);
    }
    if (counts != NULL) {
        counts->push += k;
        counts->full += k == 0;
    }
    return k;
}

size_t pn_ring_pop_n(struct pn_ring *q, void **items, size_t n, struct pn_queue_counts *counts) {
    uint64_t at = 0;
    size_t k = claim(q, &q->head, 1, n, &at, counts);
    for (size_t i = 0; i < k; i++) {
        struct cell *c = &q->cell[(at + i) & q->mask];
        items[i] = c->item;
        /* N2 release: pairs with the load in claim, called by push_n. */
        pn_store_rel(&c->sequence, at + i + q->mask + 1);
    }
    if (counts != NULL) {
        counts->pop += k;
        counts->empty += k == 0;
    }
    return k;
}

enum pn_queue_rc pn_ring_push(struct pn_ring *q, void *item) {
    return pn_ring_push_n(q, &item, 1, NULL) == 1 ? PN_QUEUE_OK : PN_QUEUE_FULL;
}

enum pn_queue_rc pn_ring_pop(struct pn_ring *q, void **item) {
    return pn_ring_pop_n(q, item, 1, NULL) == 1 ? PN_QUEUE_OK : PN_QUEUE_EMPTY;
}

bool pn_ring_seems_empty(const struct pn_ring *q) {
    /* N1 acquire: an answer "not empty" comes after the push it saw. */
    uint64_t head = pn_load_acq(&q->head);
    return pn_load_acq(&q->cell[head & q->mask].sequence) != head + 1;
}
