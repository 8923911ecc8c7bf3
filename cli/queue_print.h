/* SPDX-License-Identifier: MIT
 *
 * What a benchmark of queues says, for a terminal and as JSON.
 */
#ifndef PN_CLI_QUEUE_PRINT_H
#define PN_CLI_QUEUE_PRINT_H

#include <jansson.h>
#include <pinion/queue_report.h>

/** A table per workload, the fastest first; then memory, what failed, what was not measured. */
void pn_queue_print(const struct pn_queue_report *report);

/** The standing targets, a line each. */
void pn_queue_print_targets(const struct pn_queue_report *report);

/** The same figures as one object. */
json_t *pn_queue_print_json(const struct pn_queue_report *report);

/**
 * The paired ratio of one queue to the report's reference, in one line.
 * \return 0, or an exit code after one line on stderr
 */
int pn_queue_print_ratio(const struct pn_queue_report *report, const char *queue,
                         const char *workload);

#endif
