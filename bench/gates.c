/* SPDX-License-Identifier: MIT
 *
 * Gates void a slot by what happened to the machine, never by the slot's own result.
 *
 * Thresholds: start values for bare metal with room for the resolution of /proc/stat (10 ms ticks:
 * 1.5 % of a 0.35 s slot on two CPUs). A shared virtual machine whose neighbours take more than
 * this is too noisy to measure on, and the run says so.
 */
#include "gates.h"

#include <math.h>
#include <pinion/clock.h>
#include <pinion/generator.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double steal_max_pct = 2;
static const double foreign_max_pct = 8;
static const double drift_max_pct = 10;

enum { LOOP_UNITS = 100000, LOOP_TRIES = 5 };

static bool is_ours(const struct pn_slot_options *o, int cpu) {
    for (unsigned i = 0; i < o->n_cpus; i++) {
        if (o->cpus[i].id == cpu) {
            return true;
        }
    }
    return false;
}

static void read_stat(const struct pn_slot_options *o, struct pn_gate_reading *r) {
    FILE *f = fopen("/proc/stat", "re");
    char line[512];
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        int cpu = 0;
        unsigned long long v[8];
        if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, &v[0], &v[1], &v[2],
                   &v[3], &v[4], &v[5], &v[6], &v[7]) == 9 &&
            is_ours(o, cpu)) {
            r->busy_ticks += v[0] + v[1] + v[2] + v[5] + v[6]; /* user nice system irq softirq */
            r->steal_ticks += v[7];
            r->stat_known = true;
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
}

static bool read_count(const char *path, const char *label, uint64_t *sum) {
    FILE *f = fopen(path, "re");
    char line[256];
    bool found = false;
    while (f != NULL && !found && fgets(line, sizeof line, f) != NULL) {
        size_t len = strlen(label);
        if (strncmp(line, label, len) == 0) {
            *sum += strtoull(line + len, NULL, 10);
            found = true;
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return found;
}

static void read_throttle(const struct pn_slot_options *o, struct pn_gate_reading *r) {
    for (unsigned i = 0; i < o->n_cpus; i++) {
        char path[128];
        (void)snprintf(path, sizeof path,
                       "/sys/devices/system/cpu/cpu%d/thermal_throttle/core_throttle_count",
                       o->cpus[i].id);
        r->throttle_known = read_count(path, "", &r->throttled) || r->throttle_known;
    }
}

/* The fastest of a few: a preempted try is long, a slow clock makes all of them long. */
static uint64_t time_loop(void) {
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < LOOP_TRIES; i++) {
        uint64_t start = pn_now_ns();
        uint32_t x = pn_compute(i, LOOP_UNITS);
        __asm__("" : : "r"(x));
        uint64_t ns = pn_now_ns() - start;
        best = ns < best ? ns : best;
    }
    return best;
}

void pn_gates_read(const struct pn_slot_options *o, struct pn_gate_reading *r) {
    memset(r, 0, sizeof *r);
    read_stat(o, r);
    read_throttle(o, r);
    r->pages_known = read_count("/proc/vmstat", "numa_pages_migrated ", &r->pages_moved);
    r->loop_ns = time_loop();
    r->self_cpu_ns = pn_process_cpu_ns();
    r->at_ns = pn_now_ns();
}

static double run_delay(const json_t *summary, double elapsed_ns) {
    const json_t *cores = json_object_get(summary, "cores");
    size_t n = json_array_size(cores);
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const json_t *delay = json_object_get(json_array_get(cores, i), "run_delay_ns");
        if (!json_is_integer(delay)) {
            return NAN;
        }
        sum += (double)json_integer_value(delay);
    }
    return n == 0 ? NAN : 100 * sum / (elapsed_ns * (double)n);
}

void pn_gates_compare(const struct pn_slot_options *o, const struct pn_gate_reading *before,
                      const struct pn_gate_reading *after, uint64_t child_cpu_ns,
                      const json_t *summary, struct pn_gates *g) {
    *g = (struct pn_gates){NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    double elapsed = (double)(after->at_ns - before->at_ns);
    double capacity = elapsed * o->n_cpus;
    double tick_ns = 1e9 / (double)sysconf(_SC_CLK_TCK);
    if (before->stat_known && after->stat_known && capacity > 0) {
        double busy = (double)(after->busy_ticks - before->busy_ticks) * tick_ns;
        double own = (double)child_cpu_ns + (double)(after->self_cpu_ns - before->self_cpu_ns);
        g->foreign_cpu_pct = busy > own ? 100 * (busy - own) / capacity : 0;
        g->steal_pct =
            100 * (double)(after->steal_ticks - before->steal_ticks) * tick_ns / capacity;
    }
    if (before->throttle_known && after->throttle_known) {
        g->throttled = (double)(after->throttled - before->throttled);
    }
    if (before->pages_known && after->pages_known) {
        g->pages_moved = (double)(after->pages_moved - before->pages_moved);
    }
    double slow = (double)after->loop_ns / (double)before->loop_ns;
    g->freq_drift_pct = 100 * fabs(slow - 1);
    const json_t *placement = json_object_get(summary, "placement");
    if (json_is_true(json_object_get(placement, "pinned"))) {
        g->mask_moved = 0;
    } else if (json_is_true(json_object_get(placement, "moved"))) {
        g->mask_moved = 1;
    }
    g->run_delay_pct = run_delay(summary, elapsed);
}

void pn_gates_judge(const struct pn_gates *g, char *reason, size_t cap) {
    reason[0] = '\0';
    if (g->steal_pct > steal_max_pct) {
        (void)snprintf(reason, cap, "steal %.1f %%", g->steal_pct);
    } else if (g->foreign_cpu_pct > foreign_max_pct) {
        (void)snprintf(reason, cap, "foreign CPU time %.1f %%", g->foreign_cpu_pct);
    } else if (g->freq_drift_pct > drift_max_pct) {
        (void)snprintf(reason, cap, "clock speed changed by %.1f %%", g->freq_drift_pct);
    } else if (g->throttled > 0) {
        (void)snprintf(reason, cap, "%.0f thermal throttle events", g->throttled);
    } else if (g->mask_moved > 0 || g->pages_moved > 0) {
        (void)snprintf(reason, cap, "%s moved during the slot",
                       g->mask_moved > 0 ? "a scheduler" : "memory pages");
    }
}

json_t *pn_gates_json(const struct pn_gates *g) {
    const struct {
        const char *name;
        double value;
    } all[] = {{"steal_pct", g->steal_pct},           {"foreign_cpu_pct", g->foreign_cpu_pct},
               {"freq_drift_pct", g->freq_drift_pct}, {"throttled", g->throttled},
               {"mask_moved", g->mask_moved},         {"pages_moved", g->pages_moved},
               {"run_delay_pct", g->run_delay_pct}};
    json_t *object = json_object();
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_object_set_new(object, all[i].name,
                            isnan(all[i].value) ? json_null() : json_real(all[i].value));
    }
    return object;
}
