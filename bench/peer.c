/* SPDX-License-Identifier: MIT */
#include <pinion/peer.h>

#include "child.h"

#include <errno.h>
#include <pinion/outcome.h>
#include <pinion/properties.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const modes_beam[] = {"tuned", "naive", "spawn", "literal", "gleam", NULL};
static const char *const modes_tokio[] = {"tuned", "naive", "shared", "spawn", "literal", NULL};

const struct pn_peer pn_peers[PN_PEERS_KNOWN] = {
    {"beam", "BEAM", modes_beam, "erlc"},
    {"tokio", "Tokio", modes_tokio, "cargo"},
};

static const uint64_t ask_deadline_ns = 30000000000u;

static int refuse(struct pn_error *err, const char *text, const char *why) {
    (void)snprintf(err->text, sizeof err->text, "design '%.80s': %.200s", text, why);
    return -EINVAL;
}

static bool has_mode(const struct pn_peer *peer, const char *mode) {
    for (const char *const *m = peer->modes; *m != NULL; m++) {
        if (strcmp(*m, mode) == 0) {
            return true;
        }
    }
    return false;
}

/* "+key=value+key=value": each with a key and a value. */
static bool are_switches(const char *at) {
    while (*at == '+') {
        size_t len = strcspn(++at, "+");
        const char *equals = memchr(at, '=', len);
        if (equals == NULL || equals == at || equals + 1 == at + len) {
            return false;
        }
        at += len;
    }
    return *at == '\0';
}

static int cut(const char *from, size_t len, char *to, size_t cap) {
    if (len == 0 || len >= cap) {
        return -EINVAL;
    }
    memcpy(to, from, len);
    to[len] = '\0';
    return 0;
}

static int parse_mode(const char *text, size_t len, struct pn_design_name *name,
                      struct pn_error *err) {
    const char *colon = memchr(text, ':', len);
    if (name->peer == NULL) {
        struct pn_properties properties;
        char base[16];
        if (strcmp(text, "loop") == 0) {
            return 0;
        }
        if (colon != NULL || !pn_design_known(name->base)) {
            return refuse(err, text, "there are shared, mailbox, loop, tokio:MODE and beam:MODE");
        }
        return pn_properties_parse(text, &properties, base, err);
    }
    if (colon == NULL) {
        (void)snprintf(name->mode, sizeof name->mode, "%s", name->peer->modes[0]);
        return 0;
    }
    if (cut(colon + 1, len - (size_t)(colon + 1 - text), name->mode, sizeof name->mode) == 0 &&
        has_mode(name->peer, name->mode)) {
        return 0;
    }
    char why[160];
    size_t n = (size_t)snprintf(why, sizeof why, "%s has the modes", name->peer->name);
    for (const char *const *m = name->peer->modes; *m != NULL && n < sizeof why; m++) {
        n += (size_t)snprintf(why + n, sizeof why - n, " %s", *m);
    }
    return refuse(err, text, why);
}

int pn_design_parse(const char *text, struct pn_design_name *name, struct pn_error *err) {
    size_t len = strcspn(text, "+");
    size_t base = strcspn(text, ":+");
    memset(name, 0, sizeof *name);
    name->switches = text + len;
    if (cut(text, base, name->base, sizeof name->base) != 0) {
        return refuse(err, text, "there are shared, mailbox, loop, tokio:MODE and beam:MODE");
    }
    for (unsigned i = 0; i < PN_PEERS_KNOWN; i++) {
        if (strcmp(pn_peers[i].name, name->base) == 0) {
            name->peer = &pn_peers[i];
        }
    }
    if (!are_switches(name->switches)) {
        return refuse(err, text, "a switch is +key=value");
    }
    return parse_mode(text, len, name, err);
}

/* Why it was not built, as the build has written it beside it. */
static void read_why(const char *path, const struct pn_peer *peer, struct pn_error *err) {
    char why[4200];
    char line[200] = "";
    (void)snprintf(why, sizeof why, "%s.why", path);
    FILE *f = fopen(why, "re");
    if (f != NULL && fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    (void)snprintf(err->text, sizeof err->text, "%s: %s", peer->name,
                   line[0] != '\0' ? line : "not built here");
}

int pn_peer_find(const struct pn_peer *peer, const char *program, char *path, size_t cap,
                 struct pn_error *err) {
    const char *slash = strrchr(program, '/');
    int folder = slash == NULL ? 0 : (int)(slash + 1 - program);
    int n =
        snprintf(path, cap, "%.*speers/%s/pinion-peer-%s", folder, program, peer->name, peer->name);
    if (n < 0 || (size_t)n >= cap) {
        (void)snprintf(err->text, sizeof err->text, "%s: its path is too long", peer->name);
        return -ENOENT;
    }
    if (access(path, X_OK) != 0) {
        read_why(path, peer, err);
        return -ENOENT;
    }
    return 0;
}

json_t *pn_peer_ask(const char *path, const char *const *words, struct pn_error *err) {
    enum { WORDS = 8 };
    const char *argv[WORDS + 2] = {path};
    for (unsigned i = 0; i < WORDS && words[i] != NULL; i++) {
        argv[i + 1] = words[i];
    }
    struct pn_child c;
    int status = 0;
    int rc = pn_child_start(&c, argv, ask_deadline_ns, NULL);
    if (rc != 0) {
        (void)snprintf(err->text, sizeof err->text, "%.200s: %s", path, strerror(-rc));
        return NULL;
    }
    enum pn_heard heard = pn_child_finish(&c, &status);
    json_t *line = NULL;
    if (heard != PN_HEARD_END) {
        (void)snprintf(err->text, sizeof err->text, "%.200s %s: %s", path, words[0],
                       pn_heard_words[heard]);
    } else if (status != 0) {
        char why[200];
        pn_child_explain(&c, status, why, sizeof why);
        (void)snprintf(err->text, sizeof err->text, "%.150s %s: %s", path, words[0], why);
    } else {
        line = json_loads(c.text, JSON_REJECT_DUPLICATES, NULL);
        if (!json_is_object(line)) {
            (void)snprintf(err->text, sizeof err->text, "%.200s %s: no JSON object", path,
                           words[0]);
            json_decref(line);
            line = NULL;
        }
    }
    pn_child_fini(&c);
    return line;
}
