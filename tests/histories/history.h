/* SPDX-License-Identifier: MIT
 *
 * What is recorded of a concurrent run: per thread, in its own order, each operation with the time
 * before its call and after its return. An operation on several items is one entry per item with
 * the same two times; all but the first are `joined`, and stand in the order of the call.
 */
#ifndef HISTORY_H
#define HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum hist_kind {
    HIST_PUSH,
    HIST_POP,
    HIST_EMPTY,   /* a pop's answer: nothing now */
    HIST_CLOSE,   /* the one call that closes the queue */
    HIST_REFUSED, /* a push's answer: closed */
    HIST_OVER,    /* a pop's answer: closed, and nothing left */
};

struct hist_op {
    uint64_t inv, res; /* stamps, see stamp.h */
    uint32_t value;    /* each is pushed once in a history; 0 where none went in or out */
    uint8_t kind;      /* enum hist_kind */
    bool joined;       /* of the same call as the entry before */
};

struct hist_log {
    struct hist_op *op;
    size_t n, room;
};

struct history {
    struct hist_log *log; /* [n_logs], one per thread */
    unsigned n_logs;
    uint32_t n_values;
    bool drained;      /* it ended with an empty queue, so that nothing may be missing */
    uint64_t capacity; /* never more inside; 0 = no bound */
    uint64_t slack;    /* judge as if each operation had begun and ended by so much outside */
};

static inline void hist_note(struct hist_log *log, struct hist_op op) {
    log->op[log->n++] = op;
}

enum hist_flaw {
    HIST_FINE,
    HIST_MALFORMED,   /* the recording is at fault: a thread's entries overlap, a value twice */
    HIST_FRESH,       /* came out before it was put in, or was never put in */
    HIST_REPEAT,      /* came out twice */
    HIST_LOST,        /* went in and never came out of a drained queue */
    HIST_ORDER,       /* no order of the values agrees with both ends */
    HIST_WRONG_EMPTY, /* EMPTY while something was inside all the time */
    HIST_OVERFULL,    /* more inside than the capacity */
    HIST_WRONG_END,   /* no moment of closing agrees with the answers */
};

enum { HIST_CITED = 8 };

struct hist_verdict {
    enum hist_flaw flaw;
    const struct hist_op *cited[HIST_CITED]; /* what proves it */
    unsigned n_cited;
    uint64_t empties;       /* looked at */
    uint64_t wrong_empties; /* of them, not linearizable */
};

/**
 * Whether the history is one of a linearizable FIFO; see linear.c.
 * \param weak_empty  wrong EMPTY answers are counted and are no flaw
 * \return 0; -ENOMEM
 */
int hist_check(const struct history *h, bool weak_empty, struct hist_verdict *out);

const char *hist_flaw_text(enum hist_flaw flaw);

/* One readable block: the flaw and each operation that proves it, times from the first of them. */
void hist_print(const struct history *h, const struct hist_verdict *verdict, FILE *to);

#endif
