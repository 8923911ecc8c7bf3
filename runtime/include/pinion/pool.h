/* SPDX-License-Identifier: MIT
 *
 * pn_pool: W workers that serve one admission queue, on the schedulers of a runtime. The queue is a
 * pn_segq with credit per cache domain; whoever wants to put a job in holds a credit first, so
 * "full" is visible at the producer, where it means something.
 *
 * The life of a job: producer takes a credit -> (foreign threads: through a lane to a core of the
 * domain) -> queue -> a free worker takes it, which gives the credit back -> run -> done; or sleep
 * on the core's wheel and resume; or crash: the job is lost, the worker's state is dropped, a new
 * worker starts in its place.
 *
 * W bounds jobs begun and not finished: a sleeping job keeps its worker. A core may take a turn's
 * worth of jobs off the queue before they begin; they still count as waiting, within `capacity`,
 * and others take them over if the core gets stuck. Threads: handlers run on schedulers; a worker
 * never leaves its core.
 */
#ifndef PINION_POOL_H
#define PINION_POOL_H

#include <pinion/queue.h>
#include <pinion/runtime.h>

struct pn_pool;
struct pn_worker;

/* First member of a job. Jobs linked by next travel as one item of the queue. */
struct pn_pool_job {
    struct pn_pool_job *next;
};

enum pn_job_rc {
    PN_JOB_DONE,
    PN_JOB_SLEEP,     /* after pn_worker_sleep_ns; `resume` follows */
    PN_JOB_YIELD,     /* not done: `go_on` follows, once others here had their turn */
    PN_JOB_CRASH,     /* the worker is dropped, a new one takes its place at once */
    PN_JOB_CRASH_WAIT /* ... or after pn_worker_sleep_ns: a back-off. `resume`, without a job */
};

struct pn_pool_config {
    uint64_t capacity;  /* jobs waiting at most, all shards together */
    uint64_t workers;   /* W */
    uint32_t foreign;   /* foreign threads that will produce */
    uint32_t batch;     /* jobs linked into one item, 1 .. 32 */
    size_t state_bytes; /* of each worker, zeroed at its (re)start; 0 = none */
    uint64_t restarts_max,
        restarts_period_ns; /* more restarts than that in a period end the pool */
    void *context;
    /** Run a job. The handler owns it from here on. */
    enum pn_job_rc (*run)(struct pn_worker *worker, struct pn_pool_job *job);
    /** After PN_JOB_YIELD. NULL where no handler answers that. */
    enum pn_job_rc (*go_on)(struct pn_worker *worker, struct pn_pool_job *job);
    /** After a sleep: ends the job, or sleeps again. job is NULL after a back-off: the new worker
     * begins, and it too may crash. */
    enum pn_job_rc (*resume)(struct pn_worker *worker, struct pn_pool_job *job);
    /** A crashed worker has been replaced; may be NULL. */
    void (*restarted)(struct pn_worker *worker, uint64_t down_ns);
};

/** Before pn_runtime_start. \return 0; -EINVAL; -ENOMEM */
int pn_pool_create(struct pn_pool **out, struct pn_runtime *rt,
                   const struct pn_pool_config *config);
/** After pn_runtime_stop, before pn_runtime_destroy. Jobs still queued are the caller's to free. */
void pn_pool_destroy(struct pn_pool *pool);

/* A worker, as its handler sees it. */
uint64_t pn_worker_id(const struct pn_worker *worker); /* 0 .. W-1 */
void *pn_worker_state(const struct pn_worker *worker);
void *pn_worker_context(const struct pn_worker *worker);
void pn_worker_sleep_ns(struct pn_worker *worker, uint64_t ns);
/** What the sleep that just ended really took. */
uint64_t pn_worker_slept_ns(const struct pn_worker *worker);

/**
 * On a scheduler: asks `ends` for each worker of this core that has no job. PN_JOB_DONE: it lives;
 * else as if a handler had said so. For exit signals: a worker with a job is its handler's to end.
 * Cost: O(free workers of the core).
 */
void pn_pool_end_idle(struct pn_pool *pool, enum pn_job_rc (*ends)(struct pn_worker *worker));

/* Producing on a scheduler. */

/** Put n linked jobs in as one item. FULL: use pn_pool_wait_room. CLOSED: the pool has ended. */
enum pn_queue_rc pn_pool_submit(struct pn_pool *pool, struct pn_pool_job *jobs, unsigned n);
/** Put n items in, a job each: one operation on the queue, which keeps their order and may put
 * others' items between. \param done  how many of them are in; OK: all */
enum pn_queue_rc pn_pool_submit_n(struct pn_pool *pool, struct pn_pool_job *const *jobs, unsigned n,
                                  unsigned *done);
/** The running task sleeps until there may be room, then runs again here. */
void pn_pool_wait_room(struct pn_pool *pool, struct pn_task *task);

/* Producing on a thread of the program's own: it owns a lane and never holds a queue's memory. */
struct pn_pool_lane;

/** Any thread, at most `foreign` at once. \return 0; -ENOMEM; -ENOSPC */
int pn_pool_lane_open(struct pn_pool *pool, struct pn_pool_lane **out);
/** The lane's thread, when it has no more for now: credits it kept are free for others. The lane
 * stays open until the pool goes. */
void pn_pool_lane_rest(struct pn_pool_lane *lane);
enum pn_queue_rc pn_pool_lane_submit(struct pn_pool_lane *lane, struct pn_pool_job *jobs,
                                     unsigned n);
/** Wait until there may be room: pause, then sleep (but poll under PN_IDLE_SPIN, where no
 *  scheduler shall have to make a system call). */
void pn_pool_lane_wait_room(struct pn_pool_lane *lane);

/* True once the restart intensity was exceeded: workers are not restarted any more. Any thread. */
bool pn_pool_failed(const struct pn_pool *pool);

struct pn_pool_counts {
    uint64_t restarts, shards, capacity; /* capacity: what the shards really hold together */
    uint64_t segments_retired, segments_recycled;
    struct pn_queue_counts queue; /* summed over ports; exact once the schedulers stopped */
};
void pn_pool_counts(const struct pn_pool *pool, struct pn_pool_counts *out);

#endif
