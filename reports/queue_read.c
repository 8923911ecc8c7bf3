/* SPDX-License-Identifier: MIT */
#include "queue_lines.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rundir.h"

/* A number that may be null or absent: NaN. False, with *fault, if it is something else. */
static bool take(struct pn_queue_store *store, const json_t *line, const char *key, double least,
                 double *out, const char **fault) {
    const json_t *value = pn_member(line, key);
    *out = json_is_number(value) ? json_number_value(value) : NAN;
    if (value == NULL || (json_is_number(value) && *out >= least)) {
        return true;
    }
    (void)snprintf(store->fault, sizeof store->fault, "\"%s\" is neither a number%s nor null", key,
                   least < 0   ? ""
                   : least > 0 ? " from 1 on"
                               : " from 0 on");
    *fault = store->fault;
    return false;
}

static bool take_work(const json_t *line, struct pn_queue_setting *to, const char **fault) {
    const json_t *work = pn_member(line, "work_ns");
    to->work_lo = to->work_hi = NAN;
    if (work == NULL) {
        return true;
    }
    const json_t *lo = json_array_get(work, 0);
    const json_t *hi = json_array_get(work, 1);
    if (json_array_size(work) != 2 || !json_is_number(lo) || !json_is_number(hi) ||
        json_number_value(lo) < 0 || json_number_value(hi) < json_number_value(lo)) {
        *fault = "\"work_ns\" is neither null nor [least, most]";
        return false;
    }
    if (json_number_value(hi) > 0) { /* [0, 0] is no work */
        to->work_lo = json_number_value(lo);
        to->work_hi = json_number_value(hi);
    }
    return true;
}

/* The first line that states a setting sets it; another value later is damage. A capacity may be
 * null for the queues that have none. */
static bool agree(double *known, double stated) {
    *known = isnan(*known) ? stated : *known;
    return isnan(stated) || *known == stated;
}

static bool merge_setting(struct pn_queue_setting *to, const struct pn_queue_setting *s,
                          const char **fault) {
    if (agree(&to->threads, s->threads) && agree(&to->capacity, s->capacity) &&
        agree(&to->batch, s->batch) && agree(&to->work_lo, s->work_lo) &&
        agree(&to->work_hi, s->work_hi)) {
        to->chain |= s->chain;
        return true;
    }
    *fault = "threads, capacity, batch or work_ns differ from an earlier line of this workload";
    return false;
}

static bool find_setting(struct pn_queue_store *store, const json_t *line, size_t *index,
                         const char **fault) {
    struct pn_queue_setting s = {.name = pn_member_string(line, "workload", "")};
    if (s.name[0] == '\0' || strlen(s.name) > 40) {
        *fault = "\"workload\" is not a name of 1 to 40 bytes";
        return false;
    }
    if (!take(store, line, "threads", 1, &s.threads, fault) ||
        !take(store, line, "capacity", 0, &s.capacity, fault) ||
        !take(store, line, "batch", 0, &s.batch, fault) || !take_work(line, &s, fault)) {
        return false;
    }
    s.chain = strcmp(pn_member_string(line, "batch_kind", ""), "chain") == 0;
    s.batch = s.batch > 1 ? s.batch : NAN;
    s.capacity = s.capacity > 0 ? s.capacity : NAN;
    size_t i = 0;
    while (i < store->settings && strcmp(store->setting[i].name, s.name) != 0) {
        i++;
    }
    if (i == PN_WORKLOADS_MAX) {
        *fault = "more than 64 workloads";
        return false;
    }
    *index = i;
    if (i == store->settings) {
        store->setting[store->settings++] = s;
        return true;
    }
    return merge_setting(&store->setting[i], &s, fault);
}

static bool find_queue(struct pn_queue_store *store, const json_t *line, size_t *index,
                       const char **fault) {
    const char *name = pn_member_string(line, "queue", "");
    if (name[0] == '\0' || strlen(name) > 63) {
        *fault = "\"queue\" is not a name of 1 to 63 bytes";
        return false;
    }
    size_t i = 0;
    while (i < store->queues && strcmp(store->queue[i].name, name) != 0) {
        i++;
    }
    if (i == PN_QUEUES_MAX) {
        *fault = "more than 64 queues";
        return false;
    }
    struct pn_queue_entry *to = &store->queue[i];
    if (i == store->queues) {
        *to = (struct pn_queue_entry){.name = name, .library = "", .version = ""};
        to->kind = pn_queue_kind_of(store, name);
        store->queues++;
    }
    to->library = to->library[0] == '\0' ? pn_member_string(line, "library", "") : to->library;
    to->version = to->version[0] == '\0' ? pn_member_string(line, "version", "") : to->version;
    *index = i;
    return true;
}

/* Resident bytes over those before, per item: some time after the drain where that is known, else
 * right after it. Fewer than before is none. */
static bool take_left(struct pn_queue_store *store, const json_t *line, struct pn_queue_line *out,
                      const char **fault) {
    double drained;
    double later;
    if (!take(store, line, "rss_drained", -1e15, &drained, fault) ||
        !take(store, line, "rss_later", -1e15, &later, fault)) {
        return false;
    }
    out->left = fmax(isnan(later) ? drained : later, 0) / out->ops;
    out->left = isnan(drained) && isnan(later) ? NAN : out->left;
    out->left = isfinite(out->left) ? out->left : NAN;
    return true;
}

/* A line that only says why: of one workload if it names one, else of the whole queue. */
static bool take_absence(struct pn_queue_store *store, const json_t *line,
                         struct pn_queue_line *out, const char **fault) {
    out->reason = pn_member_string(line, "reason", "no reason recorded");
    out->workload = SIZE_MAX;
    if (pn_member(line, "workload") != NULL) {
        return find_setting(store, line, &out->workload, fault);
    }
    if (store->queue[out->queue].missing == NULL) {
        store->queue[out->queue].missing = out->reason;
    }
    return true;
}

/* Text goes to terminals too: no control character of a child's last words reaches them. */
static void clean(json_t *line, const char *key) {
    json_t *value = json_object_get(line, key);
    const char *text = json_string_value(value);
    char *copy = text == NULL ? NULL : strdup(text);
    if (copy != NULL) {
        for (char *c = copy; *c != '\0'; c++) {
            if ((unsigned char)*c < 0x20 || *c == 0x7f) {
                *c = '?';
            }
        }
        (void)json_string_set(value, copy);
    }
    free(copy);
}

static bool take_line(struct pn_queue_store *store, json_t *line, struct pn_queue_line *out,
                      const char **fault) {
    static const char *const texts[] = {"queue",  "library",  "version",
                                        "status", "workload", "reason"};
    double round;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        clean(line, texts[i]);
    }
    out->status = pn_member_string(line, "status", NULL);
    out->reason = pn_member_string(line, "reason", NULL);
    if (out->status == NULL) {
        *fault = "\"status\" is not a string";
        return false;
    }
    if (!find_queue(store, line, &out->queue, fault)) {
        return false;
    }
    if (strcmp(out->status, "not measured") == 0) {
        return take_absence(store, line, out, fault);
    }
    if (!find_setting(store, line, &out->workload, fault) ||
        !take(store, line, "round", 0, &round, fault) ||
        !take(store, line, "mops", 0, &out->mops, fault) ||
        !take(store, line, "longest_wait_ns", 0, &out->wait_ns, fault) ||
        !take(store, line, "rss_per_item", 0, &out->per_item, fault) ||
        !take(store, line, "hop_ns", 0, &out->hop_ns, fault) ||
        !take(store, line, "ops", 0, &out->ops, fault) || !take_left(store, line, out, fault)) {
        return false;
    }
    out->emulated = strcmp(pn_member_string(line, "batch_kind", ""), "emulated") == 0;
    if (!(round < PN_ROUNDS_MAX) || floor(round) != round) {
        *fault = "\"round\" is not a whole number below 1000";
        return false;
    }
    out->planned = true;
    out->round = (size_t)round;
    out->good = strcmp(out->status, "ok") == 0;
    if (out->good && !(out->mops > 0) && isnan(out->per_item)) {
        *fault = "status is ok, but neither \"mops\" nor \"rss_per_item\" is above 0";
        return false;
    }
    return true;
}

static bool grow(struct pn_queue_store *store) {
    if (store->docs < store->capacity) {
        return true;
    }
    size_t wider = store->capacity == 0 ? 512 : store->capacity * 2;
    json_t **doc = realloc(store->doc, wider * sizeof(json_t *));
    store->doc = doc == NULL ? store->doc : doc;
    struct pn_queue_line *line = realloc(store->line, wider * sizeof *line);
    store->line = line == NULL ? store->line : line;
    if (doc == NULL || line == NULL) {
        return false;
    }
    store->capacity = wider;
    return true;
}

/* The line that stands first in the same place, or 0; `line` takes the place if it is free. */
static json_int_t claim(json_t *places, const struct pn_queue_line *line) {
    char place[96];
    (void)snprintf(place, sizeof place, "%zu %zu %zu", line->planned ? line->round + 1 : 0,
                   line->workload, line->queue);
    const json_t *first = json_object_get(places, place);
    if (first == NULL) {
        (void)json_object_set_new(places, place, json_integer((json_int_t)line->line));
    }
    return json_integer_value(first);
}

/* Takes `doc`. */
static int add(struct pn_queue_store *store, json_t *places, const struct pn_lines *in, json_t *doc,
               struct pn_report_error *err) {
    const char *fault = NULL;
    if (!grow(store)) {
        json_decref(doc);
        return pn_report_fail(err, PN_REPORT_FAILED, "%s: out of memory", in->path);
    }
    struct pn_queue_line *line = &store->line[store->lines];
    *line = (struct pn_queue_line){.line = in->line,
                                   .mops = NAN,
                                   .wait_ns = NAN,
                                   .per_item = NAN,
                                   .left = NAN,
                                   .ops = NAN,
                                   .hop_ns = NAN};
    store->doc[store->docs++] = doc;
    if (!take_line(store, doc, line, &fault)) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: %s", in->path, in->line, fault);
    }
    json_int_t first = claim(places, line);
    if (first != 0) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT,
                              "%s:%u: round, workload and queue of line %d repeated", in->path,
                              in->line, (int)first);
    }
    if (line->planned && line->round + 1 > store->rounds) {
        store->rounds = line->round + 1;
    }
    store->lines++;
    return 0;
}

int pn_queue_store_read(const char *dir, struct pn_queue_store *store,
                        struct pn_report_error *err) {
    struct pn_lines in = {.data = NULL};
    json_t *doc = NULL;
    json_t *places = json_object();
    int got = places == NULL || pn_queue_targets_load(store) != 0
                  ? pn_report_fail(err, PN_REPORT_FAILED, "out of memory")
                  : pn_lines_open(&in, dir, "queues.jsonl", err);
    while (got >= 0 && (got = pn_lines_next(&in, &doc, err)) == 1) {
        if (add(store, places, &in, doc, err) != 0) {
            got = -1;
        }
    }
    if (got == 0 && store->lines == 0) {
        got = pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s: holds no line", in.path);
    }
    store->cut = in.cut;
    store->cut_line = in.line;
    json_decref(places);
    pn_lines_close(&in);
    return got;
}

void pn_queue_store_free(struct pn_queue_store *store) {
    for (size_t i = 0; i < store->docs; i++) {
        json_decref(store->doc[i]);
    }
    json_decref(store->targets);
    free(store->doc);
    free(store->line);
    free(store->mops);
    *store = (struct pn_queue_store){.docs = 0};
}
