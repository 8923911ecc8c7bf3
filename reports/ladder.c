/* SPDX-License-Identifier: MIT */
#include "ladder.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

const struct pn_property pn_properties[PN_PROPERTIES] = {
    {"route", "M1", "who takes a job", NULL},
    {"mbox", "M2", "kind of mailbox", "needs mailboxes"},
    {"credit", "M3", "back-pressure", NULL},
    {"copy", "M4", "transfer of the message", NULL},
    {"heap", "M5", "memory of a worker", NULL},
    {"reds", "M6", "preemption", NULL},
    {"rq", "M7", "run queue", NULL},
    {"steal", "M8", "balance", NULL},
    {"migrate", "M9", "where an actor runs", "needs mailboxes"},
    {"free", "M10", "who frees", NULL},
    {"idle", "M11", "what an idle core does", NULL},
};

/* Cuts the switch that begins at `plus` ("+key=value") out of the design's name and looks whether
 * what is left is `base`. */
static bool is_without(const char *design, const char *plus, const char *base) {
    size_t before = (size_t)(plus - design);
    const char *after = plus + 1 + strcspn(plus + 1, "+");
    return strlen(base) == before + strlen(after) && strncmp(design, base, before) == 0 &&
           strcmp(base + before, after) == 0;
}

/* A design is a change of `base` if its name without one of its switches is that name. */
static bool read_change(const struct pn_sweep *sweep, size_t design, size_t base,
                        struct pn_change *out) {
    const char *name = sweep->design[design];
    for (const char *plus = strchr(name, '+'); plus != NULL; plus = strchr(plus + 1, '+')) {
        size_t len = strcspn(plus + 1, "+");
        const char *equals = memchr(plus + 1, '=', len);
        if (equals == NULL || equals == plus + 1 || !is_without(name, plus, sweep->design[base])) {
            continue;
        }
        size_t key = (size_t)(equals - plus - 1);
        *out = (struct pn_change){.design = design, .base = base};
        (void)snprintf(out->key, sizeof out->key, "%.*s", (int)key, plus + 1);
        (void)snprintf(out->value, sizeof out->value, "%.*s", (int)(len - key - 1), equals + 1);
        return true;
    }
    return false;
}

static const struct pn_property *property_of(const char *key) {
    for (size_t i = 0; i < PN_PROPERTIES; i++) {
        if (strcmp(pn_properties[i].key, key) == 0) {
            return &pn_properties[i];
        }
    }
    return NULL;
}

/* The n-th change of this design in this property; NULL if there are fewer. */
static const struct pn_change *nth(const struct pn_ladder *ladder, size_t base, const char *key,
                                   size_t n) {
    for (size_t i = 0; i < ladder->changes; i++) {
        const struct pn_change *c = &ladder->change[i];
        if (c->base == base && strcmp(c->key, key) == 0 && n-- == 0) {
            return c;
        }
    }
    return NULL;
}

/* Rows of one property: as many as the design with more values of it needs, one at least. */
static void add_rungs(struct pn_ladder *ladder, const char *key) {
    const struct pn_study *study = ladder->study;
    for (size_t n = 0;; n++) {
        const struct pn_change *a = nth(ladder, study->a, key, n);
        const struct pn_change *b = study->a == study->b ? NULL : nth(ladder, study->b, key, n);
        if (n > 0 && a == NULL && b == NULL) {
            return;
        }
        struct pn_rung *rung = &ladder->rung[ladder->rungs++];
        *rung = (struct pn_rung){.property = property_of(key), .change = {a, b}};
        (void)snprintf(rung->key, sizeof rung->key, "%s", key);
    }
}

static bool has_rung(const struct pn_ladder *ladder, const char *key) {
    for (size_t i = 0; i < ladder->rungs; i++) {
        if (strcmp(ladder->rung[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

bool pn_ladder_find(const struct pn_study *study, struct pn_ladder *out) {
    *out = (struct pn_ladder){.study = study};
    for (size_t d = 0; d < study->sweep->designs; d++) {
        struct pn_change *to = &out->change[out->changes];
        bool found = read_change(study->sweep, d, study->a, to) ||
                     (study->a != study->b && read_change(study->sweep, d, study->b, to));
        out->changes += found ? 1 : 0;
    }
    if (out->changes == 0) {
        return false;
    }
    for (size_t i = 0; i < PN_PROPERTIES; i++) { /* all eleven, measured or not */
        add_rungs(out, pn_properties[i].key);
    }
    for (size_t i = 0; i < out->changes; i++) {
        if (!has_rung(out, out->change[i].key)) {
            add_rungs(out, out->change[i].key);
        }
    }
    return true;
}

bool pn_ladder_is_all(const struct pn_study *study) {
    struct pn_ladder ladder;
    return pn_ladder_find(study, &ladder) &&
           ladder.changes + (study->a == study->b ? 1 : 2) == study->sweep->designs;
}

const char *pn_ladder_before(const struct pn_ladder *ladder, const struct pn_change *change,
                             size_t level, size_t point) {
    for (size_t r = 0; r < ladder->study->sweep->rounds; r++) {
        const struct pn_sample *s = pn_study_slot(ladder->study, change->base, level, point, r);
        const char *value =
            s == NULL ? NULL
                      : pn_member_string(pn_member(s->summary, "properties"), change->key, NULL);
        if (value != NULL) {
            return value;
        }
    }
    return NULL;
}

struct pn_estimate pn_ladder_effect(const struct pn_ladder *ladder, const struct pn_change *change,
                                    size_t level, size_t point, enum pn_duel_figure figure) {
    return pn_duel_ratio(ladder->study, (struct pn_side){change->design, level},
                         (struct pn_side){change->base, level}, point, figure);
}

struct pn_estimate pn_ladder_gap(const struct pn_ladder *ladder, size_t level, size_t point) {
    return pn_duel_ratio(ladder->study, (struct pn_side){ladder->study->b, level},
                         (struct pn_side){ladder->study->a, level}, point, PN_DUEL_RATE);
}

struct pn_estimate pn_ladder_product(const struct pn_ladder *ladder, size_t side, size_t level,
                                     size_t point) {
    double values[PN_ROUNDS_MAX];
    const struct pn_study *study = ladder->study;
    size_t base = side == 0 ? study->a : study->b;
    size_t rounds = study->sweep->rounds;
    for (size_t r = 0; r < rounds; r++) {
        size_t terms = 0;
        values[r] = 0;
        for (size_t i = 0; i < ladder->changes; i++) {
            const struct pn_change *c = &ladder->change[i];
            if (c->base == base) {
                values[r] +=
                    nth(ladder, base, c->key, 1) != NULL
                        ? NAN
                        : pn_duel_round(study, (struct pn_side){c->design, level},
                                        (struct pn_side){base, level}, point, r, PN_DUEL_RATE);
                terms++;
            }
        }
        values[r] = terms > 1 ? values[r] : NAN;
    }
    return pn_estimate_median(values, rounds, 0.05);
}
