/* SPDX-License-Identifier: MIT
 *
 * Statistics, always on: one memfd segment, one block per core with one writer, relaxed stores;
 * the reader sums. The segment describes itself (names, units, offsets), so that a reader of
 * another version, or another process through /proc/PID/fd/N, can read it.
 *
 * Threads: a block's writer is one thread at a time; any thread and any process may read.
 * Cost: an add is a load, an add and a store on a line nobody else writes (under 1 ns).
 */
#ifndef PINION_STATS_H
#define PINION_STATS_H

#include <pinion/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pn_arena_counts; /* pinion/arena.h */
struct pn_wheel;        /* pinion/wheel.h */

/* X(NAME, "name", "unit", KIND, "what"): the order is the layout of version PN_STATS_VERSION;
 * append at the end of the list only. KIND: SUM counters add up over blocks, MAX do not. */
#define PN_STAT_LIST(X)                                                                            \
    X(JOBS, "jobs", "jobs", SUM, "jobs completed")                                                 \
    X(TASKS, "tasks", "tasks", SUM, "tasks run")                                                   \
    X(BUSY_NS, "busy_ns", "ns", SUM, "time in tasks and finding them")                             \
    X(SPIN_NS, "spin_ns", "ns", SUM, "time in counted idle spin")                                  \
    X(SLEEP_NS, "sleep_ns", "ns", SUM, "time in the last wait of the idle ladder")                 \
    X(STEAL_SMT, "steal_smt", "tasks", SUM, "taken from the SMT sibling")                          \
    X(STEAL_LLC, "steal_llc", "tasks", SUM, "taken inside the LLC domain")                         \
    X(STEAL_NODE, "steal_node", "tasks", SUM, "taken inside the node")                             \
    X(STEAL_REMOTE, "steal_remote", "tasks", SUM, "taken across nodes")                            \
    X(STEAL_MISS, "steal_miss", "visits", SUM, "victims visited in vain")                          \
    X(WAKE_SENT, "wake_sent", "wakes", SUM, "wakes sent to sleeping cores")                        \
    X(WAKE_TAKEN, "wake_taken", "wakes", SUM, "wakes that found work")                             \
    X(WAKE_SPURIOUS, "wake_spurious", "wakes", SUM, "wakes that found nothing")                    \
    X(FUTEX_WAKES, "futex_wakes", "calls", SUM, "FUTEX_WAKE system calls")                         \
    X(SYSCALLS, "syscalls", "calls", SUM, "system calls made by the runtime itself")               \
    X(SEND_SELF, "send_self", "messages", SUM, "hand-overs to the own core")                       \
    X(SEND_SMT, "send_smt", "messages", SUM, "hand-overs to the SMT sibling")                      \
    X(SEND_LLC, "send_llc", "messages", SUM, "hand-overs inside the LLC domain")                   \
    X(SEND_NODE, "send_node", "messages", SUM, "hand-overs inside the node")                       \
    X(SEND_REMOTE, "send_remote", "messages", SUM, "hand-overs across nodes")                      \
    X(SEND_FOREIGN, "send_foreign", "messages", SUM, "hand-overs from foreign threads")            \
    X(ALLOCS, "allocs", "blocks", SUM, "blocks taken from the arena")                              \
    X(FREE_SELF, "free_self", "blocks", SUM, "freed at home")                                      \
    X(FREE_SMT, "free_smt", "blocks", SUM, "freed by the SMT sibling of the home")                 \
    X(FREE_LLC, "free_llc", "blocks", SUM, "freed inside the home's LLC domain")                   \
    X(FREE_NODE, "free_node", "blocks", SUM, "freed inside the home's node")                       \
    X(FREE_REMOTE, "free_remote", "blocks", SUM, "freed on another node")                          \
    X(FREE_UNKNOWN, "free_unknown", "blocks", SUM, "freed at a distance not known")                \
    X(FREE_BATCHES, "free_batches", "chains", SUM, "chains of blocks sent home")                   \
    X(ARENA_HIGH_BYTES, "arena_high_bytes", "bytes", MAX, "most bytes in use by one arena")        \
    X(TIMERS_FIRED, "timers_fired", "timers", SUM, "timers fired")                                 \
    X(TIMERS_CANCELLED, "timers_cancelled", "timers", SUM, "timers cancelled")                     \
    X(QUIESCENT, "quiescent", "states", SUM, "quiescent states announced")                         \
    X(GRACE_PERIODS, "grace_periods", "periods", SUM, "grace periods waited for")                  \
    X(GRACE_MAX_NS, "grace_max_ns", "ns", MAX, "longest grace period")                             \
    X(SEGMENTS_RETIRED, "segments_retired", "segments", SUM, "queue segments retired")             \
    X(SEGMENTS_RECYCLED, "segments_recycled", "segments", SUM, "queue segments reused")            \
    X(CRASHES, "crashes", "workers", SUM, "workers crashed")                                       \
    X(RESTARTS, "restarts", "workers", SUM, "workers restarted")                                   \
    X(RESCUES, "rescues", "cores", SUM, "blocked cores whose work was handed over")                \
    PN_STAT_QUEUE(X, INJECT, "inject", "admission and inject queue")                               \
    PN_STAT_QUEUE(X, RUNQ, "runq", "run queue")                                                    \
    PN_STAT_QUEUE(X, LANE, "lane", "lanes")                                                        \
    PN_STAT_QUEUE(X, MAILBOX, "mailbox", "mailboxes")

#define PN_STAT_QUEUE(X, Q, q, what)                                                               \
    X(Q##_PUSH, q "_push", "items", SUM, what ": items in")                                        \
    X(Q##_POP, q "_pop", "items", SUM, what ": items out")                                         \
    X(Q##_CAS_FAILED, q "_cas_failed", "tries", SUM, what ": compare-and-swaps lost")              \
    X(Q##_RETRIES, q "_retries", "tries", SUM, what ": loops run again")                           \
    X(Q##_FULL, q "_full", "answers", SUM, what ": full")                                          \
    X(Q##_EMPTY, q "_empty", "answers", SUM, what ": empty")                                       \
    X(Q##_LONGEST_WAIT, q "_longest_wait", "tries", MAX, what ": longest wait in one operation")

#define PN_STAT_ENUM_(NAME, name, unit, kind, what) PN_STAT_##NAME,
enum pn_stat { PN_STAT_LIST(PN_STAT_ENUM_) PN_STAT_COUNT };
#undef PN_STAT_ENUM_

enum pn_stat_kind { PN_STAT_SUM, PN_STAT_MAX };

/* First statistic of a queue's seven, for pn_stats_set_queue. */
enum pn_stat_queue {
    PN_STATS_INJECT = PN_STAT_INJECT_PUSH,
    PN_STATS_RUNQ = PN_STAT_RUNQ_PUSH,
    PN_STATS_LANE = PN_STAT_LANE_PUSH,
    PN_STATS_MAILBOX = PN_STAT_MAILBOX_PUSH
};

const char *pn_stat_name(enum pn_stat stat);
const char *pn_stat_unit(enum pn_stat stat);
const char *pn_stat_text(enum pn_stat stat);
enum pn_stat_kind pn_stat_kind(enum pn_stat stat);

/* The segment, little-endian on every machine we build for: this head, then `entries`
 * descriptors, `blocks` labels, and from blocks_offset on `blocks` blocks of 64-bit values. */
#define PN_STATS_MAGIC   0x3153544154534e50u /* "PNSTATS1" in memory */
#define PN_STATS_VERSION 1u

struct pn_stats_head {
    uint64_t magic;
    uint32_t version;
    uint32_t entries, entry_bytes; /* descriptors start right after this head */
    uint32_t blocks, label_bytes;  /* labels follow the descriptors */
    uint32_t blocks_offset, block_stride;
    uint32_t pid;
    uint64_t start_ns; /* CLOCK_MONOTONIC */
    uint64_t segment_bytes;
};
struct pn_stats_entry {
    char name[32];
    char unit[12];
    uint16_t kind;   /* enum pn_stat_kind */
    uint16_t offset; /* bytes into a block */
};
struct pn_stats_label {
    char role[24]; /* "scheduler", "producer", ...; empty = block not in use */
    int32_t cpu;   /* OS index, -1 = not pinned */
    int32_t node;
};

/* Writer's side. */
struct pn_stats;
struct pn_stats_block;

/**
 * \param blocks  1 .. 65536 writers
 * \param out     owned, pn_stats_destroy; readers that mapped the segment keep it
 * \return 0; -EINVAL, -ENOMEM, -EMFILE, -ENFILE
 */
int pn_stats_create(struct pn_stats **out, unsigned blocks);
void pn_stats_destroy(struct pn_stats *stats);
/* The memfd, borrowed; /proc/PID/fd/<fd> is the path for an outside reader. -1: a sandbox refused
 * one, and only this process can read the segment. */
int pn_stats_fd(const struct pn_stats *stats);
/* Block i lies on pages of its own, so that its writer's first touch places it. Borrowed. */
struct pn_stats_block *pn_stats_block(struct pn_stats *stats, unsigned i);
/* Say who writes block i. By the block's writer or before it starts. */
void pn_stats_label(struct pn_stats *stats, unsigned i, const char *role, int cpu, int node);

/* The block's writer only. */
void pn_stats_add(struct pn_stats_block *block, enum pn_stat stat, uint64_t n);
void pn_stats_set(struct pn_stats_block *block, enum pn_stat stat, uint64_t value);
void pn_stats_max(struct pn_stats_block *block, enum pn_stat stat, uint64_t value);
void pn_stats_set_queue(struct pn_stats_block *block, enum pn_stat_queue queue,
                        const struct pn_queue_counts *counts);

/* What the core's arena and wheel count; by the owner of all three, now and then. */
void pn_stats_set_arena(struct pn_stats_block *block, const struct pn_arena_counts *counts);
void pn_stats_set_wheel(struct pn_stats_block *block, const struct pn_wheel *wheel);

/* Any thread: one block's value; sum (or maximum) over all blocks. */
uint64_t pn_stats_get(const struct pn_stats_block *block, enum pn_stat stat);
uint64_t pn_stats_total(const struct pn_stats *stats, enum pn_stat stat);

/* Reader's side: this process or another, this version or another. */
struct pn_stats_view;

/**
 * Map a segment read-only and check it against itself.
 * \param path  "/proc/PID/fd/N" or a file; \param fd  used if path is NULL, borrowed
 * \return 0; -EPROTO not a statistics segment or damaged; -ENOTSUP another layout version; -errno
 */
int pn_stats_open(struct pn_stats_view **out, const char *path, int fd);
void pn_stats_close(struct pn_stats_view *view);
const struct pn_stats_head *pn_stats_view_head(const struct pn_stats_view *view);
const struct pn_stats_entry *pn_stats_view_entry(const struct pn_stats_view *view, unsigned entry);
/* Copied, since its writer may still write it. 0 or -ENOENT. */
int pn_stats_view_label(const struct pn_stats_view *view, unsigned block,
                        struct pn_stats_label *out);
/* Entry by name; -ENOENT if this segment has none. */
int pn_stats_view_find(const struct pn_stats_view *view, const char *name);
uint64_t pn_stats_view_get(const struct pn_stats_view *view, unsigned block, unsigned entry);
uint64_t pn_stats_view_total(const struct pn_stats_view *view, unsigned entry);

#endif
