/* SPDX-License-Identifier: MIT
 *
 * Waiting at a pn_segq, through a port.
 *
 * Orderings
 *   Q2  of segq.c: whether there is an end behind the last segment.
 *   Q3  of segq.c: the segment that pushes use.
 *   Q4  of segq.c: whether it is closed.
 */
#include "runtime/reader.h"
#include "runtime/segq_parts.h"

int pn_segq_enable_waits(struct pn_segq *q) {
    return q->waits != NULL ? 0 : pn_waits_create(&q->waits);
}

static enum pn_queue_rc attempt_pop(void *queue, void **item) {
    return pn_segq_pop(queue, item);
}

static enum pn_queue_rc attempt_push(void *queue, void **item) {
    return pn_segq_push(queue, *item);
}

static void rest(void *queue, bool offline) {
    const struct pn_segq_port *port = queue;
    pn_reclaimer_rest(port->q->reclaimer, offline);
}

static bool pop_possible(void *queue) {
    return pn_segq_glance(queue) != PN_QUEUE_EMPTY;
}

static bool push_possible(void *queue) {
    const struct pn_segq_port *port = queue;
    struct pn_segq *q = port->q;
    /* Q3, Q4, Q2 acquire: as in push_items and append. A closed queue refuses for another reason.
     */
    struct pn_segment *tail = pn_load_acq(&q->tail);
    if (pn_load_acq(&tail->enq) >= PN_SEGQ_CLOSED || pn_load_acq(&tail->next) == PN_SEGQ_END) {
        return true;
    }
    const struct pn_credit_port *credit = &port->credit;
    bool credits = credit->credit == NULL || credit->have + credit->owed > 0 ||
                   pn_credit_free(credit->credit) > 0;
    return credits && !pn_segq_too_much_retired(q);
}

struct pn_wait_point pn_segq_items(struct pn_segq_port *port) {
    static const struct pn_wait_ops ops = {PN_QUEUE_EMPTY, attempt_pop, rest, pop_possible};
    return (struct pn_wait_point){&ops, port, &port->waits->items};
}

struct pn_wait_point pn_segq_room(struct pn_segq_port *port) {
    static const struct pn_wait_ops ops = {PN_QUEUE_FULL, attempt_push, rest, push_possible};
    return (struct pn_wait_point){&ops, port, &port->waits->room};
}
