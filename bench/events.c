/* SPDX-License-Identifier: MIT
 *
 * Events as JSON lines, in the shape that every runtime writes. Snapshots are written while the
 * round runs, by the collector; what happens on the cores is kept in their own records and written
 * after.
 */
#include "engine.h"

#include <inttypes.h>
#include <pinion/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint64_t pn_done_so_far(const struct pn_bench *b) {
    uint64_t done = 0;
    for (unsigned i = 0; i < b->n_cores; i++) {
        /* relaxed: a count that its core keeps raising, no edge */
        done += pn_load_rlx((PN_ATOMIC(uint64_t) *)&b->tallies[i].done);
    }
    return done;
}

uint64_t pn_status_kb(const char *label) {
    char line[256];
    uint64_t kb = PN_NONE;
    FILE *f = fopen("/proc/self/status", "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, label, strlen(label)) == 0) {
            kb = strtoull(line + strlen(label), NULL, 10);
            break;
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return kb;
}

static void head(const struct pn_bench *b, FILE *to, const char *event, uint64_t at_ns) {
    (void)fprintf(to, "{\"event\":\"%s\",\"schema\":1,\"runtime\":\"%s\",\"t_ns\":%" PRIu64, event,
                  b->options->design, at_ns - b->round.start_ns);
}

static void write_job(const struct pn_bench *b, FILE *to, const struct pn_record *r) {
    head(b, to, "job_done", r->at_ns);
    (void)fprintf(to, ",\"producer\":%" PRIu32 ",\"i\":%" PRIu32 ",\"worker\":%" PRIu32,
                  r->producer, r->i, r->worker);
    if (r->value_ns == UINT64_MAX) {
        (void)fputs(",\"lat_ns\":null", to);
    } else {
        (void)fprintf(to, ",\"lat_ns\":%" PRIu64, r->value_ns);
    }
    (void)fprintf(to, ",\"sleep_ns\":%" PRIu64 ",\"attempt\":1}\n", r->sleep_ns);
}

static void write_record(const struct pn_bench *b, FILE *to, const struct pn_record *r) {
    switch (r->kind) {
    case PN_RECORD_JOB:
        write_job(b, to, r);
        return;
    case PN_RECORD_CRASH:
        head(b, to, "worker_crash", r->at_ns);
        (void)fprintf(to, ",\"worker\":%" PRIu32 ",\"producer\":%" PRIu32 ",\"i\":%" PRIu32 "}\n",
                      r->worker, r->producer, r->i);
        return;
    case PN_RECORD_RESTART:
        head(b, to, "worker_restart", r->at_ns);
        (void)fprintf(to, ",\"worker\":%" PRIu32 ",\"down_ns\":%" PRIu64 "}\n", r->worker,
                      r->value_ns);
        return;
    case PN_RECORD_FULL:
        head(b, to, "queue_full", r->at_ns);
        (void)fprintf(to, ",\"producer\":%" PRIu32 ",\"%s\":%" PRIu64 "}\n", r->producer,
                      b->params->drop == 1 ? "dropped" : "waited_ns", r->value_ns);
        return;
    }
}

void pn_event_log(void *context, const struct pn_record *record) {
    struct pn_bench *b = context;
    (void)pthread_mutex_lock(&b->events_lock);
    write_job(b, b->options->events, record);
    (void)pthread_mutex_unlock(&b->events_lock);
}

void pn_event_snapshot(struct pn_bench *b, uint64_t cpu_ns) {
    FILE *to = b->options->events;
    if (to == NULL || !b->measured) {
        return;
    }
    uint64_t done = pn_done_so_far(b);
    (void)pthread_mutex_lock(&b->events_lock);
    head(b, to, "snapshot", pn_now_ns());
    (void)fprintf(to,
                  ",\"done\":%" PRIu64 ",\"in_flight\":null,\"queued\":null,\"reason\":\"only the "
                  "cores know, asking would disturb them\",\"rss_kb\":%" PRIu64
                  ",\"cpu_ns\":%" PRIu64 "}\n",
                  done, pn_status_kb("VmRSS:"), cpu_ns);
    (void)pthread_mutex_unlock(&b->events_lock);
}

void pn_events_write_records(struct pn_bench *b) {
    FILE *to = b->options->events;
    if (to == NULL) {
        return;
    }
    /* A core keeps as many crashes as a run may write: all may have happened there. */
    unsigned left[] = {
        [PN_RECORD_CRASH] = PN_CRASH_RECORDS_MAX, [PN_RECORD_RESTART] = PN_CRASH_RECORDS_MAX};
    for (unsigned i = 0; i < b->n_cores; i++) {
        for (uint64_t k = 0; k < b->tallies[i].n_records; k++) {
            const struct pn_record *r = &b->tallies[i].records[k];
            bool limited = r->kind == PN_RECORD_CRASH || r->kind == PN_RECORD_RESTART;
            if (limited && left[r->kind] == 0) {
                continue;
            }
            write_record(b, to, r);
            if (limited) {
                left[r->kind]--;
            }
        }
    }
    for (uint64_t p = 0; p < b->params->producers; p++) {
        for (unsigned k = 0; k < b->producers[p].n_full_records; k++) {
            write_record(b, to, &b->producers[p].full_records[k]);
        }
    }
}
