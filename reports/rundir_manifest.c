/* SPDX-License-Identifier: MIT */
#include "rundir.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

const json_t *pn_member(const json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    return json_is_null(value) ? NULL : value;
}

const char *pn_member_string(const json_t *object, const char *key, const char *otherwise) {
    const char *value = json_string_value(pn_member(object, key));
    return value != NULL ? value : otherwise;
}

double pn_member_number(const json_t *object, const char *key) {
    const json_t *value = pn_member(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

const char *pn_member_reason(const json_t *object, const char *key, const char *otherwise) {
    char name[96];
    (void)snprintf(name, sizeof name, "%.80s_reason", key);
    return pn_member_string(object, name, otherwise);
}

/* Words of a table, NULL at its end: index, or -1. */
static int word_index(const char *const *words, const char *word) {
    for (int i = 0; word != NULL && words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

static int fail(struct pn_report_error *err, const char *sweep, const char *what) {
    return pn_report_fail(err, PN_REPORT_BAD_INPUT, "sweep '%s': %s", sweep, what);
}

/* Words keep their order: their place is their index. */
static int ascending_x(const void *a, const void *b) {
    double x = ((const struct pn_x *)a)->at;
    double y = ((const struct pn_x *)b)->at;
    return (x > y) - (x < y);
}

static int read_x(struct pn_sweep *sweep, const json_t *x, struct pn_report_error *err) {
    static const char *const scales[] = {"log2", "linear", "list", NULL};
    const json_t *values = pn_member(x, "values");
    int scale = word_index(scales, pn_member_string(x, "scale", NULL));
    sweep->key = pn_member_string(x, "key", NULL);
    sweep->unit = pn_member_string(x, "unit", "");
    if (sweep->key == NULL || scale < 0 || !json_is_array(values)) {
        return fail(err, sweep->name, "x needs key, scale (log2, linear, list) and values");
    }
    sweep->scale = (enum pn_scale)scale;
    size_t n = json_array_size(values);
    if (n == 0 || n > PN_POINTS_MAX) {
        return fail(err, sweep->name, "x needs 1 to 64 values");
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(values, i);
        struct pn_x *to = &sweep->x[i];
        *to = (struct pn_x){json_is_number(v) ? json_number_value(v) : (double)i,
                            json_string_value(v)};
        if (!json_is_number(v) && (to->word == NULL || sweep->scale != PN_SCALE_LIST)) {
            return fail(err, sweep->name, "a value of x is not a number");
        }
        if (sweep->scale == PN_SCALE_LOG2 && !(to->at > 0)) {
            return fail(err, sweep->name, "a log2 value of x is not above 0");
        }
        if (sweep->scale != PN_SCALE_LIST && i > 0 && !(to->at > sweep->x[i - 1].at)) {
            return fail(err, sweep->name, "the values of x do not ascend");
        }
    }
    sweep->points = n;
    if (sweep->scale == PN_SCALE_LIST) {
        qsort(sweep->x, n, sizeof *sweep->x, ascending_x);
    }
    return 0;
}

const char *pn_level_text(const json_t *value, char *room, size_t size) {
    if (!json_is_number(value)) {
        return json_string_value(value);
    }
    struct pn_num number = pn_num_x(json_number_value(value));
    (void)snprintf(room, size, "%s", number.s);
    return room;
}

static int read_levels(struct pn_sweep *sweep, const json_t *by, struct pn_report_error *err) {
    sweep->level[0] = "";
    sweep->levels = 1;
    if (by == NULL) {
        return 0;
    }
    const json_t *values = pn_member(by, "values");
    size_t n = json_array_size(values);
    sweep->by_key = pn_member_string(by, "key", NULL);
    if (sweep->by_key == NULL || n == 0 || n > PN_LEVELS_MAX) {
        return fail(err, sweep->name, "by needs key and 1 to 8 values");
    }
    for (size_t i = 0; i < n; i++) {
        sweep->level[i] = pn_level_text(json_array_get(values, i), sweep->level_text[i],
                                        sizeof sweep->level_text[i]);
        if (sweep->level[i] == NULL) {
            return fail(err, sweep->name, "a value of by is neither a string nor a number");
        }
    }
    sweep->levels = n;
    return 0;
}

static int read_designs(struct pn_sweep *sweep, const json_t *designs,
                        struct pn_report_error *err) {
    size_t n = json_array_size(designs);
    if (n == 0 || n > PN_DESIGNS_MAX) {
        return fail(err, sweep->name, "needs 1 to 32 designs");
    }
    for (size_t i = 0; i < n; i++) {
        sweep->design[i] = json_string_value(json_array_get(designs, i));
        if (sweep->design[i] == NULL) {
            return fail(err, sweep->name, "a design is not a string");
        }
    }
    sweep->designs = n;
    return 0;
}

static int read_sweep(struct pn_sweep *sweep, const json_t *from, struct pn_report_error *err) {
    static const char *const kinds[] = {"crossover", "latency", "ceiling", NULL};
    sweep->name = pn_member_string(from, "name", NULL);
    if (sweep->name == NULL) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "a sweep has no name");
    }
    int kind = word_index(kinds, pn_member_string(from, "kind", "crossover"));
    if (kind < 0) {
        return fail(err, sweep->name, "unknown kind");
    }
    sweep->kind = (enum pn_sweep_kind)kind;
    sweep->title = pn_member_string(from, "title", sweep->name);
    sweep->set = pn_member(from, "set");
    double rounds = pn_member_number(from, "rounds_planned");
    if (!(rounds >= 0 && rounds <= PN_ROUNDS_MAX)) {
        return fail(err, sweep->name, "rounds_planned is not a number from 0 to 1000");
    }
    sweep->rounds_planned = (size_t)rounds;
    if (read_x(sweep, pn_member(from, "x"), err) != 0 ||
        read_levels(sweep, pn_member(from, "by"), err) != 0) {
        return -1;
    }
    return read_designs(sweep, pn_member(from, "designs"), err);
}

int pn_manifest_read(struct pn_rundir *run, struct pn_report_error *err) {
    const char *schema = pn_member_string(run->manifest, "schema", "");
    if (strncmp(schema, "pinion.manifest/", 16) != 0) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT,
                              "no manifest: \"schema\" is not pinion.manifest/1");
    }
    if (strcmp(schema + 16, "1") != 0 && strncmp(schema + 16, "1.", 2) != 0) {
        return pn_report_fail(
            err, PN_REPORT_BAD_INPUT,
            "schema %.40s is not known to this pinion (it reads pinion.manifest/1)", schema);
    }
    const json_t *sweeps = pn_member(run->manifest, "sweeps");
    size_t n = json_array_size(sweeps);
    if (!(json_is_array(sweeps) || (run->bare && sweeps == NULL)) || n > PN_SWEEPS_MAX) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "\"sweeps\" is not a list of up to 32");
    }
    double seed = pn_member_number(run->manifest, "seed");
    run->seed = seed >= 0 && seed < 0x1p53 ? (uint64_t)seed : 0;
    if (run->bare && n > 0) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT,
                              "names sweeps, but neither plan.jsonl nor samples.jsonl is there");
    }
    for (size_t i = 0; i < n; i++) {
        if (read_sweep(&run->sweep[i], json_array_get(sweeps, i), err) != 0) {
            return -1;
        }
        for (size_t j = 0; j < i; j++) {
            if (strcmp(run->sweep[j].name, run->sweep[i].name) == 0) {
                return fail(err, run->sweep[i].name, "named twice");
            }
        }
        run->sweeps++;
    }
    return 0;
}
