/* SPDX-License-Identifier: MIT
 *
 * pn_segq: the RCU-protected, lock-free MPMC FIFO. Tickets by fetch-and-add on linked segments of
 * single-use cells; segments are retired through liburcu QSBR, and recycled in a pool that all
 * queues of a NUMA node with the same reclaimer share. Unbounded, or bounded by credit.
 *
 * Progress: lock-free while segments can be had: a push or pop is tried again only because another
 *   one succeeded, or a popper poisoned one of the 1024 cells of a segment. Reclamation blocks, on
 * its own thread: past retired_bytes_max a push answers FULL, it never waits. Linearizable FIFO,
 * EMPTY included; a batch of n is n operations in a row. With credit, FULL may be said early by
 * what other ports keep (pinion/credit.h). A stalled thread: a pusher between its ticket and its
 * cell costs the popper of that ticket at most 64 polls; a popper costs nobody anything. Either
 * keeps retired segments from coming back, for it is a reader that is not quiescent: the memory is
 * bounded as above, and the reader is named (pinion/reader.h). Memory: 8.4 bytes an item in use.
 * Slabs of 1.1 MB; what a burst needed is unmapped once two tenths of a second needed less than
 * half of it. While a consumer that only consumes runs on a producer's heels, it pauses up to 64
 * times (under a microsecond on a Zen) at each miss. Threads use it through a port each, which only
 * readers may hold: schedulers, and threads that opened a pn_reader (pinion/reader.h). Other
 * threads send through a lane (pinion/pool.h). Source: A. Morrison and Y. Afek, LCRQ (PPoPP 2013);
 * C. Yang and J. Mellor-Crummey (PPoPP 2016); A. Correia and P. Ramalhete, FAAArrayQueue (2016); J.
 * Giacomoni et al., FastForward (PPoPP 2008) for slipping. How it differs from them:
 * runtime/segq.c.
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
    bool bursts; /* most operations put in or take out several items: lays them out for that */
    struct pn_reclaimer *reclaimer; /* borrowed; must outlive the queue */
};

/** \return 0; -ENOMEM; -EINVAL no reclaimer */
int pn_segq_create(struct pn_segq **out, const struct pn_segq_config *config);
/** No port may be open, no thread inside; not from an online reader, since it waits for one grace
 * period. Items inside are the caller's. NULL is allowed. */
void pn_segq_destroy(struct pn_segq *q);

/** A port is used by one thread at a time. \return 0; -ENOMEM */
int pn_segq_port_open(struct pn_segq *q, struct pn_segq_port **out);
/** Gives back the credits it keeps. NULL is allowed. */
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
