/* SPDX-License-Identifier: MIT
 *
 * The segmented queue, with its reclaimer at work: a nap short enough that segments come back and
 * are used again many times within one run.
 */
#include "subject.h"

#include "runtime/rcu.h"
#include "runtime/segment.h"

#include <errno.h>
#include <pinion/reclaim.h>
#include <pinion/segq.h>
#include <stdlib.h>

enum { NAP_NS = 100000, RETIRED_BYTES = 16 << 20 };

struct made {
    struct pn_segq *q;
    struct pn_reclaimer *reclaimer;
};

struct port {
    struct pn_segq_port *port;
    struct pn_segq *q;
};

static int create(void **queue, uint64_t capacity, unsigned ports, uint64_t *bound) {
    struct made *m = calloc(1, sizeof *m);
    int rc =
        m == NULL ? -ENOMEM : pn_reclaimer_create(&m->reclaimer, (struct pn_os_cpu){-1}, NAP_NS);
    if (rc != 0) {
        free(m);
        return rc;
    }
    struct pn_segq_config config = {.node = {-1},
                                    .capacity = capacity,
                                    .max_senders = ports,
                                    .retired_bytes_max = RETIRED_BYTES,
                                    .reclaimer = m->reclaimer};
    rc = pn_segq_create(&m->q, &config);
    if (rc != 0) {
        pn_reclaimer_destroy(m->reclaimer);
        free(m);
        return rc;
    }
    *bound = capacity;
    *queue = m;
    return 0;
}

static void destroy(void *queue) {
    struct made *m = queue;
    pn_segq_destroy(m->q);
    pn_reclaimer_destroy(m->reclaimer);
    free(m);
}

static void *open_port(void *queue, enum role role) {
    (void)role;
    struct made *m = queue;
    struct port *p = malloc(sizeof *p);
    if (p == NULL || pn_segq_port_open(m->q, &p->port) != 0) {
        free(p);
        return NULL;
    }
    pn_rcu_register();
    p->q = m->q;
    return p;
}

static void close_port(void *port) {
    struct port *p = port;
    pn_segq_port_close(p->port);
    pn_rcu_unregister();
    free(p);
}

static size_t push(void *port, void *const *items, size_t n, enum answer *why) {
    struct port *p = port;
    size_t k = n == 1 ? 0 : pn_segq_push_n(p->port, items, n);
    if (k > 0) {
        return k;
    }
    enum pn_queue_rc rc = pn_segq_push(p->port, items[0]); /* says why, too */
    *why = answer_of(rc);
    return rc == PN_QUEUE_OK;
}

static size_t pop(void *port, void **items, size_t n, enum answer *why) {
    struct port *p = port;
    size_t k = n == 1 ? 0 : pn_segq_pop_n(p->port, items, n);
    if (k > 0) {
        return k;
    }
    enum pn_queue_rc rc = pn_segq_pop(p->port, items);
    *why = answer_of(rc);
    return rc == PN_QUEUE_OK;
}

static void end(void *port) {
    struct port *p = port;
    pn_segq_close(p->q);
}

static void rest(void *port) {
    (void)port;
    pn_rcu_quiescent();
}

static void memory(void *queue, struct subject_memory *out) {
    struct made *m = queue;
    struct pn_segq_memory now;
    pn_segq_memory(m->q, &now);
    /* Read one after the other: the difference may be negative for a moment. */
    uint64_t waiting = now.segments_retired > now.segments_recycled
                           ? now.segments_retired - now.segments_recycled
                           : 0;
    *out = (struct subject_memory){.retired = waiting * sizeof(struct pn_segment),
                                   .retired_bound = RETIRED_BYTES,
                                   .segments_retired = now.segments_retired,
                                   .mapped = now.bytes_mapped};
}

const struct subject subject_segq = {
    .name = "segq",
    .create = create,
    .destroy = destroy,
    .open = open_port,
    .close = close_port,
    .push = push,
    .pop = pop,
    .end = end,
    .rest = rest,
    .memory = memory,
};
