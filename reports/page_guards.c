/* SPDX-License-Identifier: MIT
 *
 * The section on fairness: what is known to turn such a comparison, and whether this run has it.
 */
#include "guard.h"
#include "page.h"
#include "rival.h"

#include <math.h>
#include <string.h>

static struct pn_num as_factor(double log_ratio) {
    return pn_num_sig(exp(log_ratio), 3);
}

/* "2 MiB", "310 bytes". */
static struct pn_label bytes_text(double bytes) {
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    if (isnan(bytes)) {
        return pn_label("unknown");
    }
    while (bytes >= 1024 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    return pn_label("%s" PN_NBSP "%s",
                    (unit == 0 ? pn_num_fixed(bytes, 0) : pn_num_sig(bytes, 3)).s, units[unit]);
}

static struct pn_label place_text(const struct pn_study *study, size_t level, size_t point) {
    char room[96];
    const char *name = pn_level_name(study->sweep, level, room, sizeof room);
    return pn_label("%s %.40s%s%s", pn_x_text(study->sweep, point).s, pn_x_unit(study->sweep),
                    name[0] == '\0' ? "" : ", ", name);
}

static void fact(struct pn_text *out, const char *name, const struct pn_text *value) {
    pn_text_put(out, "<dt>");
    pn_text_escape(out, name);
    pn_text_put(out, "</dt><dd>");
    pn_text_escape(out, value->data == NULL ? "not measured" : value->data);
    pn_text_put(out, "</dd>");
}

static void put_units(const struct pn_rundir *run, struct pn_text *out) {
    struct pn_text text = {0};
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)pn_member(run->manifest, "units"), key, value) {
        double ns = json_number_value(value);
        pn_text_cat(&text, text.len > 0 ? ", " : "", key, " ",
                    ns > 0 ? pn_num_sig(ns, 3).s : "unknown", ns > 0 ? PN_NBSP "ns" : "", NULL);
    }
    fact(out, "One work unit", &text);
    pn_text_free(&text);
}

static void put_touch(const struct pn_rundir *run, struct pn_text *out) {
    static const struct {
        const char *key, *words;
    } costs[] = {{"fill_ns", "fill"}, {"read_ns", "read"}, {"alloc_ns", "scratch"}};
    const json_t *rows = pn_member(run->manifest, "touch");
    struct pn_text text = {0};
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        pn_text_cat(&text, text.len > 0 ? "; " : "", pn_member_string(row, "runtime", "a runtime"),
                    ", ", bytes_text(pn_member_number(row, "payload")).s, NULL);
        for (size_t k = 0; k < sizeof costs / sizeof costs[0]; k++) {
            double ns = pn_member_number(row, costs[k].key);
            pn_text_cat(&text, k == 0 ? ": " : ", ", costs[k].words, " ",
                        isnan(ns) ? "unknown" : pn_num_sig(ns, 3).s, isnan(ns) ? "" : PN_NBSP "ns",
                        NULL);
        }
    }
    fact(out, "Fill and touch, timed alone", &text);
    pn_text_free(&text);
}

/* A setting as the manifest has it: text, number, or what is in it. */
static void put_setting(const json_t *value, struct pn_text *text) {
    const char *key;
    json_t *member;
    if (json_is_string(value)) {
        pn_text_put(text, json_string_value(value));
    } else if (json_is_number(value)) {
        pn_text_put(text, pn_num_fixed(json_number_value(value), 0).s);
    } else if (json_is_boolean(value)) {
        pn_text_put(text, json_is_true(value) ? "yes" : "no");
    }
    json_object_foreach((json_t *)value, key, member) {
        pn_text_cat(text, text->len > 0 ? ", " : "", key, " ", NULL);
        put_setting(json_is_object(member) ? NULL : member, text);
    }
}

static void put_memory(const struct pn_rundir *run, struct pn_text *out) {
    const json_t *manifest = run->manifest;
    const json_t *thresholds = pn_member(manifest, "malloc_thresholds");
    double limit = pn_member_number(manifest, "memory_limit");
    struct pn_text text = {0};
    pn_text_cat(&text, "limit for each slot ",
                isnan(limit) ? pn_member_reason(manifest, "memory_limit", "none")
                             : bytes_text(limit).s,
                "; malloc thresholds ", NULL);
    if (thresholds == NULL) {
        pn_text_put(&text, pn_member_reason(manifest, "malloc_thresholds", "not raised"));
    }
    put_setting(thresholds, &text);
    pn_text_cat(&text, "; L2 ", bytes_text(run->cache_bytes[0]).s, ", L3 ",
                bytes_text(run->cache_bytes[1]).s, NULL);
    fact(out, "Memory", &text);
    pn_text_free(&text);
}

static void put_logs(const struct pn_rundir *run, struct pn_text *out) {
    struct pn_text text = {0};
    size_t on = 0;
    for (size_t i = 0; i < run->samples; i++) {
        on += pn_sample_param(run, &run->sample[i], "log") > 0;
    }
    if (on == 0) {
        pn_text_put(&text, "off while measured, in every slot (log = 0)");
    } else {
        pn_text_format(&text, "a line per job in %zu of %zu slots", on, run->samples);
    }
    fact(out, "Logs", &text);
    pn_text_free(&text);
}

/* One sentence of the list. */
static void item(struct pn_text *out, const struct pn_text *text) {
    pn_text_put(out, "<li>");
    pn_text_escape(out, text->data == NULL ? "" : text->data);
    pn_text_put(out, "</li>\n");
}

/* What the guards found in one study, summed over its points. */
struct findings {
    const struct pn_study *study;
    size_t points; /* level x point with a good slot */
    const char *bound[PN_DESIGNS_MAX];
    double batch_lo[PN_DESIGNS_MAX], batch_hi[PN_DESIGNS_MAX];
    size_t over_l2, over_l3;
    struct pn_label most_where;
    double most_bytes;
    size_t starved[PN_DESIGNS_MAX], slots[PN_DESIGNS_MAX];
    size_t unlike[PN_DESIGNS_MAX];
    const char *why[PN_DESIGNS_MAX];
};

static void add(struct findings *f, const struct pn_rundir *run, size_t d, size_t level, size_t p) {
    struct pn_guard g = pn_guard_look(run, f->study, (struct pn_side){d, level}, p);
    if (g.slots == 0) {
        return;
    }
    f->points++;
    f->bound[d] = g.bound;
    f->batch_lo[d] = f->slots[d] == 0 ? g.batch : fmin(f->batch_lo[d], g.batch);
    f->batch_hi[d] = fmax(f->batch_hi[d], g.batch);
    f->over_l2 += g.bytes > run->cache_bytes[0];
    f->over_l3 += g.bytes > run->cache_bytes[1];
    if (g.bytes > f->most_bytes) {
        f->most_bytes = g.bytes;
        f->most_where = pn_label("%.40s at %.80s", f->study->sweep->design[d],
                                 place_text(f->study, level, p).s);
    }
    f->starved[d] += g.starved;
    f->slots[d] += g.slots;
    f->unlike[d] += g.unlike;
    f->why[d] = f->why[d] == NULL ? g.why : f->why[d];
}

static void find(struct findings *f, const struct pn_rundir *run) {
    const struct pn_sweep *sweep = f->study->sweep;
    for (size_t d = 0; d < sweep->designs; d++) {
        for (size_t level = 0; level < sweep->levels; level++) {
            for (size_t p = 0; p < sweep->points; p++) {
                add(f, run, d, level, p);
            }
        }
    }
}

static void say_bounds(const struct findings *f, struct pn_text *out) {
    const struct pn_sweep *sweep = f->study->sweep;
    const char *own = f->bound[f->study->a];
    struct pn_text text = {0};
    for (size_t d = 0; d < sweep->designs && own != NULL; d++) {
        if (f->bound[d] != NULL && strcmp(f->bound[d], own) != 0) {
            pn_text_cat(&text, text.len == 0 ? "Unlike bounds: " : ", ", sweep->design[d], " by ",
                        f->bound[d], NULL);
        }
    }
    if (text.len > 0) {
        pn_text_cat(&text, "; ", sweep->design[f->study->a], " by ", own,
                    ". Their ratios name both and decide nothing.", NULL);
        item(out, &text);
    }
    pn_text_free(&text);
}

static void say_batches(const struct findings *f, struct pn_text *out) {
    const struct pn_sweep *sweep = f->study->sweep;
    struct pn_text text = {0};
    double one = NAN;
    bool same = true;
    for (size_t d = 0; d < sweep->designs; d++) {
        if (f->slots[d] > 0) {
            one = isnan(one) ? f->batch_lo[d] : one;
            same = same && f->batch_lo[d] == one && f->batch_hi[d] == one;
        }
    }
    pn_text_cat(&text, "Jobs per queue operation: ", same ? pn_num_fixed(one, 0).s : "", NULL);
    const char *comma = "";
    for (size_t d = 0; d < sweep->designs && !same; d++) {
        if (f->slots[d] > 0) {
            bool range = f->batch_lo[d] < f->batch_hi[d];
            pn_text_cat(&text, comma, sweep->design[d], " ", pn_num_fixed(f->batch_lo[d], 0).s,
                        range ? PN_DASH : "", range ? pn_num_fixed(f->batch_hi[d], 0).s : "", NULL);
            comma = ", ";
        }
    }
    pn_text_put(&text,
                same ? " for all." : ". A ratio between unlike batches is one of batches too.");
    item(out, &text);
    pn_text_free(&text);
}

static void say_bytes(const struct findings *f, const struct pn_rundir *run, struct pn_text *out) {
    struct pn_text text = {0};
    if (!(f->most_bytes > 0)) {
        return;
    }
    pn_text_cat(&text, "Bytes in flight: at most ", bytes_text(f->most_bytes).s, ", ",
                f->most_where.s, NULL);
    pn_text_format(&text, "; above one L2 in %zu of %zu rows, above L3 in %zu.", f->over_l2,
                   f->points, f->over_l3);
    pn_text_put(&text, f->over_l2 > 0 || isnan(run->cache_bytes[0])
                           ? " There the bytes decide the rank as much as the queue does."
                           : "");
    item(out, &text);
    pn_text_free(&text);
}

static void say_starved(const struct findings *f, struct pn_text *out) {
    struct pn_text text = {0};
    for (size_t d = 0; d < f->study->sweep->designs; d++) {
        if (f->starved[d] > 0) {
            pn_text_cat(&text, text.len == 0 ? "Under 0.9 of its best CPU share: " : "; ",
                        f->study->sweep->design[d], NULL);
            pn_text_format(&text, " in %zu of %zu slots", f->starved[d], f->slots[d]);
        }
    }
    if (text.len > 0) {
        pn_text_put(&text, ". CPU per job looks too low there.");
        item(out, &text);
    }
    pn_text_free(&text);
}

static void say_unlike(const struct findings *f, struct pn_text *out) {
    for (size_t d = 0; d < f->study->sweep->designs; d++) {
        struct pn_text text = {0};
        if (f->unlike[d] > 0) {
            pn_text_cat(&text, "No ratio: ", f->study->sweep->design[d], NULL);
            pn_text_format(&text, ", %zu of %zu slots: ", f->unlike[d], f->slots[d]);
            pn_text_cat(&text, f->why[d], ".", NULL);
            item(out, &text);
        }
        pn_text_free(&text);
    }
}

static void put_row(const struct pn_rundir *run, const struct pn_study *study, struct pn_side side,
                    size_t p, struct pn_text *out) {
    struct pn_guard g = pn_guard_look(run, study, side, p);
    if (g.slots == 0) {
        return;
    }
    pn_row_open(out, place_text(study, side.level, p).s);
    pn_cell(out, study->sweep->design[side.design]);
    pn_cell(out, g.bound);
    pn_cell(out, pn_num_fixed(g.batch, 0).s);
    pn_cell(out, isnan(g.in_flight) ? "null" : pn_num_sig3(g.in_flight).s);
    pn_cell(out, isnan(g.bytes) ? "null" : bytes_text(g.bytes).s);
    pn_cell(out, pn_label("%zu of %zu", g.starved, g.slots).s);
    pn_cell(out, g.unlike == 0 ? "0" : pn_label("%zu: %.80s", g.unlike, g.why).s);
    pn_cell(out, side.design == study->a || isnan(g.equal.value)
                     ? "–"
                     : pn_label_estimate(&g.equal, as_factor).s);
    pn_row_close(out);
}

static void put_table(const struct pn_rundir *run, const struct pn_study *study,
                      struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    struct pn_label equal = pn_label("%.30s ÷ it at equal cost of a unit", sweep->design[study->a]);
    const char *columns[] = {"point",
                             "design",
                             "bound",
                             "batch",
                             "jobs in flight",
                             "bytes in flight",
                             "slots under 0.9 CPU",
                             "slots unlike",
                             equal.s,
                             NULL};
    pn_details_open(out, columns);
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            for (size_t d = 0; d < sweep->designs; d++) {
                put_row(run, study, (struct pn_side){d, level}, p, out);
            }
        }
    }
    pn_details_close(out);
}

static void put_mistakes(const struct pn_study *study, struct pn_text *out) {
    static const char *const columns[] = {"point",  "as first written", "jobs/s", "tuned",
                                          "jobs/s", "tuned ÷ first",    NULL};
    const struct pn_sweep *sweep = study->sweep;
    bool open = false;
    for (size_t level = 0; level < sweep->levels; level++) {
        for (size_t p = 0; p < sweep->points; p++) {
            for (size_t d = 0; d < sweep->designs; d++) {
                struct pn_mistake m;
                if (!pn_mistake_look(study, (struct pn_side){d, level}, p, &m)) {
                    continue;
                }
                if (!open) {
                    pn_text_put(out, "</figure>\n<figure><h3>What a tuning mistake costs</h3>");
                    pn_cards_open(out, columns);
                    open = true;
                }
                struct pn_estimate a = pn_duel_value(study, m.literal, p, PN_DUEL_RATE);
                struct pn_estimate b = pn_duel_value(study, m.best, p, PN_DUEL_RATE);
                pn_row_open(out, place_text(study, level, p).s);
                pn_card_cell(out, columns[1], sweep->design[d]);
                pn_card_cell(out, "its jobs/s", pn_num_si(a.value).s);
                pn_card_cell(out, columns[3], sweep->design[m.best.design]);
                pn_card_cell(out, "its jobs/s", pn_num_si(b.value).s);
                pn_card_cell(out, columns[5], pn_label_estimate(&m.factor, as_factor).s);
                pn_row_close(out);
            }
        }
    }
    if (open) {
        pn_table_close(out);
    }
}

static void put_study(const struct pn_rundir *run, const struct pn_study *study,
                      struct pn_text *out) {
    struct findings f = {.study = study};
    find(&f, run);
    pn_text_put(out, "<figure><h3>");
    pn_text_escape(out, study->sweep->title);
    pn_text_put(out, "</h3><ul class=\"none\">\n");
    say_bounds(&f, out);
    say_batches(&f, out);
    say_bytes(&f, run, out);
    say_starved(&f, out);
    say_unlike(&f, out);
    pn_text_put(out, "</ul>");
    put_table(run, study, out);
    put_mistakes(study, out);
    pn_text_put(out, "</figure>\n");
}

static struct pn_label headline(const struct pn_analysis *analysis) {
    char family[PN_FAMILIES_MAX][PN_FAMILY_NAME];
    size_t all = 0;
    size_t unlike = 0;
    for (size_t i = 0; i < analysis->studies; i++) {
        if (pn_rival_families(&analysis->study[i], family) > 0) {
            struct findings f = {.study = &analysis->study[i]};
            find(&f, analysis->run);
            for (size_t d = 0; d < f.study->sweep->designs; d++) {
                all += f.slots[d];
                unlike += f.unlike[d];
            }
        }
    }
    return pn_label("%zu of %zu slots did the same work as ours", all - unlike, all);
}

void pn_page_guards(const struct pn_analysis *analysis, struct pn_text *out) {
    char family[PN_FAMILIES_MAX][PN_FAMILY_NAME];
    if (!pn_guards_wanted(analysis)) {
        return;
    }
    pn_section_open(out, "fairness", "Is the comparison fair?", headline(analysis).s);
    pn_text_put(out, "<figure><dl class=\"facts\">");
    put_units(analysis->run, out);
    put_touch(analysis->run, out);
    put_memory(analysis->run, out);
    put_logs(analysis->run, out);
    pn_text_put(out, "</dl></figure>\n");
    for (size_t i = 0; i < analysis->studies; i++) {
        if (pn_rival_families(&analysis->study[i], family) > 0) {
            put_study(analysis->run, &analysis->study[i], out);
        }
    }
    pn_caption(out, "Jobs in flight are jobs/s times mean latency (Little's law; times the median "
                    "where a slot has no histogram), from the first "
                    "attempt to enqueue to completion, in an open loop from the intended start; a "
                    "mode that stamps after its wait shows less. A slot that did other work has no "
                    "ratio. A slot under 0.9 of its design's best CPU time over wall time was "
                    "disturbed. The last column divides out what one work unit costs in each "
                    "runtime, so that generated code drops out.");
    pn_section_close(out);
}
