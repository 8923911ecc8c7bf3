/* SPDX-License-Identifier: MIT */
#include "peer_child.h"

#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Its errors go where ours go, and a Ctrl-C reaches both. */
static int start(const char *const *argv, pid_t *pid, int *from) {
    int ends[2];
    posix_spawn_file_actions_t actions;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        return -errno;
    }
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    int rc = -posix_spawn(pid, argv[0], &actions, NULL, (char *const *)argv, environ);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[1]);
    if (rc != 0) {
        (void)close(ends[0]);
        return rc;
    }
    *from = ends[0];
    return 0;
}

static int read_lines(int fd, void (*on_line)(const char *line, void *context), void *context) {
    FILE *from = fdopen(fd, "re");
    char *line = NULL;
    size_t cap = 0;
    if (from == NULL) {
        (void)close(fd);
        return -errno;
    }
    while (getline(&line, &cap, from) > 0) {
        on_line(line, context);
    }
    free(line);
    (void)fclose(from);
    return 0;
}

int pn_peer_child(const char *const *argv, void (*on_line)(const char *line, void *context),
                  void *context) {
    int status = 0;
    int from = -1;
    pid_t pid = 0;
    int rc = start(argv, &pid, &from);
    if (rc == 0) {
        rc = read_lines(from, on_line, context);
    }
    if (pid > 0) {
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
        }
    }
    if (rc != 0) {
        return pn_fail(PN_EXIT_MACHINE, "%s: %s", argv[0], strerror(-rc));
    }
    if (!WIFEXITED(status)) {
        return pn_fail(PN_EXIT_LATER, "%s: died of signal %d", argv[0], WTERMSIG(status));
    }
    int code = WEXITSTATUS(status);
    return code == PN_EXIT_OK || code == PN_EXIT_INPUT || code == PN_EXIT_MACHINE ? code
                                                                                  : PN_EXIT_LATER;
}
