/* SPDX-License-Identifier: MIT
 *
 * pinion sweep: one sweep from options, or several from a plan file.
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
#include <pinion/properties.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
    struct pn_sweep_plan sweeps[PN_SWEEPS];
    int n_sweeps;
    bool from_file;
    const char *plan_file; /* as in argv */
    const char *cpus, *housekeeping, *directory;
    struct pn_common common;
    uint64_t budget_ns;
    const char *preset;   /* by name; NULL */
    const char *workload; /* as named; NULL */
    char library[PATH_MAX];
    uint64_t malloc_thresholds;
    bool resume, full, require, list, ladder;
};

enum {
    OPT_X = 256,
    OPT_BY,
    OPT_DESIGNS,
    OPT_ROUNDS,
    OPT_BUDGET,
    OPT_SET,
    OPT_RESUME,
    OPT_CPUS,
    OPT_HOUSEKEEPING,
    OPT_FULL,
    OPT_REQUIRE,
    OPT_PRESET,
    OPT_LADDER,
    OPT_WORKLOAD,
    OPT_THRESHOLDS
};

static const struct argp_option option_table[] = {
    {"preset", OPT_PRESET, "NAME", 0, "a plan that comes with the program; 'list' names them", 0},
    {"ladder", OPT_LADDER, NULL, 0,
     "shared and a BEAM-like mailbox, each with one property at the other's value", 0},
    {"workload", OPT_WORKLOAD, "LIB", 0, "your own jobs, a shared library: pinion/workload.h", 0},
    {"malloc-thresholds", OPT_THRESHOLDS, "BYTES", 0,
     "glibc's trim and mmap thresholds, for every design alike", 0},
    {"x", OPT_X, "KEY=VALUES", 0, "FROM..TO:log2, FROM..TO:lin:STEP or a,b,c", 0},
    {"by", OPT_BY, "KEY=a,b", 0, "a second factor: each design at each of its values", 0},
    {"designs", OPT_DESIGNS, "LIST", 0, "default shared,mailbox", 0},
    {"rounds", OPT_ROUNDS, "N", 0, "paired rounds, default 10", 0},
    {"budget", OPT_BUDGET, "TIME", 0, "30s, 10m or 2h: no round begins that would not fit", 0},
    {"set", OPT_SET, "KEY=VALUE", 0, "another parameter, for every slot", 0},
    {"require", OPT_REQUIRE, NULL, 0, "a design that is not here is an error, not left out", 0},
    {"full", OPT_FULL, NULL, 0, "slots of 3 s instead of 0.3 s", 0},
    {"resume", OPT_RESUME, NULL, 0, "go on with what is in DIR", 0},
    {"cpus", OPT_CPUS, "LIST", 0, "CPUs for schedulers: a list, 'isolated' or 'all'", 0},
    {"housekeeping", OPT_HOUSEKEEPING, "LIST", 0, "CPUs for helper threads", 0},
    {NULL, 'o', "DIR", 0, "the run directory, new or empty", 0},
    {0},
};

static int refuse(const char *text) {
    (void)pn_fail(PN_EXIT_INPUT, "sweep: %s", text);
    return EINVAL;
}

static int read_file(struct options *o, const char *path) {
    static char text[65536];
    struct pn_error err = {""};
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        (void)snprintf(err.text, sizeof err.text, "%.300s: %s", path, strerror(errno));
        return refuse(err.text);
    }
    size_t n = fread(text, 1, sizeof text - 1, f);
    bool too_long = n == sizeof text - 1;
    (void)fclose(f);
    text[n] = '\0';
    if (too_long) {
        return refuse("the plan file is over 64 KiB");
    }
    o->from_file = true;
    o->plan_file = path;
    o->n_sweeps = pn_sweep_read_plan(text, path, o->sweeps, PN_SWEEPS, &err);
    return o->n_sweeps < 0 ? refuse(err.text) : 0;
}

static void list_presets(void) {
    for (unsigned i = 0; pn_preset_name(i) != NULL; i++) {
        const char *text = pn_preset(pn_preset_name(i));
        text += strspn(text, "; ");
        (void)printf("%-18s %.*s\n", pn_preset_name(i), (int)strcspn(text, "\n"), text);
    }
}

static int read_preset(struct options *o, const char *name) {
    struct pn_error err = {""};
    o->list = strcmp(name, "list") == 0;
    if (o->list) {
        return 0;
    }
    if (pn_preset(name) == NULL) {
        (void)snprintf(err.text, sizeof err.text, "no preset '%.60s': --preset list names them",
                       name);
        return refuse(err.text);
    }
    o->from_file = true;
    o->preset = name;
    o->n_sweeps = pn_sweep_read_plan(pn_preset(name), name, o->sweeps, PN_SWEEPS, &err);
    return o->n_sweeps < 0 ? refuse(err.text) : 0;
}

/* Its designs in the sweeps that are there; its own plan where none is. */
static int climb(struct options *o) {
    struct pn_error err = {""};
    if (!o->from_file && o->sweeps[0].n_x == 0) {
        int rc = read_preset(o, "ladder");
        if (rc != 0) {
            return rc;
        }
    }
    for (int i = 0; i < (o->from_file ? o->n_sweeps : 1); i++) {
        struct pn_sweep_plan *s = &o->sweeps[i];
        if (strncmp(s->name, "model", 5) == 0) {
            continue; /* the model against what it models */
        }
        s->n_designs = 0;
        while (pn_ladder_design(s->n_designs, s->design[s->n_designs], PN_WORD) &&
               s->n_designs + 1 < PN_SWEEP_DESIGNS) {
            s->n_designs++;
        }
        if (pn_sweep_check(s, &err) != 0) {
            return refuse(err.text);
        }
    }
    return 0;
}

static int parse_sweep_option(struct options *o, int key, const char *arg) {
    struct pn_sweep_plan *s = &o->sweeps[0];
    struct pn_error err = {""};
    uint64_t n = 0;
    int rc = 0;
    switch (key) {
    case OPT_X:
        rc = pn_sweep_set_x(s, arg, &err);
        break;
    case OPT_BY:
        rc = pn_sweep_set_by(s, arg, &err);
        break;
    case OPT_DESIGNS:
        rc = pn_sweep_set_designs(s, arg, &err);
        break;
    case OPT_SET:
        rc = pn_sweep_add_set(s, arg, &err);
        break;
    case OPT_ROUNDS:
        if (pn_args_number("rounds", arg, &n) != 0) {
            return EINVAL;
        }
        s->rounds = n > 999 ? 1000 : (unsigned)n;
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    return rc == 0 ? 0 : refuse(err.text);
}

static error_t parse_option(int key, char *arg, struct argp_state *state) {
    struct options *o = state->input;
    switch (key) {
    case OPT_BUDGET:
        return pn_args_budget("sweep", arg, &o->budget_ns);
    case OPT_FULL:
        o->full = true;
        return 0;
    case OPT_REQUIRE:
        o->require = true;
        return 0;
    case OPT_PRESET:
        return read_preset(o, arg);
    case OPT_THRESHOLDS:
        return pn_args_number("malloc-thresholds", arg, &o->malloc_thresholds);
    case OPT_WORKLOAD:
        o->workload = arg;
        return pn_workload_path(arg, o->library, sizeof o->library) == 0 ? 0 : EINVAL;
    case OPT_LADDER:
        o->ladder = true;
        return 0;
    case OPT_RESUME:
        o->resume = true;
        return 0;
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
        return read_file(o, arg);
    default:
        return parse_sweep_option(o, key, arg);
    }
}

static int check(struct options *o) {
    struct pn_error err = {""};
    if (o->directory == NULL && !o->common.dry_run) {
        return pn_fail(PN_EXIT_INPUT, "sweep: -o DIR is missing: where results go");
    }
    if (!o->from_file) {
        o->n_sweeps = 1;
        o->sweeps[0].aa = true;
    }
    for (int i = 0; i < o->n_sweeps; i++) {
        if (pn_sweep_check(&o->sweeps[i], &err) != 0) {
            return pn_fail(PN_EXIT_INPUT, "sweep: %s", err.text);
        }
    }
    return 0;
}

/* All that makes a slot what it is; more or fewer rounds are the same plan. */
static char *describe(const struct options *o) {
    char *text = NULL;
    size_t len = 0;
    FILE *to = open_memstream(&text, &len);
    if (to == NULL) {
        return NULL;
    }
    (void)fprintf(to, "%d", o->full);
    if (o->workload != NULL) {
        (void)fprintf(to, " %s", o->library);
    }
    if (o->malloc_thresholds != 0) {
        (void)fprintf(to, " malloc %" PRIu64, o->malloc_thresholds);
    }
    for (int i = 0; i < o->n_sweeps; i++) {
        const struct pn_sweep_plan *s = &o->sweeps[i];
        (void)fprintf(to, ";%s %d %d %s", s->name, s->aa, s->loop, s->x_key);
        for (unsigned k = 0; k < s->n_x; k++) {
            (void)fprintf(to, " %s", s->x[k]);
        }
        (void)fprintf(to, ",%s", s->n_by > 0 ? s->by_key : "");
        for (unsigned k = 0; k < s->n_by; k++) {
            (void)fprintf(to, " %s", s->by[k]);
        }
        for (unsigned k = 0; k < s->n_designs; k++) {
            (void)fprintf(to, " %s", s->design[k]);
        }
        for (unsigned k = 0; k < s->n_set; k++) {
            (void)fprintf(to, " %s", s->set[k]);
        }
    }
    (void)fclose(to);
    return text;
}

struct watch {
    struct pn_run_files files;
    struct pn_common *common;
};

static void on_progress(void *context, const struct pn_progress *p) {
    struct watch *w = context;
    pn_run_files_begin(&w->files);
    pn_progress_print(w->common, p);
}

static int run_campaign(struct options *o, const struct pn_machine *machine, char *const *argv) {
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0) {
        return pn_fail(PN_EXIT_MACHINE, "sweep: /proc is not mounted");
    }
    program[n] = '\0';
    char *plan = describe(o);
    if (plan == NULL) {
        return pn_fail(PN_EXIT_LATER, "sweep: no memory");
    }
    json_t *manifest = pn_manifest_json(machine, argv, o->preset, plan);
    free(plan);
    const struct pn_peers_wish wish = {o->require, o->workload};
    int here =
        pn_peers_here(o->sweeps, (unsigned)o->n_sweeps, program, &wish, &o->common, manifest);
    if (here != 0) {
        json_decref(manifest);
        return here;
    }
    if (o->malloc_thresholds != 0) {
        json_object_set_new(manifest, "malloc_thresholds",
                            json_integer((json_int_t)o->malloc_thresholds));
    }
    struct watch watch = {.files = {.directory = o->directory,
                                    .machine = machine,
                                    .argv = argv,
                                    .plan_file = o->plan_file},
                          .common = &o->common};
    struct pn_campaign_options campaign = {.directory = o->directory,
                                           .program = program,
                                           .topology = machine->topology,
                                           .plan = machine->plan,
                                           .cpus = o->cpus,
                                           .housekeeping = o->housekeeping,
                                           .workload = o->workload == NULL ? NULL : o->library,
                                           .malloc_thresholds = o->malloc_thresholds,
                                           .sweeps = o->sweeps,
                                           .n_sweeps = (unsigned)o->n_sweeps,
                                           .seed = o->common.seed,
                                           .slot_s = o->full ? 3.0 : 0.3,
                                           .budget_ns = o->budget_ns,
                                           .resume = o->resume,
                                           .manifest = manifest,
                                           .interrupted = pn_signals_came,
                                           .progress = on_progress,
                                           .context = &watch};
    struct pn_campaign_sum sum;
    struct pn_error err;
    pn_signals_hold();
    enum pn_campaign_end end = pn_campaign_run(&campaign, &sum, &err);
    json_decref(manifest);
    int lost = pn_run_files_end(&watch.files);
    int code = pn_campaign_conclude(o->directory, end, &sum, &err, &o->common);
    return code != 0 ? code : lost;
}

static int run(int argc, char **argv) {
    static struct options o;
    memset(&o, 0, sizeof o);
    pn_sweep_init(&o.sweeps[0], "sweep");
    const struct argp argp = {
        option_table,  parse_option,
        "[PLAN-FILE]", "Measure one parameter against designs, in paired rounds.",
        NULL,          NULL,
        NULL};
    int code;
    if (!pn_args_parse(&argp, argc, argv, &o, &o.common, &code)) {
        return code;
    }
    if (o.list) {
        list_presets();
        return PN_EXIT_OK;
    }
    if (o.ladder && climb(&o) != 0) {
        return PN_EXIT_INPUT;
    }
    code = check(&o);
    if (code != 0 || o.common.dry_run) {
        return code != 0 ? code
                         : pn_plan_print(o.sweeps, (unsigned)o.n_sweeps, o.full, o.budget_ns,
                                         o.common.json);
    }
    struct pn_machine machine;
    code = pn_machine_load(&machine, o.cpus, o.housekeeping, 0);
    if (code == 0) {
        code = run_campaign(&o, &machine, argv);
        pn_machine_destroy(&machine);
    }
    return code;
}

const struct pn_command pn_cmd_sweep = {"sweep", "measure one parameter in paired rounds", run};
