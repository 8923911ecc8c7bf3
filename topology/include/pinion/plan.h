/* SPDX-License-Identifier: MIT
 *
 * Which core gets a scheduler, which cores keep house, and why. A planner is a pure function
 * topology x policy -> plan: no system call, so machines nobody owns can be planned and tested.
 */
#ifndef PINION_PLAN_H
#define PINION_PLAN_H

#include <pinion/topology.h>

enum pn_order { PN_ORDER_COMPACT, PN_ORDER_SPREAD_NUMA, PN_ORDER_SPREAD_LLC };

struct pn_policy {
    enum pn_order order;
    bool smt;                 /* one scheduler per PU instead of per physical core */
    unsigned max_schedulers;  /* 0 = as many as there are */
    const char *cpus;         /* NULL = allowed CPUs; "all"; "isolated"; a list "0-3,8" */
    const char *housekeeping; /* NULL = chosen (none below 4 cores); "none"; a list */
    /* What only the machine knows; the caller reads it (pinion/cgroup.h) or leaves it out. */
    const char *isolated; /* CPU list of the kernel's isolated set, NULL = none */
    double quota_cpus;    /* CPU time per wall time that the cgroups allow; 0 = no bound */
};

struct pn_plan_scheduler {
    struct pn_os_cpu cpu;
    int core;         /* position in topology->cores */
    int node;         /* position in topology->nodes of the nearest node with memory, -1 unknown */
    int llc;          /* -1 unknown */
    char reason[192]; /* memory node, cache and kind of core, and why this PU */
};

struct pn_plan {
    unsigned n_schedulers;
    struct pn_plan_scheduler *schedulers; /* in the order they are started */
    unsigned n_housekeeping;
    struct pn_os_cpu *housekeeping;
    char housekeeping_reason[64];
    unsigned n_domains;  /* LLC domains in use (nodes where no LLC is known) */
    unsigned *domain_of; /* [n_schedulers] 0 .. n_domains-1 */
    char note[512];      /* warnings, one line, joined by "; ", empty if none: to be shown loudly */
};

/* Distance classes between two schedulers of a plan, nearest first. */
enum pn_near {
    PN_NEAR_SELF,
    PN_NEAR_SMT,
    PN_NEAR_LLC,
    PN_NEAR_NODE,
    PN_NEAR_REMOTE,
    PN_NEAR_COUNT
};

/**
 * \param out owned by the caller, pn_plan_destroy
 * \return 0; -EINVAL a list that does not parse; -ERANGE no CPU is left
 */
int pn_plan_create(const struct pn_topology *topo, const struct pn_policy *policy,
                   struct pn_plan **out, struct pn_error *err);
void pn_plan_destroy(struct pn_plan *plan);

enum pn_near pn_plan_near(const struct pn_topology *topo, const struct pn_plan *plan, unsigned a,
                          unsigned b);

#endif
