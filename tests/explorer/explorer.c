/* SPDX-License-Identifier: MIT
 *
 * One execution: coroutines, who may run, failures. Which of those that may run does is decided in
 * explorer_choice.c.
 *
 * A coroutine is entered once with ucontext and from then on with _setjmp and _longjmp: swapcontext
 * saves the signal mask, and those two system calls were half of the time of an execution.
 */
#include "explorer_parts.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

struct xp xp;

static ucontext_t maker;
static int making;
static uint64_t reached[PN_XP_REACHED];

void xp_print_step(const struct xp_step *s) {
    char name[160];
    (void)printf("  thread %d %-13s %#14lx = %#-10lx %s\n", s->thread, s->what,
                 (unsigned long)s->address, (unsigned long)s->value,
                 xp_site_name(s->site, name, sizeof name));
}

/* Where the linker put the program. */
extern const char __executable_start[];

void xp_print_trace(void) {
    int first = xp.steps > XP_TRACE - 1 ? xp.steps - XP_TRACE + 1 : 1;
    for (int i = first; i <= xp.steps; i++) {
        if (xp.trace[i % XP_TRACE].what != NULL) {
            xp_print_step(&xp.trace[i % XP_TRACE]);
        }
    }
    if (xp.error != NULL && strstr(xp.error, "plain") != NULL) {
        (void)printf("  thread %d plain access, addr2line -e PROGRAM %#lx\n", xp.current,
                     (unsigned long)(xp.pc - 1 - (uintptr_t)__executable_start));
    }
}

void xp_step(const char *what, uintptr_t address, uint64_t value, struct pn_xp_site *site) {
    struct xp_step *step = &xp.trace[xp.steps % XP_TRACE];
    *step = (struct xp_step){xp.current, what, address, value, site};
    site->reached = true;
    xp.hash = (xp.hash ^ ((uint64_t)xp.current << 32 | (uint64_t)site->line)) * 0x100000001b3u;
    if (xp.tell) {
        xp_print_step(step);
    }
}

uint64_t pn_xp_trace_hash(void) {
    return xp.hash;
}

bool pn_xp_weak(void) {
    return xp.weak;
}

bool pn_xp_telling(void) {
    return xp.tell;
}

void pn_xp_reached(unsigned i) {
    reached[i]++;
}

uint64_t xp_times_reached(unsigned i);
uint64_t xp_times_reached(unsigned i) {
    return reached[i];
}

void pn_xp_fail(const char *what) {
    if (xp.error == NULL) {
        xp.error = what;
    }
    xp.running = false;
    if (!xp.active) {
        (void)fprintf(stderr, "explorer: %s, outside an execution\n", what);
        abort();
    }
    _longjmp(xp.main, 1); /* the execution is given up where it stands */
}

static bool can_run(int t) {
    return !xp.thread[t].done && !xp.thread[t].blocked;
}

/* The sleeper whose time-out is next is let go, and it is that late. */
static bool wake_by_time(void) {
    int next = 0;
    for (int t = 1; t < xp.n; t++) {
        const struct xp_thread *thread = &xp.thread[t];
        bool sleeps = thread->blocked && thread->timed && thread->waits_on != 0;
        if (sleeps && (next == 0 || thread->deadline < xp.thread[next].deadline)) {
            next = t;
        }
    }
    if (next != 0) {
        uint64_t now = pn_xp_time_ns();
        uint64_t then = xp.thread[next].deadline;
        xp.waited_ns += then > now ? then - now : 0;
        xp.thread[next].blocked = false;
    }
    return next != 0;
}

/* Everybody who can run and is not waiting in a loop for somebody else; if all are, all. The
 * current thread comes first, so that decision 0 is the one without a switch. */
static int list_runnable(int *list) {
    int n = 0;
    int relaxing = 0;
    struct xp_thread *me = &xp.thread[xp.current];
    if (xp.current != 0 && can_run(xp.current) && !me->relaxing) {
        list[n++] = xp.current;
    }
    for (int t = 1; t < xp.n; t++) {
        if (t == xp.current && n > 0) {
            continue;
        }
        if (can_run(t)) {
            relaxing += xp.thread[t].relaxing;
            if (!xp.thread[t].relaxing) {
                list[n++] = t;
            }
        }
    }
    if (n == 0 && relaxing > 0) {
        (void)wake_by_time(); /* while they wait in their loops time passes */
    }
    for (int t = 1; n == 0 && relaxing > 0 && t < xp.n; t++) {
        xp.thread[t].relaxing = xp.thread[t].relaxing && !can_run(t);
    }
    if (n == 0) {
        for (int t = 1; t < xp.n; t++) {
            if (can_run(t)) {
                list[n++] = t;
            }
        }
    }
    return n;
}

/* The words that are thread-local in the code under test, as `from` leaves and `to` finds them. */
static void carry_locals(int from, int to) {
    for (int i = 0; i < xp.n_locals; i++) {
        xp.thread[from].locals[i] = *xp.local[i];
        *xp.local[i] = xp.thread[to].locals[i];
    }
}

void pn_xp_thread_local(uint64_t *word) {
    for (int i = 0; i < xp.n_locals; i++) {
        if (xp.local[i] == word) {
            return;
        }
    }
    if (xp.n_locals == XP_LOCALS) {
        pn_xp_fail("too many thread-local words");
    }
    xp.local[xp.n_locals++] = word;
}

static _Noreturn void go(int t) {
    struct xp_thread *to = &xp.thread[t];
    carry_locals(xp.current, t);
    xp.current = t;
    if (to->started) {
        _longjmp(to->context, 1);
    }
    to->started = true;
    _longjmp(to->home, 1);
}

static void run_thread(int t) {
    if (t != xp.current && _setjmp(xp.thread[xp.current].context) == 0) {
        go(t);
    }
}

static void count_step(void) {
    enum { RELAX_MOST = 256 };
    if (++xp.steps > XP_STEPS_MAX) {
        pn_xp_fail("livelock: no end after 20000 steps");
    }
    xp.trace[xp.steps % XP_TRACE].what = NULL;
    /* Who waits in a loop gets its turn even beside somebody who works for ever. */
    for (int t = 1; xp.steps % RELAX_MOST == 0 && t < xp.n; t++) {
        xp.thread[t].relaxing = false;
    }
}

void xp_switch_point(void) {
    if (xp.current == 0) {
        return;
    }
    count_step();
    int list[XP_THREADS];
    int n = list_runnable(list);
    int next = list[xp_next(list, n, list[0] == xp.current)];
    xp.preemptions += next != xp.current;
    run_thread(next);
}

void pn_xp_relax(void) {
    if (xp.current == 0) {
        return;
    }
    count_step();
    struct xp_thread *me = &xp.thread[xp.current];
    me->relaxing = true;
    int list[XP_THREADS];
    int n = list_runnable(list);
    run_thread(list[xp_next(list, n, false)]);
    me->relaxing = false;
    /* Stores become visible in finite time: after a pause a loop sees the newest. */
    me->fresh = 4;
}

/* Somebody else, after the current thread blocked or ended; nobody: *n is 0. */
static int somebody_else(int *n) {
    int list[XP_THREADS];
    *n = list_runnable(list);
    if (*n == 0 && wake_by_time()) {
        *n = list_runnable(list);
    }
    return *n == 0 ? 0 : list[xp_next(list, *n, false)];
}

void xp_block_current(void) {
    xp.thread[xp.current].blocked = true;
    int n = 0;
    int next = somebody_else(&n);
    if (n == 0) {
        pn_xp_fail("deadlock: everybody waits (a wake-up was lost?)");
    }
    run_thread(next);
}

static _Noreturn void end_thread(void) {
    struct xp_thread *me = &xp.thread[xp.current];
    me->done = true;
    me->registered = me->online = false;
    for (int t = 1; t < xp.n; t++) {
        struct xp_thread *other = &xp.thread[t];
        other->blocked = other->blocked && !other->in_synchronize && other->joins != xp.current;
    }
    int n = 0;
    int next = somebody_else(&n);
    if (n > 0) {
        go(next);
    }
    for (int t = 1; t < xp.n; t++) {
        if (!xp.thread[t].done) {
            pn_xp_fail("deadlock: everybody waits (a wake-up was lost?)");
        }
    }
    _longjmp(xp.main, 1);
}

/* Each execution begins here anew: what the last one left on the stack is overwritten. */
static void coroutine(void) {
    if (_setjmp(xp.thread[making].home) == 0) {
        (void)setcontext(&maker);
    }
    xp.thread[xp.current].run(xp.thread[xp.current].arg);
    end_thread();
}

static void make_coroutine(int t) {
    struct xp_thread *thread = &xp.thread[t];
    static ucontext_t made; /* used up before the next one */
    thread->stack = malloc(XP_STACK);
    making = t;
    (void)getcontext(&made);
    made.uc_stack.ss_sp = thread->stack;
    made.uc_stack.ss_size = XP_STACK;
    made.uc_link = NULL;
    makecontext(&made, coroutine, 0);
    (void)swapcontext(&maker, &made);
    thread->made = true;
}

void pn_xp_spawn(void (*run)(void *), void *arg) {
    if (xp.n == XP_THREADS) {
        pn_xp_fail("too many threads");
    }
    int id = xp.n++;
    struct xp_thread *t = &xp.thread[id];
    if (!t->made) {
        make_coroutine(id);
    }
    memset(&t->started, 0, sizeof *t - offsetof(struct xp_thread, started));
    t->run = run;
    t->arg = arg;
    t->now = xp.thread[xp.current].now;
    t->now.at[id] = 1;
    xp.thread[xp.current].now.at[xp.current]++;
}

/* pthread_create and pthread_join of files under test (renamed by the compiler's command line). */
int pn_xp_thread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
                        void *arg);
int pn_xp_thread_join(pthread_t thread, void **result);

int pn_xp_thread_create(pthread_t *out, const pthread_attr_t *attr, void *(*run)(void *),
                        void *arg) {
    (void)attr;
    *out = (pthread_t)xp.n;
    /* Its result is not kept; a caller that ignores a result is what the platform's ABIs allow. */
    pn_xp_spawn((void (*)(void *))(void (*)(void))run, arg);
    return 0;
}

int pn_xp_thread_join(pthread_t thread, void **result) {
    xp_switch_point();
    struct xp_thread *me = &xp.thread[xp.current];
    int t = (int)thread;
    me->joins = t;
    while (xp.current != 0 && !xp.thread[t].done) {
        xp_block_current();
    }
    me->joins = 0;
    xp_join(&me->now, &xp.thread[t].now);
    if (result != NULL) {
        *result = NULL;
    }
    return 0;
}

static void begin(void) {
    xp_memory_reset();
    struct xp_thread *zero = &xp.thread[0];
    memset(&zero->started, 0, sizeof *zero - offsetof(struct xp_thread, started));
    zero->now.at[0] = 1;
    memset(&xp.fence_order, 0, sizeof xp.fence_order);
    memset(&xp.grace_starts, 0, sizeof xp.grace_starts);
    xp.n = 1;
    xp.current = xp.steps = xp.preemptions = xp.stale_reads = xp.plain_accesses = 0;
    xp.waited_ns = 0;
    xp_reset_choices();
    xp.hash = 0xcbf29ce484222325u;
    xp.error = NULL;
    xp.running = false;
}

static void crashed(int signal_number) {
    pn_xp_fail(signal_number == SIGABRT ? "abort: an assertion of the code under test failed"
                                        : "crash: access to an address that is none");
}

/* On a stack of its own: the crash may be an overflow of a coroutine's. */
static void catch_crashes(void) {
    static bool caught;
    if (caught) {
        return;
    }
    caught = true;
    stack_t stack = {.ss_sp = malloc(XP_STACK), .ss_size = XP_STACK};
    (void)sigaltstack(&stack, NULL);
    struct sigaction action = {.sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER};
    (void)sigaction(SIGSEGV, &action, NULL);
    (void)sigaction(SIGBUS, &action, NULL);
    (void)sigaction(SIGFPE, &action, NULL);
    (void)sigaction(SIGABRT, &action, NULL);
}

static void start(void) {
    int list[XP_THREADS];
    for (int t = 1; t < xp.n; t++) {
        xp_join(&xp.thread[t].now, &xp.thread[0].now); /* the set-up comes before all of them */
    }
    int n = list_runnable(list);
    if (n > 0) {
        xp.running = true;
        go(list[xp_next(list, n, false)]);
    }
}

const char *xp_execute(const struct pn_xp_test *test) {
    catch_crashes();
    begin();
    xp.active = true;
    /* Comes back when the last thread ends or somebody fails. */
    if (_setjmp(xp.main) == 0) {
        test->setup();
        start();
    }
    carry_locals(xp.current, 0);
    xp.current = 0;
    xp.running = false;
    for (int t = 1; t < xp.n; t++) {
        xp_join(&xp.thread[0].now, &xp.thread[t].now);
    }
    if (xp.error == NULL && _setjmp(xp.main) == 0 && test->check != NULL) {
        test->check(); /* may fail too */
    }
    xp.active = false;
    const char *leak = xp_leak();
    return xp.error != NULL || test->leaks_allowed ? xp.error : (xp.error = leak);
}
