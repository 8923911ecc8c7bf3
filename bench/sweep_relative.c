/* SPDX-License-Identifier: MIT
 *
 * Values of a plan that only the machine fixes: workers=cores, workers=4xcores, and rate=80%, a
 * share of what the slowest native design reaches at that point in a closed loop.
 */
#include <pinion/sweep.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void pn_relative_cores(const char *assignment, unsigned cores, char *out, size_t cap) {
    const char *equals = strchr(assignment, '=');
    char *end = NULL;
    unsigned long factor = 1;
    if (equals != NULL && strcmp(equals + 1, "cores") != 0) {
        factor = strtoul(equals + 1, &end, 10);
        factor = end != equals + 1 && strcmp(end, "xcores") == 0 ? factor : 0;
    }
    if (equals == NULL || factor == 0) {
        (void)snprintf(out, cap, "%s", assignment);
        return;
    }
    (void)snprintf(out, cap, "%.*s=%lu", (int)(equals - assignment), assignment, factor * cores);
}

bool pn_relative_rate(const char *value, double *share) {
    char *end = NULL;
    double percent = strtod(value, &end);
    if (end == value || strcmp(end, "%") != 0 || !(percent > 0 && percent <= 200)) {
        return false;
    }
    *share = percent / 100;
    return true;
}
