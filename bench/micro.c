/* SPDX-License-Identifier: MIT */
#include "micro.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>

static const struct pn_micro_table *const tables[] = {
    &pn_micro_queue, &pn_micro_segq,     &pn_micro_memory,
    &pn_micro_timer, &pn_micro_pingpong, &pn_micro_pin,
};

static const struct pn_bench_case *case_at(size_t i) {
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        if (i < tables[t]->n) {
            return &tables[t]->cases[i];
        }
        i -= tables[t]->n;
    }
    return NULL;
}

const char *pn_micro_name(size_t i) {
    const struct pn_bench_case *what = case_at(i);
    return what == NULL ? NULL : what->name;
}

#define TEXT_(x) #x
#define TEXT(x)  TEXT_(x)

const char *pn_bench_own_build(void) {
#if defined(NDEBUG)
#define BUILD "release"
#else
#define BUILD "debug"
#endif
#if defined(__clang__)
    return BUILD ", clang " TEXT(__clang_major__) "." TEXT(__clang_minor__) ", check level " TEXT(
        PN_CHECK_LEVEL);
#else
    return BUILD
        ", gcc " TEXT(__GNUC__) "." TEXT(__GNUC_MINOR__) ", check level " TEXT(PN_CHECK_LEVEL);
#endif
}

static int explain(struct pn_error *err, int rc, const char *what, const char *detail) {
    if (err != NULL) {
        (void)snprintf(err->text, sizeof err->text, "%s: %s", what, detail);
    }
    return rc;
}

/* Match against the full name, "/threads:<n>" included, as the library prints it. */
static bool matches(const regex_t *filter, const struct pn_bench_case *what) {
    char name[256];
    (void)snprintf(name, sizeof name, "%s/threads:%d", what->name, what->threads);
    return filter == NULL || regexec(filter, name, 0, NULL, 0) == 0;
}

static int run_matching(const struct pn_micro_options *options, const regex_t *filter, char **json,
                        struct pn_error *err) {
    size_t all = 0, n = 0;
    while (case_at(all) != NULL) {
        all++;
    }
    const struct pn_bench_case **cases = calloc(all + 1, sizeof(const struct pn_bench_case *));
    if (cases == NULL) {
        return explain(err, -ENOMEM, "bench", "no memory");
    }
    for (size_t i = 0; i < all; i++) {
        if (matches(filter, case_at(i))) {
            cases[n++] = case_at(i);
        }
    }
    const char *context[] = {"pinion_build", pn_bench_own_build(), "pinion_quick",
                             options->quick ? "true" : "false"};
    const struct pn_bench_options run = {
        .min_time_s = options->min_time_s > 0 ? options->min_time_s
                      : options->quick        ? 0.02
                                              : 0.2,
        .repetitions = options->repetitions > 0 ? options->repetitions
                       : options->quick         ? 1
                                                : 3,
        .interleave = !options->quick,
        .cpus = options->cpus,
        .n_cpus = options->n_cpus,
        .context = context,
        .n_context = sizeof context / sizeof context[0] / 2,
        .on_row = options->on_row,
        .user = options->user,
    };
    int rc = n == 0 ? explain(err, -ENOENT, options->filter, "no benchmark has a matching name")
                    : pn_bench_run(cases, n, &run, json);
    free(cases);
    if (rc < 0 && n != 0) {
        return explain(err, rc, "bench",
                       rc == -ENOMEM ? "no memory" : "the benchmark library failed");
    }
    return rc;
}

int pn_micro_run(const struct pn_micro_options *options, char **json, struct pn_error *err) {
    if (options->repetitions < 0 || options->repetitions > 1000 || options->min_time_s < 0) {
        return explain(err, -EINVAL, "bench", "repetitions must be 1 to 1000, the time above 0");
    }
    if (options->filter == NULL) {
        return run_matching(options, NULL, json, err);
    }
    regex_t filter;
    int bad = regcomp(&filter, options->filter, REG_EXTENDED | REG_NOSUB);
    if (bad != 0) {
        char why[160];
        (void)regerror(bad, &filter, why, sizeof why);
        return explain(err, -EINVAL, options->filter, why);
    }
    int rc = run_matching(options, &filter, json, err);
    regfree(&filter);
    return rc;
}
