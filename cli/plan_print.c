/* SPDX-License-Identifier: MIT */
#include "plan_print.h"

#include "command.h"

#include <jansson.h>
#include <stdio.h>

/* A slot's set-up, warm-up and end on top of what it measures, on two CPUs. */
static const double slot_s[] = {0.55, 4.0};

static json_t *words(const char (*list)[PN_WORD], unsigned n) {
    json_t *array = json_array();
    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(array, json_string(list[i]));
    }
    return array;
}

static json_t *sweep_json(const struct pn_sweep_plan *s) {
    json_t *by_key = s->n_by == 0 ? json_null() : json_string(s->by_key);
    json_t *set = json_array();
    for (unsigned i = 0; i < s->n_set; i++) {
        json_array_append_new(set, json_string(s->set[i]));
    }
    return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o,s:i}", "name", s->name, "x_key", s->x_key, "x",
                     words(s->x, s->n_x), "by_key", by_key, "by", words(s->by, s->n_by), "designs",
                     words(s->design, s->n_designs), "set", set, "rounds", (int)s->rounds);
}

static int print_json(const struct pn_sweep_plan *sweeps, unsigned n, unsigned per_round,
                      double round_s) {
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(list, sweep_json(&sweeps[i]));
    }
    json_t *root = json_pack("{s:o,s:i,s:f}", "sweeps", list, "slots_per_round", (int)per_round,
                             "round_s", round_s);
    int rc = root == NULL ? -1 : json_dumpf(root, stdout, JSON_INDENT(1));
    (void)putchar('\n');
    json_decref(root);
    return rc == 0 ? PN_EXIT_OK : pn_fail(PN_EXIT_LATER, "the plan could not be printed as JSON");
}

int pn_plan_print(const struct pn_sweep_plan *sweeps, unsigned n, bool full, bool json) {
    unsigned per_round = pn_campaign_slots_per_round(sweeps, n);
    double round_s = per_round * slot_s[full];
    if (json) {
        return print_json(sweeps, n, per_round, round_s);
    }
    for (unsigned i = 0; i < n; i++) {
        const struct pn_sweep_plan *s = &sweeps[i];
        (void)printf("%s: %s over %u points, %u designs, %u levels, %u rounds\n", s->name, s->x_key,
                     s->n_x, s->n_designs, s->n_by == 0 ? 1 : s->n_by, s->rounds);
        for (unsigned k = 0; k < s->n_x; k++) {
            (void)printf("  %s=%s\n", s->x_key, s->x[k]);
        }
    }
    (void)printf("%u slots a round, about %.0f s each round\n", per_round, round_s);
    return PN_EXIT_OK;
}
