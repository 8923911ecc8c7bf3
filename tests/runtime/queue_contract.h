/* SPDX-License-Identifier: MIT
 *
 * What every MPMC queue must hold, as one stress body: nothing lost, nothing doubled, each
 * producer's items in order at each consumer, never more inside than the capacity, and what an item
 * points to arrives with it (plain memory, so ThreadSanitizer sees a missing edge). A queue joins
 * by a plug: how to make it, push and pop.
 *
 * Each shape runs with a seed, printed on failure; PINION_TEST_SEED repeats it.
 */
#ifndef PN_QUEUE_CONTRACT_H
#define PN_QUEUE_CONTRACT_H

#include "runtime/atomic.h"

#include <pinion/queue.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

struct contract_plug {
    /* \return the queue's real capacity, 0 = unbounded; *queue is made for so many ports */
    uint64_t (*create)(void **queue, uint64_t capacity, unsigned ports);
    void (*destroy)(void *queue);
    void *(*open)(void *queue); /* in the thread that will use it */
    void (*close)(void *port);
    enum pn_queue_rc (*push)(void *port, void *item);
    enum pn_queue_rc (*pop)(void *port, void **item);
    void (*rest)(void); /* between operations; NULL = nothing */
};

struct contract_item {
    uint32_t producer, serial;
    uint64_t twin; /* ~ of both, written plainly */
};

struct contract {
    const struct contract_plug *plug;
    void *queue;
    unsigned producers, consumers;
    uint32_t each; /* items per producer */
    uint64_t capacity, seed;
    struct contract_item *items;
    PN_ATOMIC(uint32_t) * seen; /* per item: how often it came out */
    pthread_barrier_t start;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) in;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) out;
    PN_ATOMIC(uint64_t) overfull, disorder, damaged;
};

struct contract_thread {
    struct contract *c;
    unsigned id;
    pthread_t thread;
};

static inline uint64_t contract_random(uint64_t *x) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return *x;
}

/* Now and then long enough for another thread to run on the same CPU. */
static inline void contract_pause(uint64_t *rng) {
    uint64_t r = contract_random(rng);
    if ((r & 255u) == 0) {
        (void)sched_yield();
    } else if ((r & 15u) == 0) {
        for (uint64_t i = 0; i < (r >> 8 & 63u); i++) {
            pn_relax();
        }
    }
}

static inline void contract_rest(const struct contract *c) {
    if (c->plug->rest != NULL) {
        c->plug->rest();
    }
}

static inline void contract_count_in(struct contract *c) {
    /* Signed: others may have popped before their producers counted. */
    int64_t inside = (int64_t)(pn_faa_seq(&c->in, 1) + 1 - pn_load_seq(&c->out));
    /* Popped and not yet counted: at most one per consumer. */
    if (c->capacity != 0 && inside > (int64_t)(c->capacity + c->consumers)) {
        (void)pn_faa_seq(&c->overfull, 1);
    }
}

static inline void *contract_produce(void *arg) {
    struct contract_thread *self = arg;
    struct contract *c = self->c;
    uint64_t rng = c->seed + 77u * (self->id + 1);
    (void)pthread_barrier_wait(&c->start);
    void *port = c->plug->open(c->queue);
    for (uint32_t i = 0; i < c->each;) {
        struct contract_item *item = &c->items[(size_t)self->id * c->each + i];
        item->producer = self->id;
        item->serial = i;
        item->twin = ~(((uint64_t)self->id << 32) | i);
        contract_rest(c);
        if (c->plug->push(port, item) == PN_QUEUE_OK) {
            contract_count_in(c);
            i++;
            contract_pause(&rng);
        } else {
            (void)sched_yield();
        }
    }
    c->plug->close(port);
    return NULL;
}

static inline void contract_check(struct contract *c, struct contract_item *item, uint32_t *next) {
    if (item->twin != ~(((uint64_t)item->producer << 32) | item->serial)) {
        (void)pn_faa_seq(&c->damaged, 1);
        return;
    }
    if (item->serial < next[item->producer]) {
        (void)pn_faa_seq(&c->disorder, 1);
    }
    next[item->producer] = item->serial + 1;
    (void)pn_faa_rlx(&c->seen[(size_t)(item - c->items)], 1);
}

static inline void *contract_consume(void *arg) {
    struct contract_thread *self = arg;
    struct contract *c = self->c;
    uint64_t rng = c->seed + 991u * (self->id + 1);
    uint32_t *next = calloc(c->producers, sizeof *next);
    uint64_t total = (uint64_t)c->producers * c->each;
    (void)pthread_barrier_wait(&c->start);
    void *port = c->plug->open(c->queue);
    while (next != NULL && pn_load_seq(&c->out) < total) {
        void *item = NULL;
        contract_rest(c);
        if (c->plug->pop(port, &item) == PN_QUEUE_OK) {
            contract_check(c, item, next);
            (void)pn_faa_seq(&c->out, 1);
            contract_pause(&rng);
        } else {
            (void)sched_yield();
        }
    }
    c->plug->close(port);
    free(next);
    return NULL;
}

static inline uint64_t contract_seed(void) {
    const char *given = getenv("PINION_TEST_SEED");
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return given != NULL ? strtoull(given, NULL, 10) : (uint64_t)now.tv_nsec * 2 + 1;
}

static inline void contract_verdict(struct contract *c) {
    uint64_t total = (uint64_t)c->producers * c->each;
    uint64_t lost = 0;
    uint64_t doubled = 0;
    for (uint64_t i = 0; i < total; i++) {
        lost += pn_load_seq(&c->seen[i]) == 0;
        doubled += pn_load_seq(&c->seen[i]) > 1;
    }
    uint64_t bad = lost + doubled + pn_load_seq(&c->overfull) + pn_load_seq(&c->disorder) +
                   pn_load_seq(&c->damaged);
    if (bad != 0) {
        print_error("%uP%uC capacity %llu seed %llu: lost %llu doubled %llu overfull %llu "
                    "disorder %llu damaged %llu\n",
                    c->producers, c->consumers, (unsigned long long)c->capacity,
                    (unsigned long long)c->seed, (unsigned long long)lost,
                    (unsigned long long)doubled, (unsigned long long)pn_load_seq(&c->overfull),
                    (unsigned long long)pn_load_seq(&c->disorder),
                    (unsigned long long)pn_load_seq(&c->damaged));
    }
    assert_true(bad == 0);
}

static inline void contract_run(const struct contract_plug *plug, unsigned producers,
                                unsigned consumers, uint64_t capacity, uint32_t each) {
    struct contract *c = aligned_alloc(PN_LINE, sizeof *c);
    assert_non_null(c);
    *c = (struct contract){.plug = plug,
                           .producers = producers,
                           .consumers = consumers,
                           .each = each,
                           .seed = contract_seed()};
    c->items = calloc((size_t)producers * each, sizeof *c->items);
    c->seen = calloc((size_t)producers * each, sizeof *c->seen);
    struct contract_thread *threads = calloc(producers + consumers, sizeof *threads);
    assert_true(c->items != NULL && c->seen != NULL && threads != NULL);
    c->capacity = plug->create(&c->queue, capacity, producers + consumers);
    (void)pthread_barrier_init(&c->start, NULL, producers + consumers);
    for (unsigned i = 0; i < producers + consumers; i++) {
        bool producer = i < producers;
        threads[i] = (struct contract_thread){.c = c, .id = producer ? i : i - producers};
        assert_int_equal(pthread_create(&threads[i].thread, NULL,
                                        producer ? contract_produce : contract_consume,
                                        &threads[i]),
                         0);
    }
    for (unsigned i = 0; i < producers + consumers; i++) {
        (void)pthread_join(threads[i].thread, NULL);
    }
    plug->destroy(c->queue);
    contract_verdict(c);
    (void)pthread_barrier_destroy(&c->start);
    free(threads);
    free(c->items);
    free((void *)c->seen);
    free(c);
}

/* Every shape at small, odd and large capacities. */
static inline void contract_all(const struct contract_plug *plug, uint64_t unbounded) {
    static const unsigned shapes[][2] = {{1, 1}, {1, 3}, {3, 1}, {2, 2}, {4, 4}};
    const uint64_t capacities[] = {1, 2, 3, 7, 64, 1024, unbounded};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (size_t k = 0; k < sizeof capacities / sizeof *capacities; k++) {
            uint32_t each = capacities[k] < 8 && capacities[k] != 0 ? 6000 : 60000;
            contract_run(plug, shapes[s][0], shapes[s][1], capacities[k], each / shapes[s][0]);
        }
    }
}

#endif
