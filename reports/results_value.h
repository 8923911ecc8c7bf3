/* SPDX-License-Identifier: MIT
 *
 * Values of results.json: what is not known is null, with its reason in "<key>_reason".
 */
#ifndef PN_REPORTS_RESULTS_VALUE_H
#define PN_REPORTS_RESULTS_VALUE_H

#include <stddef.h>

#include <jansson.h>

#include <pinion/queue_report.h>

#include "stat.h"

/* Takes `value`. */
void pn_json_put(json_t *object, const char *key, json_t *value);
json_t *pn_json_number(double v);
json_t *pn_json_count(size_t n);
void pn_json_put_number(json_t *object, const char *key, double v, const char *reason);
/* median, low, high, rounds; `reason` where there is no median. */
json_t *pn_json_estimate(const struct pn_estimate *e, const char *reason);

/* The "queues" section. */
json_t *pn_queue_results(const struct pn_queue_report *report);

#endif
