/* SPDX-License-Identifier: MIT
 *
 * Less than the whole machine: one allowed CPU, and calls that a container refuses. Each case runs
 * in a child, because neither a mask nor a filter can be taken off again.
 */
#include <pinion/placement.h>
#include <pinion/plan.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { PASSED, FAILED, SKIPPED = 77 };

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            (void)dprintf(2, "%s:%d: not true: %s\n", __FILE__, __LINE__, #condition);             \
            return FAILED;                                                                         \
        }                                                                                          \
    } while (0)

static void in_child(int (*body)(void)) {
    pid_t pid = fork();
    if (pid == 0) {
        _exit(body());
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("no seccomp here to refuse calls with\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), PASSED);
}

static int first_allowed(void) {
    cpu_set_t mask;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0) {
        return -1;
    }
    int cpu = 0;
    while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET((size_t)cpu, &mask)) {
        cpu++;
    }
    return cpu;
}

static int plan_with_one_cpu(void) {
    int cpu = first_allowed();
    cpu_set_t mask;
    CPU_ZERO(&mask);
    CPU_SET((size_t)cpu, &mask);
    CHECK(sched_setaffinity(0, sizeof mask, &mask) == 0);
    struct pn_topology *topo = NULL;
    struct pn_plan *plan = NULL;
    CHECK(pn_topology_load(NULL, &topo, NULL) == 0);
    CHECK(topo->n_allowed == 1 && topo->allowed[0].id == cpu);
    CHECK(pn_plan_create(topo, &(struct pn_policy){0}, &plan, NULL) == 0);
    CHECK(plan->n_schedulers == 1 && plan->schedulers[0].cpu.id == cpu);
    CHECK(plan->n_housekeeping == 0);
    pn_plan_destroy(plan);
    CHECK(pn_plan_create(topo, &(struct pn_policy){.smt = true}, &plan, NULL) == 0);
    CHECK(plan->n_schedulers == 1);
    pn_plan_destroy(plan);
    pn_topology_destroy(topo);
    CHECK(pn_pin_self((struct pn_os_cpu){cpu}) == 0);
    return PASSED;
}

static void test_restricted_one_cpu_is_planned(void **state) {
    (void)state;
    in_child(plan_with_one_cpu);
}

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#define THIS_ARCH 0
#endif

/* The calls that a container's default filter refuses, and what it refuses them with. */
static int refuse(unsigned first, unsigned second, unsigned third, unsigned error) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 0, 5),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, first, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, second, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, third, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};
    if (THIS_ARCH == 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        return -1;
    }
    return 0;
}

static int work_without_permission(void) {
    struct pn_topology *topo = NULL;
    struct pn_os_cpu cpu = {first_allowed()};
    if (refuse(SYS_mbind, SYS_sched_setaffinity, SYS_move_pages, EPERM) != 0) {
        return SKIPPED;
    }
    CHECK(pn_pin_self(cpu) == -EPERM);
    CHECK(pn_topology_load(NULL, &topo, NULL) == 0);
    struct pn_os_node node = topo->nodes[topo->cores[0].node].os;
    pn_topology_destroy(topo);
    struct pn_map map;
    CHECK(pn_map_create(&map, 1 << 16, PN_MEM_LOCAL, node, false) == 0);
    CHECK(map.bound == -EPERM);
    memset(map.base, 1, map.bytes); /* usable all the same */
    struct pn_audit audit = {0};
    pn_map_audit(&map, node, &audit);
    CHECK(audit.error == -EPERM && audit.expected == 0);
    pn_map_destroy(&map);
    CHECK(pn_map_create(&map, 1 << 16, PN_MEM_INTERLEAVE, node, false) == 0);
    CHECK(map.bound == -EPERM);
    pn_map_destroy(&map);
    return PASSED;
}

static void test_restricted_refused_calls_are_told(void **state) {
    (void)state;
    in_child(work_without_permission);
}

static int load_without_pidfd(void) {
    struct pn_topology *topo = NULL;
    if (refuse(SYS_pidfd_open, SYS_pidfd_open, SYS_pidfd_open, ENOSYS) != 0) {
        return SKIPPED;
    }
    CHECK(pn_topology_load(NULL, &topo, NULL) == 0);
    pn_topology_destroy(topo);
    return PASSED;
}

static void test_restricted_old_kernel_without_pidfd(void **state) {
    (void)state;
    in_child(load_without_pidfd);
}

static void test_core_lock_keeps_another_run_out(void **state) {
    (void)state;
    struct pn_os_cpu cpu = {first_allowed()};
    int lock = -1;
    int second = -1;
    int rc = pn_core_lock(cpu, &lock);
    if (rc == -ENOENT || rc == -EWOULDBLOCK) {
        print_message("cpu %d: %s\n", cpu.id, strerror(-rc));
        skip();
        return;
    }
    assert_int_equal(rc, 0);
    assert_int_equal(pn_core_lock(cpu, &second), -EWOULDBLOCK);
    (void)close(lock);
    assert_int_equal(pn_core_lock(cpu, &second), 0);
    (void)close(second);
    assert_int_equal(pn_core_lock((struct pn_os_cpu){65000}, &second), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_restricted_one_cpu_is_planned),
        cmocka_unit_test(test_restricted_refused_calls_are_told),
        cmocka_unit_test(test_restricted_old_kernel_without_pidfd),
        cmocka_unit_test(test_core_lock_keeps_another_run_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
