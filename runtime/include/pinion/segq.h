/* SPDX-License-Identifier: MIT
 *
 * pn_segq: the RCU-protected, lock-free MPMC FIFO. Tickets by fetch-and-add on linked segments of
 * single-use cells; segments are retired through liburcu QSBR and recycled in a slab per queue.
 *
 * Threads use it through a port each; a port's thread must be registered with pn_rcu (schedulers
 * are). Foreign threads never hold a segment pointer: they own a lane (pinion/foreign.h).
 */
#ifndef PINION_SEGQ_H
#define PINION_SEGQ_H

#include <pinion/queue.h>
#include <pinion/topology.h>
#include <pinion/wait.h>
#include <stdbool.h>
#include <stddef.h>

struct pn_segq;
struct pn_segq_port;
struct pn_reclaimer; /* pinion/reclaim.h */

struct pn_segq_config {
    struct pn_os_node node;     /* where segments live; .id = -1: anywhere */
    uint64_t capacity;          /* credit bound in items; 0 = unbounded */
    uint32_t max_senders;       /* sizes the credit chunk: FULL may be early by chunk x senders */
    uint64_t retired_bytes_max; /* past it push answers FULL; 0 = default (16 MiB) */
    struct pn_reclaimer *reclaimer; /* borrowed; must outlive the queue */
};

int pn_segq_create(struct pn_segq **out, const struct pn_segq_config *config);
/* No port may be open, no thread inside. */
void pn_segq_destroy(struct pn_segq *q);

int pn_segq_port_open(struct pn_segq *q, struct pn_segq_port **out);
void pn_segq_port_close(struct pn_segq_port *port);

/**
 * No item goes in any more: a push that starts later is answered CLOSED, one under way is either in
 * or answered CLOSED. Once everything that went in came out, a pop is answered CLOSED (until this
 * returns perhaps still EMPTY), and pop_n returns 0. Any registered thread; twice is no harm.
 */
void pn_segq_close(struct pn_segq *q);

/* item: not NULL, 8-byte aligned. Takes a credit if the queue is bounded. */
enum pn_queue_rc pn_segq_push(struct pn_segq_port *port, void *item);
/** n items, in order, with one fetch-and-add where the segment has room: as n pushes in a row by
 * this port. \return how many went in; fewer than n: FULL or CLOSED, as a single push says */
size_t pn_segq_push_n(struct pn_segq_port *port, void *const *items, size_t n);
/* The caller holds the credit already (a lane took it when the item entered the lane). */
enum pn_queue_rc pn_segq_push_credited(struct pn_segq_port *port, void *item);
/** As push_n; the caller holds the credits. */
size_t pn_segq_push_n_credited(struct pn_segq_port *port, void *const *items, size_t n);
/* Gives the item's credit back, in chunks. */
enum pn_queue_rc pn_segq_pop(struct pn_segq_port *port, void **item);

/**
 * Up to n items, oldest first, with one fetch-and-add where a backlog of that many is in sight: as
 * n pops in a row by this port. \return how many; 0 = empty
 */
size_t pn_segq_pop_n(struct pn_segq_port *port, void **items, size_t n);

/** Before others see it: allow waiting at pn_segq_items and _room. \return 0; -ENOMEM */
int pn_segq_enable_waits(struct pn_segq *q);
/** Where to wait for an item, and for room: pinion/wait.h. */
struct pn_wait_point pn_segq_items(struct pn_segq_port *port);
struct pn_wait_point pn_segq_room(struct pn_segq_port *port);

/* True if a pop would probably find something; reads two shared lines. For parking re-checks. */
bool pn_segq_seems_nonempty(struct pn_segq_port *port);

void pn_segq_counts(const struct pn_segq_port *port, struct pn_queue_counts *out);

struct pn_segq_memory {
    uint64_t segments_retired, segments_recycled; /* this queue's */
    uint64_t segments_made, bytes_mapped; /* the node's: of all queues with this reclaimer */
};
void pn_segq_memory(const struct pn_segq *q, struct pn_segq_memory *out);

#endif
