/* SPDX-License-Identifier: MIT
 *
 * The insides of pn_arena: chunks of 4 MiB, cut into spans of 64 KiB slices, cut into blocks.
 *
 * In front of the spans each class has a bin: the last few blocks given back, last in, first out.
 * Without it a block went back to its span and the next one came from another, colder span: with
 * 10,000 blocks of 300 bytes out, 8.8 instead of 5.9 ns per free and alloc (2 vCPU AMD EPYC).
 *
 * Why 4 MiB aligned: the home of a block is one mask and one load away, without a header per block;
 * 64 slices make "which are free" one word. Why 64 KiB slices: 8 blocks of the largest one-slice
 * class, and untouched slices cost address space only.
 *
 * Why the heads are coloured: at the same offset of every chunk they would all fall into one cache
 * set: with 1024 blocks of 256 KiB freed in random order, 28.7 instead of 20.6 ns per free and
 * alloc. It costs 0.3 ns where few chunks are in use.
 *
 * Equations, computed by pn_arena_check:
 *   span:   used + length(free) = cut,  cut <= capacity
 *   chunk:  1 (head) + sum of span slices + popcount(free_slices) = 64
 *   arena:  sum of used - in bins = alloc - freed at home - received
 *                                 = blocks out + in foreign chains + in the inbox
 *   lists:  a span is in its class's list exactly if it is open and has used + free > 0 to give
 */
#ifndef PN_ARENA_CHUNK_H
#define PN_ARENA_CHUNK_H

#include "runtime/inbox.h"

#include <pinion/arena.h>

enum {
    PN_CHUNK_BYTES = 4 << 20,
    PN_SLICE_BYTES = 64 << 10,
    PN_SLICES = 64,
    PN_CLASSES = 72, /* 16 .. 32768 bytes, 8 per doubling: at most 12.5 % lost */
    PN_CLASS_BYTES_MAX = 32768,
    PN_CLASS_LARGE = 254, /* a span of its own, 33 KiB .. 63 slices */
    PN_CLASS_BIG = 255,   /* a mapping of its own */
    PN_LARGE_BYTES_MAX = (PN_SLICES - 1) * PN_SLICE_BYTES,
    PN_COLOURS = 16,
    PN_COLOUR_BYTES = 29 * 128, /* an odd number of line pairs: no two colours share a set */
    PN_ARENA_OFFSET = 60 << 10, /* of the arena in its first chunk */
    PN_BIN_BLOCKS = 64,
    PN_OUTBOXES = 16,
    PN_BIG_KEPT = 8,
    PN_REGION_CHUNKS_MAX = 16
};

enum pn_span_state {
    PN_SPAN_NONE,
    PN_SPAN_OPEN, /* in its class's list: has a block to give */
    PN_SPAN_FULL, /* in no list; the next free opens it */
    PN_SPAN_SOLE, /* one large or big block, out */
    PN_SPAN_KEPT  /* one large block, free, in the list of its length */
};

/* Owner only. */
struct pn_span {
    struct pn_link *free; /* blocks given back */
    struct pn_span *next, *prev;
    uint32_t used; /* blocks out, on their way home, or in the class's bin */
    uint32_t cut;  /* blocks ever handed out since the span was made: the rest is
                      not touched yet */
    uint32_t capacity;
    uint32_t block_bytes;
    uint8_t class_id, first, slices, state;
};

/* The padding keeps apart what others read and what the owner writes. */
struct pn_chunk {
    /* Not written after the chunk is made; any holder of a block reads them. */
    struct pn_arena *arena;
    struct pn_chunk *next;        /* older chunk of the arena */
    struct pn_chunk *next_region; /* older region; in a region's first chunk */
    struct pn_map map;            /* the region, or the big block's mapping; .bytes = 0: neither */
    uint32_t home;
    /* Written when a span is made, before its first block goes out; a holder of a block reads the
     * byte of the block's slice, to know what a returned chain weighs. */
    _Alignas(PN_LINE) uint8_t class_of[PN_SLICES];
    /* Owner only from here. */
    _Alignas(PN_LINE) uint64_t free_slices; /* bit per slice; this head lies in slice 0 */
    uint8_t first[PN_SLICES];               /* slice -> first slice of its span */
    struct pn_span spans[PN_SLICES];
};

_Static_assert(sizeof(struct pn_chunk) <= 4096, "a chunk's head costs one page");

struct pn_bin {
    struct pn_link *free;
    uint32_t n, limit;
};

/* A chain on its way to one home. */
struct pn_outbox {
    struct pn_arena *to; /* NULL or the home the chain is for */
    struct pn_link *head, *tail;
    uint32_t n, bytes;
};

/* pn_arena_counts as its single writer keeps them. */
struct pn_arena_ledger {
    PN_ATOMIC(uint64_t) alloc;
    PN_ATOMIC(uint64_t) freed_home;
    PN_ATOMIC(uint64_t) freed[PN_NEAR_COUNT + 1]; /* abroad */
    PN_ATOMIC(uint64_t) received, batches_sent, cas_failed, maps;
    PN_ATOMIC(uint64_t) mapped_bytes, mapped_high_bytes, span_bytes, span_high_bytes;
    PN_ATOMIC(int) bound;
};

/* The inbox has a line of its own. */
struct pn_arena {
    /* Owner only. */
    struct pn_bin bin[PN_CLASSES];
    struct pn_span *open[PN_CLASSES]; /* first span with a block to give */
    struct pn_arena_config config;
    uint32_t n_out; /* blocks in outboxes */
    uint32_t batch; /* blocks that make a chain go home */
    uint32_t region_chunks;
    struct pn_chunk *chunks, *regions; /* newest first */
    unsigned char *spare;              /* chunks of the newest region not made yet */
    uint32_t n_spare;
    uint32_t n_big_kept;
    struct pn_chunk *big_kept[PN_BIG_KEPT];
    struct pn_span *big;               /* big blocks out */
    struct pn_span *large[PN_SLICES];  /* free large blocks by slices */
    struct pn_outbox out[PN_OUTBOXES]; /* by home modulo PN_OUTBOXES */
    struct pn_arena_ledger count;
    /* Written by everybody who frees our blocks. */
    _Alignas(PN_LINE) struct pn_inbox inbox;
};

_Static_assert((size_t)(PN_COLOURS - 1) * PN_COLOUR_BYTES + sizeof(struct pn_chunk) <=
                       PN_ARENA_OFFSET &&
                   PN_ARENA_OFFSET + sizeof(struct pn_arena) <= PN_SLICE_BYTES,
               "the head in any colour and the arena share the first slice");

/* The head of the chunk around a block, a span or a head. */
static inline struct pn_chunk *pn_chunk_of(const void *at) {
    uintptr_t base = (uintptr_t)at & ~(uintptr_t)(PN_CHUNK_BYTES - 1);
    return (struct pn_chunk *)(base + base / PN_CHUNK_BYTES % PN_COLOURS * PN_COLOUR_BYTES);
}

static inline unsigned pn_slice_of(const void *block) {
    return (unsigned)(((uintptr_t)block & (PN_CHUNK_BYTES - 1)) / PN_SLICE_BYTES);
}

static inline unsigned char *pn_slice_base(const struct pn_chunk *chunk, unsigned slice) {
    uintptr_t base = (uintptr_t)chunk & ~(uintptr_t)(PN_CHUNK_BYTES - 1);
    return (unsigned char *)base + (size_t)slice * PN_SLICE_BYTES;
}

static inline void pn_ledger_add(PN_ATOMIC(uint64_t) * count, uint64_t n) {
    /* relaxed: one writer, and a reader wants the figure alone. */
    pn_store_rlx(count, pn_load_rlx(count) + n);
}

static inline uint32_t pn_class_bytes(unsigned class_id) {
    if (class_id < 8) {
        return (class_id + 1) * 16;
    }
    unsigned octave = (class_id - 8) / 8, step = (class_id - 8) % 8;
    return (8 + step + 1) << (octave + 4);
}

/* Give a block back to its span, past the bins. */
void pn_span_give(struct pn_arena *arena, struct pn_link *block);
/* Give back all but the `keep` youngest blocks of a bin. */
void pn_bin_spill(struct pn_arena *arena, struct pn_bin *bin, uint32_t keep);
/* Make a span of `slices` slices; NULL: no memory. Looks through the chunks, then takes back what
 * is kept free, then grows. */
struct pn_span *pn_span_make(struct pn_arena *arena, unsigned slices, unsigned class_id);
/* A span without used blocks, in no list, goes back to its chunk. */
void pn_span_drop(struct pn_arena *arena, struct pn_span *span);
struct pn_chunk *pn_span_chunk(const struct pn_span *span);

struct pn_chunk *pn_chunk_make(struct pn_arena *arena);
/* Everything, the arena itself included. */
void pn_arena_unmap_all(struct pn_arena *arena);

void *pn_big_alloc(struct pn_arena *arena, size_t bytes);
void pn_big_free(struct pn_arena *arena, struct pn_chunk *chunk);

void pn_span_list_push(struct pn_span **list, struct pn_span *span);
void pn_span_list_remove(struct pn_span **list, struct pn_span *span);

#endif
