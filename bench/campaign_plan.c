/* SPDX-License-Identifier: MIT
 *
 * Which slots, in which order: rounds outermost; within a round the points in seeded random order;
 * at a point every design x level (and the A/A and loop slots) side by side, in seeded random
 * order.
 */
#include "campaign.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

unsigned pn_campaign_slots_per_round(const struct pn_sweep_plan *sweeps, unsigned n) {
    unsigned slots = 0;
    for (unsigned s = 0; s < n; s++) {
        unsigned levels = sweeps[s].n_by == 0 ? 1 : sweeps[s].n_by;
        slots += sweeps[s].n_x * (sweeps[s].n_designs * levels + sweeps[s].loop) + sweeps[s].aa;
    }
    return slots;
}

/* splitmix64: any seed gives a good sequence at once. */
static uint64_t next_random(uint64_t *state) {
    uint64_t z = *state += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static void shuffle(struct pn_slot_plan *slots, unsigned n, uint64_t *random) {
    for (unsigned i = n; i > 1; i--) {
        unsigned j = (unsigned)(next_random(random) % i);
        struct pn_slot_plan moved = slots[i - 1];
        slots[i - 1] = slots[j];
        slots[j] = moved;
    }
}

static unsigned list_point(const struct pn_sweep_plan *s, unsigned sweep, unsigned x,
                           unsigned round, struct pn_slot_plan *out) {
    unsigned n = 0;
    unsigned levels = s->n_by == 0 ? 1 : s->n_by;
    for (unsigned d = 0; d < s->n_designs; d++) {
        for (unsigned l = 0; l < levels; l++) {
            out[n++] = (struct pn_slot_plan){sweep, x, l, d, round, PN_SLOT_MAIN};
        }
    }
    if (s->aa && x == s->n_x / 2) {
        out[n++] = (struct pn_slot_plan){sweep, x, 0, 0, round, PN_SLOT_AA};
    }
    if (s->loop) {
        out[n++] = (struct pn_slot_plan){sweep, x, 0, 0, round, PN_SLOT_LOOP};
    }
    return n;
}

int pn_campaign_order(struct pn_campaign *c) {
    unsigned per_round = pn_campaign_slots_per_round(c->o->sweeps, c->o->n_sweeps);
    unsigned rounds = 0;
    for (unsigned s = 0; s < c->o->n_sweeps; s++) {
        rounds = c->o->sweeps[s].rounds > rounds ? c->o->sweeps[s].rounds : rounds;
    }
    c->slots = calloc((size_t)per_round * rounds + 1, sizeof *c->slots);
    if (c->slots == NULL) {
        return -ENOMEM;
    }
    uint64_t random = c->o->seed;
    for (unsigned r = 0; r < rounds; r++) {
        struct pn_slot_plan points[PN_SWEEPS * PN_SWEEP_POINTS];
        unsigned n_points = 0;
        for (unsigned s = 0; s < c->o->n_sweeps; s++) {
            for (unsigned x = 0; r < c->o->sweeps[s].rounds && x < c->o->sweeps[s].n_x; x++) {
                points[n_points++] = (struct pn_slot_plan){.sweep = s, .x = x};
            }
        }
        shuffle(points, n_points, &random);
        for (unsigned p = 0; p < n_points; p++) {
            unsigned s = points[p].sweep;
            unsigned n = list_point(&c->o->sweeps[s], s, points[p].x, r, c->slots + c->n_slots);
            shuffle(c->slots + c->n_slots, n, &random);
            c->n_slots += n;
        }
    }
    return 0;
}

const char *pn_slot_design(const struct pn_campaign *c, const struct pn_slot_plan *slot) {
    return slot->role == PN_SLOT_LOOP ? "loop" : c->o->sweeps[slot->sweep].design[slot->design];
}

const char *pn_slot_level(const struct pn_campaign *c, const struct pn_slot_plan *slot) {
    const struct pn_sweep_plan *s = &c->o->sweeps[slot->sweep];
    return s->n_by == 0 ? NULL : s->by[slot->level];
}

const char *pn_slot_role(const struct pn_campaign *c, const struct pn_slot_plan *slot) {
    if (slot->role != PN_SLOT_MAIN) {
        return slot->role == PN_SLOT_AA ? "aa" : "loop";
    }
    return c->o->sweeps[slot->sweep].kind == PN_KIND_LATENCY ? "latency" : "main";
}

void pn_slot_key(const struct pn_campaign *c, const struct pn_slot_plan *slot, char *key,
                 size_t cap) {
    const struct pn_sweep_plan *s = &c->o->sweeps[slot->sweep];
    const char *level = pn_slot_level(c, slot);
    (void)snprintf(key, cap, "%s/%s=%s/%s%s%s/r%u%s", s->name, s->x_key, s->x[slot->x],
                   level == NULL ? "" : level, level == NULL ? "" : "/", pn_slot_design(c, slot),
                   slot->round, slot->role == PN_SLOT_AA ? "/aa" : "");
}

unsigned pn_slot_params(const struct pn_campaign *c, const struct pn_slot_plan *slot, uint64_t jobs,
                        char (*args)[96]) {
    const struct pn_sweep_plan *s = &c->o->sweeps[slot->sweep];
    unsigned n = 0;
    unsigned cores = c->o->cores > 0 ? c->o->cores : c->o->plan->n_schedulers;
    for (unsigned i = 0; i < s->n_set; i++) {
        pn_relative_cores(s->set[i], cores, args[n++], 96);
    }
    (void)snprintf(args[n++], 96, "%s=%s", s->x_key, s->x[slot->x]);
    if (s->n_by > 0) {
        (void)snprintf(args[n++], 96, "%s=%s", s->by_key, s->by[slot->level]);
    }
    uint64_t warm = jobs / 5 > 20000 ? jobs / 5 : 20000;
    (void)snprintf(args[n++], 96, "jobs=%llu", (unsigned long long)jobs);
    /* An open loop at a low rate would spend seconds on 20000 jobs of warm-up. */
    (void)snprintf(args[n++], 96, "warm=%llu",
                   (unsigned long long)(s->kind == PN_KIND_LATENCY ? jobs / 5 : warm));
    if (c->o->cores > 0) {
        (void)snprintf(args[n++], 96, "cores=%u", c->o->cores);
    }
    return n;
}
