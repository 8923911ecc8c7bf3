/* SPDX-License-Identifier: MIT
 *
 * The life of a pn_segq around its pushes and pops: made, opened, closed, bounded, unmade.
 *
 * Orderings
 *   Q2  of segq.c: closing a used-up segment (release) -> next read (acquire).
 *   Q3  of segq.c: tail read, and moved to the segment that somebody appended.
 *   Q4  of segq.c: closing a segment with room (release) -> enq read by EMPTY and CLOSED (acquire).
 */
#include "runtime/segq_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const uint64_t retired_bytes_default = (uint64_t)16 << 20;

int pn_segq_create(struct pn_segq **out, const struct pn_segq_config *config) {
    if (config->reclaimer == NULL) {
        return -EINVAL;
    }
    struct pn_segq *q = aligned_alloc(PN_LINE, sizeof *q);
    if (q == NULL) {
        return -ENOMEM;
    }
    memset((void *)q, 0, sizeof *q);
    q->reclaimer = config->reclaimer;
    q->bursts = config->bursts;
    q->pool = pn_segment_pool_open(q->reclaimer, config->node);
    uint64_t bytes =
        config->retired_bytes_max == 0 ? retired_bytes_default : config->retired_bytes_max;
    q->retired_max = bytes / sizeof(struct pn_segment);
    struct pn_segment *first = q->pool == NULL ? NULL : pn_segment_first(q->pool);
    int rc = first == NULL ? -ENOMEM : 0;
    if (rc == 0 && config->capacity > 0) {
        rc = pn_credit_create(&q->credit, config->capacity, config->max_senders);
    }
    if (rc != 0) {
        if (first != NULL) {
            pn_segment_put(q->pool, first);
        }
        pn_segment_pool_close(q->reclaimer, q->pool);
        free(q);
        return rc;
    }
    pn_atomic_init(&q->head, first);
    pn_atomic_init(&q->tail, first);
    pn_atomic_init(&q->retired, 0);
    pn_atomic_init(&q->recycled, 0);
    *out = q;
    return 0;
}

void pn_segq_destroy(struct pn_segq *q) {
    if (q == NULL) {
        return;
    }
    /* RCU: nobody is inside, but the pool's other users may still look at a link of these. Q3,
     * Q2 acquire: as in advance_head; alone here. */
    for (struct pn_segment *s = pn_load_acq(&q->head); s != NULL && s != PN_SEGQ_END;) {
        struct pn_segment *next = pn_load_acq(&s->next);
        pn_segq_retire(q, s);
        s = next;
    }
    pn_reclaimer_barrier(q->reclaimer);
    pn_segment_pool_close(q->reclaimer, q->pool);
    pn_credit_destroy(q->credit);
    free(q->waits);
    free(q);
}

int pn_segq_port_open(struct pn_segq *q, struct pn_segq_port **out) {
    struct pn_segq_port *port = aligned_alloc(PN_LINE, sizeof *port);
    if (port == NULL) {
        return -ENOMEM;
    }
    memset((void *)port, 0, sizeof *port);
    port->q = q;
    port->waits = q->waits;
    port->bursts = q->bursts;
    pn_credit_port_init(&port->credit, q->credit);
    *out = port;
    return 0;
}

/* Runs after the grace period, on the reclaimer. */
static void recycle(struct pn_retired *piece, void *context) {
    struct pn_segq *q = context;
    /* RCU: every operation that could reach the segment has ended; G2 of segment.c holds. */
    pn_segment_put(q->pool, (struct pn_segment *)(void *)piece);
    (void)pn_faa_rlx(&q->recycled, 1); /* relaxed: a count for the bound and for statistics */
    if (q->waits != NULL) {
        pn_waitlist_notify(&q->waits->room, 1); /* a push may have been FULL for what is retired */
    }
}

void pn_segq_retire(struct pn_segq *q, struct pn_segment *s) {
    s->retired = (struct pn_retired){.fn = recycle, .context = q, .bytes = sizeof *s};
    (void)pn_faa_rlx(&q->retired, 1); /* relaxed: a count for the bound and for statistics */
    pn_reclaimer_retire(q->reclaimer, &s->retired);
}

void pn_segq_port_close(struct pn_segq_port *port) {
    if (port == NULL) {
        return;
    }
    if (port->q->credit != NULL) {
        (void)pn_credit_flush(&port->credit);
    }
    if (port->spare != NULL) {
        pn_segq_retire(port->q, port->spare);
    }
    free(port);
}

bool pn_segq_too_much_retired(const struct pn_segq *q) {
    /* relaxed: a bound far above one segment; recycled first, so the difference is not negative by
     * more than what is on its way. */
    uint64_t recycled = pn_load_rlx(&q->recycled);
    uint64_t retired = pn_load_rlx(&q->retired);
    return retired > recycled && retired - recycled > q->retired_max;
}

void pn_segq_close(struct pn_segq *q) {
    for (;;) {
        /* Q3 acquire: as in push_items. */
        struct pn_segment *tail = pn_load_acq(&q->tail);
        /* Q4 release, acquire: the tickets given out before are counted. If one was left, nobody
         * ever appends to this segment, and this is the LP. */
        (void)pn_for_acqrel(&tail->enq, PN_SEGQ_CLOSED);
        struct pn_segment *next = NULL;
        /* Q2 release: pairs with the loads of next: for poppers that used up the tickets. LP if
         * pushers had done so before. */
        if (pn_cas_acqrel(&tail->next, &next, PN_SEGQ_END) || next == PN_SEGQ_END) {
            break;
        }
        struct pn_segment *expected = tail;
        /* Q3 release: as in append. */
        (void)pn_cas_acqrel(&q->tail, &expected, next);
    }
    if (q->waits != NULL) {
        pn_waitlist_notify(&q->waits->items, UINT32_MAX);
        pn_waitlist_notify(&q->waits->room, UINT32_MAX);
    }
}

void pn_segq_counts(const struct pn_segq_port *port, struct pn_queue_counts *out) {
    pn_counters_read(&port->counts, out);
}

void pn_segq_memory(const struct pn_segq *q, struct pn_segq_memory *out) {
    /* relaxed: statistics. */
    out->segments_made = pn_load_rlx(&q->pool->made);
    out->segments_retired = pn_load_rlx(&q->retired);
    out->segments_recycled = pn_load_rlx(&q->recycled);
    out->bytes_mapped = pn_load_rlx(&q->pool->mapped_bytes);
}
