/* SPDX-License-Identifier: MIT */
#include <pinion/finding.h>

const char *pn_finding_status_name(enum pn_finding_status status) {
    static const char *const names[] = {"ok", "info", "warn", "fail", "skip"};
    return names[status];
}

const char *pn_finding_impact_name(enum pn_finding_impact impact) {
    static const char *const names[] = {"validity", "variance", "throughput", "latency"};
    return names[impact];
}
