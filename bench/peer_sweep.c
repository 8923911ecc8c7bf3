/* SPDX-License-Identifier: MIT
 *
 * Which of a sweep's designs can be measured here. A peer that is not there leaves its name and the
 * reason, so that the report keeps its row.
 */
#include <pinion/peer.h>
#include <pinion/sweep.h>

#include <stdio.h>
#include <string.h>

static bool listed(const json_t *list, const char *key, const char *text) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *value = json_string_value(json_object_get(json_array_get(list, i), key));
        if (value != NULL && strcmp(value, text) == 0) {
            return true;
        }
    }
    return false;
}

/* What its program says of itself, once per peer; also why this mode of it cannot be had. */
static int ask_about(const struct pn_design_name *name, const char *program, json_t *peers,
                     struct pn_error *err) {
    static const char *const about[] = {"about", NULL};
    char path[4096];
    if (pn_peer_find(name->peer, program, path, sizeof path, err) != 0) {
        return -1;
    }
    if (!listed(peers, "name", name->peer->name)) {
        json_t *said = pn_peer_ask(path, about, err);
        if (said == NULL) {
            return -1;
        }
        (void)json_object_del(said, "event");
        (void)json_object_del(said, "runtime");
        json_object_set_new(said, "name", json_string(name->peer->name));
        json_array_append_new(peers, said);
    }
    for (size_t i = 0; i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        const json_t *absent = json_object_get(peer, "absent");
        const char *which = json_string_value(json_object_get(peer, "name"));
        for (size_t k = 0;
             which != NULL && strcmp(which, name->peer->name) == 0 && k < json_array_size(absent);
             k++) {
            const json_t *one = json_array_get(absent, k);
            const char *mode = json_string_value(json_object_get(one, "mode"));
            const char *why = json_string_value(json_object_get(one, "reason"));
            if (mode != NULL && strcmp(mode, name->mode) == 0) {
                (void)snprintf(err->text, sizeof err->text, "%.200s", why == NULL ? "" : why);
                return -1;
            }
        }
    }
    return 0;
}

static void take_out(struct pn_sweep_plan *s, unsigned at) {
    memmove(s->design[at], s->design[at + 1], (s->n_designs - at - 1) * sizeof s->design[0]);
    s->n_designs--;
}

typedef int judge(void *context, const struct pn_design_name *name, struct pn_error *why);

static unsigned keep(struct pn_sweep_plan *sweeps, unsigned n, judge *stays, void *context,
                     json_t *absent) {
    unsigned gone = 0;
    for (unsigned s = 0; s < n; s++) {
        for (unsigned d = 0; d < sweeps[s].n_designs;) {
            const char *design = sweeps[s].design[d];
            struct pn_design_name name;
            struct pn_error why = {""};
            if (pn_design_parse(design, &name, &why) == 0 &&
                (name.peer == NULL || stays(context, &name, &why) == 0)) {
                d++;
                continue;
            }
            gone++;
            if (!listed(absent, "design", design)) {
                json_array_append_new(absent,
                                      json_pack("{s:s,s:s}", "design", design, "reason", why.text));
            }
            take_out(&sweeps[s], d);
        }
    }
    return gone;
}

struct here {
    const char *program;
    json_t *peers;
};

static int is_here(void *context, const struct pn_design_name *name, struct pn_error *why) {
    const struct here *h = context;
    return ask_about(name, h->program, h->peers, why);
}

unsigned pn_peers_keep(struct pn_sweep_plan *sweeps, unsigned n, const char *program, json_t *peers,
                       json_t *absent) {
    struct here h = {program, peers};
    return keep(sweeps, n, is_here, &h, absent);
}

static int is_ours(void *context, const struct pn_design_name *name, struct pn_error *why) {
    (void)context;
    (void)snprintf(why->text, sizeof why->text, "%s cannot run a workload of your own: it is C",
                   name->peer->title);
    return -1;
}

unsigned pn_peers_leave_out(struct pn_sweep_plan *sweeps, unsigned n, json_t *absent) {
    return keep(sweeps, n, is_ours, NULL, absent);
}
