/* SPDX-License-Identifier: MIT
 *
 * pn_runq: one scheduler's run queue. The owner pushes and pops in FIFO order; thieves take half.
 *
 * Equation: 0 <= tail - head <= 256; cells [head, tail) hold tasks.
 * Progress: lock-free (a failed compare-and-swap means that another pop or steal succeeded).
 * Linearizable, but for a steal that answers 0 because others were faster three times.
 * Threads: push and pop the owner only; steal any. A full queue is the caller's to handle: it sends
 *   the task to the inject queue. Nobody waits at it and nobody closes it: its owner polls it, and
 *   parks as a scheduler does (runtime/park.h).
 * A stalled thief delays nobody. Memory: 8 bytes a cell, 2 KiB in all.
 * Source: the run queues of the Go scheduler (D. Vyukov, 2012) and of Tokio; differs: thieves
 * return what they took in the caller's array instead of their own queue, and head is one index.
 * Not Chase & Lev's deque (SPAA 2005): its owner takes the newest, which is unfair to what waits.
 */
#ifndef PINION_RUNQ_H
#define PINION_RUNQ_H

#include <pinion/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pn_runq;

enum { PN_RUNQ_CAPACITY = 256 };

int pn_runq_create(struct pn_runq **out);
void pn_runq_destroy(struct pn_runq *q);

/** Owner. \return false if full */
bool pn_runq_push(struct pn_runq *q, void *task);
/** Owner. \return the oldest, NULL if empty */
void *pn_runq_pop(struct pn_runq *q);

/**
 * Any thread: take half of what is queued, rounded up, at most max.
 * \param out  [max] \return how many; 0 if empty or if others were faster three times
 */
size_t pn_runq_steal(struct pn_runq *q, void **out, size_t max);

/** Any thread. pop counts what was stolen too; the failures are the owner's. */
void pn_runq_counts(const struct pn_runq *q, struct pn_queue_counts *out);

/** Any thread; a moment later it may be otherwise. */
size_t pn_runq_length(const struct pn_runq *q);

#endif
