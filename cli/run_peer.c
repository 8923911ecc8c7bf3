/* SPDX-License-Identifier: MIT */
#include "run_peer.h"

#include "command.h"
#include "peer_child.h"

#include <jansson.h>
#include <limits.h>
#include <pinion/peer.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { WORDS = 80 };

bool pn_run_is_peer(const char *design) {
    struct pn_design_name name;
    struct pn_error why;
    return design != NULL && pn_design_parse(design, &name, &why) == 0 && name.peer != NULL;
}

static void print_time(const json_t *summary, const char *key, const char *what) {
    const json_t *value = json_object_get(summary, key);
    if (json_is_integer(value)) {
        double us = (double)json_integer_value(value) / 1e3;
        (void)printf("%-22s %.1f %s\n", what, us < 1e4 ? us : us / 1e3, us < 1e4 ? "us" : "ms");
    }
}

static void print_human(const json_t *s) {
    double wall = (double)json_integer_value(json_object_get(s, "wall_ns"));
    double cpu = (double)json_integer_value(json_object_get(s, "cpu_ns"));
    double done = (double)json_integer_value(json_object_get(s, "done"));
    const char *words[] = {"runtime", "queue_kind", "bound", "flags", "checksum"};
    const char *text[5];
    for (unsigned i = 0; i < 5; i++) {
        const char *said = json_string_value(json_object_get(s, words[i]));
        text[i] = said == NULL ? "not said" : said;
    }
    (void)printf("design                 %s (%s, bound %s %lld jobs)\n", text[0], text[1], text[2],
                 (long long)json_integer_value(json_object_get(s, "queue_effective")));
    (void)printf("jobs                   %.0f done, %lld lost, %lld dropped, %lld collateral\n",
                 done, (long long)json_integer_value(json_object_get(s, "lost")),
                 (long long)json_integer_value(json_object_get(s, "dropped")),
                 (long long)json_integer_value(json_object_get(s, "collateral")));
    (void)printf("checksum               %s\n", text[4]);
    (void)printf("throughput             %.0f jobs/s (%.3f s)\n", wall > 0 ? done * 1e9 / wall : 0,
                 wall / 1e9);
    if (done > 0 && wall > 0) {
        (void)printf("CPU                    %.0f ns per job, %.2f CPUs used\n", cpu / done,
                     cpu / wall);
    }
    print_time(s, "p50_ns", "latency p50");
    print_time(s, "p99_ns", "latency p99");
    print_time(s, "sleep_mean_ns", "a sleep took");
    (void)printf("memory                 %lld KiB resident\n",
                 (long long)json_integer_value(json_object_get(s, "rss_kb")));
    (void)printf("flags                  %s\n", text[3]);
}

static void pass_on(const char *line, void *context) {
    (void)context;
    (void)fputs(line, stdout);
    (void)fflush(stdout);
}

static void on_line(const char *line, void *context) {
    (void)context;
    json_t *event = json_loads(line, 0, NULL);
    const char *kind = json_string_value(json_object_get(event, "event"));
    if (kind != NULL && strcmp(kind, "summary") == 0) {
        print_human(event);
    }
    json_decref(event);
}

int pn_run_peer(const struct pn_run_peer *run, const struct pn_common *common) {
    struct pn_design_name name;
    struct pn_error why = {""};
    char program[PATH_MAX];
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);
    if (len <= 0) {
        return pn_fail(PN_EXIT_MACHINE, "run: /proc is not mounted");
    }
    program[len] = '\0';
    if (pn_design_parse(run->design, &name, &why) != 0 || name.peer == NULL) {
        return pn_fail(PN_EXIT_INPUT, "run: %s", why.text);
    }
    if (pn_peer_find(name.peer, program, path, sizeof path, &why) != 0) {
        return pn_fail(PN_EXIT_MACHINE, "run: %s; it comes with: pinion peers --install --build",
                       why.text);
    }
    const char *argv[WORDS] = {path, "run", "--json", "--design", run->design};
    unsigned n = 5;
    if (!common->json || run->summary_only) {
        argv[n++] = "--summary";
    }
    if (run->stdin_go) {
        argv[n++] = "--stdin-go";
    }
    for (unsigned i = 0; i < run->n_words && n + 1 < WORDS; i++) {
        argv[n++] = run->words[i];
    }
    if (common->dry_run) {
        for (unsigned i = 0; i < n; i++) {
            (void)printf("%s%s", i == 0 ? "" : " ", argv[i]);
        }
        (void)printf("\n");
        return PN_EXIT_OK;
    }
    return pn_peer_child(argv, common->json ? pass_on : on_line, NULL);
}
