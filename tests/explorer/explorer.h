/* SPDX-License-Identifier: MIT
 *
 * The schedule explorer: runs a small concurrent test over and over, each time under another
 * schedule and with other stores seen by its loads, as far as C11 allows, and checks what it does
 * to memory.
 *
 * A test gives a set-up that makes its objects and names its threads, and a check of the end.
 * Threads are coroutines; they switch at atomic accesses only. Files under test are compiled with
 * PN_EXPLORE and with -fsanitize=thread, whose calls on plain accesses end in explorer_plain.c.
 */
#ifndef PN_EXPLORER_H
#define PN_EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PN_XP_THREADS = 6, PN_XP_REACHED = 4 }; /* thread 0 is the set-up and the check */

struct pn_xp_test {
    const char *name;
    void (*setup)(void); /* once per execution; calls pn_xp_spawn */
    void (*check)(void); /* after all threads ended; may free; NULL = nothing */
    bool leaks_allowed;  /* blocks of pn_xp_alloc that were not freed are no error */
    /* What some execution of a search must reach: pn_xp_reached(i). A search of 5,000 that never
     * does is a failure: the test has become too tame. */
    const char *must_reach[PN_XP_REACHED];
};

/** The program's main; its options are in README.md. */
int pn_xp_main(int argc, char **argv, const struct pn_xp_test *test);

/** Run within limits, print nothing. \return NULL, or what went wrong; *executions is set */
const char *pn_xp_search(const struct pn_xp_test *test, uint64_t seed, double seconds,
                         uint64_t max_executions, uint64_t *executions);

void pn_xp_spawn(void (*run)(void *), void *arg);

/** The running execution is wrong: report and end it. */
_Noreturn void pn_xp_fail(const char *what);
#define pn_xp_require(condition)                                                                   \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            pn_xp_fail(#condition);                                                                \
        }                                                                                          \
    } while (0)

/** Count that this execution reached must_reach[i]. */
void pn_xp_reached(unsigned i);

/* Memory that is watched: use after free, free not ordered after a use, double free, leak. */
void *pn_xp_alloc(size_t bytes);
void pn_xp_free(void *block);

/** A thread-local word of the code under test: each spawned thread has its own, 0 at first. Called
 * once per program. */
void pn_xp_thread_local(uint64_t *word);

/** One of n, decided by the search like everything else. */
int pn_xp_choose(int n);

/** Where the running thread stands: a happens-before b if b's thread had synchronised with it. */
struct pn_xp_moment {
    uint32_t clock[PN_XP_THREADS];
    int thread;
    uint64_t order; /* among all moments of the execution */
};
void pn_xp_now(struct pn_xp_moment *out);
bool pn_xp_happens_before(const struct pn_xp_moment *a, const struct pn_xp_moment *b);
/** Whether loads of this execution may see old stores. */
bool pn_xp_weak(void);

/** A replay is being told step by step: a check may print what it looked at. */
bool pn_xp_telling(void);

/** The model's time: a little per step, and what waits that ran out have waited for. */
uint64_t pn_xp_time_ns(void);

/** Hash of the last execution's steps: the same decisions give the same. */
uint64_t pn_xp_trace_hash(void);

#endif
