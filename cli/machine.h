/* SPDX-License-Identifier: MIT
 *
 * This machine and a plan for it, as every command that runs something needs them.
 */
#ifndef PN_CLI_MACHINE_H
#define PN_CLI_MACHINE_H

#include <pinion/plan.h>

struct pn_machine {
    struct pn_topology *topology;
    struct pn_plan *plan;
};

/**
 * Fill in what only this machine knows: isolated CPUs and the CPU quota.
 *
 * \param isolated  [cap] holds the list; must live as long as policy is used
 */
void pn_policy_read(struct pn_policy *policy, char *isolated, size_t cap);

/**
 * \param cpus, housekeeping  as on the command line, NULL = chosen
 * \param max_schedulers      0 = all
 * \return 0, else an exit code after one line on stderr
 */
int pn_machine_load(struct pn_machine *machine, const char *cpus, const char *housekeeping,
                    unsigned max_schedulers);
void pn_machine_destroy(struct pn_machine *machine);

#endif
