/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stddef.h>

extern const struct pn_command pn_cmd_bench;
extern const struct pn_command pn_cmd_doctor;
extern const struct pn_command pn_cmd_peers;
extern const struct pn_command pn_cmd_report;
extern const struct pn_command pn_cmd_run;
extern const struct pn_command pn_cmd_survey;
extern const struct pn_command pn_cmd_sweep;
extern const struct pn_command pn_cmd_topo;

const struct pn_command *const pn_commands[] = {
    &pn_cmd_bench,  &pn_cmd_doctor, &pn_cmd_peers, &pn_cmd_report, &pn_cmd_run,
    &pn_cmd_survey, &pn_cmd_sweep,  &pn_cmd_topo,  NULL,
};
