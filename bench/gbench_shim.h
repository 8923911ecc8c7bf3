/* SPDX-License-Identifier: MIT
 *
 * Google Benchmark from C: a table of cases goes in, rows as C structs and the library's own JSON
 * come out. The one C++ file of the project is behind this header; it neither prints nor opens
 * files, and no exception leaves it.
 *
 * A case is a function that makes its things ready, calls pn_bench_begin, runs exactly as many
 * iterations as it says, calls pn_bench_end, and then checks that the work was really done.
 * With several threads each of them calls the function; begin and end are barriers, so what thread
 * 0 hangs on pn_bench_shared before begin is seen by all after it, and may be freed after end.
 *
 * Why begin/end and not the library's keep-running call: called per iteration from C it adds 1.5
 * to 1.9 ns to an operation that takes 2.
 */
#ifndef PN_BENCH_GBENCH_SHIM_H
#define PN_BENCH_GBENCH_SHIM_H

#ifdef __cplusplus
extern "C" {
#endif

#include <pinion/micro.h>

struct pn_bench_state;

struct pn_bench_case {
    const char *name; /* "<area>/<op>/<key>=<value>..."; the library adds "/threads:<n>" */
    void (*run)(struct pn_bench_state *state, const struct pn_bench_case *self);
    int threads;   /* 1 .. */
    int64_t value; /* the case's own parameters */
    int64_t value2;
};

struct pn_bench_options {
    double min_time_s; /* per case and repetition */
    int repetitions;   /* 1 .. */
    bool interleave;   /* repetitions of all cases in random order */
    const struct pn_os_cpu *cpus;
    size_t n_cpus;
    const char *const *context; /* [2 * n_context] key, value: into the JSON's "context" */
    size_t n_context;
    pn_bench_row_fn *on_row;
    void *user;
};

/**
 * Run the cases in order; see pn_micro_run.
 * \return number of cases run; -ENOMEM; -EINVAL options; -EIO the library threw
 */
int pn_bench_run(const struct pn_bench_case *const *cases, size_t n,
                 const struct pn_bench_options *options, char **json);

/* Inside a case. */

/* Wait for all threads and start the clock. \return iterations to run; 0 = go on to end. */
uint64_t pn_bench_begin(struct pn_bench_state *state);
void pn_bench_end(struct pn_bench_state *state);
int pn_bench_thread(const struct pn_bench_state *state);
/* A pointer shared by the threads of one run. Thread 0 sets it before begin and clears it after
 * end; NULL after begin means that it could not. */
void **pn_bench_shared(struct pn_bench_state *state);
/* Pin to the CPU of this thread's turn until the case returns. \return 0; -errno. */
int pn_bench_pin(struct pn_bench_state *state);
/* Thread 0 only, after end. A plain number in the row. */
void pn_bench_set_counter(struct pn_bench_state *state, const char *name, double value);
/* The result is wrong: the row gets this text and the run counts as failed. */
void pn_bench_fail(struct pn_bench_state *state, const char *text);
/* It cannot run here (before begin, which then answers 0 on this thread). In a case of one thread
 * only: the others of several would wait. Cases with more threads than CPUs are skipped already. */
void pn_bench_skip(struct pn_bench_state *state, const char *text);

/* Keep a value or the memory behind a pointer from being optimised away. */
static inline void pn_bench_keep(const void *p) {
    __asm__ __volatile__("" : : "g"(p) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif
