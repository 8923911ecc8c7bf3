/* SPDX-License-Identifier: MIT
 *
 * State of one execution, shared by the explorer's files.
 */
#ifndef PN_EXPLORER_PARTS_H
#define PN_EXPLORER_PARTS_H

#include "explorer.h"
#include "runtime/atomic.h"

#include <setjmp.h>

enum {
    XP_THREADS = PN_XP_THREADS,
    XP_LOCATIONS = 4096,
    XP_WORDS = 1 << 15, /* of plain data */
    XP_HISTORY = 48,
    XP_BLOCKS = 256,
    XP_TRACE = 32,
    XP_PATH = 1 << 17, /* decisions of one execution: a few per step at most */
    XP_STEPS_MAX = 20000,
    XP_PLAIN_MAX = 2000000,
    XP_STACK = 256 << 10,
    XP_LOCALS = 4
};

struct xp_clock {
    uint32_t at[XP_THREADS];
};

struct xp_store {
    uint64_t value;
    int thread;
    uint32_t when;
    struct xp_clock release; /* what an acquire of it brings */
};

/* Address -> index of its record. A generation per execution spares the clearing. */
struct xp_map {
    struct {
        uintptr_t address;
        uint32_t generation, index;
    } slot[2 * XP_WORDS];
};

/* One atomic location: its modification order, newest last. */
struct xp_location {
    int n;
    int seen[XP_THREADS]; /* coherence: no thread reads older than it has seen */
    int last_seq;
    int init_by; /* pn_atomic_init is a plain write: it must come before and after all the others */
    uint32_t init_at;
    uint32_t used[XP_THREADS];
    struct xp_store store[XP_HISTORY];
};

/* Who wrote last, who read since. */
struct xp_unit {
    int writer;
    uint32_t written;
    uint32_t read[XP_THREADS];
};

/* One aligned word of plain memory: one unit while all accesses are alike, then one per byte. */
struct xp_plain {
    uint8_t first, bytes; /* of the one unit; bytes = 0: eight of them */
    struct xp_unit unit[8];
};

struct xp_block {
    uintptr_t address;
    size_t bytes;
    bool freed;
    struct xp_clock used;
};

struct xp_step {
    int thread;
    const char *what;
    uintptr_t address;
    uint64_t value;
    const struct pn_xp_site *site;
};

struct xp_thread {
    /* These four outlive an execution. */
    jmp_buf home, context;
    char *stack;
    bool made;
    bool started;
    void (*run)(void *);
    void *arg;
    bool done, blocked, relaxing;
    int fresh;  /* so many loads see the newest store */
    bool timed; /* its wait may time out, at this time */
    uint64_t deadline;
    uintptr_t waits_on;
    int joins; /* thread whose end it waits for; 0 = none */
    struct xp_clock now, acquire_pending, release_fence, visible;
    struct xp_clock before_store; /* the clock as it was before the last store */
    bool unfenced;                /* that store may still pass the next load: see fence_light */
    bool registered, online;
    uint32_t quiescent; /* states so far */
    struct xp_clock quiet;
    bool in_synchronize;
    uint32_t waits_for[XP_THREADS];
    uint64_t locals[XP_LOCALS];
    int priority; /* PCT: the highest that can runs */
};

enum xp_strategy { XP_UNIFORM, XP_PCT, XP_EXHAUSTIVE, XP_REPLAY };

struct xp {
    int n, current, steps, preemptions, stale_reads, plain_accesses;
    uint32_t generation;
    struct xp_thread thread[XP_THREADS];
    jmp_buf main;
    struct xp_clock fence_order, grace_starts;
    struct xp_location location[XP_LOCATIONS];
    int n_locations;
    struct xp_map location_of, plain_of;
    struct xp_plain plain[XP_WORDS];
    int n_plain;
    struct xp_block block[XP_BLOCKS];
    int n_blocks;
    uint64_t *local[XP_LOCALS]; /* thread-local words that follow the running thread */
    int n_locals;
    struct xp_step trace[XP_TRACE];
    uint64_t hash, moments, waited_ns;
    const char *error;
    uintptr_t pc;         /* of the last plain access */
    bool running, active; /* active: a failure has somewhere to go */
    bool tell;            /* print each step */
    /* strategy */
    enum xp_strategy strategy;
    bool weak;
    int max_preemptions; /* exhaustive */
    int switch_odds, stale_odds;
    int change[8], n_changes, lowest, alone; /* PCT */
    uint64_t random;
    uint8_t path[XP_PATH], width[XP_PATH]; /* every decision, and out of how many */
    int depth, length;
};

extern struct xp xp;

/* explorer_choice.c: every decision of an execution is one of these calls. */
int xp_choose(int n);
int xp_stale(int n); /* how many stores back a load looks, of n that it may see */
int xp_next(const int *list, int n, bool may_stay); /* may_stay: list[0] runs already */
void xp_plan(uint64_t seed, int pct_depth, bool uniform, bool sc);
bool xp_next_path(void);
void xp_reset_choices(void);

/* explorer.c */
void xp_step(const char *what, uintptr_t address, uint64_t value, struct pn_xp_site *site);
/* A place where another thread may run. */
void xp_switch_point(void);
/* The current thread cannot go on; returns when it can. */
void xp_block_current(void);
/* One execution. \return NULL or what went wrong */
const char *xp_execute(const struct pn_xp_test *test);
void xp_print_trace(void);
void xp_print_step(const struct xp_step *step);

/* explorer_memory.c */
void xp_join(struct xp_clock *into, const struct xp_clock *from);
void xp_memory_reset(void);
uint64_t xp_latest(uintptr_t address);
/* \return the record's index; *fresh: it is new */
uint32_t xp_map_find(struct xp_map *map, uintptr_t address, int *n, int most, bool *fresh);
int64_t xp_map_known(const struct xp_map *map, uintptr_t address); /* -1: not yet */

/* explorer_plain.c */
void xp_check_block(uintptr_t address);
const char *xp_leak(void);

/* explorer_sites.c */
bool xp_mutate(const char *id);
void xp_list_mutants(void);
const char *xp_site_name(const struct pn_xp_site *site, char *out, size_t bytes);
uint64_t xp_build_id(void);

/* explorer_replay.c */
bool xp_save(const char *file, const struct pn_xp_test *test, const char *mutant);
/* \return 0, or an exit code after one line */
int xp_load_replay(const char *file, const struct pn_xp_test *test, const char *mutant,
                   uint64_t *hash);
/* Shorten the decisions in xp.path that lead to a failure. */
void xp_shrink(const struct pn_xp_test *test, double seconds);

#endif
