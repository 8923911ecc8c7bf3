/* SPDX-License-Identifier: MIT
 *
 * Boost.Lockfree's queue. Its nodes are made beforehand, as many as the capacity, and pushed with
 * bounded_push, which allocates nothing; in the memory rows push() allocates as it has to. Its
 * fixed_sized form (at most 65534 items) had 5 to 8 % more in pairs at T=2 and 12 % less at T=1.
 */
#include <boost/lockfree/queue.hpp>
#include <new>

namespace {
struct queue {
    boost::lockfree::queue<void *> q;
    bool bounded;
    explicit queue(size_t capacity) : q(capacity == 0 ? 128 : capacity), bounded(capacity != 0) {}
};
struct port {
    struct queue *q;
};
} // namespace

static struct queue *queue_create(size_t capacity, unsigned) {
    return new (std::nothrow) queue(capacity);
}

static void queue_destroy(struct queue *q) {
    delete q;
}

static int port_open(struct port *p, struct queue *q, unsigned) {
    p->q = q;
    return 0;
}

static void port_close(struct port *) {
}

static inline bool push(struct port *p, void *item) {
    return p->q->bounded ? p->q->q.bounded_push(item) : p->q->q.push(item);
}

static inline void *pop(struct port *p) {
    void *item = nullptr;
    return p->q->q.pop(item) ? item : nullptr;
}

#define QUEUE_NAME    "boost_queue"
#define QUEUE_TYPE    queue_boost_queue
#define QUEUE_LIBRARY "Boost.Lockfree"
#define QUEUE_VERSION PEER_BOOST_VERSION
#define QUEUE_FLAGS   QUEUE_BOUNDED | QUEUE_GROWS
#include "loop/loops.h"
