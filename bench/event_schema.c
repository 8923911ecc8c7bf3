/* SPDX-License-Identifier: MIT */
#include <pinion/event_schema.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* i: whole number; n: whole number or null; s: text; h: 16 hex digits. */
struct field {
    char type;
    const char *name;
};

static const struct field head[] = {
    {'s', "event"}, {'i', "schema"}, {'s', "runtime"}, {'i', "t_ns"}};
static const struct field job_done[] = {{'i', "producer"}, {'i', "i"},        {'i', "worker"},
                                        {'n', "lat_ns"},   {'i', "sleep_ns"}, {'i', "attempt"}};
static const struct field crash[] = {{'i', "worker"}, {'i', "producer"}, {'i', "i"}};
static const struct field restart[] = {{'i', "worker"}, {'i', "down_ns"}};
static const struct field waited[] = {{'i', "producer"}, {'i', "waited_ns"}};
static const struct field dropped[] = {{'i', "producer"}, {'i', "dropped"}};
static const struct field snapshot[] = {{'i', "done"},   {'n', "in_flight"}, {'n', "queued"},
                                        {'s', "reason"}, {'i', "rss_kb"},    {'i', "cpu_ns"}};
static const struct field summary[] = {{'i', "jobs"},
                                       {'i', "done"},
                                       {'i', "lost"},
                                       {'i', "collateral"},
                                       {'i', "dropped"},
                                       {'i', "restarts"},
                                       {'i', "queue_full"},
                                       {'h', "checksum"},
                                       {'i', "wall_ns"},
                                       {'i', "cpu_ns"},
                                       {'s', "producers_as"},
                                       {'s', "bound"},
                                       {'n', "queue_effective"},
                                       {'s', "queue_kind"},
                                       {'n', "detect_ns"},
                                       {'n', "restart_ns"},
                                       {'n', "recovery_ns"},
                                       {'n', "baseline_per_s"},
                                       {'n', "rss_recovered_kb"},
                                       {'n', "worker_min_jobs"},
                                       {'n', "worker_max_jobs"},
                                       {'n', "longest_gap_ns"},
                                       {'n', "p50_ns"},
                                       {'n', "p95_ns"},
                                       {'n', "p99_ns"},
                                       {'n', "p999_ns"},
                                       {'n', "max_ns"},
                                       {'i', "samples"},
                                       {'n', "sleep_mean_ns"},
                                       {'i', "rss_kb"},
                                       {'i', "hwm_kb"}};

#define FIELDS(list) list, sizeof(list) / sizeof((list)[0])

/* Events by name, and where each is counted. */
static const struct kind {
    const char *name;
    const struct field *fields;
    size_t n;
    size_t counter;
} kinds[] = {
    {"job_done", FIELDS(job_done), offsetof(struct pn_events_seen, jobs_done)},
    {"worker_crash", FIELDS(crash), offsetof(struct pn_events_seen, crashes)},
    {"worker_restart", FIELDS(restart), offsetof(struct pn_events_seen, restarts)},
    {"snapshot", FIELDS(snapshot), offsetof(struct pn_events_seen, snapshots)},
    {"queue_full", FIELDS(waited), offsetof(struct pn_events_seen, fulls)},
    {"summary", FIELDS(summary), offsetof(struct pn_events_seen, summaries)},
};

static bool fits(const json_t *value, char type) {
    const char *text = json_string_value(value);
    bool whole = json_is_integer(value) && json_integer_value(value) >= 0;
    switch (type) {
    case 'i':
        return whole;
    case 'n':
        return whole || json_is_null(value);
    case 's':
        return text != NULL && text[0] != '\0';
    default:
        return text != NULL && strlen(text) == 16 && strspn(text, "0123456789abcdef") == 16;
    }
}

static int complain(char *why, size_t cap, const char *what, const char *which) {
    (void)snprintf(why, cap, "%s%s%s", what, which[0] == '\0' ? "" : " ", which);
    return -EBADMSG;
}

static int check_fields(const json_t *event, const struct field *fields, size_t n, char *why,
                        size_t cap) {
    for (size_t i = 0; i < n; i++) {
        if (!fits(json_object_get(event, fields[i].name), fields[i].type)) {
            return complain(why, cap, "missing or of another type:", fields[i].name);
        }
    }
    return 0;
}

static const struct kind *find_kind(const char *name) {
    for (size_t i = 0; name != NULL && i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return &kinds[i];
        }
    }
    return NULL;
}

static int check_event(json_t *event, const char *design, struct pn_events_seen *seen, char *why,
                       size_t cap) {
    const char *name = json_string_value(json_object_get(event, "event"));
    const struct kind *kind = find_kind(name);
    if (kind == NULL) {
        return complain(why, cap, "no such event:", name == NULL ? "(none)" : name);
    }
    if (seen->summary != NULL) {
        return complain(why, cap, "stands behind the summary:", name);
    }
    bool drops = kind->fields == waited && json_object_get(event, "dropped") != NULL;
    const struct field *fields = drops ? dropped : kind->fields;
    int rc = check_fields(event, FIELDS(head), why, cap);
    rc = rc == 0 ? check_fields(event, fields, kind->n, why, cap) : rc;
    if (rc != 0) {
        return rc;
    }
    if (kind->fields != summary && json_object_size(event) != kind->n + 4) {
        return complain(why, cap, "a field that the schema does not have, in", name);
    }
    if (json_integer_value(json_object_get(event, "schema")) != 1 ||
        strcmp(json_string_value(json_object_get(event, "runtime")), design) != 0) {
        return complain(why, cap, "another schema or runtime than", design);
    }
    (*(json_int_t *)(void *)((char *)seen + kind->counter))++;
    if (kind->fields == summary) {
        seen->summary = json_incref(event);
    }
    return 0;
}

int pn_event_check(const char *line, const char *design, struct pn_events_seen *seen, char *why,
                   size_t cap) {
    json_error_t error;
    json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    int rc = event == NULL ? complain(why, cap, "no JSON:", error.text)
                           : check_event(event, design, seen, why, cap);
    json_decref(event);
    return rc;
}

void pn_events_seen_fini(struct pn_events_seen *seen) {
    json_decref(seen->summary);
    seen->summary = NULL;
}
