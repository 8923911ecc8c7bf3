/* SPDX-License-Identifier: MIT
 *
 * The run queue: its owner pushes and pops one at a time (ROLE_BOTH), thieves take half (ROLE_POP).
 * The owner's NULL is EMPTY; a thief's 0 may mean that others were faster, and claims nothing.
 */
#include "subject.h"

#include <errno.h>
#include <pinion/runq.h>
#include <stdlib.h>

struct port {
    struct pn_runq *q;
    bool owner;
};

static int create(void **queue, uint64_t capacity, unsigned ports, uint64_t *bound) {
    (void)capacity;
    (void)ports;
    struct pn_runq *q = NULL;
    int rc = pn_runq_create(&q);
    *bound = PN_RUNQ_CAPACITY;
    *queue = q;
    return rc;
}

static void destroy(void *queue) {
    pn_runq_destroy(queue);
}

static void *open_port(void *queue, enum role role) {
    struct port *p = malloc(sizeof *p);
    if (p != NULL) {
        *p = (struct port){.q = queue, .owner = role == ROLE_BOTH};
    }
    return p;
}

static void close_port(void *port) {
    free(port);
}

static size_t push(void *port, void *const *items, size_t n, enum answer *why) {
    (void)n;
    *why = ANSWER_FULL;
    struct port *p = port;
    return pn_runq_push(p->q, items[0]);
}

static size_t pop(void *port, void **items, size_t n, enum answer *why) {
    struct port *p = port;
    *why = ANSWER_NOTHING;
    if (!p->owner) {
        return pn_runq_steal(p->q, items, n);
    }
    items[0] = pn_runq_pop(p->q);
    *why = ANSWER_EMPTY;
    return items[0] != NULL;
}

const struct subject subject_runq = {
    .name = "runq",
    .stores = true,
    .create = create,
    .destroy = destroy,
    .open = open_port,
    .close = close_port,
    .push = push,
    .pop = pop,
};
