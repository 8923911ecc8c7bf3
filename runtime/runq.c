/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   W1  push's tail (release) -> steal's tail (acquire): the cells and the tasks.
 *   W2  pop's and steal's head (release) -> push's head (acquire): the cells may be overwritten.
 *   W3  steal's reads of cells -> its swap of head from the value it began with: a push overwrites
 *       a cell only after it saw a head beyond it, and head never returns to a value, so the swap
 *       fails exactly when something was overwritten. No order is needed for that, only the swap.
 *
 * Cells are atomic because a thief may read one that the owner overwrites; it then discards the
 * value. Go and Tokio pack two indices into head, so that a thief marks the cells it is copying;
 * with 64-bit indices and atomic cells one swap after the copy does the same.
 */
#include <pinion/runq.h>

#include "runtime/counters.h"

#include <errno.h>
#include <stdlib.h>

#if defined(PN_EXPLORE)
enum { CAPACITY = 2 };
#else
enum { CAPACITY = PN_RUNQ_CAPACITY };
#endif

struct pn_runq {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) head;  /* owner and thieves */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) tail;  /* owner */
    PN_ATOMIC(uint64_t) full, empty, cas_failed; /* owner */
    _Alignas(PN_LINE) PN_ATOMIC(void *) cell[CAPACITY];
};

int pn_runq_create(struct pn_runq **out) {
    struct pn_runq *q = aligned_alloc(PN_LINE, sizeof *q);
    if (q == NULL) {
        return -ENOMEM;
    }
    pn_atomic_init(&q->full, 0);
    pn_atomic_init(&q->empty, 0);
    pn_atomic_init(&q->cas_failed, 0);
    pn_atomic_init(&q->head, 0);
    pn_atomic_init(&q->tail, 0);
    for (unsigned i = 0; i < CAPACITY; i++) {
        pn_atomic_init(&q->cell[i], NULL);
    }
    *out = q;
    return 0;
}

void pn_runq_destroy(struct pn_runq *q) {
    free(q);
}

bool pn_runq_push(struct pn_runq *q, void *task) {
    uint64_t tail = pn_load_rlx(&q->tail); /* relaxed: own index */
    /* W2 acquire: pairs with the swaps of head in pop and steal. */
    if (tail - pn_load_acq(&q->head) == CAPACITY) {
        pn_count(&q->full, 1);
        return false;
    }
    pn_store_rlx(&q->cell[tail % CAPACITY], task); /* relaxed: published by W1 */
    /* W1 release: pairs with the load in pn_runq_steal. LP. */
    pn_store_rel(&q->tail, tail + 1);
    return true;
}

void *pn_runq_pop(struct pn_runq *q) {
    uint64_t head = pn_load_rlx(&q->head); /* relaxed: a guess for the compare-and-swap */
    for (;;) {
        if (head == pn_load_rlx(&q->tail)) { /* relaxed: own index. LP of NULL. */
            pn_count(&q->empty, 1);
            return NULL;
        }
        void *task = pn_load_rlx(&q->cell[head % CAPACITY]); /* relaxed: own store */
        /* W2 release: pairs with the load in pn_runq_push. LP. */
        if (pn_cas_rel(&q->head, &head, head + 1)) {
            return task;
        }
        pn_count(&q->cas_failed, 1);
    }
}

size_t pn_runq_steal(struct pn_runq *q, void **out, size_t max) {
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        /* W1: acquire keeps the look at tail after it, so that the difference is not negative. */
        uint64_t head = pn_load_acq(&q->head);
        /* W1 acquire: pairs with the store in pn_runq_push. */
        uint64_t tail = pn_load_acq(&q->tail);
        uint64_t queued = tail - head;
        if (queued == 0) {
            return 0;
        }
        if (queued > CAPACITY) {
            continue; /* head is older than tail by a whole round */
        }
        size_t n = (size_t)(queued - queued / 2);
        n = n < max ? n : max;
        for (size_t i = 0; i < n; i++) {
            /* relaxed: W1 carried it; W3 discards it if it was overwritten. */
            out[i] = pn_load_rlx(&q->cell[(head + i) % CAPACITY]);
        }
        /* W2 release: pairs with the load in pn_runq_push; W3. LP. */
        if (pn_cas_rel(&q->head, &head, head + n)) {
            return n;
        }
    }
    return 0;
}

void pn_runq_counts(const struct pn_runq *q, struct pn_queue_counts *out) {
    /* relaxed: statistics. The indices count what went in and out. */
    *out = (struct pn_queue_counts){.push = pn_load_rlx(&q->tail),
                                    .pop = pn_load_rlx(&q->head),
                                    .cas_failed = pn_load_rlx(&q->cas_failed),
                                    .retries = pn_load_rlx(&q->cas_failed),
                                    .full = pn_load_rlx(&q->full),
                                    .empty = pn_load_rlx(&q->empty)};
}

size_t pn_runq_length(const struct pn_runq *q) {
    /* W1 acquire: an answer above 0 comes after the push it saw. */
    uint64_t head = pn_load_acq(&q->head);
    uint64_t tail = pn_load_acq(&q->tail);
    return tail - head > CAPACITY ? 0 : (size_t)(tail - head);
}
