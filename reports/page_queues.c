/* SPDX-License-Identifier: MIT
 *
 * The section on queues: who leads where, figures, tables, and the standing targets.
 */
#include "page_queues.h"

#include <math.h>
#include <string.h>

void pn_queue_style(struct pn_text *out) {
    pn_text_put(
        out,
        ".qt th,.qt td{padding:4px 0 4px 10px;vertical-align:top}.qt th:first-child{padding-left:0}"
        ".qt .fam{padding-left:26px}.qt thead th{vertical-align:bottom}"
        ".qt thead tr:first-child th{white-space:normal;border-bottom:0;text-align:left}"
        ".qt thead tr th[rowspan]{border-bottom:1px solid var(--grid)!important}"
        ".qt tbody th{position:sticky;left:0;background:var(--bg);padding-right:10px;"
        "box-shadow:0 1px 0 var(--grid)}"
        ".qt tr+tr th:first-child{text-align:right}.qt tbody tr+tr th:first-child{text-align:left}"
        ".own th{font-weight:640!important;color:var(--t0)}.qt b{font-weight:650}"
        ".qt sup{font-size:10px;line-height:1;color:var(--muted)}"
        "#queues .scroll+.scroll{margin-top:28px}"
        ".notes{font-size:13.5px;color:var(--muted);max-width:740px;padding-left:20px;margin:10px "
        "0 0;overflow-wrap:anywhere}"
        ".says{max-width:740px;padding-left:20px;margin:0 0 24px}.says li{margin-bottom:4px}"
        ".says+h3,figure+h3,h3+figure{margin-top:0}#queues h3{margin-top:32px}"
        "#queues figure+figure{margin-top:36px}#queues details+figure,.none+figure{margin-top:28px}"
        ".qt thead tr+tr th{white-space:normal}"
        "@media screen and (min-width:761px){#queues .cards tr>:nth-child(2){text-align:left}"
        "#queues .data.cards tr>:last-child{text-align:left;white-space:normal}}"
        "@media print{#queues{break-before:page;padding-top:0}}\n");
}

/* The sentences of the workloads in which a peer leads (or does not). */
static size_t put_leads(const struct pn_queue_report *report, bool peer, struct pn_text *out) {
    size_t n = 0;
    for (size_t i = 0; i < report->leads; i++) {
        if (report->lead[i].peer_ahead == peer) {
            pn_text_put(out, n++ == 0 ? "<ul class=\"says\"><li>" : "<li>");
            const char *said = report->lead[i].said;
            if (said[0] >= 'a' && said[0] <= 'z') {
                char capital[2] = {(char)(said[0] - 'a' + 'A'), '\0'};
                pn_text_put(out, capital);
                said++;
            }
            pn_text_escape(out, said);
            pn_text_put(out, "</li>");
        }
    }
    pn_text_put(out, n > 0 ? "</ul>\n" : "");
    return n;
}

static void put_sentences(const struct pn_queue_report *report, struct pn_text *out) {
    pn_text_put(out, "<h3>Where a peer is ahead of the fastest of ours</h3>");
    if (put_leads(report, true, out) == 0) {
        size_t open = 0;
        for (size_t i = 0; i < report->leads; i++) {
            open += !report->lead[i].ours_ahead;
        }
        pn_text_put(out, "<p class=\"none\">");
        if (report->leads == 0) {
            pn_text_put(out, "Nothing was compared.");
        } else if (open == 0) {
            pn_text_put(out, "In no workload.");
        } else {
            pn_text_format(out, "In none of the %zu that are decided; %zu %s open.",
                           report->leads - open, open, open == 1 ? "is" : "are");
        }
        pn_text_put(out, "</p>\n");
    }
    if (report->leads > 0) {
        pn_text_put(out, "<details><summary>The other workloads</summary>");
        (void)put_leads(report, false, out);
        pn_text_put(out, "</details>\n");
    }
}

static void put_charts(const struct pn_queue_report *report, struct pn_text *out) {
    size_t n;
    for (size_t w = 0; w < report->workloads; w += n) {
        n = 1;
        while (report->workload[w].rated && w + n < report->workloads &&
               report->workload[w + n].rated &&
               strcmp(report->workload[w].family, report->workload[w + n].family) == 0) {
            n++;
        }
        if (report->workload[w].rated) {
            pn_text_put(out, "<figure>");
            pn_chart_queues(out, report, w, n);
            pn_text_put(out, "</figure>\n");
        }
    }
}

static void put_targets(const struct pn_queue_report *report, struct pn_text *out) {
    pn_text_format(out,
                   "<h3>Standing targets: %zu held, %zu did not, %zu undecided, %zu not "
                   "measured</h3>",
                   report->tally[PN_TARGET_HELD], report->tally[PN_TARGET_MISSED],
                   report->tally[PN_TARGET_UNDECIDED], report->tally[PN_TARGET_UNMEASURED]);
    pn_targets_open(out);
    for (size_t i = 0; i < report->targets; i++) {
        const struct pn_queue_target *t = &report->target[i];
        pn_target_row(out, t->claim, t->state, t->said);
    }
    pn_text_put(out, "</tbody></table>");
    pn_caption(out,
               "A ratio holds, or does not, where its whole 95\u00a0% interval lies on one side of "
               "the target; where the low end is named, that end decides. Waits and bytes are "
               "judged by the largest of all rounds. Every target is judged on its own.");
    pn_text_put(out, "</figure>\n");
}

static void put_failures(const struct pn_queue_report *report, struct pn_text *out) {
    static const char *const columns[] = {"queue", "workload", "round", "ended", "reason", NULL};
    if (report->failures == 0) {
        return;
    }
    pn_details_named(out, pn_label("Failures (%zu)", report->failures).s, columns);
    for (size_t i = 0; i < report->failures && i < 1000; i++) {
        const struct pn_queue_failure *f = &report->failure[i];
        pn_row_open(out, report->queue[f->queue].name);
        pn_cell(out, report->workload[f->workload].name);
        pn_cell(out, pn_label("%zu", f->round).s);
        pn_cell(out, f->status);
        pn_cell(out, f->reason);
        pn_row_close(out);
    }
    pn_details_close(out);
}

/* How far apart the CPUs were, which every contended figure follows. */
static void put_hop(const struct pn_queue_report *report, struct pn_text *out) {
    if (report->hop_ns.rounds == 0) {
        return;
    }
    bool moved = report->hop_most_ns > 2 * report->hop_least_ns;
    pn_text_cat(out, "<p class=\"none\">A cache line's trip between two CPUs took ",
                pn_num_sig(report->hop_ns.value, 3).s, PN_NBSP "ns in the median slot, ",
                pn_num_sig(report->hop_least_ns, 3).s, " to ", pn_num_sig(report->hop_most_ns, 3).s,
                PN_NBSP "ns in all",
                moved ? ": the CPUs did not stay where they were, and contended rates of different "
                        "rounds differ for that alone. Ratios inside a round suffer less."
                      : ".",
                "</p>\n", NULL);
}

void pn_page_queues(const struct pn_queue_report *report, struct pn_text *out) {
    pn_section_open(out, "queues", "Queues", report->headline);
    put_sentences(report, out);
    put_hop(report, out);
    put_charts(report, out);
    struct pn_text text = {0};
    pn_text_cat(&text,
                "One row per queue, fastest first; blue is ours, a square the ceiling of the bare "
                "instruction, dark a queue whose whole interval lies above ",
                report->reference,
                ". A ratio is taken inside one round and the median over rounds stands with its "
                "exact 95\u00a0% order-statistic interval, each on its own; hollow marks have too "
                "few rounds for one. Values beyond 0.02 and 50 stand at the edge.",
                NULL);
    pn_caption(out, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
    pn_text_put(out, "<h3>Million operations per second</h3><figure>");
    pn_queue_rates_table(report, out);
    pn_text_cat(&text, "Median over rounds; below it the multiple of ", report->reference,
                ". Pairs count pushes and pops, streams count items. Bold leads its column, with "
                "the interval between the fastest of ours and the fastest peer on one side of 1.",
                NULL);
    pn_caption(out, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
    pn_queue_data_table(report, out);
    put_failures(report, out);
    pn_text_put(out, "</figure>\n<h3>Memory and waiting</h3><figure>");
    pn_queue_costs_table(report, out);
    pn_caption(out,
               "Median resident bytes per item while the queue is full, and what of it is left "
               "after a drain; the longest wait is of all rounds and workloads. " PN_DASH
               " where no line states it.");
    pn_text_put(out, "</figure>\n");
    put_targets(report, out);
    pn_section_close(out);
}

static void badge(struct pn_text *out, bool warn, const char *what, const char *value,
                  const char *why) {
    pn_text_cat(out, warn ? "<li class=\"warn\"><span>" : "<li><span>", what, "</span><b>", value,
                "</b><small>", why, "</small></li>", NULL);
}

void pn_page_queue_badges(const struct pn_queue_report *report, struct pn_text *out) {
    bool few = report->rounds < 6;
    badge(out, few, "Rounds", pn_label("%zu", report->rounds).s,
          few ? "under 6 there is no interval" : "a slot of every queue in each");
    badge(out, report->failures > 0, "Failed slots", pn_label("%zu", report->failures).s,
          pn_label("of %zu lines", report->lines).s);
}

void pn_queue_verdict(const struct pn_queue_report *report, struct pn_report_verdict *out) {
    struct pn_text text = {0};
    for (size_t i = 0; i < report->leads; i++) {
        size_t more = strlen(report->lead[i].said) + 1;
        if (report->lead[i].peer_ahead && text.len + more < sizeof out->cause) {
            pn_text_cat(&text, text.len > 0 ? " " : "", report->lead[i].said, NULL);
        }
    }
    (void)memcpy(out->kind, "queues", sizeof "queues");
    (void)memcpy(out->crossover, report->headline, strlen(report->headline) + 1);
    (void)memcpy(out->cause, text.data == NULL ? "" : text.data, text.len + 1);
    pn_text_free(&text);
}
