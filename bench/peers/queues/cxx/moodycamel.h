/* SPDX-License-Identifier: MIT
 *
 * moodycamel::ConcurrentQueue; CAMEL_TOKENS: 1 = with a producer and a consumer token per thread,
 * made before the window. Not one FIFO: a queue per producer. Unbounded; its blocks are made for
 * `capacity` items beforehand.
 */
#include <concurrentqueue/concurrentqueue.h>
#include <new>
#include <optional>

namespace {
struct queue {
    moodycamel::ConcurrentQueue<void *> q;
    queue(size_t capacity, unsigned threads) : q(capacity, threads, threads) {}
};
struct port {
    moodycamel::ConcurrentQueue<void *> *q;
    moodycamel::ProducerToken *in;
    moodycamel::ConsumerToken *out;
};
} // namespace

static struct queue *queue_create(size_t capacity, unsigned threads) {
    return new (std::nothrow) queue(capacity == 0 ? 32 : capacity, threads);
}

static void queue_destroy(struct queue *q) {
    delete q;
}

static int port_open(struct port *p, struct queue *q, unsigned) {
    p->q = &q->q;
    if (CAMEL_TOKENS) {
        p->in = new moodycamel::ProducerToken(q->q);
        p->out = new moodycamel::ConsumerToken(q->q);
    }
    return 0;
}

static void port_close(struct port *p) {
    delete p->in;
    delete p->out;
}

static inline bool push(struct port *p, void *item) {
    return CAMEL_TOKENS ? p->q->enqueue(*p->in, item) : p->q->enqueue(item);
}

static inline void *pop(struct port *p) {
    void *item = nullptr;
    return (CAMEL_TOKENS ? p->q->try_dequeue(*p->out, item) : p->q->try_dequeue(item)) ? item
                                                                                       : nullptr;
}

#define QUEUE_HAS_BATCH 1
static inline size_t push_n(struct port *p, void *const *items, size_t n) {
    return (CAMEL_TOKENS ? p->q->enqueue_bulk(*p->in, items, n) : p->q->enqueue_bulk(items, n))
               ? n
               : 0;
}

static inline size_t pop_n(struct port *p, void **items, size_t n) {
    return CAMEL_TOKENS ? p->q->try_dequeue_bulk(*p->out, items, n)
                        : p->q->try_dequeue_bulk(items, n);
}

#define QUEUE_LIBRARY "moodycamel"
#define QUEUE_VERSION PEER_MOODYCAMEL_VERSION
#define QUEUE_FLAGS   0
#include "loop/loops.h"
