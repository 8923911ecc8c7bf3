/* SPDX-License-Identifier: MIT
 *
 * Concurrency Kit's ck_ring; RING(op) names the mode. A ring of `capacity` slots holds one item
 * less. It has no batch operations.
 */
#include <ck_ring.h>
#include <stdlib.h>
#include <string.h>

struct queue {
    ck_ring_t ring __attribute__((aligned(128)));
    ck_ring_buffer_t slot[] __attribute__((aligned(128)));
};
struct port {
    struct queue *q;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    size_t bytes = sizeof(struct queue) + capacity * sizeof(ck_ring_buffer_t);
    struct queue *q = aligned_alloc(128, (bytes + 127) / 128 * 128);
    (void)threads;
    if (q != NULL) {
        memset((void *)q, 0, bytes);
        ck_ring_init(&q->ring, (unsigned)capacity);
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
    return RING(enqueue)(&p->q->ring, p->q->slot, item);
}

static inline void *pop(struct port *p) {
    void *item;
    return RING(dequeue)(&p->q->ring, p->q->slot, &item) ? item : NULL;
}

#define QUEUE_LIBRARY "Concurrency Kit"
#define QUEUE_VERSION PEER_CK_VERSION
#include "loop/loops.h"
