/* SPDX-License-Identifier: MIT */
#include "command.h"

#include <stddef.h>

const struct pn_command *const pn_commands[] = {
    NULL,
};
