/* SPDX-License-Identifier: MIT
 *
 * topology x policy -> plan. Pure: everything that must be read from the machine comes in through
 * the arguments, so a plan for a machine of another building is the same function.
 *
 * A candidate is a place for one scheduler: the first usable PU of a physical core, or each usable
 * PU where the policy wants SMT siblings.
 */
#include "reader.h"

#include <pinion/cpulist.h>
#include <pinion/plan.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* With fewer cores than this, giving one away costs more than the helpers' noise. */
enum { HOUSEKEEPING_FROM = 4, HOUSEKEEPING_PER_NODE_FROM = 8 };

struct candidate {
    struct pn_os_cpu cpu;
    int core, node, llc;
    unsigned sibling; /* 0 = first usable PU of its core */
    unsigned group, rank;
    bool taken; /* by housekeeping */
};

struct draft {
    const struct pn_topology *topo;
    const struct pn_policy *policy;
    struct pn_os_cpu *usable;
    unsigned n_usable;
    struct pn_os_cpu *housekeeping;
    unsigned n_housekeeping;
    struct candidate *list;
    unsigned n;
};

static bool topology_has(const struct pn_topology *topo, struct pn_os_cpu cpu) {
    for (unsigned c = 0; c < topo->n_cores; c++) {
        if (pn_cpulist_has(topo->cores[c].pus, topo->cores[c].n_pus, cpu)) {
            return true;
        }
    }
    return false;
}

static int parse_list(const struct pn_topology *topo, const char *option, const char *text,
                      struct pn_os_cpu **list, unsigned *n, struct pn_error *err) {
    int rc = pn_cpulist_parse(text, list, n);
    if (rc != 0) {
        pn_error_set(err, "--%s '%s': not a list of CPUs such as 0-3,8", option, text);
        return rc;
    }
    for (unsigned i = 0; i < *n; i++) {
        if (!topology_has(topo, (*list)[i])) {
            pn_error_set(err, "--%s '%s': this machine has no CPU %d", option, text, (*list)[i].id);
            return -EINVAL;
        }
    }
    return 0;
}

static int copy_all_pus(struct draft *d) {
    unsigned total = 0;
    for (unsigned c = 0; c < d->topo->n_cores; c++) {
        total += d->topo->cores[c].n_pus;
    }
    d->usable = malloc((total + 1) * sizeof *d->usable);
    if (d->usable == NULL) {
        return -ENOMEM;
    }
    for (int id = 0; id < PN_CPU_ID_MAX && d->n_usable < total; id++) {
        if (topology_has(d->topo, (struct pn_os_cpu){id})) {
            d->usable[d->n_usable++].id = id;
        }
    }
    return 0;
}

static int choose_usable(struct draft *d, struct pn_error *err) {
    const char *cpus = d->policy->cpus;
    if (cpus == NULL) {
        d->usable = malloc((d->topo->n_allowed + 1) * sizeof *d->usable);
        if (d->usable == NULL) {
            return -ENOMEM;
        }
        if (d->topo->n_allowed > 0) {
            memcpy(d->usable, d->topo->allowed, d->topo->n_allowed * sizeof *d->usable);
        }
        d->n_usable = d->topo->n_allowed;
        return 0;
    }
    if (strcmp(cpus, "all") == 0) {
        return copy_all_pus(d);
    }
    if (strcmp(cpus, "isolated") == 0) {
        if (d->policy->isolated == NULL || d->policy->isolated[0] == '\0') {
            pn_error_set(err, "--cpus isolated: the kernel isolates no CPU (isolcpus= is not set)");
            return -ERANGE;
        }
        cpus = d->policy->isolated;
    }
    return parse_list(d->topo, "cpus", cpus, &d->usable, &d->n_usable, err);
}

/* Compact order: by node, then cache, then CPU. */
static int by_place(const void *a, const void *b) {
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->node != y->node) {
        return x->node < y->node ? -1 : 1;
    }
    if (x->llc != y->llc) {
        return x->llc < y->llc ? -1 : 1;
    }
    if (x->sibling != y->sibling) {
        return x->sibling < y->sibling ? -1 : 1;
    }
    return (x->cpu.id > y->cpu.id) - (x->cpu.id < y->cpu.id);
}

static int by_rank(const void *a, const void *b) {
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    if (x->group != y->group) {
        return x->group < y->group ? -1 : 1;
    }
    return (x->cpu.id > y->cpu.id) - (x->cpu.id < y->cpu.id);
}

/* Deal the candidates out to nodes or caches in turn: the r-th of each group comes before any
 * (r+1)-th. */
static void spread(struct draft *d, bool by_llc) {
    for (unsigned i = 0; i < d->n; i++) {
        struct candidate *c = &d->list[i];
        /* Where no cache is known a node counts as one, numbered after the caches. */
        c->group = by_llc && c->llc >= 0 ? (unsigned)c->llc
                                         : (by_llc ? d->topo->n_llcs : 0) + (unsigned)(c->node + 1);
        c->rank = 0;
        for (unsigned j = 0; j < i; j++) {
            c->rank += d->list[j].group == c->group;
        }
    }
    qsort(d->list, d->n, sizeof *d->list, by_rank);
}

static int list_candidates(struct draft *d) {
    d->list = calloc(d->n_usable + 1, sizeof *d->list);
    if (d->list == NULL) {
        return -ENOMEM;
    }
    for (unsigned c = 0; c < d->topo->n_cores; c++) {
        const struct pn_topo_core *core = &d->topo->cores[c];
        unsigned sibling = 0;
        for (unsigned k = 0; k < core->n_pus; k++) {
            if (!pn_cpulist_has(d->usable, d->n_usable, core->pus[k])) {
                continue;
            }
            if (sibling == 0 || d->policy->smt) {
                d->list[d->n++] = (struct candidate){.cpu = core->pus[k],
                                                     .core = (int)c,
                                                     .node = core->node,
                                                     .llc = core->llc,
                                                     .sibling = sibling};
            }
            sibling++;
        }
    }
    qsort(d->list, d->n, sizeof *d->list, by_place);
    return 0;
}

/* Take the whole core away from the schedulers; its first candidate's CPU keeps house. */
static void keep_house(struct draft *d, struct candidate *chosen) {
    d->housekeeping[d->n_housekeeping++] = chosen->cpu;
    for (unsigned i = 0; i < d->n; i++) {
        d->list[i].taken = d->list[i].taken || d->list[i].core == chosen->core;
    }
}

static unsigned cores_on_node(const struct draft *d, int node) {
    unsigned n = 0;
    for (unsigned i = 0; i < d->n; i++) {
        n += d->list[i].node == node && d->list[i].sibling == 0;
    }
    return n;
}

/* The first core of each large node, else the first core of the machine: the kernel's own work
 * gathers on the lowest CPUs anyway. */
static int choose_housekeeping(struct draft *d, struct pn_error *err) {
    if (d->policy->housekeeping != NULL) {
        int rc = parse_list(d->topo, "housekeeping", d->policy->housekeeping, &d->housekeeping,
                            &d->n_housekeeping, err);
        for (unsigned i = 0; rc == 0 && i < d->n; i++) {
            const struct pn_topo_core *core = &d->topo->cores[d->list[i].core];
            for (unsigned k = 0; k < core->n_pus; k++) {
                d->list[i].taken = d->list[i].taken ||
                                   pn_cpulist_has(d->housekeeping, d->n_housekeeping, core->pus[k]);
            }
        }
        return rc;
    }
    d->housekeeping = malloc((d->topo->n_nodes + 2) * sizeof *d->housekeeping);
    if (d->housekeeping == NULL) {
        return -ENOMEM;
    }
    unsigned cores = 0;
    for (unsigned i = 0; i < d->n; i++) {
        cores += d->list[i].sibling == 0;
    }
    if (cores < HOUSEKEEPING_FROM) {
        return 0;
    }
    for (unsigned i = 0; i < d->n; i++) {
        bool first_of_node = i == 0 || d->list[i].node != d->list[i - 1].node;
        if (first_of_node && cores_on_node(d, d->list[i].node) >= HOUSEKEEPING_PER_NODE_FROM) {
            keep_house(d, &d->list[i]);
        }
    }
    if (d->n_housekeeping == 0) {
        keep_house(d, &d->list[0]);
    }
    return 0;
}

static void drop_taken(struct draft *d) {
    unsigned kept = 0;
    for (unsigned i = 0; i < d->n; i++) {
        if (!d->list[i].taken) {
            d->list[kept++] = d->list[i];
        }
    }
    d->n = kept;
}

/* Where the memory comes from, and why from there if not from the core's own node. */
static void write_memory(const struct draft *d, const struct candidate *c, char *text, size_t cap) {
    const struct pn_topology *topo = d->topo;
    int home = topo->cores[c->core].home;
    if (c->node < 0) {
        (void)snprintf(text, cap, "memory node unknown");
        return;
    }
    int os = topo->nodes[c->node].os.id;
    unsigned distance = pn_topology_distance(topo, home, c->node);
    if (home == c->node) {
        (void)snprintf(text, cap, "node %d", os);
    } else if (home < 0) {
        (void)snprintf(text, cap, "node %d (no node is local, none is known to be nearer)", os);
    } else if (distance == 0) {
        (void)snprintf(text, cap, "node %d (node %d has no memory, distances unknown)", os,
                       topo->nodes[home].os.id);
    } else {
        (void)snprintf(text, cap, "node %d (node %d has no memory; distance %u is the nearest)", os,
                       topo->nodes[home].os.id, distance);
    }
}

static void write_reason(const struct draft *d, const struct candidate *c, char *text, size_t cap) {
    const struct pn_topo_core *core = &d->topo->cores[c->core];
    char memory[72];
    char cache[24] = "";
    write_memory(d, c, memory, sizeof memory);
    if (c->llc >= 0) {
        (void)snprintf(cache, sizeof cache, ", cache %d", c->llc);
    }
    const char *which = core->pu_as_core               ? "a PU without a core object"
                        : core->n_pus == 1             ? "the only PU of its core"
                        : d->policy->smt               ? "an SMT sibling, as asked"
                        : core->pus[0].id == c->cpu.id ? "first PU of its core"
                                                       : "first usable PU of its core";
    (void)snprintf(text, cap, "%s%s; %s", memory, cache, which);
}

static void number_domains(struct pn_plan *plan) {
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        unsigned j = 0;
        for (; j < i; j++) {
            const struct pn_plan_scheduler *x = &plan->schedulers[i];
            const struct pn_plan_scheduler *y = &plan->schedulers[j];
            if (x->llc == y->llc && (x->llc >= 0 || x->node == y->node)) {
                break;
            }
        }
        plan->domain_of[i] = j < i ? plan->domain_of[j] : plan->n_domains++;
    }
}

static void add_note(struct pn_plan *plan, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_note(struct pn_plan *plan, const char *format, ...) {
    size_t used = strlen(plan->note);
    if (used > 0 && used + 3 < sizeof plan->note) {
        memcpy(plan->note + used, "; ", 3);
        used += 2;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(plan->note + used, sizeof plan->note - used, format, args);
    va_end(args);
}

static unsigned count_outside(const struct draft *d, const struct pn_os_cpu *cpu) {
    return !pn_cpulist_has(d->topo->allowed, d->topo->n_allowed, *cpu);
}

/* Isolated CPUs that nothing inherits and this plan does not use either. */
static void note_isolated(const struct draft *d, struct pn_plan *plan) {
    struct pn_os_cpu *isolated = NULL;
    unsigned n = 0;
    if (d->policy->cpus != NULL || d->policy->isolated == NULL ||
        pn_cpulist_parse(d->policy->isolated, &isolated, &n) != 0) {
        return;
    }
    unsigned outside = 0;
    for (unsigned i = 0; i < n; i++) {
        if (topology_has(d->topo, isolated[i]) && count_outside(d, &isolated[i]) > 0) {
            isolated[outside++] = isolated[i];
        }
    }
    if (outside > 0) {
        char list[128];
        pn_cpulist_print(isolated, outside, list, sizeof list);
        add_note(plan,
                 "CPUs %s are isolated and outside the inherited mask; --cpus isolated uses them",
                 list);
    }
    free(isolated);
}

static void write_note(const struct draft *d, struct pn_plan *plan) {
    unsigned outside = 0;
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        outside += count_outside(d, &plan->schedulers[i].cpu);
    }
    for (unsigned i = 0; i < plan->n_housekeeping; i++) {
        outside += count_outside(d, &plan->housekeeping[i]);
    }
    if (outside > 0) {
        add_note(plan, "%u of the chosen CPUs lie outside this process's inherited mask", outside);
    }
    if (d->policy->quota_cpus > 0 && d->policy->quota_cpus < plan->n_schedulers) {
        add_note(plan,
                 "the cgroup's quota is %.2f CPUs for %u schedulers, which will be throttled; "
                 "lift it or plan fewer",
                 d->policy->quota_cpus, plan->n_schedulers);
    }
    note_isolated(d, plan);
}

static int fill(struct draft *d, struct pn_plan *plan) {
    unsigned n = d->n;
    if (d->policy->max_schedulers > 0 && n > d->policy->max_schedulers) {
        n = d->policy->max_schedulers;
    }
    plan->schedulers = calloc(n, sizeof *plan->schedulers);
    plan->domain_of = calloc(n, sizeof *plan->domain_of);
    if (plan->schedulers == NULL || plan->domain_of == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < n; i++) {
        struct pn_plan_scheduler *s = &plan->schedulers[i];
        *s = (struct pn_plan_scheduler){.cpu = d->list[i].cpu,
                                        .core = d->list[i].core,
                                        .node = d->list[i].node,
                                        .llc = d->list[i].llc};
        write_reason(d, &d->list[i], s->reason, sizeof s->reason);
    }
    plan->n_schedulers = n;
    number_domains(plan);
    plan->housekeeping = d->housekeeping;
    plan->n_housekeeping = d->n_housekeeping;
    d->housekeeping = NULL;
    write_note(d, plan);
    return 0;
}

static int draft_make(struct draft *d, struct pn_error *err) {
    int rc = choose_usable(d, err);
    if (rc == 0) {
        rc = list_candidates(d);
    }
    if (rc == 0) {
        rc = choose_housekeeping(d, err);
    }
    if (rc != 0) {
        return rc;
    }
    drop_taken(d);
    if (d->n == 0) {
        pn_error_set(err, "no CPU is left for a scheduler; widen --cpus or --housekeeping");
        return -ERANGE;
    }
    if (d->policy->order != PN_ORDER_COMPACT) {
        spread(d, d->policy->order == PN_ORDER_SPREAD_LLC);
    }
    return 0;
}

int pn_plan_create(const struct pn_topology *topo, const struct pn_policy *policy,
                   struct pn_plan **out, struct pn_error *err) {
    struct draft d = {.topo = topo, .policy = policy};
    struct pn_plan *plan = calloc(1, sizeof *plan);
    int rc = plan == NULL ? -ENOMEM : draft_make(&d, err);
    if (rc == 0) {
        rc = fill(&d, plan);
    }
    free(d.usable);
    free(d.housekeeping);
    free(d.list);
    if (rc != 0) {
        if (rc == -ENOMEM) {
            pn_error_set(err, "no memory for a plan");
        }
        pn_plan_destroy(plan);
        return rc;
    }
    *out = plan;
    return 0;
}

void pn_plan_destroy(struct pn_plan *plan) {
    if (plan == NULL) {
        return;
    }
    free(plan->schedulers);
    free(plan->housekeeping);
    free(plan->domain_of);
    free(plan);
}

enum pn_near pn_plan_near(const struct pn_topology *topo, const struct pn_plan *plan, unsigned a,
                          unsigned b) {
    const struct pn_plan_scheduler *x = &plan->schedulers[a];
    const struct pn_plan_scheduler *y = &plan->schedulers[b];
    (void)topo;
    if (a == b) {
        return PN_NEAR_SELF;
    }
    if (x->core == y->core) {
        return PN_NEAR_SMT;
    }
    if (x->llc >= 0 && x->llc == y->llc) {
        return PN_NEAR_LLC;
    }
    return x->node == y->node ? PN_NEAR_NODE : PN_NEAR_REMOTE;
}
