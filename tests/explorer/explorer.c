/* SPDX-License-Identifier: MIT
 *
 * One execution after another: coroutines, who runs next, strategies, failures and how to see them
 * again. Every decision is one call of xp_choose, so a seed (or a path) is the whole execution.
 */
#include "explorer_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct xp xp;

static uint64_t next_random(void) {
    uint64_t z = xp.random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

int xp_choose(int n) {
    if (n <= 1) {
        return 0;
    }
    if (!xp.exhaustive) {
        return (int)(next_random() % (unsigned)n);
    }
    if (xp.depth == XP_PATH) {
        pn_xp_fail("more decisions than an exhaustive search holds");
    }
    if (xp.depth == xp.length) {
        xp.path[xp.length++] = 0;
    }
    xp.width[xp.depth] = (uint16_t)n;
    return xp.path[xp.depth++];
}

/* The next path in lexical order. \return false if that was the last */
static bool next_path(void) {
    while (xp.length > 0) {
        int last = xp.length - 1;
        if (xp.path[last] + 1 < xp.width[last]) {
            xp.path[last]++;
            return true;
        }
        xp.length--;
    }
    return false;
}

void xp_step(const char *what, uintptr_t address, uint64_t value, struct pn_xp_site site) {
    xp.trace[xp.steps % XP_TRACE] = (struct xp_step){xp.current, what, address, value, site};
    xp.hash = (xp.hash ^ ((uint64_t)xp.current << 32 | (uint64_t)site.line)) * 0x100000001b3u;
}

uint64_t pn_xp_trace_hash(void) {
    return xp.hash;
}

void pn_xp_fail(const char *what) {
    if (xp.error == NULL) {
        xp.error = what;
    }
    xp.running = false;
    (void)setcontext(&xp.main); /* the execution is given up where it stands */
    abort();
}

static bool can_run(int t) {
    return t < xp.n && !xp.thread[t].done && !xp.thread[t].blocked;
}

/* Everybody who can run and is not waiting in a loop for somebody else; if all are, all. */
static int list_runnable(int *list) {
    int n = 0;
    int relaxing = 0;
    for (int t = 1; t < xp.n; t++) {
        relaxing += can_run(t) && xp.thread[t].relaxing;
        if (can_run(t) && !xp.thread[t].relaxing) {
            list[n++] = t;
        }
    }
    for (int t = 1; n == 0 && relaxing > 0 && t < xp.n; t++) {
        if (can_run(t)) {
            xp.thread[t].relaxing = false;
        }
    }
    for (int t = 1; n == 0 && t < xp.n; t++) {
        if (can_run(t)) {
            list[n++] = t;
        }
    }
    return n;
}

static void run_thread(int t) {
    int from = xp.current;
    if (t != from) {
        xp.current = t;
        (void)swapcontext(&xp.thread[from].context, &xp.thread[t].context);
    }
}

static void count_step(void) {
    if (++xp.steps > XP_STEPS_MAX) {
        pn_xp_fail("livelock: no end after 20000 steps");
    }
}

void xp_switch_point(void) {
    if (xp.current == 0) {
        return;
    }
    count_step();
    int list[XP_THREADS];
    int n = list_runnable(list);
    bool may_stay = !xp.thread[xp.current].relaxing;
    if (may_stay && (xp.exhaustive ? xp.preemptions >= xp.max_preemptions : xp_choose(4) != 0)) {
        return;
    }
    int next = list[xp_choose(n)];
    if (xp.exhaustive && may_stay) {
        /* The current thread first, so that the first path is the one without preemption. */
        int ordered = 0;
        for (int i = 0; i < n; i++) {
            ordered = list[i] == xp.current ? i : ordered;
        }
        int pick = xp.path[xp.depth - 1];
        next = n > 1 ? list[(ordered + pick) % n] : xp.current;
    }
    xp.preemptions += may_stay && next != xp.current;
    run_thread(next);
}

void pn_xp_relax(void) {
    if (xp.current == 0) {
        return;
    }
    count_step();
    xp.thread[xp.current].relaxing = true;
    int list[XP_THREADS];
    int n = list_runnable(list);
    run_thread(list[xp_choose(n)]);
    xp.thread[xp.current].relaxing = false;
    /* Stores become visible in finite time: after a pause a loop sees the newest. */
    xp.thread[xp.current].fresh = 4;
    for (int t = 1; t < xp.n; t++) {
        xp.thread[t].relaxing = xp.thread[t].relaxing && t != xp.current;
    }
}

/* A sleeper with a time-out may be let go when nobody else can run, or sooner by choice. */
static bool wake_by_time(void) {
    for (int t = 1; t < xp.n; t++) {
        if (xp.thread[t].blocked && xp.thread[t].timed) {
            xp.thread[t].blocked = false;
            return true;
        }
    }
    return false;
}

void xp_block_current(void) {
    xp.thread[xp.current].blocked = true;
    int list[XP_THREADS];
    int n = list_runnable(list);
    if (n == 0 && wake_by_time()) {
        n = list_runnable(list);
    }
    if (n == 0) {
        pn_xp_fail("deadlock: everybody waits (a wake-up was lost?)");
    }
    run_thread(list[xp_choose(n)]);
}

static void trampoline(void) {
    struct xp_thread *me = &xp.thread[xp.current];
    me->run(me->arg);
    me->done = true;
    me->registered = me->online = false;
    int list[XP_THREADS];
    int n = list_runnable(list);
    if (n == 0 && wake_by_time()) {
        n = list_runnable(list);
    }
    if (n > 0) {
        xp.current = list[xp_choose(n)];
        (void)setcontext(&xp.thread[xp.current].context);
    }
    for (int t = 1; t < xp.n; t++) {
        if (!xp.thread[t].done) {
            pn_xp_fail("deadlock: everybody waits (a wake-up was lost?)");
        }
    }
    (void)setcontext(&xp.main);
}

void pn_xp_spawn(void (*run)(void *), void *arg) {
    if (xp.n == XP_THREADS) {
        pn_xp_fail("too many threads");
    }
    struct xp_thread *t = &xp.thread[xp.n++];
    char *stack = t->stack;
    memset(t, 0, sizeof *t);
    t->stack = stack != NULL ? stack : malloc(XP_STACK);
    t->run = run;
    t->arg = arg;
    (void)getcontext(&t->context);
    t->context.uc_stack.ss_sp = t->stack;
    t->context.uc_stack.ss_size = XP_STACK;
    t->context.uc_link = NULL;
    makecontext(&t->context, trampoline, 0);
}

static void begin(void) {
    xp_memory_reset();
    char *stack = xp.thread[0].stack;
    memset(&xp.thread[0], 0, sizeof xp.thread[0]);
    xp.thread[0].stack = stack;
    xp.thread[0].now.at[0] = 1;
    memset(&xp.fence_order, 0, sizeof xp.fence_order);
    memset(&xp.grace_starts, 0, sizeof xp.grace_starts);
    xp.n = 1;
    xp.current = xp.steps = xp.preemptions = xp.stale_reads = xp.depth = 0;
    xp.hash = 0xcbf29ce484222325u;
    xp.error = NULL;
}

/* Returns here a second time when the last thread ends or somebody fails. */
static void run_threads(void) {
    volatile bool back = false;
    xp.running = true;
    (void)getcontext(&xp.main);
    if (!back && xp.error == NULL) {
        back = true;
        int list[XP_THREADS];
        for (int t = 1; t < xp.n; t++) {
            xp.thread[t].now = xp.thread[0].now;
            xp.thread[t].now.at[t] = 1;
        }
        int n = list_runnable(list);
        if (n > 0) {
            xp.current = list[xp_choose(n)];
            (void)setcontext(&xp.thread[xp.current].context);
        }
    }
    xp.running = false;
}

static const char *execute(const struct pn_xp_test *test) {
    begin();
    test->setup();
    run_threads();
    if (xp.error != NULL) {
        return xp.error;
    }
    xp.current = 0;
    for (int t = 1; t < xp.n; t++) {
        xp_join(&xp.thread[0].now, &xp.thread[t].now);
    }
    volatile bool checked = false;
    (void)getcontext(&xp.main); /* the check may fail too */
    if (!checked && xp.error == NULL) {
        checked = true;
        if (test->check != NULL) {
            test->check();
        }
    }
    return xp.error != NULL || test->leaks_allowed ? xp.error : xp_leak();
}

static double seconds_now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

const char *pn_xp_search(const struct pn_xp_test *test, uint64_t seed, double seconds,
                         uint64_t max_executions, uint64_t *executions) {
    double end = seconds_now() + seconds;
    *executions = 0;
    xp.weak = true;
    do {
        xp.random = seed + *executions;
        const char *error = execute(test);
        ++*executions;
        if (error != NULL) {
            return error;
        }
    } while (*executions < max_executions && (*executions % 64 != 0 || seconds_now() < end));
    return NULL;
}

static void print_trace(void) {
    int first = xp.steps > XP_TRACE - 1 ? xp.steps - XP_TRACE + 1 : 1;
    for (int i = first; i <= xp.steps; i++) {
        const struct xp_step *s = &xp.trace[i % XP_TRACE];
        if (s->what != NULL) {
            (void)printf("  thread %d %-13s %#14lx = %#lx  %s:%d\n", s->thread, s->what,
                         (unsigned long)s->address, (unsigned long)s->value, s->site.file,
                         s->site.line);
        }
    }
}

static int search_exhaustively(const struct pn_xp_test *test, int preemptions, double seconds) {
    double start = seconds_now();
    uint64_t n = 0;
    xp.exhaustive = xp.weak = true;
    xp.max_preemptions = preemptions;
    xp.length = 0;
    do {
        n++;
        if (execute(test) != NULL) {
            (void)printf("%s: %s, after %lu executions, %d preemptions\n", test->name, xp.error,
                         (unsigned long)n, preemptions);
            print_trace();
            return 1;
        }
        if (n % 256 == 0 && seconds_now() - start > seconds) {
            (void)printf("%s: %lu executions with up to %d preemptions, not all, no error\n",
                         test->name, (unsigned long)n, preemptions);
            return 0;
        }
    } while (next_path());
    (void)printf("%s: all %lu executions with up to %d preemptions, no error (%.2f s)\n",
                 test->name, (unsigned long)n, preemptions, seconds_now() - start);
    return 0;
}

int pn_xp_main(int argc, char **argv, const struct pn_xp_test *test) {
    uint64_t seed = 1;
    uint64_t most = UINT64_MAX;
    double seconds = 1;
    int preemptions = -1;
    for (int i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "--seed") == 0) {
            seed = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--executions") == 0) {
            most = strtoull(argv[i + 1], NULL, 10);
        } else if (strcmp(argv[i], "--seconds") == 0) {
            seconds = strtod(argv[i + 1], NULL);
        } else if (strcmp(argv[i], "--exhaustive") == 0) {
            preemptions = (int)strtol(argv[i + 1], NULL, 10);
        }
    }
    if (preemptions >= 0) {
        return search_exhaustively(test, preemptions, seconds);
    }
    uint64_t n = 0;
    double start = seconds_now();
    const char *error = pn_xp_search(test, seed, seconds, most, &n);
    if (error != NULL) {
        (void)printf("%s: %s\nsee it again: %s --seed %lu --executions 1\n", test->name, error,
                     argv[0], (unsigned long)(seed + n - 1));
        print_trace();
        return 1;
    }
    double took = seconds_now() - start;
    (void)printf("%s: %lu executions from seed %lu, no error (%.0f a second)\n", test->name,
                 (unsigned long)n, (unsigned long)seed, (double)n / took);
    return 0;
}
