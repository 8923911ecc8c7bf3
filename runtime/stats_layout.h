/* SPDX-License-Identifier: MIT
 *
 * What writer and reader of the statistics segment share beyond the public layout.
 */
#ifndef PN_STATS_LAYOUT_H
#define PN_STATS_LAYOUT_H

#include "runtime/atomic.h"

#include <pinion/stats.h>

/* A page per block: writers never share a line, and the writer's first touch puts the page on its
 * own node (128-byte blocks of several nodes in one page would all lie with the first writer). */
enum { PN_STATS_STRIDE = 4096 };

struct pn_stats_block {
    PN_ATOMIC(uint64_t) value[PN_STAT_COUNT];
};

_Static_assert(sizeof(struct pn_stats_block) <= PN_STATS_STRIDE, "a block fits its stride");
_Static_assert(PN_STATS_STRIDE % PN_LINE == 0, "blocks are aligned to a line");
_Static_assert(sizeof(struct pn_stats_head) == 56 && sizeof(struct pn_stats_entry) == 48 &&
                   sizeof(struct pn_stats_label) == 32,
               "layout version 1");

uint32_t pn_stats_blocks_offset(unsigned blocks);

static inline uint64_t pn_stats_combine(enum pn_stat_kind kind, uint64_t total, uint64_t value) {
    if (kind == PN_STAT_MAX) {
        return value > total ? value : total;
    }
    return total + value;
}

#endif
