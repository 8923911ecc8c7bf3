/* SPDX-License-Identifier: MIT
 *
 * liburcu's wfcqueue: wait-free enqueue, dequeue under the queue's own lock, as its header says
 * for several consumers. Nodes are recycled (nodes.h). A batch is spliced in and out: one exchange
 * to put 32 in, one lock to take all that is there.
 */
#define _LGPL_SOURCE /* inlined, as fast as the library offers it */
#include <urcu/wfcqueue.h>

struct node {
    struct cds_wfcq_node node; /* first: a node is its entry */
    struct node *spare;
    void *item;
};

#include "c/nodes.h"

struct queue {
    struct cds_wfcq_head head __attribute__((aligned(128)));
    struct cds_wfcq_tail tail __attribute__((aligned(128)));
    struct nodes nodes;
};
struct port {
    struct queue *q;
    struct own_nodes nodes;
    struct __cds_wfcq_head taken_head;
    struct cds_wfcq_tail taken_tail;
    struct __cds_wfcq_head batch_head;
    struct cds_wfcq_tail batch_tail;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    (void)capacity;
    (void)threads;
    struct queue *q = aligned_alloc(128, sizeof *q);
    if (q != NULL) {
        cds_wfcq_init(&q->head, &q->tail);
        q->nodes.given = NULL;
        q->nodes.blocks = NULL;
    }
    return q;
}

static void queue_destroy(struct queue *q) {
    nodes_free(&q->nodes);
    free(q);
}

static int port_open(struct port *p, struct queue *q, unsigned thread) {
    (void)thread;
    p->q = q;
    p->nodes.shared = &q->nodes;
    __cds_wfcq_init(&p->taken_head, &p->taken_tail);
    __cds_wfcq_init(&p->batch_head, &p->batch_tail);
    return 0;
}

static void port_close(struct port *p) {
    (void)p;
}

static inline struct node *filled(struct port *p, void *item) {
    struct node *n = node_get(&p->nodes);
    cds_wfcq_node_init(&n->node);
    n->item = item;
    return n;
}

static inline void *emptied(struct port *p, struct cds_wfcq_node *taken) {
    if (taken == NULL) {
        return NULL;
    }
    struct node *n = (struct node *)taken;
    void *item = n->item;
    node_put(&p->nodes, n);
    return item;
}

static inline bool push(struct port *p, void *item) {
    (void)cds_wfcq_enqueue(&p->q->head, &p->q->tail, &filled(p, item)->node);
    return true;
}

static inline void *pop(struct port *p) {
    if (!cds_wfcq_empty(&p->taken_head, &p->taken_tail)) { /* what a batch left over */
        return emptied(p, __cds_wfcq_dequeue_blocking(&p->taken_head, &p->taken_tail));
    }
    /* Without it an empty poll would take the lock. */
    if (cds_wfcq_empty(&p->q->head, &p->q->tail)) {
        return NULL;
    }
    return emptied(p, cds_wfcq_dequeue_blocking(&p->q->head, &p->q->tail));
}

#define QUEUE_HAS_BATCH 1
static inline size_t push_n(struct port *p, void *const *items, size_t n) {
    for (size_t i = 0; i < n; i++) {
        (void)cds_wfcq_enqueue(&p->batch_head, &p->batch_tail, &filled(p, items[i])->node);
    }
    (void)__cds_wfcq_splice_blocking(&p->q->head, &p->q->tail, &p->batch_head, &p->batch_tail);
    return n;
}

static inline size_t pop_n(struct port *p, void **items, size_t n) {
    size_t i = 0;
    if (cds_wfcq_empty(&p->taken_head, &p->taken_tail)) {
        if (cds_wfcq_empty(&p->q->head, &p->q->tail)) {
            return 0;
        }
        cds_wfcq_dequeue_lock(&p->q->head, &p->q->tail);
        (void)__cds_wfcq_splice_blocking(&p->taken_head, &p->taken_tail, &p->q->head, &p->q->tail);
        cds_wfcq_dequeue_unlock(&p->q->head, &p->q->tail);
    }
    while (i < n && (items[i] = emptied(p, __cds_wfcq_dequeue_blocking(
                                               &p->taken_head, &p->taken_tail))) != NULL) {
        i++;
    }
    return i;
}

#define QUEUE_NAME    "urcu_wfcqueue"
#define QUEUE_TYPE    queue_urcu_wfcqueue
#define QUEUE_LIBRARY "liburcu"
#define QUEUE_VERSION PEER_URCU_VERSION
#define QUEUE_FLAGS   0
#include "loop/loops.h"
