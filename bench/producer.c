/* SPDX-License-Identifier: MIT
 *
 * Producers: as tasks on the schedulers, or as threads of their own. Both make the same jobs in the
 * same order; what to do with "full" is the workload's: wait (drop=0) or drop and count (drop=1).
 */
#include "engine.h"

#include <errno.h>
#include <math.h>
#include <pinion/clock.h>
#include <pinion/generator.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

/* A thread closer to its intended start than this polls; a sleep would come back too late. */
static const uint64_t poll_below_ns = 60000;
static const uint64_t nap_max_ns = 100000000;

static bool is_thread(const struct pn_bench *b) {
    return b->params->producers_as == PN_PRODUCERS_THREAD;
}

/* Intended start of the producer's next job; 0 in a closed loop. */
static uint64_t due_of(struct pn_producer *p) {
    const struct pn_params *params = p->bench->params;
    uint64_t t0 = p->bench->round.start_ns;
    if (params->rate == 0) {
        return 0;
    }
    if (params->arrival == PN_ARRIVAL_FIXED) {
        double nth = (double)(p->next_i * params->producers + p->p);
        return t0 + (uint64_t)(nth * 1e9 / (double)params->rate);
    }
    uint32_t key = pn_job_key(p->bench->round.bases[p->p], (uint32_t)p->next_i);
    double u = ((double)pn_mix(key + PN_DRAW_ARRIVAL) + 1.0) / 4294967296.0;
    double gap = -log(u) * (double)params->producers / (double)params->rate;
    return (p->due_ns == 0 ? t0 : p->due_ns) + (uint64_t)(gap * 1e9);
}

/* Make the next item: `batch` linked jobs in a closed loop, one in an open loop. */
static bool make_pending(struct pn_producer *p, struct pn_arena *arena) {
    struct pn_bench *b = p->bench;
    uint64_t left = p->end_i - p->next_i;
    uint64_t n = b->params->rate > 0 ? 1 : b->params->batch < left ? b->params->batch : left;
    struct pn_job **link = &p->pending;
    p->pending = NULL;
    p->pending_n = 0;
    p->counted_full = false;
    for (uint64_t k = 0; k < n; k++) {
        struct pn_job *job =
            pn_job_make(&b->round, arena, p->p, (uint32_t)(p->next_i + k), b->copies, p->due_ns);
        if (job == NULL) {
            break;
        }
        *link = job;
        link = (struct pn_job **)&job->link.next;
        p->pending_n++;
    }
    return p->pending_n > 0;
}

static void note_full(struct pn_producer *p) {
    if (p->counted_full) {
        return;
    }
    p->counted_full = true;
    p->full_from_ns = 0;
    if (p->full_records != NULL && p->full % PN_FULL_RECORD_EVERY == 0 &&
        p->n_full_records < PN_FULL_RECORDS_MAX) {
        p->full_from_ns = pn_now_ns();
    }
    p->full++;
}

static void drop_pending(struct pn_producer *p, struct pn_arena *arena) {
    while (p->pending != NULL) {
        struct pn_job *next = (struct pn_job *)p->pending->link.next;
        pn_job_free(arena, p->pending);
        p->pending = next;
    }
    p->dropped += p->pending_n;
    p->next_i += p->pending_n;
    if (p->full_from_ns != 0) {
        p->full_records[p->n_full_records++] = (struct pn_record){.kind = PN_RECORD_FULL,
                                                                  .producer = p->p,
                                                                  .at_ns = p->full_from_ns,
                                                                  .value_ns = p->dropped};
        p->full_from_ns = 0;
    }
}

static void note_room(struct pn_producer *p) {
    if (p->counted_full && p->full_from_ns != 0) {
        uint64_t now = pn_now_ns();
        p->full_records[p->n_full_records++] =
            (struct pn_record){.kind = PN_RECORD_FULL,
                               .producer = p->p,
                               .at_ns = now,
                               .value_ns = now - p->full_from_ns};
        p->full_from_ns = 0;
    }
}

/* Submissions of a task that go in one by one, before others get their turn. */
enum { SINGLE_TURN = 16 };

enum step { STEP_SENT, STEP_FULL, STEP_EARLY, STEP_OVER, STEP_NO_MEMORY };

/* One item further. */
static enum step step(struct pn_producer *p, struct pn_arena *arena) {
    struct pn_bench *b = p->bench;
    if (p->next_i == p->end_i || pn_load_acq(&b->stop) != 0) {
        return STEP_OVER;
    }
    if (p->pending == NULL) {
        if (b->params->rate > 0) {
            uint64_t due = p->due_ns != 0 ? p->due_ns : due_of(p);
            p->due_ns = due;
            if (pn_now_ns() < due) {
                return STEP_EARLY;
            }
        }
        if (!make_pending(p, arena)) {
            return STEP_NO_MEMORY;
        }
    }
    enum pn_queue_rc rc = is_thread(b) ? b->design->submit_foreign(p, p->pending, p->pending_n)
                                       : b->design->submit(p, p->pending, p->pending_n);
    if (rc == PN_QUEUE_CLOSED) {
        return STEP_OVER;
    }
    if (rc == PN_QUEUE_FULL) {
        note_full(p);
        if (b->params->drop == 0) {
            return STEP_FULL;
        }
        drop_pending(p, arena);
    } else {
        note_room(p);
        p->next_i += p->pending_n;
    }
    p->pending = NULL;
    if (b->params->rate > 0) {
        uint64_t last = p->due_ns;
        p->due_ns = b->params->arrival == PN_ARRIVAL_FIXED ? 0 : last;
        p->due_ns = p->next_i < p->end_i ? due_of(p) : last;
    }
    return STEP_SENT;
}

/* A turn's jobs made one after the other, then put in with one operation of the queue: each is an
 * item of its own. Where no job has a due time and none may be dropped. */
static bool makes_bursts(const struct pn_producer *p) {
    const struct pn_params *params = p->bench->params;
    return params->pattern == PN_PATTERN_NONE && p->bench->design->submit_n != NULL &&
           params->batch == 1 && params->rate == 0 && params->drop == 0;
}

static enum step burst(struct pn_producer *p, struct pn_arena *arena) {
    struct pn_bench *b = p->bench;
    if (pn_load_acq(&b->stop) != 0) {
        return STEP_OVER;
    }
    struct pn_job *jobs[PN_PRODUCER_TURN]; /* here, because the task moves between cores */
    unsigned n = 0;
    for (; p->kept != NULL; n++) {
        jobs[n] = p->kept;
        p->kept = (struct pn_job *)jobs[n]->link.next;
        jobs[n]->link.next = NULL;
    }
    uint64_t left = p->end_i - p->next_i;
    unsigned most = left < PN_PRODUCER_TURN ? (unsigned)left : PN_PRODUCER_TURN;
    while (n < most) {
        struct pn_job *job =
            pn_job_make(&b->round, arena, p->p, (uint32_t)(p->next_i + n), b->copies, 0);
        if (job == NULL) {
            break;
        }
        jobs[n++] = job;
    }
    if (n == 0) {
        return most == 0 ? STEP_OVER : STEP_NO_MEMORY;
    }
    unsigned done = 0;
    enum pn_queue_rc rc = b->design->submit_n(p, jobs, n, &done);
    p->next_i += done;
    while (n > done) {
        n--;
        jobs[n]->link.next = (struct pn_pool_job *)p->kept; /* its first member; NULL stays NULL */
        p->kept = jobs[n];
    }
    if (rc == PN_QUEUE_FULL) {
        note_full(p);
        return STEP_FULL;
    }
    note_room(p);
    p->counted_full = false;
    return rc == PN_QUEUE_CLOSED ? STEP_OVER : STEP_SENT;
}

static void finish(struct pn_producer *p, struct pn_arena *arena) {
    while (p->kept != NULL) {
        struct pn_job *next = (struct pn_job *)p->kept->link.next;
        pn_job_free(arena, p->kept);
        p->kept = next;
    }
    while (p->pending != NULL) {
        struct pn_job *next = (struct pn_job *)p->pending->link.next;
        pn_job_free(arena, p->pending);
        p->pending = next;
    }
    pn_store_rel(&p->finished, 1);
}

/* A link has two halves: the job was sent, and it has ended. It may end on another core before the
 * call that sent it has returned, so the second of the two goes on.
 *
 *   C1  acquire and release of both: what the sender left in the producer is there for who goes on.
 */
static bool is_second_half(struct pn_producer *p) {
    if (pn_faa_acqrel(&p->halves, 1) == 0) { /* C1 */
        return false;
    }
    pn_store_rlx(&p->halves, 0); /* relaxed: nobody else has this chain now */
    return true;
}

/* pattern: this task is the chain's link from one job to the next. */
static void chain_task(struct pn_task *task) {
    struct pn_producer *p = (struct pn_producer *)(void *)task;
    do {
        switch (step(p, pn_this_arena())) {
        case STEP_FULL:
            p->bench->design->wait_room(p);
            return;
        case STEP_NO_MEMORY:
            pn_task_sleep(task, 1000000); /* others will free some */
            return;
        case STEP_OVER:
            finish(p, pn_this_arena());
            return;
        case STEP_SENT:
        case STEP_EARLY:
            break;
        }
    } while (is_second_half(p));
}

void pn_chain_goes_on(void *bench, uint32_t producer) {
    struct pn_bench *b = bench;
    if (is_second_half(&b->producers[producer])) {
        pn_task_ready(&b->producers[producer].task);
    }
}

static void producer_task(struct pn_task *task) {
    struct pn_producer *p = (struct pn_producer *)(void *)task;
    bool bursts = makes_bursts(p);
    uint64_t batch = p->bench->params->batch;
    uint64_t turns = bursts ? 1
                     : p->bench->design->submit_n != NULL && batch > 1
                         ? (PN_PRODUCER_TURN + batch - 1) / batch
                         : SINGLE_TURN;
    for (uint64_t k = 0; k < turns; k++) {
        switch (bursts ? burst(p, pn_this_arena()) : step(p, pn_this_arena())) {
        case STEP_SENT:
            break;
        case STEP_FULL:
            p->bench->design->wait_room(p);
            return;
        case STEP_EARLY: {
            uint64_t now = pn_now_ns();
            pn_task_sleep(task, p->due_ns > now ? p->due_ns - now : 0);
            return;
        }
        case STEP_NO_MEMORY:
            pn_task_sleep(task, 1000000); /* others will free some */
            return;
        case STEP_OVER:
            finish(p, pn_this_arena());
            return;
        }
    }
    pn_task_ready(task);
}

/* Or less: an early end of the round must not wait for a job that is due in an hour. */
static void wait_until(uint64_t due_ns) {
    uint64_t now = pn_now_ns();
    if (due_ns > now + poll_below_ns) {
        due_ns = due_ns - now > nap_max_ns ? now + nap_max_ns : due_ns;
        struct timespec ts = {.tv_sec = (time_t)(due_ns / 1000000000u),
                              .tv_nsec = (long)(due_ns % 1000000000u)};
        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
        return;
    }
    pn_relax();
}

static void *producer_thread(void *arg) {
    struct pn_producer *p = arg;
    struct pn_bench *b = p->bench;
    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    for (;;) {
        switch (step(p, p->arena)) {
        case STEP_SENT:
            continue;
        case STEP_FULL:
            b->design->wait_room_foreign(p);
            continue;
        case STEP_EARLY:
            wait_until(p->due_ns);
            continue;
        case STEP_NO_MEMORY:
            (void)sched_yield();
            continue;
        case STEP_OVER:
            break;
        }
        break;
    }
    b->design->rest_lane(p);
    (void)pn_arena_flush(p->arena);
    finish(p, p->arena);
    return NULL;
}

int pn_producers_start(struct pn_bench *b, uint64_t jobs) {
    int rc = 0;
    for (uint64_t k = 0; k < b->params->producers; k++) {
        struct pn_producer *p = &b->producers[k];
        p->bench = b;
        p->p = (uint32_t)k;
        p->next_i = 0;
        p->end_i = pn_params_jobs_of(b->params, jobs, k);
        p->due_ns = 0;
        p->dropped = p->full = 0;
        p->pending = NULL;
        p->kept = NULL;
        p->n_full_records = 0;
        pn_store_rlx(&p->halves, 0); /* relaxed: its task starts below */
        pn_store_rel(&p->finished, 0);
    }
    for (uint64_t k = 0; rc == 0 && k < b->params->producers; k++) {
        struct pn_producer *p = &b->producers[k];
        if (is_thread(b)) {
            rc = -pthread_create(&p->thread, NULL, producer_thread, p);
        } else {
            p->task.run = b->params->pattern == PN_PATTERN_NONE ? producer_task : chain_task;
            pn_task_send(b->rt, (unsigned)(k % b->n_cores), &p->task);
        }
        if (rc != 0) {
            pn_store_rel(&b->stop, 1);
            for (uint64_t j = k; j < b->params->producers; j++) {
                b->producers[j].thread = 0;
                pn_store_rel(&b->producers[j].finished, 1);
            }
        }
    }
    return rc;
}

bool pn_producers_finished(const struct pn_bench *b) {
    for (uint64_t k = 0; k < b->params->producers; k++) {
        if (pn_load_acq(&b->producers[k].finished) == 0) {
            return false;
        }
    }
    return true;
}

void pn_producers_join(struct pn_bench *b, bool complete) {
    while (complete && !pn_producers_finished(b)) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
    }
    for (uint64_t k = 0; k < b->params->producers; k++) {
        struct pn_producer *p = &b->producers[k];
        if (is_thread(b) && p->thread != 0) {
            (void)pthread_join(p->thread, NULL);
            p->thread = 0;
        }
    }
}
