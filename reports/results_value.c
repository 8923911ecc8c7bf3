/* SPDX-License-Identifier: MIT */
#include "results_value.h"

#include <math.h>

#include "page.h"

void pn_json_put(json_t *object, const char *key, json_t *value) {
    (void)json_object_set_new(object, key,
                              value); /* a NULL value is caught when the text is made */
}

json_t *pn_json_number(double v) {
    return isfinite(v) ? json_real(v) : json_null();
}

json_t *pn_json_count(size_t n) {
    return json_integer((json_int_t)n);
}

static void put_reason(json_t *object, const char *key, const char *reason) {
    struct pn_label name = pn_label("%.100s_reason", key);
    pn_json_put(object, name.s, json_string(reason));
}

void pn_json_put_number(json_t *object, const char *key, double v, const char *reason) {
    pn_json_put(object, key, pn_json_number(v));
    if (!isfinite(v)) {
        put_reason(object, key, reason);
    }
}

json_t *pn_json_estimate(const struct pn_estimate *e, const char *reason) {
    json_t *out = json_object();
    pn_json_put_number(out, "median", e->value, reason);
    pn_json_put_number(out, "low", e->lo, "too few rounds for an interval at this level");
    pn_json_put_number(out, "high", e->hi, "too few rounds for an interval at this level");
    pn_json_put(out, "rounds", pn_json_count(e->n));
    return out;
}
