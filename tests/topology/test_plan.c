/* SPDX-License-Identifier: MIT
 *
 * The planner's promises on machines that the project describes itself, and on every XML machine
 * below PINION_TEST_MACHINES if that is set.
 */
#include <pinion/plan.h>

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const machines[] = {
    "synthetic:pack:1 core:1 pu:1",
    "synthetic:pack:2 [numa(memory=1073741824)] l3:1 core:8 pu:2",
    "synthetic:pack:2 group:4 [numa(memory=1073741824)] l3:3 l2:8 core:1 pu:2",
    "synthetic:pack:1 group:4 [numa(memory=1073741824)] l3:2 core:4 pu:2",
    "synthetic:pack:2 [numa(memory=1073741824)] [numa(memory=1073741824)] core:8 pu:2",
    "synthetic:pack:8 [numa(memory=1073741824)] core:96 pu:2",
};

static int core_of(const struct pn_topology *topo, struct pn_os_cpu cpu) {
    for (unsigned c = 0; c < topo->n_cores; c++) {
        for (unsigned k = 0; k < topo->cores[c].n_pus; k++) {
            if (topo->cores[c].pus[k].id == cpu.id) {
                return (int)c;
            }
        }
    }
    return -1;
}

static bool is_allowed(const struct pn_topology *topo, struct pn_os_cpu cpu) {
    for (unsigned i = 0; i < topo->n_allowed; i++) {
        if (topo->allowed[i].id == cpu.id) {
            return true;
        }
    }
    return false;
}

/* At most one scheduler a core, only allowed CPUs, memory where memory is. */
static void check_promises(const char *input, enum pn_order order) {
    struct pn_error err = {""};
    struct pn_topology *topo = NULL;
    int rc = pn_topology_load(input, &topo, &err);
    if (rc != 0) {
        fail_msg("%s: %s", input, err.text);
    }
    struct pn_plan *plan = NULL;
    struct pn_policy policy = {.order = order};
    assert_int_equal(pn_plan_create(topo, &policy, &plan, &err), 0);
    unsigned char *used = calloc(topo->n_cores, 1);
    assert_non_null(used);
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        const struct pn_plan_scheduler *s = &plan->schedulers[i];
        int core = core_of(topo, s->cpu);
        assert_true(core >= 0);
        assert_int_equal(core, s->core);
        assert_false(used[core]);
        used[core] = 1;
        assert_true(is_allowed(topo, s->cpu));
        assert_true(plan->domain_of[i] < plan->n_domains);
        if (s->node >= 0 && topo->nodes[s->node].memory_known) {
            assert_true(topo->nodes[s->node].memory_bytes > 0);
        }
    }
    for (unsigned i = 0; i < plan->n_housekeeping; i++) {
        assert_false(used[core_of(topo, plan->housekeeping[i])]);
    }
    free(used);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
}

static void test_plan_every_machine_keeps_promises(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        for (int order = PN_ORDER_COMPACT; order <= PN_ORDER_SPREAD_LLC; order++) {
            check_promises(machines[i], (enum pn_order)order);
        }
    }
}

static void test_plan_given_machines_keeps_promises(void **state) {
    (void)state;
    const char *folder = getenv("PINION_TEST_MACHINES");
    DIR *dir = folder == NULL ? NULL : opendir(folder);
    if (dir == NULL) {
        skip();
        return;
    }
    unsigned n = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len > 4 && strcmp(e->d_name + len - 4, ".xml") == 0) {
            char path[4096];
            (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            check_promises(path, PN_ORDER_COMPACT);
            n++;
        }
    }
    (void)closedir(dir);
    print_message("%u machines of %s\n", n, folder);
    assert_true(n > 0);
}

static struct pn_plan *plan_of(const char *input, struct pn_policy policy,
                               struct pn_topology **topo) {
    struct pn_plan *plan = NULL;
    assert_int_equal(pn_topology_load(input, topo, NULL), 0);
    assert_int_equal(pn_plan_create(*topo, &policy, &plan, NULL), 0);
    return plan;
}

static void test_plan_spread_numa_alternates_nodes(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    struct pn_plan *plan =
        plan_of("synthetic:pack:2 [numa(memory=1073741824)] l3:1 core:2 pu:2",
                (struct pn_policy){.order = PN_ORDER_SPREAD_NUMA, .housekeeping = "0"}, &topo);
    assert_int_equal(plan->n_schedulers, 3);
    assert_int_not_equal(plan->schedulers[0].node, plan->schedulers[1].node);
    assert_int_equal(plan->schedulers[0].cpu.id, 2); /* 0 and its sibling keep house */
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
}

static void test_plan_small_machine_keeps_every_core(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = plan_of("synthetic:pack:1 core:3 pu:2", (struct pn_policy){0}, &topo);
    assert_int_equal(plan->n_schedulers, 3);
    assert_int_equal(plan->n_housekeeping, 0);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    plan = plan_of("synthetic:pack:1 core:4 pu:2", (struct pn_policy){.smt = true}, &topo);
    assert_int_equal(plan->n_housekeeping, 1);
    assert_int_equal(plan->n_schedulers, 6);
    assert_int_equal(pn_plan_near(topo, plan, 0, 1) == PN_NEAR_SMT ||
                         pn_plan_near(topo, plan, 0, 3) == PN_NEAR_SMT,
                     1);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
}

static void test_plan_bad_lists_are_refused(void **state) {
    (void)state;
    static const char *const lists[] = {"7-3", "0,,1", "x", "0-", "99", "-1", "0 1"};
    struct pn_topology *topo = NULL;
    assert_int_equal(pn_topology_load("synthetic:pack:1 core:4 pu:1", &topo, NULL), 0);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        struct pn_plan *plan = NULL;
        struct pn_error err = {""};
        struct pn_policy policy = {.cpus = lists[i]};
        assert_int_equal(pn_plan_create(topo, &policy, &plan, &err), -EINVAL);
        assert_true(err.text[0] != '\0');
    }
    pn_topology_destroy(topo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_every_machine_keeps_promises),
        cmocka_unit_test(test_plan_given_machines_keeps_promises),
        cmocka_unit_test(test_plan_spread_numa_alternates_nodes),
        cmocka_unit_test(test_plan_small_machine_keeps_every_core),
        cmocka_unit_test(test_plan_bad_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
