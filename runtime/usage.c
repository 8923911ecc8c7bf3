/* SPDX-License-Identifier: MIT
 *
 * What a scheduler thread has used, read by another thread from the kernel's books: the scheduler
 * itself makes no system call for it.
 *
 * Orderings
 *   T3  of sched.c: a thread id that is not 0 is that of a core that is placed.
 */
#include "runtime/core.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_task_file(int tid, const char *name, char *text, size_t cap) {
    char path[96];
    (void)snprintf(path, sizeof path, "/proc/self/task/%d/%s", tid, name);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return -errno;
    }
    size_t n = fread(text, 1, cap - 1, f);
    text[n] = '\0';
    (void)fclose(f);
    return 0;
}

static uint64_t field_after(const char *text, const char *label) {
    const char *at = strstr(text, label);
    return at == NULL ? 0 : strtoull(at + strlen(label), NULL, 10);
}

/* Fields 10 and 12 of stat, counted behind the name, which may hold anything but ')'. */
static uint64_t faults_of(const char *stat) {
    const char *at = strrchr(stat, ')');
    unsigned long long minor = 0;
    unsigned long long major = 0;
    if (at == NULL ||
        sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %llu %*u %llu", &minor, &major) != 2) {
        return 0;
    }
    return minor + major;
}

bool pn_runtime_moved(const struct pn_runtime *rt, unsigned core) {
    const struct pn_core *c = &rt->cores[core];
    /* T3 acquire: pairs with the store in sched.c. */
    return c->pinned &&
           pn_pin_check(pn_load_acq(&c->tid), rt->config.plan->schedulers[core].cpu) == -EXDEV;
}

int pn_runtime_usage(const struct pn_runtime *rt, unsigned core, struct pn_core_usage *out) {
    const struct pn_core *c = &rt->cores[core];
    const struct pn_plan_scheduler *plan = &rt->config.plan->schedulers[core];
    char text[4096];
    memset(out, 0, sizeof *out);
    out->tid = pn_load_acq(&c->tid); /* T3 acquire: as above */
    out->cpu = plan->cpu.id;
    out->node = plan->node < 0 ? -1 : rt->config.topology->nodes[plan->node].os.id;
    out->moved = pn_runtime_moved(rt, core);
    out->pinned = c->pinned && !out->moved;
    if (read_task_file(out->tid, "schedstat", text, sizeof text) != 0) {
        return -ESRCH;
    }
    char *end = NULL;
    out->cpu_ns = strtoull(text, &end, 10);
    out->run_delay_ns = strtoull(end, NULL, 10);
    if (read_task_file(out->tid, "status", text, sizeof text) == 0) {
        out->voluntary_switches = field_after(text, "\nvoluntary_ctxt_switches:");
        out->involuntary_switches = field_after(text, "nonvoluntary_ctxt_switches:");
    }
    if (read_task_file(out->tid, "stat", text, sizeof text) == 0) {
        out->faults = faults_of(text);
    }
    out->queue_locks = pn_runq_lock_taken(c->runq_lock);
    out->spin_ns = pn_stats_get(c->stats, PN_STAT_SPIN_NS);
    out->sleep_ns = pn_stats_get(c->stats, PN_STAT_SLEEP_NS);
    out->syscalls = pn_stats_get(c->stats, PN_STAT_SYSCALLS);
    out->wakes = pn_stats_get(c->stats, PN_STAT_WAKE_SENT);
    for (int s = PN_STAT_STEAL_SMT; s <= PN_STAT_STEAL_REMOTE; s++) {
        out->steals += pn_stats_get(c->stats, (enum pn_stat)s);
    }
    return 0;
}

uint64_t pn_thread_voluntary_switches(int tid) {
    char text[4096];
    if (read_task_file(tid, "status", text, sizeof text) != 0) {
        return UINT64_MAX;
    }
    return field_after(text, "\nvoluntary_ctxt_switches:");
}
