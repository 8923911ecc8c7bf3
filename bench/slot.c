/* SPDX-License-Identifier: MIT
 *
 * The child speaks the event protocol: a line {"event":"ready"} after its warm-up, then it waits
 * for a newline, measures, and ends with its summary. It may hang, die, flood or lie: it has a
 * process group of its own, a deadline, a cap on what it may print, and its counts are added up
 * again here.
 */
#include "gates.h"

#include <errno.h>
#include <fcntl.h>
#include <pinion/clock.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUTPUT_MAX = 8 << 20, STDERR_MAX = 4096, ASK_MS = 100 };

struct child {
    pid_t pid;
    int in, out, err; /* our ends */
    char *text;
    size_t used;
    char complaint[STDERR_MAX];
    size_t complained;
    uint64_t deadline_ns;
};

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

static int spawn(struct child *c, const char *const *argv, int (*pipes)[2]) {
    /* Nothing that the user's shell exports may make one run faster than the next. */
    static char *const environment[] = {(char *)"PATH=/usr/local/bin:/usr/bin:/bin",
                                        (char *)"LC_ALL=C", NULL};
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
    int rc = -posix_spawn(&c->pid, argv[0], &actions, &attr, (char *const *)argv, environment);
    (void)posix_spawn_file_actions_destroy(&actions);
    (void)posix_spawnattr_destroy(&attr);
    return rc;
}

static int start(struct child *c, const struct pn_slot_options *o) {
    int pipes[3][2];
    int rc = open_pipes(pipes);
    if (rc != 0) {
        return rc;
    }
    rc = spawn(c, o->argv, pipes);
    (void)close(pipes[0][0]);
    (void)close(pipes[1][1]);
    (void)close(pipes[2][1]);
    c->in = pipes[0][1];
    c->out = pipes[1][0];
    c->err = pipes[2][0];
    c->deadline_ns = pn_now_ns() + o->deadline_ns;
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

static void absorb_complaint(struct child *c) {
    char sink[1024];
    bool room = c->complained + 1 < STDERR_MAX;
    ssize_t n = read(c->err, room ? c->complaint + c->complained : sink,
                     room ? STDERR_MAX - 1 - c->complained : sizeof sink);
    if (n <= 0) {
        close_end(&c->err);
    } else if (room) {
        c->complained += (size_t)n;
        c->complaint[c->complained] = '\0';
    }
}

enum heard { HEARD_SOMETHING, HEARD_END, HEARD_TOO_MUCH, HEARD_TOO_LATE, HEARD_STOP };

static enum heard listen(struct child *c, const struct pn_slot_options *o) {
    for (;;) {
        if (pn_now_ns() >= c->deadline_ns) {
            return HEARD_TOO_LATE;
        }
        if (o->interrupted != NULL && o->interrupted()) {
            return HEARD_STOP;
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
            return HEARD_TOO_MUCH;
        }
        ssize_t n = read(c->out, c->text + c->used, OUTPUT_MAX - c->used);
        if (n == 0) {
            return HEARD_END;
        }
        if (n > 0) {
            c->used += (size_t)n;
            c->text[c->used] = '\0';
            return HEARD_SOMETHING;
        }
    }
}

static const char *const heard_errors[] = {"", "", "printed more than 8 MiB",
                                           "did not finish before its deadline", "interrupted"};

static uint64_t cpu_of(pid_t pid) {
    clockid_t clock;
    struct timespec ts;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &ts) != 0) {
        return 0;
    }
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool has_exited(pid_t pid) {
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0;
}

/* The end of the pipe is not the end of the child: one that only closed its output may hang. */
static enum heard await_exit(const struct child *c, const struct pn_slot_options *o) {
    while (!has_exited(c->pid)) {
        if (pn_now_ns() >= c->deadline_ns) {
            return HEARD_TOO_LATE;
        }
        if (o->interrupted != NULL && o->interrupted()) {
            return HEARD_STOP;
        }
        (void)nanosleep(&(struct timespec){.tv_nsec = 500000}, NULL);
    }
    return HEARD_END;
}

/* End it if it has not ended, and reap it. \return the CPU time it used in all */
static uint64_t reap(struct child *c, bool end_it, int *status) {
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

static json_t *find_summary(const char *text) {
    json_t *found = NULL;
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        json_t *line = json_loadb(text, len, 0, NULL);
        const char *event = json_string_value(json_object_get(line, "event"));
        if (event != NULL && strcmp(event, "summary") == 0) {
            json_decref(found);
            found = json_incref(line);
        }
        json_decref(line);
        text += len + (text[len] == '\n');
    }
    return found;
}

static double half(const json_t *summary, const char *name) {
    return (double)json_integer_value(json_object_get(summary, name));
}

static void check_summary(const struct pn_slot_options *o, uint64_t window_ns, uint64_t cpu_ns,
                          struct pn_slot_result *r) {
    if (pn_summary_check(r->summary, o->jobs, window_ns, cpu_ns, r->error, sizeof r->error) != 0) {
        json_decref(r->summary);
        r->summary = NULL;
    }
    double half1 = half(r->summary, "half1_ns");
    double half2 = half(r->summary, "half2_ns");
    double more = half1 > half2 ? half1 - half2 : half2 - half1;
    r->unsteady = half1 > 0 && half2 > 0 && more > 0.01 * (half1 + half2);
}

static void explain(const struct child *c, int status, struct pn_slot_result *r) {
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
    json_decref(r->summary);
    r->summary = NULL;
    (void)snprintf(r->error, sizeof r->error, "%s%s%.*s", what, *last == '\0' ? "" : ": ",
                   (int)strcspn(last, "\n"), last);
}

static bool wait_ready(struct child *c, const struct pn_slot_options *o, enum heard *why) {
    *why = HEARD_SOMETHING;
    while (strchr(c->text, '\n') == NULL && *why == HEARD_SOMETHING) {
        *why = listen(c, o);
    }
    size_t len = strcspn(c->text, "\n");
    json_t *line = json_loadb(c->text, len, 0, NULL);
    const char *event = json_string_value(json_object_get(line, "event"));
    bool ready = event != NULL && strcmp(event, "ready") == 0;
    json_decref(line);
    if (*why == HEARD_SOMETHING && !ready) {
        do { /* no go for it: what it says is refused, once it has said it */
            *why = listen(c, o);
        } while (*why == HEARD_SOMETHING);
    }
    return *why == HEARD_SOMETHING;
}

int pn_slot_run(const struct pn_slot_options *o, struct pn_slot_result *r) {
    struct child c = {.in = -1, .out = -1, .err = -1};
    memset(r, 0, sizeof *r);
    int rc = start(&c, o);
    if (rc != 0) {
        return rc;
    }
    enum heard heard;
    struct pn_gate_reading before = {0};
    struct pn_gate_reading after = {0};
    uint64_t cpu0 = 0;
    if (wait_ready(&c, o, &heard)) {
        pn_gates_read(o, &before);
        cpu0 = cpu_of(c.pid);
        (void)!write(c.in, "\n", 1); /* a child that is gone shows in listen */
        close_end(&c.in);
        do {
            heard = listen(&c, o);
        } while (heard == HEARD_SOMETHING);
    }
    if (heard == HEARD_END) {
        heard = await_exit(&c, o);
    }
    int status = 0;
    uint64_t cpu1 = reap(&c, heard != HEARD_END, &status);
    pn_gates_read(o, &after);
    r->interrupted = heard == HEARD_STOP;
    if (heard != HEARD_END) {
        (void)snprintf(r->error, sizeof r->error, "%s", heard_errors[heard]);
    } else {
        r->summary = find_summary(c.text);
        uint64_t window = after.at_ns - before.at_ns;
        if (r->summary == NULL || status != 0) {
            explain(&c, status, r);
        } else if (before.at_ns == 0) {
            json_decref(r->summary);
            r->summary = NULL;
            (void)snprintf(r->error, sizeof r->error, "ran without waiting for the go");
        } else {
            check_summary(o, window, cpu1 > cpu0 ? cpu1 - cpu0 : 0, r);
        }
    }
    pn_gates_compare(o, &before, &after, cpu1 > cpu0 ? cpu1 - cpu0 : 0, r->summary, &r->gates);
    pn_gates_judge(&r->gates, r->void_reason, sizeof r->void_reason);
    close_end(&c.in);
    close_end(&c.out);
    close_end(&c.err);
    free(c.text);
    return 0;
}

void pn_slot_result_fini(struct pn_slot_result *r) {
    json_decref(r->summary);
    r->summary = NULL;
}
