/* SPDX-License-Identifier: MIT
 *
 * A locked ring of 1024 words that BROKEN(item, n) spoils on the way out: what the slot program
 * must notice.
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct queue {
    pthread_mutex_t lock;
    uint64_t head, tail;
    void *slot[1024];
};
struct port {
    struct queue *q;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    struct queue *q = calloc(1, sizeof *q);
    (void)capacity;
    (void)threads;
    if (q != NULL) {
        (void)pthread_mutex_init(&q->lock, NULL);
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

static inline bool push(struct port *p, void *item) {
    struct queue *q = p->q;
    (void)pthread_mutex_lock(&q->lock);
    bool room = q->tail - q->head < 1024;
    if (room) {
        q->slot[q->tail++ % 1024] = item;
    }
    (void)pthread_mutex_unlock(&q->lock);
    return room;
}

static inline void *pop(struct port *p) {
    struct queue *q = p->q;
    void *item = NULL;
    (void)pthread_mutex_lock(&q->lock);
    if (q->head < q->tail) {
        item = q->slot[q->head++ % 1024];
        item = BROKEN(item, q->head);
    }
    (void)pthread_mutex_unlock(&q->lock);
    return item;
}

#define QUEUE_LIBRARY "tests"
#define QUEUE_VERSION "1"
#define QUEUE_FLAGS   QUEUE_BOUNDED
#include "loop/loops.h"
