/* SPDX-License-Identifier: MIT
 *
 * The inside of pn_pool, shared by pool.c, pool_worker.c and pool_lane.c.
 */
#ifndef PN_POOL_PARTS_H
#define PN_POOL_PARTS_H

#include "runtime/claims.h"
#include "runtime/core.h"
#include "runtime/inbox.h"
#include "runtime/intensity.h"
#include "runtime/room.h"

#include <pinion/credit.h>
#include <pinion/pool.h>
#include <pinion/spsc.h>

/* Operations on the queue per visit of the scheduler. */
enum { PN_POOL_TURN = 64 };
_Static_assert((int)PN_POOL_TURN <= (int)PN_CLAIMS_MAX, "a turn can be claimed at once");

/* Jobs in one visit, if its producers put in so many: with P = 4 each core runs what it made, while
 * its cache has it. Emptying the queue at each visit instead, up to 256: 0.87 to 0.95 of the jobs/s
 * at P = 1 to 16, because the cores then run on each other's heels. */
enum { PN_POOL_VISIT_MAX = 128 };

/* Of what is taken at once: so that what comes behind it waits no longer for its turn. */
enum { PN_POOL_TAKEN_NS = 32000 };

/* A job that takes longer when the core is left alone is worth sharing the work with a second core:
 * what moves per burst is some 30 lines, 0.03 to 0.15 us each. Told from the least of some visits
 * in which nothing is given away, every so often: a job that is shared takes longer, so a core that
 * judged by that would never stop. PN_POOL_LONG_NS: no question. */
enum {
    PN_POOL_WORTH_NS = 110,
    PN_POOL_LONG_NS = 1000,
    PN_POOL_QUIET = 8,
    PN_POOL_QUIET_EVERY = 512
};

/* Visits without taking ahead after one that ran out of workers: jobs sleep here. */
enum { PN_POOL_PRUDENT = 256 };

/* A busy core looks into other domains once in so many polls, so that nothing waits there for ever
 * while the cores over there sleep. A power of two. */
enum { PN_POOL_FAR_EVERY = 64 };

/* Foreign threads of one domain. */
enum { PN_POOL_LANES_MAX = 1024 };

struct pn_pool_lane_slot {
    PN_ATOMIC(struct pn_pool_lane *) lane;
};

/* One cache domain's queue. */
struct pn_shard {
    struct pn_segq *queue;
    struct pn_credit *credit;
    /* Items that each of its cores may take off the queue beyond its free workers. They count as
     * waiting: so many jobs fewer are given out as credits, at most an eighth of the capacity. */
    uint64_t ahead, withheld;
    uint64_t room_from;              /* foreign waiters are woken when so many credits are free */
    struct pn_room room;             /* for foreign waiters */
    struct pn_pool_lane_slot *lanes; /* [n_words * 64] */
    unsigned n_words;
    /* Bit per lane that may hold something; written by foreign threads. */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) doorbell[PN_POOL_LANES_MAX / 64];
    /* Bit per core whose producers wait for room. Zero in the steady state. */
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) waiting[PN_SLEEPERS_MAX / 64];
};

struct pn_worker {
    struct pn_timer timer;
    struct pn_pool_part *part; /* where it works: home's, or a rescuer's until it is free */
    struct pn_pool_part *home;
    struct pn_pool_job *job;  /* in hand */
    struct pn_pool_job *rest; /* of the same item, not started */
    union {
        struct pn_worker *next; /* in a list of its part */
        struct pn_link back;    /* on its way home */
    };
    uint64_t slept_from_ns; /* 0 = awake */
};
_Static_assert(sizeof(struct pn_worker) <= 88, "ten thousand of them are 0.9 MB");

/* Items taken off the queue that found no worker: first in, first out. */
struct pn_aside {
    void **item; /* [capacity] */
    size_t first, n, capacity;
};

/* One core's share of the pool. Only its scheduler touches it; `ready`, `waiting` and `aside` are
 * guarded by the core's lease, so that a rescuer may empty them while the core is stuck in a
 * handler.
 * Equation: workers at home = free + ready + sleeping + (one in hand in a handler)
 *                             + working elsewhere since a rescue + in `returned`.
 *           jobs off the queue = in hand + claims + aside. */
struct pn_pool_part {
    _Alignas(PN_LINE) struct pn_poller poller;
    struct pn_pool *pool;
    struct pn_core *core;
    struct pn_shard *shard;                /* of its own domain */
    struct pn_segq_port **ports;           /* [n_shards], opened on first use */
    struct pn_credit_port credit;          /* of the own shard */
    struct pn_credit_port *foreign_credit; /* [n_shards] to give back what was taken elsewhere */
    struct pn_worker *free;                /* [n_free] */
    uint64_t n_free;
    struct pn_worker *ready, **ready_end;   /* woken, or with a rest to go on with */
    struct pn_task *waiting, **waiting_end; /* producers that wait for room */
    struct pn_worker *workers;
    char *states; /* [n_workers * state_bytes] */
    size_t state_bytes;
    uint64_t n_workers, first_id;
    uint64_t sleep_ns, slept_ns; /* of the worker whose handler runs */
    uint64_t restarts;
    unsigned polls;
    unsigned prudent;     /* visits to come that take no more than there are free workers */
    unsigned pushed;      /* items into the queue, since the last poll */
    unsigned pushed_jobs; /* the same in jobs */
    unsigned burst;       /* items to take at once: PN_POOL_TAKEN_NS of them */
    uint64_t job_ticks;   /* what a job takes, lately */
    uint64_t alone_ticks; /* the same, when nothing was shared; least_ticks: so far */
    uint64_t least_ticks;
    uint64_t visit_from; /* ticks */
    unsigned visits;
    bool look_far; /* this poll also looks into other domains */
    struct pn_aside aside;
    struct pn_claims claims;                    /* items that no worker has started */
    _Alignas(PN_LINE) struct pn_inbox returned; /* workers that rescuers are done with */
};

struct pn_pool_lane {
    struct pn_pool *pool;
    struct pn_shard *shard;
    struct pn_spsc *ring;
    struct pn_credit_port credit; /* the foreign thread's */
    unsigned word;
    uint64_t bit;
    _Alignas(PN_LINE) PN_ATOMIC(uint32_t) claimed; /* by the core that is emptying it */
};

struct pn_pool {
    struct pn_pool_config config;
    struct pn_runtime *rt;
    unsigned n_shards;
    struct pn_shard *shards;
    unsigned n_parts;
    struct pn_pool_part *parts;
    uint64_t taken_ticks, worth_ticks, long_ticks; /* PN_POOL_TAKEN_NS and so on */
    struct pn_intensity intensity;
    PN_ATOMIC(uint32_t) failed;
    PN_ATOMIC(uint32_t) lanes_opened;
};

/* There is something for others to do: see to it that somebody who sleeps looks. */
void pn_part_wake(struct pn_pool_part *part);

/* pool_worker.c */
unsigned pn_part_run(struct pn_pool_part *part);
void pn_part_take_returned(struct pn_pool_part *part);
/* A part of a stuck core, under its lease: workers that woke there, or have an item and have not
 * started it, go on in the part of the core that calls. */
unsigned pn_part_adopt(struct pn_pool_part *stuck, struct pn_pool_part *here);
int pn_part_workers_create(struct pn_pool_part *part, uint64_t first_id, uint64_t n);
void pn_part_workers_destroy(struct pn_pool_part *part);

/* pool_lane.c */
unsigned pn_part_drain_lanes(struct pn_pool_part *part);
int pn_shard_lanes_create(const struct pn_pool *pool, struct pn_shard *shard);
void pn_shard_lanes_destroy(struct pn_shard *shard);

/* Credits came back to the shard: tell those who wait for room. */
void pn_shard_room(struct pn_pool *pool, struct pn_shard *shard);

#endif
