/* SPDX-License-Identifier: MIT
 *
 * Is there a moment of closing that all answers agree with? It lies within the call that closes;
 * what went in was called before it, and every CLOSED returned after it. A pop's CLOSED says that
 * all that went in is out: it returned after the last pop with success was called, and nothing
 * stays inside (linear.c). EMPTY is not said by a pop that is called after the closing call
 * returned (while that is under way it still may be).
 */
#include "linear_parts.h"

static const struct hist_op *find_close(const struct history *h) {
    for (unsigned t = 0; t < h->n_logs; t++) {
        for (size_t i = 0; i < h->log[t].n; i++) {
            if (h->log[t].op[i].kind == HIST_CLOSE) {
                return &h->log[t].op[i];
            }
        }
    }
    return NULL;
}

/* The operations that narrow the moment, and what a CLOSED must not be followed by. */
struct bounds {
    const struct hist_op *from; /* latest call of what came before */
    const struct hist_op *by;   /* earliest return of what came after */
    const struct hist_op *last; /* pop with success, latest called */
    const struct hist_op *over; /* pop's CLOSED, earliest returned */
    const struct hist_op *late; /* EMPTY, latest called */
};

static void keep_latest_call(const struct hist_op **slot, const struct hist_op *op) {
    *slot = *slot == NULL || op->inv > (*slot)->inv ? op : *slot;
}

static void keep_earliest_return(const struct hist_op **slot, const struct hist_op *op) {
    *slot = *slot == NULL || op->res < (*slot)->res ? op : *slot;
}

static void gather(const struct hist_log *log, struct bounds *b) {
    for (size_t i = 0; i < log->n; i++) {
        const struct hist_op *op = &log->op[i];
        switch (op->kind) {
        case HIST_PUSH:
            keep_latest_call(&b->from, op);
            break;
        case HIST_POP:
            keep_latest_call(&b->last, op);
            break;
        case HIST_EMPTY:
            keep_latest_call(&b->late, op);
            break;
        case HIST_REFUSED:
            keep_earliest_return(&b->by, op);
            break;
        case HIST_OVER:
            keep_earliest_return(&b->by, op);
            keep_earliest_return(&b->over, op);
            break;
        default:
            break;
        }
    }
}

bool check_close(struct check *c) {
    struct bounds b = {NULL, NULL, NULL, NULL, NULL};
    for (unsigned t = 0; t < c->h->n_logs; t++) {
        gather(&c->h->log[t], &b);
    }
    const struct hist_op *close = find_close(c->h);
    c->closed_by = NEVER;
    c->over = b.over;
    if (close == NULL) {
        return b.by == NULL || blame(c, HIST_WRONG_END, b.by, NULL);
    }
    keep_latest_call(&b.from, close);
    keep_earliest_return(&b.by, close);
    c->closed_by = returned(c, b.by);
    if (called(c, b.from) > c->closed_by) {
        return blame(c, HIST_WRONG_END, b.from, b.by);
    }
    if (b.over != NULL && b.last != NULL && called(c, b.last) > returned(c, b.over)) {
        return blame(c, HIST_WRONG_END, b.over, b.last);
    }
    if (!c->weak_empty && b.late != NULL && called(c, b.late) > returned(c, close)) {
        return blame(c, HIST_WRONG_END, close, b.late);
    }
    return true;
}
