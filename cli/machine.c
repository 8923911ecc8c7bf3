/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "command.h"

#include <errno.h>
#include <pinion/cgroup.h>
#include <stdio.h>

void pn_policy_read(struct pn_policy *policy, char *isolated, size_t cap) {
    if (pn_isolated_read("", isolated, cap) == 0) {
        policy->isolated = isolated;
    }
    double quota = pn_cpu_quota("");
    policy->quota_cpus = quota > 0 ? quota : 0;
}

int pn_machine_load(struct pn_machine *machine, const char *cpus, const char *housekeeping,
                    unsigned max_schedulers) {
    struct pn_error err = {""};
    char isolated[1024];
    *machine = (struct pn_machine){NULL, NULL};
    if (pn_topology_load(NULL, &machine->topology, &err) != 0) {
        return pn_fail(PN_EXIT_MACHINE, "%s", err.text);
    }
    struct pn_policy policy = {
        .cpus = cpus, .housekeeping = housekeeping, .max_schedulers = max_schedulers};
    pn_policy_read(&policy, isolated, sizeof isolated);
    int rc = pn_plan_create(machine->topology, &policy, &machine->plan, &err);
    if (rc != 0) {
        pn_machine_destroy(machine);
        bool asked = cpus != NULL || housekeeping != NULL;
        bool input = rc == -EINVAL || (rc == -ERANGE && asked);
        return pn_fail(input ? PN_EXIT_INPUT : PN_EXIT_MACHINE, "%s", err.text);
    }
    if (machine->plan->note[0] != '\0') {
        (void)fprintf(stderr, "pinion: WARNING: %s\n", machine->plan->note);
    }
    return 0;
}

void pn_machine_destroy(struct pn_machine *machine) {
    pn_plan_destroy(machine->plan);
    pn_topology_destroy(machine->topology);
    *machine = (struct pn_machine){NULL, NULL};
}
