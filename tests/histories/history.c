/* SPDX-License-Identifier: MIT */
#include "history.h"

const char *hist_flaw_text(enum hist_flaw flaw) {
    static const char *const text[] = {
        [HIST_FINE] = "linearizable",
        [HIST_MALFORMED] =
            "recorded wrongly: a thread's operations overlap, or a value went in twice",
        [HIST_FRESH] = "a value came out before it went in, or never went in",
        [HIST_REPEAT] = "a value came out twice",
        [HIST_LOST] = "a value went in and never came out",
        [HIST_ORDER] = "values came out in another order than they went in",
        [HIST_WRONG_EMPTY] = "EMPTY was answered while something was inside all the time",
        [HIST_OVERFULL] = "more inside than the capacity",
        [HIST_WRONG_END] = "no moment of closing agrees with what was answered before and after",
    };
    return text[flaw];
}

static unsigned thread_of(const struct history *h, const struct hist_op *op) {
    unsigned t = 0;
    while (t < h->n_logs && !(op >= h->log[t].op && op < h->log[t].op + h->log[t].n)) {
        t++;
    }
    return t;
}

void hist_print(const struct history *h, const struct hist_verdict *verdict, FILE *to) {
    static const char *const kind[] = {[HIST_PUSH] = "push",
                                       [HIST_POP] = "pop",
                                       [HIST_EMPTY] = "pop: EMPTY",
                                       [HIST_CLOSE] = "close",
                                       [HIST_REFUSED] = "push: CLOSED",
                                       [HIST_OVER] = "pop: CLOSED"};
    (void)fprintf(to, "  %s\n", hist_flaw_text(verdict->flaw));
    uint64_t zero = UINT64_MAX;
    for (unsigned i = 0; i < verdict->n_cited; i++) {
        zero = verdict->cited[i]->inv < zero ? verdict->cited[i]->inv : zero;
    }
    for (unsigned i = 0; i < verdict->n_cited; i++) {
        const struct hist_op *op = verdict->cited[i];
        unsigned t = thread_of(h, op);
        (void)fprintf(to, "  thread %-2u entry %-8zu %-12s", t, (size_t)(op - h->log[t].op),
                      kind[op->kind]);
        if (op->kind <= HIST_POP) {
            (void)fprintf(to, " value %-8lu", (unsigned long)op->value);
        } else {
            (void)fprintf(to, "               ");
        }
        (void)fprintf(to, " called %llu returned %llu%s\n", (unsigned long long)(op->inv - zero),
                      (unsigned long long)(op->res - zero), op->joined ? " (same call)" : "");
    }
}
