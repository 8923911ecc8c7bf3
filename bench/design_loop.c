/* SPDX-License-Identifier: MIT
 *
 * `loop`: whole jobs, made and run by the same thread, one thread pinned to each core, no queue. It
 * is the ceiling that every design is measured against: what these cores do when nothing is handed
 * over. Jobs overlap out of order where they are short, as they do in a design.
 */
#include "engine.h"

#include <errno.h>
#include <pinion/clock.h>
#include <pinion/generator.h>
#include <stdlib.h>
#include <string.h>

/* Jobs between two looks at the clock, and time between two questions whether to end early: asked
 * by the first core, since the calling thread only waits. */
enum { JOBS_PER_LOOK = 64, LONG_JOB_UNITS = 4096, ASK_NS = 100000000 };

struct loop {
    struct pn_tally tally;
    const struct pn_run_options *options;
    const struct pn_round *round;
    pthread_barrier_t *barrier;
    PN_ATOMIC(uint32_t) * stop;
    pthread_t thread;
    uint64_t asked_ns, end_ns, cpu_ns;
    unsigned core, n_cores;
    int error;
    bool pinned, moved;
};

static bool is_stopped(struct loop *l) {
    uint64_t now = l->core == 0 ? pn_now_ns() : 0;
    if (now - l->asked_ns >= ASK_NS && l->core == 0 && l->options->interrupted != NULL) {
        l->asked_ns = now;
        if (l->options->interrupted()) {
            pn_store_rel(l->stop, 1);
        }
    }
    return pn_load_acq(l->stop) != 0;
}

static void run_jobs(struct loop *l, struct pn_arena *arena, uint64_t jobs) {
    const struct pn_params *p = l->options->params;
    uint64_t worker = l->core % p->workers;
    uint64_t done = 0;
    uint64_t per_look = p->whi < LONG_JOB_UNITS ? JOBS_PER_LOOK : 1;
    for (uint64_t producer = l->core % p->producers, step = l->core / p->producers;;) {
        uint64_t end = pn_params_jobs_of(p, jobs, producer);
        uint64_t stride = (l->n_cores + p->producers - 1) / p->producers;
        for (uint64_t i = step; i < end; i += stride) {
            if (done++ % per_look == 0 && is_stopped(l)) {
                return;
            }
            struct pn_job *job =
                pn_job_make(l->round, arena, (uint32_t)producer, (uint32_t)i, false, 0);
            uint64_t sleep_ns = 0;
            if (job == NULL) {
                l->error = -ENOMEM;
                return;
            }
            if (pn_job_run(l->round, &l->tally, arena, job, worker, &sleep_ns) == PN_JOB_SLEEP) {
                pn_job_finish(l->round, &l->tally, arena, job, worker, 0);
            }
        }
        producer += l->n_cores;
        if (producer >= p->producers) {
            return;
        }
    }
}

static void *loop_main(void *arg) {
    struct loop *l = arg;
    const struct pn_plan_scheduler *plan = &l->options->plan->schedulers[l->core];
    const struct pn_topology *topo = l->options->topology;
    l->pinned = pn_pin_self(plan->cpu) == 0;
    struct pn_arena_config config = {.policy = (enum pn_mem_policy)l->options->params->mem,
                                     .node.id = plan->node < 0 ? -1 : topo->nodes[plan->node].os.id,
                                     .home = l->core};
    struct pn_arena *arena = NULL;
    l->error = pn_arena_create(&arena, &config);
    if (l->error == 0) {
        run_jobs(l, arena, l->options->params->warm);
        pn_tally_reset(&l->tally, l->options->params);
    }
    (void)pthread_barrier_wait(l->barrier); /* warm */
    (void)pthread_barrier_wait(l->barrier); /* t0 is set */
    uint64_t cpu0 = pn_thread_cpu_ns();
    if (l->error == 0) {
        run_jobs(l, arena, l->options->params->jobs);
    }
    l->end_ns = pn_now_ns();
    l->cpu_ns = pn_thread_cpu_ns() - cpu0;
    l->moved = l->pinned && pn_pin_check(0, plan->cpu) == -EXDEV;
    pn_arena_destroy(arena);
    return NULL;
}

static int gather(struct loop *loops, unsigned n, uint64_t t0, struct pn_outcome *out) {
    int rc = 0;
    out->pinned = true;
    for (unsigned i = 0; i < n; i++) {
        struct loop *l = &loops[i];
        rc = rc == 0 ? l->error : rc;
        out->done += l->tally.done;
        out->lost += l->tally.lost;
        out->checksum += l->tally.checksum;
        out->cpu_ns += l->cpu_ns;
        uint64_t wall = l->end_ns - t0;
        out->wall_ns = wall > out->wall_ns ? wall : out->wall_ns;
        out->pinned = out->pinned && l->pinned && !l->moved;
        out->moved = out->moved || l->moved;
        out->core_jobs[i] = l->tally.done;
        out->cores[i] = (struct pn_core_usage){.cpu = l->options->plan->schedulers[i].cpu.id,
                                               .node = -1,
                                               .cpu_ns = l->cpu_ns,
                                               .pinned = l->pinned};
    }
    return rc;
}

static void fill_fixed(const struct pn_run_options *o, struct pn_outcome *out) {
    out->jobs = o->params->jobs;
    out->bound = "none";
    out->queue_kind = "none";
    out->payload_mode = "reference";
    out->queue_effective = out->shards = out->turn = PN_NONE;
    out->segments_retired = out->segments_recycled = PN_NONE;
    out->half1_ns = out->half2_ns = out->longest_gap_ns = out->sleep_mean_ns = PN_NONE;
    out->worker_min_jobs = out->worker_max_jobs = PN_NONE;
    out->rss_kb = pn_status_kb("VmRSS:");
    out->hwm_kb = pn_status_kb("VmHWM:");
    out->victims = out->detect_ns = out->restart_ns = out->recovery_ns = PN_NONE;
    out->baseline_per_s = out->rss_recovered_kb = PN_NONE;
    out->collected = PN_NONE;
    out->restarts = PN_NONE; /* nobody restarts: a crash just loses the job */
    out->membind = true;
}

static int spawn_all(struct loop *loops, unsigned n) {
    for (unsigned i = 0; i < n; i++) {
        int rc = pthread_create(&loops[i].thread, NULL, loop_main, &loops[i]);
        if (rc != 0) {
            return -rc;
        }
    }
    return 0;
}

static int check(const struct pn_run_options *o, struct pn_error *err) {
    const struct pn_params *p = o->params;
    const char *why = o->workload != NULL             ? "it knows no workload of your own"
                      : p->fail_at_ms > 0             ? "fail_at_ms needs workers: it has none"
                      : p->pattern != PN_PATTERN_NONE ? "it has no actors for a pattern"
                      : p->collector == PN_COLLECTOR_SHARED ? "it has no collector to share"
                                                            : NULL;
    if (why != NULL) {
        (void)snprintf(err->text, sizeof err->text, "loop: %s", why);
    }
    return why == NULL ? 0 : -EINVAL;
}

int pn_run_loop(const struct pn_run_options *o, struct pn_outcome *out, struct pn_error *err) {
    const struct pn_params *p = o->params;
    unsigned n = o->plan->n_schedulers;
    if (check(o, err) != 0) {
        return -EINVAL;
    }
    struct pn_round round = {.params = p, .jobs = p->jobs, .sample_every = UINT64_MAX};
    round.bases = malloc(p->producers * sizeof *round.bases);
    struct loop *loops = aligned_alloc(PN_LINE, n * sizeof *loops);
    pthread_barrier_t barrier;
    PN_ATOMIC(uint32_t) stop;
    int rc = round.bases == NULL || loops == NULL ? -ENOMEM : 0;
    if (rc == 0) {
        memset(loops, 0, n * sizeof *loops);
        pn_atomic_init(&stop, 0);
        (void)pthread_barrier_init(&barrier, NULL, n + 1);
        for (uint32_t k = 0; k < p->producers; k++) {
            round.bases[k] = pn_job_base((uint32_t)p->seed, k);
        }
    }
    for (unsigned i = 0; rc == 0 && i < n; i++) {
        loops[i] = (struct loop){.options = o,
                                 .round = &round,
                                 .barrier = &barrier,
                                 .stop = &stop,
                                 .core = i,
                                 .n_cores = n};
        rc = pn_tally_init(&loops[i].tally, p, false);
    }
    if (rc == 0) {
        rc = spawn_all(loops, n);
    }
    if (rc != 0) {
        (void)snprintf(err->text, sizeof err->text, "loop: %s", strerror(-rc));
        free(loops);
        free(round.bases);
        return rc;
    }
    (void)pthread_barrier_wait(&barrier);
    bool interrupted = false;
    if (o->stdin_go && pn_wait_for_go(o, &interrupted) && interrupted) {
        pn_store_rel(&stop, 1);
    }
    uint64_t t0 = pn_now_ns();
    (void)pthread_barrier_wait(&barrier);
    for (unsigned i = 0; i < n; i++) {
        (void)pthread_join(loops[i].thread, NULL);
    }
    rc = gather(loops, n, t0, out);
    out->interrupted = pn_load_acq(&stop) != 0;
    fill_fixed(o, out);
    for (unsigned i = 0; i < n; i++) {
        pn_tally_fini(&loops[i].tally);
    }
    (void)pthread_barrier_destroy(&barrier);
    free(loops);
    free(round.bases);
    return rc;
}
