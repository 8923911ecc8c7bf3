/* SPDX-License-Identifier: MIT */
#include "subject.h"

#include <pinion/ring.h>
#include <pinion/spsc.h>

static int create_ring(void **queue, uint64_t capacity, unsigned ports, uint64_t *bound) {
    (void)ports;
    struct pn_ring *ring = NULL;
    int rc = pn_ring_create(&ring, capacity);
    *bound = rc == 0 ? pn_ring_capacity(ring) : 0;
    *queue = ring;
    return rc;
}

static void destroy_ring(void *queue) {
    pn_ring_destroy(queue);
}

static int create_spsc(void **queue, uint64_t capacity, unsigned ports, uint64_t *bound) {
    (void)ports;
    struct pn_spsc *spsc = NULL;
    int rc = pn_spsc_create(&spsc, capacity);
    *bound = rc == 0 ? pn_spsc_capacity(spsc) : 0;
    *queue = spsc;
    return rc;
}

static void destroy_spsc(void *queue) {
    pn_spsc_destroy(queue);
}

static void *open_port(void *queue, enum role role) {
    (void)role;
    return queue;
}

static void close_port(void *port) {
    (void)port;
}

static size_t push_ring(void *port, void *const *items, size_t n, enum answer *why) {
    size_t k = n == 1 ? 0 : pn_ring_push_n(port, items, n, NULL);
    if (k > 0) {
        return k;
    }
    enum pn_queue_rc rc = pn_ring_push(port, items[0]); /* says why, too */
    *why = answer_of(rc);
    return rc == PN_QUEUE_OK;
}

static size_t pop_ring(void *port, void **items, size_t n, enum answer *why) {
    size_t k = n == 1 ? 0 : pn_ring_pop_n(port, items, n, NULL);
    if (k > 0) {
        return k;
    }
    enum pn_queue_rc rc = pn_ring_pop(port, items);
    *why = answer_of(rc);
    return rc == PN_QUEUE_OK;
}

static void end_ring(void *port) {
    pn_ring_close(port);
}

static size_t push_spsc(void *port, void *const *items, size_t n, enum answer *why) {
    *why = ANSWER_FULL;
    return n == 1 ? pn_spsc_push(port, items[0]) == PN_QUEUE_OK : pn_spsc_push_n(port, items, n);
}

static size_t pop_spsc(void *port, void **items, size_t n, enum answer *why) {
    size_t k = n == 1 ? 0 : pn_spsc_pop_n(port, items, n);
    if (k > 0) {
        return k;
    }
    enum pn_queue_rc rc = pn_spsc_pop(port, items);
    *why = answer_of(rc);
    return rc == PN_QUEUE_OK;
}

static void end_spsc(void *port) {
    pn_spsc_close(port);
}

const struct subject subject_ring = {
    .name = "ring",
    .weak_empty = true, /* documented: said while a claimant is between claim and publication */
    .stores = true,
    .create = create_ring,
    .destroy = destroy_ring,
    .open = open_port,
    .close = close_port,
    .push = push_ring,
    .pop = pop_ring,
    .end = end_ring,
};

const struct subject subject_spsc = {
    .name = "spsc",
    .stores = true,
    .end_is_last = true,
    .create = create_spsc,
    .destroy = destroy_spsc,
    .open = open_port,
    .close = close_port,
    .push = push_spsc,
    .pop = pop_spsc,
    .end = end_spsc,
};
