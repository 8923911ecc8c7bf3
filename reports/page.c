/* SPDX-License-Identifier: MIT */
#include "guard.h"
#include "ladder.h"
#include "page_queues.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pn_section_open(struct pn_text *out, const char *id, const char *eyebrow,
                     const char *headline) {
    pn_text_cat(out, "<section id=\"", id, "\"><p class=\"eyebrow\">", NULL);
    pn_text_escape(out, eyebrow);
    pn_text_put(out, "</p><h2>");
    if (headline[0] >= 'a' && headline[0] <= 'z') { /* a sentence, whatever its first word is */
        char capital[2] = {(char)(headline[0] - 'a' + 'A'), '\0'};
        pn_text_put(out, capital);
        headline++;
    }
    pn_text_escape(out, headline);
    pn_text_put(out, "</h2>\n");
}

void pn_section_close(struct pn_text *out) {
    pn_text_put(out, "</section>\n");
}

static void open_table(struct pn_text *out, const char *cls, const char *const *columns) {
    pn_text_cat(out, "<div class=\"scroll\"><table class=\"", cls, "\"><thead><tr>", NULL);
    for (; *columns != NULL; columns++) {
        pn_text_put(out, "<th scope=\"col\">");
        pn_text_escape(out, *columns);
        pn_text_put(out, "</th>");
    }
    pn_text_put(out, "</tr></thead><tbody>\n");
}

void pn_table_open(struct pn_text *out, const char *const *columns) {
    open_table(out, "data", columns);
}

void pn_cards_open(struct pn_text *out, const char *const *columns) {
    open_table(out, "data cards", columns);
}

void pn_table_close(struct pn_text *out) {
    pn_text_put(out, "</tbody></table></div>");
}

void pn_details_named(struct pn_text *out, const char *name, const char *const *columns) {
    pn_text_put(out, "<details><summary>");
    pn_text_escape(out, name);
    pn_text_put(out, "</summary>");
    pn_table_open(out, columns);
}

void pn_details_open(struct pn_text *out, const char *const *columns) {
    pn_details_named(out, "Data table", columns);
}

void pn_details_close(struct pn_text *out) {
    pn_table_close(out);
    pn_text_put(out, "</details>\n");
}

void pn_row_open(struct pn_text *out, const char *header) {
    pn_text_put(out, "<tr><th scope=\"row\">");
    pn_text_escape(out, header);
    pn_text_put(out, "</th>");
}

void pn_cell(struct pn_text *out, const char *text) {
    pn_text_put(out, "<td>");
    pn_text_escape(out, text);
    pn_text_put(out, "</td>");
}

void pn_card_cell(struct pn_text *out, const char *column, const char *text) {
    pn_text_put(out, "<td data-l=\"");
    pn_text_escape(out, column);
    pn_text_put(out, "\">");
    pn_text_escape(out, text);
    pn_text_put(out, "</td>");
}

void pn_row_close(struct pn_text *out) {
    pn_text_put(out, "</tr>\n");
}

void pn_caption(struct pn_text *out, const char *text) {
    pn_text_put(out, "<figcaption><b>How to read.</b> ");
    pn_text_escape(out, text);
    pn_text_put(out, "</figcaption>\n");
}

void pn_targets_open(struct pn_text *out) {
    pn_text_put(out, "<figure><table class=\"words cards\"><thead><tr><th scope=\"col\">target</th>"
                     "<th scope=\"col\">result</th><th scope=\"col\">measured</th></tr></thead>"
                     "<tbody>\n");
}

void pn_target_row(struct pn_text *out, const char *claim, enum pn_target_state state,
                   const char *said) {
    static const char *const chips[PN_TARGET_STATES] = {"chip ok", "chip", "chip plain",
                                                        "chip plain"};
    pn_text_put(out, "<tr><td data-l=\"target\">");
    pn_text_escape(out, claim);
    pn_text_cat(out, "</td><td data-l=\"result\"><span class=\"", chips[state], "\">",
                pn_target_state_names[state], "</span></td><td data-l=\"measured\">", NULL);
    pn_text_escape(out, said);
    pn_text_put(out, "</td>");
    pn_row_close(out);
}

struct pn_label pn_label(const char *format, ...) {
    struct pn_label out;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(out.s, sizeof out.s, format, args);
    va_end(args);
    return out;
}

struct pn_label pn_label_interval(const struct pn_estimate *e, struct pn_num (*number)(double)) {
    if (isnan(e->lo) || isnan(e->hi)) {
        return pn_label("%s", "");
    }
    return pn_label("[%s, %s]", number(e->lo).s, number(e->hi).s);
}

struct pn_label pn_label_estimate(const struct pn_estimate *e, struct pn_num (*number)(double)) {
    if (isnan(e->value)) {
        return pn_label("n/a");
    }
    struct pn_label interval = pn_label_interval(e, number);
    return pn_label("%s%s%s", number(e->value).s, interval.s[0] != '\0' ? " " : "", interval.s);
}

struct pn_num pn_num_sig3(double value) {
    return pn_num_sig(value, 3);
}

struct pn_num pn_num_percent1(double log_ratio) {
    return pn_num_percent(log_ratio, 1);
}

struct pn_num pn_x_text(const struct pn_sweep *sweep, size_t point) {
    const struct pn_x *x = &sweep->x[point];
    struct pn_num out = pn_num_x(x->at);
    if (x->word != NULL) {
        (void)snprintf(out.s, sizeof out.s, "%.40s", x->word);
    }
    return out;
}

const char *pn_x_unit(const struct pn_sweep *sweep) {
    return sweep->unit[0] != '\0' ? sweep->unit : sweep->key;
}

static void write_studies(const struct pn_analysis *analysis, struct pn_text *out) {
    for (size_t i = 0; i < analysis->studies; i++) {
        const struct pn_study *study = &analysis->study[i];
        if (pn_ladder_is_all(study)) { /* its designs are points of one comparison, no rivals */
            pn_page_ladder(study, out);
            continue;
        }
        if (study->sweep->kind == PN_SWEEP_CROSSOVER) {
            pn_page_crossover(analysis->run, study, out);
            pn_page_shift(study, out);
            pn_page_gap(study, out);
        }
        if (pn_duel_wanted(study)) {
            pn_page_duels(analysis->run, study, out);
        }
        pn_page_ladder(study, out);
    }
    pn_page_model(analysis, out);
    pn_page_guards(analysis, out);
}

void pn_page_write(const struct pn_analysis *analysis, const struct pn_report_verdict *verdict,
                   struct pn_text *out) {
    pn_text_put(out, "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none';"
                     "style-src 'unsafe-inline'\"><meta name=\"viewport\" "
                     "content=\"width=device-width,initial-scale=1\"><title>");
    pn_text_put(out, analysis->run->bare ? "Pinion queue report: " : "Pinion crossover report: ");
    pn_text_escape(out, pn_member_string(pn_member(analysis->run->manifest, "host"), "cpu_model",
                                         "unnamed machine"));
    pn_text_put(out, "</title><style>\n");
    pn_page_style(out);
    if (analysis->queues != NULL) {
        pn_queue_style(out);
    }
    pn_text_put(out, "</style></head><body>\n");
    pn_page_head(analysis, out);
    if (!analysis->run->bare) {
        pn_page_verdict(analysis, verdict, out);
        if (analysis->peer_targets != NULL) {
            pn_page_peer_targets(analysis->peer_targets, out);
        }
        write_studies(analysis, out);
        pn_page_latency(analysis, out);
        pn_page_cores(analysis, out);
        pn_page_ceiling(analysis, out);
        pn_page_micro(analysis->run, out);
    }
    if (analysis->queues != NULL) {
        pn_page_queues(analysis->queues, out);
    }
    if (!analysis->run->bare) {
        pn_page_run(analysis, out);
    }
    pn_page_machine(analysis, out);
    if (!analysis->run->bare) {
        pn_page_samples(analysis, out);
    }
    pn_page_rerun(analysis, out);
    pn_text_put(out, "</main></body></html>\n");
}
