/* SPDX-License-Identifier: MIT
 *
 * Does the mailbox design explain BEAM? The section and its data.
 */
#include "ladder.h"
#include "page.h"
#include "results_value.h"

#include <math.h>
#include <string.h>

static struct pn_num as_factor(double log_ratio) {
    return pn_num_sig(exp(log_ratio), 3);
}

static struct pn_num percent(double share) {
    return pn_num_fixed(100 * share, share < 0.1 ? 1 : 0);
}

struct models {
    struct pn_model model[PN_SWEEPS_MAX];
    size_t n;
    size_t worst; /* of the largest deviation; SIZE_MAX if there is none */
};

static void find_models(const struct pn_analysis *analysis, struct models *out) {
    out->n = 0;
    out->worst = SIZE_MAX;
    for (size_t i = 0; i < analysis->studies; i++) {
        const struct pn_study *study = &analysis->study[i];
        for (size_t level = 0; level < study->sweep->levels && out->n < PN_SWEEPS_MAX; level++) {
            if (!pn_model_make(analysis->run, study, level, &out->model[out->n])) {
                continue;
            }
            if (out->worst == SIZE_MAX ||
                out->model[out->n].largest > out->model[out->worst].largest) {
                out->worst = out->n;
            }
            out->n++;
        }
    }
}

static struct pn_label headline(const struct models *all) {
    if (all->n == 0) {
        return pn_label("0 curves test whether the mailbox design is a model of BEAM");
    }
    const struct pn_model *m = &all->model[all->worst];
    struct pn_label where =
        pn_label("%s %.30s", pn_x_text(m->study->sweep, m->worst).s, pn_x_unit(m->study->sweep));
    const char *open = isnan(m->apart[m->worst].lo) ? " (needs rounds)" : "";
    return pn_model_explains(m)
               ? pn_label("The mailbox model has BEAM's shape within %s" PN_NBSP "%%%s",
                          percent(m->largest).s, open)
               : pn_label("The mailbox model does not explain BEAM on this machine: %s" PN_NBSP
                          "%% apart at %.60s%s",
                          percent(m->largest).s, where.s, open);
}

static struct pn_num product_of(const struct pn_model *m, size_t side, size_t point) {
    size_t design = side == 0 ? m->mailbox : m->beam;
    struct pn_estimate rate =
        pn_duel_value(m->study, (struct pn_side){design, m->level}, point, PN_DUEL_RATE);
    return pn_num_sig(rate.value * m->unit[side] / 1e9, 3);
}

static void put_table(const struct pn_model *m, struct pn_text *out) {
    const struct pn_sweep *sweep = m->study->sweep;
    static const char *const columns[] = {
        "mailbox, jobs/s × s per unit",   "BEAM, jobs/s × s per unit",
        "mailbox ÷ its first [95 %]",     "BEAM ÷ its first [95 %]",
        "mailbox ÷ BEAM of these [95 %]", "rounds"};
    const char *heads[8] = {pn_x_unit(sweep)};
    memcpy(heads + 1, columns, sizeof columns);
    pn_details_open(out, heads);
    for (size_t p = m->first; p < sweep->points; p++) {
        pn_row_open(out, pn_x_text(sweep, p).s);
        for (size_t side = 0; side < 2; side++) {
            pn_cell(out, isnan(m->unit[side]) ? "null" : product_of(m, side, p).s);
        }
        pn_cell(out, pn_label_estimate(&m->shape[0][p], as_factor).s);
        pn_cell(out, pn_label_estimate(&m->shape[1][p], as_factor).s);
        pn_cell(out, pn_label_estimate(&m->apart[p], as_factor).s);
        pn_cell(out, pn_label("%zu", m->apart[p].n).s);
        pn_row_close(out);
    }
    pn_details_close(out);
}

static void put_said(const struct pn_model *m, struct pn_text *out) {
    const struct pn_sweep *sweep = m->study->sweep;
    struct pn_text said = {0};
    pn_text_cat(&said, "Mean deviation ", percent(m->mean).s, PN_NBSP "%, largest ",
                percent(m->largest).s, PN_NBSP "% at ", pn_x_text(sweep, m->worst).s, " ",
                pn_x_unit(sweep), NULL);
    const struct pn_estimate *e = &m->apart[m->worst];
    pn_text_cat(&said, " (mailbox ÷ BEAM ×", pn_label_estimate(e, as_factor).s, NULL);
    pn_text_format(&said, ", %zu round%s)", e->n, e->n == 1 ? "" : "s");
    pn_text_cat(
        &said,
        pn_model_explains(m) ? ". " : ": the mailbox model does not explain BEAM on this machine. ",
        NULL);
    if (isnan(m->unit[0]) || isnan(m->unit[1])) {
        pn_text_put(&said,
                    "The cost of a work unit is not in the manifest; it is the same at every "
                    "x, so the shapes stand without it.");
    } else {
        pn_text_cat(&said, "A work unit costs ", pn_num_sig(m->unit[0], 3).s,
                    PN_NBSP "ns here and ", pn_num_sig(m->unit[1], 3).s, PN_NBSP "ns on BEAM.",
                    NULL);
    }
    pn_text_put(out, "<p class=\"lead\">");
    pn_text_escape(out, said.data == NULL ? "" : said.data);
    pn_text_put(out, "</p>");
    pn_text_free(&said);
}

void pn_page_model(const struct pn_analysis *analysis, struct pn_text *out) {
    struct models all;
    char room[160];
    if (!pn_model_wanted(analysis)) {
        return;
    }
    find_models(analysis, &all);
    pn_section_open(out, "model", "Is the mailbox design a model of BEAM?", headline(&all).s);
    if (all.n == 0) {
        pn_text_put(out, "<p class=\"none\">Not measured. ");
        pn_text_escape(out, pn_model_absence(analysis, room, sizeof room));
        pn_text_put(out, ".</p>");
    }
    for (size_t i = 0; i < all.n; i++) {
        const struct pn_model *m = &all.model[i];
        char level[96];
        const char *name = pn_level_name(m->study->sweep, m->level, level, sizeof level);
        pn_text_put(out, "<figure><h3>");
        pn_text_escape(
            out,
            pn_label("Over %.40s%s%s", m->study->sweep->key, name[0] == '\0' ? "" : ", ", name).s);
        pn_text_put(out, "</h3>");
        put_said(m, out);
        pn_chart_model(out, m);
        if (i + 1 == all.n) {
            pn_caption(out, "Jobs per second times the seconds of one work unit, so that the speed "
                            "of generated code drops out, and each curve divided by its first "
                            "value, so that the level does. What is left is the shape: how the "
                            "design answers more producers or more bytes. Deviation is the larger "
                            "of the two shapes over the smaller, paired round by round, the "
                            "first x left out. Grey: 25\u00a0% around BEAM; a model that leaves it "
                            "does not explain BEAM.");
        }
        put_table(m, out);
        pn_text_put(out, "</figure>\n");
    }
    pn_section_close(out);
}

static json_t *model_row(const struct pn_model *m, size_t p) {
    static const char *const keys[] = {"mailbox", "beam"};
    static const char why[] = "no round has this x and the first";
    const struct pn_sweep *sweep = m->study->sweep;
    json_t *row = json_object();
    pn_json_put(row, "x", pn_json_number(sweep->x[p].at));
    for (size_t side = 0; side < 2; side++) {
        pn_json_put(row, pn_label("shape_log_%s", keys[side]).s,
                    pn_json_estimate(&m->shape[side][p], why));
    }
    pn_json_put(row, "apart_log", pn_json_estimate(&m->apart[p], why));
    return row;
}

json_t *pn_model_object(const struct pn_analysis *analysis) {
    struct models all;
    char room[160];
    if (!pn_model_wanted(analysis)) {
        return NULL;
    }
    find_models(analysis, &all);
    json_t *out = json_object();
    json_t *curves = json_array();
    for (size_t i = 0; i < all.n; i++) {
        const struct pn_model *m = &all.model[i];
        const struct pn_sweep *sweep = m->study->sweep;
        static const char why[] = "the manifest's units do not have it";
        json_t *one = json_object();
        json_t *rows = json_array();
        for (size_t p = m->first; p < sweep->points; p++) {
            (void)json_array_append_new(rows, model_row(m, p));
        }
        pn_json_put(one, "sweep", json_string(sweep->name));
        pn_json_put(one, "level",
                    sweep->by_key == NULL ? json_null() : json_string(sweep->level[m->level]));
        pn_json_put_number(one, "unit_ns_mailbox", m->unit[0], why);
        pn_json_put_number(one, "unit_ns_beam", m->unit[1], why);
        pn_json_put_number(one, "deviation_mean", m->mean, "no x beyond the first");
        pn_json_put_number(one, "deviation_largest", m->largest, "no x beyond the first");
        pn_json_put(one, "explains", json_boolean(pn_model_explains(m)));
        pn_json_put(one, "points", rows);
        (void)json_array_append_new(curves, one);
    }
    pn_json_put(out, "limit", pn_json_number(pn_model_limit));
    pn_json_put(out, "curves", curves);
    if (all.n == 0) {
        pn_json_put(out, "explains", json_null());
        pn_json_put(out, "explains_reason",
                    json_string(pn_model_absence(analysis, room, sizeof room)));
    } else {
        pn_json_put(out, "explains", json_boolean(pn_model_explains(&all.model[all.worst])));
    }
    return out;
}
