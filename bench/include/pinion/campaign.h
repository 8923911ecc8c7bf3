/* SPDX-License-Identifier: MIT
 *
 * A campaign: sweeps measured slot by slot into a run directory, which is the product. The manifest
 * is written first, the plan second, then a line per finished slot, synced; so a campaign that is
 * killed anywhere goes on where it stopped.
 *
 * Rounds are outermost: an interrupted campaign has balanced data, and slow drift hits every x
 * alike.
 */
#ifndef PINION_CAMPAIGN_H
#define PINION_CAMPAIGN_H

#include <jansson.h>
#include <pinion/plan.h>
#include <pinion/slot.h>
#include <pinion/sweep.h>

struct pn_progress {
    unsigned slot, slots; /* of all planned */
    unsigned round, rounds;
    const char *sweep, *x_key, *x, *level, *design;
    double jobs_per_s; /* of the last slot; 0 if it failed */
    unsigned voided, failed;
    uint64_t elapsed_ns, left_ns; /* by the slots so far */
    bool round_ends;
};

struct pn_campaign_options {
    const char *directory;
    const char *program; /* absolute path of the command that has `run` */
    const struct pn_topology *topology;
    const struct pn_plan *plan;
    const char *cpus, *housekeeping; /* handed to each child; may be NULL */
    const char *workload;            /* the same: a shared library, by its absolute path */
    unsigned cores;                  /* schedulers at most, 0 = all of the plan */
    struct pn_sweep_plan *sweeps;    /* [n_sweeps]; jobs are filled in */
    unsigned n_sweeps;
    uint64_t seed;
    double slot_s;              /* the fastest slot of an x lasts at least so long */
    uint64_t malloc_thresholds; /* of every child alike; 0 = glibc's own */
    uint64_t budget_ns;         /* 0 = none; no round begins that would not fit */
    bool resume;
    json_t *manifest; /* what the caller knows: merged in; borrowed */
    bool (*interrupted)(void);
    void (*progress)(void *context, const struct pn_progress *progress);
    void *context;
};

enum pn_campaign_end {
    PN_CAMPAIGN_COMPLETE,
    PN_CAMPAIGN_NOISY,       /* more than a quarter of the slots is void */
    PN_CAMPAIGN_INTERRUPTED, /* saved; resume goes on */
    PN_CAMPAIGN_BAD_INPUT,   /* directory, resume file: *err */
    PN_CAMPAIGN_NO_ACCESS,   /* directory not writable at the start: *err */
    PN_CAMPAIGN_FAILED       /* everything later, a full disk included: *err */
};

struct pn_campaign_sum {
    unsigned slots, voided, failed, rounds;
};

/**
 * \param err  receives one line unless COMPLETE or NOISY; a notice may be left in it then
 * \threads one campaign at a time in a directory
 */
enum pn_campaign_end pn_campaign_run(const struct pn_campaign_options *options,
                                     struct pn_campaign_sum *sum, struct pn_error *err);

/** Number of slots of one round, all sweeps; for a plan that is only shown. */
unsigned pn_campaign_slots_per_round(const struct pn_sweep_plan *sweeps, unsigned n);

#endif
