/* SPDX-License-Identifier: MIT
 *
 * pinion peers: which other runtimes are here to measure against, in which versions, and whether
 * they do the same work.
 */
#include "args.h"
#include "command.h"
#include "peers_build.h"
#include "peers_check.h"
#include "peers_inspect.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <pinion/peer.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct options {
    struct pn_common common;
    struct pn_peers_check check;
    bool build, install, require, wants_check;
    const char *only;      /* a peer's name, to inspect */
    const char *words[64]; /* key=value..., to inspect */
    unsigned n_words;
    uint64_t inspect_ms;
    bool inspect;
};

enum { OPT_BUILD = 256, OPT_INSTALL, OPT_REQUIRE, OPT_CHECK, OPT_SETS, OPT_MS };

static const struct argp_option option_table[] = {
    {"build", OPT_BUILD, NULL, 0, "build what is missing", 0},
    {"install", OPT_INSTALL, NULL, 0, "install what building needs, from the system's packages", 0},
    {"check", OPT_CHECK, NULL, 0, "whether each does the same work as we do", 0},
    {"sets", OPT_SETS, "N", 0, "drawn parameter sets of the check, default 50", 0},
    {"require", OPT_REQUIRE, NULL, 0, "exit code 3 if one is missing", 0},
    {"ms", OPT_MS, "MS", 0, "inspect: between two samples, default 500", 0},
    {0},
};

static int refuse(const char *text) {
    (void)pn_fail(PN_EXIT_INPUT, "peers: %s", text);
    return EINVAL;
}

static error_t parse_word(struct options *o, const char *arg) {
    if (!o->inspect) {
        o->inspect = strcmp(arg, "inspect") == 0;
        return o->inspect ? 0 : refuse("only the word 'inspect' may stand here");
    }
    if (o->only == NULL) {
        o->only = arg;
        return 0;
    }
    if (o->n_words + 1 == sizeof o->words / sizeof *o->words) {
        return refuse("too many parameters");
    }
    o->words[o->n_words++] = arg;
    return 0;
}

static error_t parse_option(int key, char *arg, struct argp_state *state) {
    struct options *o = state->input;
    uint64_t n = 0;
    switch (key) {
    case OPT_BUILD:
        o->build = true;
        return 0;
    case OPT_INSTALL:
        o->install = true;
        return 0;
    case OPT_REQUIRE:
        o->require = true;
        return 0;
    case OPT_CHECK:
        o->wants_check = true;
        return 0;
    case OPT_SETS:
        if (pn_args_number("sets", arg, &n) != 0) {
            return EINVAL;
        }
        o->check.sets = n > 10000 ? 10000 : (unsigned)n;
        return 0;
    case OPT_MS:
        if (pn_args_number("ms", arg, &o->inspect_ms) != 0) {
            return EINVAL;
        }
        return o->inspect_ms > 0 && o->inspect_ms <= 60000 ? 0 : refuse("--ms is 1 to 60000");
    case ARGP_KEY_ARG:
        return parse_word(o, arg);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* One row: what it says of itself, or why it is not here. Owned by the caller. */
static json_t *row_of(const struct pn_peer *peer, const char *program) {
    static const char *const about[] = {"about", NULL};
    char path[PATH_MAX];
    struct pn_error why = {""};
    json_t *row = NULL;
    if (pn_peer_find(peer, program, path, sizeof path, &why) == 0) {
        row = pn_peer_ask(path, about, &why);
        (void)json_object_del(row, "event");
        (void)json_object_del(row, "runtime");
    }
    json_t *status = json_string(row != NULL ? "here" : "missing");
    json_t *reason = row != NULL ? json_null() : json_string(why.text);
    row = row != NULL ? row : json_object();
    json_object_set_new(row, "name", json_string(peer->name));
    json_object_set_new(row, "status", status);
    json_object_set_new(row, "reason", reason);
    return row;
}

static bool is_here(const json_t *row) {
    return json_is_null(json_object_get(row, "reason"));
}

static void print_row(const json_t *row) {
    const char *name = json_string_value(json_object_get(row, "name"));
    if (!is_here(row)) {
        (void)printf("%-6s missing: %s\n", name, json_string_value(json_object_get(row, "reason")));
        return;
    }
    (void)printf("%-6s here:", name);
    const char *key;
    json_t *value;
    const char *comma = " ";
    json_object_foreach(json_object_get(row, "versions"), key, value) {
        (void)printf("%s%s %s", comma, key, json_string_value(value));
        comma = ", ";
    }
    (void)printf("\n       modes:");
    size_t i;
    json_array_foreach(json_object_get(row, "modes"), i, value) {
        (void)printf(" %s", json_string_value(value));
    }
    (void)printf("\n");
    json_array_foreach(json_object_get(row, "absent"), i, value) {
        (void)printf("       mode %s: %s\n", json_string_value(json_object_get(value, "mode")),
                     json_string_value(json_object_get(value, "reason")));
    }
    const char *flags = json_string_value(json_object_get(row, "flags"));
    (void)printf("       flags: %s\n", flags == NULL ? "not said" : flags);
}

static int list(const struct options *o, const char *program) {
    json_t *rows = json_array();
    unsigned missing = 0;
    for (unsigned i = 0; i < PN_PEERS_KNOWN; i++) {
        json_t *row = row_of(&pn_peers[i], program);
        missing += !is_here(row);
        json_array_append_new(rows, row);
        if (!o->common.json) {
            print_row(row);
        }
    }
    if (o->common.json) {
        (void)json_dumpf(rows, stdout, JSON_INDENT(1) | JSON_SORT_KEYS);
        (void)printf("\n");
    } else if (missing > 0) {
        (void)printf("missing ones come with: pinion peers --install --build\n");
    }
    json_decref(rows);
    return missing > 0 && o->require
               ? pn_fail(PN_EXIT_MACHINE, "peers: %u of %u missing", missing, PN_PEERS_KNOWN)
               : PN_EXIT_OK;
}

static int act(struct options *o, const char *program) {
    int code = 0;
    if (o->install) {
        code = pn_peers_install(program, &o->common);
    }
    if (code == 0 && o->build) {
        code = pn_peers_build(program, &o->common);
    }
    if (code == 0 && o->inspect) {
        o->words[o->n_words] = NULL;
        return pn_peers_inspect(o->only, program, o->words, o->inspect_ms, &o->common);
    }
    if (code == 0 && !(o->common.dry_run && (o->install || o->build))) {
        code = list(o, program);
    }
    if (code == 0 && o->wants_check) {
        o->check.seed = (uint32_t)o->common.seed;
        code = pn_peers_check(&o->check, program, &o->common);
    }
    return code;
}

static int run(int argc, char **argv) {
    struct options o = {.check = {.sets = 50}, .inspect_ms = 500};
    const struct argp argp = {option_table,
                              parse_option,
                              "[inspect beam|tokio [key=value...]]",
                              "Other runtimes to measure against.",
                              NULL,
                              NULL,
                              NULL};
    char program[PATH_MAX];
    int code;
    if (!pn_args_parse(&argp, argc, argv, &o, &o.common, &code)) {
        return code;
    }
    if (o.inspect && o.only == NULL) {
        return pn_fail(PN_EXIT_INPUT, "peers: inspect whom? beam or tokio");
    }
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    if (n <= 0) {
        return pn_fail(PN_EXIT_MACHINE, "peers: /proc is not mounted");
    }
    program[n] = '\0';
    return act(&o, program);
}

const struct pn_command pn_cmd_peers = {"peers", "other runtimes to measure against", run};
