/* SPDX-License-Identifier: MIT
 *
 * `pinion run` where less is allowed than it wants: it works, says so, and marks its result. A
 * filter in a child refuses system calls as a container would.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <dirent.h>

#include <cmocka.h>
#include <jansson.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH 0
#endif

enum { NO_FILTER = 99 };

/* One call is refused with this error from here on, in this process and its children. */
static int refuse(unsigned call, unsigned error) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    return THIS_ARCH == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0
               ? -1
               : 0;
}

struct run {
    pid_t pid;
    int out;
};

/* \param call  refused with error in the child, 0 = none */
static struct run start(const char *jobs, unsigned call, unsigned error) {
    char program[1024];
    int ends[2];
    (void)snprintf(program, sizeof program, "%s/pinion", getenv("PINION_TEST_BUILD"));
    assert_int_equal(pipe(ends), 0);
    struct run r = {fork(), ends[0]};
    if (r.pid == 0) {
        (void)dup2(ends[1], 1);
        (void)close(ends[0]);
        if (call != 0 && refuse(call, error) != 0) {
            _exit(NO_FILTER);
        }
        (void)execl(program, "pinion", "run", "--design", "shared", "--json", "--summary", jobs,
                    "units=20", (char *)NULL);
        _exit(127);
    }
    (void)close(ends[1]);
    return r;
}

/* The summary, or NULL where no filter can be had. */
static json_t *finish(struct run r) {
    static char text[1 << 18];
    size_t used = 0;
    ssize_t n = 0;
    while (used < sizeof text - 1 && (n = read(r.out, text + used, sizeof text - 1 - used)) > 0) {
        used += (size_t)n;
    }
    text[used] = '\0';
    (void)close(r.out);
    int status = 0;
    assert_int_equal(waitpid(r.pid, &status, 0), r.pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == NO_FILTER) {
        return NULL;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    json_t *root = json_loads(text, 0, NULL);
    assert_non_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "done")),
                     json_integer_value(json_object_get(root, "jobs")));
    return root;
}

static bool says(const json_t *root, const char *part) {
    size_t i;
    json_t *line;
    json_array_foreach(json_object_get(root, "degraded"), i, line) {
        if (strstr(json_string_value(line), part) != NULL) {
            return true;
        }
    }
    return false;
}

static bool placed(const json_t *root, const char *key) {
    return json_is_true(json_object_get(json_object_get(root, "placement"), key));
}

static void test_refused_calls_mark_the_result(void **state) {
    (void)state;
    static const struct {
        unsigned call, error;
        const char *said;
        bool pinned, membind, audited;
    } all[] = {
        {SYS_sched_setaffinity, EPERM, "scheduler not pinned (Operation not perm", false, true, 1},
        {SYS_sched_setaffinity, EINVAL, "scheduler not pinned (Invalid", false, true, true},
        {SYS_mbind, EPERM, "memory not bound to its node (Operation not perm", true, false, true},
        {SYS_mbind, ENOSYS, "memory not bound", true, false, true},
        {SYS_get_mempolicy, ENOSYS, "memory not bound", true, false, true},
        {SYS_move_pages, EPERM, "placement of memory not audited: Operation", true, true, false},
        {SYS_memfd_create, EPERM, "no memfd here", true, true, true},
        {SYS_flock, ENOSYS, "not locked against other runs", true, true, true},
        {SYS_perf_event_open, ENOENT, NULL, true, true, true}, /* no hardware counters */
        {SYS_membarrier, ENOSYS, NULL, true, true, true},
        {SYS_pidfd_open, ENOSYS, NULL, true, true, true},
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        json_t *root = finish(start("jobs=5000", all[i].call, all[i].error));
        if (root == NULL) {
            print_message("no seccomp filter here\n");
            skip();
            return;
        }
        const json_t *placement = json_object_get(root, "placement");
        bool audited = json_is_integer(json_object_get(placement, "elsewhere"));
        if ((all[i].said != NULL && !says(root, all[i].said)) ||
            placed(root, "pinned") != all[i].pinned || placed(root, "membind") != all[i].membind ||
            audited != all[i].audited || placed(root, "moved")) {
            char *text = json_dumps(root, JSON_COMPACT);
            fail_msg("call %u, error %u: %s", all[i].call, all[i].error, text);
        }
        json_decref(root);
    }
}

/* How many threads are pinned to one CPU; with `all` each of them gets the whole mask, as from a
 * CPU that goes offline. */
static unsigned look_at_pinned(pid_t pid, const cpu_set_t *all) {
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *dir = opendir(path);
    unsigned n = 0;
    for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL;) {
        cpu_set_t mask;
        pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);
        if (tid > 0 && sched_getaffinity(tid, sizeof mask, &mask) == 0 && CPU_COUNT(&mask) == 1) {
            n += all == NULL || sched_setaffinity(tid, sizeof *all, all) == 0;
        }
    }
    if (dir != NULL) {
        (void)closedir(dir);
    }
    return n;
}

static void test_a_mask_that_changes_is_noticed(void **state) {
    (void)state;
    cpu_set_t all;
    if (sched_getaffinity(0, sizeof all, &all) != 0 || CPU_COUNT(&all) < 2) {
        print_message("one CPU: no other mask to give\n");
        skip();
        return;
    }
    struct run r = start("jobs=1000000", 0, 0);
    unsigned n = 0;
    /* What is pinned at two looks has also read its mask back. */
    for (unsigned pinned = 0; n == 0 && waitpid(r.pid, NULL, WNOHANG) == 0;) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
        n = pinned > 0 ? look_at_pinned(r.pid, &all) : 0;
        pinned = look_at_pinned(r.pid, NULL);
    }
    assert_true(n > 0);
    json_t *root = finish(r);
    assert_true(placed(root, "moved"));
    assert_false(placed(root, "pinned"));
    assert_true(says(root, "lost its CPU during the run"));
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused_calls_mark_the_result),
        cmocka_unit_test(test_a_mask_that_changes_is_noticed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
