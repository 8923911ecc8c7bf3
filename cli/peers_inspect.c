/* SPDX-License-Identifier: MIT
 *
 * A peer from inside, while it runs: its own figures, a block per sample.
 */
#include "peers_inspect.h"

#include "command.h"
#include "peer_child.h"

#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <pinion/peer.h>
#include <stdio.h>
#include <string.h>

enum { WORDS = 72 };

/* Scalars side by side, lists as rows. What the peer does not know it names by a reason. */
static void print_value(const char *key, const json_t *value) {
    switch (json_typeof(value)) {
    case JSON_STRING:
        (void)printf("  %s %s", key, json_string_value(value));
        break;
    case JSON_INTEGER:
        (void)printf("  %s %lld", key, (long long)json_integer_value(value));
        break;
    case JSON_REAL:
        (void)printf("  %s %.4g", key, json_real_value(value));
        break;
    case JSON_TRUE:
    case JSON_FALSE:
        (void)printf("  %s %s", key, json_is_true(value) ? "yes" : "no");
        break;
    default:
        break;
    }
}

static void print_flat(const json_t *object) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)object, key, value) {
        print_value(key, value);
    }
}

static void print_sample(const json_t *sample) {
    const char *key;
    json_t *value;
    (void)printf("%8.3f s", (double)json_integer_value(json_object_get(sample, "t_ns")) / 1e9);
    json_object_foreach((json_t *)sample, key, value) {
        bool head = strcmp(key, "event") == 0 || strcmp(key, "schema") == 0 ||
                    strcmp(key, "runtime") == 0 || strcmp(key, "t_ns") == 0;
        if (!head && !json_is_array(value) && !json_is_object(value)) {
            print_value(key, value);
        }
    }
    (void)printf("\n");
    json_object_foreach((json_t *)sample, key, value) {
        size_t i;
        json_t *row;
        json_array_foreach(value, i, row) {
            (void)printf("           %s", key);
            print_flat(row);
            (void)printf("\n");
        }
        if (json_is_object(value)) {
            (void)printf("           %s", key);
            print_flat(value);
            (void)printf("\n");
        }
    }
}

static bool print_line(const char *line, bool raw) {
    json_t *event = json_loads(line, 0, NULL);
    const char *kind = json_string_value(json_object_get(event, "event"));
    bool sample = kind != NULL && strcmp(kind, "inspect") == 0;
    if (raw && (sample || (kind != NULL && strcmp(kind, "summary") == 0))) {
        (void)fputs(line, stdout);
    } else if (sample) {
        print_sample(event);
    }
    (void)fflush(stdout);
    json_decref(event);
    return sample;
}

struct watch {
    bool raw;
    unsigned samples;
};

static void on_line(const char *line, void *context) {
    struct watch *w = context;
    w->samples += print_line(line, w->raw);
}

int pn_peers_inspect(const char *which, const char *program, const char *const *words, uint64_t ms,
                     const struct pn_common *common) {
    struct pn_design_name name;
    struct pn_error why = {""};
    char path[PATH_MAX];
    char every[24];
    if (pn_design_parse(which, &name, &why) != 0) {
        return pn_fail(PN_EXIT_INPUT, "peers: %s", why.text);
    }
    if (name.peer == NULL) {
        return pn_fail(PN_EXIT_INPUT, "peers: inspect beam or tokio, not %s", which);
    }
    if (pn_peer_find(name.peer, program, path, sizeof path, &why) != 0) {
        return pn_fail(PN_EXIT_MACHINE, "peers: %s; it comes with: pinion peers --install --build",
                       why.text);
    }
    (void)snprintf(every, sizeof every, "%" PRIu64, ms);
    const char *argv[WORDS] = {path,  "run",       "--json", "--summary",    "--design",
                               which, "--inspect", every,    "jobs=10000000"};
    unsigned n = 9;
    while (*words != NULL && n + 1 < WORDS) {
        argv[n++] = *words++;
    }
    struct watch w = {.raw = common->json};
    int code = pn_peer_child(argv, on_line, &w);
    if (code == 0 && w.samples == 0) {
        code = pn_fail(PN_EXIT_LATER, "peers: the run was over before the first sample: "
                                      "more jobs=, or fewer --ms");
    }
    return code;
}
