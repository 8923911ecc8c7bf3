/* SPDX-License-Identifier: MIT
 *
 * A running set of schedulers for one test, and waiting with a deadline.
 */
#ifndef SCHED_BED_H
#define SCHED_BED_H

#include "runtime/atomic.h"

#include <pinion/runtime.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct bed {
    struct pn_topology *topo;
    struct pn_plan *plan;
    struct pn_runtime *rt;
};

static inline int bed_start(struct bed *bed, const char *input, unsigned cores, enum pn_idle idle) {
    struct pn_error err = {""};
    struct pn_policy policy = {.max_schedulers = cores};
    memset(bed, 0, sizeof *bed);
    int rc = pn_topology_load(input, &bed->topo, &err);
    if (rc == 0) {
        rc = pn_plan_create(bed->topo, &policy, &bed->plan, &err);
    }
    struct pn_runtime_config config = {.topology = bed->topo, .plan = bed->plan, .idle = idle};
    if (rc == 0) {
        rc = pn_runtime_create(&bed->rt, &config, &err);
    }
    if (rc == 0) {
        rc = pn_runtime_start(bed->rt, &err);
    }
    if (rc != 0) {
        print_error("%s\n", err.text);
    }
    return rc;
}

static inline void bed_end(struct bed *bed) {
    pn_runtime_stop(bed->rt);
    pn_runtime_destroy(bed->rt);
    pn_plan_destroy(bed->plan);
    pn_topology_destroy(bed->topo);
}

/* The alarm ends a program that waits for ever. */
static inline void wait_for(const PN_ATOMIC(uint32_t) * count, uint32_t n) {
    (void)alarm(20);
    while (pn_load_acq(count) < n) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
    (void)alarm(0);
}

static inline void pause_ms(long ms) {
    (void)nanosleep(&(struct timespec){.tv_nsec = ms * 1000000}, NULL);
}

#endif
