/* SPDX-License-Identifier: MIT
 *
 * The workload's parameters, schema 1: key=value, the same for every runtime.
 */
#ifndef PINION_PARAMS_H
#define PINION_PARAMS_H

#include <pinion/placement.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pn_producers_as { PN_PRODUCERS_TASK, PN_PRODUCERS_THREAD };
enum pn_arrival { PN_ARRIVAL_FIXED, PN_ARRIVAL_POISSON };
enum pn_supervise { PN_SUPERVISE_TREE, PN_SUPERVISE_LOOP };
enum pn_collector { PN_COLLECTOR_SHARDED, PN_COLLECTOR_SHARED };
enum pn_pattern { PN_PATTERN_NONE, PN_PATTERN_PINGPONG, PN_PATTERN_BIG };
enum pn_fail_kind {
    PN_FAIL_ONE,
    PN_FAIL_NODE,
    PN_FAIL_ALL,
    PN_FAIL_INIT,
    PN_FAIL_SUPERVISOR,
    PN_FAIL_HANG
};

struct pn_params {
    uint64_t seed; /* as given; the low 32 bits are used */
    uint64_t producers, workers, queue;
    uint64_t drop;
    uint64_t jobs, warm;
    uint64_t rate; /* jobs/s; 0 = closed loop */
    uint64_t wlo, whi;
    uint64_t payload;             /* bytes */
    uint64_t sleep_ppm, slo, shi; /* microseconds */
    uint64_t crash_ppm;
    uint64_t block_ppm, block_us;
    uint64_t greedy_ppm, greedy_units;
    uint64_t producers_as; /* enum pn_producers_as */
    uint64_t restarts_max, restarts_period_ms;
    uint64_t supervise;             /* enum pn_supervise */
    uint64_t fail_at_ms, fail_kind; /* of the measured round, 0 = none; enum pn_fail_kind */
    uint64_t band_pct, band_windows;
    uint64_t alloc; /* bytes */
    uint64_t batch;
    uint64_t arrival; /* enum pn_arrival */
    uint64_t mem;     /* enum pn_mem_policy */
    uint64_t cores;   /* 0 = all */
    uint64_t log;
    uint64_t queue_bytes; /* of payloads that wait at most; 0 = no such bound */
    uint64_t collector;   /* enum pn_collector */
    uint64_t pattern;     /* enum pn_pattern: chains of messages in place of producers */
};

void pn_params_init(struct pn_params *params);

/**
 * Take one "key=value" in.
 * \return 0; -EINVAL and one line in *err
 */
int pn_params_set(struct pn_params *params, const char *assignment, struct pn_error *err);

/** What only holds between parameters. After the last pn_params_set. \return 0; -EINVAL */
int pn_params_check(const struct pn_params *params, struct pn_error *err);

/** True if this is a parameter's key. */
bool pn_params_known(const char *key);

/** How a value of a parameter that has words is written: "fail_kind", PN_FAIL_ALL -> "all". */
const char *pn_params_word(const char *key, uint64_t value);

/** "key=value" of the i-th parameter; false after the last. */
bool pn_params_get(const struct pn_params *params, unsigned i, char *text, size_t cap);

/** Jobs that may wait: `queue`, or fewer where their payloads would exceed `queue_bytes`; 1 at
 * least. */
uint64_t pn_params_bound(const struct pn_params *params);

/** Jobs that producer p makes. */
uint64_t pn_params_jobs_of(const struct pn_params *params, uint64_t jobs, uint64_t p);

#endif
