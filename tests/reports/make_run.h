/* SPDX-License-Identifier: MIT
 *
 * Writes synthetic run directories: seeded, with planted truths, in the format that reports/ reads.
 */
#ifndef PN_TEST_MAKE_RUN_H
#define PN_TEST_MAKE_RUN_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "reports/stat.h"

struct made_run {
    uint64_t seed;
    size_t rounds;
    size_t points; /* x = 16, 32, 64, ... */
    double
        cross[2]; /* planted crossover of each mem level, in x; 0: none, shared ahead by `lead` */
    double slope; /* of ln(shared / mailbox) per octave; shared ahead below */
    double lead;  /* ln, where there is no crossover */
    double noise; /* standard deviation of one slot, ln */
    double void_share;     /* of slots, by a gate */
    bool spin_null;        /* mailbox cannot count its spin */
    double p99_ratio;      /* shared over mailbox in the open loop */
    const char *cpu_model; /* hostile or plain */
    const char *status;
    const char *void_reason;
    bool hypervisor;
    bool doctor_fails;
};

static inline struct made_run made_run_plain(uint64_t seed) {
    return (struct made_run){.seed = seed,
                             .rounds = 12,
                             .points = 7,
                             .cross = {120, 260},
                             .slope = 0.09,
                             .lead = 0.06,
                             .noise = 0.01,
                             .void_share = 0.03,
                             .p99_ratio = 0.8,
                             .cpu_model = "Sample CPU 2.9 GHz",
                             .status = "complete",
                             .void_reason = "foreign processes used 4.1 % of CPU 3"};
}

static inline double made_uniform(struct pn_random *r) {
    return (double)(pn_random_next(r) >> 11) * 0x1p-53;
}

static inline double made_normal(struct pn_random *r) {
    double u = made_uniform(r) + 1e-300;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * made_uniform(r));
}

/* A JSON string with everything escaped that JSON asks for. */
static inline void made_string(FILE *f, const char *s) {
    (void)fputc('"', f);
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') {
            (void)fprintf(f, "\\%c", *s);
        } else if ((unsigned char)*s < 0x20) {
            (void)fprintf(f, "\\u%04x", (unsigned)*s);
        } else {
            (void)fputc(*s, f);
        }
    }
    (void)fputc('"', f);
}

static inline FILE *made_open(const char *dir, const char *name) {
    char path[4300];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    if (f == NULL) {
        perror(path);
        abort();
    }
    return f;
}

static inline void made_findings(FILE *f, bool fails) {
    (void)fprintf(
        f,
        "\"findings\":[{\"id\":\"cpu.governor\",\"status\":\"ok\",\"impact\":\"variance\","
        "\"value\":\"performance\","
        "\"expected\":\"performance\",\"source\":\"sysfs\",\"why\":\"Frequency steps look "
        "like a design.\",\"fix\":\"\","
        "\"reason\":\"\"},{\"id\":\"mem.numa_balancing\",\"status\":\"%s\",\"impact\":"
        "\"variance\",\"value\":\"on\","
        "\"expected\":\"off\",\"source\":\"sysctl\",\"why\":\"The kernel moves pages "
        "during the run.\",\"fix\":"
        "\"sysctl "
        "kernel.numa_balancing=0\",\"reason\":\"\"},{\"id\":\"cpu.turbo\",\"status\":"
        "\"skip\",\"impact\":"
        "\"variance\",\"value\":\"\",\"expected\":\"off\",\"source\":\"sysfs\",\"why\":"
        "\"Turbo follows load and heat.\","
        "\"fix\":\"\",\"reason\":\"no intel_pstate "
        "here\"}],\"placement\":{\"schedulers\":[{\"cpu\":0,\"node\":0,"
        "\"reason\":\"core 0 of node 0\"},{\"cpu\":1,\"node\":0,\"reason\":\"core 1 of "
        "node 0\"}],\"housekeeping\":[3],"
        "\"note\":\"compact\"},\"sampled\":{\"cores\":\"2 of 4\",\"points\":\"7 of "
        "10\",\"why\":\"quick preset\"},",
        fails ? "fail" : "warn");
}

static inline void made_sweeps(FILE *f, const struct made_run *m) {
    (void)fputs("\"sweeps\":[{\"name\":\"units\",\"title\":\"work per job, local and malloc "
                "memory\",\"x\":{\"key\":"
                "\"units\",\"scale\":\"log2\",\"values\":[",
                f);
    for (size_t p = 0; p < m->points; p++) {
        (void)fprintf(f, "%s%d", p > 0 ? "," : "", 16 << p);
    }
    (void)fprintf(
        f,
        "],\"unit\":\"work units per "
        "job\"},\"by\":{\"key\":\"mem\",\"values\":[\"local\",\"malloc\"]},"
        "\"designs\":[\"shared\",\"mailbox\"],\"set\":{\"producers\":\"4\"},\"rounds_planned\":%zu,"
        "\"jobs\":{},\"aa\":{\"x\":128,\"design\":\"mailbox\"},\"kind\":\"crossover\"},",
        m->rounds);
    (void)fprintf(
        f,
        "{\"name\":\"latency\",\"title\":\"open loop\",\"x\":{\"key\":\"rate\",\"scale\":\"list\","
        "\"values\":[200000],\"unit\":\"jobs/s\"},\"by\":null,\"designs\":[\"shared\",\"mailbox\"],"
        "\"set\":{},\"rounds_planned\":%zu,\"jobs\":{},\"aa\":null,\"kind\":\"latency\"},",
        m->rounds);
    (void)fprintf(
        f,
        "{\"name\":\"ceiling\",\"title\":\"share of the job loop\",\"x\":{\"key\":\"producers_as\","
        "\"scale\":\"list\",\"values\":[\"thread\",\"task\"],\"unit\":\"\"},\"by\":null,"
        "\"designs\":"
        "[\"shared\",\"mailbox\"],\"set\":{},\"rounds_planned\":%zu,\"jobs\":{},\"aa\":null,"
        "\"kind\":"
        "\"ceiling\"}]",
        m->rounds);
}

static inline void made_manifest(const char *dir, const struct made_run *m) {
    FILE *f = made_open(dir, "manifest.json");
    (void)fputs(
        "{\"schema\":\"pinion.manifest/"
        "1\",\"tool\":{\"version\":\"0.1.0\",\"build\":{\"compiler\":\"gcc 12.2\","
        "\"flags\":\"-O2\",\"type\":\"Release\",\"native\":false}},\"command\":[\"pinion\","
        "\"survey\",\"--quick\","
        "\"--set\",\"payload=0 "
        "bytes\"],\"preset\":\"quick\",\"seed\":42,\"started_utc\":\"2026-11-24T12:34:56Z\","
        "\"ended_utc\":\"2026-11-24T12:38:40Z\",\"status\":",
        f);
    made_string(f, m->status);
    (void)fputs(",\"host\":{\"hash\":\"4f1c9a07\",\"kernel\":\"6.1.0-28-amd64\",\"cpu_model\":", f);
    made_string(f, m->cpu_model);
    (void)fprintf(
        f, ",\"cpus\":4,\"cores\":4,\"nodes\":%d,\"memory_bytes\":17179869184,\"hypervisor\":%s},",
        m->hypervisor ? 1 : 2, m->hypervisor ? "true" : "false");
    (void)fputs("\"fingerprint\":\"4f1c9a07e2d355b8\",\"versions\":{\"liburcu\":\"0.13.2\","
                "\"hwloc\":\"2.9.0\","
                "\"glibc\":\"2.36\"},",
                f);
    made_findings(f, m->doctor_fails);
    made_sweeps(f, m);
    (void)fputs(",\"micro\":\"micro.json\"}\n", f);
    (void)fclose(f);
}

struct made_slot {
    const char *sweep, *design, *by, *role;
    char x[24];
    size_t round;
    double rate; /* jobs per s */
    double busy; /* ns per job */
    double p99;  /* ns */
};

struct made_out {
    FILE *plan, *samples;
    const struct made_run *m;
    struct pn_random random;
    size_t slot;
    double now_ns;
};

static inline void made_place(FILE *f, const struct made_out *o, const struct made_slot *s) {
    (void)fprintf(f,
                  "\"key\":\"%zu\",\"sweep\":\"%s\",\"round\":%zu,\"order\":%zu,\"x\":%s,"
                  "\"design\":\"%s\",\"by\":",
                  o->slot, s->sweep, s->round, o->slot, s->x, s->design);
    (void)fprintf(f, s->by == NULL ? "null" : "\"%s\"", s->by);
    (void)fprintf(f, ",\"role\":\"%s\"", s->role);
}

static inline void made_cores(FILE *f, double jobs, double wall, double busy, double spin) {
    (void)fputs(",\"cores\":[", f);
    for (int c = 0; c < 2; c++) {
        (void)fprintf(f,
                      "%s{\"cpu\":%d,\"node\":0,\"jobs\":%.0f,\"busy_ns\":%.0f,\"spin_ns\":%.0f,"
                      "\"sleep_ns\":%.0f,"
                      "\"steals\":%d,\"wakes\":12,\"syscalls\":9,\"vol_switches\":3,\"faults\":1,"
                      "\"invol_switches\":2,"
                      "\"run_delay_ns\":%.0f}",
                      c > 0 ? "," : "", c, jobs * (c == 0 ? 0.52 : 0.48), busy / 2, spin / 2,
                      fmax(0, wall - busy / 2 - spin / 2), 40 + c, wall * 0.001);
    }
    (void)fputs("]", f);
}

/* A log-linear histogram around the slot's p99, 7 bits. */
static inline void made_histogram(FILE *f, double p99) {
    (void)fputs(",\"histogram\":{\"p\":7,\"counts\":[", f);
    size_t last = 0;
    for (int i = 0; i < 90; i++) {
        double v = p99 * exp(-2.6 + 0.045 * i);
        double n = 200 * exp(-0.5 * pow((i - 18) / 12.0, 2)) + (i > 50 ? 2 : 0);
        uint64_t u = (uint64_t)v;
        int e = 63 - __builtin_clzll(u | 1);
        size_t index = u < 256 ? (size_t)u : ((size_t)(e - 7) << 7) + (size_t)(u >> (e - 7));
        if (index > last && n >= 1) {
            (void)fprintf(f, "%s[%zu,%.0f]", last > 0 ? "," : "", index, floor(n));
            last = index;
        }
    }
    (void)fputs("]}", f);
}

/* What a design says of itself. */
static inline void made_self(FILE *f, bool mailbox) {
    (void)fprintf(f,
                  ",\"producers_as\":\"thread\",\"queue_kind\":\"%s\",\"bound\":\"queue\",\"queue_"
                  "effective\":1024,"
                  "\"turn\":16,\"payload_mode\":\"%s\",\"mem\":\"local\",\"segments_retired\":%s,"
                  "\"placement\":{"
                  "\"pinned\":true,\"membind\":true,\"pages\":512,\"elsewhere\":0,\"absent\":0},"
                  "\"degraded\":[],"
                  "\"helpers\":[{\"name\":\"reclaimer\",\"syscalls\":null,\"syscalls_reason\":"
                  "\"not counted\","
                  "\"vol_switches\":12}]",
                  mailbox ? "mailbox" : "segq", mailbox ? "copy" : "reference",
                  mailbox ? "null" : "390");
}

static inline void made_sample(struct made_out *o, const struct made_slot *s) {
    const struct made_run *m = o->m;
    double jobs = 100000;
    double wall = jobs / s->rate * 1e9;
    double busy = s->busy * jobs;
    bool mailbox = strcmp(s->design, "mailbox") == 0;
    double spin = mailbox ? 0.06 * wall : 0.12 * wall;
    bool is_void = made_uniform(&o->random) < m->void_share;
    (void)fputs("{\"schema\":1,", o->plan);
    made_place(o->plan, o, s);
    (void)fputs(",\"params\":{\"rate\":\"200000\"}}\n", o->plan);
    FILE *f = o->samples;
    (void)fputs("{\"schema\":1,", f);
    made_place(f, o, s);
    (void)fprintf(f,
                  ",\"t_start_ns\":%.0f,\"wall_ns\":%.0f,\"jobs\":%.0f,\"cpu_ns\":%.0f,\"gates\":{"
                  "\"steal_pct\":0.0,"
                  "\"foreign_cpu_pct\":%s,\"freq_drift_pct\":0.1,\"throttled\":null,\"mask_moved\":"
                  "0,\"pages_moved\":0,"
                  "\"run_delay_pct\":0.2},\"void\":",
                  o->now_ns, wall, jobs, busy + spin, is_void ? "4.1" : "0.1");
    if (is_void) {
        made_string(f, m->void_reason);
    } else {
        (void)fputs("null", f);
    }
    (void)fprintf(f,
                  ",\"unsteady\":%s,\"error\":null,\"summary\":{\"event\":\"summary\",\"jobs\":%."
                  "0f,\"done\":%.0f,"
                  "\"lost\":0,\"collateral\":0,\"checksum\":\"000027050ac42ebd\",\"wall_ns\":%.0f,"
                  "\"cpu_ns\":%.0f,"
                  "\"busy_ns\":%.0f,",
                  o->slot % 37 == 5 ? "true" : "false", jobs, jobs, wall, busy + spin, busy);
    if (m->spin_null && mailbox) {
        (void)fputs("\"spin_ns\":null,\"spin_ns_reason\":\"the mailbox <b>cannot</b> count it\"",
                    f);
    } else {
        (void)fprintf(f, "\"spin_ns\":%.0f", spin);
    }
    (void)fprintf(f,
                  ",\"samples\":20000,\"p50_ns\":%.0f,\"p95_ns\":%.0f,\"p99_ns\":%.0f,\"p999_ns\":%"
                  ".0f,\"max_ns\":%.0f",
                  s->p99 * 0.2, s->p99 * 0.7, s->p99, s->p99 * 3, s->p99 * 9);
    made_self(f, mailbox);
    made_cores(f, jobs, wall, busy, spin);
    made_histogram(f, s->p99);
    (void)fputs("}}\n", f);
    o->now_ns += wall * (m->void_share > 0 ? 6 : 5) + 2e8;
    o->slot++;
}

/* ln(shared / mailbox) that is planted at x. */
static inline double made_truth(const struct made_run *m, size_t level, double x) {
    return m->cross[level] > 0 ? m->slope * (log2(m->cross[level]) - log2(x)) : m->lead;
}

static inline void made_main(struct made_out *o, size_t round, size_t point, double common) {
    static const char *const mems[] = {"local", "malloc"};
    static const char *const designs[] = {"shared", "mailbox"};
    double x = (double)(16 << point);
    for (size_t level = 0; level < 2; level++) {
        for (size_t d = 0; d < 2; d++) {
            double advantage = d == 0 ? made_truth(o->m, level, x) : 0;
            double noise = common + o->m->noise * made_normal(&o->random);
            double rate = 4e7 / (12 + x * 0.17) * exp(advantage + noise) * (level == 0 ? 1 : 0.96);
            double busy = 1.7e9 / rate * exp(-0.3 * advantage);
            struct made_slot slot = {"units", designs[d], mems[level], "main", "",
                                     round,   rate,       busy,        40000};
            (void)snprintf(slot.x, sizeof slot.x, "%.0f", x);
            made_sample(o, &slot);
            if (point == 3 && level == 0 && d == 1) {
                slot.role = "aa";
                slot.rate *= exp(0.4 * o->m->noise * made_normal(&o->random));
                made_sample(o, &slot);
            }
        }
    }
}

static inline void made_extra(struct made_out *o, size_t round) {
    static const char *const designs[] = {"shared", "mailbox", "loop"};
    static const char *const as[] = {"\"thread\"", "\"task\""};
    for (size_t d = 0; d < 2; d++) {
        struct made_slot slot = {"latency", designs[d], NULL, "latency", "200000",
                                 round,     199000,     4000, 0};
        slot.p99 = 60000 * (d == 0 ? o->m->p99_ratio : 1) * exp(0.05 * made_normal(&o->random));
        made_sample(o, &slot);
    }
    for (size_t p = 0; p < 2; p++) {
        for (size_t d = 0; d < 3; d++) {
            double share = d == 2 ? 1 : d == 0 ? 0.47 + 0.2 * (double)p : 0.44 + 0.1 * (double)p;
            struct made_slot slot = {
                "ceiling", designs[d], NULL, d == 2 ? "loop" : "main", "", round, 0, 168, 1000};
            (void)snprintf(slot.x, sizeof slot.x, "%s", as[p]);
            slot.rate = 11e6 * share * exp(o->m->noise * made_normal(&o->random));
            slot.busy = 2e9 / slot.rate * 0.9;
            made_sample(o, &slot);
        }
    }
}

static inline void made_micro(const char *dir) {
    FILE *f = made_open(dir, "micro.json");
    (void)fputs(
        "{\"context\":{\"library_build_type\":\"debug\"},\"benchmarks\":[{\"name\":\"segq_push_"
        "pop\",\"run_type\":"
        "\"iteration\",\"iterations\":1000000,\"real_time\":18.25,\"cpu_time\":18.2,\"time_unit\":"
        "\"ns\","
        "\"items_per_second\":5.4e7},{\"name\":\"pin\",\"run_type\":\"iteration\",\"error_"
        "occurred\":true,"
        "\"error_message\":\"needs 2 "
        "<CPUs>\",\"iterations\":0,\"real_time\":0,\"cpu_time\":0,\"time_unit\":\"ns\"}]}\n",
        f);
    (void)fclose(f);
}

/* dir must exist and be empty. */
static inline void make_run(const char *dir, const struct made_run *m) {
    struct made_out out = {.m = m, .random = {m->seed}};
    made_manifest(dir, m);
    made_micro(dir);
    out.plan = made_open(dir, "plan.jsonl");
    out.samples = made_open(dir, "samples.jsonl");
    for (size_t round = 0; round < m->rounds; round++) {
        for (size_t point = 0; point < m->points; point++) {
            made_main(&out, round, point, 0.03 * made_normal(&out.random));
        }
        made_extra(&out, round);
    }
    (void)fclose(out.plan);
    (void)fclose(out.samples);
}

/* A fresh directory under the build directory's tests; the caller removes it with made_remove. */
static inline void made_directory(char *path, size_t size) {
    (void)snprintf(path, size, "/tmp/pinion-report-XXXXXX");
    if (mkdtemp(path) == NULL) {
        perror(path);
        abort();
    }
}

static inline void made_remove(const char *dir) {
    static const char *const names[] = {"manifest.json", "plan.jsonl",   "samples.jsonl",
                                        "micro.json",    "results.json", "report.html",
                                        "queues.jsonl",  "topology.xml"};
    char path[4300];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

#endif
