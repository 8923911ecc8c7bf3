/* SPDX-License-Identifier: MIT */
#include "peers_check.h"

#include "command.h"
#include "progress.h"

#include <jansson.h>
#include <limits.h>
#include <pinion/conformance.h>
#include <pinion/peer.h>
#include <stdio.h>
#include <string.h>

struct counts {
    unsigned ok, failed, refused;
};

/* What the steps are timed with: a page-sized and a large block, as the payload presets have them.
 */
static const char *const touched[] = {"touch", "payload=16384", "alloc=4096", NULL};

/* The mode of a peer on all sets. */
static enum pn_checked check_mode(const struct pn_peers_check *o, const char *path,
                                  const char *design, struct counts *n, json_t *failures) {
    for (unsigned i = 0; i < PN_CHECK_VALUES + o->sets; i++) {
        struct pn_check check;
        char why[300] = "";
        pn_check_make(i, o->seed, &check);
        enum pn_checked rc = pn_check_run(&check, path, design, pn_signals_came, why, sizeof why);
        n->ok += rc == PN_CHECKED_OK;
        n->refused += rc == PN_CHECKED_REFUSED;
        n->failed += rc == PN_CHECKED_FAILED;
        if (rc == PN_CHECKED_STOPPED) {
            return rc;
        }
        if (rc != PN_CHECKED_OK) {
            json_array_append_new(failures,
                                  json_pack("{s:s,s:s,s:b,s:s}", "set", check.text, "why", why,
                                            "refused", rc == PN_CHECKED_REFUSED, "design", design));
        }
    }
    return PN_CHECKED_OK;
}

static bool is_absent(const json_t *about, const char *mode) {
    const json_t *absent = json_object_get(about, "absent");
    for (size_t i = 0; i < json_array_size(absent); i++) {
        const char *name = json_string_value(json_object_get(json_array_get(absent, i), "mode"));
        if (name != NULL && strcmp(name, mode) == 0) {
            return true;
        }
    }
    return false;
}

static json_t *ask(const char *path, const char *const *words) {
    struct pn_error why = {""};
    json_t *line = pn_peer_ask(path, words, &why);
    return line != NULL ? line : json_pack("{s:s}", "reason", why.text);
}

/* `literal` computes nothing: it has no work to check. */
static enum pn_checked check_peer(const struct pn_peers_check *o, const struct pn_peer *peer,
                                  const char *path, json_t *report) {
    static const char *const about[] = {"about", NULL};
    static const char *const unit[] = {"unit", NULL};
    json_t *said = ask(path, about);
    json_t *modes = json_array();
    json_t *failures = json_array();
    enum pn_checked rc = PN_CHECKED_OK;
    for (const char *const *mode = peer->modes; *mode != NULL && rc == PN_CHECKED_OK; mode++) {
        char design[64];
        struct counts n = {0, 0, 0};
        if (strcmp(*mode, "literal") == 0 || is_absent(said, *mode)) {
            continue;
        }
        (void)snprintf(design, sizeof design, "%s:%s", peer->name, *mode);
        rc = check_mode(o, path, design, &n, failures);
        json_array_append_new(modes,
                              json_pack("{s:s,s:i,s:i,s:i}", "design", design, "ok", (int)n.ok,
                                        "failed", (int)n.failed, "refused", (int)n.refused));
    }
    json_decref(said);
    json_object_set_new(report, "name", json_string(peer->name));
    json_object_set_new(report, "modes", modes);
    json_object_set_new(report, "failures", failures);
    json_object_set_new(report, "unit", ask(path, unit));
    json_object_set_new(report, "touch", ask(path, touched));
    return rc;
}

static void print_ns(const json_t *line, const char *key, const char *what) {
    const json_t *value = json_object_get(line, key);
    if (json_is_number(value)) {
        (void)printf("%s %.2f ns", what, json_number_value(value));
    } else {
        (void)printf("%s not said", what);
    }
}

static unsigned print_peer(const json_t *report, double own_ns) {
    unsigned failed = 0;
    size_t i;
    json_t *row;
    json_array_foreach(json_object_get(report, "modes"), i, row) {
        unsigned bad = (unsigned)json_integer_value(json_object_get(row, "failed"));
        (void)printf("%-14s %3lld sets hold, %u fail, %lld refused\n",
                     json_string_value(json_object_get(row, "design")),
                     (long long)json_integer_value(json_object_get(row, "ok")), bad,
                     (long long)json_integer_value(json_object_get(row, "refused")));
        failed += bad;
    }
    json_array_foreach(json_object_get(report, "failures"), i, row) {
        (void)printf("  %s %s: %s\n",
                     json_is_true(json_object_get(row, "refused")) ? "refused" : "FAILED",
                     json_string_value(json_object_get(row, "design")),
                     json_string_value(json_object_get(row, "set")));
        (void)printf("    %s\n", json_string_value(json_object_get(row, "why")));
    }
    const json_t *touch = json_object_get(report, "touch");
    print_ns(json_object_get(report, "unit"), "ns_per_unit", "  a unit of work:");
    (void)printf(" (here %.2f ns); alone:", own_ns);
    print_ns(touch, "fill_ns", " filling 16 KiB");
    print_ns(touch, "read_ns", ", reading it");
    print_ns(touch, "alloc_ns", ", 4 KiB of scratch");
    (void)printf("\n");
    return failed;
}

int pn_peers_check(const struct pn_peers_check *o, const char *program,
                   const struct pn_common *common) {
    double own_ns = pn_reference_unit_ns();
    json_t *reports = json_array();
    unsigned failed = 0;
    enum pn_checked rc = PN_CHECKED_OK;
    pn_signals_hold();
    for (unsigned i = 0; i < PN_PEERS_KNOWN && rc == PN_CHECKED_OK; i++) {
        char path[PATH_MAX];
        struct pn_error why = {""};
        if (pn_peer_find(&pn_peers[i], program, path, sizeof path, &why) != 0) {
            pn_note(common, "%s: not checked", why.text);
            continue;
        }
        pn_note(common, "checking %s on %u sets per mode, seed %u", pn_peers[i].title,
                PN_CHECK_VALUES + o->sets, o->seed);
        json_t *report = json_object();
        rc = check_peer(o, &pn_peers[i], path, report);
        failed += common->json ? (unsigned)json_array_size(json_object_get(report, "failures"))
                               : print_peer(report, own_ns);
        json_array_append_new(reports, report);
    }
    if (common->json) {
        json_t *all = json_pack("{s:o,s:f,s:i}", "peers", reports, "own_ns_per_unit", own_ns,
                                "seed", (int)o->seed);
        (void)json_dumpf(all, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
        (void)printf("\n");
        json_decref(all);
    } else {
        json_decref(reports);
    }
    if (rc == PN_CHECKED_STOPPED) {
        return PN_EXIT_INTERRUPTED;
    }
    return failed > 0
               ? pn_fail(PN_EXIT_LATER, "peers: %u runs were not what they should be", failed)
               : PN_EXIT_OK;
}
