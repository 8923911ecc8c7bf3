/* SPDX-License-Identifier: MIT
 *
 * Streams from producers to consumers: single items, batches, chains. A part of loops.h, which
 * includes it where its own small pieces are defined; like them compiled with one queue's
 * operations.
 */
#ifndef STREAMS_H
#define STREAMS_H

/* Unbounded queues: the producers together keep at most `capacity` ahead, by what each thread
 * published last. Nobody but its owner writes a count. */
static inline bool keep_distance(struct port *p, struct turn *t, uint64_t mine) {
    struct bed *b = t->bed;
    unsigned k = 0;
    __atomic_store_n(&b->produced[t->thread].n, mine, __ATOMIC_RELAXED);
    for (;;) {
        uint64_t in = 0, out = 0;
        for (unsigned i = 0; i < b->threads; i++) {
            in += __atomic_load_n(&b->produced[i].n, __ATOMIC_RELAXED);
            out += __atomic_load_n(&b->consumed[i].n, __ATOMIC_RELAXED);
        }
        if ((int64_t)(in - out) < (int64_t)b->capacity) {
            return true;
        }
        t->full++;
        if (!back_off(p, t, &k)) {
            return false;
        }
    }
}

static void produce(struct port *p, struct turn *t) {
    struct tally in = {0, 0, 0};
    unsigned k = 0;
    for (uint64_t i = 1;; i++) {
        void *item = make_item(t->thread, i);
        k = 0;
        while (!push(p, item)) {
            t->full++;
            if (!back_off(p, t, &k)) {
                goto over;
            }
        }
        tally_add(&in, item);
        if (in.n % CHECK_EVERY == 0) {
            quiescent(p);
            if (!look_at_clock(t, in.n) || (t->distance && !keep_distance(p, t, in.n))) {
                break;
            }
        }
    }
over:
    t->in = in;
}

static inline bool consumer_looks(struct port *p, struct turn *t, uint64_t n) {
    quiescent(p);
    if (t->distance) {
        __atomic_store_n(&t->bed->consumed[t->thread].n, n, __ATOMIC_RELAXED);
    }
    return look_at_clock(t, n);
}

static void consume(struct port *p, struct turn *t) {
    struct tally out = {0, 0, 0};
    unsigned k = 0;
    for (;;) {
        void *item = pop(p);
        if (item != NULL) {
            tally_add(&out, item);
            k = 0;
            if (out.n % CHECK_EVERY == 0 && !consumer_looks(p, t, out.n)) {
                break;
            }
            continue;
        }
        t->empty++;
        if (++k <= PAUSES) {
            relax();
        } else {
            k = 0;
            bool more = consumer_looks(p, t, out.n);
            if (!more) {
                break;
            }
            sched_yield();
        }
    }
    t->out = out;
}

static void produce_batch(struct port *p, struct turn *t) {
    struct tally in = {0, 0, 0};
    void *items[BATCH];
    bool more = true;
    uint64_t i = 0;
    for (unsigned calls = 1; more; calls++) {
        struct tally before = in;
        for (unsigned j = 0; j < BATCH; j++) {
            items[j] = make_item(t->thread, ++i);
            tally_add(&in, items[j]);
        }
        size_t done = 0;
        unsigned k = 0;
        while (done < BATCH && more) {
            size_t n = push_n(p, items + done, BATCH - done);
            done += n;
            if (n == 0) {
                t->full++;
                more = back_off(p, t, &k);
            }
        }
        if (done < BATCH) {
            in = before;
            for (size_t j = 0; j < done; j++) {
                tally_add(&in, items[j]);
            }
        }
        quiescent(p);
        if (t->distance && calls % 2 == 0) {
            more = more && keep_distance(p, t, in.n);
        }
        if (calls % CHECK_EVERY == 0) {
            more = more && look_at_clock(t, in.n);
        }
    }
    t->in = in;
}

static void consume_batch(struct port *p, struct turn *t) {
    struct tally out = {0, 0, 0};
    void *items[BATCH];
    unsigned k = 0;
    bool more = true;
    for (unsigned calls = 1; more;) {
        size_t n = pop_n(p, items, BATCH);
        for (size_t j = 0; j < n; j++) {
            tally_add(&out, items[j]);
        }
        quiescent(p);
        if (n != 0) {
            k = 0;
            if (t->distance) {
                __atomic_store_n(&t->bed->consumed[t->thread].n, out.n, __ATOMIC_RELAXED);
            }
            if (calls++ % CHECK_EVERY == 0) {
                more = look_at_clock(t, out.n);
            }
        } else {
            t->empty++;
            if (++k <= PAUSES) {
                relax();
            } else {
                k = 0;
                more = consumer_looks(p, t, out.n);
                if (more) {
                    sched_yield();
                }
            }
        }
    }
    t->out = out;
}

/* A batch is one item of the queue, linked through the items themselves. A producer has as many
 * chains as its share of the capacity and uses each again once a consumer has walked it: that
 * bounds what is under way, whatever the queue. */
static void produce_chain(struct port *p, struct turn *t) {
    struct tally in = {0, 0, 0};
    size_t chains = t->bed->capacity / BATCH / t->bed->producers;
    struct chain_item *pool = (struct chain_item *)aligned_alloc(64, chains * BATCH * sizeof *pool);
    if (pool == NULL) {
        t->error = -ENOMEM;
        return;
    }
    memset((void *)pool, 0, chains * BATCH * sizeof *pool);
    bool more = true;
    uint64_t i = 0;
    size_t at = 0;
    for (unsigned calls = 1; more; calls++) {
        struct chain_item *first = pool + at * BATCH;
        unsigned k = 0;
        at = at + 1 == chains ? 0 : at + 1;
        while (more && __atomic_load_n(&first->word, __ATOMIC_ACQUIRE) != 0) {
            t->full++;
            more = back_off(p, t, &k);
        }
        if (!more) {
            break;
        }
        struct tally next = in;
        for (unsigned j = 0; j < BATCH; j++) {
            void *word = make_item(t->thread, ++i);
            first[j].word = (uint64_t)(uintptr_t)word;
            first[j].next = j + 1 < BATCH ? &first[j + 1] : NULL;
            tally_add(&next, word);
        }
        while (more && !push(p, first)) {
            t->full++;
            more = back_off(p, t, &k);
        }
        in = more ? next : in;
        quiescent(p);
        if (calls % CHECK_EVERY == 0) {
            more = more && look_at_clock(t, in.n);
        }
    }
    t->in = in;
    t->chains = pool; /* consumers may still walk it: freed after the end */
}

static inline void walk(struct chain_item *first, struct tally *out) {
    for (struct chain_item *c = first; c != NULL; c = c->next) {
        tally_add(out, (void *)(uintptr_t)c->word);
    }
    __atomic_store_n(&first->word, 0, __ATOMIC_RELEASE);
}

static void consume_chain(struct port *p, struct turn *t) {
    struct tally out = {0, 0, 0};
    unsigned k = 0;
    bool more = true;
    for (unsigned calls = 1; more;) {
        struct chain_item *first = (struct chain_item *)pop(p);
        quiescent(p);
        if (first != NULL) {
            walk(first, &out);
            k = 0;
            if (calls++ % CHECK_EVERY == 0) {
                more = look_at_clock(t, out.n);
            }
        } else {
            t->empty++;
            if (++k <= PAUSES) {
                relax();
            } else {
                k = 0;
                more = consumer_looks(p, t, out.n);
                if (more) {
                    sched_yield();
                }
            }
        }
    }
    t->out = out;
}

#endif
