/* SPDX-License-Identifier: MIT
 *
 * `shared` over a whole sweep against each other runtime, at that runtime's best mode at each
 * point.
 */
#ifndef PN_REPORTS_RIVAL_H
#define PN_REPORTS_RIVAL_H

#include "duel.h"

enum { PN_FAMILY_NAME = 32, PN_FAMILIES_MAX = 8 };

/* Runtimes other than our own ("tokio", "beam"), in the sweep's order. */
size_t pn_rival_families(const struct pn_study *study, char (*family)[PN_FAMILY_NAME]);

struct pn_rival {
    char name[64];              /* its mode if one is best everywhere, else "tokio at its best" */
    const char *own_name;       /* of the design that stands for it in the study below */
    size_t mode[PN_POINTS_MAX]; /* design; PN_DESIGNS_MAX: none with a verdict at this point */
    size_t barred;              /* a faster mode that gets no verdict; PN_DESIGNS_MAX: none */
    size_t barred_points;
    char caveat[96];       /* why it gets none */
    struct pn_sweep sweep; /* as the study's, b named as above */
    struct pn_study study; /* as the study, b its best mode: for the verdict's sentences */
    size_t level;
};

/* 0 or -ENOMEM; *out is owned by the caller, NULL where nothing of the family was measured. */
int pn_rival_make(const struct pn_rundir *run, const struct pn_study *study, size_t level,
                  const char *family, struct pn_rival **out);
void pn_rival_free(struct pn_rival *rival);
/* The verdict against it, its modes, and what is barred: plain text. */
void pn_rival_say(const struct pn_rival *rival, struct pn_text *out);
/* All that there is to say of this level, a paragraph each of the given class. */
void pn_page_rivals(const struct pn_rundir *run, const struct pn_study *study, size_t level,
                    const char *cls, struct pn_text *out);

/* The designs that a figure draws: the pair, and of each other runtime the mode that is best at
 * most points. */
size_t pn_study_drawn(const struct pn_study *study, size_t *design);

#endif
