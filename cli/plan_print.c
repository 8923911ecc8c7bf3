/* SPDX-License-Identifier: MIT */
#include "plan_print.h"

#include "command.h"
#include "progress.h"

#include <jansson.h>
#include <stdio.h>

/* Start of the process, warm-up and slot; measured on two CPUs: 0.55 s a quick one, 4 s a full one.
 */
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

/* What a plan costs, in seconds. The pilot runs each x once per design, on a part of a slot. */
struct cost {
    unsigned per_round;
    double round_s, pilot_s, all_s;
};

static struct cost cost_of(const struct pn_sweep_plan *sweeps, unsigned n, bool full) {
    unsigned slots = 0;
    unsigned points = 0;
    for (unsigned i = 0; i < n; i++) {
        slots += pn_campaign_slots_per_round(&sweeps[i], 1) * sweeps[i].rounds;
        points += sweeps[i].n_x * (sweeps[i].n_designs + (sweeps[i].loop ? 1 : 0));
    }
    unsigned per_round = pn_campaign_slots_per_round(sweeps, n);
    double pilot_s = points * slot_s[full] * 0.6;
    return (struct cost){per_round, per_round * slot_s[full], pilot_s,
                         pilot_s + slots * slot_s[full]};
}

static int print_json(const struct pn_sweep_plan *sweeps, unsigned n, const struct cost *cost) {
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(list, sweep_json(&sweeps[i]));
    }
    json_t *root =
        json_pack("{s:o,s:i,s:f,s:f,s:f}", "sweeps", list, "slots_per_round", (int)cost->per_round,
                  "round_s", cost->round_s, "pilot_s", cost->pilot_s, "all_s", cost->all_s);
    int rc = root == NULL ? -1 : json_dumpf(root, stdout, JSON_INDENT(1));
    (void)putchar('\n');
    json_decref(root);
    return rc == 0 ? PN_EXIT_OK : pn_fail(PN_EXIT_LATER, "the plan could not be printed as JSON");
}

static void print_seconds(const char *what, double seconds) {
    char text[32];
    pn_print_duration(text, sizeof text, (uint64_t)(seconds * 1e9));
    (void)printf("%s %s", what, text);
}

static void print_cost(const struct cost *cost, double budget_s) {
    (void)printf("%u slots a round, about %.0f s each round\n", cost->per_round, cost->round_s);
    print_seconds("about", cost->all_s);
    print_seconds(" in all, the first", cost->pilot_s);
    (void)printf(" to find out how many jobs a slot needs\n");
    if (budget_s > 0 && budget_s < cost->all_s) {
        print_seconds("the budget ends it after", budget_s);
        (void)printf(": about %.0f rounds\n",
                     budget_s > cost->pilot_s ? (budget_s - cost->pilot_s) / cost->round_s : 0);
    }
}

int pn_plan_print(const struct pn_sweep_plan *sweeps, unsigned n, bool full, uint64_t budget_ns,
                  bool json) {
    struct cost cost = cost_of(sweeps, n, full);
    if (json) {
        return print_json(sweeps, n, &cost);
    }
    for (unsigned i = 0; i < n; i++) {
        const struct pn_sweep_plan *s = &sweeps[i];
        (void)printf("%s: %s over %u points, %u designs, %u levels, %u rounds\n", s->name, s->x_key,
                     s->n_x, s->n_designs, s->n_by == 0 ? 1 : s->n_by, s->rounds);
        for (unsigned k = 0; k < s->n_x; k++) {
            (void)printf("  %s=%s\n", s->x_key, s->x[k]);
        }
        for (unsigned k = 0; k < s->n_set; k++) {
            (void)printf("  with %s\n", s->set[k]);
        }
    }
    print_cost(&cost, (double)budget_ns / 1e9);
    return PN_EXIT_OK;
}
