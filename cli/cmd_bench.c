/* SPDX-License-Identifier: MIT
 *
 * pinion bench: microbenchmarks by Google Benchmark, as a table or as its own JSON.
 */
#include "args.h"
#include "cmd_bench_queues.h"
#include "command.h"

#include <errno.h>
#include <pinion/micro.h>
#include <pinion/plan.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OPT_REPETITIONS = 1, OPT_MIN_TIME, OPT_QUICK, OPT_JSON, OPT_LIST };

/* What the table says about one case. Kept until the end: repetitions run in random order. */
struct result {
    double ns_per_op, cpu_ns, cv;
    char note[160]; /* counters, or why there is no figure */
    bool ran, failed, skipped;
};

struct bench_args {
    struct pn_common common;
    struct pn_micro_options run;
    bool json, list;
    const char *file;
    struct result *results; /* [n_cases] in the order of pn_micro_name */
    size_t n_cases, width;
    int failed;
    bool terminal;
};

static const struct argp_option options[] = {
    {"json", OPT_JSON, "FILE", OPTION_ARG_OPTIONAL,
     "Google Benchmark's JSON on stdout, or in FILE beside the table", 0},
    {"list", OPT_LIST, NULL, 0, "Names only, nothing is run", 0},
    {"min-time", OPT_MIN_TIME, "SECONDS", 0, "Per benchmark and repetition (0.2; quick: 0.02)", 0},
    {"quick", OPT_QUICK, NULL, 0, "Everything in 10 s, one repetition: not to quote", 0},
    {"repetitions", OPT_REPETITIONS, "N", 0, "Repeat each N times, in random order (3)", 0},
    {0},
};

static bool ends_with(const char *text, const char *tail) {
    size_t n = strlen(text), m = strlen(tail);
    return n > m && strcmp(text + n - m, tail) == 0;
}

static int parse_number(const char *option, const char *text, double low, double high,
                        double *value) {
    char *end = NULL;
    *value = strtod(text, &end);
    if (end == text || *end != '\0' || !(*value >= low && *value <= high)) {
        (void)pn_fail(PN_EXIT_INPUT, "--%s '%s': not a number from %g to %g", option, text, low,
                      high);
        return EINVAL;
    }
    return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state) {
    struct bench_args *args = state->input;
    double value = 0;
    switch (key) {
    case OPT_REPETITIONS:
        if (parse_number("repetitions", arg, 1, 1000, &value) != 0) {
            return EINVAL;
        }
        args->run.repetitions = (int)value;
        return 0;
    case OPT_MIN_TIME:
        return parse_number("min-time", arg, 0.001, 3600, &args->run.min_time_s);
    case OPT_QUICK:
        args->run.quick = true;
        return 0;
    case OPT_LIST:
        args->list = true;
        return 0;
    case OPT_JSON:
        args->json = true;
        args->file = arg;
        return 0;
    case ARGP_KEY_ARG:
        /* "--json FILE", with a blank, is what people type: a name ending in .json is the file. */
        if (args->json && args->file == NULL && ends_with(arg, ".json")) {
            args->file = arg;
        } else if (args->run.filter == NULL) {
            args->run.filter = arg;
        } else {
            (void)pn_fail(PN_EXIT_INPUT, "bench: one FILTER at most, '%s' is another", arg);
            return EINVAL;
        }
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static struct result *result_of(struct bench_args *args, const char *name) {
    for (size_t i = 0; i < args->n_cases; i++) {
        size_t n = strlen(pn_micro_name(i));
        if (strncmp(name, pn_micro_name(i), n) == 0 && strncmp(name + n, "/threads:", 9) == 0) {
            return &args->results[i];
        }
    }
    return NULL;
}

static void note_row(const struct pn_bench_row *row, void *user) {
    struct bench_args *args = user;
    struct result *result = result_of(args, row->name);
    if (args->terminal) {
        (void)fprintf(stderr, "\r\033[K%s", row->name);
    }
    if (result == NULL) {
        return;
    }
    result->ran = true;
    if (row->error != NULL) {
        args->failed += !row->skipped && !result->failed;
        result->skipped = row->skipped;
        result->failed = !row->skipped;
        (void)snprintf(result->note, sizeof result->note, "%s", row->error);
    } else if (row->is_ratio) {
        result->cv = row->ns_per_op;
    } else if (strcmp(row->aggregate, args->run.repetitions == 1 ? "" : "median") == 0) {
        size_t used = 0;
        result->ns_per_op = row->ns_per_op;
        result->cpu_ns = row->cpu_ns;
        for (size_t i = 0; i < row->n_counters && used < sizeof result->note; i++) {
            used += (size_t)snprintf(result->note + used, sizeof result->note - used, " %s=%.4g",
                                     row->counters[i].name, row->counters[i].value);
        }
    }
}

static void print_results(const struct bench_args *args) {
    for (size_t i = 0; i < args->n_cases; i++) {
        const struct result *result = &args->results[i];
        if (!result->ran) {
            continue;
        }
        (void)printf("%-*s", (int)args->width, pn_micro_name(i));
        if (result->failed || result->skipped) {
            (void)printf(" %s: %s\n", result->failed ? "FAILED" : "skipped", result->note);
            continue;
        }
        (void)printf(" %11.2f %11.2f", result->ns_per_op, result->cpu_ns);
        if (args->run.repetitions > 1) {
            (void)printf(" %7.1f %%", result->cv * 100);
        }
        (void)printf("%s\n", result->note);
    }
}

static void print_head(const struct bench_args *args) {
    (void)printf("Pinion's build: %s. Google Benchmark's own build: %s%s.\n", pn_bench_own_build(),
                 pn_bench_library_build(),
                 strcmp(pn_bench_library_build(), "debug") == 0
                     ? " (it has assertions; the timed loops are Pinion's)"
                     : "");
    (void)printf("%-*s %11s %11s%s\n", (int)args->width,
                 args->run.repetitions > 1 ? "median of the repetitions" : "one repetition",
                 "ns/op", "CPU ns/op", args->run.repetitions > 1 ? "    spread" : "");
    (void)fflush(stdout);
}

/* Written beside and renamed, so that a reader never sees half a document. */
static int write_file(const char *path, const char *text) {
    size_t n = strlen(path) + 8;
    char *beside = malloc(n);
    if (beside == NULL) {
        return pn_fail(PN_EXIT_LATER, "%s: no memory", path);
    }
    (void)snprintf(beside, n, "%s.part", path);
    FILE *f = fopen(beside, "we");
    bool ok = f != NULL && fputs(text, f) >= 0;
    if (f != NULL) {
        ok = fclose(f) == 0 && ok;
    }
    ok = ok && rename(beside, path) == 0;
    int code = PN_EXIT_OK;
    if (!ok) {
        code = pn_fail(PN_EXIT_LATER, "%s: cannot write: %s", path, strerror(errno));
        (void)unlink(beside);
    }
    free(beside);
    return code;
}

/* A directory that cannot be written is found out before ten seconds of benchmarks. */
static int probe_file(const char *path) {
    FILE *f = fopen(path, "ae");
    if (f == NULL) {
        return pn_fail(PN_EXIT_MACHINE, "%s: cannot write: %s", path, strerror(errno));
    }
    bool fresh = fseek(f, 0, SEEK_END) == 0 && ftell(f) == 0;
    (void)fclose(f);
    if (fresh) {
        (void)unlink(path);
    }
    return PN_EXIT_OK;
}

struct cpu_list {
    struct pn_os_cpu cpus[16];
    size_t n;
};

static void append_cpu(struct cpu_list *list, int id) {
    for (size_t i = 0; i < list->n; i++) {
        if (list->cpus[i].id == id) {
            return;
        }
    }
    if (list->n < sizeof list->cpus / sizeof list->cpus[0]) {
        list->cpus[list->n++] = (struct pn_os_cpu){id};
    }
}

/* Where schedulers would run, first: a physical core each. Then whatever else is allowed, which is
 * also what remains if the topology cannot be had. */
static void choose_cpus(struct cpu_list *list) {
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = NULL;
    const struct pn_policy policy = {.order = PN_ORDER_COMPACT};
    if (pn_topology_load(NULL, &topo, NULL) == 0 &&
        pn_plan_create(topo, &policy, &plan, NULL) == 0) {
        for (unsigned i = 0; i < plan->n_schedulers; i++) {
            append_cpu(list, plan->schedulers[i].cpu.id);
        }
    }
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) {
        for (int i = 0; i < CPU_SETSIZE; i++) {
            if (CPU_ISSET((size_t)i, &set)) {
                append_cpu(list, i);
            }
        }
    }
}

static int run(struct bench_args *args) {
    char *json = NULL;
    struct pn_error err = {{0}};
    bool table = !args->json || args->file != NULL;
    if (table) {
        print_head(args);
    }
    args->run.on_row = note_row;
    args->run.user = args;
    int n = pn_micro_run(&args->run, args->json ? &json : NULL, &err);
    if (args->terminal) {
        (void)fputs("\r\033[K", stderr);
    }
    if (n < 0) {
        bool input = n == -EINVAL || n == -ENOENT;
        return pn_fail(input ? PN_EXIT_INPUT : PN_EXIT_LATER, "%s", err.text);
    }
    if (table) {
        print_results(args);
    }
    int code = PN_EXIT_OK;
    if (args->json && args->file != NULL) {
        code = write_file(args->file, json);
    } else if (args->json) {
        (void)fputs(json, stdout);
    }
    free(json);
    if (args->failed != 0) {
        return pn_fail(PN_EXIT_LATER, "%d benchmark%s gave a wrong result", args->failed,
                       args->failed == 1 ? "" : "s");
    }
    return code;
}

static int cmd_bench_run(int argc, char **argv) {
    static const struct argp argp = {
        .options = options,
        .parser = parse,
        .args_doc = "[FILTER]",
        .doc = "Time single operations: queues, hand-overs, timers, memory, pinning. FILTER is an "
               "extended regular expression on names.\v'pinion bench queues' measures whole queues "
               "against each other, with --peers against those of other libraries; it has options "
               "of its own.",
    };
    struct cpu_list list = {.n = 0};
    struct bench_args args = {0};
    int code;
    if (argc > 1 && strcmp(argv[1], "queues") == 0) {
        char name[] = "pinion bench queues";
        argv[1] = name;
        return pn_bench_queues(argc - 1, argv + 1);
    }
    if (!pn_args_parse(&argp, argc, argv, &args, &args.common, &code)) {
        return code;
    }
    args.list = args.list || args.common.dry_run;
    for (size_t i = 0; pn_micro_name(i) != NULL; i++) {
        size_t n = strlen(pn_micro_name(i));
        args.width = n > args.width ? n : args.width;
        args.n_cases = i + 1;
        if (args.list) {
            (void)puts(pn_micro_name(i));
        }
    }
    if (args.list) {
        return PN_EXIT_OK;
    }
    if (args.file != NULL) {
        code = probe_file(args.file);
        if (code != PN_EXIT_OK) {
            return code;
        }
    }
    if (args.run.repetitions == 0) {
        args.run.repetitions = args.run.quick ? 1 : 3;
    }
    args.terminal = isatty(STDERR_FILENO) != 0 && !args.common.quiet;
    args.results = calloc(args.n_cases, sizeof *args.results);
    if (args.results == NULL) {
        return pn_fail(PN_EXIT_LATER, "no memory");
    }
    choose_cpus(&list);
    args.run.cpus = list.cpus;
    args.run.n_cpus = list.n;
    code = run(&args);
    free(args.results);
    return code;
}

extern const struct pn_command pn_cmd_bench;
const struct pn_command pn_cmd_bench = {
    "bench",
    "time single operations (Google Benchmark)",
    cmd_bench_run,
};
