/* SPDX-License-Identifier: MIT
 *
 * One planned slot: the command line of its child, ours or a peer's, and whether what it computed
 * is what the others at its point computed.
 */
#include "campaign.h"

#include <errno.h>
#include <pinion/peer.h>
#include <stdio.h>
#include <string.h>

enum { DEADLINE_S = 60, CPUS_MAX = 1024, ARGS = PN_SLOT_ARGS + 16 };

/* The CPUs of a slot: of its schedulers, and behind them the housekeeping ones, which a peer gets
 * too, as it has no use for helpers elsewhere. */
struct place {
    struct pn_os_cpu cpus[CPUS_MAX];
    unsigned schedulers, all;
};

static void find_place(const struct pn_campaign *c, struct place *place) {
    const struct pn_plan *plan = c->o->plan;
    unsigned most = c->o->cores > 0 && c->o->cores < CPUS_MAX ? c->o->cores : CPUS_MAX;
    for (unsigned i = 0; i < plan->n_schedulers && place->all < most; i++) {
        place->cpus[place->all++] = plan->schedulers[i].cpu;
    }
    place->schedulers = place->all;
    for (unsigned i = 0; i < plan->n_housekeeping && place->all < CPUS_MAX; i++) {
        place->cpus[place->all++] = plan->housekeeping[i];
    }
}

static unsigned own_options(const struct pn_campaign *c, const char **argv, unsigned n) {
    if (c->o->cpus != NULL) {
        argv[n++] = "--cpus";
        argv[n++] = c->o->cpus;
    }
    if (c->o->housekeeping != NULL) {
        argv[n++] = "--housekeeping";
        argv[n++] = c->o->housekeeping;
    }
    if (c->o->workload != NULL) {
        argv[n++] = "--workload";
        argv[n++] = c->o->workload;
    }
    return n;
}

int pn_campaign_slot(struct pn_campaign *c, const struct pn_slot_plan *slot, uint64_t jobs,
                     struct pn_slot_result *result) {
    char params[PN_SLOT_ARGS][96];
    char program[4096];
    char cores[24];
    const char *argv[ARGS];
    struct pn_design_name name;
    struct pn_error why = {""};
    struct place place = {.all = 0};
    const char *design = pn_slot_design(c, slot);
    unsigned n = 0;
    if (pn_design_parse(design, &name, &why) != 0 ||
        (name.peer != NULL &&
         pn_peer_find(name.peer, c->o->program, program, sizeof program, &why) != 0)) {
        memset(result, 0, sizeof *result);
        (void)snprintf(result->error, sizeof result->error, "%.200s", why.text);
        return 0;
    }
    find_place(c, &place);
    argv[n++] = name.peer != NULL ? program : c->o->program;
    argv[n++] = "run";
    argv[n++] = "--json";
    argv[n++] = "--summary";
    argv[n++] = "--stdin-go";
    argv[n++] = "--design";
    argv[n++] = design;
    n = name.peer == NULL ? own_options(c, argv, n) : n;
    unsigned n_params = pn_slot_params(c, slot, jobs, params);
    for (unsigned i = 0; i < n_params; i++) {
        argv[n++] = params[i];
    }
    if (name.peer != NULL) {
        /* As many threads as its mask has CPUs; behind ours, so that it wins. */
        (void)snprintf(cores, sizeof cores, "cores=%u", place.all);
        argv[n++] = cores;
    }
    argv[n] = NULL;
    struct pn_slot_options options = {.argv = argv,
                                      .cpus = place.cpus,
                                      .n_cpus = name.peer == NULL ? place.schedulers : place.all,
                                      .mask = place.cpus,
                                      .n_mask = name.peer == NULL ? 0 : place.all,
                                      .deadline_ns = (uint64_t)DEADLINE_S * 1000000000u,
                                      .jobs = jobs,
                                      .malloc_thresholds = c->o->malloc_thresholds,
                                      .interrupted = c->o->interrupted};
    return pn_slot_run(&options, result);
}

/* Which jobs were lost depends on the moment, not on (seed, p, i) alone. */
static bool lost_some(const json_t *summary) {
    return json_integer_value(json_object_get(summary, "dropped")) > 0 ||
           json_integer_value(json_object_get(summary, "collateral")) > 0 ||
           json_integer_value(json_object_get(summary, "victims")) > 0;
}

/* `literal` computes nothing: it shows what a tuning mistake costs, and is no comparison. */
static bool is_literal(const char *design) {
    struct pn_design_name name;
    struct pn_error why;
    return pn_design_parse(design, &name, &why) == 0 && strcmp(name.mode, "literal") == 0;
}

void pn_campaign_equal_work(struct pn_campaign *c, const struct pn_slot_plan *slot,
                            struct pn_slot_result *result) {
    const json_t *summary = result->summary;
    const char *sum = json_string_value(json_object_get(summary, "checksum"));
    bool has_level = slot->role != PN_SLOT_LOOP;
    char point[96];
    char work[96];
    if (sum == NULL || result->error[0] != '\0' || lost_some(summary) ||
        is_literal(pn_slot_design(c, slot))) {
        return;
    }
    (void)snprintf(point, sizeof point, "%u/%u/%u", slot->sweep, slot->x,
                   has_level ? slot->level : 0);
    (void)snprintf(work, sizeof work, "checksum %.16s, %lld done, %lld lost", sum,
                   (long long)json_integer_value(json_object_get(summary, "done")),
                   (long long)json_integer_value(json_object_get(summary, "lost")));
    const char *first = json_string_value(json_object_get(c->checksums, point));
    if (first == NULL) {
        json_object_set_new(c->checksums, point, json_string(work));
    } else if (strcmp(first, work) != 0) {
        (void)snprintf(result->error, sizeof result->error, "%s, but others at this point: %.100s",
                       work, first);
    }
}
