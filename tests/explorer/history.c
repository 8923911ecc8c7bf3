/* SPDX-License-Identifier: MIT */
#include "history.h"

#include "explorer.h"

#include <stdio.h>
#include <string.h>

struct operation {
    bool push, done, success;
    uint64_t value;
    struct pn_xp_moment begin, end;
};

static struct operation list[XP_OPERATIONS];
static int n_list;
static unsigned flags;
static uint64_t capacity;

/* before[i]: bit j = j comes before i. Those in `left` are still to be placed. */
static uint32_t before[XP_OPERATIONS];

void xp_history_begin(unsigned checks, uint64_t cells) {
    n_list = 0;
    flags = checks;
    capacity = cells;
}

static int begins(bool push, uint64_t value) {
    if (n_list == XP_OPERATIONS) {
        pn_xp_fail("the test has too many operations to check");
    }
    struct operation *o = &list[n_list];
    *o = (struct operation){.push = push, .value = value};
    pn_xp_now(&o->begin);
    return n_list++;
}

int xp_push_begins(uint64_t value) {
    return begins(true, value);
}

int xp_pop_begins(void) {
    return begins(false, 0);
}

static void ends(int i, bool success) {
    list[i].success = success;
    list[i].done = true;
    pn_xp_now(&list[i].end);
}

void xp_push_ends(int i, bool pushed) {
    ends(i, pushed);
}

void xp_pop_ends(int i, uint64_t value) {
    list[i].value = value;
    ends(i, value != 0);
}

static bool precedes(const struct operation *a, const struct operation *b, bool by_clock) {
    return pn_xp_happens_before(&a->end, &b->begin) ||
           (by_clock && a->done && a->end.order < b->begin.order);
}

struct queue {
    uint64_t item[XP_OPERATIONS];
    unsigned head, tail;
};

static bool step(struct queue *q, const struct operation *o) {
    if (o->push) {
        bool full = capacity != 0 && q->tail - q->head == capacity;
        if (o->success && !full) {
            q->item[q->tail++] = o->value;
        }
        return o->success != full;
    }
    bool empty = q->tail == q->head;
    return o->success ? !empty && q->item[q->head++] == o->value : empty;
}

static bool place(struct queue *q, uint32_t left) {
    if (left == 0) {
        return true;
    }
    for (uint32_t rest = left; rest != 0; rest &= rest - 1) {
        int i = __builtin_ctz(rest);
        struct queue next = *q;
        if ((before[i] & left) == 0 && step(&next, &list[i]) && place(&next, left & ~(1u << i))) {
            return true;
        }
    }
    return false;
}

static bool has_order(uint32_t which, bool by_clock) {
    for (int i = 0; i < n_list; i++) {
        before[i] = 0;
        for (int j = 0; j < n_list; j++) {
            if (i != j && (which >> j & 1) != 0 && precedes(&list[j], &list[i], by_clock)) {
                before[i] |= 1u << j;
            }
        }
    }
    struct queue q;
    memset(&q, 0, sizeof q);
    return place(&q, which);
}

/* The successes, and those that answered EMPTY or FULL, if that is asked for. */
static uint32_t those(unsigned answers) {
    uint32_t which = 0;
    for (int i = 0; i < n_list; i++) {
        unsigned answer = list[i].push ? XP_FULL : XP_EMPTY;
        which |= list[i].done && (list[i].success || (answers & answer) != 0) ? 1u << i : 0;
    }
    return which;
}

static void tell(void) {
    for (int i = 0; i < n_list; i++) {
        const struct operation *o = &list[i];
        (void)printf("  operation %2d: thread %d %s %lu %s, from %lu to %lu; after", i,
                     o->begin.thread, o->push ? "push" : "pop ", (unsigned long)o->value,
                     o->success ? "done"
                     : o->push  ? "FULL"
                                : "EMPTY",
                     (unsigned long)o->begin.order, (unsigned long)o->end.order);
        for (int j = 0; j < n_list; j++) {
            if (precedes(&list[j], o, false)) {
                (void)printf(" %d", j);
            }
        }
        (void)printf("\n");
    }
}

void xp_history_check(void) {
    bool right = has_order(those(XP_FIFO), true);
    for (unsigned answer = XP_EMPTY; right && answer <= XP_FULL; answer *= 2) {
        right = (flags & answer) == 0 || has_order(those(answer), !pn_xp_weak());
    }
    if (!right) {
        if (pn_xp_telling()) {
            tell();
        }
        pn_xp_fail("not linearizable: no order of the operations explains what they answered");
    }
}

/* With the operations that were over when it was said. */
bool xp_empty_is_weak(int operation) {
    uint32_t others = those(XP_FIFO);
    return has_order(others, false) && !has_order(others | 1u << operation, false);
}
