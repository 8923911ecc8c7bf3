/* SPDX-License-Identifier: MIT
 *
 * results.json: the page's figures as data (Google Benchmark's stay in its own file). Keys sorted,
 * units in names; what is not known is null with a reason beside it. 10 digits: log() has variants
 * with and without fused multiply-add, whose last bit would show in 1 of 10,000 figures at 12.
 */
#include "page.h"

#include <math.h>
#include <string.h>

static void put(json_t *object, const char *key, json_t *value) {
    (void)json_object_set_new(object, key,
                              value); /* a NULL value is caught when the text is made */
}

static json_t *number(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *count(size_t n) {
    return json_integer((json_int_t)n);
}

static void put_reason(json_t *object, const char *key, const char *reason) {
    struct pn_label name = pn_label("%.100s_reason", key);
    put(object, name.s, json_string(reason));
}

static void put_number(json_t *object, const char *key, double v, const char *reason) {
    put(object, key, number(v));
    if (!isfinite(v)) {
        put_reason(object, key, reason);
    }
}

static json_t *estimate(const struct pn_estimate *e, const char *reason) {
    json_t *out = json_object();
    put_number(out, "median", e->value, reason);
    put_number(out, "low", e->lo, "too few rounds for an interval at this level");
    put_number(out, "high", e->hi, "too few rounds for an interval at this level");
    put(out, "rounds", count(e->n));
    return out;
}

static json_t *x_value(const struct pn_sweep *sweep, size_t point) {
    const struct pn_x *x = &sweep->x[point];
    return x->word != NULL ? json_string(x->word) : number(x->at);
}

static json_t *split_object(const struct pn_point *point) {
    static const char *const names[] = {"efficiency_log", "spinning_log", "sleeping_log",
                                        "waiting_log"};
    const struct pn_split *s = &point->split;
    double part[] = {s->efficiency, s->spinning, s->sleeping, s->waiting};
    json_t *out = json_object();
    json_t *over = json_object();
    put_number(out, "total_log", s->total, "no pair with CPU time");
    for (size_t i = 0; i < PN_PART_COUNT; i++) {
        put_number(out, names[i], part[i],
                   isnan(s->total) ? "no pair with CPU time" : "idle spin is not counted");
        put(over, names[i], estimate(&point->part[i], "idle spin is not counted"));
    }
    put(out, "over_rounds", over);
    return out;
}

static json_t *point_object(const struct pn_study *study, const struct pn_curve *curve, size_t p) {
    static const char *const signs[] = {"open", "a_ahead", "b_ahead", "tie"};
    const struct pn_point *point = &curve->point[p];
    json_t *out = json_object();
    json_t *designs = json_object();
    for (size_t d = 0; d < study->sweep->designs; d++) {
        json_t *one = json_object();
        put(one, "throughput_per_s", estimate(&point->rate[d], "no valid slot"));
        put(one, "busy_ns_per_job", estimate(&point->busy[d], "no valid slot"));
        put(one, "spin_ns_per_job", estimate(&point->spin[d], "idle spin is not counted"));
        put(designs, study->sweep->design[d], one);
    }
    put(out, "x", x_value(study->sweep, p));
    put(out, "designs", designs);
    put(out, "unlike_pairs", count(point->unlike));
    put(out, "gap", split_object(point));
    if (curve->compared) {
        put(out, "ratio_log", estimate(&curve->cross.point[p], "no valid pair"));
        put(out, "says", json_string(signs[curve->cross.sign[p]]));
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
    put(out, "kind", json_string(curve->compared ? kinds[c->kind] : "undetermined"));
    put(out, "sentence", json_string(said.data == NULL ? "" : said.data));
    pn_text_free(&said);
    if (!curve->compared) {
        return out;
    }
    put_number(out, "x", c->x, "no single crossover is stated");
    put_number(out, "x_low", c->lo, "no single crossover is stated");
    put_number(out, "x_high", c->hi, "no single crossover is stated");
    put_number(out, "next_x_low", c->next_lo, "nothing is left to measure for this verdict");
    put_number(out, "next_x_high", c->next_hi, "nothing is left to measure for this verdict");
    put_number(out, "tie_x_low", c->tie_lo, "no point lies in the tie zone");
    put_number(out, "tie_x_high", c->tie_hi, "no point lies in the tie zone");
    put_number(out, "ahead_least_log", c->gap_lo, "not the same design ahead everywhere");
    put_number(out, "ahead_most_log", c->gap_hi, "not the same design ahead everywhere");
    put(out, "ahead",
        c->ahead == PN_SIGN_A   ? json_string(study->sweep->design[study->a])
        : c->ahead == PN_SIGN_B ? json_string(study->sweep->design[study->b])
                                : json_null());
    put(out, "rounds_needed", count(c->rounds_needed));
    put(out, "rounds_least", count(c->rounds_least));
    put(out, "crossings", count(c->crossings));
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
        put(one, "level",
            study->sweep->by_key == NULL ? json_null() : json_string(study->sweep->level[level]));
        put(one, "points", points);
        put(one, "verdict", cross_object(study, level));
        (void)json_array_append_new(out, one);
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
            json_t *delta = estimate(&shift->delta[p], "no round has both levels");
            put(delta, "x", x_value(study->sweep, p));
            (void)json_array_append_new(deltas, delta);
        }
        put(one, "from", json_string(study->sweep->level[0]));
        put(one, "to", json_string(study->sweep->level[shift->to]));
        put_number(one, "crossover_factor", shift->factor.value, why);
        put_number(one, "crossover_factor_low", shift->factor.lo, why);
        put_number(one, "crossover_factor_high", shift->factor.hi, why);
        put(one, "ratio_change_log", deltas);
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *latencies_array(const struct pn_study *study) {
    json_t *out = json_array();
    for (size_t i = 0; i < study->latencies; i++) {
        const struct pn_latency *l = &study->latency[i];
        json_t *one = json_object();
        put(one, "design", json_string(study->sweep->design[l->design]));
        put(one, "level",
            study->sweep->by_key == NULL ? json_null()
                                         : json_string(study->sweep->level[l->level]));
        put(one, "x", x_value(study->sweep, l->point));
        put(one, "throughput_per_s", estimate(&l->rate, "no valid slot"));
        put_number(one, "offered_per_s", l->offered, "the plan names no rate");
        put(one, "clock", json_string("from intended start"));
        for (size_t q = 0; q < PN_QUANTILES; q++) {
            put(one, pn_quantile_keys[q], estimate(&l->quantile[q], "the slot did not report it"));
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
        put(one, "design", json_string(study->sweep->design[s->design]));
        put(one, "level",
            study->sweep->by_key == NULL ? json_null()
                                         : json_string(study->sweep->level[s->level]));
        put(one, "x", x_value(study->sweep, s->point));
        put(one, "share_of_loop", estimate(&s->share, "no round with the job loop"));
        put(one, "throughput_per_s", estimate(&s->rate, "no valid slot"));
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *core_object(const struct pn_core *c) {
    static const char why[] = "a slot did not report it";
    json_t *out = json_object();
    put(out, "cpu", json_integer(c->cpu));
    put(out, "node", c->node < 0 ? json_null() : json_integer(c->node));
    put_number(out, "jobs", c->jobs, why);
    put_number(out, "busy_ns", c->busy_ns, why);
    put_number(out, "spin_ns", c->spin_ns, why);
    put_number(out, "sleep_ns", c->sleep_ns, why);
    put_number(out, "run_delay_ns", c->run_delay_ns, why);
    put_number(out, "steals", c->steals, why);
    put_number(out, "wakes", c->wakes, why);
    put_number(out, "syscalls", c->syscalls, why);
    put_number(out, "faults", c->faults, why);
    put_number(out, "vol_switches", c->vol_switches, why);
    put_number(out, "invol_switches", c->invol_switches, why);
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
        put(one, "design", json_string(study->sweep->design[t->design]));
        put(one, "x", x_value(study->sweep, study->core_point));
        put(one, "slots", count(t->slots));
        put(one, "wall_ns", number(t->wall_ns));
        put(one, "jobs", number(t->jobs));
        put(one, "cores", cores);
        (void)json_array_append_new(out, one);
    }
    return out;
}

static json_t *noise_object(const struct pn_noise *noise) {
    json_t *out = json_object();
    put_number(out, "floor_log", noise->floor, "no A/A pair in this run");
    put(out, "pair_log", estimate(&noise->pair, "no A/A pair in this run"));
    put(out, "biased", json_boolean(noise->biased));
    return out;
}

static json_t *study_object(const struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    json_t *out = json_object();
    put(out, "name", json_string(sweep->name));
    put(out, "x_key", json_string(sweep->key));
    put(out, "x_unit", json_string(sweep->unit));
    put(out, "by_key", sweep->by_key == NULL ? json_null() : json_string(sweep->by_key));
    put(out, "a", json_string(sweep->design[study->a]));
    put(out, "b", json_string(sweep->design[study->b]));
    put(out, "margin_log", number(study->margin));
    put(out, "noise", noise_object(&study->noise));
    put(out, "curves", curves_array(study));
    put(out, "shifts", shifts_array(study));
    put(out, "latency", latencies_array(study));
    put(out, "ceiling", shares_array(study));
    put(out, "per_core", cores_array(study));
    return out;
}

static json_t *verdict_object(const struct pn_analysis *analysis,
                              const struct pn_report_verdict *verdict) {
    json_t *out = json_object();
    put(out, "kind", json_string(verdict->kind));
    put(out, "crossover", json_string(verdict->crossover));
    put(out, "cause", json_string(verdict->cause));
    put(out, "withheld", json_boolean(verdict->withheld));
    put(out, "noisy", json_boolean(verdict->noisy));
    put_number(out, "p99_ratio_log", analysis->tail.measured ? analysis->tail.log_p99 : NAN,
               "no open-loop pair at equal throughput");
    return out;
}

char *pn_results_json(const struct pn_analysis *analysis, const struct pn_report_verdict *verdict) {
    const json_t *manifest = analysis->run->manifest;
    json_t *root = json_object();
    json_t *slots = json_object();
    json_t *sweeps = json_array();
    for (size_t i = 0; i < analysis->studies; i++) {
        (void)json_array_append_new(sweeps, study_object(&analysis->study[i]));
    }
    put(slots, "planned", count(analysis->run->planned));
    put(slots, "measured", count(analysis->run->samples));
    put(slots, "void", count(analysis->voided));
    put(slots, "failed", count(analysis->failed));
    put(slots, "unsteady", count(analysis->unsteady));
    put(slots, "unlike_pairs", count(analysis->unlike));
    put(root, "schema", json_string("pinion.results/1"));
    put(root, "fingerprint", json_string(pn_member_string(manifest, "fingerprint", "unknown")));
    put(root, "status", json_string(pn_member_string(manifest, "status", "unknown")));
    put(root, "seed", json_integer((json_int_t)analysis->run->seed));
    put(root, "verdict", verdict_object(analysis, verdict));
    put(root, "noise", noise_object(&analysis->noise));
    put(root, "slots", slots);
    put(root, "sweeps", sweeps);
    char *text = json_dumps(root, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(10));
    json_decref(root);
    return text;
}
