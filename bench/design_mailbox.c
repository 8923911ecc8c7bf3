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
#include <pinion/mailbox.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Messages of one actor before the next has its turn; actors that a full producer tries. */
enum { TURN = 16, TRIES = 8, STATE_BYTES = 64 };

struct actor {
    struct pn_task task;
    struct pn_bench *bench;
    struct pn_mailbox *box;
    struct pn_job *job; /* asleep with it */
    uint64_t id, slept_from_ns;
    unsigned core;
    uint64_t state[STATE_BYTES / 8]; /* what a crash drops */
};

struct sender {
    struct pn_mail_waiter waiter;
    uint64_t next;      /* round robin */
    struct actor *full; /* whose room to wait for */
};

struct mailboxes {
    struct actor *actors;
    struct sender *senders;
    PN_ATOMIC(uint32_t) failed;
    uint64_t restart_window_ns, restarts_in_window; /* guarded by lock: a crash is no hot path */
    pthread_mutex_t lock;
    uint64_t capacity;
};

static struct mailboxes *state_of(const struct pn_bench *b) {
    return b->design_state;
}

static void actor_run(struct pn_task *task);

static void supervise(struct actor *a) {
    struct mailboxes *m = state_of(a->bench);
    const struct pn_params *p = a->bench->params;
    uint64_t crashed = pn_now_ns();
    memset(a->state, 0, sizeof a->state);
    (void)pthread_mutex_lock(&m->lock);
    if (crashed - m->restart_window_ns > p->restarts_period_ms * 1000000) {
        m->restart_window_ns = crashed;
        m->restarts_in_window = 0;
    }
    if (++m->restarts_in_window > p->restarts_max) {
        pn_store_rel(&m->failed, 1);
    }
    (void)pthread_mutex_unlock(&m->lock);
    pn_tally_restarted(&a->bench->round, &a->bench->tallies[pn_this_core_id()], a->id,
                       pn_now_ns() - crashed);
}

/* \return false if the actor sleeps now */
static bool receive(struct actor *a, struct pn_mail *mail) {
    struct pn_bench *b = a->bench;
    struct pn_job *jobs = (struct pn_job *)(void *)((char *)mail - offsetof(struct pn_job, link));
    uint64_t sleep_ns = 0;
    a->state[0]++;
    enum pn_job_rc rc = pn_job_run(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(), jobs,
                                   a->id, &sleep_ns);
    if (rc == PN_JOB_CRASH) {
        supervise(a);
    }
    if (rc != PN_JOB_SLEEP) {
        return true;
    }
    a->job = jobs;
    a->slept_from_ns = pn_now_ns();
    pn_task_sleep(&a->task, sleep_ns);
    return false;
}

static void actor_run(struct pn_task *task) {
    struct actor *a = (struct actor *)task;
    struct pn_bench *b = a->bench;
    if (a->job != NULL) {
        struct pn_job *job = a->job;
        a->job = NULL;
        pn_job_finish(&b->round, &b->tallies[pn_this_core_id()], pn_this_arena(), job, a->id,
                      pn_now_ns() - a->slept_from_ns);
    }
    unsigned taken = 0;
    struct pn_mail *mail;
    while (taken < TURN && !pn_slice_over()) {
        if (pn_mailbox_pop(a->box, &mail) != PN_QUEUE_OK) {
            if (taken > 0) {
                pn_mailbox_took(a->box, b->rt, taken);
            }
            if (!pn_mailbox_rest(a->box)) {
                pn_task_ready(task);
            }
            return;
        }
        taken++;
        if (!receive(a, mail)) {
            pn_mailbox_took(a->box, b->rt, taken);
            return;
        }
    }
    if (taken > 0) {
        pn_mailbox_took(a->box, b->rt, taken);
    }
    pn_task_ready(task);
}

/* To the next actor that has room; after TRIES full ones, the first of them is waited for. */
static enum pn_queue_rc send(struct pn_producer *p, struct pn_job *job) {
    struct mailboxes *m = state_of(p->bench);
    struct sender *s = &m->senders[p->p];
    uint64_t workers = p->bench->params->workers;
    if (pn_load_acq(&m->failed) != 0) {
        return PN_QUEUE_CLOSED;
    }
    unsigned tries = workers < TRIES ? (unsigned)workers : TRIES;
    for (unsigned k = 0; k < tries; k++) {
        struct actor *a = &m->actors[(s->next + k) % workers];
        bool idle = false;
        if (pn_mailbox_push(a->box, (struct pn_mail *)&job->link, &idle) == PN_QUEUE_OK) {
            s->next = (s->next + k + 1) % workers;
            if (idle) {
                unsigned here = pn_this_core_id();
                if (here == a->core) {
                    pn_task_ready(&a->task);
                } else {
                    pn_task_send(p->bench->rt, a->core, &a->task);
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
    m->capacity = p->queue / p->workers > 0 ? p->queue / p->workers : 1;
    int rc = 0;
    for (uint64_t w = 0; rc == 0 && w < p->workers; w++) {
        struct actor *a = &m->actors[w];
        a->task.run = actor_run;
        a->bench = b;
        a->id = w;
        a->core = (unsigned)(w % b->n_cores);
        rc = pn_mailbox_create(&a->box, m->capacity);
    }
    for (uint64_t k = 0; k < p->producers; k++) {
        m->senders[k].next = k % p->workers; /* producers do not all start with the same actor */
    }
    return rc;
}

static int create(struct pn_bench *b) {
    struct mailboxes *m = calloc(1, sizeof *m);
    if (m == NULL) {
        return -ENOMEM;
    }
    b->design_state = m;
    (void)pthread_mutex_init(&m->lock, NULL);
    pn_atomic_init(&m->failed, 0);
    m->actors = calloc(b->params->workers, sizeof *m->actors);
    m->senders = calloc(b->params->producers, sizeof *m->senders);
    return m->actors == NULL || m->senders == NULL ? -ENOMEM : create_actors(b, m);
}

static void destroy(struct pn_bench *b) {
    struct mailboxes *m = state_of(b);
    for (uint64_t w = 0; m->actors != NULL && w < b->params->workers; w++) {
        pn_mailbox_destroy(m->actors[w].box);
    }
    free(m->actors);
    free(m->senders);
    (void)pthread_mutex_destroy(&m->lock);
    free(m);
    b->design_state = NULL;
}

static void report(const struct pn_bench *b, struct pn_outcome *out) {
    out->queue_effective = state_of(b)->capacity * b->params->workers;
    out->shards = b->params->workers;
    out->segments_retired = PN_NONE;
    out->segments_recycled = PN_NONE;
}

static bool failed(const struct pn_bench *b) {
    return pn_load_acq(&state_of(b)->failed) != 0;
}

const struct pn_design pn_design_mailbox = {.name = "mailbox",
                                            .queue_kind = "mailbox",
                                            .payload_mode = "copy",
                                            .copies_payload = true,
                                            .turn = TURN,
                                            .create = create,
                                            .destroy = destroy,
                                            .submit = submit,
                                            .wait_room = wait_room,
                                            .open_lane = open_lane,
                                            .rest_lane = rest_lane,
                                            .submit_foreign = submit,
                                            .wait_room_foreign = wait_room_foreign,
                                            .report = report,
                                            .failed = failed};
