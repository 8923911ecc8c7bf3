/* SPDX-License-Identifier: MIT
 *
 * The benchmark of queues: every queue in every workload once per round, workloads in random order
 * and in each its queues in random order, each in a fresh process of a slot program
 * (bench/peers/queues/). Writes a run directory: manifest.json, and queues.jsonl with a line per
 * slot and a line per queue that could not be measured.
 */
#ifndef PINION_QUEUE_ROUNDS_H
#define PINION_QUEUE_ROUNDS_H

#include <pinion/campaign.h>

/* After each slot. */
struct pn_queue_progress {
    unsigned round, rounds;       /* from 1 on */
    unsigned slot, slots;         /* of all rounds; from 1 on */
    const json_t *line;           /* as it was written; borrowed */
    uint64_t elapsed_ns, left_ns; /* by the slots so far */
};

struct pn_queue_rounds_options {
    const char *programs;  /* directory that holds pinion-queues-* */
    bool peers;            /* also other libraries' queues and the baselines */
    const char *only;      /* "segq,rte_ring_*,ring@1p1c_*": shell patterns; NULL = all */
    const char *workloads; /* the same of workloads */
    unsigned rounds;
    unsigned slot_ms;     /* the measured window of a slot */
    uint64_t deadline_ns; /* per slot; 0 = 20 s and four windows */
    uint64_t seed;
    const char *directory; /* new or empty; NULL: only to list */
    json_t *manifest;      /* what the caller knows: merged in; borrowed */
    bool (*interrupted)(void);
    void (*progress)(void *context, const struct pn_queue_progress *progress);
    void *context;
};

struct pn_queue_rounds_sum {
    unsigned slots, failed, rounds; /* rounds: whole ones */
    unsigned missing;               /* queues that were not measured */
};

/**
 * \param err  one line unless COMPLETE
 * \return COMPLETE also where slots failed: each says so in its line
 */
enum pn_campaign_end pn_queue_rounds_run(const struct pn_queue_rounds_options *options,
                                         struct pn_queue_rounds_sum *sum, struct pn_error *err);

/**
 * The queues that the options choose: an array of {"queue", "library", "version", "workloads"} and
 * {"queue", "status": "not measured", "reason"}.
 * \param list  receives it, owned by the caller
 * \return COMPLETE; BAD_INPUT: a pattern matches nothing; NO_ACCESS: our own slot program is not
 * there
 */
enum pn_campaign_end pn_queue_rounds_list(const struct pn_queue_rounds_options *options,
                                          json_t **list, struct pn_error *err);

#endif
