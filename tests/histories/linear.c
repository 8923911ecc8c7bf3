/* SPDX-License-Identifier: MIT
 *
 * Is a recorded history one of a linearizable FIFO queue? Complete: no wrong history passes, no
 * right one fails (check_linear.c compares it with all interleavings of small histories).
 *
 * Values are distinct, so what is wrong with a queue's history is one of four things (Henzinger,
 * Sezgin, Vafeiadis: Aspect-oriented linearizability proofs, CONCUR 2013): a value comes out that
 * did not go in before; it comes out twice; two values come out in the other order than they went
 * in; EMPTY is said while something is inside all the time. Each is looked for alone.
 *
 * Order: a before b at one end means that a's operation there returned before b's was called, or
 * that both are of one call and a stands before b. One order of all values must agree with both
 * ends. It is built from the front: the next value is any that nothing left comes before at either
 * end. At one end that is a comparison with the earliest return among those left, which walks once
 * along the returns as sorted; so all of it is linear after sorting. If none can be next, two
 * values (with calls of several items at both ends: a cycle of more) contradict each other.
 *
 * EMPTY: linear_empty.c. Closing: linear_close.c.
 *
 * A thread's entries are sorted already, so sorting is a merge: O(n x threads), no comparison sort.
 */
#include "linear_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool index_op(struct check *c, const struct hist_op *op) {
    if (op->value >= c->h->n_values) {
        return blame(c, op->kind == HIST_POP ? HIST_FRESH : HIST_MALFORMED, op, NULL);
    }
    const struct hist_op **slot = &c->value[op->value].op[op->kind == HIST_POP ? OUT : IN];
    if (*slot != NULL) {
        return blame(c, op->kind == HIST_POP ? HIST_REPEAT : HIST_MALFORMED, *slot, op);
    }
    *slot = op;
    if (op->joined) {
        c->value[op[-1].value].followed[op->kind == HIST_POP ? OUT : IN] = true;
        c->several[op->kind == HIST_POP ? OUT : IN] = true;
    }
    return true;
}

/* Find each value's operations, and that each log is what one thread can have done. */
static bool index_all(struct check *c) {
    for (unsigned t = 0; t < c->h->n_logs; t++) {
        const struct hist_log *log = &c->h->log[t];
        for (size_t i = 0; i < log->n; i++) {
            const struct hist_op *op = &log->op[i];
            const struct hist_op *last = i == 0 ? NULL : op - 1;
            bool sound = op->inv <= op->res;
            if (op->joined) {
                sound = sound && last != NULL && last->kind == op->kind && last->inv == op->inv &&
                        last->res == op->res;
            } else {
                sound = sound && (last == NULL || last->res < op->inv);
            }
            if (!sound) {
                return blame(c, HIST_MALFORMED, last, op);
            }
            if (op->kind <= HIST_POP && !index_op(c, op)) {
                return false;
            }
        }
    }
    return true;
}

static bool check_values(struct check *c) {
    for (uint32_t i = 0; i < c->h->n_values; i++) {
        const struct value *v = &c->value[i];
        if (v->op[OUT] != NULL &&
            (v->op[IN] == NULL || done_by(c, v, OUT) < called(c, v->op[IN]))) {
            return blame(c, HIST_FRESH, v->op[OUT], v->op[IN]);
        }
        if (c->over != NULL && v->op[IN] != NULL && v->op[OUT] == NULL) {
            return blame(c, HIST_WRONG_END, v->op[IN], c->over);
        }
        if (c->h->drained && v->op[IN] != NULL && v->op[OUT] == NULL) {
            return blame(c, HIST_LOST, v->op[IN], NULL);
        }
    }
    return true;
}

/* The values of one kind of operation, sorted by call or by return. */
static size_t merge(const struct history *h, enum hist_kind kind, bool by_res, size_t *at,
                    uint32_t *out) {
    size_t n = 0;
    memset(at, 0, h->n_logs * sizeof *at);
    for (;;) {
        const struct hist_op *first = NULL;
        uint64_t first_time = 0;
        unsigned first_log = 0;
        for (unsigned t = 0; t < h->n_logs; t++) {
            const struct hist_log *log = &h->log[t];
            while (at[t] < log->n && log->op[at[t]].kind != kind) {
                at[t]++;
            }
            if (at[t] == log->n) {
                continue;
            }
            const struct hist_op *op = &log->op[at[t]];
            uint64_t time = by_res ? op->res : op->inv;
            if (first == NULL || time < first_time) {
                first = op;
                first_time = time;
                first_log = t;
            }
        }
        if (first == NULL) {
            return n;
        }
        out[n++] = first->value;
        at[first_log]++;
    }
}

struct sort {
    const struct check *c;
    int end;
};

static int by_done(const void *a, const void *b, void *context) {
    const struct sort *s = context;
    uint64_t x = done_by(s->c, &s->c->value[*(const uint32_t *)a], s->end);
    uint64_t y = done_by(s->c, &s->c->value[*(const uint32_t *)b], s->end);
    return x < y ? -1 : x > y;
}

static void sort_ends(struct check *c, size_t *at) {
    for (int end = IN; end < ENDS; end++) {
        enum hist_kind kind = end == IN ? HIST_PUSH : HIST_POP;
        (void)merge(c->h, kind, false, at, c->by_inv[end]);
        size_t n = merge(c->h, kind, true, at, c->by_res[end]);
        for (uint32_t i = 0; end == OUT && i < c->h->n_values; i++) {
            if (c->value[i].op[IN] != NULL && c->value[i].op[OUT] == NULL) {
                c->by_inv[end][n] = c->by_res[end][n] = i;
                n++;
            }
        }
    }
    /* Where a value can be done before its operation returned, the merge is not the order. */
    for (int end = IN; end < ENDS && (both_several(c) || c->closed_by != NEVER); end++) {
        qsort_r(c->by_res[end], c->n, sizeof *c->by_res[end], by_done, &(struct sort){c, end});
    }
}

static void unblock(struct check *c, uint32_t i, int end, unsigned wait) {
    struct value *v = &c->value[i];
    v->waits &= (uint8_t) ~(wait << (WAITS_BITS * end));
    if (v->waits == 0 && !v->placed) {
        v->placed = true;
        c->order[c->n_order++] = i;
    }
}

/* Values whose call at this end is not after the return of any that is left. */
static void advance(struct check *c, int end) {
    size_t n = c->n;
    while (c->at_res[end] < n && c->value[c->by_res[end][c->at_res[end]]].placed) {
        c->at_res[end]++;
    }
    if (c->at_res[end] == n) {
        return;
    }
    uint64_t earliest = done_by(c, &c->value[c->by_res[end][c->at_res[end]]], end);
    while (c->at_inv[end] < n) {
        uint32_t i = c->by_inv[end][c->at_inv[end]];
        if (called(c, c->value[i].op[end]) > earliest) {
            return;
        }
        c->at_inv[end]++;
        unblock(c, i, end, WAITS_TIME);
    }
}

/* Who comes before v and is left: the earliest return, or the one before it in its call. */
static uint32_t blocker(const struct check *c, uint32_t i, int *end) {
    const struct value *v = &c->value[i];
    *end = (v->waits & (WAITS_TIME | WAITS_JOINED)) != 0 ? IN : OUT;
    if ((v->waits >> (WAITS_BITS * *end) & WAITS_TIME) != 0) {
        return c->by_res[*end][c->at_res[*end]];
    }
    return v->op[*end][-1].value;
}

/* Nothing can be next: who waits for whom goes round in a circle. Cite the circle's operations. */
static bool blame_order(struct check *c) {
    uint32_t i = 0;
    int end = IN;
    while (c->value[i].placed || c->value[i].op[IN] == NULL) {
        i++;
    }
    for (size_t step = 0; step < c->n; step++) {
        i = blocker(c, i, &end); /* after so many steps it is in the circle */
    }
    c->verdict->flaw = HIST_ORDER;
    uint32_t first = i;
    do {
        uint32_t before = blocker(c, i, &end);
        cite(c, c->value[before].op[end]);
        cite(c, c->value[i].op[end] != NULL ? c->value[i].op[end] : c->value[i].op[IN]);
        i = before;
    } while (i != first && c->verdict->n_cited < HIST_CITED);
    return false;
}

static bool check_order(struct check *c) {
    for (uint32_t i = 0; i < c->h->n_values; i++) {
        struct value *v = &c->value[i];
        for (int end = IN; end < ENDS; end++) {
            unsigned waits = WAITS_TIME;
            waits |= v->op[end] != NULL && v->op[end]->joined ? WAITS_JOINED : 0;
            v->waits |= (uint8_t)(waits << (WAITS_BITS * end));
        }
    }
    for (size_t done = 0; done < c->n;) {
        advance(c, IN);
        advance(c, OUT);
        if (done == c->n_order) {
            return blame_order(c);
        }
        while (done < c->n_order) {
            const struct value *v = &c->value[c->order[done++]];
            for (int end = IN; end < ENDS; end++) {
                if (v->followed[end]) {
                    unblock(c, v->op[end][1].value, end, WAITS_JOINED);
                }
            }
        }
    }
    return true;
}

/* As many are inside at least as pushes have returned, less the pops that were called. */
static bool check_capacity(struct check *c) {
    size_t n = c->n;
    size_t out = 0;
    for (size_t in = 0; c->h->capacity != 0 && in < n; in++) {
        const struct value *v = &c->value[c->by_res[IN][in]];
        while (out < n && called(c, c->value[c->by_inv[OUT][out]].op[OUT]) <= done_by(c, v, IN)) {
            out++;
        }
        if (in + 1 > out + c->h->capacity) {
            return blame(c, HIST_OVERFULL, v->op[IN], NULL);
        }
    }
    return true;
}

static int check_all(struct check *c, size_t *at) {
    if (!index_all(c) || !check_close(c) || !check_values(c)) {
        return 0;
    }
    for (uint32_t i = 0; i < c->h->n_values; i++) {
        c->n += c->value[i].op[IN] != NULL;
    }
    sort_ends(c, at);
    if (!check_order(c) || !check_capacity(c)) {
        return 0;
    }
    return check_empties(c);
}

int hist_check(const struct history *h, bool weak_empty, struct hist_verdict *out) {
    *out = (struct hist_verdict){.flaw = HIST_FINE};
    size_t n = h->n_values == 0 ? 1 : h->n_values;
    struct check c = {.h = h, .verdict = out, .weak_empty = weak_empty};
    c.value = calloc(n, sizeof *c.value);
    uint32_t *index = malloc(5 * n * sizeof *index);
    size_t *at = malloc((h->n_logs + 1) * sizeof *at);
    int rc = -ENOMEM;
    if (c.value != NULL && index != NULL && at != NULL) {
        c.by_inv[IN] = index;
        c.by_res[IN] = index + n;
        c.by_inv[OUT] = index + 2 * n;
        c.by_res[OUT] = index + 3 * n;
        c.order = index + 4 * n;
        rc = check_all(&c, at);
    }
    free(c.value);
    free(index);
    free(at);
    return rc;
}
