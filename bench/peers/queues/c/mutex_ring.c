/* SPDX-License-Identifier: MIT
 *
 * A ring under one pthread mutex: what an engineer writes first. A batch is one lock.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t lock __attribute__((aligned(128)));
    uint64_t head, tail, mask; /* beside the lock: whoever holds it has the line */
    void *slot[] __attribute__((aligned(128)));
};
struct port {
    struct queue *q;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    size_t bytes = sizeof(struct queue) + capacity * sizeof(void *);
    struct queue *q = aligned_alloc(128, (bytes + 127) / 128 * 128);
    (void)threads;
    if (q != NULL) {
        (void)pthread_mutex_init(&q->lock, NULL);
        q->head = q->tail = 0;
        q->mask = capacity - 1;
    }
    return q;
}

static void queue_destroy(struct queue *q) {
    (void)pthread_mutex_destroy(&q->lock);
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

#define QUEUE_HAS_BATCH 1
static inline size_t push_n(struct port *p, void *const *items, size_t n) {
    struct queue *q = p->q;
    (void)pthread_mutex_lock(&q->lock);
    size_t room = q->mask + 1 - (q->tail - q->head);
    n = n < room ? n : room;
    for (size_t i = 0; i < n; i++) {
        q->slot[(q->tail + i) & q->mask] = items[i];
    }
    q->tail += n;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

static inline size_t pop_n(struct port *p, void **items, size_t n) {
    struct queue *q = p->q;
    (void)pthread_mutex_lock(&q->lock);
    size_t there = q->tail - q->head;
    n = n < there ? n : there;
    for (size_t i = 0; i < n; i++) {
        items[i] = q->slot[(q->head + i) & q->mask];
    }
    q->head += n;
    (void)pthread_mutex_unlock(&q->lock);
    return n;
}

static inline bool push(struct port *p, void *item) {
    return push_n(p, &item, 1) == 1;
}

static inline void *pop(struct port *p) {
    void *item;
    return pop_n(p, &item, 1) == 1 ? item : NULL;
}

#define QUEUE_NAME    "mutex_ring"
#define QUEUE_TYPE    queue_mutex_ring
#define QUEUE_LIBRARY "baseline"
#define QUEUE_VERSION "1"
#define QUEUE_FLAGS   QUEUE_BOUNDED
#include "loop/loops.h"
