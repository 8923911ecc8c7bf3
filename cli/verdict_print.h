/* SPDX-License-Identifier: MIT
 *
 * The end of every measuring command: the report is written, the verdict and its path are printed.
 */
#ifndef PN_CLI_VERDICT_PRINT_H
#define PN_CLI_VERDICT_PRINT_H

#include "args.h"

#include <pinion/campaign.h>
#include <pinion/report.h>

/** \return the command's exit code */
int pn_campaign_conclude(const char *directory, enum pn_campaign_end end,
                         const struct pn_campaign_sum *sum, const struct pn_error *err,
                         const struct pn_common *common);

/** The verdict as one JSON object. \return an exit code */
int pn_verdict_print_json(const struct pn_report_verdict *verdict);

#endif
