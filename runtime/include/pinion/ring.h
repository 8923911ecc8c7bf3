/* SPDX-License-Identifier: MIT
 *
 * pn_ring: a bounded MPMC FIFO; one compare-and-swap claims a batch of cells.
 *
 * Operations never block, but this is NOT lock-free: a thread preempted between its claim and its
 * publication delays whoever needs that cell, and nobody else until the ring is full or empty
 * around it. Successes are a linearizable FIFO; EMPTY and FULL may be said while a claimant is
 * between the two, so whoever parks on them looks again.
 *
 * Equation: head <= tail <= head + capacity. A position below head is popped or being popped; from
 * head to tail pushed or being pushed; the cell says which.
 *
 * A batch is claimed in one piece and takes the longest run of cells that are ready, up to the end
 * of the array. If that is less than asked for, it looks on for as long as more becomes ready
 * between two looks of 16 pauses.
 *
 * Threads: any, without registration. Memory: 8 bytes a cell, all at creation.
 * Items: multiples of 8 (pointers that malloc returned), NULL allowed.
 * Source: D. Vyukov's bounded MPMC queue, with the round of a cell in the item's spare bits as in
 * P. Tsigas and Y. Zhang (SPAA 2001) instead of a sequence beside it; differs: batches, and a batch
 *   claims only cells that are ready, so the claimant itself never waits.
 */
#ifndef PINION_RING_H
#define PINION_RING_H

#include <pinion/queue.h>
#include <pinion/wait.h>
#include <stdbool.h>
#include <stddef.h>

struct pn_ring;

/** \param capacity  rounded up to a power of two, at least 2 \return 0; -ENOMEM; -EINVAL */
int pn_ring_create(struct pn_ring **out, size_t capacity);
void pn_ring_destroy(struct pn_ring *q);
size_t pn_ring_capacity(const struct pn_ring *q);

/**
 * \param counts  of the calling thread, or NULL; plain memory: others read them when it rests
 * \return how many of n went in, a prefix, consecutive in the queue; 0: FULL or CLOSED
 */
size_t pn_ring_push_n(struct pn_ring *q, void *const *items, size_t n,
                      struct pn_queue_counts *counts);
/** \return how many came out, at most n; 0: EMPTY or CLOSED */
size_t pn_ring_pop_n(struct pn_ring *q, void **items, size_t n, struct pn_queue_counts *counts);

enum pn_queue_rc pn_ring_push(struct pn_ring *q, void *item);
enum pn_queue_rc pn_ring_pop(struct pn_ring *q, void **item);

/**
 * No item goes in any more; a push under way is either in or answered CLOSED. A pop is answered
 * CLOSED once everything that went in came out; push_n and pop_n return 0 then, and the single
 * forms say why. Any thread; twice is no harm. LP: the mark in the claim word of pushes.
 */
void pn_ring_close(struct pn_ring *q);

/** Before others see it: allow waiting at pn_ring_items and _room. \return 0; -ENOMEM */
int pn_ring_enable_waits(struct pn_ring *q);
/** Where to wait for an item, and for room: pinion/wait.h. */
struct pn_wait_point pn_ring_items(struct pn_ring *q);
struct pn_wait_point pn_ring_room(struct pn_ring *q);

/** Any thread; a moment later it may be otherwise. */
bool pn_ring_seems_empty(const struct pn_ring *q);

#endif
