/* SPDX-License-Identifier: MIT
 *
 * What a plan promises on any machine whatsoever, for the tests that bring machines.
 */
#ifndef PN_TEST_PROMISES_H
#define PN_TEST_PROMISES_H

#include <pinion/plan.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static inline int core_of(const struct pn_topology *topo, struct pn_os_cpu cpu) {
    for (unsigned c = 0; c < topo->n_cores; c++) {
        for (unsigned k = 0; k < topo->cores[c].n_pus; k++) {
            if (topo->cores[c].pus[k].id == cpu.id) {
                return (int)c;
            }
        }
    }
    return -1;
}

static inline bool is_allowed(const struct pn_topology *topo, struct pn_os_cpu cpu) {
    for (unsigned i = 0; i < topo->n_allowed; i++) {
        if (topo->allowed[i].id == cpu.id) {
            return true;
        }
    }
    return false;
}

/* The core's own node if it has memory, else none with memory is nearer than the chosen one. */
static inline void check_nearest(const char *input, const struct pn_topology *topo, int core) {
    int home = topo->cores[core].home;
    int node = topo->cores[core].node;
    if (node < 0 || !topo->nodes[node].memory_known) {
        return;
    }
    assert_true(topo->nodes[node].memory_bytes > 0);
    bool allowed = topo->nodes[node].allowed; /* false only where no node with memory is */
    if (home >= 0 && topo->nodes[home].memory_bytes > 0 && topo->nodes[home].allowed) {
        assert_int_equal(home, node);
        return;
    }
    unsigned chosen = pn_topology_distance(topo, home, node);
    for (unsigned i = 0; chosen > 0 && i < topo->n_nodes; i++) {
        unsigned other = pn_topology_distance(topo, home, (int)i);
        if (other > 0 && topo->nodes[i].memory_bytes > 0 && topo->nodes[i].allowed == allowed &&
            other < chosen) {
            fail_msg("%s: core %d: node at %u, but one at %u", input, core, chosen, other);
        }
    }
}

static inline void check_plan(const char *input, const struct pn_topology *topo,
                              const struct pn_plan *plan, bool smt) {
    unsigned *used = calloc(topo->n_cores, sizeof *used);
    assert_non_null(used);
    assert_true(plan->n_schedulers > 0);
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        const struct pn_plan_scheduler *s = &plan->schedulers[i];
        int core = core_of(topo, s->cpu);
        assert_true(core >= 0);
        assert_int_equal(core, s->core);
        assert_int_equal(topo->cores[core].node, s->node);
        assert_true(smt || used[core] == 0);
        used[core]++;
        assert_true(is_allowed(topo, s->cpu));
        assert_true(plan->domain_of[i] < plan->n_domains);
        assert_true(s->reason[0] != '\0');
        check_nearest(input, topo, core);
        for (unsigned j = 0; j < i; j++) {
            assert_int_not_equal(plan->schedulers[j].cpu.id, s->cpu.id);
        }
    }
    for (unsigned i = 0; i < plan->n_housekeeping; i++) {
        assert_int_equal(used[core_of(topo, plan->housekeeping[i])], 0);
        assert_true(is_allowed(topo, plan->housekeeping[i]));
    }
    free(used);
}

static inline void check_promises(const char *input) {
    struct pn_error err = {""};
    struct pn_topology *topo = NULL;
    if (pn_topology_load(input, &topo, &err) != 0) {
        fail_msg("%s: %s", input, err.text);
    }
    for (int variant = 0; variant < 6; variant++) {
        struct pn_plan *plan = NULL;
        struct pn_policy policy = {.order = (enum pn_order)(variant % 3), .smt = variant >= 3};
        assert_int_equal(pn_plan_create(topo, &policy, &plan, &err), 0);
        check_plan(input, topo, plan, policy.smt);
        pn_plan_destroy(plan);
    }
    pn_topology_destroy(topo);
}

#endif
