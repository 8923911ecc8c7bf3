/* SPDX-License-Identifier: MIT
 *
 * Rounds of slots. Rounds are outermost and each is shuffled, so that an interrupted run is
 * balanced and no queue always follows the same one. In a round the workloads are in random order,
 * in a workload its queues: what is compared lies within seconds, as a virtual machine's CPUs may
 * be near each other now and far in the next minute (a line's trip took 33 or 140 ns on one,
 * changing every 5 to 60 s).
 */
#include "campaign.h"
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <pinion/clock.h>
#include <pinion/queue_rounds.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t deadline_default_ns = 20000000000u;

struct queue_slot {
    const json_t *entry; /* borrowed from list */
    const char *workload;
    unsigned like;          /* the number of the first slot in the plan with this workload */
    uint64_t first, second; /* where it stands in this round: of its workload, then its own */
};

struct rounds {
    const struct pn_queue_rounds_options *o;
    json_t *list;
    struct queue_slot *slot;
    unsigned n_slots; /* per round */
    int lines;        /* descriptor of queues.jsonl */
    uint64_t random, start_ns;
    struct pn_queue_rounds_sum sum;
};

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

/* splitmix64 */
static uint64_t draw(struct rounds *r) {
    uint64_t z = r->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int by_draw(const void *a, const void *b) {
    const struct queue_slot *x = a;
    const struct queue_slot *y = b;
    if (x->first != y->first) {
        return x->first < y->first ? -1 : 1;
    }
    return x->second < y->second ? -1 : x->second > y->second;
}

/* Every slot draws a number, every workload takes that of the first of its slots in the plan. */
static void shuffle(struct rounds *r) {
    for (unsigned i = 0; i < r->n_slots; i++) {
        struct queue_slot *slot = &r->slot[i];
        slot->first = slot->second = draw(r);
        for (unsigned k = 0; k < i; k++) {
            if (r->slot[k].like == slot->like) {
                slot->first = r->slot[k].first;
                break;
            }
        }
    }
    qsort(r->slot, r->n_slots, sizeof *r->slot, by_draw);
}

/* A slot without figures. */
static json_t *failed_line(const struct queue_slot *slot, const char *status, const char *reason) {
    static const char *const unknown[] = {
        "threads", "capacity",        "batch",        "work_ns",     "ops",       "seconds",
        "mops",    "longest_wait_ns", "rss_per_item", "rss_drained", "rss_later", "batch_kind"};
    json_t *line =
        json_pack("{s:s,s:s,s:s,s:s,s:s,s:o}", "queue", text_of(slot->entry, "queue"), "library",
                  text_of(slot->entry, "library"), "version", text_of(slot->entry, "version"),
                  "workload", slot->workload, "status", status, "reason", json_string(reason));
    if (json_object_get(line, "reason") == NULL) {
        json_object_set_new(line, "reason", json_string("(not UTF-8)"));
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        json_object_set_new(line, unknown[i], json_null());
    }
    return line;
}

static bool is_positive(const json_t *line, const char *key) {
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) && json_number_value(value) > 0;
}

/* What a program says of its slot, if it is about this slot and has the figures it claims. */
static json_t *read_line(const struct queue_slot *slot, const char *text) {
    json_t *line = json_loadb(text, strcspn(text, "\n"), 0, NULL);
    const char *queue = text_of(line, "queue");
    const char *workload = text_of(line, "workload");
    const char *status = text_of(line, "status");
    bool about = queue != NULL && workload != NULL && status != NULL &&
                 strcmp(queue, text_of(slot->entry, "queue")) == 0 &&
                 strcmp(workload, slot->workload) == 0;
    bool figures = about && (strcmp(status, "ok") != 0 ||
                             (is_positive(line, "mops") && is_positive(line, "ops") &&
                              is_positive(line, "seconds") && is_positive(line, "threads")));
    if (!figures) {
        json_decref(line);
        return NULL;
    }
    return line;
}

static json_t *judge(const struct queue_slot *slot, const struct pn_child *c, enum pn_heard heard,
                     int status) {
    char why[256];
    if (heard == PN_HEARD_TOO_LATE || heard == PN_HEARD_TOO_MUCH) {
        return failed_line(slot, heard == PN_HEARD_TOO_LATE ? "hang" : "garbage",
                           pn_heard_words[heard]);
    }
    json_t *line = read_line(slot, c->text);
    const char *said = text_of(line, "status");
    /* A program that says "ok" and then does not end well is not believed. */
    if (line != NULL && (status == 0 || strcmp(said, "ok") != 0)) {
        return line;
    }
    json_decref(line);
    if (status != 0) {
        pn_child_explain(c, status, why, sizeof why);
        return failed_line(slot, "failed", why);
    }
    (void)snprintf(why, sizeof why, "it printed no line about its slot: '%.60s'", c->text);
    for (char *at = why; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ') {
            *at = ' ';
        }
    }
    return failed_line(slot, "garbage", why);
}

/* \return the slot's line; NULL if it was interrupted */
static json_t *run_slot(const struct rounds *r, const struct queue_slot *slot) {
    char ms[16];
    (void)snprintf(ms, sizeof ms, "%u", r->o->slot_ms);
    const char *const argv[] = {text_of(slot->entry, "program"),
                                text_of(slot->entry, "queue"),
                                slot->workload,
                                "--ms",
                                ms,
                                NULL};
    uint64_t deadline = r->o->deadline_ns != 0
                            ? r->o->deadline_ns
                            : deadline_default_ns + 4000000u * (uint64_t)r->o->slot_ms;
    struct pn_child c;
    int rc = pn_child_start(&c, argv, deadline, r->o->interrupted);
    if (rc != 0) {
        return failed_line(slot, "failed", strerror(-rc));
    }
    int status = 0;
    enum pn_heard heard = pn_child_finish(&c, &status);
    json_t *line = heard == PN_HEARD_STOP ? NULL : judge(slot, &c, heard, status);
    pn_child_fini(&c);
    return line;
}

static int append(struct rounds *r, const json_t *line, struct pn_error *err) {
    return pn_rundir_append_line(r->lines, r->o->directory, "queues.jsonl", line, err);
}

static void tell(const struct rounds *r, unsigned round, const json_t *line) {
    if (r->o->progress == NULL) {
        return;
    }
    unsigned all = r->n_slots * r->o->rounds;
    uint64_t elapsed = pn_now_ns() - r->start_ns;
    struct pn_queue_progress p = {.round = round + 1,
                                  .rounds = r->o->rounds,
                                  .slot = r->sum.slots,
                                  .slots = all,
                                  .line = line,
                                  .elapsed_ns = elapsed,
                                  .left_ns = elapsed / r->sum.slots * (all - r->sum.slots)};
    r->o->progress(r->o->context, &p);
}

static enum pn_campaign_end run_round(struct rounds *r, unsigned round, struct pn_error *err) {
    shuffle(r);
    for (unsigned i = 0; i < r->n_slots; i++) {
        bool stop = r->o->interrupted != NULL && r->o->interrupted();
        json_t *line = stop ? NULL : run_slot(r, &r->slot[i]);
        if (line == NULL) {
            (void)snprintf(err->text, sizeof err->text, "interrupted in round %u; %s is kept",
                           round + 1, r->o->directory);
            return PN_CAMPAIGN_INTERRUPTED;
        }
        json_object_set_new(line, "round", json_integer(round));
        json_object_set_new(line, "slot", json_integer(r->sum.slots));
        int rc = append(r, line, err);
        if (rc == 0) {
            r->sum.slots++;
            r->sum.failed += strcmp(text_of(line, "status"), "ok") != 0;
            tell(r, round, line);
        }
        json_decref(line);
        if (rc != 0) {
            return PN_CAMPAIGN_FAILED;
        }
    }
    r->sum.rounds++;
    return PN_CAMPAIGN_COMPLETE;
}

static bool is_of(const struct queue_slot *slot, const char *workload) {
    return slot->workload != NULL && strcmp(slot->workload, workload) == 0;
}

static void add_slot(struct rounds *r, json_t *entry, const char *workload) {
    unsigned like = 0;
    while (like < r->n_slots && !is_of(&r->slot[like], workload)) {
        like++;
    }
    r->slot[r->n_slots++] = (struct queue_slot){.entry = entry, .workload = workload, .like = like};
}

/* One slot per queue and workload; a line for each queue that has none. */
static enum pn_campaign_end plan(struct rounds *r, struct pn_error *err) {
    size_t i;
    size_t k;
    json_t *entry;
    json_t *workload;
    unsigned most = 0;
    json_array_foreach(r->list, i, entry) {
        most += (unsigned)json_array_size(json_object_get(entry, "workloads"));
    }
    r->slot = calloc(most == 0 ? 1 : most, sizeof *r->slot);
    if (r->slot == NULL) {
        (void)snprintf(err->text, sizeof err->text, "no memory");
        return PN_CAMPAIGN_FAILED;
    }
    json_array_foreach(r->list, i, entry) {
        json_array_foreach(json_object_get(entry, "workloads"), k, workload) {
            const char *name = json_string_value(workload);
            if (name != NULL) {
                add_slot(r, entry, name);
            }
        }
        if (json_object_get(entry, "workloads") == NULL) {
            r->sum.missing++;
            if (append(r, entry, err) != 0) {
                return PN_CAMPAIGN_FAILED;
            }
        }
    }
    if (r->n_slots == 0) {
        (void)snprintf(err->text, sizeof err->text, "none of these queues has such a workload");
        return PN_CAMPAIGN_BAD_INPUT;
    }
    return PN_CAMPAIGN_COMPLETE;
}

static void describe(const struct rounds *r) {
    json_t *m = r->o->manifest;
    json_t *queues = json_deep_copy(r->list);
    size_t i;
    json_t *entry;
    json_array_foreach(queues, i, entry) {
        (void)json_object_del(entry, "program"); /* a path of this machine */
    }
    json_object_set_new(m, "seed", json_integer((json_int_t)r->o->seed));
    json_object_set_new(m, "queues", queues);
    json_object_set_new(m, "rounds_planned", json_integer(r->o->rounds));
    json_object_set_new(m, "slot_ms", json_integer(r->o->slot_ms));
}

static int stamp(const struct rounds *r, const char *status, struct pn_error *err) {
    return pn_rundir_stamp(r->o->directory, r->o->manifest, status, err);
}

static enum pn_campaign_end open_directory(struct rounds *r, struct pn_error *err) {
    char path[4096];
    bool empty = true;
    enum pn_campaign_end end = pn_rundir_make(r->o->directory, false, &empty, err);
    if (end != PN_CAMPAIGN_COMPLETE) {
        return end;
    }
    if (!empty) {
        (void)snprintf(err->text, sizeof err->text, "%.300s: not empty; name a new directory",
                       r->o->directory);
        return PN_CAMPAIGN_BAD_INPUT;
    }
    describe(r);
    if (stamp(r, "running", err) != 0) {
        return PN_CAMPAIGN_NO_ACCESS;
    }
    (void)snprintf(path, sizeof path, "%s/queues.jsonl", r->o->directory);
    r->lines = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    if (r->lines < 0) {
        (void)snprintf(err->text, sizeof err->text, "%.300s: %s", path, strerror(errno));
        return PN_CAMPAIGN_NO_ACCESS;
    }
    return PN_CAMPAIGN_COMPLETE;
}

static enum pn_campaign_end run(struct rounds *r, struct pn_error *err) {
    enum pn_campaign_end end = open_directory(r, err);
    if (end != PN_CAMPAIGN_COMPLETE) {
        return end;
    }
    end = plan(r, err);
    for (unsigned i = 0; i < r->o->rounds && end == PN_CAMPAIGN_COMPLETE; i++) {
        end = run_round(r, i, err);
    }
    struct pn_error later = {""};
    const char *status = end == PN_CAMPAIGN_COMPLETE      ? "complete"
                         : end == PN_CAMPAIGN_INTERRUPTED ? "interrupted"
                                                          : "partial";
    if (stamp(r, status, &later) != 0 && end == PN_CAMPAIGN_COMPLETE) {
        *err = later;
        end = PN_CAMPAIGN_FAILED;
    }
    return end;
}

enum pn_campaign_end pn_queue_rounds_run(const struct pn_queue_rounds_options *options,
                                         struct pn_queue_rounds_sum *sum, struct pn_error *err) {
    struct rounds r = {.o = options, .lines = -1, .random = options->seed};
    enum pn_campaign_end end = pn_queue_rounds_list(options, &r.list, err);
    r.start_ns = pn_now_ns();
    if (end == PN_CAMPAIGN_COMPLETE) {
        end = run(&r, err);
    }
    if (r.lines >= 0 && close(r.lines) != 0 && end == PN_CAMPAIGN_COMPLETE) {
        (void)snprintf(err->text, sizeof err->text, "%.300s/queues.jsonl: %s", options->directory,
                       strerror(errno));
        end = PN_CAMPAIGN_FAILED;
    }
    *sum = r.sum;
    free(r.slot);
    json_decref(r.list);
    return end;
}
