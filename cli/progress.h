/* SPDX-License-Identifier: MIT
 *
 * How far a campaign is: a line that rewrites itself on a terminal, else a line per round. To
 * stderr; written between slots, never during one.
 */
#ifndef PN_CLI_PROGRESS_H
#define PN_CLI_PROGRESS_H

#include "args.h"

#include <pinion/campaign.h>

/** A pn_campaign_options.progress; context is the struct pn_common. */
void pn_progress_print(void *context, const struct pn_progress *progress);

/** A pn_campaign_options.interrupted: true once, after SIGINT or SIGTERM came since
 * pn_signals_hold. The first is answered by saving and ending; the second ends at once, as signals
 * do. */
bool pn_signals_came(void);
/** Before any thread is started. */
void pn_signals_hold(void);

/** "3 m 20 s" */
void pn_print_duration(char *text, size_t cap, uint64_t ns);

#endif
