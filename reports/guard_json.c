/* SPDX-License-Identifier: MIT */
#include "guard.h"
#include "page.h"
#include "results_value.h"

#include <math.h>

static json_t *place(const struct pn_study *study, size_t level, size_t p, size_t design) {
    const struct pn_sweep *sweep = study->sweep;
    json_t *out = json_object();
    pn_json_put(out, "x",
                sweep->x[p].word != NULL ? json_string(sweep->x[p].word)
                                         : pn_json_number(sweep->x[p].at));
    pn_json_put(out, "level",
                sweep->by_key == NULL ? json_null() : json_string(sweep->level[level]));
    pn_json_put(out, "design", json_string(sweep->design[design]));
    return out;
}

static json_t *guard_object(const struct pn_rundir *run, const struct pn_study *study,
                            struct pn_side side, size_t p) {
    struct pn_guard g = pn_guard_look(run, study, side, p);
    json_t *out = place(study, side.level, p, side.design);
    pn_json_put(out, "bound", json_string(g.bound));
    pn_json_put_number(out, "batch", g.batch, "not planned");
    pn_json_put_number(out, "payload_bytes", g.payload, "not planned");
    pn_json_put_number(out, "jobs_in_flight", g.in_flight, "no slot states a latency");
    pn_json_put_number(out, "bytes_in_flight", g.bytes, "no slot states a latency");
    pn_json_put(out, "slots", pn_json_count(g.slots));
    pn_json_put(out, "slots_under_cpu_share", pn_json_count(g.starved));
    pn_json_put(out, "slots_unlike", pn_json_count(g.unlike));
    pn_json_put(out, "unlike_reason", g.why == NULL ? json_null() : json_string(g.why));
    if (side.design != study->a) {
        pn_json_put(out, "ratio_log_rate_equal_units",
                    pn_json_estimate(&g.equal, "no round has both, or a unit's cost is unknown"));
    }
    return out;
}

json_t *pn_guards_array(const struct pn_rundir *run, const struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    json_t *out = json_array();
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            for (size_t d = 0; d < sweep->designs; d++) {
                (void)json_array_append_new(
                    out, guard_object(run, study, (struct pn_side){d, level}, p));
            }
        }
    }
    return out;
}

json_t *pn_mistakes_array(const struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    json_t *out = json_array();
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            for (size_t d = 0; d < sweep->designs; d++) {
                struct pn_mistake m;
                if (pn_mistake_look(study, (struct pn_side){d, level}, p, &m)) {
                    json_t *one = place(study, level, p, d);
                    pn_json_put(one, "best", json_string(sweep->design[m.best.design]));
                    pn_json_put(one, "ratio_log_rate",
                                pn_json_estimate(&m.factor, "no round has both"));
                    (void)json_array_append_new(out, one);
                }
            }
        }
    }
    return out;
}

/* As the manifest has it; null with the manifest's reason, else with ours. */
static void put_as_is(json_t *out, const json_t *manifest, const char *key, const char *reason) {
    const json_t *value = pn_member(manifest, key);
    pn_json_put(out, key, value == NULL ? json_null() : json_deep_copy(value));
    if (value == NULL) {
        pn_json_put(out, pn_label("%.60s_reason", key).s,
                    json_string(pn_member_reason(manifest, key, reason)));
    }
}

json_t *pn_fairness_object(const struct pn_analysis *analysis) {
    const struct pn_rundir *run = analysis->run;
    json_t *out = json_object();
    size_t on = 0;
    for (size_t i = 0; i < run->samples; i++) {
        on += pn_sample_param(run, &run->sample[i], "log") > 0;
    }
    put_as_is(out, run->manifest, "units", "not measured");
    put_as_is(out, run->manifest, "touch", "not measured");
    put_as_is(out, run->manifest, "memory_limit", "none");
    put_as_is(out, run->manifest, "malloc_thresholds", "not raised");
    put_as_is(out, run->manifest, "peers", "none");
    put_as_is(out, run->manifest, "absent_designs", "none");
    pn_json_put_number(out, "l2_bytes", run->cache_bytes[0], "topology.xml does not say");
    pn_json_put_number(out, "l3_bytes", run->cache_bytes[1], "topology.xml does not say");
    pn_json_put(out, "slots_logging", pn_json_count(on));
    return out;
}
