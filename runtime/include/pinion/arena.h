/* SPDX-License-Identifier: MIT
 *
 * pn_arena: one thread's memory, on its node. Size classes on memory from pn_map_create, so that
 * a block is local to the core that made it, wherever it travels, and comes home when freed.
 *
 * The life of a block: its owner takes it off a list of its own (no atomic access). Whoever is done
 * with it calls pn_arena_free with *its own* arena. At home that is a push on a plain list; abroad
 * the block joins a chain per home, and a full chain (32 blocks or 64 KiB) travels back with one
 * compare-and-swap to the home's inbox, which the owner empties when it runs out, or by
 * pn_arena_collect. Every free is counted by its distance. No block has a header: the home stands
 * at the start of the 4 MiB aligned chunk around the block.
 *
 * Owner: an arena belongs to the thread that created it (first touch decides where unbound memory
 *   lies). It may be handed to another thread if a happens-before edge lies between the two.
 * Threads: all functions are the owner's alone, but pn_arena_counts and pn_arena_home_of (any).
 * Progress: alloc and local free are wait-free; a remote free retries one compare-and-swap once per
 *   32 blocks (lock-free). No system call once the working set is mapped.
 * Mixing: blocks travel freely between arenas of the policies LOCAL, INTERLEAVE and REMOTE. Blocks
 *   of a MALLOC arena may only be freed through a MALLOC arena, and the other way round.
 * Source: thread-owned arenas with returned chains after the Pony runtime's pool allocator and
 *   mimalloc (Leijen, Zorn, de Moura, 2019); differs: chains per home core, classed by distance.
 */
#ifndef PINION_ARENA_H
#define PINION_ARENA_H

#include <pinion/placement.h>
#include <pinion/plan.h>

struct pn_arena;

/* Blocks and bytes of one returned chain: whichever is reached first sends it. */
#define PN_ARENA_BATCH       32
#define PN_ARENA_BATCH_BYTES 65536

/* A free whose distance is not known: no table, an id outside it, or a MALLOC arena. */
#define PN_NEAR_UNKNOWN PN_NEAR_COUNT

struct pn_arena_config {
    enum pn_mem_policy policy; /* PN_MEM_REMOTE: `node` is the far node, chosen by the caller */
    struct pn_os_node node;    /* to bind to; .id = -1: unbound, first touch decides */
    unsigned home;             /* this arena's id, unique among arenas that exchange blocks */
    const uint8_t *near;       /* [n_homes] enum pn_near from here to each id, PN_NEAR_UNKNOWN where
                                  not known; NULL = none known. Borrowed, must outlive the arena */
    unsigned n_homes;
    unsigned batch; /* blocks of one returned chain; 0: PN_ARENA_BATCH */
    bool huge; /* ask for transparent huge pages; false asks for none, whatever the host's mode */
};

/**
 * Make the calling thread's arena. Touches about 12 KiB; grows by 4 MiB chunks, touched as used.
 *
 * \param out  owned by the caller, pn_arena_destroy
 * \return 0; -ENOMEM; -EINVAL unknown policy
 */
int pn_arena_create(struct pn_arena **out, const struct pn_arena_config *config);

/**
 * Unmap everything. Blocks still out are gone, so first: every arena that may hold blocks of this
 * one has flushed, and no thread will free one again. NULL is allowed.
 * A MALLOC arena leaks the blocks that are still out.
 */
void pn_arena_destroy(struct pn_arena *arena);

/**
 * \param bytes  any size; 0 counts as 1
 * \return block of at least `bytes`, not zeroed, aligned to 16, to 64 from 512 bytes, to 128 from
 *         1 KiB (MALLOC: 16 throughout); owned by whoever holds it; NULL: no memory
 * \cost a few ns up to 32 KiB and where a block of that size was freed; else a span of the chunk,
 *       else a chunk. Blocks above 3.9 MiB are mappings of their own, the last few are kept.
 */
void *pn_arena_alloc(struct pn_arena *arena, size_t bytes);

/**
 * Give a block back.
 * \param arena  of the calling thread, not necessarily the block's home
 * \param block  from any arena (see Mixing); NULL is allowed
 */
void pn_arena_free(struct pn_arena *arena, void *block);

/** Take in what others returned. \return blocks taken in. \cost one relaxed load if none. */
size_t pn_arena_collect(struct pn_arena *arena);

/**
 * Send partial chains home. A scheduler calls it when it runs out of work, so that nothing is
 * stranded. \return blocks sent. \cost one plain load if none.
 */
size_t pn_arena_flush(struct pn_arena *arena);

/** Home id of a block of a LOCAL, INTERLEAVE or REMOTE arena. Any thread that holds the block. */
unsigned pn_arena_home_of(const void *block);

/* Single writer, relaxed readers: each figure is exact, two figures may be of different moments. */
struct pn_arena_counts {
    uint64_t alloc;                    /* blocks */
    uint64_t freed[PN_NEAR_COUNT + 1]; /* blocks, by distance between freeing arena and home */
    uint64_t freed_home;               /* of these freed by their home arena itself */
    uint64_t received;                 /* blocks that came home through the inbox */
    uint64_t batches_sent;             /* chains delivered to other arenas */
    uint64_t cas_failed;               /* compare-and-swaps lost while delivering */
    uint64_t maps;                     /* mappings asked of the kernel, ever */
    uint64_t mapped_bytes, mapped_high_bytes; /* chunks and big blocks; address space, not RSS */
    uint64_t span_bytes, span_high_bytes;     /* of these in use by size classes and large blocks */
    int bound; /* 0, or the first -errno that binding gave: memory then lies where first touched */
};
void pn_arena_counts(const struct pn_arena *arena, struct pn_arena_counts *out);

/** Ask the kernel where the pages of the chunks in use lie. Adds to *audit. MALLOC adds nothing. */
void pn_arena_audit(const struct pn_arena *arena, struct pn_audit *audit);

/**
 * Walk every chunk and compute the equations at the top of arena_chunk.h.
 * \return 0; -EUCLEAN and one line in *err (may be NULL)
 */
int pn_arena_check(const struct pn_arena *arena, struct pn_error *err);

#endif
