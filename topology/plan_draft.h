/* SPDX-License-Identifier: MIT
 *
 * A plan in the making: what plan.c decides and plan_words.c puts into words.
 */
#ifndef PN_PLAN_DRAFT_H
#define PN_PLAN_DRAFT_H

#include <pinion/plan.h>

/* With fewer cores than this, giving one away costs more than the helpers' noise. */
enum { HOUSEKEEPING_FROM = 4, HOUSEKEEPING_PER_NODE_FROM = 8 };

/* A place for one scheduler. */
struct candidate {
    struct pn_os_cpu cpu;
    int core, llc;
    int node;                    /* where its memory comes from */
    int home;                    /* where it sits, -1 unknown */
    unsigned place;              /* of its core */
    unsigned home_first;         /* the first place of its node, */
    unsigned cache_first;        /* and of its cache on that node */
    unsigned sibling;            /* 0 = first usable PU of its core */
    unsigned order, group, rank; /* see spread() */
    bool taken;                  /* by housekeeping */
};

struct draft {
    const struct pn_topology *topo;
    const struct pn_policy *policy;
    struct pn_os_cpu *pus; /* [n_pus] of the whole machine, ascending */
    unsigned n_pus;
    struct pn_os_cpu *usable;
    unsigned n_usable;
    struct pn_os_cpu *housekeeping;
    unsigned n_housekeeping;
    struct candidate *list;
    unsigned n;
};

void pn_plan_write_reason(const struct draft *d, const struct candidate *c, char *text, size_t cap);

/** Why these cores keep house, or why none does. */
void pn_plan_write_house_reason(const struct draft *d, char *text, size_t cap);

/** What spoils the plan, into plan->note. Schedulers and housekeeping are filled in. */
void pn_plan_write_note(const struct draft *d, struct pn_plan *plan);

#endif
