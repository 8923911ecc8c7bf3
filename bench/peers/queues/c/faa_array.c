/* SPDX-License-Identifier: MIT
 *
 * The FAAArrayQueue class (A. Correia and P. Ramalhete, 2016): fetch-and-add tickets on linked
 * arrays of single-use cells, an exchange to take an item, hazard pointers (M. Michael, 2004) to
 * reclaim arrays. Written as its authors do: one hazard pointer per thread, published by a
 * sequentially consistent store and checked again; cleared by a release store; arrays of 1024
 * cells, the two tickets on lines of their own; retired arrays are freed when no thread protects
 * them, looked at per array retired.
 */
#include "loop/slot.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS = 1024, RETIRED_MAX = 2 * THREADS_MAX };

struct array {
    unsigned deq __attribute__((aligned(128)));
    unsigned enq __attribute__((aligned(128)));
    struct array *next;
    void *cell[CELLS] __attribute__((aligned(128)));
};

struct hazard {
    struct array *protects __attribute__((aligned(128)));
};

struct queue {
    struct array *head __attribute__((aligned(128)));
    struct array *tail __attribute__((aligned(128)));
    struct hazard hazard[THREADS_MAX];
    unsigned threads;
};

struct port {
    struct queue *q;
    struct array **hazard;
    struct array *retired[RETIRED_MAX];
    unsigned n_retired;
};

#define TAKEN ((void *)1)

static struct array *array_create(void *item) {
    struct array *a = aligned_alloc(128, sizeof *a);
    if (a == NULL) {
        abort();
    }
    memset((void *)a, 0, sizeof *a);
    a->cell[0] = item;
    a->enq = item != NULL;
    return a;
}

static struct queue *queue_create(size_t capacity, unsigned threads) {
    (void)capacity;
    struct queue *q = aligned_alloc(128, sizeof *q);
    if (q != NULL) {
        memset((void *)q, 0, sizeof *q);
        q->threads = threads;
        q->head = q->tail = array_create(NULL);
    }
    return q;
}

static void queue_destroy(struct queue *q) {
    while (q->head != NULL) {
        struct array *a = q->head;
        q->head = a->next;
        free(a);
    }
    free(q);
}

static int port_open(struct port *p, struct queue *q, unsigned thread) {
    p->q = q;
    p->hazard = &q->hazard[thread].protects;
    return 0;
}

/* Frees what nobody protects; with `all`, at the end, everything. */
static __attribute__((noinline)) void scan(struct port *p, bool all) {
    unsigned kept = 0;
    for (unsigned i = 0; i < p->n_retired; i++) {
        bool held = false;
        for (unsigned t = 0; t < p->q->threads && !all && !held; t++) {
            held = __atomic_load_n(&p->q->hazard[t].protects, __ATOMIC_SEQ_CST) == p->retired[i];
        }
        if (held) {
            p->retired[kept++] = p->retired[i];
        } else {
            free(p->retired[i]);
        }
    }
    p->n_retired = kept;
}

/* After everybody has stopped. */
static void port_close(struct port *p) {
    scan(p, true);
}

static inline struct array *protect(struct port *p, struct array **from) {
    struct array *seen = NULL, *now;
    while ((now = __atomic_load_n(from, __ATOMIC_SEQ_CST)) != seen) {
        __atomic_store_n(p->hazard, now, __ATOMIC_SEQ_CST);
        seen = now;
    }
    return now;
}

static inline void clear(struct port *p) {
    __atomic_store_n(p->hazard, NULL, __ATOMIC_RELEASE);
}

static inline bool swing(struct array **place, struct array *from, struct array *to) {
    return __atomic_compare_exchange_n(place, &from, to, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* \return the item is in */
static __attribute__((noinline)) bool append(struct queue *q, struct array *tail, void *item) {
    if (tail != __atomic_load_n(&q->tail, __ATOMIC_SEQ_CST)) {
        return false;
    }
    struct array *next = __atomic_load_n(&tail->next, __ATOMIC_SEQ_CST);
    if (next != NULL) {
        (void)swing(&q->tail, tail, next);
        return false;
    }
    struct array *made = array_create(item);
    if (swing(&tail->next, NULL, made)) {
        (void)swing(&q->tail, tail, made);
        return true;
    }
    free(made);
    return false;
}

static inline bool push(struct port *p, void *item) {
    for (;;) {
        struct array *tail = protect(p, &p->q->tail);
        unsigned ticket = __atomic_fetch_add(&tail->enq, 1, __ATOMIC_SEQ_CST);
        void *empty = NULL;
        if (ticket < CELLS
                ? __atomic_compare_exchange_n(&tail->cell[ticket], &empty, item, 0,
                                              __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
                : append(p->q, tail, item)) {
            clear(p);
            return true;
        }
    }
}

static __attribute__((noinline)) void retire(struct port *p, struct array *a) {
    p->retired[p->n_retired++] = a;
    clear(p);
    scan(p, false);
}

static inline void *pop(struct port *p) {
    for (;;) {
        struct array *head = protect(p, &p->q->head);
        if (__atomic_load_n(&head->deq, __ATOMIC_SEQ_CST) >=
                __atomic_load_n(&head->enq, __ATOMIC_SEQ_CST) &&
            __atomic_load_n(&head->next, __ATOMIC_SEQ_CST) == NULL) {
            break;
        }
        unsigned ticket = __atomic_fetch_add(&head->deq, 1, __ATOMIC_SEQ_CST);
        if (ticket < CELLS) {
            void *item = __atomic_exchange_n(&head->cell[ticket], TAKEN, __ATOMIC_SEQ_CST);
            if (item != NULL) {
                clear(p);
                return item;
            }
            continue;
        }
        struct array *next = __atomic_load_n(&head->next, __ATOMIC_SEQ_CST);
        if (next == NULL) {
            break;
        }
        if (swing(&p->q->head, head, next)) {
            retire(p, head);
        }
    }
    clear(p);
    return NULL;
}

#define QUEUE_NAME    "faa_array"
#define QUEUE_TYPE    queue_faa_array
#define QUEUE_LIBRARY "baseline"
#define QUEUE_VERSION "1"
#define QUEUE_FLAGS   0
#include "loop/loops.h"
