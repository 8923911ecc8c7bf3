/* SPDX-License-Identifier: MIT
 *
 * The measuring loops, compiled into each queue's own file, so that the queue's operations are
 * inlined into them. Included last, C or C++. What the file defines before:
 *
 *   QUEUE_NAME QUEUE_LIBRARY QUEUE_VERSION QUEUE_FLAGS QUEUE_TYPE (the descriptor's symbol)
 *   struct queue, struct port
 *   static struct queue *queue_create(size_t capacity, unsigned threads)   capacity 0: unbounded
 *   static void queue_destroy(struct queue *)
 *   static int port_open(struct port *, struct queue *, unsigned thread)
 *   static void port_close(struct port *)
 *   static inline bool push(struct port *, void *)         false: full
 *   static inline void *pop(struct port *)                 NULL: empty
 * if QUEUE_HAS_BATCH: push_n, pop_n (how many of n); else they are n single operations.
 * if QUEUE_HAS_QUIESCENT: quiescent, offline, online.
 *
 * Equal for all: 16 pauses, then sched_yield, where full or empty is met; a look at the clock each
 * 64 operations (64 calls in batch loops); sums of what went in and came out.
 */
#include "loop/slot.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef QUEUE_HAS_QUIESCENT
static inline void quiescent(struct port *p) {
    (void)p;
}
static inline void offline(struct port *p) {
    (void)p;
}
static inline void online(struct port *p) {
    (void)p;
}
#endif

#ifndef QUEUE_HAS_BATCH
static inline size_t push_n(struct port *p, void *const *items, size_t n) {
    size_t i = 0;
    while (i < n && push(p, items[i])) {
        i++;
    }
    return i;
}
static inline size_t pop_n(struct port *p, void **items, size_t n) {
    size_t i = 0;
    while (i < n && (items[i] = pop(p)) != NULL) {
        i++;
    }
    return i;
}
#endif

static inline void tally_add(struct tally *t, void *item) {
    uint64_t word = (uint64_t)(uintptr_t)item;
    t->n++;
    t->sum += word;
    t->exclusive ^= word;
}

static inline void *make_item(unsigned thread, uint64_t i) {
    return (void *)(uintptr_t)((((uint64_t)(thread + 1) << 40) | i) << 3);
}

/* The thread found full or empty. \return false: the window is over, give up */
static inline bool back_off(struct port *p, struct turn *t, unsigned *k) {
    if (++*k <= PAUSES) {
        relax();
        return true;
    }
    *k = 0;
    quiescent(p);
    sched_yield();
    return ticks_now() < t->bed->end;
}

static inline void work(uint64_t *random, double steps_per_ns) {
    uint64_t ns = 50 + (*random >> 33) % 101;
    for (uint64_t n = (uint64_t)((double)ns * steps_per_ns); n > 0; n--) {
        *random = work_step(*random);
    }
    *random = work_step(*random);
}

/* The window, as one thread sees it. \return false once it is over */
static inline bool look_at_clock(struct turn *t, uint64_t operations) {
    uint64_t now = ticks_now();
    if (now < t->bed->begin) {
        return true;
    }
    if (t->from == 0) {
        t->from = now;
        t->operations = operations;
    }
    if (now < t->bed->end) {
        return true;
    }
    t->to = now;
    t->operations = operations - t->operations;
    return false;
}

static inline __attribute__((always_inline)) void pairs(struct port *p, struct turn *t,
                                                        const bool with_work, const bool watch) {
    struct tally in = {0, 0, 0}, out = {0, 0, 0};
    uint64_t random = 88172645463325252u + t->thread * 7919u, i = 0, last = ticks_now();
    uint64_t longest = 0; /* gap between two iterations, of those below 100 us */
    double steps = t->bed->steps_per_ns;
    unsigned k = 0;
    bool more = true;
    while (more) {
        for (unsigned j = 0; j < CHECK_EVERY / 2 && more; j++) {
            void *item = make_item(t->thread, ++i);
            k = 0;
            while (!push(p, item)) {
                t->full++;
                if (!back_off(p, t, &k)) {
                    more = false;
                    break;
                }
            }
            if (!more) {
                break;
            }
            tally_add(&in, item);
            if (with_work) {
                work(&random, steps);
            }
            item = pop(p);
            if (item != NULL) {
                tally_add(&out, item);
            } else {
                t->empty++;
            }
            if (with_work) {
                work(&random, steps);
            }
            if (watch) {
                uint64_t now = ticks_now();
                longest = now - last > longest ? now - last : longest;
                if (longest > t->bed->ticks_of_100us) {
                    slot_note_gap(t, longest);
                    longest = 0;
                    now = ticks_now();
                }
                last = now;
            }
        }
        quiescent(p);
        more = look_at_clock(t, in.n + out.n) && more;
    }
    if (watch) {
        slot_note_gap(t, longest);
    }
    if (t->to == 0) { /* gave up in a wait */
        t->operations = t->from == 0 ? 0 : in.n + out.n - t->operations;
    }
    t->in = in;
    t->out = out;
}

#include "loop/streams.h"

/* After everybody has stopped: one thread takes the rest. A queue may say empty while nothing is
 * in it only, now. */
static void drain(struct port *p, struct turn *t) {
    void *item;
    while ((item = pop(p)) != NULL) {
        if (t->kind == TURN_CONSUME_CHAIN) {
            walk((struct chain_item *)item, &t->out);
        } else {
            tally_add(&t->out, item);
        }
        if (t->out.n % CHECK_EVERY == 0) {
            quiescent(p);
        }
    }
}

/* Nobody takes anything while the items go in. */
static void memory(struct port *p, struct turn *t) {
    const struct timespec later = {(time_t)(t->bed->later_ms / 1000),
                                   (long)(t->bed->later_ms % 1000) * 1000000};
    for (uint64_t i = 1; i <= 4096; i++) {
        (void)push(p, make_item(t->thread, i));
        (void)pop(p);
    }
    t->memory.rss_before = slot_rss();
    t->from = ticks_now();
    for (uint64_t i = 1; i <= t->bed->items; i++) {
        void *item = make_item(t->thread, i);
        if (!push(p, item)) {
            t->full++;
            break;
        }
        tally_add(&t->in, item);
        if (i % CHECK_EVERY == 0) {
            quiescent(p);
        }
    }
    t->to = ticks_now();
    t->operations = t->in.n;
    t->memory.rss_full = slot_rss();
    drain(p, t);
    t->memory.rss_drained = slot_rss();
    offline(p);
    (void)nanosleep(&later, NULL);
    online(p);
    t->memory.rss_later = slot_rss();
}

static void meet(struct port *p, struct turn *t) {
    offline(p);
    (void)pthread_barrier_wait(&t->bed->barrier);
    online(p);
}

static void run_turn(struct port *p, struct turn *t) {
    switch (t->kind) {
    case TURN_PAIRS:
        if (t->watch) {
            pairs(p, t, true, true);
        } else if (t->work) {
            pairs(p, t, true, false);
        } else {
            pairs(p, t, false, false);
        }
        break;
    case TURN_PRODUCE:
        produce(p, t);
        break;
    case TURN_CONSUME:
        consume(p, t);
        break;
    case TURN_PRODUCE_BATCH:
        produce_batch(p, t);
        break;
    case TURN_CONSUME_BATCH:
        consume_batch(p, t);
        break;
    case TURN_PRODUCE_CHAIN:
        produce_chain(p, t);
        break;
    case TURN_CONSUME_CHAIN:
        consume_chain(p, t);
        break;
    case TURN_MEMORY:
        memory(p, t);
        break;
    }
}

static void queue_run(void *shared, struct turn *t) {
    struct port port;
    memset((void *)&port, 0, sizeof port);
    t->error = port_open(&port, (struct queue *)shared, t->thread);
    if (t->error != 0) {
        abort(); /* the others wait at the barrier: end the slot, the driver names it */
    }
    meet(&port, t);
    if (t->thread == 0) { /* one clock for all: who wakes late has a shorter warm-up */
        t->bed->begin = ticks_now() + t->bed->warm_ticks;
        t->bed->end = t->bed->begin + t->bed->ticks;
    }
    meet(&port, t);
    run_turn(&port, t);
    meet(&port, t);
    if (t->drains) {
        drain(&port, t);
    }
    meet(&port, t);
    offline(&port);
    port_close(&port);
}

static void *queue_make(size_t capacity, unsigned threads) {
    return queue_create(capacity, threads);
}

static void queue_unmake(void *queue) {
    queue_destroy((struct queue *)queue);
}

#ifdef QUEUE_HAS_BATCH
#define QUEUE_BATCH_FLAG QUEUE_BATCH
#else
#define QUEUE_BATCH_FLAG 0
#endif

#ifdef __cplusplus
extern "C" const struct queue_type QUEUE_TYPE;
#endif
const struct queue_type QUEUE_TYPE = {
    QUEUE_NAME, QUEUE_LIBRARY, QUEUE_VERSION, (QUEUE_FLAGS) | QUEUE_BATCH_FLAG,
    queue_make, queue_unmake,  queue_run};
