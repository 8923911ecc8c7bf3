/* SPDX-License-Identifier: MIT */
#include "actor_heap.h"

#include <stddef.h>
#include <string.h>

/* LIVE: the worker's state; RESULT: what a job leaves behind (a tuple, its numbers). */
enum { FIRST = 233, LIVE = 8, RESULT = 8, TOUCH_STRIDE = 64 };

static uint64_t next_size(uint64_t size) {
    return size == 0 ? FIRST : size + size * 618 / 1000;
}

/* Room for `need` more: into a new heap, of the size that holds what lives and this. */
static int collect(struct pn_actor_heap *heap, struct pn_arena *arena, uint64_t need) {
    uint64_t size = heap->size == 0 ? FIRST : heap->size;
    while (size < LIVE + need) {
        size = next_size(size);
    }
    uint64_t *words = pn_arena_alloc(arena, size * sizeof *words);
    if (words == NULL) {
        return -1;
    }
    if (heap->words != NULL) {
        memcpy(words, heap->words, LIVE * sizeof *words);
        heap->collections++;
    } else {
        memset(words, 0, LIVE * sizeof *words);
    }
    pn_arena_free(arena, heap->words);
    heap->words = words;
    heap->size = size;
    heap->used = LIVE;
    return 0;
}

void pn_actor_heap_use(struct pn_actor_heap *heap, struct pn_arena *arena, uint64_t bytes) {
    uint64_t need = RESULT + (bytes + 7) / 8;
    if (heap->used + need > heap->size && collect(heap, arena, need) != 0) {
        return;
    }
    char *block = (char *)(heap->words + heap->used);
    for (uint64_t at = 0; at < need * 8; at += TOUCH_STRIDE) {
        block[at] = (char)at;
        __asm__("" : : "r"(block + at) : "memory");
    }
    heap->used += need;
}

void pn_actor_heap_drop(struct pn_actor_heap *heap, struct pn_arena *arena) {
    pn_arena_free(arena, heap->words);
    heap->words = NULL;
    heap->size = heap->used = 0;
}
