/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   S1  producer's tail (release) -> consumer's tail (acquire): the cells and what they point to.
 *   S2  consumer's head (release) -> producer's head (acquire): the cells may be overwritten.
 *   S3  closed (release) -> read by a consumer that found nothing (acquire): the last tail.
 */
#include <pinion/spsc.h>

#include "runtime/counters.h"
#include "runtime/waitlist.h"

#include <errno.h>
#include <stdlib.h>

struct slip {
    unsigned pauses; /* before the next look */
    unsigned rest;   /* looks to come without any */
    unsigned rests;  /* how many there were the last time, if pauses gained nothing since */
};

struct pn_spsc {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) tail; /* the producer's line */
    uint64_t head_seen;
    struct slip push_slip;
    PN_ATOMIC(uint64_t) full;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) head; /* the consumer's line */
    uint64_t tail_seen;
    struct slip pop_slip;
    PN_ATOMIC(uint64_t) empty;
    _Alignas(PN_LINE) uint64_t mask; /* written once */
    uint64_t near;                   /* written once */
    void **cell;
    struct pn_waits *waits;     /* NULL: nobody ever waits */
    PN_ATOMIC(uint32_t) closed; /* written once more, by the producer */
};

/* In pauses, in items, and in looks. Two cores of a Zen, medians of paired rounds against no slip,
 * with 256 items and 64 pauses: single items through 1024 cells 1.9, through 65536 cells 1.9,
 * batches of 32 1.5 and 1.4; the consumer alone slipping 1.0, 1.9, 1.6, 1.2. 64 pauses are under a
 * microsecond there. */
#if defined(PN_EXPLORE)
enum { SLIP_LEAST = 1, SLIP_MOST = 1, NEAR_MOST = 256, REST_MOST = 1 };
#else
enum { SLIP_LEAST = 16, SLIP_MOST = 64, NEAR_MOST = 256, REST_MOST = 1023 };
#endif

/* Cells ahead of the last popped that the consumer asks for; a line of them. */
enum { AHEAD = 32, CELLS_PER_LINE = 64 / sizeof(void *) };

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
    pn_atomic_init(&q->closed, 0);
    q->head_seen = q->tail_seen = 0;
    q->push_slip = q->pop_slip = (struct slip){0, 0, 0};
    q->mask = n - 1;
    q->near = n / 4 < NEAR_MOST ? n / 4 : NEAR_MOST;
    q->cell = cell;
    q->waits = NULL;
    *out = q;
    return 0;
}

void pn_spsc_destroy(struct pn_spsc *q) {
    if (q != NULL) {
        free((void *)q->cell);
        free(q->waits);
        free(q);
    }
}

int pn_spsc_enable_waits(struct pn_spsc *q) {
    return q->waits != NULL ? 0 : pn_waits_create(&q->waits);
}

/* P1 of park.c: after the index was stored. The other side alone can wait. */
static void moved(struct pn_spsc *q, bool pushed) {
    if (__builtin_expect(q->waits != NULL, 0)) {
        pn_waitlist_notify(pushed ? &q->waits->items : &q->waits->room, 1);
    }
}

size_t pn_spsc_capacity(const struct pn_spsc *q) {
    return (size_t)q->mask + 1;
}

/* What the pauses were worth. Less than an item in four pauses: none for a while, twice as long
 * each time in a row, so that items that come singly, or from this very thread, are not delayed. */
static void adapt(struct slip *slip, uint64_t gain, uint64_t near) {
    if (slip->rest > 0) {
        slip->rest--;
    } else if (gain == 0) {
        slip->pauses = 0;
    } else if (slip->pauses >= SLIP_LEAST && gain < slip->pauses / 4) {
        slip->pauses = 0;
        slip->rest = slip->rests = slip->rests < REST_MOST ? 2 * slip->rests + 1 : REST_MOST;
    } else if (gain >= 2 * near) {
        slip->pauses /= 2;
    } else if (gain < near) {
        slip->rests = slip->pauses == 0 ? slip->rests : 0;
        slip->pauses = slip->pauses < SLIP_LEAST  ? SLIP_LEAST
                       : slip->pauses < SLIP_MOST ? 2 * slip->pauses
                                                  : SLIP_MOST;
    }
}

/* How far the other side is now. A side that runs on the other's heels moves both index lines with
 * every few items; so while looks gain little each, it pauses before the next (temporal slipping).
 */
static uint64_t look(const struct pn_spsc *q, PN_ATOMIC(uint64_t) * other, uint64_t seen,
                     struct slip *slip) {
    for (unsigned i = 0; i < slip->pauses; i++) {
        pn_relax();
    }
    /* S1, S2 acquire: pair with the stores in push_n and pop_n. */
    uint64_t now = pn_load_acq(other);
    adapt(slip, now - seen, q->near);
    return now;
}

/* Free cells, with a second look at the consumer only if the first is not enough. */
static uint64_t room(struct pn_spsc *q, uint64_t tail, uint64_t want) {
    uint64_t free_cells = q->mask + 1 - (tail - q->head_seen);
    if (free_cells < want) {
        q->head_seen = look(q, &q->head, q->head_seen, &q->push_slip); /* S2 */
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
        /* S1 release: pairs with the load in look, called by pop_n. LP. */
        pn_store_rel(&q->tail, tail + k);
        moved(q, true);
    } else {
        pn_count(&q->full, 1);
    }
    return k;
}

enum pn_queue_rc pn_spsc_push(struct pn_spsc *q, void *item) {
    uint64_t tail = pn_load_rlx(&q->tail); /* relaxed: own index */
    if (room(q, tail, 1) == 0) {
        pn_count(&q->full, 1);
        return PN_QUEUE_FULL;
    }
    q->cell[tail & q->mask] = item;
    /* S1 release: as in push_n. LP. */
    pn_store_rel(&q->tail, tail + 1);
    moved(q, true);
    return PN_QUEUE_OK;
}

void pn_spsc_close(struct pn_spsc *q) {
    /* S3 release: pairs with the load in pn_spsc_pop. LP. */
    pn_store_rel(&q->closed, 1);
    moved(q, true);
}

/* Items ready, with a second look at the producer only if the first is not enough. */
static uint64_t ready(struct pn_spsc *q, uint64_t head, uint64_t want) {
    if (q->tail_seen - head < want) {
        q->tail_seen = look(q, &q->tail, q->tail_seen, &q->pop_slip); /* S1 */
    }
    return q->tail_seen - head;
}

/* Ask for the lines that begin AHEAD cells after those just popped, as far as they are filled. */
static void ask_ahead(const struct pn_spsc *q, uint64_t head, size_t popped) {
    uint64_t from = (head + CELLS_PER_LINE - 1) / CELLS_PER_LINE * CELLS_PER_LINE;
    for (uint64_t p = from; p < head + popped; p += CELLS_PER_LINE) {
        if (q->tail_seen - p > AHEAD + CELLS_PER_LINE) {
            __builtin_prefetch((void *)&q->cell[(p + AHEAD) & q->mask]);
        }
    }
}

size_t pn_spsc_pop_n(struct pn_spsc *q, void **items, size_t n) {
    uint64_t head = pn_load_rlx(&q->head); /* relaxed: own index */
    uint64_t filled = ready(q, head, n);
    size_t k = n < filled ? n : (size_t)filled;
    for (size_t i = 0; i < k; i++) {
        items[i] = q->cell[(head + i) & q->mask];
    }
    ask_ahead(q, head, k);
    if (k > 0) {
        /* S2 release: pairs with the load in look, called by push_n. LP. */
        pn_store_rel(&q->head, head + k);
        moved(q, false);
    } else {
        pn_count(&q->empty, 1);
    }
    return k;
}

enum pn_queue_rc pn_spsc_pop(struct pn_spsc *q, void **item) {
    uint64_t head = pn_load_rlx(&q->head); /* relaxed: own index */
    if (ready(q, head, 1) == 0) {
        pn_count(&q->empty, 1);
        /* S3 acquire: pairs with the store in pn_spsc_close. S1 acquire: as in look. */
        bool closed = pn_load_acq(&q->closed) != 0;
        return closed && pn_load_acq(&q->tail) == head ? PN_QUEUE_CLOSED : PN_QUEUE_EMPTY;
    }
    *item = q->cell[head & q->mask];
    ask_ahead(q, head, 1);
    /* S2 release: as in pop_n. LP. */
    pn_store_rel(&q->head, head + 1);
    moved(q, false);
    return PN_QUEUE_OK;
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

static enum pn_queue_rc attempt_pop(void *queue, void **item) {
    return pn_spsc_pop(queue, item);
}

static enum pn_queue_rc attempt_push(void *queue, void **item) {
    return pn_spsc_push(queue, *item);
}

static bool pop_possible(void *queue) {
    const struct pn_spsc *q = queue;
    /* S1, S3 acquire: as in pn_spsc_pop. */
    return !pn_spsc_empty(q) || pn_load_acq(&q->closed) != 0;
}

static bool push_possible(void *queue) {
    const struct pn_spsc *q = queue;
    /* relaxed: own index. S2 acquire: as in look. */
    return pn_load_rlx(&q->tail) - pn_load_acq(&q->head) <= q->mask;
}

struct pn_wait_point pn_spsc_items(struct pn_spsc *q) {
    static const struct pn_wait_ops ops = {PN_QUEUE_EMPTY, attempt_pop, NULL, pop_possible};
    return (struct pn_wait_point){&ops, q, &q->waits->items};
}

struct pn_wait_point pn_spsc_room(struct pn_spsc *q) {
    static const struct pn_wait_ops ops = {PN_QUEUE_FULL, attempt_push, NULL, push_possible};
    return (struct pn_wait_point){&ops, q, &q->waits->room};
}
