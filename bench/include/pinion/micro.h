/* SPDX-License-Identifier: MIT
 *
 * Microbenchmarks: single operations of the runtime, timed by Google Benchmark. What a whole job
 * costs, and which design is ahead, is not answered here but by the slot runner: microbenchmarks
 * share one process, run in blocks and know neither pairing nor gates.
 */
#ifndef PINION_MICRO_H
#define PINION_MICRO_H

#include <pinion/topology.h>

struct pn_bench_counter {
    const char *name;
    double value;
};

/* One repetition of one case, or an aggregate over its repetitions. Strings live as long as the
 * callback runs. */
struct pn_bench_row {
    const char *name;      /* "<area>/<op>/<key>=<value>/threads:<n>" */
    const char *aggregate; /* "" for a repetition, else "mean", "median", "stddev", "cv" */
    const char *error;     /* NULL; else why the row has no figures */
    bool skipped;          /* with error: it could not run here, nothing is wrong */
    bool is_ratio;         /* the figures are parts of one, not times (cv) */
    int64_t iterations, repetition, threads;
    double real_ns, cpu_ns; /* the library's per-iteration times */
    double ns_per_op;       /* wall time of thread 0 per iteration of its own */
    const struct pn_bench_counter *counters;
    size_t n_counters;
};

typedef void pn_bench_row_fn(const struct pn_bench_row *row, void *user);

struct pn_micro_options {
    const char *filter; /* POSIX extended regular expression on names; NULL = all */
    bool quick;         /* about 10 s for everything, one repetition: for a survey, not to quote */
    int repetitions;    /* 0 = 1 if quick, else 3 */
    double min_time_s;  /* per case and repetition; 0 = 0.02 if quick, else 0.2 */
    const struct pn_os_cpu *cpus; /* [n_cpus] thread i is pinned to cpus[i]; borrowed */
    size_t n_cpus;
    pn_bench_row_fn *on_row; /* may be NULL; called on the calling thread */
    void *user;
};

/**
 * Run the cases whose name matches.
 *
 * \param json  receives Google Benchmark's JSON document, free(); may be NULL
 * \param err   one line if the result is negative; may be NULL
 * \return number of cases run; -EINVAL bad filter or options; -ENOENT nothing matches; -ENOMEM;
 * -EIO \threads one call at a time in a process; starts and joins its own threads
 */
int pn_micro_run(const struct pn_micro_options *options, char **json, struct pn_error *err);

/** Names of all cases, one after another, without "/threads:<n>". NULL after the last. */
const char *pn_micro_name(size_t i);

/** "release" or "debug": how the benchmark library says it was built. Debian's says debug: it has
 * assertions. The timing loop is ours. */
const char *pn_bench_library_build(void);

/** How this library was built, e.g. "release, gcc 12.2.0, check level 0". */
const char *pn_bench_own_build(void);

#endif
