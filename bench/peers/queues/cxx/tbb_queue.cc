/* SPDX-License-Identifier: MIT
 *
 * oneTBB's concurrent_queue. Unbounded.
 */
#include <new>
#include <oneapi/tbb/concurrent_queue.h>

namespace {
struct queue {
    tbb::concurrent_queue<void *> q;
};
struct port {
    tbb::concurrent_queue<void *> *q;
};
} // namespace

static struct queue *queue_create(size_t, unsigned) {
    return new (std::nothrow) queue();
}

static void queue_destroy(struct queue *q) {
    delete q;
}

static int port_open(struct port *p, struct queue *q, unsigned) {
    p->q = &q->q;
    return 0;
}

static void port_close(struct port *) {
}

static inline bool push(struct port *p, void *item) {
    p->q->push(item);
    return true;
}

static inline void *pop(struct port *p) {
    void *item = nullptr;
    return p->q->try_pop(item) ? item : nullptr;
}

#define QUEUE_NAME    "tbb_queue"
#define QUEUE_TYPE    queue_tbb_queue
#define QUEUE_LIBRARY "oneTBB"
#define QUEUE_VERSION PEER_TBB_VERSION
#define QUEUE_FLAGS   0
#include "loop/loops.h"
