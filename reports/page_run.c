/* SPDX-License-Identifier: MIT
 *
 * What the designs say of themselves: how they ran, where their pages lay, what their helper
 * threads did, and what the gates saw.
 */
#include "page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pinion/quantile.h>

/* Pages of one slot that the audit found on another node; NaN if it was not audited. Pages that
 * were reserved and never touched lie nowhere yet. */
static double misplaced(const struct pn_sample *s) {
    return pn_member_number(pn_member(s->summary, "placement"), "elsewhere");
}

struct audit {
    size_t slots;  /* that were audited */
    size_t held;   /* with every touched page in place */
    size_t pinned; /* whose threads were pinned and read back */
    size_t asked;  /* that say whether they were */
};

static struct audit audit_slots(const struct pn_rundir *run) {
    struct audit out = {0, 0, 0, 0};
    for (size_t i = 0; i < run->samples; i++) {
        const struct pn_sample *s = &run->sample[i];
        const json_t *pinned = pn_member(pn_member(s->summary, "placement"), "pinned");
        double pages = misplaced(s);
        out.slots += isnan(pages) ? 0 : 1;
        out.held += pages == 0;
        out.asked += json_is_boolean(pinned);
        out.pinned += json_is_true(pinned);
    }
    return out;
}

static struct pn_label headline(const struct pn_rundir *run) {
    struct audit a = audit_slots(run);
    if (a.slots == 0 && a.asked == 0) {
        return pn_label("0 of %zu slots report their placement", run->samples);
    }
    return pn_label("Placement: %zu of %zu slots pinned, all touched pages in place in %zu of %zu",
                    a.pinned, a.asked, a.held, a.slots);
}

/* A member of the summary as text: "null" with its reason where it is missing. */
static void value_text(const json_t *object, const char *key, struct pn_text *out) {
    const json_t *value = pn_member(object, key);
    if (json_is_string(value)) {
        pn_text_put(out, json_string_value(value));
    } else if (json_is_boolean(value)) {
        pn_text_put(out, json_is_true(value) ? "yes" : "no");
    } else if (json_is_number(value)) {
        double v = json_number_value(value);
        pn_text_put(out, (floor(v) == v ? pn_num_fixed(v, 0) : pn_num_sig(v, 3)).s);
    } else {
        const char *why = pn_member_reason(object, key, "");
        pn_text_cat(out, "null", why[0] != '\0' ? ": " : "", why, NULL);
    }
}

static const struct pn_sample *first_good(const struct pn_study *study, size_t design) {
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *s = pn_study_slot(study, design, 0, study->core_point, r);
        if (s != NULL && pn_sample_good(s)) {
            return s;
        }
    }
    return NULL;
}

struct fact {
    const char *key;
    const char *name;
    bool placement; /* inside the summary's "placement" */
};

static const struct fact facts[] = {
    {"producers_as", "producers run as", false},
    {"queue_kind", "queue kind", false},
    {"bound", "bounded by", false},
    {"queue_effective", "queue, jobs", false},
    {"turn", "queue operations per turn", false},
    {"payload_mode", "payload passed by", false},
    {"mem", "memory policy", false},
    {"segments_retired", "queue segments retired, per slot", false},
    {"segments_recycled", "queue segments recycled, per slot", false},
    {"rss_kb", "memory (RSS), KiB", false},
    {"checksum", "checksum", false},
    {"pinned", "threads pinned", true},
    {"membind", "memory bound to nodes", true},
    {"pages", "touched pages audited", true},
    {"elsewhere", "of these on another node", true},
    {"absent", "pages reserved, not touched", true},
};

static void design_table(const struct pn_study *study, struct pn_text *out) {
    const char *columns[PN_DESIGNS_MAX + 2] = {"as reported by one slot"};
    for (size_t d = 0; d < study->sweep->designs; d++) {
        columns[d + 1] = study->sweep->design[d];
    }
    pn_cards_open(out, columns);
    for (size_t f = 0; f < sizeof facts / sizeof facts[0]; f++) {
        pn_row_open(out, facts[f].name);
        for (size_t d = 0; d < study->sweep->designs; d++) {
            const struct pn_sample *s = first_good(study, d);
            struct pn_text text = {0};
            const json_t *from = s == NULL ? NULL : s->summary;
            value_text(facts[f].placement ? pn_member(from, "placement") : from, facts[f].key,
                       &text);
            pn_card_cell(out, columns[d + 1], text.data == NULL ? "null" : text.data);
            pn_text_free(&text);
        }
        pn_row_close(out);
    }
    pn_table_close(out);
}

/* Helper threads of one slot, in events per second of its wall time. */
static void helper_rows(const struct pn_study *study, size_t design, struct pn_text *out) {
    const struct pn_sample *s = first_good(study, design);
    const json_t *helpers = s == NULL ? NULL : pn_member(s->summary, "helpers");
    double seconds = s == NULL ? NAN : pn_sample_effort(s).wall_ns / 1e9;
    for (size_t i = 0; i < json_array_size(helpers) && i < 64; i++) {
        const json_t *h = json_array_get(helpers, i);
        double calls = pn_member_number(h, "syscalls") / seconds;
        double switches = pn_member_number(h, "vol_switches") / seconds;
        pn_row_open(out, pn_label("%.30s: %.40s", study->sweep->design[design],
                                  pn_member_string(h, "name", "unnamed"))
                             .s);
        pn_cell(out, isnan(calls)
                         ? pn_label("null: %.80s", pn_member_reason(h, "syscalls", "not counted")).s
                         : pn_num_sig(calls, 3).s);
        pn_cell(out, isnan(switches) ? "null" : pn_num_sig(switches, 3).s);
        pn_row_close(out);
    }
}

void pn_page_run(const struct pn_analysis *analysis, struct pn_text *out) {
    static const char *const helper_columns[] = {"helper thread", "system calls per s",
                                                 "voluntary switches per s", NULL};
    const struct pn_study *study = pn_analysis_first(analysis, PN_SWEEP_CROSSOVER);
    if (study == NULL || study->core_tables == 0) {
        return;
    }
    pn_section_open(out, "placement", "As run", headline(analysis->run).s);
    pn_text_put(out, "<figure>");
    design_table(study, out);
    pn_caption(out, pn_label("Level %.20s, %s %.40s, the first valid round. Pages are asked of the "
                             "kernel after the run.",
                             study->sweep->by_key == NULL ? "none" : study->sweep->level[0],
                             pn_x_text(study->sweep, study->core_point).s, pn_x_unit(study->sweep))
                        .s);
    pn_details_named(out, "Helper threads", helper_columns);
    for (size_t d = 0; d < study->sweep->designs; d++) {
        helper_rows(study, d, out);
    }
    pn_details_close(out);
    pn_text_put(out, "</figure>\n");
    pn_section_close(out);
}

/* What each gate saw, void slots included. */
void pn_gates_table(const struct pn_rundir *run, struct pn_text *out) {
    static const char *const columns[] = {"gate (signals that cannot depend on the design)",
                                          "slots with a value", "median", "largest", NULL};
    static const char *const names[PN_GATE_COUNT] = {
        "steal, %",   "foreign CPU time, %", "frequency drift, %",          "throttled",
        "mask moved", "pages moved",         "run delay, % (reported only)"};
    double *value = malloc((run->samples + 1) * sizeof *value);
    if (value == NULL) {
        out->failed = true;
        return;
    }
    pn_details_named(out, "Gates", columns);
    for (size_t g = 0; g < PN_GATE_COUNT; g++) {
        size_t n = 0;
        for (size_t i = 0; i < run->samples; i++) {
            if (!isnan(run->sample[i].gate[g])) {
                value[n++] = run->sample[i].gate[g];
            }
        }
        pn_row_open(out, names[g]);
        pn_cell(out, pn_label("%zu of %zu", n, run->samples).s);
        if (n > 0) {
            pn_sort(value, n);
            pn_cell(out, pn_num_sig(pn_median_sorted(value, n), 3).s);
            pn_cell(out, pn_num_sig(value[n - 1], 3).s);
        } else {
            pn_cell(out, "null");
            pn_cell(out, "null");
        }
        pn_row_close(out);
    }
    pn_details_close(out);
    free(value);
}

const char *pn_first_degraded(const struct pn_rundir *run, size_t *slots) {
    const char *first = NULL;
    *slots = 0;
    for (size_t i = 0; i < run->samples; i++) {
        const json_t *list = pn_member(run->sample[i].summary, "degraded");
        const char *text = json_string_value(json_array_get(list, 0));
        *slots += text != NULL;
        first = first == NULL ? text : first;
    }
    return first;
}
