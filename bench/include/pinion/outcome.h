/* SPDX-License-Identifier: MIT
 *
 * One run of one design, and everything that is reported of it.
 */
#ifndef PINION_OUTCOME_H
#define PINION_OUTCOME_H

#include <pinion/histogram.h>
#include <pinion/params.h>
#include <pinion/plan.h>
#include <pinion/properties.h>
#include <pinion/runtime.h>
#include <stdio.h>

enum { PN_OUTCOME_DEGRADED_MAX = 8 };

/* A figure that does not apply is UINT64_MAX (written as null). */
#define PN_NONE UINT64_MAX

struct pn_outcome {
    uint64_t jobs, done, lost, collateral, dropped, restarts, queue_full, checksum;
    uint64_t wall_ns, cpu_ns, spin_ns, half1_ns, half2_ns;
    const char *bound, *queue_kind, *payload_mode; /* static */
    struct pn_properties properties;
    uint64_t yields, collections, queue_locks; /* what some of them did */
    uint64_t queue_effective, shards, turn;
    uint64_t collected; /* jobs that collector=shared counted */
    uint64_t segments_retired, segments_recycled;
    uint64_t worker_min_jobs, worker_max_jobs, longest_gap_ns;
    struct pn_histogram latency, short_latency;
    uint64_t sleep_mean_ns, rss_kb, hwm_kb;
    /* The injected failure: until the last victim was missed, from there until the last successor
     * was up; until throughput was back in the band. */
    uint64_t victims, detect_ns, restart_ns, recovery_ns, baseline_per_s, rss_recovered_kb;
    const char *failure_reason; /* why some of these are not known; NULL. Static */
    unsigned n_cores;
    struct pn_core_usage *cores;                     /* [n_cores] over the measured round; owned */
    uint64_t *core_jobs;                             /* [n_cores] owned */
    uint64_t reclaimer_switches, collector_switches; /* of the helper threads, voluntary */
    bool pinned, membind;
    bool moved; /* a scheduler's mask changed after it was pinned: void */
    struct pn_audit audit;
    char degraded[PN_OUTCOME_DEGRADED_MAX][160];
    unsigned n_degraded;
    bool failed; /* restart intensity exceeded: the round did not finish */
    bool interrupted;
};

struct pn_run_options {
    const char *design;
    const struct pn_params *params;
    const struct pn_topology *topology;
    const struct pn_plan *plan;
    enum pn_idle idle;
    const char
        *workload; /* a shared library (pinion/workload.h) in place of the workload's jobs; NULL */
    FILE *events;  /* JSON lines while and after the round; NULL = none. Borrowed */
    bool stdin_go; /* say "ready" on `summary_to` after the warm-up and wait for a line on stdin */
    FILE *summary_to; /* where "ready" goes; borrowed */
    /** Asked ten times a second: true ends the run early. May be NULL. */
    bool (*interrupted)(void);
};

/**
 * Run a design: warm-up round, measured round. A run that ends early (failed, interrupted) gives
 * the arenas back whole; under mem=malloc the jobs that were still queued stay allocated.
 *
 * \return 0; -EINVAL no such design; -ENOMEM; -EAGAIN no thread
 */
int pn_run(const struct pn_run_options *options, struct pn_outcome *out, struct pn_error *err);
void pn_outcome_fini(struct pn_outcome *outcome);

/** The summary event, one JSON line. */
void pn_outcome_print(const struct pn_outcome *outcome, const struct pn_run_options *options,
                      uint64_t t_ns, FILE *to);

/** True if `pn_run` knows it ("loop" included). */
bool pn_design_known(const char *name);

#endif
