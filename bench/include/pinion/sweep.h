/* SPDX-License-Identifier: MIT
 *
 * What is measured: sweeps of one parameter over designs and levels, and how they are written down,
 * as options or as a plan file. No process is started here.
 */
#ifndef PINION_SWEEP_H
#define PINION_SWEEP_H

#include <pinion/topology.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pn_sweep_kind { PN_KIND_CROSSOVER, PN_KIND_LATENCY, PN_KIND_CEILING };
enum pn_sweep_scale { PN_X_LOG2, PN_X_LINEAR, PN_X_LIST };

enum {
    PN_SWEEP_POINTS = 64,
    PN_SWEEP_LEVELS = 8,
    PN_SWEEP_DESIGNS = 32,
    PN_SWEEP_SETS = 32,
    PN_SWEEPS = 16,
    PN_WORD = 48
};

struct pn_sweep_plan {
    char name[PN_WORD], title[96];
    enum pn_sweep_kind kind;
    char x_key[PN_WORD];
    enum pn_sweep_scale scale;
    char x[PN_SWEEP_POINTS][PN_WORD];
    unsigned n_x;
    unsigned n_x_asked; /* before `points` thinned them */
    char by_key[PN_WORD];
    char by[PN_SWEEP_LEVELS][PN_WORD];
    unsigned n_by; /* 0: no factor */
    char design[PN_SWEEP_DESIGNS][PN_WORD];
    unsigned n_designs;
    char set[PN_SWEEP_SETS][64]; /* "key=value" */
    unsigned n_set;
    unsigned rounds;
    bool aa;   /* an extra slot of the first design at the middle x in each round */
    bool loop; /* the job loop as an extra slot at each x in each round */
    uint64_t jobs[PN_SWEEP_POINTS]; /* fixed by the pilot; 0 = not yet */
};

void pn_sweep_init(struct pn_sweep_plan *sweep, const char *name);

/* Each takes one part in. \return 0; -EINVAL and one line in *err */
int pn_sweep_set_x(struct pn_sweep_plan *sweep, const char *text, struct pn_error *err);
int pn_sweep_set_by(struct pn_sweep_plan *sweep, const char *text, struct pn_error *err);
int pn_sweep_set_designs(struct pn_sweep_plan *sweep, const char *text, struct pn_error *err);
int pn_sweep_add_set(struct pn_sweep_plan *sweep, const char *assignment, struct pn_error *err);
/** Keep `points` of the x values, ends included. */
void pn_sweep_thin(struct pn_sweep_plan *sweep, unsigned points);
/** Everything together: each point and level must be a valid set of parameters. */
int pn_sweep_check(const struct pn_sweep_plan *sweep, struct pn_error *err);

/**
 * Read a plan file: one section per sweep.
 * \param text  the file's content \param name  for messages
 * \return number of sweeps; -EINVAL
 */
int pn_sweep_read_plan(const char *text, const char *name, struct pn_sweep_plan *sweeps,
                       unsigned max, struct pn_error *err);

/** A plan that comes with the program: "quick", "peers-points". NULL if there is none of that name.
 */
const char *pn_preset(const char *name);
/** The i-th name; NULL behind the last. */
const char *pn_preset_name(unsigned i);

/** "workers=4xcores" as "workers=8"; anything else as it is. */
void pn_relative_cores(const char *assignment, unsigned cores, char *out, size_t cap);
/** True of "80%": share receives 0.8. */
bool pn_relative_rate(const char *value, double *share);

#endif
