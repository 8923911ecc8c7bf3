/* SPDX-License-Identifier: MIT */
#include "peers_build.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pinion/peer.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* The build tree is the directory of the program; its cache knows where the sources are. */
static int find_sources(const char *program, char *build, char *source) {
    const char *slash = strrchr(program, '/');
    char path[PATH_MAX];
    char line[PATH_MAX];
    static const char key[] = "CMAKE_HOME_DIRECTORY:INTERNAL=";
    (void)snprintf(build, PATH_MAX, "%.*s", (int)(slash - program), program);
    (void)snprintf(path, sizeof path, "%.4000s/CMakeCache.txt", build);
    source[0] = '\0';
    FILE *f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, key, sizeof key - 1) == 0) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(source, PATH_MAX, "%s", line + sizeof key - 1);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    return source[0] != '\0'
               ? 0
               : pn_fail(PN_EXIT_MACHINE,
                         "peers: %s is not in a build tree; the peers are built from the sources: "
                         "bench/run.sh does it",
                         program);
}

/* \param log  NULL: its output goes to our standard error \return its exit code; -errno */
static int call(const char *const *argv, const char *log) {
    posix_spawn_file_actions_t actions;
    pid_t pid = 0;
    int status = 0;
    (void)posix_spawn_file_actions_init(&actions);
    if (log == NULL) {
        (void)posix_spawn_file_actions_adddup2(&actions, 2, 1);
    } else {
        (void)posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC,
                                               0666);
        (void)posix_spawn_file_actions_adddup2(&actions, 1, 2);
    }
    int rc = -posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    if (rc != 0) {
        return rc;
    }
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int pn_peers_install(const char *program, const struct pn_common *common) {
    char build[PATH_MAX];
    char source[PATH_MAX];
    char script[PATH_MAX + 32];
    int code = find_sources(program, build, source);
    if (code != 0) {
        return code;
    }
    (void)snprintf(script, sizeof script, "%s/bench/peers/install.sh", source);
    const char *const argv[] = {script, common->dry_run ? "--dry-run" : NULL, NULL};
    int ended = call(argv, NULL);
    return ended == 0 ? 0
                      : pn_fail(PN_EXIT_MACHINE, "peers: %s: %s", script,
                                ended < 0 ? strerror(-ended) : "it could not install them");
}

static int build_one(const struct pn_peer *peer, const char *program, const char *build,
                     const struct pn_common *common) {
    char path[PATH_MAX];
    char target[64];
    char log[PATH_MAX + 32];
    struct pn_error why = {""};
    if (pn_peer_find(peer, program, path, sizeof path, &why) == 0) {
        return 0;
    }
    (void)snprintf(target, sizeof target, "peer_%s", peer->name);
    (void)snprintf(log, sizeof log, "%.4000s/peers/%s.log", build, peer->name);
    if (common->dry_run) {
        (void)printf("would build %s: cmake --build %s --target %s\n", peer->title, build, target);
        return 0;
    }
    pn_note(common, "building %s (log: %s) ...", peer->title, log);
    const char *const argv[] = {"cmake", "--build", build, "--target", target, NULL};
    int ended = call(argv, log);
    if (ended < 0) {
        return pn_fail(PN_EXIT_MACHINE, "peers: cmake: %s", strerror(-ended));
    }
    if (ended != 0) {
        return pn_fail(PN_EXIT_LATER, "peers: building %s failed: %s", peer->title, log);
    }
    return 0;
}

int pn_peers_build(const char *program, const struct pn_common *common) {
    char build[PATH_MAX];
    char source[PATH_MAX];
    int code = find_sources(program, build, source);
    for (unsigned i = 0; i < PN_PEERS_KNOWN && code == 0; i++) {
        code = build_one(&pn_peers[i], program, build, common);
    }
    return code;
}
