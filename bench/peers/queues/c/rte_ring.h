/* SPDX-License-Identifier: MIT
 *
 * DPDK's rte_ring on memory of our own (rte_ring_init), so that no environment layer is started.
 * The calls name the mode, as a program that knows its ring does: no switch per operation. A ring
 * of `capacity` slots holds one item less. RING_FLAGS, RING_PUSH, RING_POP: the mode.
 */
#include <rte_ring.h>
#include <rte_version.h>
#include <stdlib.h>

struct queue;
struct port {
    struct rte_ring *r;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    ssize_t bytes = rte_ring_get_memsize((unsigned)capacity);
    struct rte_ring *r = bytes < 0 ? NULL : aligned_alloc(128, ((size_t)bytes + 127) / 128 * 128);
    (void)threads;
    if (r != NULL && rte_ring_init(r, "slot", (unsigned)capacity, RING_FLAGS) != 0) {
        free(r);
        r = NULL;
    }
    return (struct queue *)r;
}

static void queue_destroy(struct queue *q) {
    free(q);
}

static int port_open(struct port *p, struct queue *q, unsigned thread) {
    (void)thread;
    p->r = (struct rte_ring *)q;
    return 0;
}

static void port_close(struct port *p) {
    (void)p;
}

static inline bool push(struct port *p, void *item) {
    return RING_PUSH(bulk)(p->r, &item, sizeof item, 1, NULL) != 0;
}

static inline void *pop(struct port *p) {
    void *item;
    return RING_POP(bulk)(p->r, &item, sizeof item, 1, NULL) != 0 ? item : NULL;
}

#define QUEUE_HAS_BATCH 1
static inline size_t push_n(struct port *p, void *const *items, size_t n) {
    return RING_PUSH(burst)(p->r, items, sizeof *items, (unsigned)n, NULL);
}

static inline size_t pop_n(struct port *p, void **items, size_t n) {
    return RING_POP(burst)(p->r, items, sizeof *items, (unsigned)n, NULL);
}

#define QUEUE_LIBRARY "DPDK"
#define QUEUE_VERSION PEER_DPDK_VERSION
#include "loop/loops.h"
