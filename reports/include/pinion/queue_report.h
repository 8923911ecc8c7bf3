/* SPDX-License-Identifier: MIT
 *
 * What a benchmark of queues says: rates, paired ratios, and which standing targets held.
 */
#ifndef PINION_QUEUE_REPORT_H
#define PINION_QUEUE_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include <pinion/report.h>

/* Whose queue it is. A ceiling is no queue: what the bare instruction would give. */
enum pn_queue_kind { PN_QUEUE_OURS, PN_QUEUE_PEER, PN_QUEUE_CEILING };

/* A median over rounds with its exact 95 % order-statistic interval. lo and hi are NaN under 6
 * rounds, value too without any. */
struct pn_queue_figure {
    double value;
    double lo;
    double hi;
    size_t rounds;
};

struct pn_queue_entry {
    const char *name;
    const char *library; /* "" where not recorded */
    const char *version; /* "" where not recorded */
    enum pn_queue_kind kind;
    const char *missing;                   /* why none of it was measured; NULL: it was */
    struct pn_queue_figure bytes_per_item; /* resident, of its largest memory workload */
    struct pn_queue_figure bytes_left;     /* of them after the drain, per item */
    double longest_wait_ns;                /* of all rounds and workloads; NaN: unknown */
    size_t longest_wait_in;                /* the workload of it */
};

struct pn_queue_workload {
    const char *id;  /* as the file names it: "pairs_t2_work" */
    char name[112];  /* "pairs T=2, 50–150 ns between operations" */
    char family[80]; /* what workloads of one panel share: "Pairs, 50–150 ns between operations" */
    char column[48]; /* and what tells them apart: "T=2" */
    size_t rounds;   /* that hold at least one line of it */
    bool rated;      /* rates are compared; a workload that measures memory has none to compare */
};

/* One queue in one workload. */
struct pn_queue_cell {
    struct pn_queue_figure mops; /* million operations (or items) per second */
    double least;                /* over rounds */
    double most;
    struct pn_queue_figure ratio; /* to the reference in the same round */
    double longest_wait_ns;       /* of all rounds; NaN: unknown */
    size_t failed;                /* rounds that ended otherwise than "ok" */
    bool emulated;                /* a batch that the queue has no operation for: item by item */
    const char *reason;           /* why there is no rate, or of the first failure; NULL */
};

/* A round that ended otherwise than "ok". */
struct pn_queue_failure {
    size_t queue;
    size_t workload;
    size_t round;
    const char *status; /* "hang", "wrong sum" */
    const char *reason; /* "" where none is given */
};

enum pn_target_state {
    PN_TARGET_HELD,
    PN_TARGET_MISSED,
    PN_TARGET_UNDECIDED,
    PN_TARGET_UNMEASURED,
    PN_TARGET_STATES
};
/* "held", "did not hold", "undecided", "not measured" */
extern const char *const pn_target_state_names[PN_TARGET_STATES];

/* One line of queue_targets.jsonl and what the run says of it. */
struct pn_queue_target {
    char claim[200]; /* "segq ≥ 1.7 × rte_ring_mpmc: pairs T=2, 50–150 ns between operations" */
    char said[200];  /* "×1.92 [1.85, 1.99], 21 rounds", or why it is undecided or not measured */
    enum pn_target_state state;
    struct pn_queue_figure figure;
};

/* Who is fastest in a workload, ours against the peers; ceilings take no part. */
struct pn_queue_lead {
    size_t workload;
    size_t peer;                  /* the fastest, by its median */
    size_t ours;                  /* the fastest, by its median */
    struct pn_queue_figure ratio; /* peer / ours, paired */
    bool peer_ahead;              /* the interval lies above 1 */
    bool ours_ahead;              /* it lies below 1 */
    char said[320];               /* one sentence */
};

struct pn_queue_report {
    char reference[64]; /* what `ratio` refers to */
    struct pn_queue_entry *queue;
    size_t queues; /* in the order in which the file names them */
    struct pn_queue_workload *workload;
    size_t workloads;           /* by family, then by column */
    struct pn_queue_cell *cell; /* [workload * queues + queue] */
    struct pn_queue_failure *failure;
    size_t failures;
    struct pn_queue_target *target;
    size_t targets;
    size_t tally[PN_TARGET_STATES]; /* targets per state */
    struct pn_queue_lead *lead;     /* workloads in which both sides were measured */
    size_t leads;
    size_t rounds;
    size_t lines;
    /* A cache line's trip from one CPU to another, as the slots saw it just before they measured.
     * On a virtual machine it changes with where the host puts the CPUs, and contended rates with
     * it. */
    struct pn_queue_figure hop_ns;
    double hop_least_ns;
    double hop_most_ns;
    char headline[256]; /* one sentence with its numbers */
    char notice[160];   /* "" or what was dropped while reading */
    void *store;        /* private: what the strings above live in */
};

/** Reads `dir`/queues.jsonl and works out what it says.
 *
 * Two rates are compared in the same round only, and only where both ended "ok"; the median of the
 * ratios is geometric between the middle two of an even number, so that A / B and B / A agree.
 * Reading is strict: a damaged line, an unknown field type, a repeated (round, workload, queue) is
 * an error that names file and line. Only a last line that a kill cut short is dropped, with a
 * notice.
 *
 * @param reference  the queue that ratios refer to; NULL: "segq", else the first of ours, else the
 *                   first measured. A name that the file does not hold is an error.
 * @param out  owned by the caller on success: pn_queue_report_free
 * @return 0, or -1 with *err. Threads: any. Blocks on the disk. */
int pn_queue_report_read(const char *dir, const char *reference, struct pn_queue_report **out,
                         struct pn_report_error *err);
/** NULL is allowed. */
void pn_queue_report_free(struct pn_queue_report *report);

/** The cell of a queue in a workload. */
const struct pn_queue_cell *pn_queue_report_cell(const struct pn_queue_report *report,
                                                 size_t workload, size_t queue);

/** A number as the report prints it: 3 significant digits, digits grouped. The text is written into
 * `room` and returned; "–" where `value` is NaN. */
const char *pn_queue_number(double value, char *room, size_t size);
/** "1.92 [1.85, 1.99]"; the bare value where there is no interval, "–" where there is none. */
const char *pn_queue_figure_text(const struct pn_queue_figure *figure, char *room, size_t size);

#endif
