/* SPDX-License-Identifier: MIT
 *
 * Schedulers from outside: tasks run once each, where they were sent or where a thief took them;
 * sleeps are never early; a runtime ends with whatever is still queued; and it works where the
 * kernel refuses to pin and to bind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/atomic.h"
#include "sched_bed.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pinion/clock.h>
#include <pinion/runtime.h>
#include <pinion/task.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct job {
    struct pn_task task;
    struct pn_runtime *rt;
    PN_ATOMIC(uint32_t) * ended;
    PN_ATOMIC(uint32_t) runs;
    unsigned core; /* where it ran last */
    unsigned left; /* hops or sleeps to go */
    uint64_t due_ns, late_ns;
    uint64_t early;
};

static void run_once(struct pn_task *task) {
    struct job *j = (struct job *)task;
    j->core = pn_this_core_id();
    (void)pn_faa_acqrel(&j->runs, 1);
    (void)pn_faa_acqrel(j->ended, 1);
}

static struct job *make_jobs(const struct bed *bed, unsigned n, pn_task_fn *run,
                             PN_ATOMIC(uint32_t) * ended) {
    struct job *jobs = calloc(n, sizeof *jobs);
    assert_non_null(jobs);
    pn_store_rel(ended, 0);
    for (unsigned i = 0; i < n; i++) {
        jobs[i].task.run = run;
        jobs[i].rt = bed->rt;
        jobs[i].ended = ended;
    }
    return jobs;
}

static void each_task_runs_once(void **state) {
    (void)state;
    enum { N = 5000 };
    static const enum pn_idle idle[] = {PN_IDLE_ADAPTIVE, PN_IDLE_SPIN};
    for (unsigned k = 0; k < 2; k++) {
        struct bed bed;
        PN_ATOMIC(uint32_t) ended;
        assert_int_equal(bed_start(&bed, NULL, 0, idle[k]), 0);
        struct job *jobs = make_jobs(&bed, N, run_once, &ended);
        unsigned cores = pn_runtime_cores(bed.rt);
        for (unsigned i = 0; i < N; i++) {
            pn_task_send(bed.rt, i % cores, &jobs[i].task);
            if (i % 1000 == 0) {
                pause_ms(1); /* let them fall asleep */
            }
        }
        wait_for(&ended, N);
        pause_ms(2);
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(pn_load_acq(&jobs[i].runs), 1);
            assert_true(jobs[i].core < cores);
        }
        assert_int_equal(pn_this_core_id(), UINT32_MAX);
        bed_end(&bed);
        free(jobs);
    }
}

/* From core to core and back: each hop may find the other asleep. */
static void hop(struct pn_task *task) {
    struct job *j = (struct job *)task;
    j->core = pn_this_core_id();
    (void)pn_faa_acqrel(&j->runs, 1);
    if (--j->left == 0) {
        (void)pn_faa_acqrel(j->ended, 1);
        return;
    }
    pn_task_send(j->rt, (j->core + 1) % pn_runtime_cores(j->rt), task);
}

static void messages_cross_cores(void **state) {
    (void)state;
    enum { N = 8, HOPS = 2000 };
    static const char *const inputs[] = {NULL, "synthetic:numa:2 l3:1 core:2 pu:1"};
    for (unsigned k = 0; k < 2; k++) {
        struct bed bed;
        PN_ATOMIC(uint32_t) ended;
        assert_int_equal(bed_start(&bed, inputs[k], 0, PN_IDLE_ADAPTIVE), 0);
        struct job *jobs = make_jobs(&bed, N, hop, &ended);
        for (unsigned i = 0; i < N; i++) {
            jobs[i].left = HOPS;
            pn_task_send(bed.rt, 0, &jobs[i].task);
        }
        wait_for(&ended, N);
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(pn_load_acq(&jobs[i].runs), HOPS);
        }
        bed_end(&bed);
        free(jobs);
    }
}

static void sleep_and_check(struct pn_task *task) {
    struct job *j = (struct job *)task;
    uint64_t now = pn_now_ns();
    if (j->due_ns != 0) {
        j->early += now < j->due_ns;
        j->late_ns += now < j->due_ns ? 0 : now - j->due_ns;
    }
    if (j->left-- == 0) {
        (void)pn_faa_acqrel(j->ended, 1);
        return;
    }
    j->due_ns = pn_now_ns() + 1000000;
    pn_task_sleep(task, 1000000);
}

static void sleeps_are_never_early(void **state) {
    (void)state;
    enum { N = 50, SLEEPS = 40 };
    struct bed bed;
    PN_ATOMIC(uint32_t) ended;
    assert_int_equal(bed_start(&bed, NULL, 0, PN_IDLE_ADAPTIVE), 0);
    for (unsigned n = 1; n <= N; n += N - 1) {
        struct job *jobs = make_jobs(&bed, n, sleep_and_check, &ended);
        for (unsigned i = 0; i < n; i++) {
            jobs[i].left = SLEEPS;
            pn_task_send(bed.rt, i % pn_runtime_cores(bed.rt), &jobs[i].task);
        }
        wait_for(&ended, n);
        uint64_t late = 0;
        for (unsigned i = 0; i < n; i++) {
            late += jobs[i].late_ns;
            assert_int_equal(jobs[i].early, 0);
        }
        print_message("%u tasks, %u sleeps of 1 ms each: %.1f us late on average\n", n, SLEEPS,
                      (double)late / 1e3 / (double)SLEEPS / n);
        free(jobs);
    }
    bed_end(&bed);
}

/* Fills its own core's queue and does not return before another core has emptied some of it. */
struct flood {
    struct pn_task task;
    struct job *jobs;
    unsigned n;
    PN_ATOMIC(uint32_t) * ended;
};

static void flood(struct pn_task *task) {
    struct flood *f = (struct flood *)task;
    for (unsigned i = 0; i < f->n; i++) {
        pn_task_ready(&f->jobs[i].task);
    }
    pn_wake_neighbour();
    uint64_t deadline = pn_now_ns() + 10000000000u;
    while (pn_load_acq(f->ended) == 0 && pn_now_ns() < deadline) {
        pn_relax();
    }
}

static void a_blocked_core_is_relieved(void **state) {
    (void)state;
    enum { N = 200 };
    struct bed bed;
    PN_ATOMIC(uint32_t) ended;
    assert_int_equal(bed_start(&bed, NULL, 0, PN_IDLE_ADAPTIVE), 0);
    if (pn_runtime_cores(bed.rt) < 2) {
        bed_end(&bed);
        print_message("one core: nobody can relieve it\n");
        skip();
    }
    struct job *jobs = make_jobs(&bed, N, run_once, &ended);
    struct flood f = {.task.run = flood, .jobs = jobs, .n = N, .ended = &ended};
    pause_ms(2);
    pn_task_send(bed.rt, 0, &f.task);
    wait_for(&ended, N);
    struct pn_core_usage usage;
    uint64_t steals = 0;
    unsigned elsewhere = 0;
    for (unsigned i = 0; i < N; i++) {
        assert_int_equal(pn_load_acq(&jobs[i].runs), 1);
        elsewhere += jobs[i].core != jobs[0].core;
    }
    for (unsigned i = 0; i < pn_runtime_cores(bed.rt); i++) {
        assert_int_equal(pn_runtime_usage(bed.rt, i, &usage), 0);
        steals += usage.steals;
    }
    print_message("%u of %u tasks elsewhere, %llu stolen in all\n", elsewhere, N,
                  (unsigned long long)steals);
    assert_true(steals > 0);
    bed_end(&bed);
    free(jobs);
}

/* More ready tasks than a run queue holds: the rest goes through the domain's queue. */
static void spawn_many(struct pn_task *task) {
    struct flood *f = (struct flood *)task;
    for (unsigned i = 0; i < f->n; i++) {
        pn_task_ready(&f->jobs[i].task);
    }
}

static void a_full_run_queue_overflows_without_loss(void **state) {
    (void)state;
    enum { N = 20000 };
    struct bed bed;
    PN_ATOMIC(uint32_t) ended;
    for (unsigned cores = 0; cores < 2; cores++) {
        assert_int_equal(bed_start(&bed, NULL, cores, PN_IDLE_ADAPTIVE), 0);
        struct job *jobs = make_jobs(&bed, N, run_once, &ended);
        struct flood f = {.task.run = spawn_many, .jobs = jobs, .n = N, .ended = &ended};
        pn_task_send(bed.rt, 0, &f.task);
        wait_for(&ended, N);
        pause_ms(1);
        for (unsigned i = 0; i < N; i++) {
            assert_int_equal(pn_load_acq(&jobs[i].runs), 1);
        }
        bed_end(&bed);
        free(jobs);
    }
}

static void for_ever(struct pn_task *task) {
    struct job *j = (struct job *)task;
    (void)pn_faa_acqrel(&j->runs, 1);
    (void)pn_faa_acqrel(j->ended, 1);
    pn_task_ready(task);
}

static void sleep_long(struct pn_task *task) {
    pn_task_sleep(task, 3600000000000u);
}

static void stop_leaves_queued_and_sleeping_tasks_behind(void **state) {
    (void)state;
    enum { N = 1000 };
    struct bed bed;
    PN_ATOMIC(uint32_t) ended;
    assert_int_equal(bed_start(&bed, NULL, 0, PN_IDLE_ADAPTIVE), 0);
    struct job *jobs = make_jobs(&bed, N, for_ever, &ended);
    for (unsigned i = 0; i < N; i++) {
        jobs[i].task.run = i % 2 == 0 ? for_ever : sleep_long;
        pn_task_send(bed.rt, i % pn_runtime_cores(bed.rt), &jobs[i].task);
    }
    wait_for(&ended, N);
    (void)alarm(20);
    pn_runtime_stop(bed.rt);
    uint32_t at_stop = pn_load_acq(&ended);
    pn_runtime_stop(bed.rt); /* twice is once */
    (void)alarm(0);
    pause_ms(1);
    assert_int_equal(pn_load_acq(&ended), at_stop);
    bed_end(&bed);
    free(jobs);
    /* Never started, and started without a task. */
    assert_int_equal(bed_start(&bed, NULL, 0, PN_IDLE_SPIN), 0);
    bed_end(&bed);
}

static void one_scheduler_is_enough(void **state) {
    (void)state;
    enum { N = 300 };
    struct bed bed;
    PN_ATOMIC(uint32_t) ended;
    assert_int_equal(bed_start(&bed, NULL, 1, PN_IDLE_ADAPTIVE), 0);
    assert_int_equal(pn_runtime_cores(bed.rt), 1);
    struct job *jobs = make_jobs(&bed, N, run_once, &ended);
    for (unsigned i = 0; i < N; i++) {
        jobs[i].left = 20;
        jobs[i].task.run = i % 2 == 0 ? hop : run_once;
        pn_task_send(bed.rt, 0, &jobs[i].task);
    }
    wait_for(&ended, N);
    bed_end(&bed);
    free(jobs);
}

/* Answers EPERM to sched_setaffinity and mbind, as container runtimes do. */
static int refuse_placement(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mbind, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
                   prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0
               ? -errno
               : 0;
}

enum { CHILD_OK = 0, CHILD_NO_SECCOMP = 77, CHILD_WRONG = 1 };

static int run_refused(void) {
    enum { N = 1000 };
    struct bed bed;
    PN_ATOMIC(uint32_t) ended;
    struct pn_core_usage usage;
    if (refuse_placement() != 0) {
        return CHILD_NO_SECCOMP;
    }
    if (bed_start(&bed, NULL, 0, PN_IDLE_ADAPTIVE) != 0) {
        return CHILD_WRONG;
    }
    struct job *jobs = make_jobs(&bed, N, run_once, &ended);
    for (unsigned i = 0; i < N; i++) {
        pn_task_send(bed.rt, i % pn_runtime_cores(bed.rt), &jobs[i].task);
    }
    wait_for(&ended, N);
    bool said_pin = false;
    bool said_bind = false;
    for (unsigned i = 0; pn_runtime_degraded(bed.rt, i) != NULL; i++) {
        print_message("degraded: %s\n", pn_runtime_degraded(bed.rt, i));
        said_pin = said_pin || strstr(pn_runtime_degraded(bed.rt, i), "not pinned") != NULL;
        said_bind = said_bind || strstr(pn_runtime_degraded(bed.rt, i), "not bound") != NULL;
    }
    bool pinned = pn_runtime_usage(bed.rt, 0, &usage) == 0 && usage.pinned;
    bed_end(&bed);
    free(jobs);
    return said_pin && said_bind && !pinned ? CHILD_OK : CHILD_WRONG;
}

static void refused_placement_degrades_loudly(void **state) {
    (void)state;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(run_refused());
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CHILD_NO_SECCOMP) {
        print_message("no seccomp here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), CHILD_OK);
}

static void permitted_placement_is_not_degraded(void **state) {
    (void)state;
    struct bed bed;
    struct pn_core_usage usage;
    assert_int_equal(bed_start(&bed, NULL, 0, PN_IDLE_ADAPTIVE), 0);
    for (unsigned i = 0; i < pn_runtime_cores(bed.rt); i++) {
        assert_int_equal(pn_runtime_usage(bed.rt, i, &usage), 0);
        assert_true(usage.pinned || pn_runtime_degraded(bed.rt, 0) != NULL);
        assert_true(usage.tid > 0);
    }
    bed_end(&bed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        /* First: it forks, and must do so before any thread was started. */
        cmocka_unit_test(refused_placement_degrades_loudly),
        cmocka_unit_test(permitted_placement_is_not_degraded),
        cmocka_unit_test(each_task_runs_once),
        cmocka_unit_test(messages_cross_cores),
        cmocka_unit_test(sleeps_are_never_early),
        cmocka_unit_test(a_blocked_core_is_relieved),
        cmocka_unit_test(a_full_run_queue_overflows_without_loss),
        cmocka_unit_test(stop_leaves_queued_and_sleeping_tasks_behind),
        cmocka_unit_test(one_scheduler_is_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
