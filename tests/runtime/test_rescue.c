/* SPDX-License-Identifier: MIT
 *
 * A core that is stuck in user code: whatever only that core would have done is done by another
 * while it is still stuck. Every stuck task here ends when that has happened, or after a deadline
 * that fails the test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/atomic.h"
#include "sched_bed.h"

#include <pinion/clock.h>
#include <pinion/pool.h>
#include <pinion/reclaim.h>
#include <pinion/task.h>

static const uint64_t deadline_ns = 10000000000u;

static const enum pn_idle idles[] = {PN_IDLE_ADAPTIVE, PN_IDLE_SPIN};

/* Two cores or nothing to test. */
static bool start_two(struct bed *bed, enum pn_idle idle) {
    assert_int_equal(bed_start(bed, NULL, 2, idle), 0);
    if (pn_runtime_cores(bed->rt) == 2) {
        return true;
    }
    bed_end(bed);
    return false;
}

static uint64_t rescues(const struct bed *bed) {
    return pn_stats_total(pn_runtime_stats(bed->rt), PN_STAT_RESCUES);
}

struct errand {
    struct pn_task task;
    PN_ATOMIC(uint32_t) ended; /* 1 + the core that ran it */
};

static void run_errand(struct pn_task *task) {
    struct errand *e = (struct errand *)task;
    pn_store_rel(&e->ended, pn_this_core_id() + 1);
}

static void errand_init(struct errand *e) {
    *e = (struct errand){.task.run = run_errand};
    pn_atomic_init(&e->ended, 0);
}

/* Stays in user code until all its errands have ended. */
struct stuck {
    struct pn_task task;
    struct errand slept, sent, queued;
    PN_ATOMIC(uint32_t) in, out; /* out: 1 in time, 2 not */
};

static bool all_ended(struct stuck *s) {
    return pn_load_acq(&s->slept.ended) != 0 && pn_load_acq(&s->sent.ended) != 0 &&
           pn_load_acq(&s->queued.ended) != 0;
}

static void be_stuck(struct pn_task *task) {
    struct stuck *s = (struct stuck *)task;
    pn_task_sleep(&s->slept.task, 1000000);
    pn_task_ready(&s->queued.task);
    pn_store_rel(&s->in, pn_this_core_id() + 1);
    uint64_t until = pn_now_ns() + deadline_ns;
    while (!all_ended(s) && pn_now_ns() < until) {
        pn_relax();
    }
    pn_store_rel(&s->out, all_ended(s) ? 1 : 2);
}

static void timers_inbox_and_queue_go_on(void **state) {
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct bed bed;
        if (!start_two(&bed, idles[k])) {
            skip();
        }
        struct stuck s = {.task.run = be_stuck};
        errand_init(&s.slept);
        errand_init(&s.sent);
        errand_init(&s.queued);
        pn_atomic_init(&s.in, 0);
        pn_atomic_init(&s.out, 0);
        pause_ms(5); /* both asleep, in one of the two modes */
        pn_task_send(bed.rt, 0, &s.task);
        wait_for(&s.in, 1);
        unsigned core = pn_load_acq(&s.in) - 1;
        pn_task_send(bed.rt, core, &s.sent.task);
        wait_for(&s.out, 1);
        assert_int_equal(pn_load_acq(&s.out), 1);
        unsigned other = 1 - core;
        assert_int_equal(pn_load_acq(&s.slept.ended), other + 1);
        assert_int_equal(pn_load_acq(&s.sent.ended), other + 1);
        assert_int_equal(pn_load_acq(&s.queued.ended), other + 1);
        assert_true(rescues(&bed) > 0);
        bed_end(&bed);
    }
}

/* Jobs of a pool: most sleep a little; one holds its core up until the sleepers of both cores have
 * ended. */
enum { JOBS = 40, STUCK = 20 };

struct job {
    struct pn_pool_job link;
    unsigned number;
    PN_ATOMIC(uint32_t) runs, ends;
};

struct crew {
    struct pn_pool *pool;
    struct job *jobs;
    unsigned n;
    PN_ATOMIC(uint32_t) ended, late, out_of_range;
    PN_ATOMIC(uint32_t) at_work[8]; /* by worker */
};

static enum pn_job_rc run_job(struct pn_worker *worker, struct pn_pool_job *link) {
    struct crew *crew = pn_worker_context(worker);
    struct job *job = (struct job *)link;
    uint64_t id = pn_worker_id(worker);
    (void)pn_faa_acqrel(&job->runs, 1);
    (void)pn_faa_acqrel(&crew->out_of_range,
                        id >= 8 || pn_faa_acqrel(&crew->at_work[id % 8], 1) != 0);
    if (job->number != STUCK) {
        pn_worker_sleep_ns(worker, 2000000);
        return PN_JOB_SLEEP;
    }
    uint64_t until = pn_now_ns() + deadline_ns;
    while (pn_load_acq(&crew->ended) + 1 < crew->n && pn_now_ns() < until) {
        pn_relax();
    }
    (void)pn_faa_acqrel(&crew->late, pn_now_ns() >= until);
    (void)pn_faa_acqrel(&crew->at_work[id % 8], UINT32_MAX);
    (void)pn_faa_acqrel(&job->ends, 1);
    (void)pn_faa_acqrel(&crew->ended, 1);
    return PN_JOB_DONE;
}

static enum pn_job_rc end_job(struct pn_worker *worker, struct pn_pool_job *link) {
    struct crew *crew = pn_worker_context(worker);
    (void)pn_faa_acqrel(&crew->at_work[pn_worker_id(worker) % 8], UINT32_MAX);
    (void)pn_faa_acqrel(&((struct job *)link)->ends, 1);
    (void)pn_faa_acqrel(&crew->ended, 1);
    return PN_JOB_DONE;
}

static int crew_start(struct crew *crew, struct bed *bed, enum pn_idle idle, uint64_t workers) {
    struct pn_error err = {""};
    struct pn_policy policy = {.max_schedulers = 2};
    struct pn_pool_config config = {.capacity = 8,
                                    .workers = workers,
                                    .foreign = 1,
                                    .batch = 1,
                                    .restarts_max = 1,
                                    .restarts_period_ns = 1,
                                    .context = crew,
                                    .run = run_job,
                                    .resume = end_job};
    memset(bed, 0, sizeof *bed);
    int rc = pn_topology_load(NULL, &bed->topo, &err);
    rc = rc != 0 ? rc : pn_plan_create(bed->topo, &policy, &bed->plan, &err);
    struct pn_runtime_config runtime = {.topology = bed->topo, .plan = bed->plan, .idle = idle};
    rc = rc != 0 ? rc : pn_runtime_create(&bed->rt, &runtime, &err);
    rc = rc != 0 ? rc : pn_pool_create(&crew->pool, bed->rt, &config);
    return rc != 0 ? rc : pn_runtime_start(bed->rt, &err);
}

static void crew_init(struct crew *crew, unsigned n) {
    memset((void *)crew, 0, sizeof *crew);
    crew->n = n;
    crew->jobs = calloc(n, sizeof *crew->jobs);
    assert_non_null(crew->jobs);
    for (unsigned i = 0; i < n; i++) {
        crew->jobs[i].number = i;
    }
}

static void submit_all(struct crew *crew) {
    struct pn_pool_lane *lane = NULL;
    assert_int_equal(pn_pool_lane_open(crew->pool, &lane), 0);
    (void)alarm(40);
    for (unsigned i = 0; i < crew->n;) {
        if (pn_pool_lane_submit(lane, &crew->jobs[i].link, 1) == PN_QUEUE_OK) {
            i++;
        } else {
            pn_pool_lane_wait_room(lane);
        }
    }
    pn_pool_lane_rest(lane);
}

static void sleeping_workers_go_on_and_come_home(void **state) {
    (void)state;
    for (unsigned k = 0; k < 2; k++) {
        struct bed bed;
        struct crew crew;
        crew_init(&crew, JOBS);
        assert_int_equal(crew_start(&crew, &bed, idles[k], 8), 0);
        if (pn_runtime_cores(bed.rt) == 2) {
            submit_all(&crew);
            wait_for(&crew.ended, JOBS);
            (void)alarm(0);
            assert_int_equal(pn_load_acq(&crew.late), 0);
            assert_int_equal(pn_load_acq(&crew.out_of_range), 0);
            for (unsigned i = 0; i < JOBS; i++) {
                assert_int_equal(pn_load_acq(&crew.jobs[i].runs), 1);
                assert_int_equal(pn_load_acq(&crew.jobs[i].ends), 1);
            }
        }
        bool two = pn_runtime_cores(bed.rt) == 2;
        pn_runtime_stop(bed.rt);
        pn_pool_destroy(crew.pool);
        bed_end(&bed);
        free(crew.jobs);
        if (!two) {
            skip();
        }
    }
}

/* A producer task waits for room on a core that gets stuck; the room is made on the other. */
struct producer {
    struct pn_task task;
    struct crew *crew;
    struct errand *stuck;
    unsigned next;
};

static void produce(struct pn_task *task) {
    struct producer *p = (struct producer *)task;
    while (p->next < p->crew->n) {
        if (pn_pool_submit(p->crew->pool, &p->crew->jobs[p->next].link, 1) != PN_QUEUE_OK) {
            pn_pool_wait_room(p->crew->pool, task);
            return;
        }
        p->next++;
    }
}

static void be_stuck_until_all_ended(struct pn_task *task) {
    struct producer *p = (struct producer *)task;
    uint64_t until = pn_now_ns() + deadline_ns;
    while (pn_load_acq(&p->crew->ended) < p->crew->n && pn_now_ns() < until) {
        pn_relax();
    }
    (void)pn_faa_acqrel(&p->crew->late, pn_now_ns() >= until);
}

static void waiting_producers_go_on(void **state) {
    (void)state;
    struct bed bed;
    struct crew crew;
    crew_init(&crew, STUCK); /* so that no job is the one that gets stuck */
    assert_int_equal(crew_start(&crew, &bed, PN_IDLE_ADAPTIVE, 8), 0);
    bool two = pn_runtime_cores(bed.rt) == 2;
    struct producer feeder = {.task.run = produce, .crew = &crew};
    struct producer blocker = {.task.run = be_stuck_until_all_ended, .crew = &crew};
    if (two) {
        /* Both into the inbox at once: the feeder fills the queue and waits, then its core sticks.
         */
        pn_task_send(bed.rt, 0, &feeder.task);
        pn_task_send(bed.rt, 0, &blocker.task);
        wait_for(&crew.ended, crew.n);
        pause_ms(1);
        assert_int_equal(pn_load_acq(&crew.late), 0);
    }
    pn_runtime_stop(bed.rt);
    pn_pool_destroy(crew.pool);
    bed_end(&bed);
    free(crew.jobs);
    if (!two) {
        skip();
    }
}

/* Tasks that block a while, sleep a while and hop between cores, all at random: every step counts
 * once, whoever did it. For ThreadSanitizer as much as for the sums. */
struct wanderer {
    struct pn_task task;
    struct pn_runtime *rt;
    uint64_t random;
    unsigned left;
    PN_ATOMIC(uint32_t) * ended;
};

static uint64_t draw(struct wanderer *w) {
    w->random = w->random * 6364136223846793005u + 1442695040888963407u;
    return w->random >> 33;
}

static void wander(struct pn_task *task) {
    struct wanderer *w = (struct wanderer *)task;
    if (w->left == 0) {
        (void)pn_faa_acqrel(w->ended, 1);
        return;
    }
    w->left--;
    uint64_t dice = draw(w) % 64;
    if (dice == 0) {
        uint64_t until = pn_now_ns() + 12000000;
        while (pn_now_ns() < until) {
            pn_relax();
        }
    }
    if (dice < 24) {
        pn_task_sleep(task, draw(w) % 300000);
    } else if (dice < 44) {
        pn_task_send(w->rt, (unsigned)draw(w) % pn_runtime_cores(w->rt), task);
    } else {
        pn_task_ready(task);
    }
}

static void nothing_is_lost_or_doubled(void **state) {
    (void)state;
    enum { N = 24, STEPS = 40 };
    const char *given = getenv("PINION_SEED");
    uint64_t seed = given == NULL ? pn_now_ns() : strtoull(given, NULL, 10);
    print_message("PINION_SEED=%llu\n", (unsigned long long)seed);
    struct bed bed;
    PN_ATOMIC(uint32_t) ended;
    pn_atomic_init(&ended, 0);
    assert_int_equal(bed_start(&bed, NULL, 0, PN_IDLE_ADAPTIVE), 0);
    static struct wanderer w[N];
    for (unsigned i = 0; i < N; i++) {
        w[i] = (struct wanderer){
            .task.run = wander, .rt = bed.rt, .random = seed + i, .left = STEPS, .ended = &ended};
        pn_task_send(bed.rt, i % pn_runtime_cores(bed.rt), &w[i].task);
    }
    wait_for(&ended, N);
    pause_ms(2);
    assert_int_equal(pn_load_acq(&ended), N);
    print_message("%llu rescues\n", (unsigned long long)rescues(&bed));
    bed_end(&bed);
}

/* User code that stays until the watchdog has named its core, while a grace period waits for it. */
struct hog {
    struct pn_task task;
    struct pn_runtime *rt;
    struct pn_retired piece;
    PN_ATOMIC(uint32_t) out; /* 1 named, 2 not */
};

static void forget(struct pn_retired *piece, void *context) {
    (void)piece;
    (void)context;
}

static bool named(const struct hog *h, const char *name) {
    const char *text = NULL;
    for (unsigned i = 0; (text = pn_runtime_degraded(h->rt, i)) != NULL; i++) {
        if (strncmp(text, name, strlen(name)) == 0 && strstr(text, "holds up") != NULL) {
            return true;
        }
    }
    return false;
}

static void be_a_hog(struct pn_task *task) {
    struct hog *h = (struct hog *)task;
    char name[32];
    (void)snprintf(name, sizeof name, "scheduler %u ", pn_this_core_id());
    h->piece = (struct pn_retired){.fn = forget, .bytes = 1};
    pn_reclaimer_retire(pn_runtime_reclaimer(h->rt), &h->piece);
    uint64_t until = pn_now_ns() + deadline_ns;
    while (!named(h, name) && pn_now_ns() < until) {
        pn_relax();
    }
    pn_store_rel(&h->out, named(h, name) ? 1 : 2);
}

static void who_holds_memory_up_is_named(void **state) {
    (void)state;
    struct bed bed;
    if (!start_two(&bed, PN_IDLE_ADAPTIVE)) {
        skip();
    }
    struct hog h = {.task.run = be_a_hog, .rt = bed.rt};
    pn_atomic_init(&h.out, 0);
    pn_task_send(bed.rt, 1, &h.task);
    wait_for(&h.out, 1);
    assert_int_equal(pn_load_acq(&h.out), 1);
    bed_end(&bed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(timers_inbox_and_queue_go_on),
        cmocka_unit_test(sleeping_workers_go_on_and_come_home),
        cmocka_unit_test(waiting_producers_go_on),
        cmocka_unit_test(nothing_is_lost_or_doubled),
        cmocka_unit_test(who_holds_memory_up_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
