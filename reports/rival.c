/* SPDX-License-Identifier: MIT */
#include "rival.h"

#include "page.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool same_family(const char *a, const char *b) {
    size_t n = pn_family_length(a);
    return n == pn_family_length(b) && strncmp(a, b, n) == 0;
}

/* Of the compared pair; a peer that stands in it for want of `mailbox` is a rival all the same. */
static bool is_own(const struct pn_study *study, const char *design) {
    return same_family(design, study->sweep->design[study->a]) || same_family(design, "mailbox");
}

size_t pn_rival_families(const struct pn_study *study, char (*family)[PN_FAMILY_NAME]) {
    size_t n = 0;
    for (size_t d = 0; d < study->sweep->designs && n < PN_FAMILIES_MAX; d++) {
        const char *name = study->sweep->design[d];
        bool known = is_own(study, name) || strcmp(name, "loop") == 0 ||
                     pn_family_length(name) >= PN_FAMILY_NAME;
        for (size_t i = 0; i < n; i++) {
            known = known || same_family(family[i], name);
        }
        if (!known) {
            (void)snprintf(family[n++], PN_FAMILY_NAME, "%.*s", (int)pn_family_length(name), name);
        }
    }
    return n;
}

/* The fastest mode that may get a verdict at this point. */
static size_t best_mode(const struct pn_study *study, size_t level, size_t point,
                        const char *family) {
    size_t best = PN_DESIGNS_MAX;
    double most = -1;
    char room[96];
    for (size_t d = 0; d < study->sweep->designs; d++) {
        struct pn_side own = {study->a, level};
        struct pn_side side = {d, level};
        double rate = pn_duel_value(study, side, point, PN_DUEL_RATE).value;
        if (same_family(study->sweep->design[d], family) && rate > most &&
            pn_duel_caveat(study, own, side, point, room, sizeof room) == NULL) {
            best = d;
            most = rate;
        }
    }
    return best;
}

/* A mode that is faster there and yet gets no verdict must be named. */
static void note_barred(struct pn_rival *r, const struct pn_study *study, size_t point,
                        const char *family) {
    char room[96];
    struct pn_side own = {study->a, r->level};
    struct pn_side fastest = pn_duel_best(study, family, study->a, r->level, point);
    if (fastest.design == PN_DESIGNS_MAX || fastest.design == r->mode[point]) {
        return;
    }
    const char *why = pn_duel_caveat(study, own, fastest, point, room, sizeof room);
    if (why != NULL && (r->barred == PN_DESIGNS_MAX || r->barred == fastest.design)) {
        r->barred = fastest.design;
        r->barred_points++;
        (void)snprintf(r->caveat, sizeof r->caveat, "%s", why);
    }
}

static void choose_modes(struct pn_rival *r, const struct pn_study *study, const char *family) {
    size_t only = PN_DESIGNS_MAX;
    bool several = false;
    for (size_t p = 0; p < study->sweep->points; p++) {
        r->mode[p] = best_mode(study, r->level, p, family);
        note_barred(r, study, p, family);
        if (r->mode[p] != PN_DESIGNS_MAX) {
            several = several || (only != PN_DESIGNS_MAX && only != r->mode[p]);
            only = r->mode[p];
        }
    }
    for (size_t d = 0; only == PN_DESIGNS_MAX && d < study->sweep->designs; d++) {
        r->study.b = same_family(study->sweep->design[d], family) ? d : r->study.b;
    }
    r->study.b = only == PN_DESIGNS_MAX ? r->study.b : only;
    if (several || only == PN_DESIGNS_MAX) {
        (void)snprintf(r->name, sizeof r->name, "%s at its best", family);
    } else {
        (void)snprintf(r->name, sizeof r->name, "%.60s", study->sweep->design[only]);
    }
}

static int find_cross(const struct pn_rundir *run, const struct pn_study *study,
                      struct pn_rival *r) {
    size_t rounds = study->sweep->rounds;
    size_t pairs = 0;
    double *ratio = malloc((study->sweep->points * rounds + 1) * sizeof *ratio);
    if (ratio == NULL) {
        return -ENOMEM;
    }
    for (size_t p = 0; p < study->sweep->points; p++) {
        for (size_t i = 0; i < rounds; i++) {
            double *to = &ratio[p * rounds + i];
            *to = r->mode[p] == PN_DESIGNS_MAX
                      ? NAN
                      : pn_duel_round(study, (struct pn_side){study->a, r->level},
                                      (struct pn_side){r->mode[p], r->level}, p, i, PN_DUEL_RATE);
            pairs += isnan(*to) ? 0 : 1;
        }
    }
    struct pn_curve *curve = &r->study.curve[r->level];
    curve->compared = pairs > 0;
    curve->point =
        pairs > 0 ? curve->point : NULL; /* it counts the pair's unlike slots, not these */
    int code = pairs > 0 ? pn_study_cross(run, study, ratio, &curve->cross) : 0;
    free(ratio);
    return code;
}

int pn_rival_make(const struct pn_rundir *run, const struct pn_study *study, size_t level,
                  const char *family, struct pn_rival **out) {
    struct pn_rival *r = calloc(1, sizeof *r);
    *out = NULL;
    if (r == NULL) {
        return -ENOMEM;
    }
    r->sweep = *study->sweep;
    r->study = *study;
    r->study.sweep = &r->sweep;
    r->study.withheld = false; /* that is about our own two designs */
    r->study.curve[level].cross = (struct pn_cross){.resampled = NULL};
    r->level = level;
    r->barred = PN_DESIGNS_MAX;
    choose_modes(r, study, family);
    int code = find_cross(run, study, r);
    if (code != 0) {
        pn_rival_free(r);
        return code;
    }
    r->own_name = r->sweep.design[r->study.b];
    r->sweep.design[r->study.b] = r->name;
    *out = r;
    return 0;
}

void pn_rival_free(struct pn_rival *rival) {
    if (rival != NULL) { /* all else is borrowed from the study */
        pn_cross_free(&rival->study.curve[rival->level].cross);
    }
    free(rival);
}

/* "Its best mode: tokio:tuned at 1, 2; tokio:shared at 4." */
static void say_modes(const struct pn_rival *r, const struct pn_sweep *sweep, struct pn_text *out) {
    const char *before = " Its best mode: ";
    size_t said = PN_DESIGNS_MAX;
    for (size_t p = 0; p < sweep->points; p++) {
        size_t mode = r->mode[p];
        if (mode == PN_DESIGNS_MAX || strcmp(r->name, sweep->design[mode]) == 0) {
            continue; /* not measured, or the sentence before has its name */
        }
        if (mode != said) {
            pn_text_cat(out, before, sweep->design[mode], " at ", NULL);
        }
        pn_text_cat(out, mode == said ? ", " : "", pn_x_text(sweep, p).s, NULL);
        said = mode;
        before = "; ";
    }
    pn_text_put(out, said == PN_DESIGNS_MAX ? "" : ".");
}

void pn_rival_say(const struct pn_rival *r, struct pn_text *out) {
    struct pn_sweep sweep = r->sweep;
    sweep.design[r->study.b] = r->own_name;
    pn_verdict_curve(&r->study, r->level, out);
    say_modes(r, &sweep, out);
    if (r->barred != PN_DESIGNS_MAX) {
        pn_text_cat(out, " ", sweep.design[r->barred], " is faster", NULL);
        pn_text_format(out, " at %zu of %zu points, but ", r->barred_points, sweep.points);
        pn_text_cat(out, r->caveat, ".", NULL);
    }
}

void pn_page_rivals(const struct pn_rundir *run, const struct pn_study *study, size_t level,
                    const char *cls, struct pn_text *out) {
    char family[PN_FAMILIES_MAX][PN_FAMILY_NAME];
    size_t n = pn_rival_families(study, family);
    for (size_t i = 0; i < n; i++) {
        struct pn_rival *r = NULL;
        struct pn_text said = {0};
        if (pn_rival_make(run, study, level, family[i], &r) != 0) {
            out->failed = true;
            return;
        }
        pn_rival_say(r, &said);
        pn_text_cat(out, "<p class=\"", cls, "\"><b>", NULL);
        pn_text_escape(out, family[i]);
        pn_text_put(out, "</b>: ");
        pn_text_escape(out, said.data == NULL ? "" : said.data);
        pn_text_put(out, "</p>\n");
        pn_text_free(&said);
        pn_rival_free(r);
    }
}

/* The mode that is best at most points, over all levels. */
static size_t usual_best(const struct pn_study *study, const char *family) {
    size_t wins[PN_DESIGNS_MAX + 1] = {0};
    size_t most = PN_DESIGNS_MAX;
    for (size_t level = 0; level < study->sweep->levels; level++) {
        for (size_t p = 0; p < study->sweep->points; p++) {
            size_t d = pn_duel_best(study, family, study->a, level, p).design;
            wins[d]++;
            if (d != PN_DESIGNS_MAX && (most == PN_DESIGNS_MAX || wins[d] > wins[most])) {
                most = d;
            }
        }
    }
    return most;
}

size_t pn_study_drawn(const struct pn_study *study, size_t *design) {
    char family[PN_FAMILIES_MAX][PN_FAMILY_NAME];
    size_t families = pn_rival_families(study, family);
    bool drawn[PN_DESIGNS_MAX + 1] = {false};
    size_t n = 0;
    drawn[study->a] = drawn[study->b] = true;
    for (size_t i = 0; i < families; i++) {
        drawn[usual_best(study, family[i])] = true;
    }
    for (size_t d = 0; d < study->sweep->designs; d++) {
        if (drawn[d]) {
            design[n++] = d;
        }
    }
    return n;
}
