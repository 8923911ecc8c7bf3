/* SPDX-License-Identifier: MIT
 *
 * usage: check_linear [--seed N] [--histories N]
 *
 * The checker against the definition: small random histories, each also decided by trying every
 * order in which its operations can have taken effect (Wing and Gong, JPDC 1993). The two must
 * agree on all, and both answers must be common.
 */
#include "history.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, OPS = 10, VALUES = OPS };

struct small {
    struct hist_op op[THREADS][OPS + 1]; /* the last stays empty: so each has one behind it */
    struct hist_log log[THREADS];
    struct history h;
    uint64_t closed_by; /* when the closing call returns */
};

static uint64_t draw(uint64_t *x, uint64_t below) {
    *x ^= *x << 13;
    *x ^= *x >> 7;
    *x ^= *x << 17;
    return (*x >> 11) % below;
}

/* The definition. */

struct trial {
    const struct small *s;
    size_t at[THREADS];
    uint32_t queue[VALUES];
    size_t head, tail;
    bool closed;
    uint64_t tried; /* for scale only */
};

static bool may_be_next(const struct trial *t, unsigned thread) {
    const struct hist_op *op = &t->s->log[thread].op[t->at[thread]];
    for (unsigned u = 0; u < t->s->h.n_logs; u++) {
        if (t->at[u] < t->s->log[u].n && t->s->log[u].op[t->at[u]].res < op->inv) {
            return false;
        }
    }
    return true;
}

static bool all_orders(struct trial *t);

static bool try_one(struct trial *t, unsigned thread) {
    struct trial before = *t;
    const struct hist_op *op = &t->s->log[thread].op[t->at[thread]];
    bool ok = true;
    switch (op->kind) {
    case HIST_PUSH:
        ok = !t->closed;
        t->queue[t->tail++] = op->value;
        break;
    case HIST_POP:
        ok = t->head < t->tail && t->queue[t->head++] == op->value;
        break;
    case HIST_CLOSE:
        t->closed = true;
        break;
    case HIST_REFUSED:
        ok = t->closed;
        break;
    case HIST_OVER:
        ok = t->closed && t->head == t->tail;
        break;
    default: /* EMPTY, which may be said until the closing call has returned */
        ok = t->head == t->tail && (!t->closed || op->inv <= t->s->closed_by);
        break;
    }
    t->at[thread]++;
    ok = ok && all_orders(t);
    uint64_t tried = t->tried + 1;
    *t = before;
    t->tried = tried;
    return ok;
}

static bool all_orders(struct trial *t) {
    bool left = false;
    for (unsigned thread = 0; thread < t->s->h.n_logs; thread++) {
        if (t->at[thread] == t->s->log[thread].n) {
            continue;
        }
        left = true;
        if (may_be_next(t, thread) && try_one(t, thread)) {
            return true;
        }
    }
    return !left;
}

/* Random histories. */

/* A thread's calls follow each other; the times are few, so that many threads share one. */
static void draw_times(struct small *s, uint64_t *x) {
    for (unsigned t = 0; t < s->h.n_logs; t++) {
        uint64_t now = draw(x, 8);
        for (size_t i = 0; i < s->log[t].n; i++) {
            struct hist_op *op = &s->op[t][i];
            if (op->joined) {
                op->inv = op[-1].inv;
                op->res = op[-1].res;
                continue;
            }
            op->inv = now + 1 + draw(x, 4);
            op->res = op->inv + draw(x, draw(x, 3) == 0 ? 24 : 6);
            now = op->res;
            s->closed_by = op->kind == HIST_CLOSE ? op->res : s->closed_by;
        }
    }
}

/* Let the operations take effect in some order that their times allow. */
static void run_right(struct small *s, uint64_t *x) {
    struct trial t = {.s = s};
    uint32_t made = 0;
    for (;;) {
        unsigned ready[THREADS];
        unsigned n = 0;
        for (unsigned u = 0; u < s->h.n_logs; u++) {
            if (t.at[u] < s->log[u].n && may_be_next(&t, u)) {
                ready[n++] = u;
            }
        }
        if (n == 0) {
            break;
        }
        unsigned u = ready[draw(x, n)];
        struct hist_op *op = &s->op[u][t.at[u]++];
        op->value = 0;
        if (op->kind == HIST_PUSH && t.closed) {
            op->kind = HIST_REFUSED;
        } else if (op->kind == HIST_PUSH) {
            op->value = t.queue[t.tail++] = made++;
        } else if (op->kind == HIST_CLOSE) {
            t.closed = true;
        } else if (t.head < t.tail && !(op->joined && op[-1].kind == HIST_EMPTY)) {
            op->kind = HIST_POP;
            op->value = t.queue[t.head++];
        } else {
            bool over = t.closed && (op->inv > s->closed_by || draw(x, 2) == 0) && !op->joined;
            op->kind = over ? HIST_OVER : HIST_EMPTY;
        }
    }
    s->h.n_values = made;
}

/* A call of several that found less than it asked for: only its first part stands. */
static void drop_mixed(struct small *s) {
    for (unsigned t = 0; t < s->h.n_logs; t++) {
        size_t n = 0;
        for (size_t i = 0; i < s->log[t].n; i++) {
            struct hist_op op = s->op[t][i];
            if (op.kind > HIST_POP && op.joined) {
                continue;
            }
            s->op[t][n++] = op;
        }
        s->log[t].n = n;
    }
}

static struct hist_op *any_op(struct small *s, uint64_t *x, enum hist_kind kind) {
    for (unsigned attempt = 0; attempt < 20; attempt++) {
        unsigned t = (unsigned)draw(x, s->h.n_logs);
        struct hist_op *op = s->log[t].n == 0 ? NULL : &s->op[t][draw(x, s->log[t].n)];
        if (op != NULL && op->kind == kind) {
            return op;
        }
    }
    return NULL;
}

static void damage(struct small *s, uint64_t *x) {
    struct hist_op *a = any_op(s, x, HIST_POP);
    struct hist_op *b = any_op(s, x, HIST_POP);
    switch (draw(x, 6)) {
    case 0: /* exchange what two pops found */
    case 1:
        if (a != NULL && b != NULL) {
            uint32_t value = a->value;
            a->value = b->value;
            b->value = value;
        }
        break;
    case 2: /* find what another found */
        if (a != NULL && b != NULL) {
            a->value = b->value;
        }
        break;
    case 3: /* find nothing */
        if (a != NULL && !a->joined && !a[1].joined) {
            a->kind = HIST_EMPTY;
            a->value = 0;
        }
        break;
    case 4: /* say the other about the end */
        a = any_op(s, x, draw(x, 2) == 0 ? HIST_EMPTY : HIST_OVER);
        if (a != NULL) {
            a->kind = a->kind == HIST_EMPTY ? HIST_OVER : HIST_EMPTY;
        }
        break;
    default: /* find what never went in */
        if (a != NULL) {
            a->value = s->h.n_values;
        }
        break;
    }
}

static void draw_history(struct small *s, uint64_t *x) {
    memset(s, 0, sizeof *s);
    s->h.log = s->log;
    s->h.n_logs = 1 + (unsigned)draw(x, THREADS);
    size_t ops = 2 + draw(x, OPS - 1);
    bool several = draw(x, 2) == 0;
    unsigned t = 0;
    bool closes = false;
    for (size_t i = 0; i < ops; i++) {
        struct hist_log *log = &s->log[t];
        struct hist_op *op = &s->op[t][log->n];
        op->kind = draw(x, 2) == 0 ? HIST_PUSH : HIST_POP;
        if (!closes && draw(x, 12) == 0) {
            op->kind = HIST_CLOSE;
            closes = true;
        }
        op->joined = several && op->kind != HIST_CLOSE && log->n > 0 && op[-1].kind == op->kind &&
                     draw(x, 2) == 0;
        log->n++;
        t = several && draw(x, 2) == 0 ? t : (unsigned)draw(x, s->h.n_logs);
    }
    for (t = 0; t < s->h.n_logs; t++) {
        s->log[t].op = s->op[t];
    }
    draw_times(s, x);
    run_right(s, x);
    drop_mixed(s);
    if (draw(x, 2) == 0) {
        damage(s, x);
    } else if (draw(x, 2) == 0) {
        draw_times(s, x); /* what is right at other times may be wrong at these */
    }
}

static void print_all(const struct small *s) {
    static const char *const kind[] = {"push", "pop", "EMPTY", "close", "refused", "over"};
    for (unsigned t = 0; t < s->h.n_logs; t++) {
        for (size_t i = 0; i < s->log[t].n; i++) {
            const struct hist_op *op = &s->op[t][i];
            printf("  thread %u %-7s %" PRIu32 " [%" PRIu64 ", %" PRIu64 "]%s\n", t, kind[op->kind],
                   op->value, op->inv, op->res, op->joined ? " joined" : "");
        }
    }
}

/* Every flaw that values and times can have; LOST and OVERFULL are beyond this definition. */
static bool enough(const uint64_t *count, uint64_t n) {
    static const enum hist_flaw flaws[] = {HIST_FRESH, HIST_REPEAT, HIST_ORDER, HIST_WRONG_EMPTY,
                                           HIST_WRONG_END};
    bool all = count[HIST_FINE] > n / 5 && count[HIST_MALFORMED] == 0;
    for (size_t i = 0; i < sizeof flaws / sizeof *flaws; i++) {
        all = all && count[flaws[i]] > n / 100;
    }
    return all;
}

int main(int argc, char **argv) {
    uint64_t seed = 1;
    uint64_t n = 200000;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--histories") == 0) {
            n = strtoull(argv[i + 1], NULL, 10);
        }
    }
    static struct small s;
    uint64_t count[HIST_WRONG_END + 1] = {0};
    uint64_t tried = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t x = (seed + i) * UINT64_C(0x9e3779b97f4a7c15) | 1;
        draw_history(&s, &x);
        struct trial trial = {.s = &s};
        bool right = all_orders(&trial);
        tried += trial.tried;
        struct hist_verdict verdict;
        if (hist_check(&s.h, false, &verdict) != 0) {
            (void)fprintf(stderr, "no memory\n");
            return 1;
        }
        count[verdict.flaw]++;
        if (right != (verdict.flaw == HIST_FINE)) {
            printf("check_linear --seed %" PRIu64
                   " --histories 1: all orders say %s, the checker:\n",
                   seed + i, right ? "right" : "wrong");
            hist_print(&s.h, &verdict, stdout);
            print_all(&s);
            return 1;
        }
    }
    printf("seed %" PRIu64 ": %" PRIu64 " histories agree (%" PRIu64 " steps of all orders)\n",
           seed, n, tried);
    for (unsigned f = 0; f <= HIST_WRONG_END; f++) {
        printf("  %10" PRIu64 "  %s\n", count[f], hist_flaw_text((enum hist_flaw)f));
    }
    if (n >= 100000 && !enough(count, n)) {
        printf("one of the answers is too rare for this to mean anything\n");
        return 1;
    }
    return 0;
}
