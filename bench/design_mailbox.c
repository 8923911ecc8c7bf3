/* SPDX-License-Identifier: MIT
 *
 * `mailbox`: an actor per worker, each with a mailbox of its own; the producer picks the actor, and
 * the message is copied into memory that the receiver ends up owning. Same schedulers, timers,
 * arenas and job steps as `shared`; only how jobs get to workers differs.
 *
 * Built to be strong: wait-free intrusive mailboxes, no wake-up while an actor is scheduled,
 * batches per slice, room signalled when half is free, blocks returned home in batches. A crash
 * drops the actor's state, not its mailbox (BEAM loses it): so both designs lose the same jobs.
 */
#include "engine.h"

#include <errno.h>
#include <pinion/clock.h>
#include <pinion/generator.h>
#include <pinion/mailbox.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Messages of one actor before the next has its turn; actors that a full producer tries. */
enum { TURN = 16, TRIES = 8, STATE_BYTES = 64 };

/* Lines of its own, as its neighbour may run on another core. */
struct actor {
    _Alignas(PN_LINE) struct pn_task task;
    struct pn_bench *bench;
    struct pn_mailbox *box;
    struct pn_mail blow; /* a message that only wakes it, to find that it is dead */
    struct pn_job *job;  /* asleep with it */
    bool away;           /* asleep, or not up yet */
    bool unfinished;     /* its job made way for others */
    uint64_t id, slept_from_ns;
    PN_ATOMIC(uint32_t) core;        /* where it is sent to */
    uint64_t state[STATE_BYTES / 8]; /* what a crash drops */
};

struct sender {
    _Alignas(PN_LINE) struct pn_mail_waiter waiter;
    uint64_t next; /* round robin */
    uint32_t random;
    struct actor *full; /* whose room to wait for */
};

struct mailboxes {
    struct actor *actors;
    struct sender *senders;
    uint64_t capacity;
    unsigned give_back_every; /* messages */
    unsigned route;           /* M1 */
    bool locked;              /* M2 */
    bool migrate;             /* M9: an actor stays where it ran last */
};

static struct mailboxes *state_of(const struct pn_bench *b) {
    return b->design_state;
}

static void go_away(struct actor *a, uint64_t ns) {
    a->away = true;
    pn_task_sleep(&a->task, ns);
}

/* One for one, on the spot: under supervise=tree the supervisor's books, under loop the actor's own
 * loop. Both are a call here, and a successor keeps its predecessor's mailbox.
 * \return false if there is none yet */
static bool died(struct actor *a, uint64_t wait_ns) {
    uint64_t crashed_ns = pn_now_ns();
    memset(a->state, 0, sizeof a->state);
    pn_restart_in_place(a->bench, a->id, crashed_ns);
    if (wait_ns > 0) {
        go_away(a, wait_ns);
    }
    return wait_ns == 0;
}

static uint64_t wait_of(const struct actor *a) {
    struct pn_failure *f = a->bench->round.failure;
    return f == NULL ? 0 : pn_failure_died(f, a->id);
}

/* What the job's steps have answered. \return false if the actor is away now */
static bool settle(struct actor *a, struct pn_job *job, enum pn_job_rc rc, uint64_t sleep_ns) {
    struct pn_bench *b = a->bench;
    a->unfinished = rc == PN_JOB_YIELD;
    if (a->unfinished) {
        a->job = job;
        pn_task_ready(&a->task); /* behind everybody else */
        return false;
    }
    if (rc == PN_JOB_CRASH) {
        return died(a, wait_of(a));
    }
    if (rc != PN_JOB_SLEEP) {
        return true;
    }
    a->job = job;
    a->slept_from_ns = pn_now_ns();
    if (b->round.failure != NULL) {
        sleep_ns = pn_failure_sleep(b->round.failure, a->id, sleep_ns);
    }
    go_away(a, sleep_ns);
    return false;
}

/* \return false if the actor is away now */
static bool receive(struct actor *a, struct pn_mail *mail) {
    struct pn_bench *b = a->bench;
    struct pn_job *job = (struct pn_job *)(void *)((char *)mail - offsetof(struct pn_job, link));
    uint64_t sleep_ns = 0;
    if (mail == &a->blow) {
        return true;
    }
    a->state[0]++;
    enum pn_job_rc rc = pn_job_run(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(), job,
                                   a->id, &sleep_ns);
    return settle(a, job, rc, sleep_ns);
}

static bool go_on(struct actor *a) {
    struct pn_bench *b = a->bench;
    struct pn_job *job = a->job;
    uint64_t sleep_ns = 0;
    a->job = NULL;
    enum pn_job_rc rc = pn_job_go_on(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(),
                                     job, a->id, &sleep_ns);
    return settle(a, job, rc, sleep_ns);
}

/* It was away, and its timer has fired. \return false if it is away again */
static bool come_back(struct actor *a) {
    struct pn_bench *b = a->bench;
    struct pn_tally *tally = &b->tallies[pn_this_core_id()];
    struct pn_job *job = a->job;
    uint64_t ns = 0;
    enum pn_wake wake = PN_WAKE_SLEPT;
    a->away = false;
    if (b->round.failure != NULL) {
        wake = pn_failure_wakes(b->round.failure, a->id, &ns);
    } else {
        ns = pn_now_ns() - a->slept_from_ns;
    }
    if (wake == PN_WAKE_AGAIN) {
        go_away(a, ns);
        return false;
    }
    a->job = NULL;
    if (wake == PN_WAKE_SLEPT) {
        pn_job_finish(&b->round, tally, pn_this_arena(), job, a->id, ns);
        return true;
    }
    if (wake == PN_WAKE_KILLED) {
        pn_job_lose(&b->round, tally, pn_this_arena(), job, a->id);
        return died(a, wait_of(a));
    }
    return wake == PN_WAKE_UP || died(a, ns);
}

/* A turn. Room is given back before the message is worked on: what is in hand does not wait. In
 * batches, so that it costs one write in several messages, but never more than an eighth of the
 * mailbox: a small one has to show its room at once. */
static void serve(struct actor *a) {
    struct pn_runtime *rt = a->bench->rt;
    unsigned every = state_of(a->bench)->give_back_every;
    bool locked = state_of(a->bench)->locked;
    unsigned owed = 0;
    struct pn_mail *mail;
    for (unsigned taken = 0; taken < TURN && !pn_slice_over(); taken++) {
        bool some = (locked ? pn_mailbox_pop_locked(a->box, &mail)
                            : pn_mailbox_pop(a->box, &mail)) == PN_QUEUE_OK;
        owed += some;
        if (owed > 0 && (owed >= every || !some)) {
            pn_mailbox_took(a->box, rt, owed);
            owed = 0;
        }
        if (!some) {
            if (!(locked ? pn_mailbox_rest_locked(a->box) : pn_mailbox_rest(a->box))) {
                pn_task_ready(&a->task);
            }
            return;
        }
        if (!receive(a, mail)) {
            if (owed > 0) {
                pn_mailbox_took(a->box, rt, owed);
            }
            return;
        }
    }
    if (owed > 0) {
        pn_mailbox_took(a->box, rt, owed);
    }
    pn_task_ready(&a->task);
}

static void actor_run(struct pn_task *task) {
    struct actor *a = (struct actor *)(void *)task;
    struct pn_bench *b = a->bench;
    if (state_of(b)->migrate) {
        pn_store_rlx(&a->core, pn_this_core_id()); /* relaxed: where to send it, a guess */
    }
    bool here = a->unfinished ? go_on(a) : !a->away || come_back(a);
    if (here && b->round.failure != NULL && pn_failure_dies(b->round.failure, a->id)) {
        here = died(a, wait_of(a));
    }
    if (!here) {
        return;
    }
    serve(a);
}

static unsigned core_of(const struct pn_bench *b, uint64_t worker) {
    return pn_load_rlx(&state_of(b)->actors[worker].core); /* relaxed: fixed, or a guess */
}

/* An actor whose mailbox is full is not idle: it comes by without being told. */
static void deliver(struct pn_bench *b) {
    for (uint64_t w = 0; w < b->params->workers; w++) {
        struct actor *a = &state_of(b)->actors[w];
        bool idle = false;
        enum pn_queue_rc rc = state_of(b)->locked ? pn_mailbox_push_locked(a->box, &a->blow, &idle)
                                                  : pn_mailbox_push(a->box, &a->blow, &idle);
        if (rc == PN_QUEUE_OK && idle) {
            pn_task_send(b->rt, pn_load_rlx(&a->core), &a->task); /* relaxed: as above */
        }
    }
}

/* Whom a sender tries first: the next; anyone; of any two the one with less to do. */
static __attribute__((noinline)) uint64_t choose(const struct mailboxes *m, struct sender *s,
                                                 uint64_t workers) {
    s->random = pn_round(s->random);
    uint64_t one = pn_mix(s->random) % workers;
    if (m->route == PN_ROUTE_RANDOM) {
        return one;
    }
    uint64_t two = pn_mix(s->random + 1) % workers;
    return pn_mailbox_length(m->actors[one].box) <= pn_mailbox_length(m->actors[two].box) ? one
                                                                                          : two;
}

/* pattern: the actor that a chain's job is for. */
static __attribute__((noinline)) uint64_t partner(const struct pn_producer *p,
                                                  const struct pn_job *job) {
    const struct pn_params *params = p->bench->params;
    if (params->pattern == PN_PATTERN_PINGPONG) {
        return 2 * (uint64_t)p->p + job->i % 2;
    }
    uint32_t key = pn_job_key(p->bench->round.bases[p->p], job->i);
    return job->i % 2 == 1 ? p->p
                           : pn_job_pick(key, PN_DRAW_PARTNER, 0, (uint32_t)params->workers - 1);
}

/* To the next actor that has room; after TRIES full ones, the first of them is waited for. */
static enum pn_queue_rc send(struct pn_producer *p, struct pn_job *job) {
    struct mailboxes *m = state_of(p->bench);
    struct sender *s = &m->senders[p->p];
    uint64_t workers = p->bench->params->workers;
    if (pn_load_acq(&p->bench->too_many_restarts) != 0) {
        return PN_QUEUE_CLOSED;
    }
    unsigned tries = workers < TRIES ? (unsigned)workers : TRIES;
    bool chained = p->bench->params->pattern != PN_PATTERN_NONE;
    tries = chained ? 1 : tries;
    uint64_t first = chained                   ? partner(p, job)
                     : m->route == PN_ROUTE_RR ? s->next
                                               : choose(m, s, workers);
    for (unsigned k = 0; k < tries; k++) {
        struct actor *a = &m->actors[(first + k) % workers];
        bool idle = false;
        struct pn_mail *mail = (struct pn_mail *)&job->link;
        enum pn_queue_rc rc = m->locked ? pn_mailbox_push_locked(a->box, mail, &idle)
                                        : pn_mailbox_push(a->box, mail, &idle);
        if (rc == PN_QUEUE_OK) {
            s->next = (first + k + 1) % workers;
            if (idle) {
                unsigned home = pn_load_rlx(&a->core); /* relaxed: as above */
                if (pn_this_core_id() == home) {
                    pn_task_ready(&a->task);
                } else {
                    pn_task_send(p->bench->rt, home, &a->task);
                }
            }
            return PN_QUEUE_OK;
        }
        if (k == 0) {
            s->full = a;
        }
    }
    return PN_QUEUE_FULL;
}

/* An item of several jobs: each goes its own way; what did not fit stays with the producer. */
static enum pn_queue_rc submit(struct pn_producer *p, struct pn_job *jobs, unsigned n) {
    for (unsigned k = 0; k < n; k++) {
        struct pn_job *next = (struct pn_job *)jobs->link.next;
        enum pn_queue_rc rc = send(p, jobs);
        if (rc != PN_QUEUE_OK) {
            /* The message is untouched; those before it are gone for good. */
            jobs->link.next = next == NULL ? NULL : &next->link;
            p->next_i += k;
            p->pending = jobs;
            p->pending_n = n - k;
            return rc;
        }
        jobs = next;
    }
    return PN_QUEUE_OK;
}

static void wait_room(struct pn_producer *p) {
    struct sender *s = &state_of(p->bench)->senders[p->p];
    s->waiter.task = &p->task;
    s->waiter.core = pn_this_core_id();
    pn_mailbox_wait_room(s->full->box, p->bench->rt, &s->waiter);
}

static void wait_room_foreign(struct pn_producer *p) {
    pn_mailbox_wait_room_foreign(state_of(p->bench)->senders[p->p].full->box,
                                 p->bench->options->idle == PN_IDLE_SPIN);
}

static int open_lane(struct pn_producer *p) {
    (void)p;
    return 0;
}

static void rest_lane(struct pn_producer *p) {
    (void)p;
}

static int create_actors(struct pn_bench *b, struct mailboxes *m) {
    const struct pn_params *p = b->params;
    uint64_t bound = pn_bench_bound(b);
    enum pn_mailbox_kind kind = b->properties.value[PN_PROPERTY_MBOX] == PN_MBOX_LOCKED
                                    ? PN_MAILBOX_LOCKED
                                    : PN_MAILBOX_LIST;
    m->locked = kind == PN_MAILBOX_LOCKED;
    m->route = b->properties.value[PN_PROPERTY_ROUTE];
    m->migrate = b->properties.value[PN_PROPERTY_MIGRATE] == PN_MIGRATE_FREE;
    m->capacity = bound / p->workers > 0 ? bound / p->workers : 1;
    m->give_back_every = m->capacity < 16    ? 1
                         : m->capacity < 128 ? (unsigned)m->capacity / 8
                                             : TURN;
    int rc = 0;
    for (uint64_t w = 0; rc == 0 && w < p->workers; w++) {
        struct actor *a = &m->actors[w];
        a->task.run = actor_run;
        a->bench = b;
        a->id = w;
        pn_atomic_init(&a->core, (uint32_t)(w % b->n_cores));
        rc = pn_mailbox_create(&a->box, kind, m->capacity);
    }
    for (uint64_t k = 0; k < p->producers; k++) {
        /* Spread, so that producers that start together do not meet. */
        m->senders[k].next = k * p->workers / p->producers;
        m->senders[k].random = (uint32_t)k;
    }
    return rc;
}

static void *make_zeroed(size_t bytes) {
    void *memory = aligned_alloc(PN_LINE, bytes);
    if (memory != NULL) {
        memset(memory, 0, bytes);
    }
    return memory;
}

static int create(struct pn_bench *b) {
    struct mailboxes *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return -ENOMEM;
    }
    b->design_state = m;
    m->actors = make_zeroed(b->params->workers * sizeof *m->actors);
    m->senders = make_zeroed(b->params->producers * sizeof *m->senders);
    return m->actors == NULL || m->senders == NULL ? -ENOMEM : create_actors(b, m);
}

static void destroy(struct pn_bench *b) {
    struct mailboxes *m = state_of(b);
    for (uint64_t w = 0; m->actors != NULL && w < b->params->workers; w++) {
        pn_mailbox_destroy(m->actors[w].box);
    }
    free(m->actors);
    free(m->senders);
    free(m);
    b->design_state = NULL;
}

static void report(const struct pn_bench *b, struct pn_outcome *out) {
    bool bounded = b->properties.value[PN_PROPERTY_CREDIT] == PN_CREDIT_BOUND;
    out->queue_effective = bounded ? state_of(b)->capacity * b->params->workers : PN_NONE;
    out->shards = b->params->workers;
    out->segments_retired = PN_NONE;
    out->segments_recycled = PN_NONE;
}

static bool failed(const struct pn_bench *b) {
    return pn_load_acq(&b->too_many_restarts) != 0;
}

const struct pn_design pn_design_mailbox = {.name = "mailbox",
                                            .queue_kind = "mailbox",
                                            .turn = TURN,
                                            .create = create,
                                            .destroy = destroy,
                                            .submit = submit,
                                            .wait_room = wait_room,
                                            .open_lane = open_lane,
                                            .rest_lane = rest_lane,
                                            .submit_foreign = submit,
                                            .wait_room_foreign = wait_room_foreign,
                                            .core_of = core_of,
                                            .deliver = deliver,
                                            .report = report,
                                            .failed = failed};
