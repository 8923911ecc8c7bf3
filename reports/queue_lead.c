/* SPDX-License-Identifier: MIT
 *
 * Who is fastest in each workload, ours or a peer, in sentences.
 */
#include "queue_lines.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

const char *pn_queue_number(double value, char *room, size_t size) {
    pn_queue_copy(room, size, isnan(value) ? PN_DASH : pn_num_sig(value, 3).s);
    return room;
}

const char *pn_queue_figure_text(const struct pn_queue_figure *f, char *room, size_t size) {
    struct pn_text text = {0};
    pn_text_put(&text, isnan(f->value) ? PN_DASH : pn_num_sig(f->value, 3).s);
    if (!isnan(f->value) && !isnan(f->lo)) {
        pn_text_cat(&text, " [", pn_num_sig(f->lo, 3).s, ", ", pn_num_sig(f->hi, 3).s, "]", NULL);
    }
    pn_queue_copy(room, size, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
    return room;
}

static size_t fastest(const struct pn_queue_report *report, size_t w, enum pn_queue_kind kind) {
    size_t best = SIZE_MAX;
    double rate = 0;
    for (size_t q = 0; q < report->queues; q++) {
        double mops = pn_queue_report_cell(report, w, q)->mops.value;
        if (report->queue[q].kind == kind && mops > rate) {
            rate = mops;
            best = q;
        }
    }
    return best;
}

static void say(const struct pn_queue_report *report, struct pn_queue_lead *lead) {
    char room[96];
    struct pn_text text = {0};
    const char *peer = report->queue[lead->peer].name;
    const char *ours = report->queue[lead->ours].name;
    const char *ratio = pn_queue_figure_text(&lead->ratio, room, sizeof room);
    pn_text_cat(&text, report->workload[lead->workload].name, ": ", NULL);
    if (lead->peer_ahead) {
        pn_text_cat(&text, peer, " is ahead, ×", ratio, " of ", ours, NULL);
    } else if (lead->ours_ahead) {
        pn_text_cat(&text, ours, " is ahead; the fastest peer, ", peer, ", reaches ×", ratio,
                    " of it", NULL);
    } else {
        pn_text_cat(&text, peer, " and ", ours, " are not told apart: ×", ratio, NULL);
        if (isnan(lead->ratio.lo)) {
            pn_text_format(&text, ", %zu round%s give%s no interval", lead->ratio.rounds,
                           lead->ratio.rounds == 1 ? "" : "s", lead->ratio.rounds == 1 ? "s" : "");
        }
    }
    pn_text_put(&text, ".");
    pn_queue_copy(lead->said, sizeof lead->said, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
}

static void headline(struct pn_queue_report *report) {
    size_t ours = 0;
    size_t peers = 0;
    struct pn_text text = {0};
    for (size_t i = 0; i < report->leads; i++) {
        ours += report->lead[i].ours_ahead;
        peers += report->lead[i].peer_ahead;
    }
    size_t open = report->leads - ours - peers;
    if (report->leads == 0) {
        pn_text_put(&text, "No workload has both a queue of ours and a peer");
    } else {
        pn_text_format(&text, "Of %zu workload%s a queue of ours leads in %zu, a peer in %zu",
                       report->leads, report->leads == 1 ? "" : "s", ours, peers);
        if (open > 0) {
            pn_text_format(&text, ", %zu %s open", open, open == 1 ? "is" : "are");
        }
    }
    size_t judged = report->targets - report->tally[PN_TARGET_UNMEASURED];
    pn_text_format(&text, "; %zu of %zu measured targets held", report->tally[PN_TARGET_HELD],
                   judged);
    pn_queue_copy(report->headline, sizeof report->headline, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
}

int pn_queue_leads_find(struct pn_queue_report *report) {
    const struct pn_queue_store *store = report->store;
    double *room = malloc((store->rounds + 1) * sizeof *room);
    report->lead = calloc(report->workloads + 1, sizeof *report->lead);
    if (room == NULL || report->lead == NULL) {
        free(room);
        return -ENOMEM;
    }
    for (size_t w = 0; w < report->workloads; w++) {
        struct pn_queue_lead lead = {.workload = w,
                                     .peer = fastest(report, w, PN_QUEUE_PEER),
                                     .ours = fastest(report, w, PN_QUEUE_OURS)};
        if (!report->workload[w].rated || lead.peer == SIZE_MAX || lead.ours == SIZE_MAX) {
            continue;
        }
        lead.ratio = pn_queue_ratio(pn_queue_rates(store, w, lead.peer),
                                    pn_queue_rates(store, w, lead.ours), store->rounds, room);
        lead.peer_ahead = lead.ratio.lo > 1;
        lead.ours_ahead = lead.ratio.hi < 1;
        say(report, &lead);
        report->lead[report->leads++] = lead;
    }
    headline(report);
    free(room);
    return 0;
}
