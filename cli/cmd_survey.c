/* SPDX-License-Identifier: MIT
 *
 * pinion survey: the main job. Topology, doctor, microbenchmarks, sweeps, report.
 */
#include "args.h"
#include "command.h"
#include "machine.h"
#include "manifest.h"
#include "peers_here.h"
#include "plan_print.h"
#include "progress.h"
#include "run_files.h"
#include "verdict_print.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <pinion/clock.h>
#include <pinion/micro.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* --quick ends within four minutes on any machine: 185 s of slots, the rest for the pilot of the
 * last round, microbenchmarks and the report. More schedulers than 16 make a slot's start-up show.
 */
enum { QUICK_BUDGET_S = 200, QUICK_CORES_MAX = 16 };

struct options {
    const char *directory, *cpus, *housekeeping, *workload;
    char library[PATH_MAX];
    struct pn_common common;
    uint64_t budget_ns; /* 0: the preset's */
    bool full, resume;
};

enum {
    OPT_QUICK = 256,
    OPT_FULL,
    OPT_BUDGET,
    OPT_RESUME,
    OPT_CPUS,
    OPT_HOUSEKEEPING,
    OPT_WORKLOAD
};

static const struct argp_option option_table[] = {
    {"quick", OPT_QUICK, NULL, 0, "at most 4 minutes (the default)", 0},
    {"full", OPT_FULL, NULL, 0, "publishable: 24 rounds of slots of 3 s", 0},
    {"budget", OPT_BUDGET, "TIME", 0, "30s, 10m or 2h: no round begins that would not fit", 0},
    {NULL, 'o', "DIR", 0, "default runs/<UTC time>-<host hash>", 0},
    {"resume", OPT_RESUME, NULL, 0, "go on with what is in DIR", 0},
    {"workload", OPT_WORKLOAD, "LIB", 0, "your own jobs, a shared library: pinion/workload.h", 0},
    {"cpus", OPT_CPUS, "LIST", 0, "CPUs for schedulers: a list, 'isolated' or 'all'", 0},
    {"housekeeping", OPT_HOUSEKEEPING, "LIST", 0, "CPUs for helper threads", 0},
    {0},
};

static error_t parse_option(int key, char *arg, struct argp_state *state) {
    struct options *o = state->input;
    switch (key) {
    case OPT_QUICK:
        return 0;
    case OPT_FULL:
        o->full = true;
        return 0;
    case OPT_BUDGET:
        return pn_args_budget("survey", arg, &o->budget_ns);
    case OPT_RESUME:
        o->resume = true;
        return 0;
    case OPT_WORKLOAD:
        o->workload = arg;
        return pn_workload_path(arg, o->library, sizeof o->library) == 0 ? 0 : EINVAL;
    case OPT_CPUS:
        o->cpus = arg;
        return 0;
    case OPT_HOUSEKEEPING:
        o->housekeeping = arg;
        return 0;
    case 'o':
        o->directory = arg;
        return 0;
    case ARGP_KEY_ARG:
        (void)pn_fail(PN_EXIT_INPUT, "survey: '%s' is not an option", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void default_directory(char *path, size_t cap) {
    char stamp[32];
    char host[16];
    time_t now = time(NULL);
    struct tm tm;
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H%M%SZ", gmtime_r(&now, &tm));
    pn_host_hash(host);
    (void)snprintf(path, cap, "runs/%s-%s", stamp, host);
}

static unsigned cores_used(const struct options *o, const struct pn_machine *m) {
    unsigned all = m->plan->n_schedulers;
    return o->full || all <= QUICK_CORES_MAX ? all : QUICK_CORES_MAX;
}

static uint64_t budget_of(const struct options *o) {
    return o->budget_ns != 0 || o->full ? o->budget_ns : (uint64_t)QUICK_BUDGET_S * 1000000000u;
}

static void announce(const struct options *o, const struct pn_machine *m, const char *directory) {
    unsigned used = cores_used(o, m);
    if (o->budget_ns != 0) {
        (void)fprintf(stderr, "takes the budget of %" PRIu64 " s and about 30 s more; loads CPUs",
                      o->budget_ns / 1000000000u);
    } else {
        (void)fprintf(stderr, "takes %s; loads CPUs",
                      o->full ? "about 3 hours" : "at most 4 minutes");
    }
    for (unsigned i = 0; i < used && i < 24; i++) {
        (void)fprintf(stderr, " %d", m->plan->schedulers[i].cpu.id);
    }
    (void)fprintf(stderr, "%s (%u of %u cores); results go to %s\n", used > 24 ? " ..." : "", used,
                  m->plan->n_schedulers, directory);
}

static json_t *sampled_json(const struct options *o, const struct pn_machine *m,
                            const struct pn_sweep_plan *sweeps, unsigned n) {
    unsigned kept = 0;
    unsigned asked = 0;
    for (unsigned i = 0; i < n; i++) {
        kept += sweeps[i].n_x;
        asked += sweeps[i].n_x_asked;
    }
    char cores[48];
    char points[48];
    (void)snprintf(cores, sizeof cores, "%u of %u", cores_used(o, m), m->plan->n_schedulers);
    (void)snprintf(points, sizeof points, "%u of %u", kept, asked);
    return json_pack("{s:s,s:s,s:s}", "cores", cores, "points", points, "why",
                     o->full ? "the full preset" : "the quick preset ends within 4 minutes");
}

/* Microbenchmarks, so that the page shows what single operations cost here. */
static bool run_micro(const struct options *o, const struct pn_machine *m, const char *directory) {
    struct pn_os_cpu cpus[2];
    unsigned n = 0;
    for (; n < 2 && n < m->plan->n_schedulers; n++) {
        cpus[n] = m->plan->schedulers[n].cpu;
    }
    struct pn_micro_options options = {.quick = !o->full, .cpus = cpus, .n_cpus = n};
    struct pn_error err = {""};
    char *text = NULL;
    json_t *rows = pn_micro_run(&options, &text, &err) > 0 && text != NULL
                       ? json_loads(text, JSON_REJECT_DUPLICATES, NULL)
                       : NULL;
    free(text);
    (void)json_object_del(json_object_get(rows, "context"), "host_name"); /* hosts are not named */
    bool ok = rows != NULL && pn_run_file_write(directory, "micro.json", rows) == 0;
    if (!ok) {
        pn_note(&o->common, "microbenchmarks left out%s%s", err.text[0] == '\0' ? "" : ": ",
                err.text);
    }
    return ok;
}

struct watch {
    const struct options *o;
    const struct pn_machine *m;
    const char *directory;
    struct pn_run_files files;
};

/* The campaign made the directory by now; what else belongs in it goes there after the first slot.
 */
static void on_progress(void *context, const struct pn_progress *p) {
    struct watch *w = context;
    pn_run_files_begin(&w->files);
    pn_progress_print((void *)&w->o->common, p);
}

static int finish(const struct watch *w, json_t *manifest, enum pn_campaign_end end,
                  const struct pn_campaign_sum *sum, const struct pn_error *err) {
    if (w->files.begun && end <= PN_CAMPAIGN_NOISY && run_micro(w->o, w->m, w->directory)) {
        json_object_set_new(manifest, "micro", json_string("micro.json"));
    }
    int code = pn_run_files_end(&w->files);
    if (w->files.begun && code == 0) {
        char draft[PATH_MAX];
        char path[PATH_MAX];
        (void)snprintf(draft, sizeof draft, "%s/.manifest.json.new", w->directory);
        (void)snprintf(path, sizeof path, "%s/manifest.json", w->directory);
        code = pn_run_file_write(w->directory, ".manifest.json.new", json_incref(manifest));
        if (code == 0 && rename(draft, path) != 0) {
            code = pn_fail(PN_EXIT_LATER, "%s: %s", path, strerror(errno));
        }
    }
    int concluded = pn_campaign_conclude(w->directory, end, sum, err, &w->o->common);
    return concluded != 0 ? concluded : code;
}

static int survey(const struct options *o, const struct pn_machine *m, char *const *argv) {
    static struct pn_sweep_plan sweeps[PN_SWEEPS];
    char directory[PATH_MAX];
    char program[PATH_MAX];
    struct pn_error err = {""};
    const char *preset = o->full ? "full" : "quick";
    int n = pn_sweep_read_plan(pn_preset(preset), preset, sweeps, PN_SWEEPS, &err);
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n < 0 || len <= 0) {
        return pn_fail(PN_EXIT_MACHINE, "survey: %s", n < 0 ? err.text : "/proc is not mounted");
    }
    program[len] = '\0';
    default_directory(directory, sizeof directory);
    if (o->directory != NULL) {
        (void)snprintf(directory, sizeof directory, "%s", o->directory);
    }
    announce(o, m, directory);
    if (o->common.dry_run) {
        return pn_plan_print(sweeps, (unsigned)n, o->full, budget_of(o), o->common.json);
    }
    json_t *manifest = pn_manifest_json(m, argv, preset, preset);
    json_object_set_new(manifest, "sampled", sampled_json(o, m, sweeps, (unsigned)n));
    const struct pn_peers_wish wish = {false, o->workload};
    int here = pn_peers_here(sweeps, (unsigned)n, program, &wish, &o->common, manifest);
    if (here != 0) {
        json_decref(manifest);
        return here;
    }
    unsigned used = cores_used(o, m);
    struct watch watch = {o, m, directory, {.directory = directory, .machine = m, .argv = argv}};
    struct pn_campaign_options campaign = {.directory = directory,
                                           .program = program,
                                           .topology = m->topology,
                                           .plan = m->plan,
                                           .cpus = o->cpus,
                                           .housekeeping = o->housekeeping,
                                           .workload = o->workload == NULL ? NULL : o->library,
                                           .cores = used < m->plan->n_schedulers ? used : 0,
                                           .sweeps = sweeps,
                                           .n_sweeps = (unsigned)n,
                                           .seed = o->common.seed,
                                           .slot_s = o->full ? 3.0 : 0.3,
                                           .budget_ns = budget_of(o),
                                           .resume = o->resume,
                                           .manifest = manifest,
                                           .interrupted = pn_signals_came,
                                           .progress = on_progress,
                                           .context = &watch};
    struct pn_campaign_sum sum;
    pn_signals_hold();
    enum pn_campaign_end end = pn_campaign_run(&campaign, &sum, &err);
    int code = finish(&watch, manifest, end, &sum, &err);
    json_decref(manifest);
    return code;
}

static int run(int argc, char **argv) {
    struct options o = {0};
    const struct argp argp = {
        option_table, parse_option, NULL, "Measure this machine and write the report.",
        NULL,         NULL,         NULL};
    int code;
    if (!pn_args_parse(&argp, argc, argv, &o, &o.common, &code)) {
        return code;
    }
    struct pn_machine machine;
    code = pn_machine_load(&machine, o.cpus, o.housekeeping, 0);
    if (code == 0) {
        code = survey(&o, &machine, argv);
        pn_machine_destroy(&machine);
    }
    return code;
}

const struct pn_command pn_cmd_survey = {"survey", "the main job: measure this machine, report",
                                         run};
