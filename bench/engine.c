/* SPDX-License-Identifier: MIT
 *
 * A run: runtime and design are made once, then a warm-up round that is thrown away, then the
 * measured round, in the same process with the same threads and memory.
 */
#include "engine.h"
#include "actor_heap.h"

#include <errno.h>
#include <pinion/clock.h>
#include <pinion/generator.h>
#include <pinion/reclaim.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* REDUCTIONS: a BEAM process's slice. */
enum { SAMPLES = 20000, REDUCTIONS = 4000 };

/* Two engines: a queue that all take from, and mailboxes. Every other property is a switch of
 * both; so a design is its properties, and its name only says which. */
static const struct pn_design *find_design(const struct pn_properties *p) {
    bool queue = p->value[PN_PROPERTY_ROUTE] == PN_ROUTE_QUEUE;
    const char *name = queue ? "shared" : "mailbox";
    const struct pn_design *const *d = pn_designs;
    while (strcmp((*d)->name, name) != 0) {
        d++;
    }
    return *d;
}

bool pn_design_known(const char *name) {
    struct pn_properties p;
    struct pn_error err;
    char base[16];
    return strcmp(name, "loop") == 0 || pn_properties_parse(name, &p, base, &err) == 0;
}

/* Each core empties its own tally: it is the only one that may write it. */
struct reset {
    struct pn_task task;
    struct pn_bench *bench;
    unsigned core;
    PN_ATOMIC(uint32_t) done;
};

static void reset_tally(struct pn_task *task) {
    struct reset *r = (struct reset *)task;
    if (pn_this_core_id() != r->core) {
        pn_task_send(r->bench->rt, r->core, task); /* stolen on its way */
        return;
    }
    pn_tally_reset(&r->bench->tallies[pn_this_core_id()], r->bench->params);
    pn_store_rel(&r->done, 1);
}

static int reset_tallies(struct pn_bench *b) {
    struct reset *resets = calloc(b->n_cores, sizeof *resets);
    if (resets == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < b->n_cores; i++) {
        resets[i].task.run = reset_tally;
        resets[i].bench = b;
        resets[i].core = i;
        pn_task_send(b->rt, i, &resets[i].task);
        while (pn_load_acq(&resets[i].done) == 0) {
            (void)nanosleep(&(struct timespec){.tv_nsec = 20000}, NULL);
        }
    }
    free(resets);
    return 0;
}

static int play(struct pn_bench *b, uint64_t jobs, struct pn_watch *w) {
    int rc = reset_tallies(b);
    if (rc != 0) {
        return rc;
    }
    /* Only now: every core has passed through its reset, so none is still at the end of a job of
     * the round before, reading this. */
    b->round.log = w->log ? pn_event_log : NULL;
    b->round.log_context = b;
    b->round.params = b->params;
    b->round.counted = b->properties.value[PN_PROPERTY_REDS] == PN_REDS_4000;
    b->round.slice_units = b->round.counted ? REDUCTIONS : b->design->slice_units;
    b->round.heaps = b->heaps;
    for (uint64_t k = 0; b->heaps != NULL && k < b->params->workers; k++) {
        b->heaps[k].collections = 0; /* of this round, as the tallies */
    }
    b->round.ended = b->params->pattern == PN_PATTERN_NONE ? NULL : pn_chain_goes_on;
    b->round.ended_context = b;
    b->round.user = b->user.library == NULL ? NULL : &b->user;
    b->round.jobs = jobs;
    b->round.collected = b->params->collector == PN_COLLECTOR_SHARED ? &b->collected : NULL;
    pn_store_rlx(&b->collected.done, 0); /* relaxed: before the producers start */
    pn_store_rlx(&b->collected.checksum, 0);
    b->round.sample_every = jobs / SAMPLES > 0 ? jobs / SAMPLES : 1;
    pn_store_rel(&b->stop, 0);
    *w = (struct pn_watch){.log = w->log};
    w->cpu0_ns = pn_process_cpu_ns();
    w->t0_ns = b->round.start_ns = pn_now_ns();
    b->round.failure = b->measured ? b->failure : NULL;
    pn_recovery_begin(&b->recovery, b->params, w->t0_ns);
    rc = pn_producers_start(b, jobs);
    if (rc == 0) {
        pn_collect(b, jobs, w);
    }
    pn_producers_join(b, rc == 0 && !w->failed && !w->interrupted);
    return rc;
}

static void fill_sums(struct pn_bench *b, struct pn_outcome *out) {
    uint64_t *min = &out->worker_min_jobs;
    *min = UINT64_MAX;
    for (uint64_t w = 0; w < b->params->workers; w++) {
        uint64_t n = 0;
        for (unsigned i = 0; i < b->n_cores; i++) {
            n += b->tallies[i].worker_jobs[w];
        }
        *min = n < *min ? n : *min;
        out->worker_max_jobs = n > out->worker_max_jobs ? n : out->worker_max_jobs;
    }
    uint64_t slept_ns = 0;
    uint64_t slept = 0;
    for (unsigned i = 0; i < b->n_cores; i++) {
        const struct pn_tally *t = &b->tallies[i];
        out->done += t->done;
        out->lost += t->lost;
        out->checksum += t->checksum;
        slept_ns += t->slept_ns;
        slept += t->slept;
        out->restarts += t->restarts;
        out->yields += t->yields;
        out->queue_locks += out->cores[i].queue_locks;
        pn_histogram_merge(&out->latency, &t->latency);
        pn_histogram_merge(&out->short_latency, &t->short_latency);
        out->core_jobs[i] = t->done;
    }
    out->sleep_mean_ns = slept == 0 ? PN_NONE : slept_ns / slept;
    out->collected = b->round.collected == NULL ? PN_NONE : pn_load_rlx(&b->collected.done);
    for (uint64_t w = 0; b->heaps != NULL && w < b->params->workers; w++) {
        out->collections += b->heaps[w].collections;
    }
    for (uint64_t k = 0; k < b->params->producers; k++) {
        out->dropped += b->producers[k].dropped;
        out->queue_full += b->producers[k].full;
    }
}

/* Usage of the measured round: what is now, less what was before it. */
static void subtract(struct pn_core_usage *now, const struct pn_core_usage *before) {
    now->cpu_ns -= before->cpu_ns;
    now->run_delay_ns -= before->run_delay_ns;
    now->spin_ns -= before->spin_ns;
    now->sleep_ns -= before->sleep_ns;
    now->voluntary_switches -= before->voluntary_switches;
    now->involuntary_switches -= before->involuntary_switches;
    now->faults -= before->faults;
    now->syscalls -= before->syscalls;
    now->queue_locks -= before->queue_locks;
    now->steals -= before->steals;
    now->wakes -= before->wakes;
}

struct helper_threads {
    uint64_t reclaimer, collector;
};

/* The collector is the calling thread. */
static struct helper_threads look_at_helpers(const struct pn_bench *b) {
    struct pn_reclaimer_counts counts;
    pn_reclaimer_counts(pn_runtime_reclaimer(b->rt), &counts);
    return (struct helper_threads){pn_thread_voluntary_switches(counts.tid),
                                   pn_thread_voluntary_switches((int)syscall(SYS_gettid))};
}

static uint64_t since(uint64_t now, uint64_t before) {
    return now == UINT64_MAX || before == UINT64_MAX ? PN_NONE : now - before;
}

static void fill_helpers(const struct pn_bench *b, const struct helper_threads *before,
                         struct pn_outcome *out) {
    struct helper_threads now = look_at_helpers(b);
    out->reclaimer_switches = since(now.reclaimer, before->reclaimer);
    out->collector_switches = since(now.collector, before->collector);
}

static void degrade(struct pn_outcome *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void degrade(struct pn_outcome *out, const char *format, ...) {
    if (out->n_degraded < PN_OUTCOME_DEGRADED_MAX) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(out->degraded[out->n_degraded++], sizeof out->degraded[0], format, args);
        va_end(args);
    }
}

static void fill_cores(struct pn_bench *b, const struct pn_core_usage *before,
                       const struct pn_watch *w, struct pn_outcome *out) {
    out->moved = w->moved;
    out->pinned = !w->moved;
    for (unsigned i = 0; i < b->n_cores; i++) {
        (void)pn_runtime_usage(b->rt, i, &out->cores[i]);
        subtract(&out->cores[i], &before[i]);
        out->spin_ns += out->cores[i].spin_ns;
        out->pinned = out->pinned && out->cores[i].pinned;
        out->moved = out->moved || out->cores[i].moved;
    }
    if (out->moved) {
        degrade(out, "a scheduler lost its CPU during the run: its mask was changed");
    }
    out->membind = true;
    for (unsigned i = 0; pn_runtime_degraded(b->rt, i) != NULL; i++) {
        const char *text = pn_runtime_degraded(b->rt, i);
        out->membind = out->membind && strstr(text, "memory not bound") == NULL;
        degrade(out, "%s", text);
    }
}

bool pn_wait_for_go(const struct pn_run_options *o, bool *interrupted) {
    enum { ASK_MS = 100 };
    char line[16];
    (void)fputs("{\"event\":\"ready\",\"schema\":1}\n", o->summary_to);
    (void)fflush(o->summary_to);
    while (poll(&(struct pollfd){.fd = STDIN_FILENO, .events = POLLIN}, 1, ASK_MS) == 0) {
        if (o->interrupted != NULL && o->interrupted()) {
            *interrupted = true;
            return true;
        }
    }
    return fgets(line, sizeof line, stdin) != NULL;
}

static void fill_watch(const struct pn_watch *w, struct pn_outcome *out) {
    out->wall_ns = w->end_ns - w->t0_ns;
    out->cpu_ns = w->cpu_ns;
    out->half1_ns = w->half_ns == 0 ? PN_NONE : w->half_ns - w->t0_ns;
    out->half2_ns = w->half_ns == 0 || w->end_ns < w->half_ns ? PN_NONE : w->end_ns - w->half_ns;
    out->longest_gap_ns = w->longest_gap_ns == 0 ? PN_NONE : w->longest_gap_ns;
    out->failed = w->failed;
    out->interrupted = w->interrupted;
    out->rss_kb = pn_status_kb("VmRSS:");
    out->hwm_kb = pn_status_kb("VmHWM:");
}

/* A warm-up that failed or was interrupted leaves jobs and waiting producers behind: no round can
 * follow it. What it did is not reported as if it were the round's. */
static void forget_warm_up(struct pn_bench *b, struct pn_watch *w) {
    for (unsigned i = 0; i < b->n_cores; i++) {
        pn_tally_reset(&b->tallies[i], b->params);
    }
    for (uint64_t k = 0; k < b->params->producers; k++) {
        b->producers[k].dropped = b->producers[k].full = 0;
    }
    w->end_ns = w->t0_ns;
    w->cpu_ns = w->half_ns = w->longest_gap_ns = 0;
}

static int measure(struct pn_bench *b, struct pn_outcome *out, struct pn_error *err) {
    struct pn_watch w = {0};
    int rc = 0;
    if (b->params->warm > 0) {
        rc = play(b, b->params->warm, &w);
    }
    bool warmed = !w.failed && !w.interrupted;
    if (rc == 0 && warmed && b->options->stdin_go && !pn_wait_for_go(b->options, &w.interrupted)) {
        (void)snprintf(err->text, sizeof err->text, "standard input closed before the go");
        return -EPIPE;
    }
    warmed = warmed && !w.interrupted;
    struct pn_core_usage *before = calloc(b->n_cores, sizeof *before);
    if (before == NULL || rc != 0) {
        free(before);
        return rc != 0 ? rc : -ENOMEM;
    }
    for (unsigned i = 0; i < b->n_cores; i++) {
        (void)pn_runtime_usage(b->rt, i, &before[i]);
    }
    struct helper_threads helpers = look_at_helpers(b);
    w.log = b->params->log != 0 && b->options->events != NULL;
    b->measured = true;
    if (warmed) {
        rc = play(b, b->params->jobs, &w);
    }
    out->jobs = b->params->jobs;
    fill_cores(b, before, &w, out);
    fill_helpers(b, &helpers, out);
    free(before);
    pn_runtime_stop(b->rt);
    if (!warmed) {
        forget_warm_up(b, &w);
    }
    fill_watch(&w, out);
    if (b->params->mem == PN_MEM_LOCAL) {
        pn_runtime_audit(b->rt, &out->audit);
        if (out->audit.error != 0) {
            degrade(out, "placement of memory not audited: %s", strerror(-out->audit.error));
        }
    }
    fill_sums(b, out);
    pn_fill_failure(b, out);
    b->design->report(b, out);
    pn_events_write_records(b);
    return rc;
}

static int prepare_outcome(struct pn_outcome *out, const struct pn_design *design, unsigned cores) {
    memset(out, 0, sizeof *out);
    out->n_cores = cores;
    out->cores = calloc(cores, sizeof *out->cores);
    out->core_jobs = calloc(cores, sizeof *out->core_jobs);
    out->bound = "queue";
    if (design != NULL) {
        out->queue_kind = design->queue_kind;
        out->turn = design->turn;
    }
    return out->cores == NULL || out->core_jobs == NULL ? -ENOMEM : 0;
}

void pn_outcome_fini(struct pn_outcome *out) {
    free(out->cores);
    free(out->core_jobs);
    out->cores = NULL;
    out->core_jobs = NULL;
}

int pn_run(const struct pn_run_options *options, struct pn_outcome *out, struct pn_error *err) {
    struct pn_properties properties;
    char base[16];
    bool loop = strcmp(options->design, "loop") == 0;
    if (!loop && pn_properties_parse(options->design, &properties, base, err) != 0) {
        memset(out, 0, sizeof *out);
        return -EINVAL;
    }
    const struct pn_design *design = loop ? NULL : find_design(&properties);
    int rc = prepare_outcome(out, design, options->plan->n_schedulers);
    if (rc != 0 || loop) {
        return rc != 0 ? rc : pn_run_loop(options, out, err);
    }
    struct pn_bench *b = aligned_alloc(PN_LINE, (sizeof *b + PN_LINE - 1) / PN_LINE * PN_LINE);
    if (b == NULL) {
        return -ENOMEM;
    }
    memset((void *)b, 0, sizeof *b);
    b->options = options;
    b->params = options->params;
    b->design = design;
    b->properties = properties;
    b->copies = properties.value[PN_PROPERTY_COPY] != PN_COPY_NONE;
    out->properties = properties;
    out->payload_mode = b->copies ? "copy" : "reference";
    out->bound = properties.value[PN_PROPERTY_CREDIT] == PN_CREDIT_NONE ? "none" : "queue";
    b->n_cores = options->plan->n_schedulers;
    (void)pthread_mutex_init(&b->events_lock, NULL);
    rc = pn_bench_make(b, err);
    if (rc == 0) {
        rc = measure(b, out, err);
    }
    if (rc == -ENOMEM) {
        (void)snprintf(err->text, sizeof err->text, "%s: no memory", options->design);
    }
    uint64_t wrong = pn_load_rlx(&b->user.wrong); /* relaxed: the schedulers have ended */
    if (rc == 0 && wrong > 0) {
        (void)snprintf(err->text, sizeof err->text,
                       "workload %.120s: %llu sampled results are wrong, by its own verify",
                       options->workload, (unsigned long long)wrong);
        rc = -EBADMSG;
    }
    pn_bench_unmake(b);
    (void)pthread_mutex_destroy(&b->events_lock);
    free(b);
    return rc;
}
