/* SPDX-License-Identifier: MIT
 *
 * Statistics in one memfd segment: the writer's side. Reading is in stats_view.c.
 *
 * No orderings: every value is a single 64-bit word with one writer. A reader wants each figure,
 * not a consistent set of them, so all accesses are relaxed. The head and the descriptors are
 * written before the descriptor of the segment is given to anybody.
 */
#include "runtime/stats_layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pinion/arena.h>
#include <pinion/clock.h>
#include <pinion/wheel.h>

struct pn_stats {
    unsigned char *base;
    struct pn_stats_head *head;
    int fd;
};

struct stat_info {
    const char *name, *unit, *text;
    enum pn_stat_kind kind;
};

static const struct stat_info infos[PN_STAT_COUNT] = {
#define PN_STAT_INFO_(NAME, name, unit, kind, what) {name, unit, what, PN_STAT_##kind},
    PN_STAT_LIST(PN_STAT_INFO_)
#undef PN_STAT_INFO_
};

const char *pn_stat_name(enum pn_stat stat) {
    return infos[stat].name;
}

const char *pn_stat_unit(enum pn_stat stat) {
    return infos[stat].unit;
}

const char *pn_stat_text(enum pn_stat stat) {
    return infos[stat].text;
}

enum pn_stat_kind pn_stat_kind(enum pn_stat stat) {
    return infos[stat].kind;
}

static uint32_t round_up(uint64_t bytes, uint32_t to) {
    return (uint32_t)((bytes + to - 1) / to * to);
}

static void fill_head(struct pn_stats_head *head, unsigned blocks, uint64_t bytes) {
    *head = (struct pn_stats_head){
        .magic = PN_STATS_MAGIC,
        .version = PN_STATS_VERSION,
        .entries = PN_STAT_COUNT,
        .entry_bytes = sizeof(struct pn_stats_entry),
        .blocks = blocks,
        .label_bytes = sizeof(struct pn_stats_label),
        .blocks_offset = pn_stats_blocks_offset(blocks),
        .block_stride = PN_STATS_STRIDE,
        .pid = (uint32_t)getpid(),
        .start_ns = pn_now_ns(),
        .segment_bytes = bytes,
    };
    struct pn_stats_entry *entries = (struct pn_stats_entry *)(head + 1);
    for (unsigned i = 0; i < PN_STAT_COUNT; i++) {
        (void)strncpy(entries[i].name, infos[i].name, sizeof entries[i].name - 1);
        (void)strncpy(entries[i].unit, infos[i].unit, sizeof entries[i].unit - 1);
        entries[i].kind = (uint16_t)infos[i].kind;
        entries[i].offset = (uint16_t)(i * sizeof(uint64_t));
    }
}

uint32_t pn_stats_blocks_offset(unsigned blocks) {
    uint64_t described = sizeof(struct pn_stats_head) +
                         PN_STAT_COUNT * sizeof(struct pn_stats_entry) +
                         (uint64_t)blocks * sizeof(struct pn_stats_label);
    return round_up(described, PN_STATS_STRIDE);
}

/* Sealed against resizing, so that no reader can be killed by SIGBUS behind a truncation. A sandbox
 * may refuse memfd: then the segment is this process's own, and no outside reader finds it. */
static int make_segment(struct pn_stats *stats, unsigned blocks, size_t bytes) {
    int flags = MAP_SHARED;
    stats->fd = memfd_create("pinion-stats", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (stats->fd < 0 && (errno == EPERM || errno == EACCES || errno == ENOSYS)) {
        flags |= MAP_ANONYMOUS;
    } else if (stats->fd < 0 || ftruncate(stats->fd, (off_t)bytes) != 0 ||
               fcntl(stats->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return -errno;
    }
    stats->base = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, stats->fd, 0);
    if (stats->base == MAP_FAILED) {
        return -errno;
    }
    stats->head = (struct pn_stats_head *)(void *)stats->base;
    fill_head(stats->head, blocks, bytes);
    return 0;
}

int pn_stats_create(struct pn_stats **out, unsigned blocks) {
    if (blocks == 0 || blocks > 65536) {
        return -EINVAL;
    }
    struct pn_stats *stats = calloc(1, sizeof *stats);
    if (stats == NULL) {
        return -ENOMEM;
    }
    uint64_t bytes = pn_stats_blocks_offset(blocks) + (uint64_t)blocks * PN_STATS_STRIDE;
    int rc = make_segment(stats, blocks, bytes);
    if (rc != 0) {
        if (stats->fd >= 0) {
            (void)close(stats->fd);
        }
        free(stats);
        return rc;
    }
    *out = stats;
    return 0;
}

void pn_stats_destroy(struct pn_stats *stats) {
    if (stats == NULL) {
        return;
    }
    (void)munmap(stats->base, stats->head->segment_bytes);
    if (stats->fd >= 0) {
        (void)close(stats->fd);
    }
    free(stats);
}

int pn_stats_fd(const struct pn_stats *stats) {
    return stats->fd;
}

struct pn_stats_block *pn_stats_block(struct pn_stats *stats, unsigned i) {
    if (i >= stats->head->blocks) {
        return NULL;
    }
    unsigned char *at = stats->base + stats->head->blocks_offset + (size_t)i * PN_STATS_STRIDE;
    return (struct pn_stats_block *)(void *)at;
}

void pn_stats_label(struct pn_stats *stats, unsigned i, const char *role, int cpu, int node) {
    if (i >= stats->head->blocks) {
        return;
    }
    struct pn_stats_entry *entries = (struct pn_stats_entry *)(stats->head + 1);
    struct pn_stats_label *label = (struct pn_stats_label *)(void *)(entries + PN_STAT_COUNT) + i;
    label->cpu = cpu;
    label->node = node;
    memset(label->role, 0, sizeof label->role);
    (void)strncpy(label->role, role, sizeof label->role - 1);
}

void pn_stats_add(struct pn_stats_block *block, enum pn_stat stat, uint64_t n) {
    /* relaxed: only this thread writes the word, readers want the figure alone. */
    pn_store_rlx(&block->value[stat], pn_load_rlx(&block->value[stat]) + n);
}

void pn_stats_set(struct pn_stats_block *block, enum pn_stat stat, uint64_t value) {
    /* relaxed: as in pn_stats_add. */
    pn_store_rlx(&block->value[stat], value);
}

void pn_stats_max(struct pn_stats_block *block, enum pn_stat stat, uint64_t value) {
    /* relaxed: as in pn_stats_add. */
    if (value > pn_load_rlx(&block->value[stat])) {
        pn_stats_set(block, stat, value);
    }
}

void pn_stats_set_queue(struct pn_stats_block *block, enum pn_stat_queue queue,
                        const struct pn_queue_counts *counts) {
    const uint64_t values[] = {counts->push, counts->pop,   counts->cas_failed,  counts->retries,
                               counts->full, counts->empty, counts->longest_wait};
    for (unsigned i = 0; i < sizeof values / sizeof values[0]; i++) {
        pn_stats_set(block, (enum pn_stat)((unsigned)queue + i), values[i]);
    }
}

void pn_stats_set_arena(struct pn_stats_block *block, const struct pn_arena_counts *counts) {
    _Static_assert(PN_STAT_FREE_UNKNOWN - PN_STAT_FREE_SELF == PN_NEAR_UNKNOWN,
                   "statistics of frees stand in the order of the distances");
    for (unsigned i = 0; i <= PN_NEAR_COUNT; i++) {
        pn_stats_set(block, (enum pn_stat)(PN_STAT_FREE_SELF + i), counts->freed[i]);
    }
    pn_stats_set(block, PN_STAT_ALLOCS, counts->alloc);
    pn_stats_set(block, PN_STAT_FREE_BATCHES, counts->batches_sent);
    pn_stats_set(block, PN_STAT_ARENA_HIGH_BYTES, counts->span_high_bytes);
}

void pn_stats_set_wheel(struct pn_stats_block *block, const struct pn_wheel *wheel) {
    pn_stats_set(block, PN_STAT_TIMERS_FIRED, wheel->fired);
    pn_stats_set(block, PN_STAT_TIMERS_CANCELLED, wheel->cancelled);
}

uint64_t pn_stats_get(const struct pn_stats_block *block, enum pn_stat stat) {
    /* relaxed: the figure alone. */
    return pn_load_rlx(&block->value[stat]);
}

uint64_t pn_stats_total(const struct pn_stats *stats, enum pn_stat stat) {
    uint64_t total = 0;
    for (unsigned i = 0; i < stats->head->blocks; i++) {
        const unsigned char *at =
            stats->base + stats->head->blocks_offset + (size_t)i * PN_STATS_STRIDE;
        uint64_t value = pn_stats_get((const struct pn_stats_block *)(const void *)at, stat);
        total = pn_stats_combine(infos[stat].kind, total, value);
    }
    return total;
}
