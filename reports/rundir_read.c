/* SPDX-License-Identifier: MIT */
#include "rundir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void note_cut(struct pn_rundir *run, const struct pn_lines *in) {
    if (in->cut && run->notices < sizeof run->notice / sizeof run->notice[0]) {
        (void)snprintf(run->notice[run->notices++], sizeof run->notice[0],
                       "%s: line %u was cut short and dropped", in->name, in->line);
    }
}

static int read_plan(const char *dir, struct pn_rundir *run, struct pn_report_error *err) {
    struct pn_lines in;
    json_t *line = NULL;
    int got = pn_lines_open(&in, dir, "plan.jsonl", err);
    while (got >= 0 && (got = pn_lines_next(&in, &line, err)) == 1) {
        const char *fault = NULL;
        int bad = pn_plan_read(run, line, &fault);
        json_decref(line);
        if (bad != 0) {
            got = pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: %s", in.path, in.line, fault);
            break;
        }
        run->planned++;
    }
    note_cut(run, &in);
    pn_lines_close(&in);
    return got;
}

/* Room for one more sample; the two arrays grow together. */
static bool grow(struct pn_rundir *run, size_t *capacity) {
    if (run->samples < *capacity) {
        return true;
    }
    size_t wider = *capacity == 0 ? 256 : *capacity * 2;
    json_t **lines = realloc(run->lines, wider * sizeof(json_t *));
    if (lines != NULL) {
        run->lines = lines;
    }
    struct pn_sample *sample = realloc(run->sample, wider * sizeof *sample);
    if (sample != NULL) {
        run->sample = sample;
    }
    if (lines == NULL || sample == NULL) {
        return false;
    }
    *capacity = wider;
    return true;
}

static int read_samples(const char *dir, struct pn_rundir *run, struct pn_report_error *err) {
    size_t capacity = 0;
    struct pn_lines in = {.data = NULL};
    json_t *line = NULL;
    json_t *keys = json_object();
    int got = keys == NULL ? pn_report_fail(err, PN_REPORT_FAILED, "out of memory")
                           : pn_lines_open(&in, dir, "samples.jsonl", err);
    while (got >= 0 && (got = pn_lines_next(&in, &line, err)) == 1) {
        if (!grow(run, &capacity)) {
            json_decref(line);
            got = pn_report_fail(err, PN_REPORT_FAILED, "%s: out of memory", in.path);
            break;
        }
        const char *fault = NULL;
        struct pn_sample *sample = &run->sample[run->samples];
        run->lines[run->samples++] = line;
        if (pn_sample_read(run, line, sample, &fault) != 0) {
            got = pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: %s", in.path, in.line, fault);
            break;
        }
        sample->line = in.line;
        const json_t *first = json_object_get(keys, sample->key);
        if (first != NULL) {
            got = pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: key of line %d repeated",
                                 in.path, in.line, (int)json_integer_value(first));
            break;
        }
        (void)json_object_set_new(keys, sample->key, json_integer((json_int_t)in.line));
    }
    json_decref(keys);
    note_cut(run, &in);
    pn_lines_close(&in);
    return got;
}

/* micro.json is optional: a run without it, or with a broken one, still reports its own slots. */
static void read_micro(const char *dir, struct pn_rundir *run) {
    const char *name = pn_member_string(run->manifest, "micro", NULL);
    struct pn_report_error err;
    (void)snprintf(run->micro_reason, sizeof run->micro_reason, "%s",
                   pn_member_reason(run->manifest, "micro", "not measured in this run"));
    if (name == NULL) {
        return;
    }
    if (strchr(name, '/') != NULL) {
        (void)snprintf(run->micro_reason, sizeof run->micro_reason,
                       "the manifest names a path outside the run");
    } else if (pn_json_load(dir, name, &run->micro, &err) != 0) {
        json_decref(run->micro);
        run->micro = NULL;
        (void)snprintf(run->micro_reason, sizeof run->micro_reason, "micro.json could not be read");
    }
}

static bool exists(const char *dir, const char *name) {
    char path[4200];
    struct stat st;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    return stat(path, &st) == 0;
}

/* Sizes of the first L2 and L3 that hwloc's export names; NaN where it is missing or says none. */
static void read_caches(const char *dir, struct pn_rundir *run) {
    static const char *const types[] = {"type=\"L2Cache\"", "type=\"L3Cache\""};
    char path[4200];
    char *line = NULL;
    size_t room = 0;
    (void)snprintf(path, sizeof path, "%s/topology.xml", dir);
    FILE *f = fopen(path, "re");
    run->cache_bytes[0] = run->cache_bytes[1] = NAN;
    while (f != NULL && getline(&line, &room, f) > 0) {
        const char *size = strstr(line, " cache_size=\"");
        for (size_t i = 0; i < 2 && size != NULL; i++) {
            double bytes = strtod(size + 13, NULL);
            if (isnan(run->cache_bytes[i]) && strstr(line, types[i]) != NULL && bytes > 0) {
                run->cache_bytes[i] = bytes;
            }
        }
    }
    free(line);
    if (f != NULL) {
        (void)fclose(f);
    }
}

int pn_rundir_read(const char *dir, struct pn_rundir *run, struct pn_report_error *err) {
    *run = (struct pn_rundir){.plan = json_object()};
    if (run->plan == NULL) {
        return pn_report_fail(err, PN_REPORT_FAILED, "out of memory");
    }
    if (strlen(dir) > 4000) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "the directory's name is too long");
    }
    read_caches(dir, run);
    if (pn_json_load(dir, "manifest.json", &run->manifest, err) != 0) {
        return -1;
    }
    run->queues = exists(dir, "queues.jsonl");
    run->bare = run->queues && !exists(dir, "plan.jsonl") && !exists(dir, "samples.jsonl");
    if (pn_manifest_read(run, err) != 0) {
        char fault[sizeof err->text];
        memcpy(fault, err->text, sizeof fault);
        return pn_report_fail(err, err->status, "%s/manifest.json: %.300s", dir, fault);
    }
    if (run->bare) {
        return 0;
    }
    if (read_plan(dir, run, err) != 0 || read_samples(dir, run, err) != 0) {
        return -1;
    }
    read_micro(dir, run);
    return 0;
}

void pn_rundir_free(struct pn_rundir *run) {
    for (size_t i = 0; i < run->samples; i++) {
        json_decref(run->lines[i]);
    }
    free(run->lines);
    free(run->sample);
    json_decref(run->plan);
    json_decref(run->micro);
    json_decref(run->manifest);
    *run = (struct pn_rundir){0};
}
