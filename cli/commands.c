/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stddef.h>

extern const struct pn_command pn_cmd_bench;

const struct pn_command *const pn_commands[] = {
    &pn_cmd_bench,
    NULL,
};
