/* SPDX-License-Identifier: MIT */
#include "queue_print.h"

#include "command.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 64 };

static const struct pn_queue_cell *cell_of(const struct pn_queue_report *r, size_t w, size_t q) {
    return pn_queue_report_cell(r, w, q);
}

struct order {
    size_t queue;
    double rate; /* -1: none */
};

static int faster_first(const void *a, const void *b) {
    double x = ((const struct order *)a)->rate;
    double y = ((const struct order *)b)->rate;
    return (x < y) - (x > y);
}

/* Numbers are aligned to the right in characters, not bytes: a dash is three bytes. */
static void column(const char *text, int width) {
    int chars = 0;
    for (const char *c = text; *c != '\0'; c++) {
        chars += ((unsigned char)*c & 0xc0) != 0x80;
    }
    (void)printf("%*s%s", width > chars ? width - chars : 0, "", text);
}

static void print_cell(const struct pn_queue_report *r, const struct pn_queue_cell *c, size_t q) {
    char room[ROOM];
    (void)printf("  %-20s", r->queue[q].name);
    column(pn_queue_figure_text(&c->mops, room, sizeof room), 22);
    column(pn_queue_number(c->least, room, sizeof room), 9);
    column(pn_queue_number(c->most, room, sizeof room), 9);
    column(pn_queue_figure_text(&c->ratio, room, sizeof room), 24);
    if (!isnan(c->longest_wait_ns)) {
        (void)printf("  waited %.1f ms", c->longest_wait_ns / 1e6);
    }
    (void)printf("%s", c->emulated ? "  one by one" : "");
    if (c->failed > 0) {
        (void)printf("  %zu failed", c->failed);
    }
    (void)printf("\n");
}

static void print_workload(const struct pn_queue_report *r, size_t w, struct order *order) {
    size_t n = 0;
    for (size_t q = 0; q < r->queues; q++) {
        const struct pn_queue_cell *c = cell_of(r, w, q);
        if (!isnan(c->mops.value) || c->failed > 0) {
            order[n++] = (struct order){q, isnan(c->mops.value) ? -1 : c->mops.value};
        }
    }
    qsort(order, n, sizeof *order, faster_first);
    (void)printf("\n%s: %s; %zu round%s\n  %-20s%22s%9s%9s%15s %s\n", r->workload[w].id,
                 r->workload[w].name, r->workload[w].rounds, r->workload[w].rounds == 1 ? "" : "s",
                 "", "M/s, median [95 %]", "least", "most", "ratio to", r->reference);
    for (size_t i = 0; i < n; i++) {
        print_cell(r, cell_of(r, w, order[i].queue), order[i].queue);
    }
}

static void print_memory(const struct pn_queue_report *r) {
    bool head = false;
    char room[ROOM];
    for (size_t q = 0; q < r->queues; q++) {
        const struct pn_queue_entry *e = &r->queue[q];
        if (isnan(e->bytes_per_item.value)) {
            continue;
        }
        if (!head) {
            (void)printf("\nmemory: resident bytes per item\n  %-20s%22s%24s\n", "", "full",
                         "left after the drain");
            head = true;
        }
        (void)printf("  %-20s", e->name);
        column(pn_queue_figure_text(&e->bytes_per_item, room, sizeof room), 22);
        column(pn_queue_figure_text(&e->bytes_left, room, sizeof room), 24);
        (void)printf("\n");
    }
}

void pn_queue_print(const struct pn_queue_report *r) {
    struct order *order = calloc(r->queues + 1, sizeof *order);
    for (size_t w = 0; order != NULL && w < r->workloads; w++) {
        if (r->workload[w].rated) {
            print_workload(r, w, order);
        }
    }
    free(order);
    print_memory(r);
    for (size_t i = 0; i < r->failures; i++) {
        const struct pn_queue_failure *f = &r->failure[i];
        (void)printf("%sround %zu, %s, %s: %s%s%s\n", i == 0 ? "\n" : "", f->round,
                     r->workload[f->workload].id, r->queue[f->queue].name, f->status,
                     f->reason[0] == '\0' ? "" : ": ", f->reason);
    }
    bool first = true;
    for (size_t q = 0; q < r->queues; q++) {
        if (r->queue[q].missing != NULL) {
            (void)printf("%s%s: not measured: %s\n", first ? "\n" : "", r->queue[q].name,
                         r->queue[q].missing);
            first = false;
        }
    }
}

void pn_queue_print_targets(const struct pn_queue_report *r) {
    for (size_t i = 0; i < r->targets; i++) {
        const struct pn_queue_target *t = &r->target[i];
        (void)printf("%s%s: %s: %s\n", i == 0 ? "\n" : "", pn_target_state_names[t->state],
                     t->claim, t->said);
    }
}

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *figure(const struct pn_queue_figure *f) {
    return json_pack("{s:o,s:o,s:o,s:i}", "median", number(f->value), "lo", number(f->lo), "hi",
                     number(f->hi), "rounds", (int)f->rounds);
}

static json_t *cells_json(const struct pn_queue_report *r, size_t w) {
    json_t *list = json_array();
    for (size_t q = 0; q < r->queues; q++) {
        const struct pn_queue_cell *c = cell_of(r, w, q);
        if (isnan(c->mops.value) && c->failed == 0) {
            continue;
        }
        json_t *one =
            json_pack("{s:s,s:o,s:o,s:o,s:o,s:o,s:i,s:b}", "queue", r->queue[q].name, "mops",
                      figure(&c->mops), "least", number(c->least), "most", number(c->most), "ratio",
                      figure(&c->ratio), "longest_wait_ns", number(c->longest_wait_ns), "failed",
                      (int)c->failed, "emulated", c->emulated ? 1 : 0);
        json_object_set_new(one, "reason",
                            c->reason == NULL ? json_null() : json_string(c->reason));
        json_array_append_new(list, one);
    }
    return list;
}

static json_t *queues_json(const struct pn_queue_report *r) {
    json_t *list = json_array();
    for (size_t q = 0; q < r->queues; q++) {
        const struct pn_queue_entry *e = &r->queue[q];
        json_t *one = json_pack(
            "{s:s,s:s,s:s,s:o,s:o,s:o}", "queue", e->name, "library", e->library, "version",
            e->version, "not_measured", e->missing == NULL ? json_null() : json_string(e->missing),
            "bytes_per_item", figure(&e->bytes_per_item), "bytes_left", figure(&e->bytes_left));
        json_array_append_new(list, one);
    }
    return list;
}

json_t *pn_queue_print_json(const struct pn_queue_report *r) {
    json_t *workloads = json_array();
    json_t *targets = json_array();
    for (size_t w = 0; w < r->workloads; w++) {
        json_t *one = json_pack("{s:s,s:s,s:o}", "workload", r->workload[w].id, "title",
                                r->workload[w].name, "queues", cells_json(r, w));
        json_array_append_new(workloads, one);
    }
    for (size_t i = 0; i < r->targets; i++) {
        const struct pn_queue_target *t = &r->target[i];
        json_t *one = json_pack("{s:s,s:s,s:s}", "claim", t->claim, "state",
                                pn_target_state_names[t->state], "said", t->said);
        json_array_append_new(targets, one);
    }
    return json_pack("{s:s,s:o,s:o,s:o}", "reference", r->reference, "queues", queues_json(r),
                     "workloads", workloads, "targets", targets);
}

int pn_queue_print_ratio(const struct pn_queue_report *r, const char *queue, const char *workload) {
    for (size_t w = 0; w < r->workloads; w++) {
        for (size_t q = 0; q < r->queues; q++) {
            if (strcmp(r->workload[w].id, workload) != 0 || strcmp(r->queue[q].name, queue) != 0) {
                continue;
            }
            const struct pn_queue_cell *c = cell_of(r, w, q);
            char ratio[ROOM];
            char mops[ROOM];
            char least[ROOM];
            char most[ROOM];
            (void)printf("%s/%s@%s: %s, %zu rounds; %s %s M/s, %s to %s%s%s\n", queue, r->reference,
                         workload, pn_queue_figure_text(&c->ratio, ratio, sizeof ratio),
                         c->ratio.rounds, queue, pn_queue_figure_text(&c->mops, mops, sizeof mops),
                         pn_queue_number(c->least, least, sizeof least),
                         pn_queue_number(c->most, most, sizeof most), c->failed > 0 ? "; " : "",
                         c->reason == NULL ? "" : c->reason);
            return PN_EXIT_OK;
        }
    }
    return pn_fail(PN_EXIT_LATER, "%s/%s@%s: not measured", queue, r->reference, workload);
}
