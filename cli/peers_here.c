/* SPDX-License-Identifier: MIT */
#include "peers_here.h"

#include "command.h"

#include <pinion/peer.h>

static const char *text_of(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return text == NULL ? "" : text;
}

int pn_peers_here(struct pn_sweep_plan *sweeps, unsigned n, const char *program, bool require,
                  const struct pn_common *common, json_t *manifest) {
    json_t *peers = json_array();
    json_t *absent = json_array();
    (void)pn_peers_keep(sweeps, n, program, peers, absent);
    int code = 0;
    for (size_t i = 0; i < json_array_size(absent) && code == 0; i++) {
        const json_t *row = json_array_get(absent, i);
        if (require) {
            code =
                pn_fail(PN_EXIT_MACHINE, "%s: %s", text_of(row, "design"), text_of(row, "reason"));
        } else {
            pn_note(common, "%s is left out: %s", text_of(row, "design"), text_of(row, "reason"));
        }
    }
    for (unsigned i = 0; i < n && code == 0; i++) {
        if (sweeps[i].n_designs == 0) {
            code =
                pn_fail(PN_EXIT_MACHINE, "sweep '%s': none of its designs is here", sweeps[i].name);
        }
    }
    json_object_set_new(manifest, "peers", peers);
    json_object_set_new(manifest, "absent_designs", absent);
    return code;
}
