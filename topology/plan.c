/* SPDX-License-Identifier: MIT
 *
 * topology x policy -> plan. Pure: everything that must be read from the machine comes in through
 * the arguments, so a plan for a machine of another building is the same function.
 *
 * A candidate is a place for one scheduler: the first usable PU of a physical core, or each usable
 * PU where the policy wants SMT siblings.
 */
#include "plan_draft.h"
#include "reader.h"

#include <pinion/cpulist.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b) {
    const struct pn_os_cpu *x = a;
    const struct pn_os_cpu *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int list_pus(struct draft *d) {
    for (unsigned c = 0; c < d->topo->n_cores; c++) {
        d->n_pus += d->topo->cores[c].n_pus;
    }
    d->pus = malloc((d->n_pus + 1) * sizeof *d->pus);
    if (d->pus == NULL) {
        return -ENOMEM;
    }
    memcpy(d->pus, d->topo->pus, d->n_pus * sizeof *d->pus);
    qsort(d->pus, d->n_pus, sizeof *d->pus, by_id);
    return 0;
}

static int copy_list(const struct pn_os_cpu *from, unsigned n, struct pn_os_cpu **list,
                     unsigned *count) {
    *list = malloc((n + 1) * sizeof **list);
    if (*list == NULL) {
        return -ENOMEM;
    }
    if (n > 0) {
        memcpy(*list, from, n * sizeof **list);
    }
    *count = n;
    return 0;
}

static int parse_list(const struct draft *d, const char *option, const char *text,
                      struct pn_os_cpu **list, unsigned *n, struct pn_error *err) {
    int rc = pn_cpulist_parse(text, list, n);
    if (rc != 0) {
        pn_error_set(err, "--%s '%s': not a list of CPUs such as 0-3,8", option, text);
        return rc;
    }
    for (unsigned i = 0; i < *n; i++) {
        if (!pn_cpulist_has(d->pus, d->n_pus, (*list)[i])) {
            pn_error_set(err, "--%s '%s': this machine has no CPU %d", option, text, (*list)[i].id);
            return -EINVAL;
        }
    }
    return 0;
}

static int choose_usable(struct draft *d, struct pn_error *err) {
    const char *cpus = d->policy->cpus;
    if (cpus == NULL) {
        return copy_list(d->topo->allowed, d->topo->n_allowed, &d->usable, &d->n_usable);
    }
    if (strcmp(cpus, "all") == 0) {
        return copy_list(d->pus, d->n_pus, &d->usable, &d->n_usable);
    }
    if (strcmp(cpus, "isolated") == 0) {
        if (d->policy->isolated == NULL || d->policy->isolated[0] == '\0') {
            pn_error_set(err, "--cpus isolated: the kernel isolates no CPU (isolcpus= is not set)");
            return -ERANGE;
        }
        cpus = d->policy->isolated;
    }
    return parse_list(d, "cpus", cpus, &d->usable, &d->n_usable, err);
}

static int by_home(const void *a, const void *b) {
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->home != y->home) {
        return x->home < y->home ? -1 : 1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

static int by_cache(const void *a, const void *b) {
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->home_first != y->home_first) {
        return x->home_first < y->home_first ? -1 : 1;
    }
    if (x->llc != y->llc) {
        return x->llc < y->llc ? -1 : 1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

static int by_place(const void *a, const void *b) {
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->home_first != y->home_first) {
        return x->home_first < y->home_first ? -1 : 1;
    }
    if (x->cache_first != y->cache_first) {
        return x->cache_first < y->cache_first ? -1 : 1;
    }
    if (x->sibling != y->sibling) {
        return x->sibling < y->sibling ? -1 : 1;
    }
    return (x->place > y->place) - (x->place < y->place);
}

/* Compact: nodes in the machine's own order, in which those of one package are neighbours though
 * their OS indices often are not; inside a node by cache, each cache's cores before their siblings.
 */
static void make_compact(struct draft *d) {
    struct candidate *list = d->list;
    qsort(list, d->n, sizeof *list, by_home);
    for (unsigned i = 0; i < d->n; i++) {
        bool same = i > 0 && list[i].home == list[i - 1].home;
        list[i].home_first = same ? list[i - 1].home_first : list[i].place;
    }
    qsort(list, d->n, sizeof *list, by_cache);
    for (unsigned i = 0; i < d->n; i++) {
        bool same = i > 0 && list[i].home == list[i - 1].home && list[i].llc == list[i - 1].llc;
        list[i].cache_first = same ? list[i - 1].cache_first : list[i].place;
    }
    qsort(list, d->n, sizeof *list, by_place);
}

static int by_sibling(const void *a, const void *b) {
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->sibling != y->sibling) {
        return x->sibling < y->sibling ? -1 : 1;
    }
    return (x->order > y->order) - (x->order < y->order);
}

static int by_rank(const void *a, const void *b) {
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->rank != y->rank) {
        return x->rank < y->rank ? -1 : 1;
    }
    return (x->group > y->group) - (x->group < y->group);
}

/* Deal the candidates out to nodes or caches in turn: the r-th of each group comes before any
 * (r+1)-th, and a core's sibling after every core of its group. */
static int spread(struct draft *d, bool by_llc) {
    unsigned n_groups = d->topo->n_llcs + d->topo->n_nodes + 1;
    unsigned *group_of = calloc(n_groups, sizeof *group_of);
    unsigned *dealt = calloc(d->n + 1, sizeof *dealt);
    unsigned n = 0;
    for (unsigned i = 0; i < d->n && group_of != NULL && dealt != NULL; i++) {
        struct candidate *c = &d->list[i];
        /* Where no cache is known a node counts as one, numbered after the caches. */
        unsigned key =
            by_llc && c->llc >= 0 ? (unsigned)c->llc : d->topo->n_llcs + (unsigned)(c->home + 1);
        if (group_of[key] == 0) {
            group_of[key] = ++n;
        }
        c->group = group_of[key];
        c->order = i;
    }
    if (group_of != NULL && dealt != NULL) {
        qsort(d->list, d->n, sizeof *d->list, by_sibling);
        for (unsigned i = 0; i < d->n; i++) {
            d->list[i].rank = dealt[d->list[i].group]++;
        }
        qsort(d->list, d->n, sizeof *d->list, by_rank);
    }
    int rc = group_of != NULL && dealt != NULL ? 0 : -ENOMEM;
    free(group_of);
    free(dealt);
    return rc;
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
                                                     .home = core->home,
                                                     .place = core->place,
                                                     .llc = core->llc,
                                                     .sibling = sibling};
            }
            sibling++;
        }
    }
    make_compact(d);
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

/* Of a node's cores, or of all with node -2, the first of the slowest kind; NULL if there is none.
 */
static struct candidate *slowest(const struct draft *d, int node) {
    struct candidate *best = NULL;
    for (unsigned i = 0; i < d->n; i++) {
        struct candidate *c = &d->list[i];
        const struct pn_topo_core *core = &d->topo->cores[c->core];
        if ((node == -2 || c->node == node) &&
            (best == NULL || core->kind < d->topo->cores[best->core].kind)) {
            best = c;
        }
    }
    return best;
}

/* One core of each large node, else one of the machine: the first, as the kernel's own work gathers
 * on the lowest CPUs anyway, but on a hybrid machine a slow one. */
static int choose_housekeeping(struct draft *d, struct pn_error *err) {
    if (d->policy->housekeeping != NULL && strcmp(d->policy->housekeeping, "none") == 0) {
        return 0;
    }
    if (d->policy->housekeeping != NULL) {
        int rc = parse_list(d, "housekeeping", d->policy->housekeeping, &d->housekeeping,
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
    for (int node = -1; node < (int)d->topo->n_nodes; node++) {
        if (cores_on_node(d, node) >= HOUSEKEEPING_PER_NODE_FROM) {
            keep_house(d, slowest(d, node));
        }
    }
    if (d->n_housekeeping == 0) {
        keep_house(d, slowest(d, -2));
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

static void number_domains(const struct pn_topology *topo, struct pn_plan *plan) {
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        unsigned j = 0;
        for (; j < i; j++) {
            const struct pn_plan_scheduler *x = &plan->schedulers[i];
            const struct pn_plan_scheduler *y = &plan->schedulers[j];
            bool same_node = topo->cores[x->core].home == topo->cores[y->core].home;
            if (x->llc == y->llc && (x->llc >= 0 || same_node)) {
                break;
            }
        }
        plan->domain_of[i] = j < i ? plan->domain_of[j] : plan->n_domains++;
    }
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
        pn_plan_write_reason(d, &d->list[i], s->reason, sizeof s->reason);
    }
    plan->n_schedulers = n;
    number_domains(d->topo, plan);
    plan->housekeeping = d->housekeeping;
    plan->n_housekeeping = d->n_housekeeping;
    pn_plan_write_house_reason(d, plan->housekeeping_reason, sizeof plan->housekeeping_reason);
    d->housekeeping = NULL;
    pn_plan_write_note(d, plan);
    return 0;
}

static int draft_make(struct draft *d, struct pn_error *err) {
    int rc = list_pus(d);
    if (rc == 0) {
        rc = choose_usable(d, err);
    }
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
    return d->policy->order == PN_ORDER_COMPACT
               ? 0
               : spread(d, d->policy->order == PN_ORDER_SPREAD_LLC);
}

int pn_plan_create(const struct pn_topology *topo, const struct pn_policy *policy,
                   struct pn_plan **out, struct pn_error *err) {
    struct draft d = {.topo = topo, .policy = policy};
    struct pn_plan *plan = calloc(1, sizeof *plan);
    int rc = plan == NULL ? -ENOMEM : draft_make(&d, err);
    if (rc == 0) {
        rc = fill(&d, plan);
    }
    free(d.pus);
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
    if (a == b) {
        return PN_NEAR_SELF;
    }
    if (x->core == y->core) {
        return PN_NEAR_SMT;
    }
    if (x->llc >= 0 && x->llc == y->llc) {
        return PN_NEAR_LLC;
    }
    return topo->cores[x->core].home == topo->cores[y->core].home ? PN_NEAR_NODE : PN_NEAR_REMOTE;
}
