/* SPDX-License-Identifier: MIT
 *
 * Findings as the report reads them from a manifest.
 */
#ifndef PN_CLI_FINDINGS_JSON_H
#define PN_CLI_FINDINGS_JSON_H

#include <jansson.h>
#include <pinion/finding.h>
#include <stddef.h>

/**
 * An array of {id, status, impact, value|null, expected, source, why, fix, reason|null}.
 * \return owned by the caller, json_decref; NULL without memory
 */
json_t *pn_findings_json(const struct pn_finding *findings, size_t n);

#endif
