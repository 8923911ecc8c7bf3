/* SPDX-License-Identifier: MIT
 *
 * One thing a check of the machine found, as data: who prints it decides how.
 */
#ifndef PINION_FINDING_H
#define PINION_FINDING_H

#include <stdbool.h>

enum pn_finding_status {
    PN_FINDING_OK,
    PN_FINDING_INFO,
    PN_FINDING_WARN,
    PN_FINDING_FAIL,
    PN_FINDING_SKIP
};

/* What a bad value spoils. */
enum pn_finding_impact {
    PN_IMPACT_VALIDITY,
    PN_IMPACT_VARIANCE,
    PN_IMPACT_THROUGHPUT,
    PN_IMPACT_LATENCY
};

struct pn_finding {
    char id[32]; /* "cpu.governor" */
    enum pn_finding_status status;
    enum pn_finding_impact impact;
    char value[128]; /* with its unit; "" if unknown, then reason says why */
    char expected[96];
    char source[96];  /* the file or call it was read from */
    char why[192];    /* one sentence */
    char fix[192];    /* a command, or "" */
    char reason[128]; /* of a skip */
};

/* "ok", "info", "warn", "fail", "skip". Static storage. */
const char *pn_finding_status_name(enum pn_finding_status status);
/* "validity", "variance", "throughput", "latency". Static storage. */
const char *pn_finding_impact_name(enum pn_finding_impact impact);

#endif
