/* SPDX-License-Identifier: MIT
 *
 * The ceiling of every queue that hands out tickets: one fetch-and-add to push, one to pop, on two
 * lines, and nothing else. Carries no items.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct queue {
    uint64_t tail __attribute__((aligned(128)));
    uint64_t head __attribute__((aligned(128)));
};
struct port {
    struct queue *q;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    (void)capacity;
    (void)threads;
    struct queue *q = aligned_alloc(128, sizeof *q);
    if (q != NULL) {
        q->tail = 0;
        q->head = 0;
    }
    return q;
}

static void queue_destroy(struct queue *q) {
    free(q);
}

static int port_open(struct port *p, struct queue *q, unsigned thread) {
    (void)thread;
    p->q = q;
    return 0;
}

static void port_close(struct port *p) {
    (void)p;
}

static inline bool push(struct port *p, void *item) {
    (void)item;
    (void)__atomic_fetch_add(&p->q->tail, 1, __ATOMIC_ACQ_REL);
    return true;
}

/* NULL once as many have come out as went in, when the slot drains it. */
static inline void *pop(struct port *p) {
    uint64_t ticket = __atomic_fetch_add(&p->q->head, 1, __ATOMIC_ACQ_REL);
    return (void *)(uintptr_t)((ticket + 1) << 3);
}

#define QUEUE_NAME    "faa"
#define QUEUE_TYPE    queue_faa
#define QUEUE_LIBRARY "baseline"
#define QUEUE_VERSION "1"
#define QUEUE_FLAGS   QUEUE_CEILING
#include "loop/loops.h"
