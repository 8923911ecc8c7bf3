/* SPDX-License-Identifier: MIT
 *
 * A value is inside for certain from its push's return to its pop's call. Where such stretches
 * overlap, something is inside from the first one's begin to the last one's end; an EMPTY that lies
 * inside of that is wrong, and any other is right.
 *
 * With calls of several items at both ends a stretch can be longer than its own two times say: what
 * must go in before a value that is in is in too, and what must come out behind a value that is not
 * out is not out either. (With calls of one item at either end, the other value's stretch covers
 * that already.) So there each begin is the least of all values that must come behind, each end the
 * greatest of all that must come before. At one end those are a prefix of the returns as sorted, or
 * a suffix of the calls; so two walks along the order found, with running extremes, are enough:
 * O(n log n).
 */
#include "linear_parts.h"

#include <errno.h>
#include <stdlib.h>

struct stretch {
    uint64_t begin, end;
    uint32_t value;
};

/* How many of the values by return at this end returned before the time. */
static size_t returned_before(const struct check *c, int end, uint64_t time) {
    size_t low = 0;
    for (size_t high = c->n; low < high;) {
        size_t middle = low + (high - low) / 2;
        bool before = done_by(c, &c->value[c->by_res[end][middle]], end) < time;
        low = before ? middle + 1 : low;
        high = before ? high : middle;
    }
    return low;
}

/* How many of the values by call at this end were called no later than the time. */
static size_t called_until(const struct check *c, int end, uint64_t time) {
    size_t low = 0;
    for (size_t high = c->n; low < high;) {
        size_t middle = low + (high - low) / 2;
        bool until = called(c, c->value[c->by_inv[end][middle]].op[end]) <= time;
        low = until ? middle + 1 : low;
        high = until ? high : middle;
    }
    return low;
}

/* Ends: not before those of all that must come before. `most` holds the latest of each prefix. */
static void lengthen_ends(const struct check *c, struct stretch *of, uint64_t *most[ENDS]) {
    size_t known[ENDS] = {0, 0};
    most[IN][0] = most[OUT][0] = 0;
    for (size_t k = 0; k < c->n; k++) {
        const struct value *v = &c->value[c->order[k]];
        uint64_t *last = &of[c->order[k]].end;
        for (int end = IN; end < ENDS; end++) {
            size_t before = returned_before(c, end, called(c, v->op[end]));
            for (size_t *i = &known[end]; *i < before; ++*i) {
                most[end][*i + 1] = later(most[end][*i], of[c->by_res[end][*i]].end);
            }
            *last = later(*last, most[end][before]);
            if (v->op[end] != NULL && v->op[end]->joined) {
                *last = later(*last, of[v->op[end][-1].value].end);
            }
        }
    }
}

/* Begins: not after those of all that must come behind. */
static void lengthen_begins(const struct check *c, struct stretch *of, uint64_t *least[ENDS]) {
    size_t known[ENDS] = {c->n, c->n};
    least[IN][c->n] = least[OUT][c->n] = NEVER;
    for (size_t k = c->n; k-- > 0;) {
        const struct value *v = &c->value[c->order[k]];
        uint64_t *first = &of[c->order[k]].begin;
        for (int end = IN; end < ENDS; end++) {
            size_t behind = called_until(c, end, done_by(c, v, end));
            for (size_t *i = &known[end]; *i > behind; --*i) {
                least[end][*i - 1] = earlier(least[end][*i], of[c->by_inv[end][*i - 1]].begin);
            }
            *first = earlier(*first, least[end][behind]);
            if (v->followed[end]) {
                *first = earlier(*first, of[v->op[end][1].value].begin);
            }
        }
    }
}

static int by_begin(const void *a, const void *b) {
    const struct stretch *x = a;
    const struct stretch *y = b;
    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

/* \return 0; -ENOMEM */
static int lengthen(struct check *c, struct stretch *sorted) {
    struct stretch *of = calloc(c->h->n_values, sizeof *of);
    uint64_t *extremes = calloc(2 * (c->n + 1), sizeof *extremes);
    if (of == NULL || extremes == NULL) {
        free(of);
        free(extremes);
        return -ENOMEM;
    }
    uint64_t *parts[ENDS] = {extremes, extremes + c->n + 1};
    for (size_t i = 0; i < c->n; i++) {
        of[sorted[i].value] = sorted[i];
    }
    lengthen_ends(c, of, parts);
    lengthen_begins(c, of, parts);
    for (size_t i = 0; i < c->n; i++) {
        sorted[i] = of[sorted[i].value];
    }
    qsort(sorted, c->n, sizeof *sorted, by_begin);
    free(of);
    free(extremes);
    return 0;
}

/* \return how many stretches without a gap inside */
static size_t join(const struct stretch *sorted, size_t n, struct stretch *joined) {
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        struct stretch s = sorted[i];
        if (s.begin >= s.end) {
            continue;
        }
        if (m > 0 && s.begin < joined[m - 1].end) {
            joined[m - 1].end = later(joined[m - 1].end, s.end);
        } else {
            joined[m++] = s;
        }
    }
    return m;
}

/* Values inside for certain, one after the other, from before the EMPTY's call to after its return:
 * of those that begin before the time reached, the one that lasts longest. */
static void blame_empty(struct check *c, const struct hist_op *empty,
                        const struct stretch *sorted) {
    c->verdict->flaw = HIST_WRONG_EMPTY;
    cite(c, empty);
    uint64_t reached = called(c, empty);
    for (size_t i = 0; reached <= returned(c, empty);) {
        const struct stretch *longest = NULL;
        for (; i < c->n && sorted[i].begin < reached; i++) {
            if (longest == NULL || sorted[i].end > longest->end) {
                longest = &sorted[i];
            }
        }
        if (longest == NULL) {
            return;
        }
        reached = longest->end;
        cite(c, c->value[longest->value].op[IN]);
        cite(c, c->value[longest->value].op[OUT]);
    }
}

/* \return the first wrong one, or NULL */
static const struct hist_op *find_wrong(struct check *c, const struct stretch *joined, size_t m) {
    const struct hist_op *first = NULL;
    for (unsigned t = 0; t < c->h->n_logs; t++) {
        const struct hist_log *log = &c->h->log[t];
        for (size_t i = 0, k = 0; i < log->n; i++) {
            const struct hist_op *op = &log->op[i];
            if (op->kind != HIST_EMPTY) {
                continue;
            }
            c->verdict->empties++;
            while (k < m && joined[k].end <= returned(c, op)) {
                k++;
            }
            if (k < m && joined[k].begin < called(c, op)) {
                c->verdict->wrong_empties++;
                first = first == NULL ? op : first;
            }
        }
    }
    return first;
}

int check_empties(struct check *c) {
    struct stretch *sorted = calloc(2 * c->n + 1, sizeof *sorted);
    if (sorted == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < c->n; i++) {
        uint32_t value = c->by_res[IN][i];
        const struct value *v = &c->value[value];
        sorted[i] = (struct stretch){
            .begin = done_by(c, v, IN), .end = called(c, v->op[OUT]), .value = value};
    }
    int rc = c->n > 0 && c->several[IN] && c->several[OUT] ? lengthen(c, sorted) : 0;
    if (rc == 0) {
        struct stretch *joined = sorted + c->n;
        const struct hist_op *wrong = find_wrong(c, joined, join(sorted, c->n, joined));
        if (wrong != NULL && !c->weak_empty) {
            blame_empty(c, wrong, sorted);
        }
    }
    free(sorted);
    return rc;
}
