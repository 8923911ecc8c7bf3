/* SPDX-License-Identifier: MIT
 *
 * pinion topo: what the machine looks like, and where schedulers would go.
 */
#include "command.h"
#include "topology_json.h"

#include <argp.h>
#include <errno.h>
#include <pinion/cgroup.h>
#include <pinion/plan.h>
#include <stdio.h>
#include <string.h>

struct options {
    const char *input, *capture;
    struct pn_policy policy;
    bool json, plan;
};

enum {
    OPT_JSON = 256,
    OPT_PLAN,
    OPT_SMT,
    OPT_ORDER,
    OPT_CPUS,
    OPT_HOUSEKEEPING,
    OPT_CAPTURE,
    OPT_INPUT
};

static const struct argp_option option_table[] = {
    {"json", OPT_JSON, NULL, 0, "print JSON", 0},
    {"plan", OPT_PLAN, NULL, 0, "say which core gets a scheduler, and why", 0},
    {"smt", OPT_SMT, NULL, 0, "one scheduler per SMT sibling instead of per physical core", 0},
    {"order", OPT_ORDER, "ORDER", 0, "compact, spread-numa or spread-llc", 0},
    {"cpus", OPT_CPUS, "LIST", 0, "CPUs for schedulers: a list, 'isolated' or 'all'", 0},
    {"housekeeping", OPT_HOUSEKEEPING, "LIST", 0, "CPUs for helper threads", 0},
    {"capture", OPT_CAPTURE, "FILE", 0, "write this machine as hwloc XML and stop", 0},
    {"input", OPT_INPUT, "FILE", 0, "an hwloc v2 XML file, or synthetic:\"pack:2 ...\"", 0},
    {0},
};

static int parse_order(const char *text, enum pn_order *order) {
    static const char *const names[] = {"compact", "spread-numa", "spread-llc"};
    for (unsigned i = 0; i < 3; i++) {
        if (strcmp(text, names[i]) == 0) {
            *order = (enum pn_order)i;
            return 0;
        }
    }
    return -EINVAL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state) {
    struct options *o = state->input;
    switch (key) {
    case OPT_JSON:
        o->json = true;
        return 0;
    case OPT_SMT:
        o->policy.smt = true;
        return 0;
    case OPT_PLAN:
        o->plan = true;
        return 0;
    case OPT_ORDER:
        if (parse_order(arg, &o->policy.order) != 0) {
            (void)pn_fail(PN_EXIT_INPUT, "--order '%s': compact, spread-numa or spread-llc", arg);
            return EINVAL;
        }
        return 0;
    case OPT_CPUS:
        o->policy.cpus = arg;
        return 0;
    case OPT_HOUSEKEEPING:
        o->policy.housekeeping = arg;
        return 0;
    case OPT_CAPTURE:
        o->capture = arg;
        return 0;
    case OPT_INPUT:
        o->input = arg;
        return 0;
    case ARGP_KEY_ARG:
        (void)pn_fail(PN_EXIT_INPUT, "topo: '%s' is not an option", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void print_bytes(uint64_t bytes) {
    (void)printf("%.1f GiB", (double)bytes / (1024.0 * 1024 * 1024));
}

static void print_machine(const struct pn_topology *topo) {
    unsigned pus = 0;
    for (unsigned i = 0; i < topo->n_cores; i++) {
        pus += topo->cores[i].n_pus;
    }
    (void)printf(
        "%u packages, %u memory nodes, %u cores, %u PUs (%u allowed), %u last-level caches\n",
        topo->n_packages, topo->n_nodes, topo->n_cores, pus, topo->n_allowed, topo->n_llcs);
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        const struct pn_topo_node *n = &topo->nodes[i];
        (void)printf("node %-4d ", n->os.id);
        if (n->memory_known) {
            print_bytes(n->memory_bytes);
        } else {
            (void)printf("memory unknown");
        }
        (void)printf("%s\n", n->cpuless ? ", no CPUs of its own" : "");
    }
    for (unsigned i = 0; topo->distances != NULL && i < topo->n_nodes; i++) {
        (void)printf("distance from node %-4d", topo->nodes[i].os.id);
        for (unsigned j = 0; j < topo->n_nodes; j++) {
            (void)printf(" %u", topo->distances[i * topo->n_nodes + j]);
        }
        (void)putchar('\n');
    }
}

static void print_plan(const struct pn_plan *plan) {
    (void)printf("%u schedulers in %u cache domains\n", plan->n_schedulers, plan->n_domains);
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        (void)printf("scheduler %-4u cpu %-5d %s\n", i, plan->schedulers[i].cpu.id,
                     plan->schedulers[i].reason);
    }
    for (unsigned i = 0; i < plan->n_housekeeping; i++) {
        (void)printf("housekeeping   cpu %d\n", plan->housekeeping[i].id);
    }
    if (plan->n_housekeeping == 0) {
        (void)puts("housekeeping   none: fewer than 4 cores, helper threads float");
    }
    if (plan->note[0] != '\0') {
        (void)fprintf(stderr, "pinion: note: %s\n", plan->note);
    }
}

static void warn_quota(const struct pn_topology *topo, const struct pn_plan *plan) {
    double quota = topo->live ? pn_cpu_quota("") : 0;
    if (quota > 0 && quota < plan->n_schedulers) {
        (void)fprintf(stderr,
                      "pinion: WARNING: the cgroup allows %.2f CPUs for %u schedulers; spinning "
                      "threads will be throttled\n",
                      quota, plan->n_schedulers);
    }
}

static int show(const struct options *o, const struct pn_topology *topo,
                const struct pn_plan *plan) {
    if (o->json) {
        json_t *root = pn_topology_json(topo, plan);
        int rc = root == NULL ? -1 : json_dumpf(root, stdout, JSON_INDENT(1));
        (void)putchar('\n');
        json_decref(root);
        return rc == 0 ? PN_EXIT_OK : pn_fail(PN_EXIT_LATER, "topo: no memory for the JSON");
    }
    print_machine(topo);
    if (plan != NULL) {
        print_plan(plan);
    }
    return PN_EXIT_OK;
}

static int exit_of(int rc) {
    return rc == -EINVAL || rc == -ERANGE ? PN_EXIT_INPUT : PN_EXIT_MACHINE;
}

static int run(int argc, char **argv) {
    struct options o = {0};
    const struct argp argp = {
        option_table, parse_option,
        NULL,         "What the machine looks like, and where schedulers would go.",
        NULL,         NULL,
        NULL};
    argp_err_exit_status = PN_EXIT_INPUT;
    if (argp_parse(&argp, argc, argv, 0, NULL, &o) != 0) {
        return PN_EXIT_INPUT;
    }
    struct pn_error err = {""};
    if (o.capture != NULL) {
        int rc = pn_topology_capture(o.capture, &err);
        return rc == 0 ? PN_EXIT_OK : pn_fail(PN_EXIT_MACHINE, "%s", err.text);
    }
    struct pn_topology *topo = NULL;
    int rc = pn_topology_load(o.input, &topo, &err);
    if (rc != 0) {
        return pn_fail(exit_of(rc), "%s", err.text);
    }
    char isolated[1024];
    if (topo->live && pn_isolated_read("", isolated, sizeof isolated) == 0) {
        o.policy.isolated = isolated;
    }
    struct pn_plan *plan = NULL;
    if (o.plan) {
        rc = pn_plan_create(topo, &o.policy, &plan, &err);
    }
    int code;
    if (rc == 0) {
        code = show(&o, topo, plan);
        if (plan != NULL) {
            warn_quota(topo, plan);
        }
    } else {
        code = pn_fail(exit_of(rc), "%s", err.text);
    }
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    return code;
}

const struct pn_command pn_cmd_topo = {
    "topo", "what the machine looks like; --plan: where schedulers go", run};
