/* SPDX-License-Identifier: MIT
 *
 * The schedule explorer: runs a small concurrent test over and over, each time under another
 * schedule and with other stores seen by its loads, as far as C11 allows, and checks what it does
 * to memory.
 *
 * A test gives a set-up that makes its objects and names its threads, and a check of the end.
 * Threads are coroutines; they switch at atomic accesses only. Files under test are compiled with
 * PN_EXPLORE and with -fsanitize=thread, whose calls on plain accesses end in explorer_hooks.c.
 */
#ifndef PN_EXPLORER_H
#define PN_EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pn_xp_test {
    const char *name;
    void (*setup)(void); /* once per execution; calls pn_xp_spawn */
    void (*check)(void); /* after all threads ended; may free; NULL = nothing */
    bool leaks_allowed;  /* blocks of pn_xp_alloc that were not freed are no error */
};

/** The program's main: [--seed N] [--seconds S] [--exhaustive PREEMPTIONS] [--sc]; see README.md.
 */
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

/* Memory that is watched: use after free, free not ordered after a use, double free, leak. */
void *pn_xp_alloc(size_t bytes);
void pn_xp_free(void *block);

/* Hash of the last execution's steps: the same seed gives the same. */
uint64_t pn_xp_trace_hash(void);

#endif
