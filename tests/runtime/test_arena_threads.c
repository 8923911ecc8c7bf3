/* SPDX-License-Identifier: MIT
 *
 * Threads that hand each other blocks and free what they get: contents survive the journey, every
 * block comes home exactly once. The mailboxes are locked, so that ThreadSanitizer sees only the
 * arena's own edges for the way back.
 */
#include <pinion/arena.h>

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { THREADS = 4, ROUNDS = 30000, SLOTS = 64 };

struct parcel {
    uint32_t bytes, from;
    unsigned char data[];
};

struct mailbox {
    pthread_mutex_t lock;
    struct parcel *slots[SLOTS];
    unsigned n;
};

struct lab {
    struct mailbox boxes[THREADS];
    struct pn_arena *arenas[THREADS];
    pthread_barrier_t all;
    uint64_t damaged[THREADS], sent[THREADS], got[THREADS];
    struct worker {
        struct lab *lab;
        unsigned id;
    } workers[THREADS];
};

static bool post(struct mailbox *box, struct parcel *parcel) {
    (void)pthread_mutex_lock(&box->lock);
    bool room = box->n < SLOTS;
    if (room) {
        box->slots[box->n++] = parcel;
    }
    (void)pthread_mutex_unlock(&box->lock);
    return room;
}

static struct parcel *fetch(struct mailbox *box) {
    (void)pthread_mutex_lock(&box->lock);
    struct parcel *parcel = box->n == 0 ? NULL : box->slots[--box->n];
    (void)pthread_mutex_unlock(&box->lock);
    return parcel;
}

static void receive(struct lab *lab, unsigned id) {
    struct parcel *parcel;
    while ((parcel = fetch(&lab->boxes[id])) != NULL) {
        for (uint32_t i = 0; i < parcel->bytes; i += 61) {
            lab->damaged[id] += parcel->data[i] != (unsigned char)(parcel->from + i);
        }
        lab->damaged[id] += pn_arena_home_of(parcel) != parcel->from;
        lab->got[id]++;
        pn_arena_free(lab->arenas[id], parcel);
    }
}

static void *work(void *arg) {
    struct worker *self = arg;
    struct lab *lab = self->lab;
    uint32_t rng = 2463534242u + self->id;
    struct pn_arena_config config = {.node = {-1}, .home = self->id};
    if (pn_arena_create(&lab->arenas[self->id], &config) != 0) {
        lab->damaged[self->id] = 1;
    }
    (void)pthread_barrier_wait(&lab->all);
    for (unsigned i = 0; i < ROUNDS && lab->arenas[self->id] != NULL; i++) {
        rng ^= rng << 13;
        rng ^= rng >> 17;
        rng ^= rng << 5;
        uint32_t bytes = rng % 16 == 0 ? rng % 50000 : rng % 500;
        struct parcel *parcel = pn_arena_alloc(lab->arenas[self->id], sizeof *parcel + bytes);
        if (parcel == NULL) {
            lab->damaged[self->id]++;
            continue;
        }
        *parcel = (struct parcel){.bytes = bytes, .from = self->id};
        for (uint32_t k = 0; k < bytes; k += 61) {
            parcel->data[k] = (unsigned char)(self->id + k);
        }
        if (post(&lab->boxes[(rng >> 8) % THREADS], parcel)) {
            lab->sent[self->id]++;
        } else {
            pn_arena_free(lab->arenas[self->id], parcel);
            receive(lab, self->id);
        }
    }
    (void)pthread_barrier_wait(&lab->all);
    receive(lab, self->id);
    (void)pn_arena_flush(lab->arenas[self->id]);
    return NULL;
}

static void test_threads_exchange_every_block_comes_home_once(void **state) {
    (void)state;
    static struct lab lab;
    pthread_t threads[THREADS];
    assert_int_equal(pthread_barrier_init(&lab.all, NULL, THREADS), 0);
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_mutex_init(&lab.boxes[i].lock, NULL), 0);
        lab.workers[i] = (struct worker){&lab, i};
        assert_int_equal(pthread_create(&threads[i], NULL, work, &lab.workers[i]), 0);
    }
    for (unsigned i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    uint64_t sent = 0, got = 0, abroad = 0, received = 0;
    for (unsigned i = 0; i < THREADS; i++) {
        (void)pn_arena_collect(lab.arenas[i]);
        struct pn_error err = {{0}};
        if (pn_arena_check(lab.arenas[i], &err) != 0) {
            fail_msg("%s", err.text);
        }
        struct pn_arena_counts counts;
        pn_arena_counts(lab.arenas[i], &counts);
        assert_int_equal(counts.alloc, counts.freed_home + counts.received);
        assert_int_equal(lab.damaged[i], 0);
        abroad += counts.freed[PN_NEAR_UNKNOWN];
        received += counts.received;
        sent += lab.sent[i];
        got += lab.got[i];
    }
    assert_int_equal(sent, got);
    assert_int_equal(abroad, received);
    assert_true(abroad > 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pn_arena_destroy(lab.arenas[i]);
        (void)pthread_mutex_destroy(&lab.boxes[i].lock);
    }
    (void)pthread_barrier_destroy(&lab.all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads_exchange_every_block_comes_home_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
