/* SPDX-License-Identifier: MIT
 *
 * One run of a design, and the same jobs one after another without any runtime.
 */
#ifndef PN_TESTS_RUN_DESIGN_H
#define PN_TESTS_RUN_DESIGN_H

#include <pinion/generator.h>
#include <pinion/outcome.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct bed {
    struct pn_topology *topo;
    struct pn_plan *plan;
};

/* NULL: this machine; else a synthetic one, whose schedulers then float over the CPUs there are. */
static inline void bed_make(struct bed *bed, const char *input) {
    struct pn_error err = {""};
    struct pn_policy policy = {0};
    int rc = pn_topology_load(input, &bed->topo, &err);
    if (rc == 0) {
        rc = pn_plan_create(bed->topo, &policy, &bed->plan, &err);
    }
    if (rc != 0) {
        print_error("%s\n", err.text);
    }
    assert_int_equal(rc, 0);
}

static inline void bed_unmake(struct bed *bed) {
    pn_plan_destroy(bed->plan);
    pn_topology_destroy(bed->topo);
}

static inline void set_params(struct pn_params *p, const char *assignments) {
    char text[1024];
    char *rest = NULL;
    struct pn_error err = {""};
    pn_params_init(p);
    (void)snprintf(text, sizeof text, "%s", assignments);
    for (char *one = strtok_r(text, " ", &rest); one != NULL; one = strtok_r(NULL, " ", &rest)) {
        if (pn_params_set(p, one, &err) != 0) {
            print_error("%s\n", err.text);
            fail();
        }
    }
    if (pn_params_check(p, &err) != 0) {
        print_error("%s\n", err.text);
        fail();
    }
}

/* The schema, step by step, without a runtime. */
struct reference {
    uint64_t done, lost, checksum;
};

static inline uint32_t reference_payload(uint32_t key, uint64_t bytes) {
    uint32_t word = pn_mix(key + PN_DRAW_PAYLOAD);
    uint32_t sum = 0;
    for (uint64_t at = 0; at < bytes; at += 4096) {
        sum += word;
    }
    return bytes == 0 ? 0 : sum + word;
}

static inline struct reference reference_run(const struct pn_params *p) {
    struct reference r = {0};
    for (uint64_t k = 0; k < p->producers; k++) {
        uint32_t base = pn_mix((uint32_t)p->seed + (uint32_t)k * 0x632BE5u);
        uint64_t n = p->jobs / p->producers + (k < p->jobs % p->producers ? 1 : 0);
        for (uint64_t i = 0; i < n; i++) {
            uint32_t key = pn_mix(base + (uint32_t)i * 0x1F123BB5u);
            if (pn_mix(key + 2) % 1000000 < p->crash_ppm) {
                r.lost++;
                continue;
            }
            uint64_t units = p->wlo + pn_mix(key + 3) % (p->whi - p->wlo + 1);
            if (pn_mix(key + 7) % 1000000 < p->greedy_ppm) {
                units = p->greedy_units;
            }
            uint32_t x = key + reference_payload(key, p->payload);
            for (uint64_t u = 0; u < units; u++) {
                x = (uint32_t)((uint64_t)(x ^ (x >> 15)) * 0x2545F49u + 0x9E3779B9u);
            }
            r.done++;
            r.checksum += x;
        }
    }
    return r;
}

/* A hang says which run it was before the alarm ends the program. */
static inline void run_with(const struct bed *bed, const char *design, const struct pn_params *p,
                            enum pn_idle idle, struct pn_outcome *out) {
    struct pn_error err = {""};
    struct pn_run_options options = {.design = design,
                                     .params = p,
                                     .topology = bed->topo,
                                     .plan = bed->plan,
                                     .idle = idle,
                                     .summary_to = stdout};
    (void)alarm(40);
    int rc = pn_run(&options, out, &err);
    (void)alarm(0);
    if (rc != 0) {
        print_error("%s: %s\n", design, err.text);
    }
    assert_int_equal(rc, 0);
}

#endif
