/* SPDX-License-Identifier: MIT
 *
 * pinion run: one workload, one design, one process. Also the child that a sweep starts.
 */
#include "args.h"
#include "command.h"
#include "machine.h"
#include "progress.h"
#include "run_peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pinion/outcome.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct options {
    const char *design, *cpus, *housekeeping, *directory, *workload;
    struct pn_params params;
    enum pn_idle idle;
    struct pn_common common;
    bool stdin_go, summary_only;
    const char *words[64]; /* key=value as given, for another runtime */
    unsigned n_words;
    char switches[160], named[256]; /* of --set; the whole design */
};

enum {
    OPT_DESIGN = 256,
    OPT_CPUS,
    OPT_HOUSEKEEPING,
    OPT_IDLE,
    OPT_GO,
    OPT_SUMMARY,
    OPT_SET,
    OPT_WORKLOAD
};

static const struct argp_option option_table[] = {
    {"design", OPT_DESIGN, "NAME", 0,
     "shared, mailbox, loop (the ceiling: no queue), tokio:MODE or beam:MODE", 0},
    {"workload", OPT_WORKLOAD, "LIB", 0, "your own jobs, a shared library: pinion/workload.h", 0},
    {"set", OPT_SET, "KEY=VALUE", 0, "a property of the design, as in shared+KEY=VALUE", 0},
    {"summary", OPT_SUMMARY, NULL, 0,
     "with --json: print the summary only, without the events before it", 0},
    {NULL, 'o', "DIR", 0, "write events to DIR/events.jsonl", 0},
    {"cpus", OPT_CPUS, "LIST", 0, "CPUs for schedulers: a list, 'isolated' or 'all'", 0},
    {"housekeeping", OPT_HOUSEKEEPING, "LIST", 0, "CPUs for helper threads", 0},
    {"idle", OPT_IDLE, "KIND", 0, "adaptive (default) or spin", 0},
    {"stdin-go", OPT_GO, NULL, 0, "say 'ready' after the warm-up and wait for a line", 0},
    {0},
};

static int refuse(const char *text) {
    (void)pn_fail(PN_EXIT_INPUT, "run: %s", text);
    return EINVAL;
}

/* Kept: another runtime has the last word on what it takes. */
static error_t take_word(struct options *o, const char *arg) {
    struct pn_error err = {""};
    if (o->n_words == sizeof o->words / sizeof *o->words) {
        return refuse("too many parameters");
    }
    o->words[o->n_words++] = arg;
    if (pn_params_set(&o->params, arg, &err) != 0) {
        return refuse(err.text);
    }
    return 0;
}

static error_t add_switch(struct options *o, const char *arg) {
    size_t used = strlen(o->switches);
    if (strchr(arg, '+') != NULL || strchr(arg, '=') == NULL ||
        used + strlen(arg) + 2 > sizeof o->switches) {
        return refuse("--set takes KEY=VALUE");
    }
    (void)snprintf(o->switches + used, sizeof o->switches - used, "+%s", arg);
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state) {
    struct options *o = state->input;
    switch (key) {
    case OPT_DESIGN:
        o->design = arg;
        return 0;
    case OPT_SET:
        return add_switch(o, arg);
    case OPT_WORKLOAD:
        o->workload = arg;
        return 0;
    case OPT_SUMMARY:
        o->summary_only = true;
        return 0;
    case 'o':
        o->directory = arg;
        return 0;
    case OPT_CPUS:
        o->cpus = arg;
        return 0;
    case OPT_HOUSEKEEPING:
        o->housekeeping = arg;
        return 0;
    case OPT_GO:
        o->stdin_go = true;
        return 0;
    case OPT_IDLE:
        if (strcmp(arg, "spin") != 0 && strcmp(arg, "adaptive") != 0) {
            return refuse("--idle is adaptive or spin");
        }
        o->idle = strcmp(arg, "spin") == 0 ? PN_IDLE_SPIN : PN_IDLE_ADAPTIVE;
        return 0;
    case ARGP_KEY_ARG:
        return take_word(o, arg);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static int check(struct options *o) {
    struct pn_error err = {""};
    if (o->design == NULL) {
        return pn_fail(PN_EXIT_INPUT, "run: --design is missing: shared, mailbox or loop");
    }
    struct pn_properties properties;
    char base[16];
    if (strcmp(o->design, "loop") != 0 &&
        pn_properties_parse(o->design, &properties, base, &err) != 0) {
        return pn_fail(PN_EXIT_INPUT, "run: %s", err.text);
    }
    if (pn_params_check(&o->params, &err) != 0) {
        return pn_fail(PN_EXIT_INPUT, "run: %s", err.text);
    }
    if (strcmp(o->design, "loop") == 0 && o->params.fail_at_ms > 0) {
        return pn_fail(PN_EXIT_INPUT, "run: fail_at_ms needs workers, the loop has none");
    }
    return 0;
}

static bool is_empty(const char *path) {
    DIR *dir = opendir(path);
    unsigned n = 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        n += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return n == 0;
}

/* \return an exit code; *events is NULL without -o */
static int open_events(const struct options *o, FILE **events) {
    *events = o->common.json && !o->summary_only && o->directory == NULL ? stdout : NULL;
    if (o->directory == NULL) {
        /* log=1 is the experiment: its lines are written even where nobody wants to read them. */
        if (*events == NULL && o->params.log == 1 && (*events = tmpfile()) == NULL) {
            return pn_fail(PN_EXIT_MACHINE, "run: log=1: a temporary file: %s", strerror(errno));
        }
        return 0;
    }
    if (mkdir(o->directory, 0777) != 0 && errno != EEXIST) {
        return pn_fail(PN_EXIT_MACHINE, "%s: %s", o->directory, strerror(errno));
    }
    if (!is_empty(o->directory)) {
        return pn_fail(PN_EXIT_INPUT, "%s: not empty; name a new directory", o->directory);
    }
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/events.jsonl", o->directory);
    *events = fopen(path, "we");
    return *events != NULL ? 0 : pn_fail(PN_EXIT_MACHINE, "%s: %s", path, strerror(errno));
}

static void print_time(const char *what, uint64_t ns) {
    if (ns == PN_NONE) {
        (void)printf("%-22s not measured\n", what);
    } else if (ns < 10000000) {
        (void)printf("%-22s %.1f us\n", what, (double)ns / 1e3);
    } else {
        (void)printf("%-22s %.1f ms\n", what, (double)ns / 1e6);
    }
}

static void print_failure(const struct pn_params *p, const struct pn_outcome *out) {
    (void)printf("failure                %s at %" PRIu64 " ms, %" PRIu64 " workers died\n",
                 pn_params_word("fail_kind", p->fail_kind), p->fail_at_ms, out->victims);
    print_time("  noticed after", out->detect_ns);
    print_time("  all up again after", out->restart_ns);
    print_time("  in the band after", out->recovery_ns);
    if (out->failure_reason != NULL) {
        (void)printf("  not measured         %s\n", out->failure_reason);
    }
}

static void print_human(const struct options *o, const struct pn_outcome *out) {
    double seconds = (double)out->wall_ns / 1e9;
    uint64_t busy = out->cpu_ns > out->spin_ns ? out->cpu_ns - out->spin_ns : 0;
    (void)printf("design                 %s (%s, bound %s %" PRIu64 " jobs)\n", o->design,
                 out->queue_kind, out->bound,
                 out->queue_effective == PN_NONE ? 0 : out->queue_effective);
    (void)printf("jobs                   %" PRIu64 " done, %" PRIu64 " lost, %" PRIu64 " dropped\n",
                 out->done, out->lost, out->dropped);
    (void)printf("checksum               %016" PRIx64 "\n", out->checksum);
    (void)printf("throughput             %.0f jobs/s (%.3f s)\n",
                 seconds > 0 ? (double)out->done / seconds : 0, seconds);
    if (out->done > 0) {
        (void)printf("CPU                    %.0f ns busy per job, %.2f CPUs busy, %.2f spinning\n",
                     (double)busy / (double)out->done, (double)busy / (double)out->wall_ns,
                     (double)out->spin_ns / (double)out->wall_ns);
    }
    if (o->params.rate > 0 && out->latency.n > 0) {
        print_time("latency p50", pn_histogram_quantile(&out->latency, 0.5));
        print_time("latency p99", pn_histogram_quantile(&out->latency, 0.99));
        print_time("latency max", out->latency.max);
    }
    if (out->sleep_mean_ns != PN_NONE) {
        print_time("a sleep took", out->sleep_mean_ns);
    }
    if (o->params.fail_at_ms > 0) {
        print_failure(&o->params, out);
    }
    (void)printf("memory                 %" PRIu64 " KiB resident\n", out->rss_kb);
    for (unsigned i = 0; i < out->n_degraded; i++) {
        (void)fprintf(stderr, "pinion: DEGRADED: %s\n", out->degraded[i]);
    }
}

static int conclude(const struct options *o, const struct pn_outcome *out) {
    if (out->interrupted) {
        return PN_EXIT_INTERRUPTED;
    }
    if (out->failed) {
        return pn_fail(PN_EXIT_LATER,
                       "restart intensity exceeded: more than %" PRIu64 " restarts in %" PRIu64
                       " ms; the pool was stopped",
                       o->params.restarts_max, o->params.restarts_period_ms);
    }
    return PN_EXIT_OK;
}

static int execute(const struct options *o, const struct pn_machine *machine) {
    FILE *events = NULL;
    int code = open_events(o, &events);
    if (code != 0) {
        return code;
    }
    struct pn_run_options run = {.design = o->design,
                                 .params = &o->params,
                                 .topology = machine->topology,
                                 .plan = machine->plan,
                                 .idle = o->idle,
                                 .workload = o->workload,
                                 .events = events,
                                 .stdin_go = o->stdin_go,
                                 .summary_to = stdout,
                                 .interrupted = pn_signals_came};
    static const size_t outcome_bytes = sizeof(struct pn_outcome);
    struct pn_outcome *out = calloc(1, outcome_bytes);
    struct pn_error err = {"no memory"};
    int rc = out == NULL ? -ENOMEM : pn_run(&run, out, &err);
    if (rc == 0) {
        if (o->common.json) {
            pn_outcome_print(out, &run, out->wall_ns, stdout);
        } else {
            print_human(o, out);
        }
        code = conclude(o, out);
    } else {
        code = pn_fail(PN_EXIT_LATER, "%s", err.text);
    }
    if (events != NULL && events != stdout && fclose(events) != 0 && code == 0) {
        code = pn_fail(PN_EXIT_LATER, "%s/events.jsonl: %s",
                       o->directory == NULL ? "log=1" : o->directory, strerror(errno));
    }
    if (out != NULL) {
        pn_outcome_fini(out);
    }
    free(out);
    return code;
}

/* What would run, and where. */
static void print_plan(const struct options *o, const struct pn_plan *plan, FILE *to) {
    char text[128];
    (void)fprintf(to, "design %s", o->design);
    for (unsigned i = 0; pn_params_get(&o->params, i, text, sizeof text); i++) {
        (void)fprintf(to, " %s", text);
    }
    (void)fputc('\n', to);
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        (void)fprintf(to, "scheduler %u on CPU %d: %s\n", i, plan->schedulers[i].cpu.id,
                      plan->schedulers[i].reason);
    }
}

static int run(int argc, char **argv) {
    struct options o = {0};
    pn_params_init(&o.params);
    const struct argp argp = {
        option_table,
        parse_option,
        "key=value...",
        "Run the workload once with one design.\v"
        "Parameters: seed producers workers queue drop jobs warm rate units "
        "wlo whi payload sleep_ppm slo shi crash_ppm block_ppm block_us "
        "greedy_ppm greedy_units producers_as restarts_max "
        "restarts_period_ms supervise fail_at_ms fail_kind band_pct "
        "band_windows alloc batch arrival mem cores log queue_bytes collector pattern",
        NULL,
        NULL,
        NULL};
    int code;
    if (!pn_args_parse(&argp, argc, argv, &o, &o.common, &code)) {
        return code;
    }
    if (o.design != NULL && o.switches[0] != '\0') {
        (void)snprintf(o.named, sizeof o.named, "%s%s", o.design, o.switches);
        o.design = o.named;
    }
    if (o.common.seeded) {
        o.params.seed = o.common.seed;
    }
    if (pn_run_is_peer(o.design) && o.workload != NULL) {
        return pn_fail(PN_EXIT_INPUT, "run: %s cannot run a workload of your own: it is C",
                       o.design);
    }
    if (pn_run_is_peer(o.design)) {
        const struct pn_run_peer peer = {o.design, o.words, o.n_words, o.summary_only, o.stdin_go};
        return pn_run_peer(&peer, &o.common);
    }
    code = check(&o);
    if (code != 0) {
        return code;
    }
    struct pn_machine machine;
    code = pn_machine_load(&machine, o.cpus, o.housekeeping, (unsigned)o.params.cores);
    if (code != 0) {
        return code;
    }
    if (o.common.verbose || o.common.dry_run) {
        print_plan(&o, machine.plan, o.common.dry_run ? stdout : stderr);
    }
    if (!o.common.dry_run) {
        pn_signals_hold();
        code = execute(&o, &machine);
    }
    pn_machine_destroy(&machine);
    return code;
}

const struct pn_command pn_cmd_run = {"run", "run the workload once with one design", run};
