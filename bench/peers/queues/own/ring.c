/* SPDX-License-Identifier: MIT
 *
 * pn_ring through its public functions.
 */
#include <pinion/ring.h>

struct queue;
struct port {
    struct pn_ring *q;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    struct pn_ring *q = NULL;
    (void)threads;
    return pn_ring_create(&q, capacity) == 0 ? (struct queue *)q : NULL;
}

static void queue_destroy(struct queue *q) {
    pn_ring_destroy((struct pn_ring *)q);
}

static int port_open(struct port *p, struct queue *q, unsigned thread) {
    (void)thread;
    p->q = (struct pn_ring *)q;
    return 0;
}

static void port_close(struct port *p) {
    (void)p;
}

static inline bool push(struct port *p, void *item) {
    return pn_ring_push(p->q, item) == PN_QUEUE_OK;
}

static inline void *pop(struct port *p) {
    void *item = NULL;
    return pn_ring_pop(p->q, &item) == PN_QUEUE_OK ? item : NULL;
}

#define QUEUE_HAS_BATCH 1
static inline size_t push_n(struct port *p, void *const *items, size_t n) {
    return pn_ring_push_n(p->q, items, n, NULL);
}

static inline size_t pop_n(struct port *p, void **items, size_t n) {
    return pn_ring_pop_n(p->q, items, n, NULL);
}

#define QUEUE_NAME    "ring"
#define QUEUE_TYPE    queue_ring
#define QUEUE_LIBRARY "pinion"
#define QUEUE_VERSION PN_VERSION
#define QUEUE_FLAGS   (QUEUE_BOUNDED | QUEUE_CHAIN)
#include "loop/loops.h"
