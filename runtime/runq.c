/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   W1  push's tail (release) -> steal's tail (acquire): the cells and the tasks.
 *   W2  pop's and steal's head (release) -> push's head (acquire): the cells may be overwritten.
 *   W3  steal's head swap (acquire side) -> nothing was overwritten while it read: a push that
 * would overwrite a cell first sees a head beyond it, and then the thief's swap fails.
 *
 * Cells are atomic because a thief may read one that the owner overwrites; it then discards the
 * value.
 */
#include <pinion/runq.h>

#include "runtime/atomic.h"

#include <errno.h>
#include <stdlib.h>

#if defined(PN_EXPLORE)
enum { CAPACITY = 2 };
#else
enum { CAPACITY = PN_RUNQ_CAPACITY };
#endif

struct pn_runq {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) head; /* owner and thieves */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) tail; /* owner */
    PN_ATOMIC(void *) cell[CAPACITY];
};

int pn_runq_create(struct pn_runq **out) {
    struct pn_runq *q = aligned_alloc(PN_LINE, sizeof *q);
    if (q == NULL) {
        return -ENOMEM;
    }
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
        return false;
    }
    pn_store_rlx(&q->cell[tail % CAPACITY], task); /* relaxed: published by W1 */
    /* W1 release: pairs with the load in pn_runq_steal. */
    pn_store_rel(&q->tail, tail + 1);
    return true;
}

void *pn_runq_pop(struct pn_runq *q) {
    uint64_t head = pn_load_acq(&q->head);
    for (;;) {
        if (head == pn_load_rlx(&q->tail)) { /* relaxed: own index */
            return NULL;
        }
        void *task = pn_load_rlx(&q->cell[head % CAPACITY]); /* relaxed: own store */
        /* W2 release: pairs with the load in pn_runq_push. LP. */
        if (pn_cas_acqrel(&q->head, &head, head + 1)) {
            return task;
        }
    }
}

size_t pn_runq_steal(struct pn_runq *q, void **out, size_t max) {
    for (unsigned attempt = 0; attempt < 3; attempt++) {
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
        /* W2 release, W3. LP. */
        if (pn_cas_acqrel(&q->head, &head, head + n)) {
            return n;
        }
    }
    return 0;
}

size_t pn_runq_length(const struct pn_runq *q) {
    uint64_t head = pn_load_acq(&q->head);
    uint64_t tail = pn_load_acq(&q->tail);
    return tail - head > CAPACITY ? 0 : (size_t)(tail - head);
}
