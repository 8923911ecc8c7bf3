/* SPDX-License-Identifier: MIT
 *
 * What a run's manifest says of machine, program and command; and what is kept of the machine's
 * state before and after.
 */
#ifndef PN_CLI_MANIFEST_H
#define PN_CLI_MANIFEST_H

#include "machine.h"

#include <jansson.h>

/**
 * \param argv    NULL-terminated, as called
 * \param preset  "quick", "full" or NULL
 * \param extra   hashed into the fingerprint: what the plan is
 */
json_t *pn_manifest_json(const struct pn_machine *machine, char *const *argv, const char *preset,
                         const char *extra);

/** Six hex digits that tell hosts apart without naming them. */
void pn_host_hash(char text[16]);

/** Counters and settings that may explain a difference: /proc and /sys, as text. */
json_t *pn_environment_json(void);

#endif
