/* SPDX-License-Identifier: MIT
 *
 * pn_segq through its public functions, as a program that links libpinion uses it; SEGQ_CREDIT: 1 =
 * bounded by credit. One configuration for every row.
 */
#include "runtime/rcu.h"

#include <pinion/reclaim.h>
#include <pinion/segq.h>
#include <stdlib.h>

struct queue {
    struct pn_reclaimer *reclaimer;
    struct pn_segq *q;
};
struct port {
    struct pn_segq_port *port;
};

static struct queue *queue_create(size_t capacity, unsigned threads) {
    struct queue *self = calloc(1, sizeof *self);
    struct pn_segq_config config = {.node.id = -1,
                                    .capacity = SEGQ_CREDIT ? capacity : 0,
                                    .max_senders = threads};
    if (self == NULL || pn_reclaimer_create(&self->reclaimer, (struct pn_os_cpu){-1}, 0) != 0) {
        free(self);
        return NULL;
    }
    config.reclaimer = self->reclaimer;
    if (pn_segq_create(&self->q, &config) != 0) {
        pn_reclaimer_destroy(self->reclaimer);
        free(self);
        return NULL;
    }
    return self;
}

static void queue_destroy(struct queue *self) {
    pn_segq_destroy(self->q);
    pn_reclaimer_destroy(self->reclaimer);
    free(self);
}

static int port_open(struct port *p, struct queue *self, unsigned thread) {
    (void)thread;
    pn_rcu_register();
    return pn_segq_port_open(self->q, &p->port);
}

static void port_close(struct port *p) {
    pn_segq_port_close(p->port);
    pn_rcu_unregister();
}

static inline bool push(struct port *p, void *item) {
    return pn_segq_push(p->port, item) == PN_QUEUE_OK;
}

static inline void *pop(struct port *p) {
    void *item = NULL;
    return pn_segq_pop(p->port, &item) == PN_QUEUE_OK ? item : NULL;
}

#define QUEUE_HAS_BATCH 1
static inline size_t push_n(struct port *p, void *const *items, size_t n) {
    return pn_segq_push_n(p->port, items, n);
}

static inline size_t pop_n(struct port *p, void **items, size_t n) {
    return pn_segq_pop_n(p->port, items, n);
}

#define QUEUE_HAS_QUIESCENT 1
static inline void quiescent(struct port *p) {
    (void)p;
    pn_rcu_quiescent();
}
static inline void offline(struct port *p) {
    (void)p;
    pn_rcu_offline();
}
static inline void online(struct port *p) {
    (void)p;
    pn_rcu_online();
}

#define QUEUE_LIBRARY "pinion"
#define QUEUE_VERSION PN_VERSION
#define QUEUE_FLAGS   (QUEUE_CHAIN | (SEGQ_CREDIT ? QUEUE_BOUNDED : 0))
#include "loop/loops.h"
