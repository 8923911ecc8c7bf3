/* SPDX-License-Identifier: MIT
 *
 * State of one execution, shared by the explorer's files.
 */
#ifndef PN_EXPLORER_PARTS_H
#define PN_EXPLORER_PARTS_H

#include "explorer.h"
#include "runtime/atomic.h"

#include <ucontext.h>

enum {
    XP_THREADS = 6,
    XP_LOCATIONS = 1024,
    XP_HISTORY = 48,
    XP_BLOCKS = 256,
    XP_TRACE = 32,
    XP_PATH = 8192,
    XP_STEPS_MAX = 20000,
    XP_STACK = 256 << 10
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

/* One atomic location: its modification order, newest last. */
struct xp_location {
    uintptr_t address;
    int n;
    struct xp_store store[XP_HISTORY];
    int seen[XP_THREADS]; /* coherence: no thread reads older than it has seen */
    int last_seq;
};

/* One plain location: who wrote last, who read since. */
struct xp_plain {
    uintptr_t address;
    int writer;
    uint32_t written;
    uint32_t read[XP_THREADS];
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
    struct pn_xp_site site;
};

struct xp_thread {
    ucontext_t context;
    char *stack;
    void (*run)(void *);
    void *arg;
    bool done, blocked, relaxing;
    int fresh;  /* so many loads see the newest store */
    bool timed; /* its wait may time out */
    uintptr_t waits_on;
    struct xp_clock now, acquire_pending, release_fence, visible;
    bool registered, online;
    uint32_t quiescent; /* states so far */
    struct xp_clock quiet;
    bool in_synchronize;
    uint32_t waits_for[XP_THREADS];
};

struct xp {
    int n, current, steps, preemptions, stale_reads;
    struct xp_thread thread[XP_THREADS];
    ucontext_t main;
    struct xp_clock fence_order, grace_starts;
    struct xp_location location[XP_LOCATIONS];
    int n_locations, location_hash[2 * XP_LOCATIONS];
    struct xp_plain plain[XP_LOCATIONS];
    int n_plain, plain_hash[2 * XP_LOCATIONS];
    struct xp_block block[XP_BLOCKS];
    int n_blocks;
    struct xp_step trace[XP_TRACE];
    uint64_t hash;
    const char *error;
    /* strategy */
    bool exhaustive, weak;
    int max_preemptions;
    uint64_t random;
    uint16_t path[XP_PATH], width[XP_PATH];
    int depth, length;
    bool running;
};

extern struct xp xp;

/* explorer.c */
int xp_choose(int n);
void xp_step(const char *what, uintptr_t address, uint64_t value, struct pn_xp_site site);
/* A place where another thread may run. */
void xp_switch_point(void);
/* The current thread cannot go on; returns when it can. */
void xp_block_current(void);

/* explorer_memory.c */
void xp_join(struct xp_clock *into, const struct xp_clock *from);
void xp_memory_reset(void);
uint64_t xp_latest(uintptr_t address);

/* explorer_hooks.c */
void xp_check_block(uintptr_t address);
void xp_plain_access(uintptr_t address, bool write);
const char *xp_leak(void);

#endif
