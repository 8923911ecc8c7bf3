/* SPDX-License-Identifier: MIT
 *
 * Concurrency Kit's ck_fifo, MPMC: Michael and Scott's queue with generation counters, so entries
 * must be type-stable: they are recycled (nodes.h). Unbounded.
 */
#include <ck_fifo.h>

struct node {
    ck_fifo_mpmc_entry_t entry; /* first: a node is its entry */
    struct node *spare;
} __attribute__((aligned(16)));

#include "c/nodes.h"

struct queue {
    ck_fifo_mpmc_t fifo __attribute__((aligned(128)));
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
        struct own_nodes first = {.shared = &q->nodes};
        q->nodes.given = NULL;
        q->nodes.blocks = NULL;
        ck_fifo_mpmc_init(&q->fifo, &node_get(&first)->entry);
        q->nodes.given = first.spare;
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
    return 0;
}

static void port_close(struct port *p) {
    (void)p;
}

static inline bool push(struct port *p, void *item) {
    ck_fifo_mpmc_enqueue(&p->q->fifo, &node_get(&p->nodes)->entry, item);
    return true;
}

static inline void *pop(struct port *p) {
    void *item = NULL;
    ck_fifo_mpmc_entry_t *garbage = NULL;
    if (!ck_fifo_mpmc_dequeue(&p->q->fifo, &item, &garbage)) {
        return NULL;
    }
    node_put(&p->nodes, (struct node *)garbage);
    return item;
}

#define QUEUE_NAME    "ck_fifo_mpmc"
#define QUEUE_TYPE    queue_ck_fifo_mpmc
#define QUEUE_LIBRARY "Concurrency Kit"
#define QUEUE_VERSION PEER_CK_VERSION
#define QUEUE_FLAGS   0
#include "loop/loops.h"
