/* SPDX-License-Identifier: MIT
 *
 * pn_arena: allocation, free at home, free abroad. Spans and chunks are in arena_chunk.c, the
 * structure and its equations in arena_chunk.h, the one shared word in inbox.h.
 *
 * Orderings: those of inbox.h. A freeing thread also reads the home and class of a block from the
 * chunk's head by plain loads: they were written before the block was handed out, and the block
 * came to this thread through an edge of the program's (a queue, a join).
 */
#include "runtime/arena_chunk.h"
#include "runtime/arena_poison.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static inline unsigned class_of_bytes(size_t bytes) {
    if (bytes <= 128) {
        return bytes == 0 ? 0 : (unsigned)(bytes - 1) / 16;
    }
    unsigned top = 63u - (unsigned)__builtin_clzll((unsigned long long)bytes - 1);
    return 8 + (top - 7) * 8 + ((unsigned)((bytes - 1) >> (top - 3)) & 7);
}

static struct pn_arena *create_on_heap(void) {
    struct pn_arena *arena = aligned_alloc(PN_LINE, sizeof *arena);
    if (arena != NULL) {
        memset(arena, 0, sizeof *arena);
    }
    return arena;
}

/* The arena lies in the first slice of its first chunk, so on its own node. */
static struct pn_arena *create_in_chunk(const struct pn_arena_config *config) {
    struct pn_arena seed = {.config = *config, .region_chunks = 1};
    struct pn_chunk *chunk = pn_chunk_make(&seed);
    if (chunk == NULL) {
        return NULL;
    }
    struct pn_arena *arena = (struct pn_arena *)(void *)(pn_slice_base(chunk, 0) + PN_ARENA_OFFSET);
    *arena = seed;
    chunk->arena = arena;
    return arena;
}

int pn_arena_create(struct pn_arena **out, const struct pn_arena_config *config) {
    if (config->policy > PN_MEM_REMOTE) {
        return -EINVAL;
    }
    struct pn_arena *arena =
        config->policy == PN_MEM_MALLOC ? create_on_heap() : create_in_chunk(config);
    if (arena == NULL) {
        return -ENOMEM;
    }
    arena->config = *config;
    arena->batch = config->batch > 0 ? config->batch : PN_ARENA_BATCH;
    for (unsigned i = 0; i < PN_CLASSES; i++) {
        /* 64 KiB or 64 blocks, but never so few that a burst of two spills. */
        uint32_t fit = PN_ARENA_BATCH_BYTES / pn_class_bytes(i);
        arena->bin[i].limit = fit > PN_BIN_BLOCKS ? PN_BIN_BLOCKS : fit < 4 ? 4 : fit;
    }
    pn_inbox_init(&arena->inbox);
    *out = arena;
    return 0;
}

void pn_arena_destroy(struct pn_arena *arena) {
    if (arena == NULL) {
        return;
    }
    (void)pn_arena_flush(arena);
    if (arena->config.policy == PN_MEM_MALLOC) {
        free(arena);
        return;
    }
    pn_arena_unmap_all(arena);
}

static struct pn_link *span_take(struct pn_arena *arena, struct pn_span *span) {
    struct pn_link *block = span->free;
    if (block != NULL) {
        span->free = block->next;
    } else {
        size_t offset = (size_t)span->cut * span->block_bytes;
        block =
            (struct pn_link *)(void *)(pn_slice_base(pn_span_chunk(span), span->first) + offset);
        span->cut++;
    }
    span->used++;
    if (span->free == NULL && span->cut == span->capacity) {
        pn_span_list_remove(&arena->open[span->class_id], span);
        span->state = PN_SPAN_FULL;
    }
    return block;
}

static inline void *hand_out(struct pn_arena *arena, struct pn_link *block, size_t bytes) {
    pn_ledger_add(&arena->count.alloc, 1);
    /* Not less than what tells a block that is out from a free one, see accept. */
    pn_unpoison(block, bytes <= sizeof *block ? 2 * sizeof *block : bytes);
    return block;
}

static inline struct pn_link *bin_pop(struct pn_bin *bin) {
    struct pn_link *block = bin->free;
    if (block != NULL) {
        bin->free = block->next;
        bin->n--;
    }
    return block;
}

/* The bin is empty: ask what came home before asking for more memory. */
static void *alloc_slow(struct pn_arena *arena, unsigned class_id, size_t bytes) {
    (void)pn_arena_collect(arena);
    struct pn_link *block = bin_pop(&arena->bin[class_id]);
    if (block != NULL) {
        return hand_out(arena, block, bytes);
    }
    struct pn_span *span = arena->open[class_id];
    if (span == NULL) {
        /* One slice up to 8 KiB, so that 8 blocks share a span; four above. */
        unsigned slices = pn_class_bytes(class_id) <= 8192 ? 1 : 4;
        span = pn_span_make(arena, slices, class_id);
        if (span == NULL) {
            return NULL;
        }
        span->state = PN_SPAN_OPEN;
        pn_span_list_push(&arena->open[class_id], span);
    }
    return hand_out(arena, span_take(arena, span), bytes);
}

static void *alloc_large(struct pn_arena *arena, size_t bytes) {
    void *block;
    if (bytes > PN_LARGE_BYTES_MAX) {
        (void)pn_arena_collect(arena);
        block = pn_big_alloc(arena, bytes);
    } else {
        unsigned slices = (unsigned)((bytes + PN_SLICE_BYTES - 1) / PN_SLICE_BYTES);
        if (arena->large[slices] == NULL) {
            (void)pn_arena_collect(arena);
        }
        struct pn_span *span = arena->large[slices];
        if (span != NULL) {
            pn_span_list_remove(&arena->large[slices], span);
        } else {
            span = pn_span_make(arena, slices, PN_CLASS_LARGE);
        }
        if (span == NULL) {
            return NULL;
        }
        span->used = span->cut = 1;
        span->state = PN_SPAN_SOLE;
        block = pn_slice_base(pn_span_chunk(span), span->first);
        pn_unpoison(block, bytes);
    }
    if (block != NULL) {
        pn_ledger_add(&arena->count.alloc, 1);
    }
    return block;
}

void *pn_arena_alloc(struct pn_arena *arena, size_t bytes) {
    if (arena->config.policy == PN_MEM_MALLOC) {
        pn_ledger_add(&arena->count.alloc, 1);
        return malloc(bytes == 0 ? 1 : bytes);
    }
    if (bytes > PN_CLASS_BYTES_MAX) {
        return alloc_large(arena, bytes);
    }
    unsigned class_id = class_of_bytes(bytes);
    struct pn_link *block = bin_pop(&arena->bin[class_id]);
    return block != NULL ? hand_out(arena, block, bytes) : alloc_slow(arena, class_id, bytes);
}

static void free_sole(struct pn_arena *arena, struct pn_span *span) {
    assert(span->used == 1);
    if (span->class_id == PN_CLASS_BIG) {
        pn_big_free(arena, pn_span_chunk(span));
        return;
    }
    span->used = 0;
    span->state = PN_SPAN_KEPT;
    pn_poison(pn_slice_base(pn_span_chunk(span), span->first),
              (size_t)span->slices * PN_SLICE_BYTES);
    /* Last in, first out by length: what was written last is warm, and nothing is asked of the
     * kernel for a payload per job. */
    pn_span_list_push(&arena->large[span->slices], span);
}

/* A block is free from here on. A block that is out has its second word open. */
static inline void accept(struct pn_link *block, uint32_t bytes) {
    assert(!pn_is_poisoned(block + 1) && "freed twice");
    pn_poison(block + 1, bytes - sizeof *block);
}

/* The block is one of ours and accepted. */
static inline void take_in(struct pn_arena *arena, struct pn_link *block, unsigned class_id) {
    struct pn_bin *bin = &arena->bin[class_id];
    block->next = bin->free;
    bin->free = block;
    if (++bin->n > bin->limit) {
        pn_bin_spill(arena, bin, bin->limit / 2);
    }
}

static void send(struct pn_arena *arena, struct pn_outbox *out) {
    if (out->n == 0) {
        return;
    }
    unsigned lost = pn_inbox_push(&out->to->inbox, out->head, out->tail);
    arena->n_out -= out->n;
    out->n = out->bytes = 0;
    out->head = out->tail = NULL;
    pn_ledger_add(&arena->count.batches_sent, 1);
    if (lost != 0) {
        pn_ledger_add(&arena->count.cas_failed, lost);
    }
}

static enum pn_near distance(const struct pn_arena *arena, unsigned home) {
    const struct pn_arena_config *config = &arena->config;
    bool known = config->near != NULL && home < config->n_homes;
    return known && config->near[home] < PN_NEAR_COUNT ? (enum pn_near)config->near[home]
                                                       : PN_NEAR_UNKNOWN;
}

static void free_abroad(struct pn_arena *arena, const struct pn_chunk *chunk, void *at) {
    struct pn_outbox *out = &arena->out[chunk->home % PN_OUTBOXES];
    if (out->to != chunk->arena) {
        /* Two homes share an outbox: the other's chain goes as it is. */
        send(arena, out);
        out->to = chunk->arena;
    }
    struct pn_link *block = at;
    unsigned class_id = chunk->class_of[pn_slice_of(at)];
    uint32_t bytes = class_id < PN_CLASSES ? pn_class_bytes(class_id) : PN_ARENA_BATCH_BYTES;
    if (class_id < PN_CLASSES) {
        accept(block, bytes);
    }
    out->bytes += bytes;
    block->next = out->head;
    out->head = block;
    if (out->n++ == 0) {
        out->tail = block;
    }
    arena->n_out++;
    pn_ledger_add(&arena->count.freed[distance(arena, chunk->home)], 1);
    if (out->n >= arena->batch || out->bytes >= PN_ARENA_BATCH_BYTES) {
        send(arena, out);
    }
}

void pn_arena_free(struct pn_arena *arena, void *block) {
    if (block == NULL) {
        return;
    }
    if (arena->config.policy == PN_MEM_MALLOC) {
        pn_ledger_add(&arena->count.freed[PN_NEAR_UNKNOWN], 1);
        free(block);
        return;
    }
    struct pn_chunk *chunk = pn_chunk_of(block);
    if (chunk->arena == arena) {
        unsigned class_id = chunk->class_of[pn_slice_of(block)];
        pn_ledger_add(&arena->count.freed_home, 1);
        if (class_id < PN_CLASSES) {
            accept(block, pn_class_bytes(class_id));
            take_in(arena, block, class_id);
        } else {
            free_sole(arena, &chunk->spans[pn_slice_of(block)]);
        }
    } else {
        free_abroad(arena, chunk, block);
    }
}

size_t pn_arena_collect(struct pn_arena *arena) {
    struct pn_link *block = pn_inbox_take(&arena->inbox);
    size_t n = 0;
    while (block != NULL) {
        struct pn_link *next = block->next;
        struct pn_chunk *chunk = pn_chunk_of(block);
        unsigned class_id = chunk->class_of[pn_slice_of(block)];
        if (class_id < PN_CLASSES) {
            take_in(arena, block, class_id);
        } else {
            free_sole(arena, &chunk->spans[pn_slice_of(block)]);
        }
        block = next;
        n++;
    }
    if (n != 0) {
        pn_ledger_add(&arena->count.received, n);
    }
#if PN_CHECK_LEVEL >= 3
    assert(pn_arena_check(arena, NULL) == 0);
#endif
    return n;
}

size_t pn_arena_flush(struct pn_arena *arena) {
    size_t n = arena->n_out;
    for (unsigned i = 0; n != 0 && i < PN_OUTBOXES; i++) {
        send(arena, &arena->out[i]);
    }
    return n;
}

unsigned pn_arena_home_of(const void *block) {
    return pn_chunk_of(block)->home;
}

void pn_arena_counts(const struct pn_arena *arena, struct pn_arena_counts *out) {
    const struct pn_arena_ledger *count = &arena->count;
    /* relaxed: each figure alone. */
    *out = (struct pn_arena_counts){
        .alloc = pn_load_rlx(&count->alloc),
        .freed_home = pn_load_rlx(&count->freed_home),
        .received = pn_load_rlx(&count->received),
        .batches_sent = pn_load_rlx(&count->batches_sent),
        /* relaxed: as above. */
        .cas_failed = pn_load_rlx(&count->cas_failed),
        .maps = pn_load_rlx(&count->maps),
        .mapped_bytes = pn_load_rlx(&count->mapped_bytes),
        /* relaxed: as above. */
        .mapped_high_bytes = pn_load_rlx(&count->mapped_high_bytes),
        .span_bytes = pn_load_rlx(&count->span_bytes),
        .span_high_bytes = pn_load_rlx(&count->span_high_bytes),
        .bound = pn_load_rlx(&count->bound),
    };
    for (unsigned i = 0; i <= PN_NEAR_COUNT; i++) {
        /* relaxed: as above. */
        out->freed[i] = pn_load_rlx(&count->freed[i]);
    }
    out->freed[PN_NEAR_SELF] += out->freed_home;
}
