/* SPDX-License-Identifier: MIT
 *
 * Making a run's parts and taking them apart: runtime, design, producers, tallies.
 */
#include "actor_heap.h"
#include "engine.h"

#include <errno.h>
#include <pinion/generator.h>
#include <stdlib.h>
#include <string.h>

static void on_idle(void *context, unsigned core) {
    struct pn_bench *b = context;
    pn_tally_stamp(&b->tallies[core]);
}

static int make_bases(struct pn_bench *b) {
    b->round.bases = malloc(b->params->producers * sizeof *b->round.bases);
    if (b->round.bases == NULL) {
        return -ENOMEM;
    }
    for (uint32_t p = 0; p < b->params->producers; p++) {
        b->round.bases[p] = pn_job_base((uint32_t)b->params->seed, p);
    }
    return 0;
}

static int make_tallies(struct pn_bench *b) {
    size_t bytes = b->n_cores * sizeof *b->tallies;
    b->tallies = aligned_alloc(PN_LINE, bytes);
    if (b->tallies == NULL) {
        return -ENOMEM;
    }
    memset(b->tallies, 0, bytes);
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < b->n_cores; i++) {
        rc = pn_tally_init(&b->tallies[i], b->params, b->options->events != NULL);
    }
    return rc;
}

static int make_producers(struct pn_bench *b) {
    size_t bytes = b->params->producers * sizeof *b->producers;
    b->producers = aligned_alloc(PN_LINE, bytes);
    size_t homes = b->n_cores + b->params->producers;
    b->unknown_near = malloc(homes);
    if (b->producers == NULL || b->unknown_near == NULL) {
        return -ENOMEM;
    }
    memset((void *)b->producers, 0, bytes);
    memset(b->unknown_near, PN_NEAR_UNKNOWN, homes);
    int rc = 0;
    bool threads = b->params->producers_as == PN_PRODUCERS_THREAD;
    for (uint64_t k = 0; rc == 0 && k < b->params->producers; k++) {
        struct pn_producer *p = &b->producers[k];
        p->bench = b;
        if (b->options->events != NULL) {
            p->full_records = malloc(PN_FULL_RECORDS_MAX * sizeof *p->full_records);
        }
        if (threads) {
            struct pn_arena_config config = {.policy = (enum pn_mem_policy)b->params->mem,
                                             .node.id = -1,
                                             .home = b->n_cores + (unsigned)k,
                                             .near = b->unknown_near,
                                             .n_homes = (unsigned)homes};
            rc = pn_arena_create(&p->arena, &config);
        }
    }
    return rc;
}

static struct pn_variant variant_of(const struct pn_bench *b) {
    const unsigned *is = b->properties.value;
    return (struct pn_variant){
        .locked_runq = is[PN_PROPERTY_RQ] == PN_RQ_MUTEX,
        .steal_by_index = is[PN_PROPERTY_STEAL] == PN_STEAL_BY_INDEX,
        .spin_fixed = is[PN_PROPERTY_IDLE] == PN_IDLE_FUTEX,
        .free_batch = is[PN_PROPERTY_FREE] == PN_FREE_DELAYED ? 1 : 0,
    };
}

static int make_heaps(struct pn_bench *b) {
    if (b->properties.value[PN_PROPERTY_HEAP] != PN_HEAP_ACTOR) {
        return 0;
    }
    size_t bytes = b->params->workers * sizeof *b->heaps;
    b->heaps = aligned_alloc(PN_LINE, bytes);
    if (b->heaps == NULL) {
        return -ENOMEM;
    }
    memset(b->heaps, 0, bytes);
    return 0;
}

int pn_bench_make(struct pn_bench *b, struct pn_error *err) {
    const unsigned *is = b->properties.value;
    struct pn_runtime_config config = {
        .topology = b->options->topology,
        .plan = b->options->plan,
        .steal = is[PN_PROPERTY_STEAL] == PN_STEAL_BY_NOBODY ? PN_STEAL_OFF : PN_STEAL_MACHINE,
        .variant = variant_of(b),
        .idle = b->options->idle,
        .mem = (enum pn_mem_policy)b->params->mem,
        .on_idle = on_idle,
        .context = b};
    int rc = b->options->workload == NULL ? 0
                                          : pn_user_workload_open(&b->user, b->options->workload,
                                                                  (uint32_t)b->params->seed, err);
    if (rc == 0) {
        rc = pn_runtime_create(&b->rt, &config, err);
    }
    if (rc != 0) {
        return rc;
    }
    rc = make_bases(b);
    if (rc == 0) {
        rc = make_tallies(b);
    }
    if (rc == 0) {
        rc = make_heaps(b);
    }
    if (rc == 0) {
        rc = make_producers(b);
    }
    if (rc == 0) {
        rc = pn_intensity_create(&b->intensity, b->params->restarts_max,
                                 b->params->restarts_period_ms * 1000000);
    }
    if (rc == 0 && b->params->fail_at_ms > 0) {
        rc = pn_failure_create(&b->failure, b->params);
    }
    if (rc == 0) {
        rc = b->design->create(b);
    }
    for (uint64_t k = 0;
         rc == 0 && b->params->producers_as == PN_PRODUCERS_THREAD && k < b->params->producers;
         k++) {
        rc = b->design->open_lane(&b->producers[k]);
    }
    if (rc != 0) {
        (void)snprintf(err->text, sizeof err->text, "%s: %s", b->design->name, strerror(-rc));
        return rc;
    }
    return pn_runtime_start(b->rt, err);
}

void pn_bench_unmake(struct pn_bench *b) {
    if (b->rt != NULL) {
        pn_runtime_stop(b->rt);
    }
    if (b->design_state != NULL) {
        b->design->destroy(b);
    }
    pn_runtime_destroy(b->rt);
    for (uint64_t k = 0; b->producers != NULL && k < b->params->producers; k++) {
        free(b->producers[k].full_records);
        pn_arena_destroy(b->producers[k].arena);
    }
    for (unsigned i = 0; b->tallies != NULL && i < b->n_cores; i++) {
        pn_tally_fini(&b->tallies[i]);
    }
    pn_failure_destroy(b->failure);
    pn_intensity_destroy(b->intensity);
    free(b->producers);
    free(b->unknown_near);
    free(b->tallies);
    free(b->round.bases);
    pn_user_workload_close(&b->user);
    free(b->heaps); /* what they hold went with the arenas */
}
