/* SPDX-License-Identifier: MIT
 *
 * pinion bench queues: our queues, with --peers beside those of other libraries, in paired rounds.
 */
#include "cmd_bench_queues.h"

#include "args.h"
#include "command.h"
#include "manifest.h"
#include "progress.h"
#include "queue_print.h"
#include "run_files.h"

#include <errno.h>
#include <limits.h>
#include <pinion/queue_rounds.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    OPT_PEERS = 1,
    OPT_ROUNDS,
    OPT_MS,
    OPT_ONLY,
    OPT_WORKLOADS,
    OPT_RATIO,
    OPT_REFERENCE,
    OPT_LIST,
    RATIOS_MAX = 32
};

struct options {
    struct pn_common common;
    struct pn_queue_rounds_options run;
    const char *reference;
    const char *ratio[RATIOS_MAX]; /* "segq/rte_ring_mpmc@pairs_t2_work" */
    unsigned n_ratios;
    bool list;
};

static const struct argp_option option_table[] = {
    {"list", OPT_LIST, NULL, 0, "Queues and workloads, nothing is run", 0},
    {"ms", OPT_MS, "MS", 0, "Measured window of a slot (50)", 0},
    {"only", OPT_ONLY, "QUEUE,..", 0, "Shell patterns of queues, also QUEUE@WORKLOAD", 0},
    {"output", 'o', "DIR", 0, "Where the run directory goes (runs/queues-TIME)", 0},
    {"peers", OPT_PEERS, NULL, 0, "Beside other libraries' queues and the baselines", 0},
    {"ratio", OPT_RATIO, "A/B@WORKLOAD", 0,
     "Measure only this, print the paired ratio; may be given again", 0},
    {"reference", OPT_REFERENCE, "QUEUE", 0, "What the table's ratios refer to (segq)", 0},
    {"rounds", OPT_ROUNDS, "N", 0, "Every queue and workload once in each (9)", 0},
    {"workloads", OPT_WORKLOADS, "NAME,..", 0, "Shell patterns of workloads", 0},
    {0},
};

static int number(const char *option, const char *text, unsigned most, unsigned *value) {
    uint64_t n = 0;
    if (pn_args_number(option, text, &n) != 0) {
        return EINVAL;
    }
    if (n < 1 || n > most) {
        (void)pn_fail(PN_EXIT_INPUT, "--%s %s: not from 1 to %u", option, text, most);
        return EINVAL;
    }
    *value = (unsigned)n;
    return 0;
}

static int add_ratio(struct options *o, const char *text) {
    size_t slash = strcspn(text, "/");
    size_t at = strcspn(text, "@");
    if (o->n_ratios == RATIOS_MAX || slash == 0 || slash + 1 >= at || text[at] == '\0' ||
        text[at + 1] == '\0') {
        (void)pn_fail(PN_EXIT_INPUT, "--ratio '%s': not of the form A/B@WORKLOAD, or more than %d",
                      text, RATIOS_MAX);
        return EINVAL;
    }
    o->ratio[o->n_ratios++] = text;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state) {
    struct options *o = state->input;
    switch (key) {
    case OPT_LIST:
        o->list = true;
        return 0;
    case OPT_MS:
        return number("ms", arg, 60000, &o->run.slot_ms);
    case OPT_ONLY:
        o->run.only = arg;
        return 0;
    case 'o':
        o->run.directory = arg;
        return 0;
    case OPT_PEERS:
        o->run.peers = true;
        return 0;
    case OPT_RATIO:
        return add_ratio(o, arg);
    case OPT_REFERENCE:
        o->reference = arg;
        return 0;
    case OPT_ROUNDS:
        return number("rounds", arg, 1000, &o->run.rounds);
    case OPT_WORKLOADS:
        o->run.workloads = arg;
        return 0;
    case ARGP_KEY_ARG:
        (void)pn_fail(PN_EXIT_INPUT, "bench queues: '%s' is not an option", arg);
        return EINVAL;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* "A@W,B@W,..." of the ratios asked for. */
static void choose_by_ratios(struct options *o, char *only, size_t cap) {
    size_t used = 0;
    for (unsigned i = 0; i < o->n_ratios && used < cap; i++) {
        const char *text = o->ratio[i];
        const char *slash = strchr(text, '/');
        const char *at = strchr(text, '@');
        used +=
            (size_t)snprintf(only + used, cap - used, "%s%.*s%s,%.*s%s", i == 0 ? "" : ",",
                             (int)(slash - text), text, at, (int)(at - slash - 1), slash + 1, at);
    }
    if (o->n_ratios > 0 && o->run.only == NULL) {
        o->run.only = only;
    }
}

static int exit_code(enum pn_campaign_end end, const char *text) {
    switch (end) {
    case PN_CAMPAIGN_COMPLETE:
    case PN_CAMPAIGN_NOISY:
        return PN_EXIT_OK;
    case PN_CAMPAIGN_INTERRUPTED:
        return pn_fail(PN_EXIT_INTERRUPTED, "bench queues: %s", text);
    case PN_CAMPAIGN_BAD_INPUT:
        return pn_fail(PN_EXIT_INPUT, "bench queues: %s", text);
    case PN_CAMPAIGN_NO_ACCESS:
        return pn_fail(PN_EXIT_MACHINE, "bench queues: %s", text);
    default:
        return pn_fail(PN_EXIT_LATER, "bench queues: %s", text);
    }
}

static int print_list(const struct options *o) {
    json_t *list = NULL;
    struct pn_error err = {""};
    size_t i;
    size_t k;
    json_t *entry;
    json_t *workload;
    enum pn_campaign_end end = pn_queue_rounds_list(&o->run, &list, &err);
    if (end != PN_CAMPAIGN_COMPLETE) {
        return exit_code(end, err.text);
    }
    if (o->common.json) {
        (void)json_dumpf(list, stdout, JSON_INDENT(1));
        (void)putchar('\n');
    }
    json_array_foreach(list, i, entry) {
        if (o->common.json) {
            break;
        }
        const char *reason = json_string_value(json_object_get(entry, "reason"));
        (void)printf("%s:", json_string_value(json_object_get(entry, "queue")));
        (void)printf("%s%s", reason == NULL ? "" : " not measured: ", reason == NULL ? "" : reason);
        json_array_foreach(json_object_get(entry, "workloads"), k, workload) {
            (void)printf(" %s", json_string_value(workload));
        }
        (void)printf("\n");
    }
    json_decref(list);
    return PN_EXIT_OK;
}

struct watch {
    struct options *o;
    struct pn_run_files files;
    unsigned round;
    bool terminal, bad; /* bad: one of ours failed, or anybody lost items */
};

static void on_progress(void *context, const struct pn_queue_progress *p) {
    struct watch *w = context;
    char left[32];
    const char *status = json_string_value(json_object_get(p->line, "status"));
    const char *library = json_string_value(json_object_get(p->line, "library"));
    bool ours = library != NULL && strcmp(library, "pinion") == 0;
    w->bad |= strcmp(status, "wrong sum") == 0 || (ours && strcmp(status, "ok") != 0);
    pn_run_files_begin(&w->files);
    if (w->o->common.quiet || (!w->terminal && p->round == w->round)) {
        return;
    }
    pn_print_duration(left, sizeof left, p->left_ns);
    (void)fprintf(stderr,
                  w->terminal ? "\r\033[Kround %u of %u, slot %u of %u, %s left"
                              : "round %u of %u, slot %u of %u, %s left\n",
                  p->round, p->rounds, p->slot, p->slots, left);
    w->round = p->round;
}

static int print_ratios(const struct options *o) {
    int code = PN_EXIT_OK;
    for (unsigned i = 0; i < o->n_ratios; i++) {
        char text[256];
        struct pn_report_error err = {.text = ""};
        struct pn_queue_report *report = NULL;
        (void)snprintf(text, sizeof text, "%s", o->ratio[i]);
        char *other = strchr(text, '/');
        char *workload = strchr(text, '@');
        *other++ = '\0';
        *workload++ = '\0';
        int rc = pn_queue_report_read(o->run.directory, other, &report, &err)
                     ? pn_fail(PN_EXIT_LATER, "%s", err.text)
                     : pn_queue_print_ratio(report, text, workload);
        pn_queue_report_free(report);
        code = rc != 0 ? rc : code;
    }
    return code;
}

static int print_result(const struct options *o) {
    struct pn_report_error err = {.text = ""};
    struct pn_queue_report *report = NULL;
    if (o->n_ratios > 0 && !o->common.json) {
        return print_ratios(o);
    }
    if (pn_queue_report_read(o->run.directory, o->reference, &report, &err) != 0) {
        return pn_fail(PN_EXIT_LATER, "%s", err.text);
    }
    if (o->common.json) {
        json_t *json = pn_queue_print_json(report);
        (void)json_dumpf(json, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(12));
        (void)putchar('\n');
        json_decref(json);
    } else {
        pn_queue_print(report);
        if (o->run.peers && o->run.only == NULL && o->run.workloads == NULL) {
            pn_queue_print_targets(report);
        }
    }
    pn_queue_report_free(report);
    return PN_EXIT_OK;
}

static int measure(struct options *o, const struct pn_machine *machine, char *const *argv) {
    char plan[512];
    (void)snprintf(plan, sizeof plan, "queues %d %u %u %.200s %.200s", o->run.peers, o->run.rounds,
                   o->run.slot_ms, o->run.only == NULL ? "" : o->run.only,
                   o->run.workloads == NULL ? "" : o->run.workloads);
    json_t *manifest = pn_manifest_json(machine, argv, NULL, plan);
    struct watch watch = {
        .o = o,
        .files = {.directory = o->run.directory, .machine = machine, .argv = argv},
        .terminal = isatty(STDERR_FILENO) != 0};
    struct pn_queue_rounds_sum sum;
    struct pn_error err = {""};
    o->run.seed = o->common.seeded ? o->common.seed : 1;
    o->run.manifest = manifest;
    o->run.interrupted = pn_signals_came;
    o->run.progress = on_progress;
    o->run.context = &watch;
    pn_signals_hold();
    enum pn_campaign_end end = pn_queue_rounds_run(&o->run, &sum, &err);
    json_decref(manifest);
    if (watch.terminal && !o->common.quiet) {
        (void)fputs("\r\033[K", stderr);
    }
    int lost = pn_run_files_end(&watch.files);
    int code = exit_code(end, err.text);
    if (sum.slots > 0 && (end == PN_CAMPAIGN_COMPLETE || end == PN_CAMPAIGN_INTERRUPTED)) {
        int shown = print_result(o);
        code = code != 0 ? code : shown;
        pn_note(&o->common, "%u slots, %u failed; %s holds them", sum.slots, sum.failed,
                o->run.directory);
    }
    code = code != 0 ? code : lost;
    return code == 0 && watch.bad
               ? pn_fail(PN_EXIT_LATER, "bench queues: a queue of ours failed or items were lost")
               : code;
}

static void default_directory(char *path, size_t cap) {
    char stamp[32];
    time_t now = time(NULL);
    struct tm tm;
    (void)strftime(stamp, sizeof stamp, "%Y-%m-%dT%H%M%SZ", gmtime_r(&now, &tm));
    (void)snprintf(path, cap, "runs/queues-%s", stamp);
}

int pn_bench_queues(int argc, char **argv) {
    static const struct argp argp = {
        .options = option_table,
        .parser = parse_option,
        .doc = "Measure queues side by side: shuffled rounds, a fresh process per slot, paired "
               "ratios with intervals.",
    };
    static char programs[PATH_MAX], directory[PATH_MAX], only[4096];
    struct options o = {.run = {.programs = programs, .rounds = 9, .slot_ms = 50}};
    int code;
    if (!pn_args_parse(&argp, argc, argv, &o, &o.common, &code)) {
        return code;
    }
    ssize_t n = readlink("/proc/self/exe", programs, sizeof programs - 1);
    if (n <= 0) {
        return pn_fail(PN_EXIT_MACHINE, "bench queues: /proc is not mounted");
    }
    programs[n] = '\0';
    *strrchr(programs, '/') = '\0';
    choose_by_ratios(&o, only, sizeof only);
    if (o.list || o.common.dry_run) {
        return print_list(&o);
    }
    default_directory(directory, sizeof directory);
    o.run.directory = o.run.directory == NULL ? directory : o.run.directory;
    struct pn_machine machine;
    code = pn_machine_load(&machine, NULL, NULL, 0);
    if (code == 0) {
        code = measure(&o, &machine, argv);
        pn_machine_destroy(&machine);
    }
    return code;
}
