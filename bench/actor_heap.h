/* SPDX-License-Identifier: MIT
 *
 * heap=actor: a heap per worker, as a BEAM process has one. Memory is cut off its end and never
 * given back; when it is full, what lives is copied into a new one. The live set is small, so what
 * it costs is the copying and the fresh memory that each collection touches.
 *
 * Sizes as BEAM's: 233 words first, then as Fibonacci's numbers grow; a crash drops it whole.
 */
#ifndef PN_ACTOR_HEAP_H
#define PN_ACTOR_HEAP_H

#include <pinion/arena.h>
#include <stdint.h>

/* Touched by whoever runs the worker, one after another. Lines of its own. */
struct pn_actor_heap {
    _Alignas(128) uint64_t *words;
    uint64_t size, used; /* words */
    uint64_t collections;
};

/** One job's worth: a result of a few words, and `bytes` of scratch, touched. From the arena of the
 * core that runs the worker. Without memory nothing is used, as with scratch from the arena. */
void pn_actor_heap_use(struct pn_actor_heap *heap, struct pn_arena *arena, uint64_t bytes);
void pn_actor_heap_drop(struct pn_actor_heap *heap, struct pn_arena *arena);

#endif
