/* SPDX-License-Identifier: MIT
 *
 * A queue under test, as the recorder sees it. A queue joins by a plug.
 */
#ifndef HIST_SUBJECT_H
#define HIST_SUBJECT_H

#include <pinion/queue.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a thread does with the queue. */
enum role { ROLE_PUSH, ROLE_POP, ROLE_BOTH };

/* Why nothing went in or came out. NOTHING claims nothing: a thief that others were faster than. */
enum answer { ANSWER_NOTHING, ANSWER_FULL, ANSWER_EMPTY, ANSWER_CLOSED };

/* What an item points to; the link is the mailbox's while the item is inside. */
struct item {
    void *link;
    uint64_t word; /* written plainly before the push, compared after the pop */
};

struct subject_memory {
    uint64_t retired;          /* bytes that wait for a grace period */
    uint64_t retired_bound;    /* past it a push answers FULL */
    uint64_t segments_retired; /* so far */
    uint64_t mapped;           /* bytes */
};

struct subject {
    const char *name;
    bool weak_empty;  /* EMPTY may be wrong: wrong ones are counted */
    bool stores;      /* publishes by a plain store */
    bool end_is_last; /* the thread that closes pushes no more */
    /* \return 0 or -errno; capacity 0 = unbounded; *bound: the capacity it has then */
    int (*create)(void **queue, uint64_t capacity, unsigned ports, uint64_t *bound);
    void (*destroy)(void *queue);
    void *(*open)(void *queue, enum role role); /* in the thread that uses it; NULL: no memory */
    void (*close)(void *port);
    /* \return how many; fewer than n: *why (set where none went in or came out) */
    size_t (*push)(void *port, void *const *items, size_t n, enum answer *why);
    size_t (*pop)(void *port, void **items, size_t n, enum answer *why);
    void (*end)(void *port);  /* close the queue, from a thread that pushes; NULL = cannot */
    void (*rest)(void *port); /* between operations; NULL = nothing */
    void (*memory)(void *queue,
                   struct subject_memory *out); /* any thread; NULL = all at creation */
};

extern const struct subject subject_segq, subject_ring, subject_spsc, subject_runq, subject_mailbox;

static inline enum answer answer_of(enum pn_queue_rc rc) {
    return rc == PN_QUEUE_FULL ? ANSWER_FULL : rc == PN_QUEUE_EMPTY ? ANSWER_EMPTY : ANSWER_CLOSED;
}

#endif
