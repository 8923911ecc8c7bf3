/* SPDX-License-Identifier: MIT
 *
 * queues.jsonl in memory: every line checked, and the steps from there to a pn_queue_report.
 */
#ifndef PN_REPORTS_QUEUE_LINES_H
#define PN_REPORTS_QUEUE_LINES_H

#include <jansson.h>

#include <pinion/queue_report.h>

#include "json_lines.h"
#include "stat.h"

#define PN_QUEUES_MAX    64
#define PN_WORKLOADS_MAX 64

/* What one workload sets, NaN where it does not. Its name is what tells it from others. */
struct pn_queue_setting {
    const char *name;
    double threads, capacity, batch, work_lo, work_hi;
    bool chain; /* a batch travels as one linked item */
};

struct pn_queue_line {
    unsigned line;
    bool planned; /* false: only says why its queue does not take part in this workload */
    bool good;
    size_t queue, workload, round;
    bool emulated; /* a batch, item by item */
    double mops, ops, wait_ns;
    double per_item; /* resident bytes, with all items in it; NaN: not measured here */
    double left;     /* of them after the drain, per item */
    double hop_ns;   /* a line's trip from CPU to CPU just before */
    const char *status;
    const char *reason; /* NULL: none */
};

/* Owned by a report as its `store`; strings are borrowed from the documents. */
struct pn_queue_store {
    json_t **doc;
    size_t docs;
    struct pn_queue_line *line;
    size_t lines;
    size_t capacity; /* of doc and line */
    struct pn_queue_entry queue[PN_QUEUES_MAX];
    size_t queues;
    struct pn_queue_setting setting[PN_WORKLOADS_MAX];
    size_t settings;
    size_t rounds;
    double *mops; /* [(workload * queues + queue) * rounds + round], NaN where not good */
    json_t *targets;
    bool cut;
    unsigned cut_line;
    char fault[96]; /* what is wrong with the line at hand */
};

/* 0, or -1 with *err; *store is to be freed in either case. */
int pn_queue_store_read(const char *dir, struct pn_queue_store *store, struct pn_report_error *err);
void pn_queue_store_free(struct pn_queue_store *store);

/* Orders the workloads for people, and writes their names. */
void pn_queue_workloads_name(struct pn_queue_store *store, struct pn_queue_workload *workload);

/* Copies text, cut to its room but never in the middle of a character. */
void pn_queue_copy(char *to, size_t size, const char *from);

/* Rates of queue q in workload w, one per round. */
const double *pn_queue_rates(const struct pn_queue_store *store, size_t w, size_t q);
/* Median of values over rounds (n may be 0), with its interval; sorts `values`. */
struct pn_queue_figure pn_queue_median(double *values, size_t n);
/* Median of a / b over the rounds that have both. room holds `rounds` values. */
struct pn_queue_figure pn_queue_ratio(const double *a, const double *b, size_t rounds,
                                      double *room);

/* Lines of the table of targets, ended by NULL: the first names ours and the ceilings. */
extern const char *const pn_queue_target_lines[];
/* Which queues are ours and which are ceilings, by the table. */
enum pn_queue_kind pn_queue_kind_of(const struct pn_queue_store *store, const char *name);
/* Parses the table into store->targets. -1 if it is damaged or memory is short. */
int pn_queue_targets_load(struct pn_queue_store *store);
/* Fills targets and tally. 0 or -ENOMEM. */
int pn_queue_targets_judge(struct pn_queue_report *report);
/* Fills leads and headline. 0 or -ENOMEM. */
int pn_queue_leads_find(struct pn_queue_report *report);

/* A figure that is wanted and not there: "not measured: package X", "hang: …", or no common round;
 * written into room. */
const char *pn_queue_gap(const struct pn_queue_report *report, size_t workload, size_t queue,
                         char *room, size_t size);
/* Index of a queue by name; SIZE_MAX if the file does not hold it. */
size_t pn_queue_find(const struct pn_queue_report *report, const char *name);

#endif
