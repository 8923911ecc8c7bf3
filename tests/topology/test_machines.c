/* SPDX-License-Identifier: MIT
 *
 * Machines as files. Those of the project (machines/NAME.xml) come with the plan that is expected
 * of them (machines/NAME.plan: CPU and node of each scheduler, then housekeeping). A larger
 * collection is checked for the planner's promises alone: PINION_TEST_MACHINES, or the folder
 * shared/topologies beside the source tree.
 */
#include "promises.h"

#include <dirent.h>
#include <time.h>
#include <unistd.h>

typedef void visit_fn(const char *path);

static unsigned visit(const char *folder, visit_fn *fn) {
    DIR *dir = opendir(folder);
    unsigned n = 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len > 4 && strcmp(e->d_name + len - 4, ".xml") == 0) {
            char path[4096];
            (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
            fn(path);
            n++;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return n;
}

static void write_plan(const struct pn_topology *topo, const struct pn_plan *plan, FILE *f) {
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        int node = plan->schedulers[i].node;
        (void)fprintf(f, "%d %d\n", plan->schedulers[i].cpu.id,
                      node < 0 ? -1 : topo->nodes[node].os.id);
    }
    (void)fputs("housekeeping", f);
    for (unsigned i = 0; i < plan->n_housekeeping; i++) {
        (void)fprintf(f, " %d", plan->housekeeping[i].id);
    }
    (void)fputs(plan->n_housekeeping == 0 ? " none\n" : "\n", f);
}

static void compare_plan(const char *path) {
    char name[4096];
    char expected[4096] = "";
    char *got = NULL;
    size_t bytes = 0;
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = NULL;
    (void)snprintf(name, sizeof name, "%.*s.plan", (int)(strlen(path) - 4), path);
    FILE *f = fopen(name, "re");
    assert_non_null(f);
    assert_true(fread(expected, 1, sizeof expected - 1, f) > 0);
    (void)fclose(f);
    assert_int_equal(pn_topology_load(path, &topo, NULL), 0);
    assert_int_equal(pn_plan_create(topo, &(struct pn_policy){0}, &plan, NULL), 0);
    f = open_memstream(&got, &bytes);
    assert_non_null(f);
    write_plan(topo, plan, f);
    (void)fclose(f);
    if (strcmp(got, expected) != 0) {
        fail_msg("%s: expected\n%sgot\n%s", path, expected, got);
    }
    free(got);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
}

static const char *own_folder(char *text, size_t cap) {
    (void)snprintf(text, cap, "%s/tests/topology/machines", getenv("PINION_TEST_SOURCE"));
    return text;
}

static void test_machines_own_ones_have_their_plan(void **state) {
    (void)state;
    char folder[2048];
    assert_int_equal(visit(own_folder(folder, sizeof folder), compare_plan), 7);
    assert_int_equal(visit(folder, check_promises), 7);
}

static void test_machines_given_ones_keep_promises(void **state) {
    (void)state;
    char beside[2048];
    (void)snprintf(beside, sizeof beside, "%s/../shared/topologies", getenv("PINION_TEST_SOURCE"));
    const char *folder = getenv("PINION_TEST_MACHINES");
    folder = folder == NULL ? beside : folder;
    unsigned n = access(folder, R_OK) == 0 ? visit(folder, check_promises) : 0;
    print_message("%u machines of %s\n", n, folder);
    if (n == 0) {
        skip();
    }
}

static void test_machines_reasons_name_what_was_decided(void **state) {
    (void)state;
    char path[4096];
    char folder[2048];
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = NULL;
    (void)snprintf(path, sizeof path, "%s/memoryless.xml", own_folder(folder, sizeof folder));
    assert_int_equal(pn_topology_load(path, &topo, NULL), 0);
    assert_int_equal(pn_plan_create(topo, &(struct pn_policy){0}, &plan, NULL), 0);
    assert_non_null(strstr(plan->schedulers[0].reason, "node 0, cache 0"));
    assert_non_null(
        strstr(plan->schedulers[1].reason, "node 2 (node 1 has no memory; distance 16"));
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    (void)snprintf(path, sizeof path, "%s/cpuset-mems.xml", folder);
    assert_int_equal(pn_topology_load(path, &topo, NULL), 0);
    assert_int_equal(pn_plan_create(topo, &(struct pn_policy){0}, &plan, NULL), 0);
    assert_non_null(
        strstr(plan->schedulers[0].reason, "node 2 (node 0 may not be used; distance 21"));
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    (void)snprintf(path, sizeof path, "%s/hybrid.xml", folder);
    assert_int_equal(pn_topology_load(path, &topo, NULL), 0);
    assert_int_equal(pn_plan_create(topo, &(struct pn_policy){0}, &plan, NULL), 0);
    assert_non_null(strstr(plan->schedulers[0].reason, "core kind 2 of 2 by speed"));
    assert_string_equal(plan->housekeeping_reason, "the first slow core of the machine");
    assert_non_null(strstr(plan->note, "--cpus 0-3 keeps to the fastest kind"));
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
}

static double load_ms(const char *input) {
    struct timespec a;
    struct timespec b;
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = NULL;
    (void)clock_gettime(CLOCK_MONOTONIC, &a);
    assert_int_equal(pn_topology_load(input, &topo, NULL), 0);
    assert_int_equal(pn_plan_create(topo, &(struct pn_policy){0}, &plan, NULL), 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &b);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_nsec - a.tv_nsec) / 1e6;
}

/* 384 PUs may take 150 ms where the start of the helper, which is most of it, takes 4: so a factor
 * of 30 to the smallest machine of the same run, on the best of five, says whether the cost grows
 * with the square of the machine. 2.1 was measured. */
static void test_machines_large_one_is_read_fast(void **state) {
    (void)state;
    double large = 1e9;
    double small = 1e9;
    for (int i = 0; i < 5; i++) {
        double ms = load_ms("synthetic:pack:24 [numa(memory=1073741824)] l3:1 core:8 pu:2");
        large = ms < large ? ms : large;
        ms = load_ms("synthetic:pack:1 core:1 pu:1");
        small = ms < small ? ms : small;
    }
    print_message("384 PUs on 24 nodes: %.1f ms, 1 PU: %.1f ms\n", large, small);
    assert_true(large < 30 * small);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines_own_ones_have_their_plan),
        cmocka_unit_test(test_machines_given_ones_keep_promises),
        cmocka_unit_test(test_machines_reasons_name_what_was_decided),
        cmocka_unit_test(test_machines_large_one_is_read_fast),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
