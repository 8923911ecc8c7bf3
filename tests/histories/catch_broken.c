/* SPDX-License-Identifier: MIT
 *
 * usage: catch_broken [--seed N] [--show]
 *
 * Queues that are wrong in one way each, and one that is not: real runs, recorded and judged as
 * those of the real queues. Each must be caught, and for what it does; --show prints the blocks.
 */
#include "run.h"

#include <errno.h>
#include <pinion/ring.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum fault {
    NO_FAULT,
    SWAPS,           /* hands out the second of two before the first */
    LOSES,           /* drops one */
    DOUBLES,         /* hands one out twice */
    INVENTS,         /* hands out what nobody put in */
    SAYS_EMPTY,      /* while it holds one */
    OVERFILLS,       /* takes more than the bound it states */
    PER_PRODUCER,    /* keeps the order of each producer, and no other */
    REVERSES_PUSHES, /* of one call */
    REVERSES_POPS,   /* of one call */
    LETS_IN,         /* a few after the closing */
    ENDS_EARLY,      /* says CLOSED while it holds one */
    SPOILS,          /* what an item points to is not what was put in */
};

enum { EACH = 500 /* pops between two faults */, PRODUCERS = 2, LET_IN = 3 };

struct broken {
    enum fault fault;
    struct pn_ring *ring[PRODUCERS];
    atomic_uint ports;
    _Atomic uint64_t in;
    _Atomic bool closed;
    atomic_int let_in; /* after the closing, so far */
    /* The rest is the one consumer's. */
    uint64_t pops;
    void *held, *last;
};

struct port {
    struct broken *b;
    bool ended; /* it closed the queue */
    unsigned ring;
};

/* One fault each per subject, so that the recorder needs to know nothing of it. */
static int create_with(enum fault fault, void **queue, uint64_t capacity, uint64_t *bound) {
    struct broken *b = calloc(1, sizeof *b);
    int rc = b == NULL ? -ENOMEM : 0;
    for (unsigned i = 0; i < PRODUCERS && rc == 0; i++) {
        rc = pn_ring_create(&b->ring[i], fault == OVERFILLS ? 8 * capacity : capacity);
    }
    if (rc != 0) {
        return rc; /* the process ends */
    }
    b->fault = fault;
    /* It holds one beside the ring, or has two rings. */
    *bound = fault == OVERFILLS ? capacity : 2 * capacity + 1;
    *queue = b;
    return 0;
}

static void destroy(void *queue) {
    struct broken *b = queue;
    for (unsigned i = 0; i < PRODUCERS; i++) {
        pn_ring_destroy(b->ring[i]);
    }
    free(b);
}

static void *open_port(void *queue, enum role role) {
    struct broken *b = queue;
    struct port *p = malloc(sizeof *p);
    if (p != NULL) {
        p->b = b;
        p->ended = false;
        p->ring = role == ROLE_PUSH && b->fault == PER_PRODUCER
                      ? atomic_fetch_add(&b->ports, 1) % PRODUCERS
                      : 0;
    }
    return p;
}

static void close_port(void *port) {
    free(port);
}

static void reverse(void **items, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        void *item = items[i];
        items[i] = items[n - 1 - i];
        items[n - 1 - i] = item;
    }
}

static size_t push(void *port, void *const *items, size_t n, enum answer *why) {
    struct port *p = port;
    *why = ANSWER_FULL;
    void *turned[RUN_SEVERAL];
    memcpy((void *)turned, (void *const)items, n * sizeof *items);
    if (p->b->fault == REVERSES_PUSHES) {
        /* All or nothing: the recorder takes what went in for the first ones. */
        reverse(turned, n);
        size_t used = 0;
        while (used < n) {
            used += pn_ring_push_n(p->b->ring[0], turned + used, n - used, NULL);
        }
        return n;
    }
    bool closed = atomic_load(&p->b->closed);
    /* Its own: they follow the closing for certain. */
    bool lets_in = p->b->fault == LETS_IN && p->ended && atomic_load(&p->b->let_in) < LET_IN;
    if (closed && !lets_in) {
        *why = ANSWER_CLOSED;
        return 0;
    }
    size_t k = pn_ring_push_n(p->b->ring[p->ring], turned, n, NULL);
    (void)atomic_fetch_add(&p->b->in, k);
    (void)atomic_fetch_add(&p->b->let_in, closed && k > 0);
    return k;
}

static size_t take(struct broken *b, void **items, size_t n) {
    size_t k = pn_ring_pop_n(b->ring[0], items, n, NULL);
    return k == 0 && b->fault == PER_PRODUCER ? pn_ring_pop_n(b->ring[1], items, n, NULL) : k;
}

/* An item in hand is due now. \return how many came out; 0: go wrong now */
static size_t pop_held(struct broken *b, void **items) {
    if (b->held == NULL || b->fault == ENDS_EARLY) {
        return 0;
    }
    items[0] = b->held;
    b->held = NULL;
    return 1;
}

static size_t go_wrong(struct broken *b, void **items, size_t n, enum answer *why) {
    static uint64_t nobodys[2];
    switch (b->fault) {
    case SWAPS:
        if (take(b, &b->held, 1) == 1 && take(b, items, 1) == 1) {
            return 1;
        }
        return pop_held(b, items);
    case LOSES:
        (void)take(b, items, 1);
        return take(b, items, 1);
    case DOUBLES:
        items[0] = b->last;
        return b->last != NULL;
    case INVENTS:
        items[0] = nobodys;
        return 1;
    case SAYS_EMPTY:
        *why = take(b, &b->held, 1) == 1 ? ANSWER_EMPTY : ANSWER_NOTHING;
        return 0;
    case SPOILS: {
        size_t k = take(b, items, 1);
        if (k == 1) {
            ((struct item *)items[0])->word++;
        }
        return k;
    }
    default:
        return take(b, items, n);
    }
}

/* The ring is closed first, so that what a pop answers is the ring's own; but one that lets in. */
static void end(void *port) {
    struct port *p = port;
    struct broken *b = p->b;
    p->ended = true;
    if (b->fault != LETS_IN) {
        pn_ring_close(b->ring[0]);
    }
    atomic_store(&b->closed, true);
}

/* Nothing came out: the ring says why. */
static size_t ask_why(struct broken *b, void **items, enum answer *why) {
    if (b->fault == LETS_IN) {
        bool over = atomic_load(&b->closed) && atomic_load(&b->let_in) >= LET_IN;
        size_t k = pn_ring_pop_n(b->ring[0], items, 1, NULL);
        *why = k == 0 && over ? ANSWER_CLOSED : ANSWER_NOTHING;
        return k;
    }
    enum pn_queue_rc rc = pn_ring_pop(b->ring[0], items);
    *why = rc == PN_QUEUE_CLOSED ? ANSWER_CLOSED : ANSWER_NOTHING;
    return rc == PN_QUEUE_OK;
}

static size_t pop(void *port, void **items, size_t n, enum answer *why) {
    struct broken *b = ((struct port *)port)->b;
    *why = ANSWER_NOTHING;
    /* So that what is taken beyond the bound is there, on any machine. */
    if (b->fault == OVERFILLS && b->pops == 0 && atomic_load(&b->in) < 100) {
        return 0;
    }
    if (b->fault == ENDS_EARLY && b->held == NULL) {
        (void)take(b, &b->held, 1); /* the first, for good */
    }
    size_t k = pop_held(b, items);
    if (k == 0) {
        b->pops++;
        k = b->pops % EACH == 0 ? go_wrong(b, items, n, why) : take(b, items, n);
    }
    if (k == 0 && *why == ANSWER_NOTHING && atomic_load(&b->closed)) {
        k = ask_why(b, items, why);
    }
    if (b->fault == REVERSES_POPS) {
        reverse(items, k);
    }
    b->last = k > 0 ? items[k - 1] : b->last;
    return k;
}

#define BROKEN(fault)                                                                              \
    static int create_##fault(void **queue, uint64_t capacity, unsigned ports, uint64_t *bound) {  \
        (void)ports;                                                                               \
        return create_with(fault, queue, capacity, bound);                                         \
    }                                                                                              \
    static const struct subject subject_##fault = {.name = #fault,                                 \
                                                   .stores = true,                                 \
                                                   .create = create_##fault,                       \
                                                   .destroy = destroy,                             \
                                                   .open = open_port,                              \
                                                   .close = close_port,                            \
                                                   .push = push,                                   \
                                                   .pop = pop,                                     \
                                                   .end = end};
BROKEN(NO_FAULT)
BROKEN(SWAPS)
BROKEN(LOSES)
BROKEN(DOUBLES)
BROKEN(INVENTS)
BROKEN(SAYS_EMPTY)
BROKEN(OVERFILLS)
BROKEN(PER_PRODUCER)
BROKEN(REVERSES_PUSHES)
BROKEN(REVERSES_POPS)
BROKEN(LETS_IN)
BROKEN(ENDS_EARLY)
BROKEN(SPOILS)

static const struct {
    const struct subject *subject;
    unsigned several;
    int verdict; /* of run_once */
    enum hist_flaw flaw;
    bool closes;
    bool weak; /* its EMPTY is documented as the ring's is: counted, no flaw */
} cases[] = {
    {&subject_NO_FAULT, 1, 0, HIST_FINE, false, false},
    {&subject_NO_FAULT, 8, 0, HIST_FINE, false, false},
    {&subject_SWAPS, 1, 1, HIST_ORDER, false, false},
    {&subject_LOSES, 1, 1, HIST_LOST, false, false},
    {&subject_DOUBLES, 1, 1, HIST_REPEAT, false, false},
    {&subject_INVENTS, 1, 1, HIST_FRESH, false, false},
    {&subject_SAYS_EMPTY, 1, 1, HIST_WRONG_EMPTY, false, false},
    {&subject_SAYS_EMPTY, 1, 0, HIST_FINE, false, true},
    {&subject_OVERFILLS, 1, 1, HIST_OVERFULL, false, false},
    {&subject_PER_PRODUCER, 1, 1, HIST_ORDER, false, false},
    {&subject_REVERSES_PUSHES, 8, 1, HIST_ORDER, false, false},
    {&subject_REVERSES_POPS, 8, 1, HIST_ORDER, false, false},
    {&subject_NO_FAULT, 1, 0, HIST_FINE, true, false},
    {&subject_LETS_IN, 1, 1, HIST_WRONG_END, true, false},
    {&subject_ENDS_EARLY, 1, 1, HIST_WRONG_END, true, false},
    {&subject_SPOILS, 1, 1, HIST_FINE, false, false},
};

int main(int argc, char **argv) {
    uint64_t seed = 1;
    FILE *show = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--show") == 0) {
            show = stdout;
        } else if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10);
        }
    }
    struct stamps *stamps = aligned_alloc(128, sizeof *stamps);
    struct run_room *room = NULL;
    if (stamps == NULL || run_room_create(&room, 20000) != 0) {
        printf("skipped: no memory for the recordings\n");
        return 77;
    }
    stamps_choose(stamps, STAMP_COUNTER);
    int wrong = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct subject subject = *cases[i].subject;
        subject.weak_empty = cases[i].weak;
        struct run_plan plan = {.subject = &subject,
                                .n = {PRODUCERS, 1, 0},
                                .capacity = 64,
                                .several = cases[i].several,
                                .items = 20000,
                                .closes = cases[i].closes,
                                .seed = seed + i,
                                .stuck_ns = 500000000};
        struct run_counts counts = {0};
        enum hist_flaw flaw = HIST_FINE;
        int rc = run_once(room, stamps, &plan, &counts, &flaw, show);
        bool right = rc == cases[i].verdict && flaw == cases[i].flaw &&
                     (counts.wrong_empties > 0) == (subject.create == subject_SAYS_EMPTY.create);
        printf("%-16s %s: %s\n", plan.subject->name, right ? "as it must be" : "NOT AS IT MUST BE",
               rc == 1 && flaw == HIST_FINE ? "other contents" : hist_flaw_text(flaw));
        wrong += !right;
    }
    printf("seed %llu: %d of %zu judged wrongly\n", (unsigned long long)seed, wrong,
           sizeof cases / sizeof *cases);
    run_room_destroy(room);
    free(stamps);
    return wrong != 0;
}
