/* SPDX-License-Identifier: MIT
 *
 * What a sweep or a survey would measure: the answer to --dry-run.
 */
#ifndef PN_CLI_PLAN_PRINT_H
#define PN_CLI_PLAN_PRINT_H

#include <pinion/campaign.h>

/** \param full  slots of 3 s instead of 0.3 s \param budget_ns  0 = none. \return an exit code */
int pn_plan_print(const struct pn_sweep_plan *sweeps, unsigned n, bool full, uint64_t budget_ns,
                  bool json);

#endif
