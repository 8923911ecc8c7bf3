/* SPDX-License-Identifier: MIT */
#include "guard.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

double pn_unit_ns(const struct pn_rundir *run, const char *design) {
    const json_t *units = pn_member(run->manifest, "units");
    char family[32];
    (void)snprintf(family, sizeof family, "%.*s", (int)pn_family_length(design), design);
    double ns = pn_member_number(units, design);
    ns = isnan(ns) ? pn_member_number(units, family) : ns;
    if (isnan(ns) && (strcmp(family, "shared") == 0 || strcmp(family, "mailbox") == 0)) {
        ns = pn_member_number(units, "pinion");
    }
    return ns > 0 ? ns : NAN;
}
