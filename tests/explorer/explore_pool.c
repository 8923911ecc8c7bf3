/* SPDX-License-Identifier: MIT
 *
 * The whole runtime: two schedulers, the watchdog, the reclaimer, and a foreign thread that puts
 * two jobs into a pool with room for one, waits for room and for both to be done, and stops
 * everything. All of it ships (start-up, lanes and doorbells, claims, parking and waking, rescue,
 * stopping); only the clock is the explorer's, and the places on the machine are made up.
 *
 * The second job may wait, in user code, until all others are done: then its core is stuck, and
 * what it had claimed, or the worker that sleeps there, must go on elsewhere.
 */
#include "explorer.h"
#include "runtime/pool_parts.h"

#include <pinion/plan.h>
#include <pinion/pool.h>
#include <string.h>

enum { CORES = 2, JOBS = 4 };

struct job {
    struct pn_pool_job base;
    unsigned number, runs;
};

static struct pn_runtime *rt;
static struct pn_pool *pool;
static struct job job[JOBS];
static struct pn_task producer;
static struct pn_task helper; /* sent to the same core: does nothing */
static bool waits, sleeps, crashes, ends, by_tasks;
static PN_ATOMIC(uint32_t) helped;
static unsigned next_by_task; /* the producing task's */
static PN_ATOMIC(uint32_t) done;

uint64_t pn_now_ns(void) {
    return pn_xp_time_ns();
}

uint64_t pn_ticks_now(void) {
    return pn_xp_time_ns();
}

uint64_t pn_ticks_to_ns(const struct pn_ticks *ticks, uint64_t delta) {
    (void)ticks;
    return delta;
}

void pn_ticks_calibrate(struct pn_ticks *ticks) {
    *ticks = (struct pn_ticks){.per_second = 1000000000};
}

enum pn_near pn_plan_near(const struct pn_topology *topology, const struct pn_plan *plan,
                          unsigned a, unsigned b) {
    (void)topology;
    (void)plan;
    return a == b ? PN_NEAR_SELF : PN_NEAR_LLC;
}

enum { ADOPTED, SLEPT };

static enum pn_job_rc finish(struct pn_worker *worker, struct job *j) {
    if (worker->part != worker->home) {
        pn_xp_reached(ADOPTED);
    }
    j->runs++;
    (void)pn_faa_acqrel(&done, 1);
    return PN_JOB_DONE;
}

static enum pn_job_rc run(struct pn_worker *worker, struct pn_pool_job *base) {
    struct job *j = (struct job *)(void *)base;
    if (j->number != 1 && sleeps) {
        pn_worker_sleep_ns(worker, 1000);
        return PN_JOB_SLEEP;
    }
    if (j->number == 0 && crashes) {
        (void)finish(worker, j);
        return PN_JOB_CRASH;
    }
    while (j->number == 1 && waits && pn_load_acq(&done) < JOBS - 1) {
        pn_relax();
    }
    return finish(worker, j);
}

static enum pn_job_rc resume(struct pn_worker *worker, struct pn_pool_job *base) {
    return finish(worker, (struct job *)(void *)base);
}

static void help(struct pn_task *task) {
    (void)task;
    (void)pn_faa_rel(&helped, 1);
}

/* A task: runs again here when there may be room. */
static void produce(struct pn_task *task) {
    while (next_by_task < JOBS && !pn_pool_failed(pool)) {
        if (pn_pool_submit(pool, &job[next_by_task].base, 1) != PN_QUEUE_OK) {
            pn_pool_wait_room(pool, task);
            return;
        }
        next_by_task++;
    }
}

/* The last job, or all of them, from a task; the others from here. */
static void submit(void) {
    unsigned foreign = by_tasks ? 0 : JOBS - 1;
    for (unsigned i = 0; i < JOBS; i++) {
        job[i] = (struct job){.number = i};
    }
    next_by_task = foreign;
    producer = (struct pn_task){.run = produce};
    helper = (struct pn_task){.run = help};
    unsigned core = (unsigned)pn_xp_choose(CORES);
    pn_task_send(rt, core, &producer);
    pn_task_send(rt, core, &helper);
    struct pn_pool_lane *lane = NULL;
    pn_xp_require(by_tasks || pn_pool_lane_open(pool, &lane) == 0);
    for (unsigned i = 0; i < foreign && !pn_pool_failed(pool); i++) {
        while (pn_pool_lane_submit(lane, &job[i].base, 1) == PN_QUEUE_FULL) {
            pn_pool_lane_wait_room(lane);
        }
    }
    if (!by_tasks) {
        pn_pool_lane_rest(lane);
    }
}

static void program(void *arg) {
    static struct pn_plan_scheduler scheduler[CORES];
    static unsigned domain_of[CORES];
    for (unsigned i = 0; i < CORES; i++) {
        scheduler[i] = (struct pn_plan_scheduler){.cpu.id = -1, .core = -1, .node = -1, .llc = -1};
    }
    const struct pn_plan plan = {
        .n_schedulers = CORES, .schedulers = scheduler, .n_domains = 1, .domain_of = domain_of};
    const struct pn_runtime_config config = {.plan = &plan, .spin_ns = 1, .floating = true};
    const struct pn_pool_config pool_config = {
        .capacity = pn_xp_choose(2) == 0 ? 1 : JOBS,
        .workers = CORES * JOBS, /* enough for a core to claim both */
        .foreign = by_tasks ? 0 : 1,
        .batch = 1,
        .restarts_max = ends ? 0 : 1,
        .restarts_period_ns = 1000000000,
        .run = run,
        .resume = resume};
    (void)arg;
    struct pn_error err;
    pn_xp_require(pn_runtime_create(&rt, &config, &err) == 0);
    pn_xp_require(pn_pool_create(&pool, rt, &pool_config) == 0);
    pn_xp_require(pn_runtime_start(rt, &err) == 0);
    submit();
    while (pn_load_acq(&helped) == 0 || (pn_load_acq(&done) < JOBS && !pn_pool_failed(pool))) {
        pn_relax();
    }
    if (pn_sleepers_count(&rt->sleepers) == CORES) {
        pn_xp_reached(SLEPT);
    }
    pn_runtime_stop(rt);
    for (unsigned i = 0; i < JOBS; i++) {
        pn_xp_require(job[i].runs == 1 || (pn_pool_failed(pool) && job[i].runs == 0));
    }
    pn_pool_destroy(pool);
    pn_runtime_destroy(rt);
}

static void setup(void) {
    pn_xp_thread_local((uint64_t *)(void *)&pn_this_core);
    waits = pn_xp_choose(2) == 1;
    sleeps = pn_xp_choose(2) == 1;
    crashes = pn_xp_choose(4) == 1;
    ends = crashes && pn_xp_choose(2) == 1; /* the pool, with the first crash */
    waits = waits && !ends;                 /* or it would wait for jobs that are not begun */
    by_tasks = pn_xp_choose(4) == 1;
    pn_atomic_init(&helped, 0);
    pn_atomic_init(&done, 0);
    pn_xp_spawn(program, NULL);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {
        .name = "pool",
        .setup = setup,
        .must_reach = {"a worker of a stuck core went on elsewhere", "both cores slept"}};
    return pn_xp_main(argc, argv, &test);
}
