/* SPDX-License-Identifier: MIT
 *
 * The parent's side of pinion-topo: spawn, read until the pipe ends, reap through a pidfd, with one
 * deadline for all of it.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    OUTPUT_BYTES_MAX = 16 << 20 /* 24 nodes and 384 PUs take 12 KB, 330 KB as XML */
};

void pn_error_set(struct pn_error *err, const char *format, ...) {
    if (err == NULL) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    for (char *c = err->text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ') {
            *c = '?'; /* a file's name may contain anything */
        }
    }
}

/* True if a program lies in the folder that the helper was built in, or below it. */
static bool is_in_build_tree(const char *self) {
    static const char built[] = PN_HELPER_BUILT;
    size_t folder = (size_t)(strrchr(built, '/') - built) + 1;
    return strncmp(self, built, folder) == 0;
}

/* Beside our own executable; for what lies in the build tree, that of the build tree, which an
 * installed older one must not be taken for; where an installed command has it; where it was
 * installed, or built. Never in a folder that only happens to be near: it could be anybody's. */
static int find_reader(char *path, size_t cap) {
    char self[2048] = "";
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    self[n > 0 ? n : 0] = '\0';
    bool built = is_in_build_tree(self);
    char *slash = strrchr(self, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    const struct {
        const char *folder, *file;
        bool usable;
    } places[] = {
        {self, "/pinion-topo", slash != NULL},
        {"", PN_HELPER_BUILT, built},
        {self, "/../libexec/pinion/pinion-topo", slash != NULL},
        {"", PN_HELPER_INSTALLED, true},
        {"", PN_HELPER_BUILT, true},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        int len = snprintf(path, cap, "%s%s", places[i].folder, places[i].file);
        if (places[i].usable && len > 0 && (size_t)len < cap && access(path, X_OK) == 0) {
            return 0;
        }
    }
    return -ENOEXEC;
}

static int spawn(const char *path, const char *kind, const char *what, int out, pid_t *pid) {
    posix_spawn_file_actions_t actions;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0) {
        return -rc;
    }
    char *argv[] = {(char *)"pinion-topo", (char *)kind, (char *)what, NULL};
    /* First of all: in a host with closed descriptors the pipe itself may be number 0 or 2. */
    rc = posix_spawn_file_actions_adddup2(&actions, out, 1);
    if (rc == 0) {
        rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    }
    if (rc == 0) {
        /* hwloc explains itself on stderr; our one line says what the caller can do. */
        rc = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    }
    if (rc == 0) {
        rc = posix_spawn(pid, path, &actions, NULL, argv, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

static int64_t now_ms(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int wait_readable(int fd, int64_t deadline) {
    for (;;) {
        int64_t left = deadline - now_ms();
        if (left <= 0) {
            return -ETIMEDOUT;
        }
        int rc = poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, (int)left);
        if (rc > 0) {
            return 0;
        }
        if (rc < 0 && errno != EINTR) {
            return -errno;
        }
    }
}

/* Read to the end of the pipe. */
static int collect(int fd, int64_t deadline, char **text) {
    size_t used = 0;
    size_t cap = 64 << 10;
    char *buffer = malloc(cap);
    while (buffer != NULL) {
        int rc = wait_readable(fd, deadline);
        if (rc != 0) {
            free(buffer);
            return rc;
        }
        ssize_t n = read(fd, buffer + used, cap - used - 1);
        if (n < 0 && errno != EINTR) {
            rc = -errno;
            free(buffer);
            return rc;
        }
        if (n == 0) {
            buffer[used] = '\0';
            *text = buffer;
            return 0;
        }
        used += n > 0 ? (size_t)n : 0;
        if (used + 1 == cap) {
            cap *= 2;
            char *larger = cap > OUTPUT_BYTES_MAX ? NULL : realloc(buffer, cap);
            if (larger == NULL) {
                free(buffer);
                return -EPROTO;
            }
            buffer = larger;
        }
    }
    return -ENOMEM;
}

/* The helper has ended when this returns; it is killed if it outlives the deadline. */
static void await_end(pid_t pid, int64_t deadline) {
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0 || wait_readable(fd, deadline) != 0) {
        /* Old kernels and some sandboxes know no pidfd. The pipe has ended by now, so that only the
         * exit itself could be missing. */
        siginfo_t info = {.si_pid = 0};
        while (now_ms() < deadline && fd < 0 &&
               waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
               info.si_pid == 0) {
            (void)usleep(1000);
        }
        if (fd >= 0 || info.si_pid == 0) {
            (void)kill(pid, SIGKILL);
        }
    }
    if (fd >= 0) {
        (void)close(fd);
    }
}

static int reap(pid_t pid, int64_t deadline) {
    int status = 0;
    await_end(pid, deadline);
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            /* A host that ignores SIGCHLD has it reaped already; the last line "end" must do. */
            return 0;
        }
    }
    return status;
}

/* Only what a caller can act on; anything else is a bad input. */
static int code_of(long said) {
    static const int known[] = {ENOENT, EACCES, EFBIG, ENOMEM};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (said == known[i]) {
            return -known[i];
        }
    }
    return -EINVAL;
}

static int judge(const char *what, int status, const char *text, struct pn_error *err) {
    const char *subject = what == NULL ? "this machine" : what;
    if (WIFSIGNALED(status)) {
        pn_error_set(err, "%s: the topology reader died of signal %d%s", subject, WTERMSIG(status),
                     what == NULL ? "" : "; the input is malformed or too large");
        return what == NULL ? -EPROTO : -EINVAL;
    }
    if (WEXITSTATUS(status) == 0) {
        return 0;
    }
    size_t len = strlen(text);
    const char *line = text;
    for (const char *next = text; len > 0 && next < text + len - 1; next++) {
        line = *next == '\n' ? next + 1 : line;
    }
    if (strncmp(line, "error ", strlen("error ")) != 0) {
        pn_error_set(err, "%s: the topology reader gave up (exit %d)", subject,
                     WEXITSTATUS(status));
        return what == NULL ? -EPROTO : -EINVAL;
    }
    char *reason = NULL;
    long said = strtol(line + strlen("error "), &reason, 10);
    reason += *reason == ' ';
    pn_error_set(err, "%.*s", (int)strcspn(reason, "\n"), reason);
    return code_of(said);
}

int pn_reader_run(const char *kind, const char *what, int deadline_ms, char **text,
                  struct pn_error *err) {
    char path[4096];
    if (find_reader(path, sizeof path) != 0) {
        pn_error_set(err, "pinion-topo not found beside the executable nor in %s; reinstall",
                     PN_HELPER_INSTALLED);
        return -ENOEXEC;
    }
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) {
        int rc = -errno;
        pn_error_set(err, "pipe: %s", strerror(-rc));
        return rc;
    }
    int64_t deadline = now_ms() + deadline_ms;
    pid_t pid = 0;
    int rc = spawn(path, kind, what, ends[1], &pid);
    (void)close(ends[1]);
    if (rc != 0) {
        (void)close(ends[0]);
        pn_error_set(err, "%s: %s", path, strerror(-rc));
        return -ENOEXEC;
    }
    char *output = NULL;
    rc = collect(ends[0], deadline, &output);
    (void)close(ends[0]);
    if (rc != 0 || output == NULL) {
        (void)kill(pid, SIGKILL);
    }
    int status = reap(pid, deadline);
    if (rc != 0 || output == NULL) {
        pn_error_set(err, "pinion-topo: %s",
                     rc == -ETIMEDOUT ? "no answer in time" : strerror(-rc));
        return rc == -ENOMEM ? rc : -EPROTO;
    }
    rc = judge(what, status, output, err);
    if (rc != 0) {
        free(output);
        return rc;
    }
    *text = output;
    return 0;
}
