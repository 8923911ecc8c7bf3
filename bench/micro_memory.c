/* SPDX-License-Identifier: MIT
 *
 * Allocation. Measured: taking and giving back blocks of one size with a window of 64 out, at home,
 * and the way back of blocks that another thread frees. Not measured: touching the memory, which
 * for payloads costs more than getting it, and the state of a heap after hours.
 */
#include "micro.h"

#include <pinion/arena.h>
#include <pinion/stats.h>

enum { WINDOW = 64 };

static int make_arena(struct pn_arena **arena, enum pn_mem_policy policy, unsigned home) {
    struct pn_arena_config config = {.policy = policy, .node = {-1}, .home = home};
    return pn_arena_create(arena, &config);
}

/* value: bytes, value2: policy. One iteration = one block freed and one taken. */
static void run_window(struct pn_bench_state *state, const struct pn_bench_case *self) {
    struct pn_arena *arena = NULL;
    void *blocks[WINDOW] = {NULL};
    size_t bytes = (size_t)self->value;
    (void)pn_bench_pin(state);
    if (make_arena(&arena, (enum pn_mem_policy)self->value2, 0) != 0) {
        pn_bench_fail(state, "no arena");
        return;
    }
    for (size_t i = 0; i < WINDOW; i++) {
        blocks[i] = pn_arena_alloc(arena, bytes);
    }
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        pn_arena_free(arena, blocks[i % WINDOW]);
        blocks[i % WINDOW] = pn_arena_alloc(arena, bytes);
        pn_bench_keep(blocks[i % WINDOW]);
    }
    pn_bench_end(state);
    for (size_t i = 0; i < WINDOW; i++) {
        pn_arena_free(arena, blocks[i]);
    }
    struct pn_arena_counts counts;
    pn_arena_counts(arena, &counts);
    uint64_t freed = counts.freed_home + counts.freed[PN_NEAR_UNKNOWN];
    if (counts.alloc != n + WINDOW || freed != counts.alloc || pn_arena_check(arena, NULL) != 0) {
        pn_bench_fail(state, "blocks taken and given back differ");
    }
    pn_arena_destroy(arena);
}

/* value: bytes. One iteration = one block taken at home, freed abroad and taken in again, all by
 * one thread: the instructions of the way back without the travel of cache lines. */
static void run_way_back(struct pn_bench_state *state, const struct pn_bench_case *self) {
    struct pn_arena *home = NULL, *abroad = NULL;
    size_t bytes = (size_t)self->value;
    (void)pn_bench_pin(state);
    if (make_arena(&home, PN_MEM_LOCAL, 0) != 0 || make_arena(&abroad, PN_MEM_LOCAL, 1) != 0) {
        pn_bench_fail(state, "no arena");
        pn_arena_destroy(home);
        return;
    }
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        pn_arena_free(abroad, pn_arena_alloc(home, bytes));
    }
    pn_bench_end(state);
    (void)pn_arena_flush(abroad);
    (void)pn_arena_collect(home);
    struct pn_arena_counts counts;
    pn_arena_counts(home, &counts);
    if (counts.alloc != n || counts.received != n || pn_arena_check(home, NULL) != 0) {
        pn_bench_fail(state, "not every block came home");
    }
    pn_arena_counts(abroad, &counts);
    pn_bench_set_counter(state, "blocks_per_cas",
                         (double)n / (double)(counts.batches_sent + counts.cas_failed + (n == 0)));
    pn_arena_destroy(abroad);
    pn_arena_destroy(home);
}

static void run_stats_add(struct pn_bench_state *state, const struct pn_bench_case *self) {
    (void)self;
    struct pn_stats *stats = NULL;
    (void)pn_bench_pin(state);
    if (pn_stats_create(&stats, 1) != 0) {
        pn_bench_fail(state, "no statistics segment");
        return;
    }
    struct pn_stats_block *block = pn_stats_block(stats, 0);
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        pn_stats_add(block, PN_STAT_JOBS, 1);
        pn_bench_keep(block);
    }
    pn_bench_end(state);
    if (pn_stats_total(stats, PN_STAT_JOBS) != n) {
        pn_bench_fail(state, "the count is wrong");
    }
    pn_stats_destroy(stats);
}

static const struct pn_bench_case cases[] = {
    {"arena/free_alloc/bytes=64/mem=local", run_window, 1, 64, PN_MEM_LOCAL},
    {"arena/free_alloc/bytes=64/mem=malloc", run_window, 1, 64, PN_MEM_MALLOC},
    {"arena/free_alloc/bytes=1024/mem=local", run_window, 1, 1024, PN_MEM_LOCAL},
    {"arena/free_alloc/bytes=1024/mem=malloc", run_window, 1, 1024, PN_MEM_MALLOC},
    {"arena/free_alloc/bytes=65536/mem=local", run_window, 1, 65536, PN_MEM_LOCAL},
    {"arena/free_alloc/bytes=65536/mem=malloc", run_window, 1, 65536, PN_MEM_MALLOC},
    {"arena/way_back/bytes=64", run_way_back, 1, 64, 0},
    {"arena/way_back/bytes=65536", run_way_back, 1, 65536, 0},
    {"stats/add/block=own", run_stats_add, 1, 0, 0},
};

const struct pn_micro_table pn_micro_memory = {cases, sizeof cases / sizeof cases[0]};
