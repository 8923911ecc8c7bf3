/* SPDX-License-Identifier: MIT
 *
 * Running a campaign: the pilot fixes the number of jobs per x, then slot after slot until the plan
 * or the budget ends.
 */
#include "campaign.h"

#include <errno.h>
#include <math.h>
#include <pinion/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Four failures in a row: something is wrong that more slots will not mend. */
enum { PILOT_JOBS = 20000, FAILURES_MAX = 4 };

static const double void_share_max = 0.25;

static double rate_of(const json_t *summary) {
    double wall = (double)json_integer_value(json_object_get(summary, "wall_ns"));
    double done = (double)json_integer_value(json_object_get(summary, "done"));
    return wall > 0 ? done * 1e9 / wall : 0;
}

/* How fast the fastest design is at this x, in two tries: a short one to know how long the second
 * has to be. */
static int pilot_point(struct pn_campaign *c, unsigned sweep, unsigned x, struct pn_error *err) {
    struct pn_sweep_plan *s = &c->o->sweeps[sweep];
    uint64_t jobs = PILOT_JOBS;
    double fastest = 0;
    for (unsigned attempt = 0; attempt < 2; attempt++) {
        fastest = 0;
        for (unsigned d = 0; d < s->n_designs + (s->loop ? 1u : 0u); d++) {
            struct pn_slot_plan slot = {.sweep = sweep, .x = x, .design = d};
            if (d == s->n_designs) {
                slot.role = PN_SLOT_LOOP;
            }
            struct pn_slot_result result;
            int rc = pn_campaign_slot(c, &slot, jobs, &result);
            double rate = rate_of(result.summary);
            if (rc != 0 || result.error[0] != '\0') {
                (void)snprintf(err->text, sizeof err->text, "%s at %s=%s: %s",
                               pn_slot_design(c, &slot), s->x_key, s->x[x],
                               rc != 0 ? strerror(-rc) : result.error);
                rc = result.interrupted ? -EINTR : -EIO;
            }
            pn_slot_result_fini(&result);
            if (rc != 0) {
                return rc;
            }
            fastest = rate > fastest ? rate : fastest;
        }
        jobs = (uint64_t)(fastest * c->o->slot_s * (attempt == 0 ? 0.25 : 1.1)) + 1;
        if (attempt == 0 && jobs <= PILOT_JOBS) {
            jobs = (uint64_t)(fastest * c->o->slot_s * 1.1) + 1;
            break;
        }
    }
    s->jobs[x] = jobs;
    return 0;
}

/* Native: compiled code that computes at the same speed, so ours and Tokio's. */
static bool is_native(const char *design) {
    return strncmp(design, "beam", 4) != 0;
}

/* rate=80%: of what the slowest native design reaches here in a closed loop; two digits of it. */
static int fix_rate(struct pn_campaign *c, unsigned sweep, unsigned x, double share,
                    struct pn_error *err) {
    struct pn_sweep_plan *s = &c->o->sweeps[sweep];
    double slowest = INFINITY;
    (void)snprintf(s->x[x], PN_WORD, "0"); /* a closed loop */
    for (unsigned d = 0; d < s->n_designs; d++) {
        struct pn_slot_plan slot = {.sweep = sweep, .x = x, .design = d};
        struct pn_slot_result result;
        if (!is_native(s->design[d])) {
            continue;
        }
        int rc = pn_campaign_slot(c, &slot, PILOT_JOBS, &result);
        double rate = rate_of(result.summary);
        if (rc != 0 || result.error[0] != '\0') {
            (void)snprintf(err->text, sizeof err->text, "%s, to find its rate: %s",
                           pn_slot_design(c, &slot), rc != 0 ? strerror(-rc) : result.error);
            rc = result.interrupted ? -EINTR : -EIO;
        }
        pn_slot_result_fini(&result);
        if (rc != 0) {
            return rc;
        }
        slowest = rate > 0 && rate < slowest ? rate : slowest;
    }
    if (!(slowest < INFINITY)) {
        (void)snprintf(err->text, sizeof err->text,
                       "sweep '%s': a rate in %% needs a native design to refer to", s->name);
        return -EINVAL;
    }
    double rate = slowest * share;
    double digit = pow(10, floor(log10(rate)) - 1);
    (void)snprintf(s->x[x], PN_WORD, "%.0f", fmax(1, floor(rate / digit) * digit));
    return 0;
}

static int pilot(struct pn_campaign *c, struct pn_error *err) {
    for (unsigned s = 0; s < c->o->n_sweeps; s++) {
        for (unsigned x = 0; x < c->o->sweeps[s].n_x; x++) {
            struct pn_sweep_plan *sweep = &c->o->sweeps[s];
            if (sweep->jobs[x] != 0) {
                continue;
            }
            double share = 0;
            if (strcmp(sweep->x_key, "rate") == 0 && pn_relative_rate(sweep->x[x], &share)) {
                int rc = fix_rate(c, s, x, share, err);
                if (rc != 0) {
                    return rc;
                }
            }
            if (strcmp(sweep->x_key, "rate") == 0) {
                /* In an open loop the rate says how many jobs a slot has. */
                sweep->jobs[x] = (uint64_t)(strtod(sweep->x[x], NULL) * c->o->slot_s * 2) + 1000;
                continue;
            }
            int rc = pilot_point(c, s, x, err);
            if (rc != 0) {
                return rc;
            }
        }
    }
    return 0;
}

static json_t *text_or_null(const char *text) {
    return text[0] == '\0' ? json_null() : json_string(text);
}

static json_t *copy(const json_t *summary, const char *name) {
    json_t *value = json_object_get(summary, name);
    return value == NULL ? json_null() : json_incref(value);
}

static json_t *sample_json(const struct pn_campaign *c, const struct pn_slot_plan *slot,
                           const struct pn_slot_result *r, uint64_t start_ns) {
    json_t *line = pn_rundir_coordinates(c, slot);
    json_object_set_new(line, "t_start_ns", json_integer((json_int_t)(start_ns - c->start_ns)));
    json_object_set_new(line, "wall_ns", copy(r->summary, "wall_ns"));
    json_object_set_new(line, "cpu_ns", copy(r->summary, "cpu_ns"));
    json_object_set_new(line, "jobs",
                        json_integer((json_int_t)c->o->sweeps[slot->sweep].jobs[slot->x]));
    json_object_set_new(line, "gates", pn_gates_json(&r->gates));
    json_object_set_new(line, "void", text_or_null(r->void_reason));
    json_object_set_new(line, "unsteady", json_boolean(r->unsteady));
    json_object_set_new(line, "error", text_or_null(r->error));
    if (r->summary == NULL) {
        json_object_set_new(line, "summary", json_null());
    } else {
        /* 6 of 8 KB of a line, and in a closed loop only queue depth over rate: never compared. */
        json_t *summary = json_copy(r->summary);
        if (c->o->sweeps[slot->sweep].kind != PN_KIND_LATENCY) {
            (void)json_object_del(summary, "histogram");
        }
        json_object_set_new(line, "summary", summary);
    }
    return line;
}

static void tell(struct pn_campaign *c, unsigned i, double rate, uint64_t began) {
    const struct pn_slot_plan *slot = &c->slots[i];
    const struct pn_sweep_plan *s = &c->o->sweeps[slot->sweep];
    const char *level = pn_slot_level(c, slot);
    uint64_t elapsed = pn_now_ns() - began;
    unsigned ran = c->sum.slots;
    struct pn_progress p = {
        .slot = i + 1,
        .slots = c->n_slots,
        .round = slot->round + 1,
        .rounds = s->rounds,
        .sweep = s->name,
        .x_key = s->x_key,
        .x = s->x[slot->x],
        .level = level == NULL ? "" : level,
        .design = pn_slot_design(c, slot),
        .jobs_per_s = rate,
        .voided = c->sum.voided,
        .failed = c->sum.failed,
        .elapsed_ns = elapsed,
        .left_ns = ran == 0 ? 0 : elapsed / ran * (c->n_slots - i - 1),
        .round_ends = i + 1 == c->n_slots || c->slots[i + 1].round != slot->round,
    };
    if (c->o->budget_ns > 0 && p.left_ns > c->o->budget_ns) {
        p.left_ns = c->o->budget_ns > elapsed ? c->o->budget_ns - elapsed : 0;
    }
    if (c->o->progress != NULL) {
        c->o->progress(c->o->context, &p);
    }
}

/* A round begins only if a round as long as the longest so far fits into the budget. */
static bool round_fits(const struct pn_campaign *c, uint64_t longest_round) {
    return c->o->budget_ns == 0 || pn_now_ns() - c->start_ns + longest_round <= c->o->budget_ns;
}

/* A round whose slots hang until their deadlines ends here, not minutes later. */
static bool far_beyond(const struct pn_campaign *c) {
    return c->o->budget_ns > 0 &&
           pn_now_ns() - c->start_ns > c->o->budget_ns + c->o->budget_ns / 10;
}

static enum pn_campaign_end run_slots(struct pn_campaign *c, struct pn_error *err) {
    uint64_t began = pn_now_ns();
    uint64_t round_began = began;
    uint64_t longest = 0;
    unsigned in_a_row = 0;
    for (unsigned i = 0; i < c->n_slots; i++) {
        const struct pn_slot_plan *slot = &c->slots[i];
        char key[256];
        pn_slot_key(c, slot, key, sizeof key);
        if (json_object_get(c->done, key) != NULL) {
            continue;
        }
        uint64_t now = pn_now_ns();
        if (i > 0 && c->slots[i - 1].round != slot->round) {
            longest = now - round_began > longest ? now - round_began : longest;
            round_began = now;
            if (!round_fits(c, longest)) {
                break;
            }
        }
        if (far_beyond(c)) {
            break;
        }
        struct pn_slot_result result;
        int rc = pn_campaign_slot(c, slot, c->o->sweeps[slot->sweep].jobs[slot->x], &result);
        if (rc != 0) {
            (void)snprintf(err->text, sizeof err->text, "%s: %s", c->o->program, strerror(-rc));
            return PN_CAMPAIGN_FAILED;
        }
        if (result.interrupted) {
            pn_slot_result_fini(&result);
            return PN_CAMPAIGN_INTERRUPTED;
        }
        pn_campaign_equal_work(c, slot, &result);
        json_t *line = sample_json(c, slot, &result, now);
        rc = pn_rundir_append(c, line, err);
        json_decref(line);
        c->sum.slots++;
        c->sum.voided += result.void_reason[0] != '\0';
        c->sum.failed += result.error[0] != '\0';
        c->sum.rounds = slot->round + 1;
        tell(c, i, result.error[0] == '\0' ? rate_of(result.summary) : 0, began);
        in_a_row = result.error[0] == '\0' ? 0 : in_a_row + 1;
        if (rc == 0 && in_a_row == FAILURES_MAX) {
            (void)snprintf(err->text, sizeof err->text,
                           "%d slots in a row failed, the last (%.100s): %.200s", FAILURES_MAX, key,
                           result.error);
            rc = -ECHILD;
        }
        pn_slot_result_fini(&result);
        if (rc != 0) {
            return PN_CAMPAIGN_FAILED;
        }
    }
    return c->sum.voided > void_share_max * c->sum.slots ? PN_CAMPAIGN_NOISY : PN_CAMPAIGN_COMPLETE;
}

static enum pn_campaign_end run(struct pn_campaign *c, struct pn_error *err) {
    static const char *const status[] = {"complete", "noisy",   "interrupted",
                                         "partial",  "partial", "partial"};
    if (pn_rundir_manifest(c, "running", err) != 0) {
        return PN_CAMPAIGN_FAILED;
    }
    int rc = pilot(c, err);
    enum pn_campaign_end end = rc == -EINTR ? PN_CAMPAIGN_INTERRUPTED : PN_CAMPAIGN_FAILED;
    if (rc == 0 && pn_campaign_order(c) == 0 && pn_rundir_write_plan(c, err) == 0 &&
        pn_rundir_manifest(c, "running", err) == 0) {
        end = run_slots(c, err);
    }
    struct pn_error late = {""};
    if (pn_rundir_manifest(c, status[end], &late) != 0 && end < PN_CAMPAIGN_BAD_INPUT) {
        *err = late;
        end = PN_CAMPAIGN_FAILED;
    }
    return end;
}

enum pn_campaign_end pn_campaign_run(const struct pn_campaign_options *options,
                                     struct pn_campaign_sum *sum, struct pn_error *err) {
    struct pn_campaign c = {.o = options,
                            .samples = -1,
                            .done = json_object(),
                            .checksums = json_object(),
                            .start_ns = pn_now_ns()};
    err->text[0] = '\0';
    enum pn_campaign_end end = pn_rundir_open(&c, err);
    if (end == PN_CAMPAIGN_COMPLETE) {
        end = run(&c, err);
    }
    if (c.samples >= 0) {
        (void)close(c.samples);
    }
    json_decref(c.done);
    json_decref(c.checksums);
    free(c.slots);
    *sum = c.sum;
    return end;
}
