/* SPDX-License-Identifier: MIT
 *
 * The end of every measuring command: the report is written, the verdict and its path are printed.
 */
#ifndef PN_CLI_VERDICT_PRINT_H
#define PN_CLI_VERDICT_PRINT_H

#include <pinion/campaign.h>

/** \return the command's exit code */
int pn_campaign_conclude(const char *directory, enum pn_campaign_end end,
                         const struct pn_campaign_sum *sum, const struct pn_error *err);

#endif
