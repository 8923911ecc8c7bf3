/* SPDX-License-Identifier: MIT
 *
 * The events that every runtime writes, ours and the peers': one shape, checked in one place.
 */
#ifndef PINION_EVENT_SCHEMA_H
#define PINION_EVENT_SCHEMA_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* How many of each a run has printed. */
struct pn_events_seen {
    json_int_t jobs_done, crashes, restarts, snapshots, fulls, summaries;
    json_t *summary; /* owned; NULL = none yet */
};

/**
 * One line of a run's events against the schema: a known event, each field of its type, nothing
 * else (a summary may hold more), of this design, and none behind the summary.
 * \return 0; -EBADMSG and what is wrong in `why`
 */
int pn_event_check(const char *line, const char *design, struct pn_events_seen *seen, char *why,
                   size_t cap);
void pn_events_seen_fini(struct pn_events_seen *seen);

#endif
