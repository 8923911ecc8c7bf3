/* SPDX-License-Identifier: MIT */
#include "findings_json.h"

/* null where there is nothing to say. */
static const char *or_null(const char *text) {
    return text[0] == '\0' ? NULL : text;
}

static json_t *finding_json(const struct pn_finding *f) {
    return json_pack("{s:s, s:s, s:s, s:s?, s:s, s:s, s:s, s:s, s:s?}", "id", f->id, "status",
                     pn_finding_status_name(f->status), "impact", pn_finding_impact_name(f->impact),
                     "value", or_null(f->value), "expected", f->expected, "source", f->source,
                     "why", f->why, "fix", f->fix, "reason", or_null(f->reason));
}

json_t *pn_findings_json(const struct pn_finding *findings, size_t n) {
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < n; i++) {
        if (json_array_append_new(array, finding_json(&findings[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}
