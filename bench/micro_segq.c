/* SPDX-License-Identifier: MIT
 *
 * The shared queue, which only schedulers may hold: the same two measurements as in micro_queue.c,
 * made by tasks on a runtime of one or two schedulers. Bounded by credit like the design `shared`;
 * segments are retired and recycled as in a run. Measured with it: the scheduler's loop once in
 * CHUNK items, and up to 50 us until the end is noticed.
 */
#include "micro.h"
#include "runtime/atomic.h"

#include <pinion/runtime.h>
#include <pinion/segq.h>
#include <stdlib.h>
#include <time.h>

enum { CAPACITY = 1024, CHUNK = 1024 };

struct bed {
    struct pn_topology *topology;
    struct pn_plan *plan;
    struct pn_runtime *rt;
    struct pn_segq *queue;
};

/* One side of the stream, or both. */
struct side {
    struct pn_task task;
    struct pn_segq *queue;
    struct pn_segq_port *port;
    bool sends, receives;
    uint64_t n, sent, received, sum;
    PN_ATOMIC(uint32_t) done;
};

static void go_on(struct pn_task *task) {
    struct side *s = (struct side *)task;
    void *item = NULL;
    if (s->port == NULL && pn_segq_port_open(s->queue, &s->port) != 0) {
        s->n = 0; /* no memory: the sum will say so */
    }
    for (unsigned k = 0; k < CHUNK && s->n > 0; k++) {
        if (s->sends && s->sent < s->n &&
            pn_segq_push(s->port, (void *)(uintptr_t)(8 * (s->sent + 1))) == PN_QUEUE_OK) {
            s->sent++;
        }
        if (s->receives && s->received < s->n && pn_segq_pop(s->port, &item) == PN_QUEUE_OK) {
            s->received++;
            s->sum += (uint64_t)(uintptr_t)item / 8;
        }
    }
    if ((s->sends && s->sent < s->n) || (s->receives && s->received < s->n)) {
        pn_task_ready(task);
        return;
    }
    if (s->port != NULL) {
        pn_segq_port_close(s->port);
    }
    pn_store_rel(&s->done, 1);
}

static void unmake(struct bed *b) {
    if (b->rt != NULL) {
        pn_runtime_stop(b->rt);
    }
    pn_segq_destroy(b->queue);
    pn_runtime_destroy(b->rt);
    pn_plan_destroy(b->plan);
    pn_topology_destroy(b->topology);
}

static int make(struct bed *b, unsigned cores) {
    struct pn_policy policy = {.max_schedulers = cores};
    struct pn_error err;
    *b = (struct bed){NULL, NULL, NULL, NULL};
    int rc = pn_topology_load(NULL, &b->topology, &err);
    if (rc == 0) {
        rc = pn_plan_create(b->topology, &policy, &b->plan, &err);
    }
    if (rc == 0 && b->plan->n_schedulers < cores) {
        return -1;
    }
    struct pn_runtime_config config = {
        .topology = b->topology, .plan = b->plan, .idle = PN_IDLE_SPIN, .steal = PN_STEAL_OFF};
    if (rc == 0) {
        rc = pn_runtime_create(&b->rt, &config, &err);
    }
    if (rc == 0) {
        struct pn_segq_config queue = {.node.id = -1,
                                       .capacity = CAPACITY,
                                       .max_senders = 1,
                                       .reclaimer = pn_runtime_reclaimer(b->rt)};
        rc = pn_segq_create(&b->queue, &queue);
    }
    return rc != 0 ? rc : pn_runtime_start(b->rt, &err);
}

/* value: schedulers. */
static void run_segq(struct pn_bench_state *state, const struct pn_bench_case *self) {
    unsigned cores = (unsigned)self->value;
    struct bed bed;
    if (make(&bed, cores) != 0) {
        pn_bench_skip(state, "no runtime of so many schedulers here");
        (void)pn_bench_begin(state);
        pn_bench_end(state);
        unmake(&bed);
        return;
    }
    uint64_t n = pn_bench_begin(state);
    struct side sides[2] = {
        {.task.run = go_on, .queue = bed.queue, .sends = true, .receives = cores == 1, .n = n},
        {.task.run = go_on, .queue = bed.queue, .receives = true, .n = n}};
    for (unsigned i = 0; i < cores; i++) {
        pn_task_send(bed.rt, i, &sides[i].task);
    }
    for (unsigned i = 0; i < cores; i++) {
        while (pn_load_acq(&sides[i].done) == 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
    pn_bench_end(state);
    if (sides[cores - 1].sum != n * (n + 1) / 2) {
        pn_bench_fail(state, "what went in did not come out");
    }
    unmake(&bed);
}

static const struct pn_bench_case cases[] = {
    {"queue/push_pop/kind=segq", run_segq, 1, 1, 0},
    {"queue/hand_over/kind=segq", run_segq, 1, 2, 0},
};

const struct pn_micro_table pn_micro_segq = {cases, sizeof cases / sizeof cases[0]};
