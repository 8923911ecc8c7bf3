/* SPDX-License-Identifier: MIT
 *
 * The table of checks: what is fixed about each of them.
 */
#include "machine_files.h"

#include <errno.h>
#include <pinion/doctor.h>
#include <stdio.h>
#include <string.h>

struct check {
    const char *id;
    enum pn_finding_impact impact;
    const char *expected, *source, *why, *fix;
    pn_check_fn *run;
};

static const struct check checks[] = {
    {"vm.hypervisor", PN_IMPACT_VALIDITY, "bare metal", "/proc/cpuinfo: flags",
     "In a virtual machine the topology is claimed, not measured, and others share the cores.",
     "measure on the host, or on a dedicated instance", pn_check_hypervisor},
    {"vm.steal", PN_IMPACT_VALIDITY, "0.5 % at most", "/proc/stat: steal",
     "Time that the hypervisor gave to others is missing from every figure.",
     "use a machine that is not oversubscribed", pn_check_steal},
    {"cg.cpuset", PN_IMPACT_VALIDITY, "all CPUs and memory nodes", "/proc/self/status",
     "CPUs outside of the mask get no scheduler; what runs on them still shares caches and memory.",
     "start outside of the cpuset, or without taskset", pn_check_cpuset},
    {"cg.quota", PN_IMPACT_VALIDITY, "none", "cpu.max of the cgroups",
     "Spinning threads use up a CPU quota and are then stopped for the rest of its period.",
     "raise cpu.max, or run fewer cores (cores=N)", pn_check_quota},
    {"iso.isolated", PN_IMPACT_THROUGHPUT, "inside the mask", "/sys/devices/system/cpu/isolated",
     "Isolated CPUs are the quietest ones, but no process inherits them.",
     "pinion run --cpus isolated", pn_check_isolated},
    {"topo.smt", PN_IMPACT_VARIANCE, "one scheduler per physical core", "topology",
     "A busy sibling takes part of its core: siblings of scheduler cores must stay idle.",
     "echo off > /sys/devices/system/cpu/smt/control", pn_check_smt},
    {"cpu.governor", PN_IMPACT_VARIANCE, "performance", "cpufreq/scaling_governor",
     "Other governors change the clock with the load, which differs between designs.",
     "cpupower frequency-set -g performance", pn_check_governor},
    {"cpu.turbo", PN_IMPACT_VARIANCE, "off, or known to be on", "intel_pstate, cpufreq/boost",
     "With turbo the clock depends on how many cores are busy and on how warm they are.",
     "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo", pn_check_turbo},
    {"mem.thp", PN_IMPACT_THROUGHPUT, "madvise or always", "transparent_hugepage/enabled",
     "Arenas ask for huge pages; without them far memory also costs page walks.",
     "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled", pn_check_thp},
    {"numa.balancing", PN_IMPACT_VALIDITY, "0", "/proc/sys/kernel/numa_balancing",
     "It unmaps pages to see who uses them, and may move what was placed on purpose.",
     "sysctl -w kernel.numa_balancing=0", pn_check_numa_balancing},
    {"mem.node_sum", PN_IMPACT_VALIDITY, "MemTotal within 10 %", "node*/meminfo, /proc/meminfo",
     "Memory that belongs to no node cannot be placed: local and remote are then names only.",
     "none from inside; ask who made the virtual machine", pn_check_node_sum},
    {"mem.nodes", PN_IMPACT_THROUGHPUT, "memory on every node with CPUs, node 0 first",
     "node/has_memory, node/has_cpu",
     "Cores of a node without memory use a neighbour's, and no figure of theirs is local.",
     "populate every memory channel group, or leave those CPUs out (--cpus LIST)", pn_check_nodes},
    {"mem.free", PN_IMPACT_VALIDITY, "256 MiB on each node at least", "node*/meminfo",
     "Memory that is bound to a full node is reclaimed or swapped for, or ends the process.",
     "stop what fills the node, or drop the page cache", pn_check_free},
    {"topo.nodes", PN_IMPACT_VALIDITY, "hwloc and libnuma agree", "hwloc, libnuma",
     "Where two readers see other nodes or sizes, one of them is misled, and so may the plan be.",
     "mount /sys and /proc unmasked", pn_check_libnuma},
    {"topo.distances", PN_IMPACT_VALIDITY, "hwloc and libnuma agree", "hwloc, libnuma",
     "Where two readers of the firmware's table differ, nearest and farthest are not certain.",
     "mount /sys unmasked; else measure the distances", pn_check_distances},
    {"clock.source", PN_IMPACT_VALIDITY, "tsc, arch_sys_counter", "current_clocksource",
     "Other clocks cost a trap of a microsecond, more than most of what is timed.",
     "boot with tsc=reliable if the processor's counter is invariant", pn_check_clock},
    {"perf.pmu", PN_IMPACT_THROUGHPUT, "hardware counters", "perf_event_open(cycles)",
     "Without counters, cycles, instructions and cache misses stay null in every result.",
     "sysctl -w kernel.perf_event_paranoid=1, or CAP_PERFMON; in a VM: a virtual PMU",
     pn_check_pmu},
    {"bg.load", PN_IMPACT_VARIANCE, "0.1 per core at most", "/proc/loadavg",
     "Other work takes cores from schedulers that are pinned and cannot move away.",
     "stop other work and wait a minute", pn_check_loadavg},
    {"bg.runnable", PN_IMPACT_VARIANCE, "0", "/proc/stat: procs_running",
     "A task that is running now will also be running during the measurement.", "stop other work",
     pn_check_runnable},
    {"bg.pressure", PN_IMPACT_VARIANCE, "1 % at most", "/proc/pressure/cpu",
     "Some task could not run although it wanted to: the cores are taken.", "stop other work",
     pn_check_pressure},
};
enum { N_CHECKS = sizeof checks / sizeof *checks };
_Static_assert(sizeof checks / sizeof *checks <= PN_DOCTOR_MAX,
               "the header promises an upper bound");

static void fill(const struct pn_machine_files *m, const struct check *check,
                 struct pn_finding *f) {
    memset(f, 0, sizeof *f);
    f->impact = check->impact;
    (void)snprintf(f->id, sizeof f->id, "%s", check->id);
    (void)snprintf(f->expected, sizeof f->expected, "%s", check->expected);
    (void)snprintf(f->source, sizeof f->source, "%s", check->source);
    (void)snprintf(f->why, sizeof f->why, "%s", check->why);
    check->run(m, f);
    if (f->status != PN_FINDING_OK && f->status != PN_FINDING_SKIP) {
        (void)snprintf(f->fix, sizeof f->fix, "%s", check->fix);
    }
}

int pn_doctor_run(const char *root, const struct pn_topology *topo, struct pn_finding *out,
                  size_t cap, size_t *n) {
    struct pn_machine_files m = {.root = root, .topo = topo};
    *n = N_CHECKS;
    pn_files_watch(&m);
    for (size_t i = 0; i < N_CHECKS && i < cap; i++) {
        fill(&m, &checks[i], &out[i]);
    }
    return cap < N_CHECKS ? -ENOSPC : 0;
}
