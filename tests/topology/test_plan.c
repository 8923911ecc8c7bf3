/* SPDX-License-Identifier: MIT
 *
 * The planner's promises on machines that the project describes itself, and its choices one by one.
 */
#include "promises.h"

#include <errno.h>

static const char *const machines[] = {
    "synthetic:pack:1 core:1 pu:1",
    "synthetic:pack:2 [numa(memory=1073741824)] l3:1 core:8 pu:2",
    "synthetic:pack:2 group:4 [numa(memory=1073741824)] l3:3 l2:8 core:1 pu:2",
    "synthetic:pack:1 group:4 [numa(memory=1073741824)] l3:2 core:4 pu:2",
    "synthetic:pack:2 [numa(memory=1073741824)] [numa(memory=1073741824)] core:8 pu:2",
    "synthetic:pack:8 [numa(memory=1073741824)] core:96 pu:2",
};

static void test_plan_every_machine_keeps_promises(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        check_promises(machines[i]);
    }
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

static void expect_cpus(const char *input, struct pn_policy policy, const int *cpus) {
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = plan_of(input, policy, &topo);
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        assert_int_equal(plan->schedulers[i].cpu.id, cpus[i]);
    }
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
}

/* Two packages of two nodes that the firmware numbers across the packages: node 2 is the neighbour
 * of node 0, whatever lies between them by number. */
static void test_plan_orders_follow_the_machine_not_the_numbers(void **state) {
    (void)state;
    static const char input[] =
        "synthetic:pack:2 l3:1 group:2 [numa(memory=1073741824 indexes=0,2,1,3)] core:2 pu:2";
    struct pn_policy policy = {.housekeeping = "none"};
    expect_cpus(input, policy, (const int[]){0, 2, 4, 6, 8, 10, 12, 14});
    policy.order = PN_ORDER_SPREAD_NUMA;
    expect_cpus(input, policy, (const int[]){0, 4, 8, 12, 2, 6, 10, 14});
    policy.order = PN_ORDER_SPREAD_LLC;
    expect_cpus(input, policy, (const int[]){0, 8, 2, 10, 4, 12, 6, 14});
    policy.smt = true; /* a sibling only after the last core of its cache */
    expect_cpus(input, policy, (const int[]){0, 8, 2, 10, 4, 12, 6, 14, 1, 9, 3, 11, 5, 13, 7, 15});
    policy.order = PN_ORDER_COMPACT;
    policy.max_schedulers = 4;
    expect_cpus(input, policy, (const int[]){0, 2, 1, 3});
}

static void test_plan_wide_cores_are_doubted(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = plan_of("synthetic:pack:1 core:4 pu:8", (struct pn_policy){0}, &topo);
    assert_non_null(strstr(plan->note, "cores of 8 CPUs each"));
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

static void test_plan_warnings_are_in_the_note(void **state) {
    (void)state;
    static const char input[] = "synthetic:pack:1 core:4 pu:1";
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = plan_of(input, (struct pn_policy){.isolated = "2-3"}, &topo);
    assert_string_equal(plan->note, ""); /* isolated, but inside the mask */
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    plan = plan_of(input, (struct pn_policy){.quota_cpus = 1.5}, &topo);
    assert_non_null(strstr(plan->note, "1.50 CPUs for 3 schedulers"));
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    plan = plan_of(input, (struct pn_policy){.quota_cpus = 3}, &topo);
    assert_string_equal(plan->note, "");
    pn_plan_destroy(plan);
    /* The same machine, were CPUs 2 and 3 outside of the mask. */
    struct pn_topology narrow = *topo;
    narrow.n_allowed = 2;
    assert_int_equal(pn_plan_create(&narrow, &(struct pn_policy){.isolated = "1-3"}, &plan, NULL),
                     0);
    assert_non_null(strstr(plan->note, "CPUs 2-3 are isolated and outside"));
    assert_int_equal(plan->n_schedulers, 2);
    pn_plan_destroy(plan);
    struct pn_policy isolated = {.cpus = "isolated", .isolated = "2-3", .quota_cpus = 1};
    assert_int_equal(pn_plan_create(&narrow, &isolated, &plan, NULL), 0);
    assert_int_equal(plan->schedulers[0].cpu.id, 2);
    assert_non_null(strstr(plan->note, "2 of the chosen CPUs lie outside"));
    assert_non_null(strstr(plan->note, "1.00 CPUs for 2"));
    pn_plan_destroy(plan);
    isolated.isolated = "";
    assert_int_equal(pn_plan_create(&narrow, &isolated, &plan, NULL), -ERANGE);
    pn_topology_destroy(topo);
}

static void test_plan_spread_llc_alternates_caches(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    struct pn_policy policy = {.order = PN_ORDER_SPREAD_LLC, .max_schedulers = 3};
    struct pn_plan *plan = plan_of("synthetic:pack:1 l3:3 core:2 pu:1", policy, &topo);
    assert_int_equal(plan->n_schedulers, 3);
    assert_int_equal(plan->n_domains, 3);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    /* No cache is known: nodes stand in for them. */
    policy.max_schedulers = 2;
    plan = plan_of("synthetic:pack:2 [numa(memory=1073741824)] core:2 pu:1", policy, &topo);
    assert_int_equal(plan->n_domains, 2);
    assert_int_not_equal(plan->schedulers[0].node, plan->schedulers[1].node);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_every_machine_keeps_promises),
        cmocka_unit_test(test_plan_spread_numa_alternates_nodes),
        cmocka_unit_test(test_plan_orders_follow_the_machine_not_the_numbers),
        cmocka_unit_test(test_plan_wide_cores_are_doubted),
        cmocka_unit_test(test_plan_small_machine_keeps_every_core),
        cmocka_unit_test(test_plan_warnings_are_in_the_note),
        cmocka_unit_test(test_plan_spread_llc_alternates_caches),
        cmocka_unit_test(test_plan_bad_lists_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
