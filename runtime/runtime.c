/* SPDX-License-Identifier: MIT
 *
 * Making, starting and ending a runtime. Everything that a scheduler uses alone it makes itself,
 * pinned, so that first touch places it; what others read is made here, before any thread exists.
 *
 * Orderings
 *   T2  of sched.c: stop raised.
 */
#include "runtime/core.h"
#include "runtime/futex.h"
#include "runtime/membarrier.h"
#include "runtime/watchdog.h"

#include <errno.h>
#include <pinion/reclaim.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longer than a hand-over between two cores (0.1-1 us) and than a producer's pause; shorter than
 * what a futex sleep and wake cost together with the caches that go cold. */
static const uint64_t spin_default_ns = 20000;

void pn_runtime_degrade(struct pn_runtime *rt, const char *format, ...) {
    char text[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    (void)pthread_mutex_lock(&rt->lock);
    char **list = realloc((void *)rt->degraded, (rt->n_degraded + 1) * sizeof *list);
    if (list != NULL) {
        rt->degraded = list;
        list[rt->n_degraded] = strdup(text);
        rt->n_degraded += list[rt->n_degraded] != NULL;
    }
    (void)pthread_mutex_unlock(&rt->lock);
}

const char *pn_runtime_degraded(const struct pn_runtime *rt, unsigned i) {
    struct pn_runtime *locked = (struct pn_runtime *)rt; /* the watchdog may be adding one */
    (void)pthread_mutex_lock(&locked->lock);
    const char *text = i < rt->n_degraded ? rt->degraded[i] : NULL;
    (void)pthread_mutex_unlock(&locked->lock);
    return text;
}

/* Victims in order of distance, within a distance starting behind oneself: neighbours of one victim
 * do not all begin with it. */
static int order_victims(struct pn_runtime *rt, struct pn_core *core) {
    core->near = malloc(rt->n_cores);
    core->victims = malloc(rt->n_cores * sizeof *core->victims);
    if (core->near == NULL || core->victims == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < rt->n_cores; i++) {
        core->near[i] = (uint8_t)pn_plan_near(rt->config.topology, rt->config.plan, core->id, i);
    }
    for (unsigned i = 0; rt->config.variant.steal_by_index && i < rt->n_cores; i++) {
        if (i != core->id) {
            core->victims[core->n_victims++] = i;
        }
    }
    if (rt->config.variant.steal_by_index) {
        return 0;
    }
    for (int near = PN_NEAR_SMT; near <= PN_NEAR_REMOTE; near++) {
        for (unsigned k = 1; k < rt->n_cores; k++) {
            unsigned i = (core->id + k) % rt->n_cores;
            if (core->near[i] == near) {
                core->victims[core->n_victims++] = i;
            }
        }
    }
    return 0;
}

static int create_core(struct pn_runtime *rt, unsigned i) {
    struct pn_core *core = &rt->cores[i];
    core->rt = rt;
    core->id = i;
    core->domain = rt->config.plan->domain_of[i];
    core->spin_ticks = rt->spin_ticks;
    core->stats = pn_stats_block(rt->stats, i);
    pn_atomic_init(&core->inbox, NULL);
    pn_lease_init(&core->lease);
    pn_atomic_init(&core->serves_from, 0);
    pn_atomic_init(&core->stalled, 0);
    pn_atomic_init(&core->rescue_due_ns, 0);
    pn_atomic_init(&core->tid, 0);
    int rc = pn_runq_create(&core->runq);
    if (rc == 0 && rt->config.variant.locked_runq) {
        rc = pn_runq_lock_create(&core->runq_lock);
    }
    return rc == 0 ? order_victims(rt, core) : rc;
}

static int create_inject(struct pn_runtime *rt) {
    rt->n_domains = rt->config.plan->n_domains;
    rt->inject = calloc(rt->n_domains, sizeof(struct pn_segq *));
    if (rt->inject == NULL) {
        return -ENOMEM;
    }
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < rt->n_cores; i++) {
        unsigned d = rt->config.plan->domain_of[i];
        if (rt->inject[d] == NULL) {
            int node = rt->config.plan->schedulers[i].node;
            struct pn_segq_config config = {
                .node.id = node < 0 ? -1 : rt->config.topology->nodes[node].os.id,
                .reclaimer = rt->reclaimer};
            rc = pn_segq_create(&rt->inject[d], &config);
        }
    }
    return rc;
}

/* Where helper threads run: the first housekeeping core, or wherever the kernel likes. */
static struct pn_os_cpu helper_cpu(const struct pn_runtime *rt) {
    const struct pn_plan *plan = rt->config.plan;
    return plan->n_housekeeping > 0 ? plan->housekeeping[0] : (struct pn_os_cpu){-1};
}

static int create_parts(struct pn_runtime *rt) {
    int rc = pn_reclaimer_create(&rt->reclaimer, helper_cpu(rt), 0);
    if (rc == 0) {
        rc = pn_stats_create(&rt->stats, rt->n_cores);
        if (rc == 0 && pn_stats_fd(rt->stats) < 0) {
            pn_runtime_degrade(rt, "no memfd here: statistics cannot be read from outside");
        }
    }
    if (rc == 0) {
        rc = pn_sleepers_init(&rt->sleepers, rt->n_cores);
    }
    if (rc == 0) {
        rc = create_inject(rt);
    }
    if (rc == 0) {
        size_t bytes = rt->n_cores * sizeof *rt->cores;
        rt->cores = aligned_alloc(PN_LINE, bytes);
        rc = rt->cores == NULL ? -ENOMEM : 0;
        if (rc == 0) {
            memset((void *)rt->cores, 0, bytes);
        }
    }
    for (unsigned i = 0; rc == 0 && i < rt->n_cores; i++) {
        rc = create_core(rt, i);
    }
    return rc;
}

int pn_runtime_create(struct pn_runtime **out, const struct pn_runtime_config *config,
                      struct pn_error *err) {
    struct pn_runtime *rt = aligned_alloc(PN_LINE, sizeof *rt);
    if (rt == NULL) {
        return -ENOMEM;
    }
    memset((void *)rt, 0, sizeof *rt);
    rt->config = *config;
    rt->n_cores = config->plan->n_schedulers;
    (void)pthread_mutex_init(&rt->lock, NULL);
    (void)pthread_cond_init(&rt->placed, NULL);
    pn_atomic_init(&rt->stop, 0);
    pn_atomic_init(&rt->n_stalled, 0);
    pn_ticks_calibrate(&rt->ticks);
    rt->membarrier = pn_membarrier_register();
    uint64_t spin_ns = config->spin_ns == 0 ? spin_default_ns : config->spin_ns;
    rt->spin_ticks = (uint64_t)((double)spin_ns * 1e-9 * (double)rt->ticks.per_second);
    rt->away_ticks = (uint64_t)(PN_AWAY_NS * 1e-9 * (double)rt->ticks.per_second);
    rt->slice_ticks = (uint64_t)(PN_SLICE_NS * 1e-9 * (double)rt->ticks.per_second);
    int rc = create_parts(rt);
    if (rc != 0) {
        if (err != NULL) {
            (void)snprintf(err->text, sizeof err->text, "runtime of %u schedulers: %s", rt->n_cores,
                           strerror(-rc));
        }
        pn_runtime_destroy(rt);
        return rc;
    }
    *out = rt;
    return 0;
}

int pn_runtime_start(struct pn_runtime *rt, struct pn_error *err) {
    unsigned made = 0;
    int rc = 0;
    for (; rc == 0 && made < rt->n_cores; made += rc == 0) {
        rc = -pthread_create(&rt->cores[made].thread, NULL, pn_core_main, &rt->cores[made]);
    }
    (void)pthread_mutex_lock(&rt->lock);
    while (rt->n_placed < made) {
        (void)pthread_cond_wait(&rt->placed, &rt->lock);
    }
    (void)pthread_mutex_unlock(&rt->lock);
    for (unsigned i = 0; rc == 0 && i < made; i++) {
        rc = rt->cores[i].start_error;
    }
    if (rc == 0) {
        rc = pn_watchdog_create(&rt->watchdog, rt, helper_cpu(rt));
    }
    rt->started = true;
    rt->n_placed = made;
    if (rc != 0) {
        if (err != NULL) {
            (void)snprintf(err->text, sizeof err->text, "starting schedulers: %s", strerror(-rc));
        }
        pn_runtime_stop(rt);
    }
    return rc;
}

void pn_runtime_stop(struct pn_runtime *rt) {
    if (!rt->started) {
        return;
    }
    pn_watchdog_destroy(rt->watchdog);
    rt->watchdog = NULL;
    /* T2 release: pairs with the loads in sched.c and idle.c. */
    pn_store_rel(&rt->stop, 1);
    for (unsigned i = 0; i < rt->n_placed; i++) {
        (void)pn_sleepers_wake(&rt->sleepers, i);
    }
    for (unsigned i = 0; i < rt->n_placed; i++) {
        (void)pthread_join(rt->cores[i].thread, NULL);
    }
    rt->started = false;
}

static void destroy_cores(struct pn_runtime *rt) {
    for (unsigned i = 0; rt->cores != NULL && i < rt->n_cores; i++) {
        pn_runq_destroy(rt->cores[i].runq);
        pn_runq_lock_destroy(rt->cores[i].runq_lock);
        pn_arena_destroy(rt->cores[i].arena);
        free(rt->cores[i].near);
        free(rt->cores[i].victims);
    }
    free(rt->cores);
}

void pn_runtime_destroy(struct pn_runtime *rt) {
    if (rt == NULL) {
        return;
    }
    destroy_cores(rt);
    for (unsigned d = 0; rt->inject != NULL && d < rt->n_domains; d++) {
        pn_segq_destroy(rt->inject[d]);
    }
    free((void *)rt->inject);
    pn_reclaimer_destroy(rt->reclaimer);
    if (rt->stats != NULL) {
        pn_stats_destroy(rt->stats);
    }
    pn_sleepers_fini(&rt->sleepers);
    for (unsigned i = 0; i < rt->n_degraded; i++) {
        free(rt->degraded[i]);
    }
    free((void *)rt->degraded);
    (void)pthread_cond_destroy(&rt->placed);
    (void)pthread_mutex_destroy(&rt->lock);
    free(rt);
}

unsigned pn_runtime_cores(const struct pn_runtime *rt) {
    return rt->n_cores;
}

struct pn_stats *pn_runtime_stats(struct pn_runtime *rt) {
    return rt->stats;
}

struct pn_reclaimer *pn_runtime_reclaimer(struct pn_runtime *rt) {
    return rt->reclaimer;
}

enum pn_idle pn_runtime_idle(const struct pn_runtime *rt) {
    return rt->config.idle;
}

void pn_poller_register(struct pn_runtime *rt, unsigned core, struct pn_poller *poller) {
    poller->next = rt->cores[core].pollers;
    rt->cores[core].pollers = poller;
}

void pn_runtime_audit(const struct pn_runtime *rt, struct pn_audit *audit) {
    for (unsigned i = 0; i < rt->n_cores; i++) {
        if (rt->cores[i].arena != NULL) {
            pn_arena_audit(rt->cores[i].arena, audit);
        }
    }
}
