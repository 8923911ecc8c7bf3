/* SPDX-License-Identifier: MIT
 *
 * A cell is one word: an item with two bits of state, so that one store publishes both, and a line
 * carries eight items. Of the state of position p, in round r = p / capacity:
 *
 *   FREE | r odd    free for the push of p
 *   item | r odd    holds the item of p
 *
 * One bit of the round is enough. A claim swaps its index from p; so the index was p all the time
 * since it was read, and meanwhile the cell can only have been in four states: free for p, item of
 * p (for a pop), or what a claimant of the round before has not finished: free for p - capacity,
 * item of p - capacity. A claim that sees another state than it needs looks at the index again: has
 * that moved, its p was old; has it not, the ring is full, or empty.
 *
 * Orderings
 *   N1  item stored by a push (release) -> cell read by pop (acquire): what it points to.
 *   N2  cell freed by a pop (release) -> cell read by push (acquire): it may be overwritten. Both
 *       also carry the claim of that position, so that a look at the index after the cell sees it.
 *   N3  closing (release) -> tail read by a pop that found nothing (acquire): no push will claim
 *       beyond it.
 *
 * The claims on tail and head carry nothing: a claimed cell's state is known from the cell.
 *
 * Tried and not taken: sequence and item in 16 bytes (Vyukov's), half the items per line: paired
 * ratios to it, medians of 7 on two cores of a Zen: pairs at one thread 1.02, single items through
 * 1024 cells 0.96, through 65536 1.63, batches of 32 1.43 and 1.36. And swapping index bits so that
 * consecutive positions lie on different lines, which costs a third of the batch rate and bought
 * nothing in pairs.
 */
#include <pinion/ring.h>

#include "runtime/waitlist.h"

#include <errno.h>
#include <stdlib.h>

enum { FREE = 1, ODD_ROUND = 2, STATE = FREE | ODD_ROUND, CELLS_PER_LINE = 64 / sizeof(uint64_t) };

struct pn_ring {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) tail; /* with CLOSED */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) head;
    _Alignas(PN_LINE) uint64_t mask;
    unsigned shift; /* position >> shift: twice the round */
    PN_ATOMIC(uint64_t) * cell;
    struct pn_waits *waits;     /* NULL: nobody ever waits */
    PN_ATOMIC(uint32_t) closed; /* a glance that spares pops of an open ring the read of tail */
};

/* In tail; no push claims from there. */
static const uint64_t CLOSED = (uint64_t)1 << 62;

/* How far ahead a popper that finds whole lines filled asks for the next one. On two cores of a
 * Zen, batches of 32 through 65536 cells of 16 bytes, million items a second: none 130, 16 to 256
 * cells ahead 340 to 430, for writing 250, on the pusher's side too 390; single items through 1024
 * cells: 70 and 92. Asking where the line is not filled yet takes it from the pusher. */
#if defined(PN_EXPLORE)
enum { AHEAD = 32, PAUSES = 1 };
#else
enum { AHEAD = 32, PAUSES = 16 };
#endif

int pn_ring_create(struct pn_ring **out, size_t capacity) {
    if (capacity == 0 || capacity > (size_t)1 << 30) {
        return -EINVAL;
    }
    size_t n = 2; /* two rounds of one cell would be told apart, but not three claimants of it */
    unsigned shift = 0; /* log2 n - 1 */
    for (; n < capacity; n *= 2) {
        shift++;
    }
    struct pn_ring *q = aligned_alloc(PN_LINE, sizeof *q);
    size_t bytes = (n * sizeof(uint64_t) + PN_LINE - 1) / PN_LINE * PN_LINE;
    PN_ATOMIC(uint64_t) *cell = aligned_alloc(PN_LINE, bytes);
    if (q == NULL || cell == NULL) {
        free(q);
        free((void *)cell);
        return -ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        pn_atomic_init(&cell[i], FREE);
    }
    pn_atomic_init(&q->tail, 0);
    pn_atomic_init(&q->head, 0);
    pn_atomic_init(&q->closed, 0);
    q->mask = n - 1;
    q->shift = shift;
    q->cell = cell;
    q->waits = NULL;
    *out = q;
    return 0;
}

void pn_ring_destroy(struct pn_ring *q) {
    if (q != NULL) {
        free((void *)q->cell);
        free(q->waits);
        free(q);
    }
}

int pn_ring_enable_waits(struct pn_ring *q) {
    return q->waits != NULL ? 0 : pn_waits_create(&q->waits);
}

/* P1 of park.c: after the cells were stored. */
static void moved(struct pn_waitlist *list, size_t n) {
    if (n > 0) {
        pn_waitlist_notify(list, (unsigned)n);
    }
}

/* The end of a single push or pop, out of line: the common way needs no stack frame (5 % of pairs
 * at one thread). */
__attribute__((noinline)) static enum pn_queue_rc tell(struct pn_waitlist *list) {
    moved(list, 1);
    return PN_QUEUE_OK;
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

static PN_ATOMIC(uint64_t) * cell_of(const struct pn_ring *q, uint64_t p) {
    return &q->cell[p & q->mask];
}

/* The state in which a push (kind FREE) or a pop (kind 0) needs the cell of p. */
static uint64_t needed(const struct pn_ring *q, uint64_t p, uint64_t kind) {
    return ((p >> q->shift) & ODD_ROUND) | kind;
}

/* Part of what was asked for is ready: whoever makes the rest is probably at it. As long as more
 * comes between two looks, looking on costs less than the lines that two claims move: batches of 32
 * through 65536 cells, single producer and consumer, million a second: none 472 [213, 542], 2
 * pauses 575 [380, 665], 16 pauses 600 [551, 616]. */
static void let_it_grow(void) {
    for (unsigned i = 0; i < PAUSES; i++) {
        pn_relax();
    }
}

/* Claim up to n consecutive cells in the needed state, of one round.
 * \return how many, from *at; 0: the position that was not ready */
static size_t claim(struct pn_ring *q, PN_ATOMIC(uint64_t) * index, uint64_t kind, size_t n,
                    uint64_t *at, struct pn_queue_counts *counts) {
    uint64_t position = pn_load_rlx(index); /* relaxed: a guess for the compare-and-swap */
    for (*at = position; position < CLOSED; *at = position) {
        PN_ATOMIC(uint64_t) *cell = cell_of(q, position);
        uint64_t state = needed(q, position, kind);
        uint64_t left = q->mask + 1 - (position & q->mask);
        size_t most = n < left ? n : (size_t)left;
        size_t ready = 0;
        /* N1, N2 acquire: pair with the stores of cells. */
        for (size_t before = 0; ready < most; before = ready) {
            while (ready < most && (pn_load_acq(&cell[ready]) & STATE) == state) {
                ready++;
            }
            if (ready == before || ready == most) {
                break;
            }
            let_it_grow();
        }
        if (ready == 0) {
            position = pn_load_rlx(index); /* relaxed: N1, N2; the same again: full or empty */
            if (position == *at) {
                break;
            }
        } else if (pn_cas_weak_rlx(index, &position, position + ready)) {
            return ready; /* relaxed: the cells carry the edges */
        } else if (counts != NULL) {
            counts->cas_failed++;
        }
        if (counts != NULL) {
            counts->retries++;
        }
    }
    return 0;
}

/* The item of a claimed cell, which is free for the next round from here on. */
static void *empty(PN_ATOMIC(uint64_t) * cell, uint64_t state) {
    /* relaxed: read with acquire for the claim, and nobody else writes it since. */
    uint64_t word = pn_load_rlx(cell);
    /* N2 release: pairs with the loads in claim and push. */
    pn_store_rel(cell, state ^ (ODD_ROUND | FREE));
    return (void *)(uintptr_t)(word - state);
}

size_t pn_ring_push_n(struct pn_ring *q, void *const *items, size_t n,
                      struct pn_queue_counts *counts) {
    uint64_t at = 0;
    size_t k = n == 0 ? 0 : claim(q, &q->tail, FREE, n, &at, counts);
    PN_ATOMIC(uint64_t) *cell = cell_of(q, at);
    uint64_t state = needed(q, at, 0);
    for (size_t i = 0; i < k; i++) {
        /* N1 release: pairs with the loads in claim and pop. LP. */
        pn_store_rel(&cell[i], (uint64_t)(uintptr_t)items[i] | state);
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
    size_t k = n == 0 ? 0 : claim(q, &q->head, 0, n, &at, counts);
    for (size_t i = 0; k == n && i < k; i += CELLS_PER_LINE) {
        __builtin_prefetch((const void *)cell_of(q, at + AHEAD + i));
    }
    PN_ATOMIC(uint64_t) *cell = cell_of(q, at);
    uint64_t state = needed(q, at, 0);
    for (size_t i = 0; i < k; i++) {
        items[i] = empty(&cell[i], state);
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

/* A push whose first try failed: until it is in, or the index stands still. */
__attribute__((noinline)) static enum pn_queue_rc push_again(struct pn_ring *q, void *item) {
    uint64_t at = 0;
    if (claim(q, &q->tail, FREE, 1, &at, NULL) == 0) {
        return at < CLOSED ? PN_QUEUE_FULL : PN_QUEUE_CLOSED;
    }
    /* N1 release: pairs with the loads in claim and pop. LP. */
    pn_store_rel(cell_of(q, at), (uint64_t)(uintptr_t)item | needed(q, at, 0));
    return q->waits != NULL ? tell(&q->waits->items) : PN_QUEUE_OK;
}

enum pn_queue_rc pn_ring_push(struct pn_ring *q, void *item) {
    /* Read before the claim: after it, the read costs 7 % of pairs at one thread. */
    struct pn_waits *waits = q->waits;
    uint64_t p = pn_load_rlx(&q->tail); /* relaxed: a guess for the compare-and-swap */
    PN_ATOMIC(uint64_t) *cell = cell_of(q, p);
    uint64_t state = needed(q, p, FREE);
    /* N2 acquire: pairs with the stores in pop and pop_n. relaxed: as in claim. */
    if (p >= CLOSED || pn_load_acq(cell) != state || !pn_cas_weak_rlx(&q->tail, &p, p + 1)) {
        return push_again(q, item);
    }
    /* N1 release: as in push_again. LP. */
    pn_store_rel(cell, (uint64_t)(uintptr_t)item | (state ^ FREE));
    return __builtin_expect(waits != NULL, 0) ? tell(&waits->items) : PN_QUEUE_OK;
}

/* Why there is nothing at a position: CLOSED only if nobody can have claimed it. */
__attribute__((noinline)) static enum pn_queue_rc no_item(const struct pn_ring *q,
                                                          uint64_t position) {
    /* N3 acquire: pairs with the mark in pn_ring_close. */
    if (pn_load_acq(&q->closed) == 0) {
        return PN_QUEUE_EMPTY;
    }
    return pn_load_acq(&q->tail) == (position | CLOSED) ? PN_QUEUE_CLOSED : PN_QUEUE_EMPTY;
}

static void ask_ahead(const struct pn_ring *q, uint64_t p) {
    uint64_t last = p + CELLS_PER_LINE - 1;
    /* relaxed: a guess. */
    if (p % CELLS_PER_LINE == 0 && (pn_load_rlx(cell_of(q, last)) & STATE) == needed(q, last, 0)) {
        __builtin_prefetch((const void *)cell_of(q, p + AHEAD));
    }
}

/* The end of some pops, out of line as in pn_ring_push. */
__attribute__((noinline)) static enum pn_queue_rc after_pop(struct pn_ring *q, uint64_t p) {
    ask_ahead(q, p);
    if (q->waits != NULL) {
        moved(&q->waits->room, 1);
    }
    return PN_QUEUE_OK;
}

/* A pop whose first try failed: until something is out, or the index stands still. */
__attribute__((noinline)) static enum pn_queue_rc pop_again(struct pn_ring *q, void **item) {
    uint64_t at = 0;
    if (claim(q, &q->head, 0, 1, &at, NULL) == 0) {
        return no_item(q, at);
    }
    *item = empty(cell_of(q, at), needed(q, at, 0));
    return after_pop(q, at);
}

enum pn_queue_rc pn_ring_pop(struct pn_ring *q, void **item) {
    struct pn_waits *waits = q->waits;
    uint64_t p = pn_load_rlx(&q->head); /* relaxed: a guess for the compare-and-swap */
    PN_ATOMIC(uint64_t) *cell = cell_of(q, p);
    uint64_t state = needed(q, p, 0);
    /* N1 acquire: pairs with the stores in push, push_again and push_n. relaxed: as in claim. */
    uint64_t word = pn_load_acq(cell);
    if ((word & STATE) != state || !pn_cas_weak_rlx(&q->head, &p, p + 1)) {
        return pop_again(q, item);
    }
    *item = (void *)(uintptr_t)(word - state);
    /* N2 release: as in empty. */
    pn_store_rel(cell, state ^ (ODD_ROUND | FREE));
    return waits != NULL || p % CELLS_PER_LINE == 0 ? after_pop(q, p) : PN_QUEUE_OK;
}

/* Whether a claim at the index would find a cell in the needed state; *position: where. */
static bool glance(const struct pn_ring *q, const PN_ATOMIC(uint64_t) * index, uint64_t kind,
                   uint64_t *position) {
    uint64_t p = pn_load_rlx(index); /* relaxed: as in claim */
    for (;;) {
        /* N1, N2 acquire: pair with the stores of cells. */
        bool ready = (pn_load_acq(cell_of(q, p)) & STATE) == needed(q, p, kind);
        *position = p;
        p = pn_load_rlx(index); /* relaxed: N1, N2: it has moved if the cell was of a later round */
        if (ready || p == *position) {
            return ready;
        }
    }
}

bool pn_ring_seems_empty(const struct pn_ring *q) {
    uint64_t head = 0;
    return !glance(q, &q->head, 0, &head);
}

static enum pn_queue_rc attempt_pop(void *queue, void **item) {
    return pn_ring_pop(queue, item);
}

static enum pn_queue_rc attempt_push(void *queue, void **item) {
    return pn_ring_push(queue, *item);
}

static bool pop_possible(void *queue) {
    const struct pn_ring *q = queue;
    uint64_t head = 0;
    return glance(q, &q->head, 0, &head) || no_item(q, head) == PN_QUEUE_CLOSED;
}

static bool push_possible(void *queue) {
    const struct pn_ring *q = queue;
    uint64_t tail = 0;
    /* A closed ring refuses for another reason. */
    return glance(q, &q->tail, FREE, &tail) || tail >= CLOSED;
}

struct pn_wait_point pn_ring_items(struct pn_ring *q) {
    static const struct pn_wait_ops ops = {PN_QUEUE_EMPTY, attempt_pop, NULL, pop_possible};
    return (struct pn_wait_point){&ops, q, &q->waits->items};
}

struct pn_wait_point pn_ring_room(struct pn_ring *q) {
    static const struct pn_wait_ops ops = {PN_QUEUE_FULL, attempt_push, NULL, push_possible};
    return (struct pn_wait_point){&ops, q, &q->waits->room};
}
