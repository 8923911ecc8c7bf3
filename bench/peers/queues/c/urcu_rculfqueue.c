/* SPDX-License-Identifier: MIT
 *
 * liburcu's rculfqueue (Michael and Scott's queue under RCU), QSBR flavour. A dequeued node may be
 * used again only after a grace period: one call_rcu for 64 nodes, which go back to the pool of
 * nodes.h. The library's example does a malloc, a call_rcu and a free per item; this
 * way is 1.2 to 3 times as fast (pairs at T=1 16 against 12.5 M/s, 2P2C at 65536 30 against 9).
 */
#define _LGPL_SOURCE /* inlined, as fast as the library offers it */
#include <stdlib.h>
#include <urcu-qsbr.h>
#include <urcu/rculfqueue.h>

struct node {
    struct cds_lfq_node_rcu node; /* first: a node is its entry */
    struct node *spare;
    void *item;
    struct rcu_head head; /* of the first of 64 */
    struct node *last;    /* with it: the list's end, and where it goes */
    struct nodes *home;
};

#define NODES_AGE       1
#define NODES_USED(own) give_later(own)
struct own_nodes;
static void give_later(struct own_nodes *own);
#include "c/nodes.h"

static void give(struct rcu_head *head) {
    struct node *first = (struct node *)(void *)((char *)head - offsetof(struct node, head));
    nodes_give(first->home, first, first->last);
}

static __attribute__((noinline)) void give_later(struct own_nodes *own) {
    struct node *first = own->used;
    first->last = own->oldest;
    first->home = own->shared;
    urcu_qsbr_call_rcu(&first->head, give);
}

struct queue {
    struct cds_lfq_queue_rcu q __attribute__((aligned(128)));
    struct nodes nodes;
};
struct port {
    struct queue *q;
    struct own_nodes nodes;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    (void)capacity;
    (void)threads;
    struct queue *q = aligned_alloc(128, sizeof *q);
    if (q != NULL) {
        cds_lfq_init_rcu(&q->q, urcu_qsbr_call_rcu);
        q->nodes.given = NULL;
        q->nodes.blocks = NULL;
    }
    return q;
}

static void queue_destroy(struct queue *q) {
    urcu_qsbr_barrier();
    (void)cds_lfq_destroy_rcu(&q->q);
    nodes_free(&q->nodes);
    free(q);
}

static int port_open(struct port *p, struct queue *q, unsigned thread) {
    (void)thread;
    urcu_qsbr_register_thread();
    p->nodes.shared = &q->nodes;
    p->q = q;
    return 0;
}

static void port_close(struct port *p) {
    (void)p;
    urcu_qsbr_unregister_thread();
}

static inline bool push(struct port *p, void *item) {
    struct node *n = node_get(&p->nodes);
    cds_lfq_node_init_rcu(&n->node);
    n->item = item;
    urcu_qsbr_read_lock();
    cds_lfq_enqueue_rcu(&p->q->q, &n->node);
    urcu_qsbr_read_unlock();
    return true;
}

static inline void *pop(struct port *p) {
    urcu_qsbr_read_lock();
    struct node *n = (struct node *)cds_lfq_dequeue_rcu(&p->q->q);
    urcu_qsbr_read_unlock();
    if (n == NULL) {
        return NULL;
    }
    void *item = n->item;
    node_put(&p->nodes, n);
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
