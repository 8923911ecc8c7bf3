/* SPDX-License-Identifier: MIT
 *
 * What a queue's file offers (struct queue_type) and what one thread of a slot is told and tells
 * back (struct turn). C and C++.
 */
#ifndef PEERS_SLOT_H
#define PEERS_SLOT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LINE = 128, /* two lines: the adjacent-line prefetcher moves pairs */
    BATCH = 32,
    CHECK_EVERY = 64, /* operations between two looks at the clock */
    PAUSES = 16,      /* before a thread that finds full or empty yields */
    THREADS_MAX = 64
};

enum queue_flag {
    QUEUE_BOUNDED = 1,    /* `capacity` bounds it; else producers keep a distance, see loops.h */
    QUEUE_ONE_TO_ONE = 2, /* one producer thread, one consumer thread */
    QUEUE_CEILING = 4,    /* carries no items: pairs only, counts are checked instead of sums */
    QUEUE_BATCH = 8,      /* has batch operations of its own */
    QUEUE_CHAIN = 16,     /* also measured with a batch as one linked item */
    QUEUE_GROWS = 32      /* bounded, but grows with capacity 0: has memory rows */
};

enum turn_kind {
    TURN_PAIRS,
    TURN_PRODUCE,
    TURN_CONSUME,
    TURN_PRODUCE_BATCH,
    TURN_CONSUME_BATCH,
    TURN_PRODUCE_CHAIN,
    TURN_CONSUME_CHAIN,
    TURN_MEMORY
};

/* One linked item; a chain is BATCH of them, 64-byte aligned. */
struct chain_item {
    struct chain_item *next;
    uint64_t word; /* in the first item: 0 = the consumer is done with the whole chain */
};

struct tally {
    uint64_t n, sum, exclusive; /* over the whole run: must be equal on both sides */
};

struct memory_figures {
    uint64_t rss_before, rss_full, rss_drained, rss_later; /* bytes */
};

/* A count that one thread writes and others look at, at most once in CHECK_EVERY operations. */
struct published {
    uint64_t n;
    char pad[LINE - sizeof(uint64_t)];
} __attribute__((aligned(128)));

/* What all threads of a slot share. Written before they start, but for the published counts. */
struct bed {
    pthread_barrier_t barrier;
    uint64_t begin, end; /* ticks: of the measured window */
    uint64_t warm_ticks, ticks;
    uint64_t capacity;
    unsigned threads, producers, consumers;
    double steps_per_ns; /* of work */
    uint64_t ticks_of_100us;
    double ns_per_tick;
    uint64_t items, later_ms;                    /* TURN_MEMORY */
    uint64_t ball __attribute__((aligned(128))); /* thrown between threads 0 and 1 beforehand */
    uint64_t hop_ticks;                          /* 0: not known */
    struct published produced[THREADS_MAX], consumed[THREADS_MAX];
};

struct turn {
    struct bed *bed;
    enum turn_kind kind;
    unsigned thread; /* 0 .. threads - 1 */
    bool work, watch, distance;
    bool drains; /* takes what is left once all have stopped */
    int error;   /* negative errno: the port could not be opened */
    /* First look at the clock in the window, first look past it, operations between. */
    uint64_t from, to, operations;
    uint64_t full, empty;
    struct tally in, out; /* pushed, popped */
    int64_t longest_ns;   /* -1: not known here */
    struct memory_figures memory;
    struct chain_item *chains; /* owned; freed by the slot */
} __attribute__((aligned(128)));

struct queue_type {
    const char *name, *library, *version;
    int flags;
    /* capacity 0: as many as will come. \return NULL: no memory */
    void *(*create)(size_t capacity, unsigned threads);
    void (*destroy)(void *queue);
    void (*run)(void *queue, struct turn *turn);
};

/* A queue that could not be compiled here, and why: "package libck-dev". */
struct queue_absent {
    const char *name, *why;
};

#ifdef __cplusplus
extern "C" {
#endif
/* Each executable's tables, NULL-terminated: registry.c or registry.cc, made by CMake. */
extern const struct queue_type *const queue_types[];
extern const struct queue_absent queue_absents[];
/* Called rarely: kept out of the loops' files. */
void slot_note_gap(struct turn *t, uint64_t gap_ticks);
uint64_t slot_rss(void);
#ifdef __cplusplus
}
#endif

static inline uint64_t ticks_now(void) {
#if defined(__x86_64__)
    uint32_t low, high;
    __asm__ __volatile__("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
#elif defined(__aarch64__)
    uint64_t t;
    __asm__ __volatile__("mrs %0, cntvct_el0" : "=r"(t));
    return t;
#else
#error "no ticks on this architecture"
#endif
}

static inline void relax(void) {
#if defined(__x86_64__)
    __asm__ __volatile__("pause" ::: "memory");
#else
    __asm__ __volatile__("yield" ::: "memory");
#endif
}

static inline uint64_t work_step(uint64_t x) {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    __asm__ __volatile__("" : "+r"(x)); /* each step is done, one after another */
    return x;
}

#endif
