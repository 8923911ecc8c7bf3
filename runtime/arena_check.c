/* SPDX-License-Identifier: MIT
 *
 * The equations of arena_chunk.h, computed.
 */
#include "runtime/arena_chunk.h"

#include <errno.h>
#include <stdio.h>

struct tally {
    const struct pn_arena *arena;
    struct pn_error *err;
    uint64_t used, span_bytes;
    uint64_t listed[PN_CLASSES], open[PN_CLASSES];
};

static int broken(const struct tally *tally, const struct pn_span *span, const char *what) {
    if (tally->err != NULL) {
        (void)snprintf(tally->err->text, sizeof tally->err->text,
                       "arena %u: %s (class %u, slice %u, used %u, cut %u of %u)",
                       tally->arena->config.home, what, span == NULL ? 0 : span->class_id,
                       span == NULL ? 0 : span->first, span == NULL ? 0 : span->used,
                       span == NULL ? 0 : span->cut, span == NULL ? 0 : span->capacity);
    }
    return -EUCLEAN;
}

static int check_free_list(const struct tally *tally, const struct pn_span *span) {
    const unsigned char *base = pn_slice_base(pn_span_chunk(span), span->first);
    uint32_t n = 0;
    for (const struct pn_link *block = span->free; block != NULL; block = block->next) {
        const unsigned char *at = (const unsigned char *)block;
        if (at < base || (size_t)(at - base) >= (size_t)span->cut * span->block_bytes ||
            (size_t)(at - base) % span->block_bytes != 0) {
            return broken(tally, span, "free list leaves its span");
        }
        if (++n > span->cut) {
            return broken(tally, span, "free list is a ring");
        }
    }
    if (span->used + n != span->cut || span->cut > span->capacity) {
        return broken(tally, span, "used + free is not what was cut");
    }
    return 0;
}

static int check_span(struct tally *tally, const struct pn_chunk *chunk,
                      const struct pn_span *span) {
    for (unsigned i = span->first; i < (unsigned)span->first + span->slices; i++) {
        if (i >= PN_SLICES || chunk->first[i] != span->first ||
            chunk->class_of[i] != span->class_id || (chunk->free_slices >> i & 1u) != 0) {
            return broken(tally, span, "slice map disagrees with span");
        }
    }
    tally->used += span->used;
    tally->span_bytes += (uint64_t)span->slices * PN_SLICE_BYTES;
    bool sole = span->state == PN_SPAN_SOLE, kept = span->state == PN_SPAN_KEPT;
    if (sole || kept) {
        return span->class_id == PN_CLASS_LARGE && span->used == (sole ? 1u : 0u)
                   ? 0
                   : broken(tally, span, "large span in a wrong state");
    }
    if (span->class_id >= PN_CLASSES) {
        return broken(tally, span, "small span with a large class");
    }
    bool full = span->free == NULL && span->cut == span->capacity;
    if (span->state != (full ? PN_SPAN_FULL : PN_SPAN_OPEN)) {
        return broken(tally, span, "state disagrees with what is free");
    }
    tally->open[span->class_id] += !full;
    return check_free_list(tally, span);
}

static int check_chunk(struct tally *tally, const struct pn_chunk *chunk) {
    if (chunk->arena != tally->arena || chunk->home != tally->arena->config.home ||
        (chunk->free_slices & 1u) != 0) {
        return broken(tally, NULL, "chunk head damaged");
    }
    for (unsigned i = 1; i < PN_SLICES;) {
        if ((chunk->free_slices >> i & 1u) != 0) {
            i++;
            continue;
        }
        const struct pn_span *span = &chunk->spans[i];
        if (span->first != i || span->slices == 0 || span->state == PN_SPAN_NONE) {
            return broken(tally, span, "slice taken by no span");
        }
        int rc = check_span(tally, chunk, span);
        if (rc != 0) {
            return rc;
        }
        i += span->slices;
    }
    return 0;
}

static int check_bin(const struct tally *tally, unsigned class_id) {
    const struct pn_bin *bin = &tally->arena->bin[class_id];
    uint32_t n = 0;
    for (const struct pn_link *block = bin->free; block != NULL && n <= bin->n;
         block = block->next) {
        const struct pn_chunk *chunk = pn_chunk_of(block);
        if (chunk->arena != tally->arena || chunk->class_of[pn_slice_of(block)] != class_id) {
            return broken(tally, NULL, "foreign block in a bin");
        }
        n++;
    }
    return n == bin->n && n <= bin->limit ? 0 : broken(tally, NULL, "bin miscounted");
}

int pn_arena_check(const struct pn_arena *arena, struct pn_error *err) {
    struct tally tally = {.arena = arena, .err = err};
    if (arena->config.policy == PN_MEM_MALLOC) {
        return 0;
    }
    for (const struct pn_chunk *chunk = arena->chunks; chunk != NULL; chunk = chunk->next) {
        int rc = check_chunk(&tally, chunk);
        if (rc != 0) {
            return rc;
        }
    }
    for (unsigned class_id = 0; class_id < PN_CLASSES; class_id++) {
        for (const struct pn_span *s = arena->open[class_id]; s != NULL; s = s->next) {
            tally.listed[class_id]++;
            if (s->class_id != class_id || (s->next != NULL && s->next->prev != s)) {
                return broken(&tally, s, "span in the wrong list");
            }
        }
        if (tally.listed[class_id] != tally.open[class_id]) {
            return broken(&tally, arena->open[class_id], "open spans are not the listed ones");
        }
    }
    for (const struct pn_span *s = arena->big; s != NULL; s = s->next) {
        tally.used += s->used;
    }
    uint64_t binned = 0;
    for (unsigned class_id = 0; class_id < PN_CLASSES; class_id++) {
        int rc = check_bin(&tally, class_id);
        if (rc != 0) {
            return rc;
        }
        binned += arena->bin[class_id].n;
    }
    uint32_t n_out = 0;
    for (unsigned i = 0; i < PN_OUTBOXES; i++) {
        n_out += arena->out[i].n;
    }
    struct pn_arena_counts count;
    pn_arena_counts(arena, &count);
    if (tally.used - binned != count.alloc - count.freed_home - count.received ||
        tally.span_bytes != count.span_bytes || n_out != arena->n_out) {
        return broken(&tally, NULL, "totals do not add up");
    }
    return 0;
}
