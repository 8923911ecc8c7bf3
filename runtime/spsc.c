/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   S1  producer's tail (release) -> consumer's tail (acquire): the cells and what they point to.
 *   S2  consumer's head (release) -> producer's head (acquire): the cells may be overwritten.
 */
#include <pinion/spsc.h>

#include "runtime/counters.h"

#include <errno.h>
#include <stdlib.h>

struct pn_spsc {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) tail; /* the producer's line */
    uint64_t head_seen;
    PN_ATOMIC(uint64_t) full;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) head; /* the consumer's line */
    uint64_t tail_seen;
    PN_ATOMIC(uint64_t) empty;
    _Alignas(PN_LINE) uint64_t mask; /* written once */
    void **cell;
};

int pn_spsc_create(struct pn_spsc **out, size_t capacity) {
    if (capacity == 0 || capacity > (size_t)1 << 30) {
        return -EINVAL;
    }
    size_t n = 1;
    while (n < capacity) {
        n *= 2;
    }
    struct pn_spsc *q = aligned_alloc(PN_LINE, sizeof *q);
    void **cell = calloc(n, sizeof *cell);
    if (q == NULL || cell == NULL) {
        free(q);
        free((void *)cell);
        return -ENOMEM;
    }
    pn_atomic_init(&q->tail, 0);
    pn_atomic_init(&q->head, 0);
    pn_atomic_init(&q->full, 0);
    pn_atomic_init(&q->empty, 0);
    q->head_seen = q->tail_seen = 0;
    q->mask = n - 1;
    q->cell = cell;
    *out = q;
    return 0;
}

void pn_spsc_destroy(struct pn_spsc *q) {
    if (q != NULL) {
        free((void *)q->cell);
        free(q);
    }
}

size_t pn_spsc_capacity(const struct pn_spsc *q) {
    return (size_t)q->mask + 1;
}

/* Free cells, with a second look at the consumer only if the first is not enough. */
static uint64_t room(struct pn_spsc *q, uint64_t tail, uint64_t want) {
    uint64_t free_cells = q->mask + 1 - (tail - q->head_seen);
    if (free_cells < want) {
        /* S2 acquire: pairs with the store in pn_spsc_pop_n. */
        q->head_seen = pn_load_acq(&q->head);
        free_cells = q->mask + 1 - (tail - q->head_seen);
    }
    return free_cells;
}

size_t pn_spsc_push_n(struct pn_spsc *q, void *const *items, size_t n) {
    uint64_t tail = pn_load_rlx(&q->tail); /* relaxed: own index */
    uint64_t free_cells = room(q, tail, n);
    size_t k = n < free_cells ? n : (size_t)free_cells;
    for (size_t i = 0; i < k; i++) {
        q->cell[(tail + i) & q->mask] = items[i];
    }
    if (k > 0) {
        /* S1 release: pairs with the load in pn_spsc_pop_n. LP. */
        pn_store_rel(&q->tail, tail + k);
    } else {
        pn_count(&q->full, 1);
    }
    return k;
}

enum pn_queue_rc pn_spsc_push(struct pn_spsc *q, void *item) {
    return pn_spsc_push_n(q, &item, 1) == 1 ? PN_QUEUE_OK : PN_QUEUE_FULL;
}

size_t pn_spsc_pop_n(struct pn_spsc *q, void **items, size_t n) {
    uint64_t head = pn_load_rlx(&q->head); /* relaxed: own index */
    if (q->tail_seen - head < n) {
        /* S1 acquire: pairs with the store in pn_spsc_push_n. */
        q->tail_seen = pn_load_acq(&q->tail);
    }
    uint64_t ready = q->tail_seen - head;
    size_t k = n < ready ? n : (size_t)ready;
    for (size_t i = 0; i < k; i++) {
        items[i] = q->cell[(head + i) & q->mask];
    }
    if (k > 0) {
        /* S2 release: pairs with the load in room. LP. */
        pn_store_rel(&q->head, head + k);
    } else {
        pn_count(&q->empty, 1);
    }
    return k;
}

enum pn_queue_rc pn_spsc_pop(struct pn_spsc *q, void **item) {
    return pn_spsc_pop_n(q, item, 1) == 1 ? PN_QUEUE_OK : PN_QUEUE_EMPTY;
}

void pn_spsc_counts(const struct pn_spsc *q, struct pn_queue_counts *out) {
    /* relaxed: statistics. The indices count what went in and out. */
    *out = (struct pn_queue_counts){.push = pn_load_rlx(&q->tail),
                                    .pop = pn_load_rlx(&q->head),
                                    .full = pn_load_rlx(&q->full),
                                    .empty = pn_load_rlx(&q->empty)};
}

bool pn_spsc_empty(const struct pn_spsc *q) {
    /* S1 acquire: an answer "not empty" comes with the item. */
    return pn_load_acq(&q->tail) == pn_load_acq(&q->head);
}
