/* SPDX-License-Identifier: MIT
 *
 * What a run directory says: everything that results.json and report.html print, computed once.
 */
#ifndef PN_REPORTS_ANALYSIS_H
#define PN_REPORTS_ANALYSIS_H

#include <pinion/queue_report.h>

#include "rundir.h"
#include "stat.h"

enum pn_part {
    PN_PART_EFFICIENCY,
    PN_PART_SPINNING,
    PN_PART_SLEEPING,
    PN_PART_WAITING,
    PN_PART_COUNT
};

/* One x of one level. Ratios are ln(A / B); rates jobs per second; costs ns per job. */
struct pn_point {
    struct pn_estimate rate[PN_DESIGNS_MAX];
    struct pn_estimate busy[PN_DESIGNS_MAX];
    struct pn_estimate spin[PN_DESIGNS_MAX];
    struct pn_split split; /* of the round(s) with the median ratio: parts sum to it */
    struct pn_estimate part[PN_PART_COUNT]; /* medians over rounds, each at 95 % */
    size_t unlike;                          /* pairs whose jobs or checksums differ: no ratio */
};

struct pn_curve {
    const struct pn_sweep *sweep;
    size_t level;
    struct pn_point *point; /* sweep->points of them */
    struct pn_cross cross;
    bool compared; /* cross is valid: two designs, at least one pair */
};

/* Level `to` against level 0 of the same sweep. */
struct pn_shift {
    size_t to;
    struct pn_estimate factor; /* x*_to / x*_0; value NaN unless both cross */
    struct pn_estimate *delta; /* per point: change of ln(A / B), at 1 - 0.05/points */
};

struct pn_noise {
    struct pn_estimate pair; /* ln(second / first) of the A/A pair, 95 % */
    double floor;            /* |ln| below which nothing is stated; NaN without a pair */
    bool biased;             /* the interval misses 0 */
    const char *design;
};

/* A tail that differs at equal load: "ahead" is withheld. */
struct pn_tail {
    bool measured;
    bool withheld;
    double log_p99;  /* median paired ln(p99 A / p99 B) of the worst point */
    double log_rate; /* ln of the open-loop throughputs there */
};

enum pn_quantile { PN_P50, PN_P95, PN_P99, PN_P999, PN_PMAX, PN_QUANTILES };
extern const char *const pn_quantile_keys[PN_QUANTILES];  /* fields of the summary */
extern const char *const pn_quantile_names[PN_QUANTILES]; /* "p50" */

/* Latencies of one design at one point of an open-loop sweep, ns. */
struct pn_latency {
    size_t design, level, point;
    struct pn_estimate quantile[PN_QUANTILES];
    struct pn_estimate rate; /* jobs/s reached */
    double offered;          /* jobs/s asked for; NaN if unknown */
    size_t rounds;
    double samples;
    int bits;      /* of the histogram; -1: none */
    double *count; /* merged over rounds, owned */
    size_t counts;
};

struct pn_share {
    size_t design, point, level;
    struct pn_estimate share; /* of the job loop's throughput, same round */
    struct pn_estimate rate;
};

struct pn_core {
    long cpu, node;
    double jobs, busy_ns, spin_ns, sleep_ns, steals, wakes, syscalls, vol_switches, faults,
        invol_switches;
    double run_delay_ns;
};

struct pn_core_table {
    size_t design;
    size_t slots;
    double wall_ns;
    double jobs;
    struct pn_core *core;
    size_t cores;
};

struct pn_study {
    size_t index; /* among the run's sweeps */
    const struct pn_sweep *sweep;
    size_t a, b; /* designs compared; a == b where there is only one */
    const struct pn_sample **grid;
    struct pn_curve curve[PN_LEVELS_MAX];
    struct pn_shift shift[PN_LEVELS_MAX];
    size_t shifts;
    struct pn_noise noise;
    double margin;
    struct pn_tail tail;
    struct pn_latency *latency;
    size_t latencies;
    struct pn_share *share;
    size_t shares;
    double *job_ns; /* per point: busy ns per job of the job loop at this very point; NaN if not
                       measured */
    struct pn_estimate *loop; /* per point: the job loop's jobs/s; value NaN if none */
    size_t core_point;        /* the middle x */
    size_t gap_point; /* the x whose gap is worth splitting: the middle, else the widest; SIZE_MAX
                         if all tie */
    bool withheld;    /* of the whole run: tails differ, so "ahead" is not stated */
    struct pn_core_table core[PN_DESIGNS_MAX];
    size_t core_tables;
    const char *spin_reason; /* why a spin is null, or NULL */
};

struct pn_analysis {
    const struct pn_rundir *run;
    const struct pn_queue_report *queues;       /* NULL: the directory holds no queues.jsonl */
    const struct pn_peer_targets *peer_targets; /* NULL: none judged */
    struct pn_study study[PN_SWEEPS_MAX];
    size_t studies;
    struct pn_noise noise; /* the largest floor of all sweeps */
    struct pn_tail tail;
    size_t voided, failed, unsteady, unlike;
    bool noisy;
};

/* 0, -ENOMEM. Free with pn_analysis_free also after a failure. run must outlive it. */
int pn_analysis_make(const struct pn_rundir *run, struct pn_analysis *out);
void pn_analysis_free(struct pn_analysis *analysis);

/* The first finished slot at these coordinates, void ones included; NULL if none. */
const struct pn_sample *pn_study_slot(const struct pn_study *study, size_t design, size_t level,
                                      size_t point, size_t round);
/* The first study of this kind with something in it, or NULL. */
const struct pn_study *pn_analysis_first(const struct pn_analysis *analysis,
                                         enum pn_sweep_kind kind);
/* Value of `get` over the good slots of one design, level and point. */
struct pn_estimate pn_study_median(const struct pn_study *study, size_t design, size_t level,
                                   size_t point, double (*get)(const struct pn_sample *));
/* A level for people: "mem = local", or "" for the nameless one; written into room. */
const char *pn_level_name(const struct pn_sweep *sweep, size_t level, char *room, size_t size);

/* The crossover that these paired ratios make: ln(A / B), [point * rounds + round]. 0, -ENOMEM. */
int pn_study_cross(const struct pn_rundir *run, const struct pn_study *study, const double *ratios,
                   struct pn_cross *cross);
int pn_study_latency(const struct pn_rundir *run, struct pn_study *study);
int pn_study_ceiling(const struct pn_rundir *run, struct pn_study *study);
int pn_study_job(const struct pn_rundir *run, struct pn_study *study);
int pn_study_cores(struct pn_study *study);
struct pn_noise pn_study_noise(const struct pn_rundir *run, const struct pn_study *study);

/* Lowest value of histogram bucket `index` and its width, `bits` sub-bucket bits: values below
 * 2^(bits+1) are their own bucket, above that 2^bits buckets per octave. */
double pn_bucket_low(size_t index, int bits);
double pn_bucket_width(size_t index, int bits);
/* Nearest-rank quantile of merged counts, the middle of its bucket; NaN if empty. */
double pn_latency_at(const struct pn_latency *latency, double q);

#endif
