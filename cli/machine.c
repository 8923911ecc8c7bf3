/* SPDX-License-Identifier: MIT */
#include "machine.h"

#include "command.h"

#include <errno.h>
#include <pinion/cgroup.h>
#include <stdio.h>

int pn_machine_load(struct pn_machine *machine, const char *cpus, const char *housekeeping,
                    unsigned max_schedulers) {
    struct pn_error err = {""};
    char isolated[1024] = "";
    *machine = (struct pn_machine){NULL, NULL};
    if (pn_topology_load(NULL, &machine->topology, &err) != 0) {
        return pn_fail(PN_EXIT_MACHINE, "%s", err.text);
    }
    (void)pn_isolated_read("", isolated, sizeof isolated);
    struct pn_policy policy = {.cpus = cpus,
                               .housekeeping = housekeeping,
                               .isolated = isolated,
                               .max_schedulers = max_schedulers};
    int rc = pn_plan_create(machine->topology, &policy, &machine->plan, &err);
    if (rc != 0) {
        pn_machine_destroy(machine);
        return pn_fail(rc == -EINVAL ? PN_EXIT_INPUT : PN_EXIT_MACHINE, "%s", err.text);
    }
    double quota = pn_cpu_quota("");
    if (quota > 0 && quota < machine->plan->n_schedulers) {
        (void)fprintf(stderr,
                      "pinion: WARNING: the cgroup allows %.2f CPUs for %u schedulers; spinning "
                      "threads will be throttled\n",
                      quota, machine->plan->n_schedulers);
    }
    return 0;
}

void pn_machine_destroy(struct pn_machine *machine) {
    pn_plan_destroy(machine->plan);
    pn_topology_destroy(machine->topology);
    *machine = (struct pn_machine){NULL, NULL};
}
