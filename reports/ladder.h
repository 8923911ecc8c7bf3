/* SPDX-License-Identifier: MIT
 *
 * One property at a time: designs that differ from one of the two compared designs in a single
 * "+key=value", and the test of the mailbox design as a model of BEAM.
 */
#ifndef PN_REPORTS_LADDER_H
#define PN_REPORTS_LADDER_H

#include "duel.h"

#include "text.h"

enum { PN_PROPERTIES = 11 };

struct pn_property {
    const char *key;
    const char *number; /* "M1" */
    const char *words;
    const char *not_shared; /* why `shared` alone cannot have it; NULL: it can */
};
extern const struct pn_property pn_properties[PN_PROPERTIES];

/* A design that has one property of its base changed. */
struct pn_change {
    size_t design;
    size_t base;
    char key[32];
    char value[48];
};

/* What a row of the section holds: a property, and at most one change of either design. A property
 * with several values has several rows. */
struct pn_rung {
    char key[32];
    const struct pn_property *property; /* NULL: none of the eleven */
    const struct pn_change *change[2];  /* of study->a, of study->b; NULL: not in this sweep */
};

struct pn_ladder {
    const struct pn_study *study;
    struct pn_change change[PN_DESIGNS_MAX];
    size_t changes;
    struct pn_rung rung[PN_PROPERTIES + PN_DESIGNS_MAX];
    size_t rungs;
};

/* False: the sweep holds no such design, and *out is empty. */
bool pn_ladder_find(const struct pn_study *study, struct pn_ladder *out);
/* Whether the sweep holds nothing but the two designs and their changes. */
bool pn_ladder_is_all(const struct pn_study *study);
/* The property's value in the unchanged design, as its slots state it; NULL if they do not. */
const char *pn_ladder_before(const struct pn_ladder *ladder, const struct pn_change *change,
                             size_t level, size_t point);
/* What the change does: ln(figure with it / figure of its base), paired round by round, 95 %. */
struct pn_estimate pn_ladder_effect(const struct pn_ladder *ladder, const struct pn_change *change,
                                    size_t level, size_t point, enum pn_duel_figure figure);
/* All changes of one design (0: study->a) multiplied, round by round: ln. NaN where a round lacks
 * one, or where a property has more than one value, so that there is no one product. */
struct pn_estimate pn_ladder_product(const struct pn_ladder *ladder, size_t side, size_t level,
                                     size_t point);
/* The whole way: ln(jobs/s of b / of a). */
struct pn_estimate pn_ladder_gap(const struct pn_ladder *ladder, size_t level, size_t point);

/* Sections; the ladder's of one study, the model's of all. */
void pn_page_ladder(const struct pn_study *study, struct pn_text *out);
json_t *pn_ladder_array(const struct pn_study *study);
void pn_chart_ladder(struct pn_text *out, const struct pn_ladder *ladder, size_t level,
                     size_t point);

/* `mailbox` and BEAM over one x, each divided by its first value. */
struct pn_model {
    const struct pn_study *study;
    size_t level, first;
    size_t mailbox, beam; /* designs */
    double unit[2];       /* ns per work unit of the two; NaN: the manifest has none */
    struct pn_estimate shape[2][PN_POINTS_MAX]; /* ln(jobs/s / jobs/s at the first x) */
    struct pn_estimate apart[PN_POINTS_MAX];    /* ln(shape of mailbox / shape of BEAM), paired */
    double mean, largest; /* of |apart|, as factors - 1, without the first x */
    size_t worst;         /* where the largest is */
    size_t points;        /* that have one */
};
/* Over this the model does not explain BEAM. */
extern const double pn_model_limit;

/* Whether this level tests the model; false leaves *out alone. */
bool pn_model_make(const struct pn_rundir *run, const struct pn_study *study, size_t level,
                   struct pn_model *out);
bool pn_model_explains(const struct pn_model *model);
/* Why no sweep of the run tests it. */
const char *pn_model_absence(const struct pn_analysis *analysis, char *room, size_t size);
bool pn_model_wanted(const struct pn_analysis *analysis);
void pn_page_model(const struct pn_analysis *analysis, struct pn_text *out);
void pn_chart_model(struct pn_text *out, const struct pn_model *model);
json_t *pn_model_object(const struct pn_analysis *analysis);

#endif
