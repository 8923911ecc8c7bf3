/* SPDX-License-Identifier: MIT
 *
 * A run directory in memory: manifest, plan, samples, checked. README.md has its schema.
 *
 * Strings and JSON values are borrowed from the documents that the directory owns.
 */
#ifndef PN_REPORTS_RUNDIR_H
#define PN_REPORTS_RUNDIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include <pinion/report.h>

#include "json_lines.h"
#include "stat.h"

#define PN_DESIGNS_MAX 32
#define PN_LEVELS_MAX  8
#define PN_SWEEPS_MAX  32

enum pn_role { PN_ROLE_MAIN, PN_ROLE_AA, PN_ROLE_LATENCY, PN_ROLE_LOOP, PN_ROLE_COUNT };
enum pn_scale { PN_SCALE_LOG2, PN_SCALE_LINEAR, PN_SCALE_LIST };
enum pn_sweep_kind { PN_SWEEP_CROSSOVER, PN_SWEEP_LATENCY, PN_SWEEP_CEILING };

/* One x of a sweep: a number, or (list scale) a word at its index. */
struct pn_x {
    double at;
    const char *word; /* NULL for a number */
};

struct pn_sweep {
    const char *name;
    const char *title;
    const char *key;
    const char *unit; /* "" if none */
    enum pn_scale scale;
    enum pn_sweep_kind kind;
    struct pn_x x[PN_POINTS_MAX];
    size_t points;
    const char *by_key; /* NULL: one nameless level */
    const char *level[PN_LEVELS_MAX];
    char level_text[PN_LEVELS_MAX][24]; /* of a level that is a number */
    size_t levels;                      /* >= 1 */
    const char *design[PN_DESIGNS_MAX];
    size_t designs;
    size_t rounds_planned;
    size_t rounds;          /* 1 + largest round seen or planned */
    size_t rounds_measured; /* 1 + largest round with a slot */
    const json_t *set;
};

enum pn_gate {
    PN_GATE_STEAL,
    PN_GATE_FOREIGN,
    PN_GATE_FREQ,
    PN_GATE_THROTTLED,
    PN_GATE_MASK,
    PN_GATE_PAGES,
    PN_GATE_DELAY,
    PN_GATE_COUNT
};
extern const char *const pn_gate_keys[PN_GATE_COUNT];

struct pn_sample {
    unsigned line;
    const char *key;
    const struct pn_sweep *sweep;
    enum pn_role role;
    size_t round;
    size_t point;
    size_t level;
    size_t design; /* index in the sweep; PN_DESIGNS_MAX for one outside it (the job loop) */
    const char *design_name;
    double start_ns, wall_ns, jobs, cpu_ns;
    double gate[PN_GATE_COUNT]; /* NaN: not known */
    const char *void_reason;    /* NULL: not void */
    const char *error;          /* NULL: the slot finished */
    bool unsteady;
    const json_t *summary; /* NULL where the slot failed */
};

struct pn_rundir {
    json_t *manifest;
    json_t *micro;  /* NULL: none */
    json_t **lines; /* one document per sample */
    struct pn_sample *sample;
    size_t samples;
    json_t *plan; /* slot key -> its params, or null */
    size_t planned;
    struct pn_sweep sweep[PN_SWEEPS_MAX];
    size_t sweeps;
    uint64_t seed;
    char notice[2][160]; /* "" or what was dropped, for the report's limits */
    size_t notices;
    char micro_reason[160]; /* why micro is NULL */
    double cache_bytes[2];  /* of one L2 and one L3, as topology.xml has them; NaN: unknown */
    bool queues;            /* queues.jsonl stands beside the manifest */
    bool bare;              /* and is all that was measured: no plan, no samples, no sweeps */
};

/* Reads and checks dir. 0, or -1 with *err saying file, line, fault. Free with pn_rundir_free, also
 * after a failure. Files over 256 MiB are refused. */
int pn_rundir_read(const char *dir, struct pn_rundir *run, struct pn_report_error *err);
void pn_rundir_free(struct pn_rundir *run);

/* The steps of it. */
int pn_manifest_read(struct pn_rundir *run, struct pn_report_error *err);
int pn_sample_read(struct pn_rundir *run, json_t *line, struct pn_sample *out, const char **fault);
int pn_plan_read(struct pn_rundir *run, const json_t *line, const char **fault);
/* A level as text: a string itself, a number written into `room`; NULL if neither. */
const char *pn_level_text(const json_t *value, char *room, size_t size);

/* A usable slot: finished, not void, with positive wall time and jobs. */
bool pn_sample_good(const struct pn_sample *sample);
/* A number of the summary; NaN if missing or null. */
double pn_sample_number(const struct pn_sample *sample, const char *key);
/* A string of the summary; NULL if missing or null. */
const char *pn_sample_string(const struct pn_sample *sample, const char *key);
/* The slot's planned parameter as a number; NaN if the plan does not have it. */
double pn_sample_param(const struct pn_rundir *run, const struct pn_sample *sample,
                       const char *key);
/* Number of jobs done per second; NaN if not good. */
double pn_sample_rate(const struct pn_sample *sample);
/* Also of a void slot: to be shown, never to be compared. */
double pn_sample_raw_rate(const struct pn_sample *sample);
struct pn_effort pn_sample_effort(const struct pn_sample *sample);

/* Member `key` of an object, or NULL where `object` is NULL, no object, or has JSON null there. */
const json_t *pn_member(const json_t *object, const char *key);
const char *pn_member_string(const json_t *object, const char *key, const char *otherwise);
double pn_member_number(const json_t *object, const char *key);
/* "<key>_reason" next to a null, or `otherwise`. */
const char *pn_member_reason(const json_t *object, const char *key, const char *otherwise);

#endif
