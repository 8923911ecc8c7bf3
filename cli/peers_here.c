/* SPDX-License-Identifier: MIT */
#include "peers_here.h"

#include "command.h"

#include <errno.h>
#include <limits.h>
#include <pinion/conformance.h>
#include <pinion/peer.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(const json_t *row, const char *key) {
    const char *text = json_string_value(json_object_get(row, key));
    return text == NULL ? "" : text;
}

/* What a unit of work and the harness's own steps cost in each runtime: beside every ratio. */
static void ask_costs(const char *program, const json_t *peers, json_t *manifest) {
    static const char *const unit[] = {"unit", NULL};
    static const char *const touch[] = {"touch", "payload=16384", "alloc=4096", NULL};
    json_t *units = json_pack("{s:f}", "pinion", pn_reference_unit_ns());
    json_t *touched = json_array();
    for (unsigned i = 0; i < PN_PEERS_KNOWN; i++) {
        char path[PATH_MAX];
        struct pn_error why;
        bool used = false;
        for (size_t k = 0; k < json_array_size(peers); k++) {
            used = used || strcmp(text_of(json_array_get(peers, k), "name"), pn_peers[i].name) == 0;
        }
        if (!used || pn_peer_find(&pn_peers[i], program, path, sizeof path, &why) != 0) {
            continue;
        }
        json_t *said = pn_peer_ask(path, unit, &why);
        json_t *ns = json_object_get(said, "ns_per_unit");
        if (json_is_number(ns)) {
            json_object_set(units, pn_peers[i].name, ns);
        }
        json_decref(said);
        said = pn_peer_ask(path, touch, &why);
        if (said != NULL) {
            (void)json_object_del(said, "event");
            json_array_append_new(touched, said);
        }
    }
    json_object_set_new(manifest, "units", units);
    json_object_set_new(manifest, "touch", touched);
}

int pn_workload_path(const char *named, char *path, size_t cap) {
    char real[PATH_MAX];
    if (realpath(named, real) == NULL) {
        return pn_fail(PN_EXIT_INPUT, "workload %s: %s", named, strerror(errno));
    }
    (void)snprintf(path, cap, "%s", real);
    return 0;
}

int pn_peers_here(struct pn_sweep_plan *sweeps, unsigned n, const char *program,
                  const struct pn_peers_wish *wish, const struct pn_common *common,
                  json_t *manifest) {
    json_t *peers = json_array();
    json_t *absent = json_array();
    if (wish->workload != NULL) {
        const char *slash = strrchr(wish->workload, '/');
        const char *file = slash == NULL ? wish->workload : slash + 1;
        (void)pn_peers_leave_out(sweeps, n, absent);
        json_object_set_new(manifest, "workload", json_string(file));
    } else {
        (void)pn_peers_keep(sweeps, n, program, peers, absent);
    }
    int code = 0;
    for (size_t i = 0; i < json_array_size(absent) && code == 0; i++) {
        const json_t *row = json_array_get(absent, i);
        if (wish->require) {
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
    if (code == 0 && json_array_size(peers) > 0) {
        ask_costs(program, peers, manifest);
    }
    json_object_set_new(manifest, "peers", peers);
    json_object_set_new(manifest, "absent_designs", absent);
    return code;
}
