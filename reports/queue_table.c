/* SPDX-License-Identifier: MIT
 *
 * Rates, paired ratios, memory and waits of every queue in every workload.
 */
#include "queue_lines.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pinion/quantile.h>

static const struct pn_queue_figure nothing = {NAN, NAN, NAN, 0};

const double *pn_queue_rates(const struct pn_queue_store *store, size_t w, size_t q) {
    return &store->mops[(w * store->queues + q) * store->rounds];
}

struct pn_queue_figure pn_queue_median(double *values, size_t n) {
    struct pn_estimate e = pn_estimate_median(values, n, 0.05);
    return (struct pn_queue_figure){e.value, e.lo, e.hi, e.n};
}

struct pn_queue_figure pn_queue_ratio(const double *a, const double *b, size_t rounds,
                                      double *room) {
    for (size_t r = 0; r < rounds; r++) {
        room[r] = a[r] / b[r];
    }
    struct pn_queue_figure f = pn_queue_median(room, rounds);
    if (f.rounds > 0 && f.rounds % 2 == 0) { /* room is sorted now, without NaN */
        f.value = sqrt(room[f.rounds / 2 - 1] * room[f.rounds / 2]);
    }
    return f;
}

size_t pn_queue_find(const struct pn_queue_report *report, const char *name) {
    for (size_t q = 0; q < report->queues; q++) {
        if (strcmp(report->queue[q].name, name) == 0) {
            return q;
        }
    }
    return SIZE_MAX;
}

const struct pn_queue_cell *pn_queue_report_cell(const struct pn_queue_report *report,
                                                 size_t workload, size_t queue) {
    return &report->cell[workload * report->queues + queue];
}

static bool make_room(struct pn_queue_report *report, struct pn_queue_store *store) {
    size_t cells = store->settings * store->queues;
    size_t failures = 0;
    for (size_t i = 0; i < store->lines; i++) {
        failures += store->line[i].planned && !store->line[i].good;
    }
    report->queue = store->queue;
    report->queues = store->queues;
    report->workloads = store->settings;
    report->rounds = store->rounds;
    report->lines = store->lines;
    report->workload = calloc(store->settings + 1, sizeof *report->workload);
    report->cell = calloc(cells + 1, sizeof *report->cell);
    report->failure = calloc(failures + 1, sizeof *report->failure);
    store->mops = malloc((cells * store->rounds + 1) * sizeof *store->mops);
    if (report->workload == NULL || report->cell == NULL || report->failure == NULL ||
        store->mops == NULL) {
        return false;
    }
    for (size_t i = 0; i < cells * store->rounds; i++) {
        store->mops[i] = NAN;
    }
    for (size_t i = 0; i < cells; i++) {
        report->cell[i] = (struct pn_queue_cell){nothing, NAN, NAN, nothing, NAN, 0, false, NULL};
    }
    return true;
}

static void count_rounds(struct pn_queue_report *report, const struct pn_queue_store *store) {
    for (size_t w = 0; w < report->workloads; w++) {
        bool seen[PN_ROUNDS_MAX] = {false};
        bool memory = false;
        for (size_t i = 0; i < store->lines; i++) {
            const struct pn_queue_line *line = &store->line[i];
            if (line->planned && line->workload == w) {
                report->workload[w].rounds += seen[line->round] ? 0 : 1;
                report->workload[w].rated |= line->mops > 0;
                memory |= !isnan(line->per_item);
                seen[line->round] = true;
            }
        }
        report->workload[w].rated &= !memory;
    }
}

static void place_line(struct pn_queue_report *report, struct pn_queue_store *store,
                       const struct pn_queue_line *line) {
    if (line->workload == SIZE_MAX) {
        return;
    }
    report->queue[line->queue].missing = line->planned ? NULL : report->queue[line->queue].missing;
    size_t at = line->workload * report->queues + line->queue;
    struct pn_queue_cell *cell = &report->cell[at];
    struct pn_queue_entry *queue = &report->queue[line->queue];
    if (!line->good) {
        cell->reason = cell->reason == NULL ? line->reason : cell->reason;
    }
    cell->emulated |= line->emulated;
    if (line->good && line->mops > 0) {
        store->mops[at * store->rounds + line->round] = line->mops;
        cell->longest_wait_ns = fmax(cell->longest_wait_ns, line->wait_ns);
        if (line->wait_ns > queue->longest_wait_ns || isnan(queue->longest_wait_ns)) {
            queue->longest_wait_ns = line->wait_ns;
            queue->longest_wait_in = line->workload;
        }
    }
    if (line->planned && !line->good) {
        cell->failed++;
        report->failure[report->failures++] =
            (struct pn_queue_failure){line->queue, line->workload, line->round, line->status,
                                      line->reason == NULL ? "" : line->reason};
        cell->reason = cell->reason == NULL ? line->status : cell->reason;
    }
}

/* Memory over the rounds of the workload that puts most items into this queue: the larger, the less
 * of the process itself is in the figure. */
static struct pn_queue_figure memory_median(const struct pn_queue_store *store, size_t queue,
                                            bool left, double *room) {
    double most = 0;
    size_t n = 0;
    for (size_t i = 0; i < store->lines; i++) {
        const struct pn_queue_line *line = &store->line[i];
        if (line->good && line->queue == queue && !isnan(line->per_item)) {
            most = fmax(most, line->ops);
        }
    }
    for (size_t i = 0; i < store->lines; i++) {
        const struct pn_queue_line *line = &store->line[i];
        double value = left ? line->left : line->per_item;
        if (line->good && line->queue == queue && !isnan(line->per_item) && !isnan(value) &&
            !(line->ops < most)) {
            room[n++] = value;
        }
    }
    return pn_queue_median(room, n);
}

static void find_hops(struct pn_queue_report *report, const struct pn_queue_store *store,
                      double *room) {
    for (size_t i = 0; i < store->lines; i++) {
        room[i] = store->line[i].planned ? store->line[i].hop_ns : NAN;
    }
    report->hop_ns = pn_queue_median(room, store->lines);
    bool any = report->hop_ns.rounds > 0; /* then room is sorted, without NaN */
    report->hop_least_ns = any ? room[0] : NAN;
    report->hop_most_ns = any ? room[report->hop_ns.rounds - 1] : NAN;
}

static void fill_cells(struct pn_queue_report *report, const struct pn_queue_store *store,
                       size_t reference, double *room) {
    for (size_t w = 0; w < report->workloads; w++) {
        for (size_t q = 0; q < report->queues; q++) {
            struct pn_queue_cell *cell = &report->cell[w * report->queues + q];
            memcpy(room, pn_queue_rates(store, w, q), store->rounds * sizeof *room);
            cell->mops = pn_queue_median(room, store->rounds);
            if (cell->mops.rounds > 0) { /* sorted, NaN dropped */
                cell->least = room[0];
                cell->most = room[cell->mops.rounds - 1];
            }
            cell->ratio = pn_queue_ratio(pn_queue_rates(store, w, q),
                                         pn_queue_rates(store, w, reference), store->rounds, room);
        }
    }
}

static int choose_reference(const struct pn_queue_report *report, const char *wanted,
                            size_t *reference, struct pn_report_error *err) {
    *reference = pn_queue_find(report, wanted == NULL ? "segq" : wanted);
    if (wanted != NULL && *reference == SIZE_MAX) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT,
                              "queues.jsonl: no queue '%.63s' to refer to", wanted);
    }
    for (size_t q = 0; q < report->queues && *reference == SIZE_MAX; q++) {
        if (report->queue[q].kind == PN_QUEUE_OURS && report->queue[q].missing == NULL) {
            *reference = q;
        }
    }
    *reference = *reference == SIZE_MAX ? 0 : *reference;
    return 0;
}

static int make(struct pn_queue_report *report, struct pn_queue_store *store, const char *wanted,
                struct pn_report_error *err) {
    size_t reference;
    double *room = malloc((store->lines + store->rounds + 1) * sizeof *room);
    int code = room != NULL && make_room(report, store) ? 0 : -ENOMEM;
    if (code == 0 && choose_reference(report, wanted, &reference, err) != 0) {
        free(room);
        return -1;
    }
    if (code == 0) {
        (void)snprintf(report->reference, sizeof report->reference, "%s",
                       report->queue[reference].name);
        pn_queue_workloads_name(store, report->workload);
        count_rounds(report, store);
        for (size_t q = 0; q < report->queues; q++) {
            report->queue[q].longest_wait_ns = NAN;
        }
        for (size_t i = 0; i < store->lines; i++) {
            place_line(report, store, &store->line[i]);
        }
        fill_cells(report, store, reference, room);
        for (size_t q = 0; q < report->queues; q++) {
            struct pn_queue_entry *e = &report->queue[q];
            e->bytes_per_item = memory_median(store, q, false, room);
            e->bytes_left = memory_median(store, q, true, room);
        }
        find_hops(report, store, room);
        code = pn_queue_targets_judge(report);
        code = code == 0 ? pn_queue_leads_find(report) : code;
    }
    free(room);
    return code == 0 ? 0 : pn_report_fail(err, PN_REPORT_FAILED, "queues.jsonl: out of memory");
}

int pn_queue_report_read(const char *dir, const char *reference, struct pn_queue_report **out,
                         struct pn_report_error *err) {
    *err = (struct pn_report_error){.status = PN_REPORT_OK};
    struct pn_queue_report *report = calloc(1, sizeof *report);
    struct pn_queue_store *store = calloc(1, sizeof *store);
    *out = NULL;
    if (report == NULL || store == NULL) {
        free(report);
        free(store);
        return pn_report_fail(err, PN_REPORT_FAILED, "out of memory");
    }
    report->store = store;
    if (strlen(dir) > 4000) {
        (void)pn_report_fail(err, PN_REPORT_BAD_INPUT, "the directory's name is too long");
    } else if (pn_queue_store_read(dir, store, err) == 0 &&
               make(report, store, reference, err) == 0) {
        if (store->cut) {
            (void)snprintf(report->notice, sizeof report->notice,
                           "queues.jsonl: line %u was cut short and dropped", store->cut_line);
        }
        *out = report;
        return 0;
    }
    pn_queue_report_free(report);
    return -1;
}

void pn_queue_report_free(struct pn_queue_report *report) {
    if (report == NULL) {
        return;
    }
    if (report->store != NULL) {
        pn_queue_store_free(report->store);
    }
    free(report->store);
    free(report->workload);
    free(report->cell);
    free(report->failure);
    free(report->target);
    free(report->lead);
    free(report);
}

const char *pn_queue_gap(const struct pn_queue_report *report, size_t workload, size_t queue,
                         char *room, size_t size) {
    const struct pn_queue_entry *e = &report->queue[queue];
    const struct pn_queue_cell *cell =
        workload == SIZE_MAX ? NULL : pn_queue_report_cell(report, workload, queue);
    if (cell != NULL && cell->reason != NULL) {
        (void)snprintf(room, size, "%.140s", cell->reason);
    } else if (e->missing != NULL) {
        (void)snprintf(room, size, "not measured: %.140s", e->missing);
    } else {
        (void)snprintf(room, size, "not part of this run");
    }
    return room;
}
