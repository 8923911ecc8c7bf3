/* SPDX-License-Identifier: MIT
 *
 * A peer from inside, while it runs: its own figures, a block per sample.
 */
#include "peers_inspect.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <pinion/peer.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

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

static int read_all(int fd, bool raw, unsigned *samples) {
    FILE *from = fdopen(fd, "re");
    char *line = NULL;
    size_t cap = 0;
    if (from == NULL) {
        (void)close(fd);
        return -errno;
    }
    while (getline(&line, &cap, from) > 0) {
        *samples += print_line(line, raw);
    }
    free(line);
    (void)fclose(from);
    return 0;
}

/* Its errors go where ours go, and a Ctrl-C reaches both. */
static int start(const char *path, const char *const *argv, pid_t *pid, int *from) {
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    int rc = -posix_spawn(pid, path, &actions, NULL, (char *const *)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (rc != 0) {
        (void)close(ends[0]);
        return rc;
    }
    *from = ends[0];
    return 0;
}

static int follow(const char *path, const char *const *argv, bool raw) {
    int status = 0;
    int from = -1;
    unsigned samples = 0;
    pid_t pid = 0;
    int rc = start(path, argv, &pid, &from);
    if (rc != 0) {
        return pn_fail(PN_EXIT_MACHINE, "peers: %s: %s", path, strerror(-rc));
    }
    (void)read_all(from, raw, &samples);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        int code = WIFEXITED(status) ? WEXITSTATUS(status) : PN_EXIT_LATER;
        return code == PN_EXIT_INPUT || code == PN_EXIT_MACHINE ? code : PN_EXIT_LATER;
    }
    return samples > 0 ? PN_EXIT_OK
                       : pn_fail(PN_EXIT_LATER, "peers: the run was over before the first sample: "
                                                "more jobs=, or fewer --ms");
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
    return follow(path, argv, common->json);
}
