/* SPDX-License-Identifier: MIT
 *
 * A child may hang, die or flood: it has a process group of its own, a deadline, and a cap on what
 * it may print. What it leaves behind is ended.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <pinion/clock.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 8 << 20, ASK_MS = 100 };

static void close_end(int *fd) {
    if (*fd >= 0) {
        (void)close(*fd);
        *fd = -1;
    }
}

static int open_pipes(int (*pipes)[2]) {
    for (unsigned i = 0; i < 3; i++) {
        if (pipe2(pipes[i], O_CLOEXEC) != 0) {
            int rc = -errno;
            while (i-- > 0) {
                (void)close(pipes[i][0]);
                (void)close(pipes[i][1]);
            }
            return rc;
        }
    }
    return 0;
}

static int spawn(struct pn_child *c, const char *const *argv, const char *const *more,
                 int (*pipes)[2]) {
    /* Nothing that the user's shell exports may make one run faster than the next. */
    enum { MORE = 6 };
    const char *environment[MORE + 3] = {"PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C"};
    for (unsigned i = 0; more != NULL && more[i] != NULL && i < MORE; i++) {
        environment[i + 2] = more[i];
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none;
    (void)sigemptyset(&none);
    (void)posix_spawn_file_actions_init(&actions);
    (void)posix_spawnattr_init(&attr);
    (void)posix_spawn_file_actions_adddup2(&actions, pipes[0][0], 0);
    (void)posix_spawn_file_actions_adddup2(&actions, pipes[1][1], 1);
    (void)posix_spawn_file_actions_adddup2(&actions, pipes[2][1], 2);
    /* A group of its own: what it starts ends with it, and the terminal's Ctrl-C is not its. */
    (void)posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK);
    (void)posix_spawnattr_setpgroup(&attr, 0);
    (void)posix_spawnattr_setsigmask(&attr, &none);
    int rc = -posix_spawn(&c->pid, argv[0], &actions, &attr, (char *const *)argv,
                          (char *const *)environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return rc;
}

int pn_child_start(struct pn_child *c, const char *const *argv, uint64_t deadline_ns,
                   bool (*interrupted)(void)) {
    return pn_child_start_in(c, argv, NULL, deadline_ns, interrupted);
}

int pn_child_start_in(struct pn_child *c, const char *const *argv, const char *const *environment,
                      uint64_t deadline_ns, bool (*interrupted)(void)) {
    int pipes[3][2];
    *c = (struct pn_child){.in = -1, .out = -1, .err = -1, .interrupted = interrupted};
    int rc = open_pipes(pipes);
    if (rc != 0) {
        return rc;
    }
    rc = spawn(c, argv, environment, pipes);
    (void)close(pipes[0][0]);
    (void)close(pipes[1][1]);
    (void)close(pipes[2][1]);
    c->in = pipes[0][1];
    c->out = pipes[1][0];
    c->err = pipes[2][0];
    c->deadline_ns = pn_now_ns() + deadline_ns;
    c->text = rc == 0 ? malloc(OUTPUT_MAX + 1) : NULL;
    if (rc != 0 || c->text == NULL) {
        close_end(&c->in);
        close_end(&c->out);
        close_end(&c->err);
        return rc != 0 ? rc : -ENOMEM;
    }
    c->text[0] = '\0';
    return 0;
}

static void absorb_complaint(struct pn_child *c) {
    char sink[1024];
    bool room = c->complained + 1 < PN_CHILD_COMPLAINT;
    ssize_t n = read(c->err, room ? c->complaint + c->complained : sink,
                     room ? PN_CHILD_COMPLAINT - 1 - c->complained : sizeof sink);
    if (n <= 0) {
        close_end(&c->err);
    } else if (room) {
        c->complained += (size_t)n;
        c->complaint[c->complained] = '\0';
    }
}

enum pn_heard pn_child_listen(struct pn_child *c) {
    for (;;) {
        if (pn_now_ns() >= c->deadline_ns) {
            return PN_HEARD_TOO_LATE;
        }
        if (c->interrupted != NULL && c->interrupted()) {
            return PN_HEARD_STOP;
        }
        struct pollfd ends[2] = {{.fd = c->out, .events = POLLIN},
                                 {.fd = c->err, .events = POLLIN}};
        if (poll(ends, 2, ASK_MS) <= 0) {
            continue;
        }
        if (ends[1].revents != 0) {
            absorb_complaint(c);
        }
        if (ends[0].revents == 0) {
            continue;
        }
        if (c->used == OUTPUT_MAX) {
            return PN_HEARD_TOO_MUCH;
        }
        ssize_t n = read(c->out, c->text + c->used, OUTPUT_MAX - c->used);
        if (n == 0) {
            return PN_HEARD_END;
        }
        if (n > 0) {
            c->used += (size_t)n;
            c->text[c->used] = '\0';
            return PN_HEARD_SOMETHING;
        }
    }
}

const char *const pn_heard_words[] = {"", "", "printed more than 8 MiB",
                                      "did not finish before its deadline", "interrupted"};

static bool has_exited(pid_t pid) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* The end of the pipe is not the end of the child: one that only closed its output may hang. */
enum pn_heard pn_child_await_exit(const struct pn_child *c) {
    while (!has_exited(c->pid)) {
        if (pn_now_ns() >= c->deadline_ns) {
            return PN_HEARD_TOO_LATE;
        }
        if (c->interrupted != NULL && c->interrupted()) {
            return PN_HEARD_STOP;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return PN_HEARD_END;
}

uint64_t pn_child_reap(struct pn_child *c, bool end_it, int *status) {
    struct rusage usage;
    if (end_it) {
        (void)kill(-c->pid, SIGTERM);
        for (unsigned i = 0; i < 20; i++) {
            if (wait4(c->pid, status, WNOHANG, &usage) == c->pid) {
                (void)kill(-c->pid, SIGKILL); /* what it left behind */
                return 0;
            }
            (void)nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
        }
        (void)kill(-c->pid, SIGKILL);
    }
    while (wait4(c->pid, status, 0, &usage) < 0 && errno == EINTR) {
    }
    (void)kill(-c->pid, SIGKILL);
    return ((uint64_t)usage.ru_utime.tv_sec + (uint64_t)usage.ru_stime.tv_sec) * 1000000000u +
           ((uint64_t)usage.ru_utime.tv_usec + (uint64_t)usage.ru_stime.tv_usec) * 1000u;
}

void pn_child_explain(const struct pn_child *c, int status, char *text, size_t cap) {
    const char *last = c->complaint;
    for (const char *at = c->complaint; (at = strchr(at, '\n')) != NULL && at[1] != '\0'; at++) {
        last = at + 1;
    }
    char what[64];
    if (WIFSIGNALED(status)) {
        (void)snprintf(what, sizeof what, "died of signal %d", WTERMSIG(status));
    } else {
        (void)snprintf(what, sizeof what, "ended with exit code %d", WEXITSTATUS(status));
    }
    (void)snprintf(text, cap, "%s%s%.*s", what, *last == '\0' ? "" : ": ", (int)strcspn(last, "\n"),
                   last);
}

enum pn_heard pn_child_finish(struct pn_child *c, int *status) {
    pn_child_end_input(c);
    enum pn_heard heard;
    do {
        heard = pn_child_listen(c);
    } while (heard == PN_HEARD_SOMETHING);
    heard = heard == PN_HEARD_END ? pn_child_await_exit(c) : heard;
    (void)pn_child_reap(c, heard != PN_HEARD_END, status);
    return heard;
}

void pn_child_end_input(struct pn_child *c) {
    close_end(&c->in);
}

void pn_child_fini(struct pn_child *c) {
    close_end(&c->in);
    close_end(&c->out);
    close_end(&c->err);
    free(c->text);
    c->text = NULL;
}
