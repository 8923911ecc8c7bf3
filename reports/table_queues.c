/* SPDX-License-Identifier: MIT
 *
 * Tables of the queues: rates with ratios, memory and waiting, and every figure.
 */
#include "page_queues.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "queue_lines.h"

/* A page of 1040 px holds 14 columns of figures beside the names. */
#define COLUMNS_MOST 14

/* Distinct reasons of the cells without a figure, numbered as they come. */
struct notes {
    char (*text)[200];
    size_t n;
};

static size_t note(struct notes *notes, const char *text) {
    size_t i = 0;
    while (i < notes->n && strcmp(notes->text[i], text) != 0) {
        i++;
    }
    if (i == notes->n) {
        pn_queue_copy(notes->text[notes->n++], sizeof notes->text[0], text);
    }
    return i + 1;
}

/* The reference, the rest of ours, peers, ceilings; each group by name, which keeps a library's
 * queues together. The file's own order is that of shuffled rounds. */
static size_t order(const struct pn_queue_report *report, size_t *queue) {
    size_t n = 0;
    for (size_t q = 0; q < report->queues; q++) {
        const struct pn_queue_entry *e = &report->queue[q];
        bool first = strcmp(e->name, report->reference) == 0;
        size_t i = n++;
        for (; i > 0; i--) {
            const struct pn_queue_entry *before = &report->queue[queue[i - 1]];
            int way = (int)before->kind - (int)e->kind;
            way = way == 0 ? strcmp(before->name, e->name) : way;
            if (!first && (way < 0 || strcmp(before->name, report->reference) == 0)) {
                break;
            }
            queue[i] = queue[i - 1];
        }
        queue[i] = q;
    }
    return n;
}

static bool leads(const struct pn_queue_report *report, size_t w, size_t q) {
    for (size_t i = 0; i < report->leads; i++) {
        const struct pn_queue_lead *lead = &report->lead[i];
        if (lead->workload == w) {
            return (lead->peer_ahead && lead->peer == q) || (lead->ours_ahead && lead->ours == q);
        }
    }
    return false;
}

static bool starts_family(const struct pn_queue_report *report, size_t w) {
    size_t before = w;
    while (before > 0 && !report->workload[before - 1].rated) {
        before--;
    }
    return before == 0 ||
           strcmp(report->workload[before - 1].family, report->workload[w].family) != 0;
}

/* Workloads first..end of one table. */
struct span {
    size_t first, end;
};

static void put_head(const struct pn_queue_report *report, struct span at, struct pn_text *out) {
    pn_text_put(out, "<div class=\"scroll\"><table class=\"data qt\"><thead><tr><th rowspan=\"2\" "
                     "scope=\"col\">queue</th>");
    for (size_t w = at.first; w < at.end; w++) {
        if (report->workload[w].rated && starts_family(report, w)) {
            size_t span = 0;
            for (size_t v = w; v < at.end && (v == w || !starts_family(report, v)); v++) {
                span += report->workload[v].rated;
            }
            pn_text_format(out, "<th class=\"fam\" scope=\"colgroup\" colspan=\"%zu\">", span);
            pn_text_escape(out, report->workload[w].family);
            pn_text_put(out, "</th>");
        }
    }
    pn_text_put(out, "</tr><tr>");
    for (size_t w = at.first; w < at.end; w++) {
        if (report->workload[w].rated) {
            pn_text_cat(out, "<th scope=\"col\"",
                        starts_family(report, w) ? " class=\"fam\">" : ">", NULL);
            pn_text_escape(out, report->workload[w].column);
            pn_text_put(out, "</th>");
        }
    }
    pn_text_put(out, "</tr></thead><tbody>\n");
}

/* Whole families, up to the columns that a page is wide. */
static size_t span_end(const struct pn_queue_report *report, size_t first) {
    size_t columns = 0;
    size_t end = first;
    for (size_t w = first; w < report->workloads; w++) {
        if (report->workload[w].rated && columns > 0 && starts_family(report, w)) {
            end = w;
        }
        columns += report->workload[w].rated;
        if (columns > COLUMNS_MOST && end > first) {
            return end;
        }
    }
    return report->workloads;
}

static bool has_something(const struct pn_queue_report *report, struct span at, size_t q) {
    for (size_t w = at.first; w < at.end; w++) {
        const struct pn_queue_cell *cell = pn_queue_report_cell(report, w, q);
        if (report->workload[w].rated && (cell->mops.rounds > 0 || cell->failed > 0)) {
            return true;
        }
    }
    return false;
}

/* One count of decimals in a column, by its largest and smallest rate. */
static int column_decimals(const struct pn_queue_report *report, size_t w) {
    double least = NAN;
    double most = NAN;
    for (size_t q = 0; q < report->queues; q++) {
        least = fmin(least, pn_queue_report_cell(report, w, q)->mops.value);
        most = fmax(most, pn_queue_report_cell(report, w, q)->mops.value);
    }
    return least >= 100 ? 0 : most >= 10 ? 1 : 2;
}

/* The note of a cell with failed rounds, or of one that has no rate for another reason. */
static size_t note_gap(const struct pn_queue_report *report, size_t w, size_t q,
                       struct notes *notes) {
    size_t failed = pn_queue_report_cell(report, w, q)->failed;
    char room[200];
    const char *gap = pn_queue_gap(report, w, q, room, sizeof room);
    return note(
        notes, failed == 0
                   ? gap
                   : pn_label("%zu round%s failed: %.120s", failed, failed == 1 ? "" : "s", gap).s);
}

static void put_rate(const struct pn_queue_report *report, size_t w, size_t q, struct notes *notes,
                     struct pn_text *out) {
    const struct pn_queue_cell *cell = pn_queue_report_cell(report, w, q);
    pn_text_put(out, starts_family(report, w) ? "<td class=\"fam\">" : "<td>");
    if (cell->mops.rounds == 0) {
        pn_text_format(out, PN_DASH "<sup>%zu</sup></td>", note_gap(report, w, q, notes));
        return;
    }
    bool bold = leads(report, w, q);
    pn_text_cat(out, bold ? "<b>" : "",
                pn_num_fixed(cell->mops.value, column_decimals(report, w)).s, bold ? "</b>" : "",
                NULL);
    if (cell->failed > 0) {
        pn_text_format(out, "<sup>%zu</sup>", note_gap(report, w, q, notes));
    }
    if (cell->emulated) {
        pn_text_format(out, cell->failed > 0 ? "<sup>, %zu</sup>" : "<sup>%zu</sup>",
                       note(notes, "no batch operation of its own: item by item"));
    }
    pn_text_cat(out, "<small>",
                cell->ratio.rounds == 0 ? PN_DASH
                                        : pn_label("×%s", pn_queue_multiple(cell->ratio.value).s).s,
                "</small></td>", NULL);
}

static void put_notes(const struct notes *notes, struct pn_text *out) {
    if (notes->n == 0) {
        return;
    }
    pn_text_put(out, "<ol class=\"notes\">");
    for (size_t i = 0; i < notes->n; i++) {
        pn_text_put(out, "<li>");
        pn_text_escape(out, notes->text[i]);
        pn_text_put(out, "</li>");
    }
    pn_text_put(out, "</ol>\n");
}

/* The first table names every queue; those after it only the ones with something to say. */
static void put_rates(const struct pn_queue_report *report, struct span at, struct notes *notes,
                      struct pn_text *out) {
    size_t queue[PN_QUEUES_MAX];
    size_t n = order(report, queue);
    put_head(report, at, out);
    for (size_t i = 0; i < n; i++) {
        const struct pn_queue_entry *e = &report->queue[queue[i]];
        if (at.first > 0 && !has_something(report, at, queue[i])) {
            continue;
        }
        pn_text_put(out, e->kind == PN_QUEUE_OURS ? "<tr class=\"own\">" : "<tr>");
        pn_text_put(out, "<th scope=\"row\">");
        pn_text_escape(out, e->name);
        pn_text_put(out, "</th>");
        for (size_t w = at.first; w < at.end; w++) {
            if (report->workload[w].rated) {
                put_rate(report, w, queue[i], notes, out);
            }
        }
        pn_row_close(out);
    }
    pn_table_close(out);
    pn_text_put(out, "\n");
}

void pn_queue_rates_table(const struct pn_queue_report *report, struct pn_text *out) {
    struct notes notes = {calloc(report->queues * report->workloads * 2 + 2, 200), 0};
    if (notes.text == NULL) {
        out->failed = true;
        return;
    }
    for (size_t w = 0; w < report->workloads;) {
        struct span at = {w, span_end(report, w)};
        put_rates(report, at, &notes, out);
        w = at.end;
    }
    put_notes(&notes, out);
    free(notes.text);
}

static void put_bytes(const struct pn_queue_figure *f, const char *column, struct pn_text *out) {
    pn_card_cell(out, column, pn_num_sig(f->value, 3).s);
}

void pn_queue_costs_table(const struct pn_queue_report *report, struct pn_text *out) {
    static const char *const columns[] = {"queue",
                                          "library",
                                          "bytes per item",
                                          "after a drain",
                                          "longest wait, ms",
                                          "waited so long in",
                                          NULL};
    size_t queue[PN_QUEUES_MAX];
    size_t n = order(report, queue);
    pn_cards_open(out, columns);
    for (size_t i = 0; i < n; i++) {
        const struct pn_queue_entry *e = &report->queue[queue[i]];
        bool waited = !isnan(e->longest_wait_ns);
        if (e->missing != NULL) {
            continue;
        }
        pn_text_put(out, e->kind == PN_QUEUE_OURS ? "<tr class=\"own\"><th scope=\"row\">"
                                                  : "<tr><th scope=\"row\">");
        pn_text_escape(out, e->name);
        pn_text_put(out, "</th>");
        pn_card_cell(out, columns[1],
                     e->library[0] == '\0' ? PN_DASH
                                           : pn_label("%.60s %.40s", e->library, e->version).s);
        if (e->bytes_per_item.rounds == 0) {
            pn_card_cell(out, columns[2], PN_DASH);
        } else {
            put_bytes(&e->bytes_per_item, columns[2], out);
        }
        if (e->bytes_left.rounds == 0) {
            pn_card_cell(out, columns[3], PN_DASH);
        } else {
            put_bytes(&e->bytes_left, columns[3], out);
        }
        pn_card_cell(out, columns[4], waited ? pn_num_sig(e->longest_wait_ns / 1e6, 3).s : PN_DASH);
        pn_card_cell(out, columns[5], waited ? report->workload[e->longest_wait_in].name : PN_DASH);
        pn_row_close(out);
    }
    pn_table_close(out);
}

void pn_queue_data_table(const struct pn_queue_report *report, struct pn_text *out) {
    static const char *const columns[] = {"queue",         "workload", "rounds", "median, M/s",
                                          "95 % interval", "least",    "most",   "multiple",
                                          "95 % interval", NULL};
    char room[96];
    pn_details_open(out, columns);
    for (size_t w = 0; w < report->workloads; w++) {
        for (size_t q = 0; q < report->queues; q++) {
            const struct pn_queue_cell *c = pn_queue_report_cell(report, w, q);
            if (c->mops.rounds == 0 || !report->workload[w].rated) {
                continue;
            }
            struct pn_estimate mops = {c->mops.value, c->mops.lo, c->mops.hi, 0};
            struct pn_estimate ratio = {c->ratio.value, c->ratio.lo, c->ratio.hi, 0};
            pn_row_open(out, report->queue[q].name);
            pn_cell(out, report->workload[w].name);
            pn_cell(out, pn_label("%zu", c->mops.rounds).s);
            pn_cell(out, pn_queue_number(c->mops.value, room, sizeof room));
            pn_cell(out, pn_label_interval(&mops, pn_num_sig3).s);
            pn_cell(out, pn_queue_number(c->least, room, sizeof room));
            pn_cell(out, pn_queue_number(c->most, room, sizeof room));
            pn_cell(out, pn_queue_number(c->ratio.value, room, sizeof room));
            pn_cell(out, pn_label_interval(&ratio, pn_num_sig3).s);
            pn_row_close(out);
        }
    }
    pn_details_close(out);
}
