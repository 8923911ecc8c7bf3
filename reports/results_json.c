/* SPDX-License-Identifier: MIT
 *
 * results.json: the page's figures as data (Google Benchmark's stay in its own file). Keys sorted,
 * units in names; what is not known is null with a reason beside it. 10 digits: log() has variants
 * with and without fused multiply-add, whose last bit would show in 1 of 10,000 figures at 12.
 */
#include "guard.h"
#include "ladder.h"
#include "page.h"
#include "results_value.h"
#include "rival.h"

#include <math.h>
#include <string.h>

static json_t *x_value(const struct pn_sweep *sweep, size_t point) {
    const struct pn_x *x = &sweep->x[point];
    return x->word != NULL ? json_string(x->word) : pn_json_number(x->at);
}

static json_t *split_object(const struct pn_point *point) {
    static const char *const names[] = {"efficiency_log", "spinning_log", "sleeping_log",
                                        "waiting_log"};
    const struct pn_split *s = &point->split;
    double part[] = {s->efficiency, s->spinning, s->sleeping, s->waiting};
    json_t *out = json_object();
    json_t *over = json_object();
    pn_json_put_number(out, "total_log", s->total, "no pair with CPU time");
    for (size_t i = 0; i < PN_PART_COUNT; i++) {
        pn_json_put_number(out, names[i], part[i],
                           isnan(s->total) ? "no pair with CPU time" : "idle spin is not counted");
        pn_json_put(over, names[i], pn_json_estimate(&point->part[i], "idle spin is not counted"));
    }
    pn_json_put(out, "over_rounds", over);
    return out;
}

static json_t *point_object(const struct pn_study *study, const struct pn_curve *curve, size_t p) {
    static const char *const signs[] = {"open", "a_ahead", "b_ahead", "tie"};
    const struct pn_point *point = &curve->point[p];
    json_t *out = json_object();
    json_t *designs = json_object();
    for (size_t d = 0; d < study->sweep->designs; d++) {
        json_t *one = json_object();
        pn_json_put(one, "throughput_per_s", pn_json_estimate(&point->rate[d], "no valid slot"));
        pn_json_put(one, "busy_ns_per_job", pn_json_estimate(&point->busy[d], "no valid slot"));
        pn_json_put(one, "spin_ns_per_job",
                    pn_json_estimate(&point->spin[d], "idle spin is not counted"));
        pn_json_put(designs, study->sweep->design[d], one);
    }
    pn_json_put(out, "x", x_value(study->sweep, p));
    pn_json_put(out, "designs", designs);
    pn_json_put(out, "unlike_pairs", pn_json_count(point->unlike));
    pn_json_put(out, "gap", split_object(point));
    if (curve->compared) {
        pn_json_put(out, "ratio_log", pn_json_estimate(&curve->cross.point[p], "no valid pair"));
        pn_json_put(out, "says", json_string(signs[curve->cross.sign[p]]));
    }
    return out;
}

static json_t *cross_object(const struct pn_study *study, size_t level) {
    static const char *const kinds[] = {"undetermined", "crossover", "none", "several"};
    const struct pn_curve *curve = &study->curve[level];
    const struct pn_cross *c = &curve->cross;
    json_t *out = json_object();
    struct pn_text said = {0};
    pn_verdict_curve(study, level, &said);
    pn_json_put(out, "kind", json_string(curve->compared ? kinds[c->kind] : "undetermined"));
    pn_json_put(out, "sentence", json_string(said.data == NULL ? "" : said.data));
    pn_text_free(&said);
    if (!curve->compared) {
        return out;
    }
    pn_json_put_number(out, "x", c->x, "no single crossover is stated");
    pn_json_put_number(out, "x_low", c->lo, "no single crossover is stated");
    pn_json_put_number(out, "x_high", c->hi, "no single crossover is stated");
    pn_json_put_number(out, "next_x_low", c->next_lo,
                       "nothing is left to measure for this verdict");
    pn_json_put_number(out, "next_x_high", c->next_hi,
                       "nothing is left to measure for this verdict");
    pn_json_put_number(out, "tie_x_low", c->tie_lo, "no point lies in the tie zone");
    pn_json_put_number(out, "tie_x_high", c->tie_hi, "no point lies in the tie zone");
    pn_json_put_number(out, "ahead_least_log", c->gap_lo, "not the same design ahead everywhere");
    pn_json_put_number(out, "ahead_most_log", c->gap_hi, "not the same design ahead everywhere");
    pn_json_put(out, "ahead",
                c->ahead == PN_SIGN_A   ? json_string(study->sweep->design[study->a])
                : c->ahead == PN_SIGN_B ? json_string(study->sweep->design[study->b])
                                        : json_null());
    pn_json_put(out, "rounds_needed", pn_json_count(c->rounds_needed));
    pn_json_put(out, "rounds_least", pn_json_count(c->rounds_least));
    pn_json_put(out, "crossings", pn_json_count(c->crossings));
    return out;
}

static json_t *curves_array(const struct pn_study *study) {
    json_t *out = json_array();
    for (size_t level = 0; level < study->sweep->levels; level++) {
        const struct pn_curve *curve = &study->curve[level];
        if (curve->point == NULL) {
            continue;
        }
        json_t *one = json_object();
        json_t *points = json_array();
        for (size_t p = 0; p < study->sweep->points; p++) {
            (void)json_array_append_new(points, point_object(study, curve, p));
        }
        pn_json_put(one, "level",
                    study->sweep->by_key == NULL ? json_null()
                                                 : json_string(study->sweep->level[level]));
        pn_json_put(one, "points", points);
        pn_json_put(one, "verdict", cross_object(study, level));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *rival_object(const struct pn_rival *r, const struct pn_sweep *sweep) {
    json_t *one = json_object();
    json_t *modes = json_array();
    struct pn_text said = {0};
    pn_rival_say(r, &said);
    for (size_t p = 0; p < sweep->points; p++) {
        (void)json_array_append_new(modes, r->mode[p] == PN_DESIGNS_MAX
                                               ? json_null()
                                               : json_string(sweep->design[r->mode[p]]));
    }
    pn_json_put(one, "level",
                sweep->by_key == NULL ? json_null() : json_string(sweep->level[r->level]));
    pn_json_put(one, "modes", modes);
    pn_json_put(one, "verdict", cross_object(&r->study, r->level));
    pn_json_put(one, "sentence", json_string(said.data == NULL ? "" : said.data));
    pn_text_free(&said);
    return one;
}

/* `a` against each other runtime's best mode at each point, level by level. */
static json_t *rivals_array(const struct pn_rundir *run, const struct pn_study *study) {
    char family[PN_FAMILIES_MAX][PN_FAMILY_NAME];
    size_t n = pn_rival_families(study, family);
    json_t *out = json_array();
    for (size_t i = 0; i < n; i++) {
        for (size_t level = 0; level < study->sweep->levels; level++) {
            struct pn_rival *r = NULL;
            if (pn_rival_make(run, study, level, family[i], &r) != 0) {
                json_decref(out);
                return NULL; /* no memory: the whole text is refused */
            }
            json_t *one = rival_object(r, study->sweep);
            pn_json_put(one, "runtime", json_string(family[i]));
            (void)json_array_append_new(out, one);
            pn_rival_free(r);
        }
    }
    return out;
}

static json_t *shifts_array(const struct pn_study *study) {
    json_t *out = json_array();
    for (size_t i = 0; i < study->shifts; i++) {
        const struct pn_shift *shift = &study->shift[i];
        json_t *one = json_object();
        json_t *deltas = json_array();
        const char *why = "not both levels have a crossover";
        for (size_t p = 0; p < study->sweep->points; p++) {
            json_t *delta = pn_json_estimate(&shift->delta[p], "no round has both levels");
            pn_json_put(delta, "x", x_value(study->sweep, p));
            (void)json_array_append_new(deltas, delta);
        }
        pn_json_put(one, "from", json_string(study->sweep->level[0]));
        pn_json_put(one, "to", json_string(study->sweep->level[shift->to]));
        pn_json_put_number(one, "crossover_factor", shift->factor.value, why);
        pn_json_put_number(one, "crossover_factor_low", shift->factor.lo, why);
        pn_json_put_number(one, "crossover_factor_high", shift->factor.hi, why);
        pn_json_put(one, "ratio_change_log", deltas);
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *latencies_array(const struct pn_study *study) {
    json_t *out = json_array();
    for (size_t i = 0; i < study->latencies; i++) {
        const struct pn_latency *l = &study->latency[i];
        json_t *one = json_object();
        pn_json_put(one, "design", json_string(study->sweep->design[l->design]));
        pn_json_put(one, "level",
                    study->sweep->by_key == NULL ? json_null()
                                                 : json_string(study->sweep->level[l->level]));
        pn_json_put(one, "x", x_value(study->sweep, l->point));
        pn_json_put(one, "throughput_per_s", pn_json_estimate(&l->rate, "no valid slot"));
        pn_json_put_number(one, "offered_per_s", l->offered, "the plan names no rate");
        pn_json_put(one, "clock", json_string("from intended start"));
        for (size_t q = 0; q < PN_QUANTILES; q++) {
            pn_json_put(one, pn_quantile_keys[q],
                        pn_json_estimate(&l->quantile[q], "the slot did not report it"));
        }
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *shares_array(const struct pn_study *study) {
    json_t *out = json_array();
    for (size_t i = 0; i < study->shares; i++) {
        const struct pn_share *s = &study->share[i];
        json_t *one = json_object();
        pn_json_put(one, "design", json_string(study->sweep->design[s->design]));
        pn_json_put(one, "level",
                    study->sweep->by_key == NULL ? json_null()
                                                 : json_string(study->sweep->level[s->level]));
        pn_json_put(one, "x", x_value(study->sweep, s->point));
        pn_json_put(one, "share_of_loop",
                    pn_json_estimate(&s->share, "no round with the job loop"));
        pn_json_put(one, "throughput_per_s", pn_json_estimate(&s->rate, "no valid slot"));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *core_object(const struct pn_core *c) {
    static const char why[] = "a slot did not report it";
    json_t *out = json_object();
    pn_json_put(out, "cpu", json_integer(c->cpu));
    pn_json_put(out, "node", c->node < 0 ? json_null() : json_integer(c->node));
    pn_json_put_number(out, "jobs", c->jobs, why);
    pn_json_put_number(out, "busy_ns", c->busy_ns, why);
    pn_json_put_number(out, "spin_ns", c->spin_ns, why);
    pn_json_put_number(out, "sleep_ns", c->sleep_ns, why);
    pn_json_put_number(out, "run_delay_ns", c->run_delay_ns, why);
    pn_json_put_number(out, "steals", c->steals, why);
    pn_json_put_number(out, "wakes", c->wakes, why);
    pn_json_put_number(out, "syscalls", c->syscalls, why);
    pn_json_put_number(out, "faults", c->faults, why);
    pn_json_put_number(out, "vol_switches", c->vol_switches, why);
    pn_json_put_number(out, "invol_switches", c->invol_switches, why);
    return out;
}

/* Sums over the valid slots of the middle x. */
static json_t *cores_array(const struct pn_study *study) {
    json_t *out = json_array();
    for (size_t i = 0; i < study->core_tables; i++) {
        const struct pn_core_table *t = &study->core[i];
        json_t *one = json_object();
        json_t *cores = json_array();
        for (size_t c = 0; c < t->cores; c++) {
            (void)json_array_append_new(cores, core_object(&t->core[c]));
        }
        pn_json_put(one, "design", json_string(study->sweep->design[t->design]));
        pn_json_put(one, "x", x_value(study->sweep, study->core_point));
        pn_json_put(one, "slots", pn_json_count(t->slots));
        pn_json_put(one, "wall_ns", pn_json_number(t->wall_ns));
        pn_json_put(one, "jobs", pn_json_number(t->jobs));
        pn_json_put(one, "cores", cores);
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *noise_object(const struct pn_noise *noise) {
    json_t *out = json_object();
    pn_json_put_number(out, "floor_log", noise->floor, "no A/A pair in this run");
    pn_json_put(out, "pair_log", pn_json_estimate(&noise->pair, "no A/A pair in this run"));
    pn_json_put(out, "biased", json_boolean(noise->biased));
    return out;
}

static json_t *study_object(const struct pn_rundir *run, const struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    char family[PN_FAMILIES_MAX][PN_FAMILY_NAME];
    json_t *out = json_object();
    pn_json_put(out, "name", json_string(sweep->name));
    pn_json_put(out, "x_key", json_string(sweep->key));
    pn_json_put(out, "x_unit", json_string(sweep->unit));
    pn_json_put(out, "by_key", sweep->by_key == NULL ? json_null() : json_string(sweep->by_key));
    pn_json_put(out, "a", json_string(sweep->design[study->a]));
    pn_json_put(out, "b", json_string(sweep->design[study->b]));
    pn_json_put(out, "margin_log", pn_json_number(study->margin));
    pn_json_put(out, "noise", noise_object(&study->noise));
    pn_json_put(out, "curves", curves_array(study));
    pn_json_put(out, "shifts", shifts_array(study));
    pn_json_put(out, "latency", latencies_array(study));
    pn_json_put(out, "ceiling", shares_array(study));
    pn_json_put(out, "per_core", cores_array(study));
    if (pn_duel_wanted(study)) {
        pn_json_put(out, "duels", pn_duels_array(study));
    }
    if (sweep->kind == PN_SWEEP_CROSSOVER && pn_rival_families(study, family) > 0) {
        pn_json_put(out, "rivals", rivals_array(run, study));
    }
    if (pn_rival_families(study, family) > 0) {
        pn_json_put(out, "guards", pn_guards_array(run, study));
        pn_json_put(out, "mistakes", pn_mistakes_array(study));
    }
    json_t *ladder = pn_ladder_array(study);
    if (ladder != NULL) {
        pn_json_put(out, "ladder", ladder);
    }
    return out;
}

static json_t *verdict_object(const struct pn_analysis *analysis,
                              const struct pn_report_verdict *verdict) {
    json_t *out = json_object();
    pn_json_put(out, "kind", json_string(verdict->kind));
    pn_json_put(out, "crossover", json_string(verdict->crossover));
    pn_json_put(out, "cause", json_string(verdict->cause));
    pn_json_put(out, "withheld", json_boolean(verdict->withheld));
    pn_json_put(out, "noisy", json_boolean(verdict->noisy));
    pn_json_put_number(out, "p99_ratio_log", analysis->tail.measured ? analysis->tail.log_p99 : NAN,
                       "no open-loop pair at equal throughput");
    return out;
}

char *pn_results_json(const struct pn_analysis *analysis, const struct pn_report_verdict *verdict) {
    const json_t *manifest = analysis->run->manifest;
    json_t *root = json_object();
    json_t *slots = json_object();
    json_t *sweeps = json_array();
    for (size_t i = 0; i < analysis->studies; i++) {
        (void)json_array_append_new(sweeps, study_object(analysis->run, &analysis->study[i]));
    }
    pn_json_put(slots, "planned", pn_json_count(analysis->run->planned));
    pn_json_put(slots, "measured", pn_json_count(analysis->run->samples));
    pn_json_put(slots, "void", pn_json_count(analysis->voided));
    pn_json_put(slots, "failed", pn_json_count(analysis->failed));
    pn_json_put(slots, "unsteady", pn_json_count(analysis->unsteady));
    pn_json_put(slots, "unlike_pairs", pn_json_count(analysis->unlike));
    pn_json_put(root, "schema", json_string("pinion.results/1"));
    pn_json_put(root, "fingerprint",
                json_string(pn_member_string(manifest, "fingerprint", "unknown")));
    pn_json_put(root, "status", json_string(pn_member_string(manifest, "status", "unknown")));
    pn_json_put(root, "seed", json_integer((json_int_t)analysis->run->seed));
    pn_json_put(root, "verdict", verdict_object(analysis, verdict));
    pn_json_put(root, "noise", noise_object(&analysis->noise));
    pn_json_put(root, "slots", slots);
    pn_json_put(root, "sweeps", sweeps);
    if (pn_guards_wanted(analysis)) {
        pn_json_put(root, "fairness", pn_fairness_object(analysis));
    }
    json_t *model = pn_model_object(analysis);
    if (model != NULL) {
        pn_json_put(root, "model", model);
    }
    if (analysis->peer_targets != NULL && analysis->peer_targets->lines > 0) {
        pn_json_put(root, "peer_targets", pn_peer_targets_array(analysis->peer_targets));
    }
    if (analysis->queues != NULL) {
        pn_json_put(root, "queues", pn_queue_results(analysis->queues));
    }
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
    json_decref(root);
    return text;
}
