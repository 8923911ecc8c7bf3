/* SPDX-License-Identifier: MIT
 *
 * One slot: one design, one set of parameters, one fresh process. Starts the child, lets it warm
 * up, watches the machine while it measures, and keeps what it says without trusting it.
 */
#ifndef PINION_SLOT_H
#define PINION_SLOT_H

#include <jansson.h>
#include <pinion/topology.h>
#include <stdbool.h>
#include <stdint.h>

/* Signals that cannot depend on the design. NAN: not known on this machine. */
struct pn_gates {
    double steal_pct;       /* of the slot's CPUs' time, taken by the hypervisor */
    double foreign_cpu_pct; /* of the slot's CPUs' time, used by other processes */
    double freq_drift_pct;  /* a fixed loop after the slot against before */
    double throttled;       /* thermal throttle events */
    double mask_moved;      /* schedulers found outside their mask */
    double pages_moved;     /* pages migrated by NUMA balancing */
    double run_delay_pct;   /* reported only: schedulers ready and not running */
};

struct pn_slot_options {
    const char *const *argv;      /* NULL-terminated; argv[0] an absolute path. Borrowed */
    const struct pn_os_cpu *cpus; /* [n_cpus] that the slot loads; borrowed */
    unsigned n_cpus;
    const struct pn_os_cpu *mask; /* [n_mask] that the child may run on; borrowed. None: ours */
    unsigned n_mask;
    uint64_t malloc_thresholds; /* glibc's, for trimming and for mappings; 0 = its own. Bytes */
    uint64_t deadline_ns; /* relative; then SIGTERM, and SIGKILL a second later, to the group */
    uint64_t jobs;        /* that the child was asked for */
    /** Asked ten times a second; true ends the slot. May be NULL. */
    bool (*interrupted)(void);
};

struct pn_slot_result {
    json_t *summary; /* the child's summary event; owned; NULL on error */
    struct pn_gates gates;
    char error[256];      /* "" or one line */
    char void_reason[96]; /* "" or the gate that says so */
    bool unsteady;        /* the two halves differ by more than 2 % */
    bool interrupted;
};

/** \return 0, also if the child failed (result->error says how); -errno if none could be started */
int pn_slot_run(const struct pn_slot_options *options, struct pn_slot_result *result);
void pn_slot_result_fini(struct pn_slot_result *result);

/**
 * Check a summary against what was asked and what passed outside of the child. Pure.
 *
 * \param window_ns, cpu_ns  from the go to the child's exit, measured by the parent; 0 = not known
 * \return 0; -EBADMSG and one line in why
 */
int pn_summary_check(const json_t *summary, uint64_t jobs, uint64_t window_ns, uint64_t cpu_ns,
                     char *why, size_t cap);

/** What the gates say: "" or "steal 3.1 %". */
void pn_gates_judge(const struct pn_gates *gates, char *reason, size_t cap);

json_t *pn_gates_json(const struct pn_gates *gates);

#endif
