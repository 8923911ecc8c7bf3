/* SPDX-License-Identifier: MIT
 *
 * The check of one history under way: shared by linear.c (which values, in which order) and
 * linear_empty.c (when something was inside).
 */
#ifndef HIST_LINEAR_PARTS_H
#define HIST_LINEAR_PARTS_H

#include "history.h"

#define NEVER UINT64_MAX

enum { IN, OUT, ENDS };

/* What keeps a value from being next, one bit each; at none it is the next. */
enum { WAITS_TIME = 1, WAITS_JOINED = 2, WAITS_BITS = 2 };

struct value {
    const struct hist_op *op[ENDS];
    uint8_t waits; /* WAITS_*, those of OUT shifted by WAITS_BITS */
    bool placed;
    bool followed[ENDS]; /* its entry has one joined to it behind */
};

struct check {
    const struct history *h;
    struct hist_verdict *verdict;
    struct value *value;
    bool weak_empty;
    size_t n; /* values that went in */
    /* Per end: the values by call and by return. Those that never came out stand last. */
    uint32_t *by_inv[ENDS], *by_res[ENDS];
    size_t at_inv[ENDS], at_res[ENDS];
    uint32_t *order; /* that agrees with both ends, as far as it is built */
    size_t n_order;
    bool several[ENDS]; /* some call there was on several items */
    /* The latest that the closing can have taken effect; NEVER if it stays open. */
    uint64_t closed_by;
    const struct hist_op *over; /* the first pop's CLOSED, or NULL */
};

static inline void cite(struct check *c, const struct hist_op *op) {
    if (op != NULL && c->verdict->n_cited < HIST_CITED) {
        c->verdict->cited[c->verdict->n_cited++] = op;
    }
}

static inline bool blame(struct check *c, enum hist_flaw flaw, const struct hist_op *a,
                         const struct hist_op *b) {
    c->verdict->flaw = flaw;
    cite(c, a);
    cite(c, b);
    return false;
}

static inline uint64_t called(const struct check *c, const struct hist_op *op) {
    return op == NULL ? NEVER : op->inv < c->h->slack ? 0 : op->inv - c->h->slack;
}

static inline uint64_t returned(const struct check *c, const struct hist_op *op) {
    return op == NULL ? NEVER : op->res + c->h->slack;
}

static inline uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

static inline uint64_t earlier(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static inline bool both_several(const struct check *c) {
    return c->several[IN] && c->several[OUT];
}

/* When a value is in (or out) at the latest: when its operation returned, or earlier. What goes in
 * does so before the closing, what comes out before any pop says CLOSED. And what has come out is
 * in: with calls of several items at both ends that decides; else the values' other times do. */
static inline uint64_t done_by(const struct check *c, const struct value *v, int end) {
    uint64_t out =
        v->op[OUT] == NULL ? NEVER : earlier(returned(c, v->op[OUT]), returned(c, c->over));
    if (end == OUT) {
        return out;
    }
    uint64_t in = earlier(returned(c, v->op[IN]), c->closed_by);
    return both_several(c) ? earlier(in, out) : in;
}

/* linear_close.c; first of all, as its times are used by the rest. \return false: blamed */
bool check_close(struct check *c);

/* linear_empty.c; after an order was found. \return 0; 1 a flaw; -ENOMEM */
int check_empties(struct check *c);

#endif
