/* SPDX-License-Identifier: MIT
 *
 * A design: how jobs get from producers to workers. Everything else (schedulers, job steps,
 * producers, clocks, arenas, results) is the same code for all designs of this binary.
 */
#ifndef PINION_DESIGN_H
#define PINION_DESIGN_H

#include <pinion/job.h>
#include <pinion/runtime.h>

struct pn_bench;
struct pn_producer;
struct pn_outcome;

struct pn_design {
    const char *name;
    const char *queue_kind;
    unsigned turn;        /* queue operations per visit of a scheduler */
    uint32_t slice_units; /* a job that computes more makes way for others in between; 0: never */
    /** Before the schedulers start; sets bench->design_state. \return 0; -errno */
    int (*create)(struct pn_bench *bench);
    /** After they stopped. */
    void (*destroy)(struct pn_bench *bench);
    /** On a scheduler, in the producer's task. */
    enum pn_queue_rc (*submit)(struct pn_producer *producer, struct pn_job *jobs, unsigned n);
    /** The same for n items of a job each; *done are in. NULL: one after the other. */
    enum pn_queue_rc (*submit_n)(struct pn_producer *producer, struct pn_job *const *jobs,
                                 unsigned n, unsigned *done);
    void (*wait_room)(struct pn_producer *producer);
    /** On the producer's own thread. */
    int (*open_lane)(struct pn_producer *producer);
    /** The producer has no more jobs for now: what it kept for itself is free for others. */
    void (*rest_lane)(struct pn_producer *producer);
    enum pn_queue_rc (*submit_foreign)(struct pn_producer *producer, struct pn_job *jobs,
                                       unsigned n);
    void (*wait_room_foreign)(struct pn_producer *producer);
    /** The core that a worker belongs to. */
    unsigned (*core_of)(const struct pn_bench *bench, uint64_t worker);
    /** Workers were marked to die (bench/failure.h): see to it that idle ones notice. Collector. */
    void (*deliver)(struct pn_bench *bench);
    /** What the queues can tell. */
    void (*report)(const struct pn_bench *bench, struct pn_outcome *outcome);
    bool (*failed)(const struct pn_bench *bench);
};

/* NULL-terminated. `loop` is not one of them: it has no queue (pinion/outcome.h). */
extern const struct pn_design *const pn_designs[];

#endif
