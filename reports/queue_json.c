/* SPDX-License-Identifier: MIT
 *
 * The "queues" section of results.json.
 */
#include "queue_lines.h"
#include "results_value.h"

#include <math.h>

static json_t *figure(const struct pn_queue_figure *f, const char *reason) {
    struct pn_estimate e = {f->value, f->lo, f->hi, f->rounds};
    return pn_json_estimate(&e, reason);
}

static json_t *workload_object(const struct pn_queue_report *report, size_t w) {
    static const char why[] = "the workload does not set it";
    const struct pn_queue_store *store = report->store;
    const struct pn_queue_setting *s = &store->setting[w];
    const struct pn_queue_workload *named = &report->workload[w];
    json_t *out = json_object();
    pn_json_put(out, "name", json_string(named->name));
    pn_json_put(out, "family", json_string(named->family));
    pn_json_put(out, "column", json_string(named->column));
    pn_json_put(out, "workload", json_string(s->name));
    pn_json_put(out, "rounds", pn_json_count(named->rounds));
    pn_json_put_number(out, "threads", s->threads, why);
    pn_json_put_number(out, "capacity", s->capacity, why);
    pn_json_put_number(out, "batch", s->batch, why);
    pn_json_put_number(out, "work_low_ns", s->work_lo, why);
    pn_json_put_number(out, "work_high_ns", s->work_hi, why);
    return out;
}

static json_t *queue_object(const struct pn_queue_entry *e) {
    static const char *const kinds[] = {"ours", "peer", "ceiling"};
    static const char why[] = "no line states it";
    json_t *out = json_object();
    pn_json_put(out, "name", json_string(e->name));
    pn_json_put(out, "library", json_string(e->library));
    pn_json_put(out, "version", json_string(e->version));
    pn_json_put(out, "kind", json_string(kinds[e->kind]));
    pn_json_put(out, "not_measured", e->missing == NULL ? json_null() : json_string(e->missing));
    pn_json_put(out, "bytes_per_item", figure(&e->bytes_per_item, why));
    pn_json_put(out, "bytes_left_per_item", figure(&e->bytes_left, why));
    pn_json_put_number(out, "longest_wait_ns", e->longest_wait_ns, why);
    return out;
}

static json_t *cell_object(const struct pn_queue_report *report, size_t w, size_t q) {
    const struct pn_queue_cell *cell = pn_queue_report_cell(report, w, q);
    char room[200];
    const char *why = pn_queue_gap(report, w, q, room, sizeof room);
    json_t *out = json_object();
    pn_json_put(out, "queue", json_string(report->queue[q].name));
    pn_json_put(out, "workload", json_string(report->workload[w].name));
    pn_json_put(out, "mops", figure(&cell->mops, why));
    pn_json_put_number(out, "mops_least", cell->least, why);
    pn_json_put_number(out, "mops_most", cell->most, why);
    pn_json_put(out, "ratio", figure(&cell->ratio, "no round has both"));
    pn_json_put_number(out, "longest_wait_ns", cell->longest_wait_ns, "no line states it");
    pn_json_put(out, "failed_rounds", pn_json_count(cell->failed));
    return out;
}

static json_t *target_object(const struct pn_queue_target *t) {
    json_t *out = json_object();
    pn_json_put(out, "claim", json_string(t->claim));
    pn_json_put(out, "state", json_string(pn_target_state_names[t->state]));
    pn_json_put(out, "said", json_string(t->said));
    pn_json_put(out, "figure", figure(&t->figure, t->said));
    return out;
}

static json_t *lead_object(const struct pn_queue_report *report, const struct pn_queue_lead *lead) {
    json_t *out = json_object();
    pn_json_put(out, "workload", json_string(report->workload[lead->workload].name));
    pn_json_put(out, "ours", json_string(report->queue[lead->ours].name));
    pn_json_put(out, "peer", json_string(report->queue[lead->peer].name));
    pn_json_put(out, "peer_to_ours", figure(&lead->ratio, "no round has both"));
    pn_json_put(out, "ahead",
                json_string(lead->peer_ahead   ? "peer"
                            : lead->ours_ahead ? "ours"
                                               : "open"));
    return out;
}

static json_t *failure_object(const struct pn_queue_report *report,
                              const struct pn_queue_failure *f) {
    json_t *out = json_object();
    pn_json_put(out, "queue", json_string(report->queue[f->queue].name));
    pn_json_put(out, "workload", json_string(report->workload[f->workload].name));
    pn_json_put(out, "round", pn_json_count(f->round));
    pn_json_put(out, "status", json_string(f->status));
    pn_json_put(out, "reason", json_string(f->reason));
    return out;
}

json_t *pn_queue_results(const struct pn_queue_report *report) {
    json_t *out = json_object();
    json_t *list[6];
    for (size_t i = 0; i < 6; i++) {
        list[i] = json_array();
    }
    for (size_t w = 0; w < report->workloads; w++) {
        (void)json_array_append_new(list[0], workload_object(report, w));
        for (size_t q = 0; q < report->queues; q++) {
            (void)json_array_append_new(list[2], cell_object(report, w, q));
        }
    }
    for (size_t q = 0; q < report->queues; q++) {
        (void)json_array_append_new(list[1], queue_object(&report->queue[q]));
    }
    for (size_t i = 0; i < report->targets; i++) {
        (void)json_array_append_new(list[3], target_object(&report->target[i]));
    }
    for (size_t i = 0; i < report->leads; i++) {
        (void)json_array_append_new(list[4], lead_object(report, &report->lead[i]));
    }
    for (size_t i = 0; i < report->failures; i++) {
        (void)json_array_append_new(list[5], failure_object(report, &report->failure[i]));
    }
    pn_json_put(out, "schema", json_string("pinion.queue_results/1"));
    pn_json_put(out, "reference", json_string(report->reference));
    pn_json_put(out, "headline", json_string(report->headline));
    pn_json_put(out, "rounds", pn_json_count(report->rounds));
    pn_json_put(out, "lines", pn_json_count(report->lines));
    pn_json_put(out, "hop_ns", figure(&report->hop_ns, "no line states it"));
    pn_json_put_number(out, "hop_least_ns", report->hop_least_ns, "no line states it");
    pn_json_put_number(out, "hop_most_ns", report->hop_most_ns, "no line states it");
    pn_json_put(out, "workloads", list[0]);
    pn_json_put(out, "queues", list[1]);
    pn_json_put(out, "cells", list[2]);
    pn_json_put(out, "targets", list[3]);
    pn_json_put(out, "leads", list[4]);
    pn_json_put(out, "failures", list[5]);
    return out;
}
