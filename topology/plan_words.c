/* SPDX-License-Identifier: MIT
 *
 * A plan in words: why each scheduler is where it is, and what spoils the whole.
 */
#include "plan_draft.h"

#include <pinion/cpulist.h>

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int count_kinds(const struct pn_topology *topo) {
    int n = 0;
    for (unsigned c = 0; c < topo->n_cores; c++) {
        n = topo->cores[c].kind >= n ? topo->cores[c].kind + 1 : n;
    }
    return n;
}

static int by_id(const void *a, const void *b) {
    const struct pn_os_cpu *x = a;
    const struct pn_os_cpu *y = b;
    return (x->id > y->id) - (x->id < y->id);
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
    const char *why = home >= 0 && !topo->nodes[home].allowed ? "may not be used" : "has no memory";
    unsigned distance = pn_topology_distance(topo, home, c->node);
    if (home == c->node) {
        (void)snprintf(text, cap, "node %d", os);
    } else if (home < 0) {
        (void)snprintf(text, cap, "node %d (no node is local, none is known to be nearer)", os);
    } else if (distance == 0) {
        (void)snprintf(text, cap, "node %d (node %d %s, distances unknown)", os,
                       topo->nodes[home].os.id, why);
    } else {
        (void)snprintf(text, cap, "node %d (node %d %s; distance %u is the nearest)", os,
                       topo->nodes[home].os.id, why, distance);
    }
}

void pn_plan_write_reason(const struct draft *d, const struct candidate *c, char *text,
                          size_t cap) {
    const struct pn_topo_core *core = &d->topo->cores[c->core];
    char memory[96];
    char cache[24] = "";
    char kind[64] = "";
    write_memory(d, c, memory, sizeof memory);
    if (c->llc >= 0) {
        (void)snprintf(cache, sizeof cache, ", cache %d", c->llc);
    }
    if (core->kind >= 0) {
        (void)snprintf(kind, sizeof kind, ", core kind %d of %d by speed", core->kind + 1,
                       count_kinds(d->topo));
    }
    const char *which = core->pu_as_core               ? "a PU without a core object"
                        : core->n_pus == 1             ? "the only PU of its core"
                        : d->policy->smt               ? "an SMT sibling, as asked"
                        : core->pus[0].id == c->cpu.id ? "first PU of its core"
                                                       : "first usable PU of its core";
    (void)snprintf(text, cap, "%s%s%s; %s", memory, cache, kind, which);
}

void pn_plan_write_house_reason(const struct draft *d, char *text, size_t cap) {
    if (d->policy->housekeeping != NULL) {
        (void)snprintf(text, cap, d->n_housekeeping == 0 ? "none, as asked" : "as asked");
    } else if (d->n_housekeeping == 0) {
        (void)snprintf(text, cap, "fewer than %d cores: helper threads float", HOUSEKEEPING_FROM);
    } else {
        bool slow = false;
        for (unsigned c = 0; c < d->topo->n_cores; c++) {
            slow = slow || d->topo->cores[c].kind > 0;
        }
        (void)snprintf(text, cap, "the first %score of %s", slow ? "slow " : "",
                       d->n_housekeeping > 1 ? "each node" : "the machine");
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
        if (pn_cpulist_has(d->pus, d->n_pus, isolated[i]) && count_outside(d, &isolated[i]) > 0) {
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

/* Equal shares of work take unequal time there, which no design is to be blamed for. */
static void note_kinds(const struct draft *d, struct pn_plan *plan) {
    int slow = INT_MAX;
    int fast = -1;
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        int kind = d->topo->cores[plan->schedulers[i].core].kind;
        slow = kind < slow ? kind : slow;
        fast = kind > fast ? kind : fast;
    }
    if (slow >= fast) {
        return;
    }
    struct pn_os_cpu *list = malloc((d->n_usable + 1) * sizeof *list);
    unsigned n = 0;
    for (unsigned c = 0; list != NULL && c < d->topo->n_cores; c++) {
        const struct pn_topo_core *core = &d->topo->cores[c];
        for (unsigned k = 0; core->kind == fast && k < core->n_pus; k++) {
            if (pn_cpulist_has(d->usable, d->n_usable, core->pus[k])) {
                list[n++] = core->pus[k];
            }
        }
    }
    char text[128] = "LIST";
    if (list != NULL) {
        qsort(list, n, sizeof *list, by_id);
        pn_cpulist_print(list, n, text, sizeof text);
    }
    add_note(plan, "the schedulers' cores differ in speed; --cpus %s keeps to the fastest kind",
             text);
    free(list);
}

/* SMT8 is POWER; hwloc 2.9 also reads it from the CPUID of some processors whose cores have two. */
static void note_wide_cores(const struct draft *d, struct pn_plan *plan) {
    enum { WIDE = 8 };
    unsigned widest = 0;
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        unsigned n = d->topo->cores[plan->schedulers[i].core].n_pus;
        widest = n > widest ? n : widest;
    }
    if (widest >= WIDE && !d->policy->smt) {
        add_note(plan,
                 "cores of %u CPUs each: if this is not POWER, the caches or cores were misread; "
                 "--smt uses every CPU",
                 widest);
    }
}

void pn_plan_write_note(const struct draft *d, struct pn_plan *plan) {
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
    note_kinds(d, plan);
    note_wide_cores(d, plan);
}
