/* SPDX-License-Identifier: MIT
 *
 * pn_spsc: a bounded FIFO between one producer thread and one consumer thread.
 *
 * Equation: 0 <= tail - head <= capacity; cells [head, tail) hold items.
 * Progress: wait-free on both sides. Linearizable; but FULL here and EMPTY there may both be said
 * of one moment, as each side may see the other's index late. Either role may pass to another
 * thread if a happens-before edge lies between. Cost: a plain store and a release store to push;
 * the other side's index is read only when the cached copy says full or empty. While one side runs
 * on the other's heels, its next look at the other waits up to 64 pauses. Memory: 8 bytes a cell,
 * all at creation. A stalled side stops the other when the ring is full or empty, and nobody else.
 * Source: L. Lamport, "Specifying concurrent program modules", 1983; cached indices after
 * rte_ring's SP/SC mode; temporal slipping after J. Giacomoni et al., FastForward (PPoPP 2008),
 * here adaptive and on both sides.
 */
#ifndef PINION_SPSC_H
#define PINION_SPSC_H

#include <pinion/queue.h>
#include <pinion/wait.h>
#include <stdbool.h>
#include <stddef.h>

struct pn_spsc;

/** \param capacity  rounded up to a power of two \return 0; -ENOMEM; -EINVAL 0 or above 2^30 */
int pn_spsc_create(struct pn_spsc **out, size_t capacity);
void pn_spsc_destroy(struct pn_spsc *q);
size_t pn_spsc_capacity(const struct pn_spsc *q);

/** Producer only. item is not NULL. */
enum pn_queue_rc pn_spsc_push(struct pn_spsc *q, void *item);
/** Producer only. \return how many of n went in, in order. One release store. */
size_t pn_spsc_push_n(struct pn_spsc *q, void *const *items, size_t n);

/** Consumer only. */
enum pn_queue_rc pn_spsc_pop(struct pn_spsc *q, void **item);
/** Consumer only. \return how many came out, at most n. */
size_t pn_spsc_pop_n(struct pn_spsc *q, void **items, size_t n);

/**
 * Producer only, and its last call: a pop is answered CLOSED once everything came out; pop_n
 * returns 0 then, and the single form says why.
 */
void pn_spsc_close(struct pn_spsc *q);

/** Before others see it: allow waiting at pn_spsc_items and _room. \return 0; -ENOMEM */
int pn_spsc_enable_waits(struct pn_spsc *q);
/** Where to wait for an item, and for room: pinion/wait.h. */
struct pn_wait_point pn_spsc_items(struct pn_spsc *q);
struct pn_wait_point pn_spsc_room(struct pn_spsc *q);

/** Any thread, while both sides run. No compare-and-swap can fail and nothing is tried twice. */
void pn_spsc_counts(const struct pn_spsc *q, struct pn_queue_counts *out);

/** Any thread; a moment later it may be otherwise. */
bool pn_spsc_empty(const struct pn_spsc *q);

#endif
