/* SPDX-License-Identifier: MIT
 *
 * oneTBB's concurrent_bounded_queue with its capacity set; try_push and try_pop.
 */
#include <new>
#include <oneapi/tbb/concurrent_queue.h>

namespace {
struct queue {
    tbb::concurrent_bounded_queue<void *> q;
};
struct port {
    tbb::concurrent_bounded_queue<void *> *q;
};
} // namespace

static struct queue *queue_create(size_t capacity, unsigned) {
    struct queue *q = new (std::nothrow) queue();
    if (q != nullptr) {
        q->q.set_capacity((std::ptrdiff_t)capacity);
    }
    return q;
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
    return p->q->try_push(item);
}

static inline void *pop(struct port *p) {
    void *item = nullptr;
    return p->q->try_pop(item) ? item : nullptr;
}

#define QUEUE_NAME    "tbb_bounded"
#define QUEUE_TYPE    queue_tbb_bounded
#define QUEUE_LIBRARY "oneTBB"
#define QUEUE_VERSION PEER_TBB_VERSION
#define QUEUE_FLAGS   QUEUE_BOUNDED
#include "loop/loops.h"
