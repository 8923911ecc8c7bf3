/* SPDX-License-Identifier: MIT */
#include "rundir.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *const pn_gate_keys[PN_GATE_COUNT] = {
    "steal_pct",  "foreign_cpu_pct", "freq_drift_pct", "throttled",
    "mask_moved", "pages_moved",     "run_delay_pct"};

static int bad(const char **fault, const char *what) {
    *fault = what;
    return -1;
}

static struct pn_sweep *find_sweep(struct pn_rundir *run, const char *name) {
    for (size_t i = 0; name != NULL && i < run->sweeps; i++) {
        if (strcmp(run->sweep[i].name, name) == 0) {
            return &run->sweep[i];
        }
    }
    return NULL;
}

static size_t find_point(const struct pn_sweep *sweep, const json_t *x) {
    const char *word = json_string_value(x);
    for (size_t i = 0; i < sweep->points; i++) {
        const struct pn_x *at = &sweep->x[i];
        if (word != NULL
                ? at->word != NULL && strcmp(at->word, word) == 0
                : json_is_number(x) && at->word == NULL && at->at == json_number_value(x)) {
            return i;
        }
    }
    return SIZE_MAX;
}

static size_t find_level(const struct pn_sweep *sweep, const char *level) {
    for (size_t i = 0; i < sweep->levels && sweep->by_key != NULL; i++) {
        if (level != NULL && strcmp(sweep->level[i], level) == 0) {
            return i;
        }
    }
    return sweep->by_key == NULL && level == NULL ? 0 : SIZE_MAX;
}

static size_t find_design(const struct pn_sweep *sweep, const char *design) {
    size_t i = 0;
    while (i < sweep->designs && strcmp(sweep->design[i], design) != 0) {
        i++;
    }
    return i < sweep->designs ? i : PN_DESIGNS_MAX;
}

/* The coordinates that plan and samples share. */
static int read_place(struct pn_rundir *run, const json_t *line, struct pn_sample *out,
                      const char **fault) {
    static const char *const roles[] = {"main", "aa", "latency", "loop"};
    const char *role = pn_member_string(line, "role", "");
    struct pn_sweep *sweep = find_sweep(run, pn_member_string(line, "sweep", NULL));
    double round = pn_member_number(line, "round");
    out->key = pn_member_string(line, "key", NULL);
    out->design_name = pn_member_string(line, "design", NULL);
    if (out->key == NULL || out->design_name == NULL) {
        return bad(fault, "key and design must be strings");
    }
    if (sweep == NULL) {
        return bad(fault, "a sweep that the manifest does not list");
    }
    out->role = PN_ROLE_MAIN;
    while (out->role < PN_ROLE_COUNT && strcmp(roles[out->role], role) != 0) {
        out->role++;
    }
    if (out->role == PN_ROLE_COUNT) {
        return bad(fault, "role is not main, aa, latency or loop");
    }
    if (!(round >= 0 && round < PN_ROUNDS_MAX) || floor(round) != round) {
        return bad(fault, "round is not a whole number from 0 to 999");
    }
    out->sweep = sweep;
    out->round = (size_t)round;
    out->design = find_design(sweep, out->design_name);
    out->point = find_point(sweep, json_object_get(line, "x"));
    char room[24];
    const char *level = pn_level_text(pn_member(line, "by"), room, sizeof room);
    out->level = find_level(sweep, level);
    if (out->role != PN_ROLE_MAIN && level == NULL) {
        out->level = 0; /* the job loop has no such factor; an A/A slot repeats the first level */
    }
    if (out->point == SIZE_MAX) {
        return bad(fault, "an x that the manifest does not list");
    }
    if (out->level == SIZE_MAX) {
        return bad(fault, "a value of by that the manifest does not list");
    }
    if (out->role != PN_ROLE_LOOP && out->design == PN_DESIGNS_MAX) {
        return bad(fault, "a design that the manifest does not list");
    }
    sweep->rounds = out->round >= sweep->rounds ? out->round + 1 : sweep->rounds;
    return 0;
}

int pn_plan_read(struct pn_rundir *run, const json_t *line, const char **fault) {
    struct pn_sample slot = {0};
    if (pn_member_number(line, "schema") != 1) {
        return bad(fault, "schema is not 1: unknown to this pinion");
    }
    if (read_place(run, line, &slot, fault) != 0) {
        return -1;
    }
    json_t *params = json_object_get(line, "params");
    (void)json_object_set_new(run->plan, slot.key,
                              params == NULL ? json_null() : json_incref(params));
    return 0;
}

double pn_sample_param(const struct pn_rundir *run, const struct pn_sample *sample,
                       const char *key) {
    const json_t *value = pn_member(json_object_get(run->plan, sample->key), key);
    return json_is_string(value)   ? strtod(json_string_value(value), NULL)
           : json_is_number(value) ? json_number_value(value)
                                   : NAN;
}

static int read_gates(const json_t *gates, struct pn_sample *out, const char **fault) {
    for (size_t g = 0; g < PN_GATE_COUNT; g++) {
        const json_t *value = pn_member(gates, pn_gate_keys[g]);
        if (json_is_boolean(value)) {
            out->gate[g] = json_is_true(value) ? 1 : 0;
        } else if (value == NULL || json_is_number(value)) {
            out->gate[g] = value == NULL ? NAN : json_number_value(value);
        } else {
            return bad(fault, "a gate is neither a number nor null");
        }
    }
    return 0;
}

int pn_sample_read(struct pn_rundir *run, json_t *line, struct pn_sample *out, const char **fault) {
    *out = (struct pn_sample){0};
    if (pn_member_number(line, "schema") != 1) {
        return bad(fault, "schema is not 1: unknown to this pinion");
    }
    if (read_place(run, line, out, fault) != 0 ||
        read_gates(pn_member(line, "gates"), out, fault) != 0) {
        return -1;
    }
    struct pn_sweep *sweep = &run->sweep[out->sweep - run->sweep];
    sweep->rounds_measured =
        out->round >= sweep->rounds_measured ? out->round + 1 : sweep->rounds_measured;
    out->start_ns = pn_member_number(line, "t_start_ns");
    out->wall_ns = pn_member_number(line, "wall_ns");
    out->jobs = pn_member_number(line, "jobs");
    out->cpu_ns = pn_member_number(line, "cpu_ns");
    out->void_reason = pn_member_string(line, "void", NULL);
    out->error = pn_member_string(line, "error", NULL);
    out->unsteady = json_is_true(json_object_get(line, "unsteady"));
    out->summary = pn_member(line, "summary");
    if (!(out->start_ns >= 0)) {
        return bad(fault, "t_start_ns is not a number from 0");
    }
    if (out->summary != NULL && !json_is_object(out->summary)) {
        return bad(fault, "summary is not an object");
    }
    if (out->error == NULL && out->void_reason == NULL && out->summary == NULL) {
        return bad(fault, "a slot without error, void or summary");
    }
    if (out->error == NULL && out->void_reason == NULL && !(out->wall_ns > 0 && out->jobs > 0)) {
        return bad(fault, "wall_ns and jobs of a finished slot must be above 0");
    }
    return 0;
}

bool pn_sample_good(const struct pn_sample *sample) {
    return sample->error == NULL && sample->void_reason == NULL && sample->summary != NULL;
}

double pn_sample_number(const struct pn_sample *sample, const char *key) {
    return sample->summary == NULL ? NAN : pn_member_number(sample->summary, key);
}

const char *pn_sample_string(const struct pn_sample *sample, const char *key) {
    return sample->summary == NULL ? NULL : pn_member_string(sample->summary, key, NULL);
}

struct pn_effort pn_sample_effort(const struct pn_sample *sample) {
    double done = pn_sample_number(sample, "done");
    double wall = pn_sample_number(sample, "wall_ns");
    double cpu = pn_sample_number(sample, "cpu_ns");
    double spin = pn_sample_number(sample, "spin_ns");
    double busy = pn_sample_number(sample, "busy_ns");
    if (isnan(busy)) { /* without counted spin all CPU time is busy */
        cpu = isnan(cpu) ? sample->cpu_ns : cpu;
        busy = isnan(spin) ? cpu : cpu - spin;
    }
    return (struct pn_effort){isnan(done) ? sample->jobs : done,
                              isnan(wall) ? sample->wall_ns : wall, busy, spin};
}

double pn_sample_raw_rate(const struct pn_sample *sample) {
    struct pn_effort effort = pn_sample_effort(sample);
    double rate =
        sample->error == NULL && sample->summary != NULL && effort.jobs > 0 && effort.wall_ns > 0
            ? effort.jobs / effort.wall_ns * 1e9
            : NAN;
    return isfinite(rate) && rate > 0 ? rate : NAN;
}

double pn_sample_rate(const struct pn_sample *sample) {
    return pn_sample_good(sample) ? pn_sample_raw_rate(sample) : NAN;
}
