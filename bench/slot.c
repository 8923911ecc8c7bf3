/* SPDX-License-Identifier: MIT
 *
 * The child speaks the event protocol: a line {"event":"ready"} after its warm-up, then it waits
 * for a newline, measures, and ends with its summary. It may lie: its counts are added up again
 * here. What else it may do is child.c's.
 */
#include "child.h"
#include "gates.h"

#include <pinion/clock.h>
#include <pinion/placement.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static uint64_t cpu_of(pid_t pid) {
    clockid_t clock;
    struct timespec ts;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0) {
        return 0;
    }
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static json_t *find_summary(const char *text) {
    json_t *found = NULL;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        json_t *line = json_loadb(text, len, 0, NULL);
        const char *event = json_string_value(json_object_get(line, "event"));
        if (event != NULL && strcmp(event, "summary") == 0) {
            json_decref(found);
            found = json_incref(line);
        }
        json_decref(line);
        text += len + (text[len] == '\n');
    }
    return found;
}

static double half(const json_t *summary, const char *name) {
    return (double)json_integer_value(json_object_get(summary, name));
}

static void check_summary(const struct pn_slot_options *o, uint64_t window_ns, uint64_t cpu_ns,
                          struct pn_slot_result *r) {
    if (pn_summary_check(r->summary, o->jobs, window_ns, cpu_ns, r->error, sizeof r->error) != 0) {
        json_decref(r->summary);
        r->summary = NULL;
    }
    double half1 = half(r->summary, "half1_ns");
    double half2 = half(r->summary, "half2_ns");
    double more = half1 > half2 ? half1 - half2 : half2 - half1;
    r->unsteady = half1 > 0 && half2 > 0 && more > 0.01 * (half1 + half2);
}

static bool wait_ready(struct pn_child *c, enum pn_heard *why) {
    *why = PN_HEARD_SOMETHING;
    while (strchr(c->text, '\n') == NULL && *why == PN_HEARD_SOMETHING) {
        *why = pn_child_listen(c);
    }
    size_t len = strcspn(c->text, "\n");
    json_t *line = json_loadb(c->text, len, 0, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    bool ready = event != NULL && strcmp(event, "ready") == 0;
    json_decref(line);
    if (*why == PN_HEARD_SOMETHING && !ready) {
        do { /* no go for it: what it says is refused, once it has said it */
            *why = pn_child_listen(c);
        } while (*why == PN_HEARD_SOMETHING);
    }
    return *why == PN_HEARD_SOMETHING;
}

static int start(const struct pn_slot_options *o, struct pn_child *c) {
    struct pn_mask *before = NULL;
    char trim[64];
    char map[64];
    const char *environment[3] = {NULL};
    unsigned n = 0;
    if (o->malloc_thresholds > 0) {
        (void)snprintf(trim, sizeof trim, "MALLOC_TRIM_THRESHOLD_=%llu",
                       (unsigned long long)o->malloc_thresholds);
        (void)snprintf(map, sizeof map, "MALLOC_MMAP_THRESHOLD_=%llu",
                       (unsigned long long)o->malloc_thresholds);
        environment[n++] = trim;
        environment[n++] = map;
    }
    int rc = o->n_mask == 0 ? 0 : pn_mask_enter(o->mask, o->n_mask, &before);
    if (rc == 0) {
        rc = pn_child_start_in(c, o->argv, n == 0 ? NULL : environment, o->deadline_ns,
                               o->interrupted);
    }
    pn_mask_leave(before);
    return rc;
}

int pn_slot_run(const struct pn_slot_options *o, struct pn_slot_result *r) {
    struct pn_child c;
    memset(r, 0, sizeof *r);
    int rc = start(o, &c);
    if (rc != 0) {
        return rc;
    }
    enum pn_heard heard;
    struct pn_gate_reading before = {0};
    struct pn_gate_reading after = {0};
    uint64_t cpu0 = 0;
    if (wait_ready(&c, &heard)) {
        pn_gates_read(o, &before);
        cpu0 = cpu_of(c.pid);
        (void)!write(c.in, "\n", 1); /* a child that is gone shows when listened to */
        pn_child_end_input(&c);
        do {
            heard = pn_child_listen(&c);
        } while (heard == PN_HEARD_SOMETHING);
    }
    if (heard == PN_HEARD_END) {
        heard = pn_child_await_exit(&c);
    }
    int status = 0;
    uint64_t cpu1 = pn_child_reap(&c, heard != PN_HEARD_END, &status);
    pn_gates_read(o, &after);
    r->interrupted = heard == PN_HEARD_STOP;
    if (heard != PN_HEARD_END) {
        (void)snprintf(r->error, sizeof r->error, "%s", pn_heard_words[heard]);
    } else {
        r->summary = find_summary(c.text);
        uint64_t window = after.at_ns - before.at_ns;
        if (r->summary == NULL || status != 0) {
            json_decref(r->summary);
            r->summary = NULL;
            pn_child_explain(&c, status, r->error, sizeof r->error);
        } else if (before.at_ns == 0) {
            json_decref(r->summary);
            r->summary = NULL;
            (void)snprintf(r->error, sizeof r->error, "ran without waiting for the go");
        } else {
            check_summary(o, window, cpu1 > cpu0 ? cpu1 - cpu0 : 0, r);
        }
    }
    pn_gates_compare(o, &before, &after, cpu1 > cpu0 ? cpu1 - cpu0 : 0, r->summary, &r->gates);
    pn_gates_judge(&r->gates, r->void_reason, sizeof r->void_reason);
    pn_child_fini(&c);
    return 0;
}

void pn_slot_result_fini(struct pn_slot_result *r) {
    json_decref(r->summary);
    r->summary = NULL;
}
