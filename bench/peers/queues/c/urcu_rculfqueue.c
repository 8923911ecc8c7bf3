/* SPDX-License-Identifier: MIT
 *
 * liburcu's rculfqueue (Michael and Scott's queue under RCU), QSBR flavour. A dequeued node may be
 * freed only after a grace period: malloc per item and call_rcu, as the library's example does.
 */
#define _LGPL_SOURCE /* inlined, as fast as the library offers it */
#include <stdlib.h>
#include <urcu-qsbr.h>
#include <urcu/rculfqueue.h>

struct node {
    struct cds_lfq_node_rcu node; /* first: a node is its entry */
    void *item;
    struct rcu_head head;
};

struct queue {
    struct cds_lfq_queue_rcu q __attribute__((aligned(128)));
};
struct port {
    struct queue *q;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    (void)capacity;
    (void)threads;
    struct queue *q = aligned_alloc(128, sizeof *q);
    if (q != NULL) {
        cds_lfq_init_rcu(&q->q, urcu_qsbr_call_rcu);
    }
    return q;
}

static void queue_destroy(struct queue *q) {
    urcu_qsbr_barrier();
    (void)cds_lfq_destroy_rcu(&q->q);
    free(q);
}

static int port_open(struct port *p, struct queue *q, unsigned thread) {
    (void)thread;
    urcu_qsbr_register_thread();
    p->q = q;
    return 0;
}

static void port_close(struct port *p) {
    (void)p;
    urcu_qsbr_unregister_thread();
}

static inline bool push(struct port *p, void *item) {
    struct node *n = malloc(sizeof *n);
    if (n == NULL) {
        return false;
    }
    cds_lfq_node_init_rcu(&n->node);
    n->item = item;
    urcu_qsbr_read_lock();
    cds_lfq_enqueue_rcu(&p->q->q, &n->node);
    urcu_qsbr_read_unlock();
    return true;
}

static void free_node(struct rcu_head *head) {
    free((char *)head - offsetof(struct node, head));
}

static inline void *pop(struct port *p) {
    urcu_qsbr_read_lock();
    struct node *n = (struct node *)cds_lfq_dequeue_rcu(&p->q->q);
    urcu_qsbr_read_unlock();
    if (n == NULL) {
        return NULL;
    }
    void *item = n->item;
    urcu_qsbr_call_rcu(&n->head, free_node);
    return item;
}

#define QUEUE_HAS_QUIESCENT 1
static inline void quiescent(struct port *p) {
    (void)p;
    urcu_qsbr_quiescent_state();
}
static inline void offline(struct port *p) {
    (void)p;
    urcu_qsbr_thread_offline();
}
static inline void online(struct port *p) {
    (void)p;
    urcu_qsbr_thread_online();
}

#define QUEUE_NAME    "urcu_rculfqueue"
#define QUEUE_TYPE    queue_urcu_rculfqueue
#define QUEUE_LIBRARY "liburcu"
#define QUEUE_VERSION PEER_URCU_VERSION
#define QUEUE_FLAGS   0
#include "loop/loops.h"
