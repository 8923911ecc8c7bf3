/* SPDX-License-Identifier: MIT
 *
 * pinion topo: what the machine looks like, and where schedulers would go.
 */
#include "args.h"
#include "command.h"
#include "machine.h"
#include "topology_json.h"

#include <errno.h>
#include <pinion/cpulist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *input, *capture;
    struct pn_policy policy;
    struct pn_common common;
    bool plan;
};

enum { OPT_PLAN = 256, OPT_SMT, OPT_ORDER, OPT_CPUS, OPT_HOUSEKEEPING, OPT_CAPTURE, OPT_INPUT };

static const struct argp_option option_table[] = {
    {"plan", OPT_PLAN, NULL, 0, "say which core gets a scheduler, and why", 0},
    {"smt", OPT_SMT, NULL, 0, "one scheduler per SMT sibling instead of per physical core", 0},
    {"order", OPT_ORDER, "ORDER", 0, "compact, spread-numa or spread-llc", 0},
    {"cpus", OPT_CPUS, "LIST", 0, "CPUs for schedulers: a list, 'isolated' or 'all'", 0},
    {"housekeeping", OPT_HOUSEKEEPING, "LIST", 0, "CPUs for helper threads: a list or 'none'", 0},
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
    const char *value = arg == NULL ? "none" : arg;
    if (arg != NULL && arg[0] == '\0') {
        (void)pn_fail(PN_EXIT_INPUT, "topo: an option's value is empty");
        return EINVAL;
    }
    switch (key) {
    case OPT_SMT:
        o->plan = true;
        o->policy.smt = true;
        return 0;
    case OPT_PLAN:
        o->plan = true;
        return 0;
    case OPT_ORDER:
        o->plan = true;
        if (parse_order(value, &o->policy.order) != 0) {
            (void)pn_fail(PN_EXIT_INPUT, "--order '%s': compact, spread-numa or spread-llc", arg);
            return EINVAL;
        }
        return 0;
    case OPT_CPUS:
        o->plan = true;
        o->policy.cpus = arg;
        return 0;
    case OPT_HOUSEKEEPING:
        o->plan = true;
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

static void print_list(const struct pn_os_cpu *cpus, unsigned n) {
    enum { DIGITS = 8 }; /* "65535," */
    char *text = malloc((size_t)n * DIGITS + DIGITS);
    if (text != NULL) {
        pn_cpulist_print(cpus, n, text, (size_t)n * DIGITS + DIGITS);
    }
    (void)fputs(n == 0 ? "none" : text == NULL ? "no memory" : text, stdout);
    free(text);
}

static int by_id(const void *a, const void *b) {
    const struct pn_os_cpu *x = a;
    const struct pn_os_cpu *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* The PUs of one node's cores, or of all with node -1, ascending. list has room for all. */
static unsigned collect_pus(const struct pn_topology *topo, int node, struct pn_os_cpu *list,
                            unsigned *cores) {
    unsigned n = 0;
    *cores = 0;
    for (unsigned i = 0; i < topo->n_cores; i++) {
        const struct pn_topo_core *core = &topo->cores[i];
        if (node >= 0 && core->home != node) {
            continue;
        }
        *cores += 1;
        memcpy(list + n, core->pus, core->n_pus * sizeof *list);
        n += core->n_pus;
    }
    qsort(list, n, sizeof *list, by_id);
    return n;
}

static void print_nodes(const struct pn_topology *topo, struct pn_os_cpu *list) {
    (void)printf("\n%-6s %12s %6s  %s\n", "node", "memory", "cores", "CPUs");
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        const struct pn_topo_node *node = &topo->nodes[i];
        unsigned cores = 0;
        unsigned n = collect_pus(topo, (int)i, list, &cores);
        (void)printf("%-6d ", node->os.id);
        double gib = (double)node->memory_bytes / (1024.0 * 1024 * 1024);
        if (!node->memory_known || node->memory_bytes == 0) {
            (void)printf("%12s ", node->memory_known ? "none" : "unknown");
        } else {
            (void)printf("%8.1f %s ", gib < 1 ? gib * 1024 : gib, gib < 1 ? "MiB" : "GiB");
        }
        (void)printf("%6u  ", cores);
        print_list(list, n);
        (void)fputs(node->cpuless ? "  (memory only)" : "", stdout);
        (void)puts(node->allowed ? "" : "  (outside of the cpuset)");
    }
}

static void print_distances(const struct pn_topology *topo) {
    if (topo->distances == NULL || topo->n_nodes < 2) {
        return;
    }
    (void)printf("\n%-6s", "from");
    for (unsigned j = 0; j < topo->n_nodes; j++) {
        (void)printf(" %4d", topo->nodes[j].os.id);
    }
    (void)puts("   distance to node, 10 = local");
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        (void)printf("%-6d", topo->nodes[i].os.id);
        for (unsigned j = 0; j < topo->n_nodes; j++) {
            unsigned d = topo->distances[i * topo->n_nodes + j];
            (void)(d == 0 ? printf("    -") : printf(" %4u", d));
        }
        (void)putchar('\n');
    }
}

static void print_count(unsigned n, const char *one, const char *many) {
    (void)printf("%u %s", n, n == 1 ? one : many);
}

static int print_machine(const struct pn_topology *topo) {
    unsigned pus = 0;
    for (unsigned i = 0; i < topo->n_cores; i++) {
        pus += topo->cores[i].n_pus;
    }
    struct pn_os_cpu *list = calloc(pus + 1u, sizeof *list);
    if (list == NULL) {
        return pn_fail(PN_EXIT_LATER, "topo: no memory");
    }
    print_count(topo->n_packages, "package, ", "packages, ");
    print_count(topo->n_nodes, "memory node, ", "memory nodes, ");
    print_count(topo->n_llcs, "last-level cache, ", "last-level caches, ");
    print_count(topo->n_cores, "core, ", "cores, ");
    print_count(pus, "CPU", "CPUs");
    (void)printf("\nallowed CPUs: ");
    print_list(topo->allowed, topo->n_allowed);
    (void)putchar('\n');
    if (topo->n_cores > 0 && topo->cores[0].pu_as_core) {
        (void)puts("the source names no cores: each CPU is taken for one");
    }
    print_nodes(topo, list);
    print_distances(topo);
    free(list);
    return PN_EXIT_OK;
}

static void print_plan(const struct pn_plan *plan) {
    (void)putchar('\n');
    print_count(plan->n_schedulers, "scheduler in ", "schedulers in ");
    print_count(plan->n_domains, "cache domain", "cache domains");
    (void)printf("\n%-6s %5s %7s  %s\n", "sched", "CPU", "domain", "memory, cache; why this CPU");
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        (void)printf("%-6u %5d %7u  %s\n", i, plan->schedulers[i].cpu.id, plan->domain_of[i],
                     plan->schedulers[i].reason);
    }
    (void)printf("housekeeping CPUs: ");
    print_list(plan->housekeeping, plan->n_housekeeping);
    (void)printf(" (%s)\n", plan->housekeeping_reason);
}

static int show(const struct options *o, const struct pn_topology *topo,
                const struct pn_plan *plan) {
    if (o->common.json) {
        json_t *root = pn_topology_json(topo, plan);
        int rc = root == NULL ? -1 : json_dumpf(root, stdout, JSON_INDENT(1));
        (void)putchar('\n');
        json_decref(root);
        return rc == 0 ? PN_EXIT_OK : pn_fail(PN_EXIT_LATER, "topo: no memory for the JSON");
    }
    int code = print_machine(topo);
    if (plan != NULL) {
        print_plan(plan);
    }
    return code;
}

/* A file or string that we were given is the caller's; the rest is the machine's. */
static enum pn_exit exit_of(const struct options *o, int rc) {
    bool ours = rc == -ENOEXEC || rc == -EPROTO || rc == -ENOMEM || rc == -EMFILE || rc == -ENFILE;
    return o->input == NULL || ours ? PN_EXIT_MACHINE : PN_EXIT_INPUT;
}

static int plan_and_show(struct options *o, const struct pn_topology *topo) {
    struct pn_error err = {""};
    struct pn_plan *plan = NULL;
    char isolated[1024];
    if (topo->live) {
        pn_policy_read(&o->policy, isolated, sizeof isolated);
    }
    if (o->plan) {
        int rc = pn_plan_create(topo, &o->policy, &plan, &err);
        if (rc != 0) {
            return pn_fail(rc == -ENOMEM ? PN_EXIT_MACHINE : PN_EXIT_INPUT, "%s", err.text);
        }
    }
    int code = show(o, topo, plan);
    if (plan != NULL && plan->note[0] != '\0') {
        (void)fprintf(stderr, "pinion: WARNING: %s\n", plan->note);
    }
    pn_plan_destroy(plan);
    return code;
}

static int capture(const struct options *o) {
    struct pn_error err = {""};
    if (o->input != NULL || o->plan || o->common.json) {
        return pn_fail(PN_EXIT_INPUT, "--capture writes this machine and takes no other option");
    }
    if (o->common.dry_run) {
        (void)printf("would write this machine to %s\n", o->capture);
        return PN_EXIT_OK;
    }
    int rc = pn_topology_capture(o->capture, &err);
    return rc == 0 ? PN_EXIT_OK : pn_fail(PN_EXIT_MACHINE, "%s", err.text);
}

static int run(int argc, char **argv) {
    struct options o = {0};
    const struct argp argp = {option_table,
                              parse_option,
                              NULL,
                              "What the machine looks like, and where schedulers would go.\v"
                              "--smt, --order, --cpus and --housekeeping imply --plan.",
                              NULL,
                              NULL,
                              NULL};
    int code;
    if (!pn_args_parse(&argp, argc, argv, &o, &o.common, &code)) {
        return code;
    }
    if (o.capture != NULL) {
        return capture(&o);
    }
    struct pn_error err = {""};
    struct pn_topology *topo = NULL;
    int rc = pn_topology_load(o.input, &topo, &err);
    if (rc != 0) {
        return pn_fail(exit_of(&o, rc), "%s", err.text);
    }
    code = plan_and_show(&o, topo);
    pn_topology_destroy(topo);
    return code;
}

const struct pn_command pn_cmd_topo = {
    "topo", "what the machine looks like; --plan: where schedulers go", run};
