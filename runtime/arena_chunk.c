/* SPDX-License-Identifier: MIT
 *
 * Chunks and spans of pn_arena: the paths that run once per many blocks.
 */
#include "runtime/arena_chunk.h"
#include "runtime/arena_poison.h"

#include <assert.h>
#include <sys/mman.h>

static uint64_t slice_mask(unsigned first, unsigned slices) {
    return (slices == 64 ? ~(uint64_t)0 : ((uint64_t)1 << slices) - 1) << first;
}

struct pn_chunk *pn_span_chunk(const struct pn_span *span) {
    return pn_chunk_of(span); /* spans stand in the chunk's head */
}

void pn_span_list_push(struct pn_span **list, struct pn_span *span) {
    span->prev = NULL;
    span->next = *list;
    if (*list != NULL) {
        (*list)->prev = span;
    }
    *list = span;
}

void pn_span_list_remove(struct pn_span **list, struct pn_span *span) {
    if (span->prev != NULL) {
        span->prev->next = span->next;
    } else {
        *list = span->next;
    }
    if (span->next != NULL) {
        span->next->prev = span->prev;
    }
    span->next = span->prev = NULL;
}

static void ledger_grow(PN_ATOMIC(uint64_t) * now, PN_ATOMIC(uint64_t) * high, uint64_t bytes) {
    pn_ledger_add(now, bytes);
    /* relaxed: one writer. */
    uint64_t value = pn_load_rlx(now);
    if (value > pn_load_rlx(high)) {
        pn_store_rlx(high, value);
    }
}

static int map_memory(struct pn_arena *arena, struct pn_map *map, size_t bytes) {
    const struct pn_arena_config *config = &arena->config;
    int rc = pn_map_create(map, bytes, config->policy, config->node, config->huge);
    if (rc != 0) {
        return rc;
    }
    if (!config->huge) {
        /* Else a host with huge pages set to "always" would back the first touched page of an idle
         * arena with 2 MiB. A kernel without huge pages refuses, which changes nothing. */
        (void)madvise(map->base, map->bytes, MADV_NOHUGEPAGE);
    }
    /* relaxed: one writer, and a reader wants the figure alone. */
    if (map->bound != 0 && pn_load_rlx(&arena->count.bound) == 0) {
        pn_store_rlx(&arena->count.bound, map->bound);
    }
    pn_ledger_add(&arena->count.maps, 1);
    ledger_grow(&arena->count.mapped_bytes, &arena->count.mapped_high_bytes, map->bytes);
    return 0;
}

static void unmap_memory(struct pn_arena *arena, struct pn_map map) {
    pn_unpoison(map.base, map.bytes);
    pn_ledger_add(&arena->count.mapped_bytes, -(uint64_t)map.bytes);
    pn_map_destroy(&map);
}

static unsigned char *align_to_chunk(void *at) {
    uintptr_t mask = PN_CHUNK_BYTES - 1;
    return (unsigned char *)(((uintptr_t)at + mask) & ~mask);
}

static struct pn_chunk *chunk_init(struct pn_arena *arena, const unsigned char *at) {
    struct pn_chunk *chunk = pn_chunk_of(at);
    chunk->arena = arena;
    chunk->home = arena->config.home;
    return chunk;
}

/* Regions double from 1 to 16 chunks: few mappings for a large working set (each is one VMA and one
 * mbind), little address space for a small one. */
static bool grow_region(struct pn_arena *arena) {
    uint32_t n = arena->region_chunks;
    struct pn_map map;
    if (map_memory(arena, &map, ((size_t)n + 1) * PN_CHUNK_BYTES) != 0) {
        n = 1;
        if (map_memory(arena, &map, (size_t)2 * PN_CHUNK_BYTES) != 0) {
            return false;
        }
    }
    arena->spare = align_to_chunk(map.base);
    arena->n_spare = n;
    arena->region_chunks = n < PN_REGION_CHUNKS_MAX ? n * 2 : n;
    struct pn_chunk *first = pn_chunk_of(arena->spare);
    first->map = map;
    first->next_region = arena->regions;
    arena->regions = first;
    return true;
}

struct pn_chunk *pn_chunk_make(struct pn_arena *arena) {
    if (arena->n_spare == 0 && !grow_region(arena)) {
        return NULL;
    }
    struct pn_chunk *chunk = chunk_init(arena, arena->spare);
    arena->spare += PN_CHUNK_BYTES;
    arena->n_spare--;
    chunk->free_slices = ~(uint64_t)1;
    chunk->next = arena->chunks;
    arena->chunks = chunk;
    return chunk;
}

/* First slice of a run of n free ones, 0 if none: bit i survives while slices i .. i+length-1 are
 * free, and the length doubles. */
static unsigned find_run(uint64_t free_slices, unsigned n) {
    unsigned length = 1;
    while (length < n && free_slices != 0) {
        unsigned step = length < n - length ? length : n - length;
        free_slices &= free_slices >> step;
        length += step;
    }
    return free_slices == 0 ? 0 : (unsigned)__builtin_ctzll(free_slices);
}

static struct pn_span *cut_span(struct pn_arena *arena, struct pn_chunk *chunk, unsigned first,
                                unsigned slices, unsigned class_id) {
    chunk->free_slices &= ~slice_mask(first, slices);
    struct pn_span *span = &chunk->spans[first];
    uint32_t block_bytes = class_id < PN_CLASSES ? pn_class_bytes(class_id) : 0;
    *span = (struct pn_span){
        .capacity = block_bytes == 0 ? 1 : slices * PN_SLICE_BYTES / block_bytes,
        .block_bytes = block_bytes,
        .class_id = (uint8_t)class_id,
        .first = (uint8_t)first,
        .slices = (uint8_t)slices,
    };
    for (unsigned i = first; i < first + slices; i++) {
        chunk->first[i] = (uint8_t)first;
        chunk->class_of[i] = (uint8_t)class_id;
    }
    ledger_grow(&arena->count.span_bytes, &arena->count.span_high_bytes,
                (uint64_t)slices * PN_SLICE_BYTES);
    pn_poison(pn_slice_base(chunk, first), (size_t)slices * PN_SLICE_BYTES);
    return span;
}

static struct pn_span *find_span(struct pn_arena *arena, unsigned slices, unsigned class_id) {
    for (struct pn_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next) {
        unsigned first = find_run(chunk->free_slices, slices);
        if (first != 0) {
            return cut_span(arena, chunk, first, slices, class_id);
        }
    }
    return NULL;
}

void pn_span_drop(struct pn_arena *arena, struct pn_span *span) {
    struct pn_chunk *chunk = pn_span_chunk(span);
    pn_unpoison(pn_slice_base(chunk, span->first), (size_t)span->slices * PN_SLICE_BYTES);
    chunk->free_slices |= slice_mask(span->first, span->slices);
    pn_ledger_add(&arena->count.span_bytes, -(uint64_t)span->slices * PN_SLICE_BYTES);
    span->state = PN_SPAN_NONE;
}

void pn_span_give(struct pn_arena *arena, struct pn_link *block) {
    struct pn_chunk *chunk = pn_chunk_of(block);
    struct pn_span *span = &chunk->spans[chunk->first[pn_slice_of(block)]];
    assert(span->used > 0 && "freed twice, or not a block of an arena");
    block->next = span->free;
    span->free = block;
    span->used--;
    if (span->state == PN_SPAN_FULL) {
        span->state = PN_SPAN_OPEN;
        pn_span_list_push(&arena->open[span->class_id], span);
    } else if (span->used == 0 && (span->next != NULL || span->prev != NULL)) {
        /* Another span of the class has room; the last one stays, or a class that breathes by one
         * block would cut a span each time. */
        pn_span_list_remove(&arena->open[span->class_id], span);
        pn_span_drop(arena, span);
    }
}

void pn_bin_spill(struct pn_arena *arena, struct pn_bin *bin, uint32_t keep) {
    struct pn_link **cut = &bin->free;
    for (uint32_t i = 0; i < keep && *cut != NULL; i++) {
        cut = &(*cut)->next;
    }
    struct pn_link *block = *cut;
    *cut = NULL;
    while (block != NULL) {
        struct pn_link *next = block->next;
        pn_span_give(arena, block);
        bin->n--;
        block = next;
    }
}

/* What was kept free for quick reuse goes back to the chunks. */
static void drop_kept(struct pn_arena *arena) {
    for (unsigned n = 1; n < PN_SLICES; n++) {
        while (arena->large[n] != NULL) {
            struct pn_span *span = arena->large[n];
            pn_span_list_remove(&arena->large[n], span);
            pn_span_drop(arena, span);
        }
    }
    for (unsigned class_id = 0; class_id < PN_CLASSES; class_id++) {
        pn_bin_spill(arena, &arena->bin[class_id], 0);
        struct pn_span *span = arena->open[class_id];
        while (span != NULL) {
            struct pn_span *next = span->next;
            if (span->used == 0) {
                pn_span_list_remove(&arena->open[class_id], span);
                pn_span_drop(arena, span);
            }
            span = next;
        }
    }
}

struct pn_span *pn_span_make(struct pn_arena *arena, unsigned slices, unsigned class_id) {
    struct pn_span *span = find_span(arena, slices, class_id);
    if (span == NULL) {
        drop_kept(arena);
        span = find_span(arena, slices, class_id);
    }
    if (span == NULL && pn_chunk_make(arena) != NULL) {
        span = find_span(arena, slices, class_id);
    }
    return span;
}

void *pn_big_alloc(struct pn_arena *arena, size_t bytes) {
    struct pn_chunk *chunk = NULL;
    size_t need = bytes + PN_SLICE_BYTES + PN_CHUNK_BYTES;
    for (uint32_t i = 0; i < arena->n_big_kept && chunk == NULL; i++) {
        size_t has = arena->big_kept[i]->map.bytes;
        if (has >= need && has / 2 <= need) {
            chunk = arena->big_kept[i];
            arena->big_kept[i] = arena->big_kept[--arena->n_big_kept];
        }
    }
    if (chunk == NULL) {
        struct pn_map map;
        if (need < bytes || map_memory(arena, &map, need) != 0) {
            return NULL;
        }
        chunk = chunk_init(arena, align_to_chunk(map.base));
        chunk->map = map;
        chunk->class_of[1] = PN_CLASS_BIG;
        chunk->first[1] = 1;
        chunk->spans[1] = (struct pn_span){
            .capacity = 1, .cut = 1, .class_id = PN_CLASS_BIG, .first = 1, .slices = 1};
    }
    struct pn_span *span = &chunk->spans[1];
    span->used = 1;
    span->state = PN_SPAN_SOLE;
    pn_span_list_push(&arena->big, span);
    return pn_slice_base(chunk, 1);
}

void pn_big_free(struct pn_arena *arena, struct pn_chunk *chunk) {
    struct pn_span *span = &chunk->spans[1];
    pn_span_list_remove(&arena->big, span);
    span->used = 0;
    span->state = PN_SPAN_KEPT;
    if (arena->n_big_kept == PN_BIG_KEPT) {
        /* The oldest goes: it is the least likely to fit what is asked for now. */
        unmap_memory(arena, arena->big_kept[0]->map);
        arena->n_big_kept--;
        for (uint32_t i = 0; i < arena->n_big_kept; i++) {
            arena->big_kept[i] = arena->big_kept[i + 1];
        }
    }
    arena->big_kept[arena->n_big_kept++] = chunk;
}

void pn_arena_unmap_all(struct pn_arena *arena) {
    while (arena->big != NULL) {
        pn_big_free(arena, pn_span_chunk(arena->big));
    }
    while (arena->n_big_kept > 0) {
        unmap_memory(arena, arena->big_kept[--arena->n_big_kept]->map);
    }
    /* The oldest region comes last: the arena itself lies in it. */
    struct pn_chunk *region = arena->regions;
    while (region != NULL) {
        struct pn_chunk *next = region->next_region;
        struct pn_map map = region->map;
        pn_unpoison(map.base, map.bytes);
        pn_map_destroy(&map);
        region = next;
    }
}

void pn_arena_audit(const struct pn_arena *arena, struct pn_audit *audit) {
    const struct pn_arena_config *config = &arena->config;
    if (config->policy == PN_MEM_MALLOC || config->policy == PN_MEM_INTERLEAVE ||
        config->node.id < 0) {
        return;
    }
    for (const struct pn_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next) {
        struct pn_map map = {.base = pn_slice_base(chunk, 0), .bytes = PN_CHUNK_BYTES};
        pn_map_audit(&map, config->node, audit);
    }
    for (const struct pn_span *span = arena->big; span != NULL; span = span->next) {
        pn_map_audit(&pn_span_chunk(span)->map, config->node, audit);
    }
}
