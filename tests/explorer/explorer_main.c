/* SPDX-License-Identifier: MIT
 *
 * Searches, and the command line of a test.
 */
#include "explorer_parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Enough for every case's must_reach many times over. */
enum { REACH_WITHIN = 5000 };

uint64_t xp_times_reached(unsigned i);

struct options {
    uint64_t seed, executions;
    double seconds;
    int preemptions, pct_depth;
    bool uniform, sc, list;
    const char *save, *replay, *mutant;
};

static double seconds_now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* \return NULL or what went wrong in execution number *executions */
static const char *search(const struct pn_xp_test *test, const struct options *o,
                          uint64_t *executions) {
    double end = seconds_now() + o->seconds;
    *executions = 0;
    do {
        xp_plan(o->seed + *executions, o->pct_depth, o->uniform, o->sc);
        const char *error = xp_execute(test);
        ++*executions;
        if (error != NULL) {
            return error;
        }
    } while (*executions < o->executions && (*executions % 64 != 0 || seconds_now() < end));
    return NULL;
}

const char *pn_xp_search(const struct pn_xp_test *test, uint64_t seed, double seconds,
                         uint64_t max_executions, uint64_t *executions) {
    struct options o = {.seed = seed, .executions = max_executions, .seconds = seconds};
    return search(test, &o, executions);
}

/* What failed, how to see it again, and its shortest form. */
static int report(const struct pn_xp_test *test, const struct options *o, const char *program,
                  const char *how, uint64_t executions) {
    const char *error = xp.error;
    (void)printf("%s: %s, in execution %lu\nsee it again: %s%s%s %s\n", test->name, error,
                 (unsigned long)executions, program, o->mutant == NULL ? "" : " --mutant ",
                 o->mutant == NULL ? "" : o->mutant, how);
    if (o->mutant != NULL && o->save == NULL) {
        return 1; /* one of hundreds that are run to fail */
    }
    xp_shrink(test, 5);
    char name[160];
    (void)snprintf(name, sizeof name, "%s.replay", test->name);
    const char *file = o->save == NULL ? name : o->save;
    if (xp_save(file, test, o->mutant)) {
        (void)printf(
            "shortened: %s, %d switches, %d old values; step by step: %s%s%s --replay %s\n",
            xp.error, xp.preemptions, xp.stale_reads, program,
            o->mutant == NULL ? "" : " --mutant ", o->mutant == NULL ? "" : o->mutant, file);
    }
    xp_print_trace();
    return 1;
}

static int run_exhaustive(const struct pn_xp_test *test, const struct options *o,
                          const char *program) {
    double start = seconds_now();
    uint64_t n = 0;
    bool more = true;
    xp.strategy = XP_EXHAUSTIVE;
    xp.weak = !o->sc;
    xp.max_preemptions = o->preemptions;
    xp.length = 0;
    for (; more; more = xp_next_path()) {
        if (n % 256 == 0 && n > 0 && seconds_now() - start > o->seconds) {
            break;
        }
        n++;
        if (xp_execute(test) != NULL) {
            char how[64];
            (void)snprintf(how, sizeof how, "--exhaustive %d", o->preemptions);
            return report(test, o, program, how, n);
        }
    }
    (void)printf("%s: %s%lu executions with up to %d preemptions%s, no error (%.2f s)\n",
                 test->name, more ? "" : "all ", (unsigned long)n, o->preemptions,
                 more ? ", not all" : "", seconds_now() - start);
    return 0;
}

static int run_replay(const struct pn_xp_test *test, const struct options *o) {
    uint64_t hash = 0;
    int rc = xp_load_replay(o->replay, test, o->mutant, &hash);
    if (rc != 0) {
        return rc;
    }
    xp.tell = true;
    const char *error = xp_execute(test);
    xp.tell = false;
    (void)printf("%s: %s; %s, %d switches, %d old values\n", test->name,
                 error == NULL ? "no error" : error,
                 xp.hash == hash ? "the execution that was recorded" : "ANOTHER EXECUTION",
                 xp.preemptions, xp.stale_reads);
    return error != NULL && xp.hash == hash ? 1 : 2;
}

static int run_search(const struct pn_xp_test *test, const struct options *o, const char *program) {
    uint64_t n = 0;
    double start = seconds_now();
    if (search(test, o, &n) != NULL) {
        char how[96];
        (void)snprintf(how, sizeof how, "--seed %lu --executions 1%s%s",
                       (unsigned long)(o->seed + n - 1), o->uniform ? " --uniform" : "",
                       o->sc ? " --sc" : "");
        if (o->pct_depth > 0) {
            (void)snprintf(how + strlen(how), sizeof how - strlen(how), " --pct %d", o->pct_depth);
        }
        return report(test, o, program, how, n);
    }
    (void)printf("%s: %lu executions from seed %lu, no error (%.0f a second)\n", test->name,
                 (unsigned long)n, (unsigned long)o->seed, (double)n / (seconds_now() - start));
    int rc = 0;
    for (unsigned i = 0; i < PN_XP_REACHED && test->must_reach[i] != NULL; i++) {
        (void)printf("%s: reached %lu times: %s\n", test->name, (unsigned long)xp_times_reached(i),
                     test->must_reach[i]);
        rc = o->mutant == NULL && n >= REACH_WITHIN && xp_times_reached(i) == 0 ? 1 : rc;
    }
    if (o->list) {
        xp_list_mutants();
    }
    return rc;
}

static int usage(const char *program) {
    (void)fprintf(stderr,
                  "usage: %s [--seed N] [--executions N] [--seconds S] [--pct DEPTH | --uniform]\n"
                  "  [--sc] [--exhaustive PREEMPTIONS] [--save FILE] [--replay FILE]\n"
                  "  [--mutant ID] [--list-mutants]\n",
                  program);
    return 2;
}

/* \return whether it takes a value and has it */
static bool value_option(struct options *o, const char *name, const char *value) {
    if (strcmp(name, "--seed") == 0) {
        o->seed = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--executions") == 0) {
        o->executions = strtoull(value, NULL, 10);
    } else if (strcmp(name, "--seconds") == 0) {
        o->seconds = strtod(value, NULL);
    } else if (strcmp(name, "--exhaustive") == 0) {
        o->preemptions = (int)strtol(value, NULL, 10);
    } else if (strcmp(name, "--pct") == 0) {
        o->pct_depth = (int)strtol(value, NULL, 10);
    } else if (strcmp(name, "--save") == 0) {
        o->save = value;
    } else if (strcmp(name, "--replay") == 0) {
        o->replay = value;
    } else if (strcmp(name, "--mutant") == 0) {
        o->mutant = value;
    } else {
        return false;
    }
    return true;
}

static bool parse(struct options *o, int argc, char **argv) {
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--uniform") == 0) {
            o->uniform = true;
        } else if (strcmp(argv[i], "--sc") == 0) {
            o->sc = true;
        } else if (strcmp(argv[i], "--list-mutants") == 0) {
            o->list = true;
        } else if (i + 1 < argc && value_option(o, argv[i], argv[i + 1])) {
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int pn_xp_main(int argc, char **argv, const struct pn_xp_test *test) {
    struct options o = {.seed = 1, .executions = UINT64_MAX, .seconds = 1, .preemptions = -1};
    if (!parse(&o, argc, argv)) {
        return usage(argv[0]);
    }
    if (o.mutant != NULL && !xp_mutate(o.mutant)) {
        (void)fprintf(stderr, "%s: no such mutant here: %s\n", test->name, o.mutant);
        return 2;
    }
    if (o.replay != NULL) {
        return run_replay(test, &o);
    }
    return o.preemptions >= 0 ? run_exhaustive(test, &o, argv[0]) : run_search(test, &o, argv[0]);
}
