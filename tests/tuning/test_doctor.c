/* SPDX-License-Identifier: MIT
 *
 * The checks on made-up machines: each is seen to pass, to complain and to say that it could not
 * look.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include <errno.h>
#include <ftw.h>
#include <pinion/doctor.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define CPU  "/sys/devices/system/cpu/"
#define NODE "/sys/devices/system/node/"

struct file {
    const char *path, *text;
};

/* Two sockets of one core each, everything as it should be. */
static const struct file good[] = {
    {"/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu vme tsc\n\nprocessor\t: 1\n"},
    {"/proc/self/status", "Name:\tpinion\nCpus_allowed:\t3\nCpus_allowed_list:\t0-1\n"
                          "Mems_allowed:\t3\nMems_allowed_list:\t0-1\n"},
    {"/proc/self/cgroup", "0::/\n"},
    {"/sys/fs/cgroup/cpu.max", "max 100000\n"},
    {"/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\ncpu0 1 2\nintr 5 6\nprocs_running 1\n"},
    {"/proc/loadavg", "0.02 0.10 0.20 1/90 77\n"},
    {"/proc/pressure/cpu", "some avg10=0.20 avg60=2.73 avg300=4.72 total=129\n"},
    {"/proc/meminfo", "MemTotal:       2000000 kB\nMemFree: 1 kB\n"},
    {"/proc/sys/kernel/numa_balancing", "0\n"},
    {"/sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n"},
    {CPU "online", "0-1\n"},
    {CPU "isolated", "\n"},
    {CPU "smt/active", "0\n"},
    {CPU "cpu0/cpufreq/scaling_governor", "performance\n"},
    {CPU "cpu1/cpufreq/scaling_governor", "performance\n"},
    {CPU "intel_pstate/no_turbo", "1\n"},
    {"/sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"},
    {NODE "has_memory", "0-1\n"},
    {NODE "has_cpu", "0-1\n"},
    {NODE "node0/meminfo", "Node 0 MemTotal:        1000000 kB\nNode 0 MemFree:  900000 kB\n"},
    {NODE "node1/meminfo", "Node 1 MemTotal:        1000000 kB\nNode 1 MemFree:  102400 kB\n"
                           "Node 1 Active(file):    409600 kB\nNode 1 Inactive(file): 1 kB\n"},
    {CPU "cpu0/cpufreq/scaling_driver", "intel_pstate\n"},
    {CPU "cpu0/cpufreq/energy_performance_preference", "performance\n"},
};

struct machine {
    char root[64];
    struct pn_finding found[PN_DOCTOR_MAX];
    size_t n;
};

static void put(const struct machine *m, const char *path, const char *text) {
    char full[256];
    (void)snprintf(full, sizeof full, "%s%s", m->root, path);
    for (char *at = full + strlen(m->root) + 1; (at = strchr(at, '/')) != NULL; at++) {
        *at = '\0';
        assert_true(mkdir(full, 0755) == 0 || errno == EEXIST);
        *at = '/';
    }
    FILE *f = fopen(full, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void without(const struct machine *m, const char *path) {
    char full[256];
    (void)snprintf(full, sizeof full, "%s%s", m->root, path);
    assert_int_equal(unlink(full), 0);
}

static void make(struct machine *m) {
    (void)strcpy(m->root, "/tmp/pinion-doctor-XXXXXX");
    assert_non_null(mkdtemp(m->root));
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        put(m, good[i].path, good[i].text);
    }
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

static void unmake(const struct machine *m) {
    (void)nftw(m->root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The kernel's counters go on while the doctor waits: after its first look, however late that is.
 */
struct later {
    struct machine *m;
    const char *stat;
    int watch;
};

static void *write_later(void *arg) {
    struct later *l = arg;
    char event[sizeof(struct inotify_event) + 256];
    if (poll(&(struct pollfd){.fd = l->watch, .events = POLLIN}, 1, 20000) == 1 &&
        read(l->watch, event, sizeof event) > 0) {
        put(l->m, "/proc/stat", l->stat);
    }
    return NULL;
}

static void look(struct machine *m, const char *later_stat) {
    char stat_path[256];
    (void)snprintf(stat_path, sizeof stat_path, "%s/proc/stat", m->root);
    struct later later = {m, later_stat, inotify_init1(IN_CLOEXEC)};
    assert_true(later.watch >= 0);
    bool watched = inotify_add_watch(later.watch, stat_path, IN_CLOSE_NOWRITE) >= 0;
    pthread_t thread;
    if (watched) {
        assert_int_equal(pthread_create(&thread, NULL, write_later, &later), 0);
    }
    int rc = pn_doctor_run(m->root, NULL, m->found, PN_DOCTOR_MAX, &m->n);
    if (watched) {
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    (void)close(later.watch);
    assert_int_equal(rc, 0);
}

static const char calm[] = "cpu  110 0 110 820 0 0 0 0 0 0\ncpu0 1 2\nprocs_running 1\n";

static void expect(const struct machine *m, const char *id, enum pn_finding_status status,
                   const char *part) {
    for (size_t i = 0; i < m->n; i++) {
        const struct pn_finding *f = &m->found[i];
        if (strcmp(f->id, id) != 0) {
            continue;
        }
        const char *text = status == PN_FINDING_SKIP ? f->reason : f->value;
        if (f->status != status || strstr(text, part) == NULL) {
            print_error("%s: %s: '%s' (%s), expected %s: '%s'\n", id,
                        pn_finding_status_name(f->status), f->value, f->reason,
                        pn_finding_status_name(status), part);
            fail();
        }
        assert_int_equal(f->value[0] == '\0', status == PN_FINDING_SKIP);
        assert_int_equal(f->reason[0] != '\0', status == PN_FINDING_SKIP);
        assert_int_equal(f->fix[0] == '\0', status == PN_FINDING_SKIP || status == PN_FINDING_OK);
        return;
    }
    print_error("no finding '%s'\n", id);
    fail();
}

static void a_good_machine_is_ok_throughout(void **state) {
    (void)state;
    struct machine m;
    make(&m);
    look(&m, calm);
    for (size_t i = 0; i < m.n; i++) {
        /* Libraries and counters can only be asked about this machine. */
        bool here =
            strncmp(m.found[i].id, "topo.", 5) == 0 || strcmp(m.found[i].id, "perf.pmu") == 0;
        here = here && strcmp(m.found[i].id, "topo.smt") != 0;
        expect(&m, m.found[i].id, here ? PN_FINDING_SKIP : PN_FINDING_OK, "");
        assert_true(m.found[i].expected[0] != '\0' && m.found[i].source[0] != '\0');
        assert_true(m.found[i].why[0] != '\0');
    }
    assert_true(m.n >= 20);
    expect(&m, "cg.cpuset", PN_FINDING_OK, "CPUs 0-1: 2 of 2 online; memory nodes 0-1: 2 of 2");
    expect(&m, "cpu.governor", PN_FINDING_OK, "on 2 CPUs, driver intel_pstate, hint performance");
    expect(&m, "mem.free", PN_FINDING_OK, "500 MiB free or page cache on node 1, the least of 2");
    unmake(&m);
}

static void each_fault_is_seen(void **state) {
    (void)state;
    struct machine m;
    make(&m);
    put(&m, "/proc/cpuinfo", "processor: 0\nflags : fpu hypervisor lahf\n");
    put(&m, "/proc/self/status", "Name: x\nCpus_allowed_list:\t0\nMems_allowed_list:\t1\n");
    put(&m, "/sys/fs/cgroup/cpu.max", "50000 100000\n");
    put(&m, CPU "isolated", "1\n");
    put(&m, CPU "smt/active", "1\n");
    put(&m, CPU "cpu1/cpufreq/scaling_governor", "powersave\n");
    put(&m, CPU "intel_pstate/no_turbo", "0\n");
    put(&m, "/sys/kernel/mm/transparent_hugepage/enabled", "always madvise [never]\n");
    put(&m, "/proc/sys/kernel/numa_balancing", "1\n");
    put(&m, "/proc/meminfo", "MemTotal: 2300000 kB\n");
    put(&m, NODE "has_cpu", "0-2\n");
    put(&m, NODE "node0/meminfo", "Node 0 MemTotal: 1000000 kB\nNode 0 MemFree: 200000 kB\n");
    put(&m, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    put(&m, "/proc/loadavg", "1.20 1 1 3/90 77\n");
    put(&m, "/proc/pressure/cpu", "some avg10=7.50 avg60=2.73 avg300=4.72 total=129\n");
    put(&m, "/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\nprocs_running 4\n");
    look(&m, "cpu  110 0 110 816 0 0 0 4 0 0\nprocs_running 3\n");
    expect(&m, "vm.hypervisor", PN_FINDING_INFO, "virtual");
    expect(&m, "vm.steal", PN_FINDING_FAIL, "10.0 % (4 of 40");
    expect(&m, "cg.cpuset", PN_FINDING_WARN, "CPUs 0: 1 of 2 online; memory nodes 1: 1 of 2");
    expect(&m, "mem.nodes", PN_FINDING_WARN, "memory on 0-1; 1 with CPUs but none");
    expect(&m, "mem.free", PN_FINDING_WARN, "195 MiB free or page cache on node 0");
    expect(&m, "cg.quota", PN_FINDING_WARN, "0.50 CPUs");
    expect(&m, "iso.isolated", PN_FINDING_WARN, "CPUs 1 isolated, 1 outside");
    expect(&m, "topo.smt", PN_FINDING_INFO, "siblings online");
    expect(&m, "cpu.governor", PN_FINDING_WARN, "powersave on 1 of 2");
    expect(&m, "cpu.turbo", PN_FINDING_INFO, "on");
    expect(&m, "mem.thp", PN_FINDING_INFO, "never");
    expect(&m, "numa.balancing", PN_FINDING_WARN, "1 (on)");
    expect(&m, "mem.node_sum", PN_FINDING_WARN, "-13 %");
    expect(&m, "clock.source", PN_FINDING_WARN, "hpet");
    expect(&m, "bg.load", PN_FINDING_WARN, "0.60 per core");
    expect(&m, "bg.runnable", PN_FINDING_WARN, "2 besides");
    expect(&m, "bg.pressure", PN_FINDING_WARN, "7.5 %");
    unmake(&m);
}

static void steps_between_good_and_bad(void **state) {
    (void)state;
    struct machine m;
    make(&m);
    put(&m, CPU "isolated", "0-1\n");
    put(&m, "/sys/fs/cgroup/cpu.max", "200000 100000\n");
    put(&m, "/sys/devices/system/clocksource/clocksource0/current_clocksource", "kvm-clock\n");
    put(&m, "/proc/sys/kernel/numa_balancing", "1\n");
    put(&m, NODE "has_memory", "0\n");
    put(&m, NODE "node0/meminfo", "Node 0 MemTotal: 1900000 kB\n");
    put(&m, "/proc/loadavg", "0.40 1 1 3/90 77\n");
    without(&m, CPU "intel_pstate/no_turbo");
    put(&m, CPU "cpufreq/boost", "1\n");
    put(&m, NODE "node0/meminfo", "Node 0 MemTotal: 1900000 kB\nNode 0 MemFree: 1900000 kB\n");
    look(&m, "cpu  110 0 110 819 0 0 0 1 0 0\nprocs_running 9\n");
    expect(&m, "iso.isolated", PN_FINDING_INFO, "0 outside");
    expect(&m, "cg.quota", PN_FINDING_INFO, "2.00 CPUs");
    expect(&m, "clock.source", PN_FINDING_INFO, "kvm-clock");
    expect(&m, "numa.balancing", PN_FINDING_INFO, "one node");
    expect(&m, "mem.node_sum", PN_FINDING_OK, "-5 %");
    expect(&m, "bg.load", PN_FINDING_INFO, "0.20 per core");
    expect(&m, "bg.runnable", PN_FINDING_OK, "0 besides");
    expect(&m, "cpu.turbo", PN_FINDING_INFO, "on (boost=1)");
    expect(&m, "vm.steal", PN_FINDING_INFO, "1 of 40"); /* one tick may be chance */
    put(&m, CPU "intel_pstate/no_turbo", "1\n"); /* both switches: one that is off is enough */
    put(&m, NODE "has_memory", "1-2\n");
    put(&m, NODE "has_cpu", "1\n");
    put(&m, "/proc/stat", "cpu  100 0 100 800 0 0 0 0 0 0\nprocs_running 1\n");
    look(&m, "cpu  110 0 110 1018 0 0 0 2 0 0\nprocs_running 1\n");
    expect(&m, "vm.steal", PN_FINDING_WARN, "0.8 % (2 of 240");
    expect(&m, "cpu.turbo", PN_FINDING_OK, "off (no_turbo=1, boost=1)");
    expect(&m, "mem.nodes", PN_FINDING_INFO, "memory on 1-2; 0 with CPUs but none, 1 with memory");
    unmake(&m);
}

static void what_cannot_be_read_is_a_skip_with_its_reason(void **state) {
    (void)state;
    struct machine m;
    (void)strcpy(m.root, "/tmp/pinion-doctor-XXXXXX");
    assert_non_null(mkdtemp(m.root));
    assert_int_equal(pn_doctor_run(m.root, NULL, m.found, PN_DOCTOR_MAX, &m.n), 0);
    for (size_t i = 0; i < m.n; i++) {
        expect(&m, m.found[i].id, PN_FINDING_SKIP, "");
    }
    unmake(&m);
}

static void nonsense_is_a_skip_too(void **state) {
    (void)state;
    struct machine m;
    make(&m);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        put(&m, good[i].path, "[");
    }
    assert_int_equal(pn_doctor_run(m.root, NULL, m.found, PN_DOCTOR_MAX, &m.n), 0);
    for (size_t i = 0; i < m.n; i++) {
        enum pn_finding_status status = m.found[i].status;
        /* Names of governors and clocks are free text; a cgroup file without quota is none. */
        assert_true(status == PN_FINDING_SKIP || status == PN_FINDING_WARN);
        assert_true(strcmp(m.found[i].id, "vm.steal") != 0 || status == PN_FINDING_SKIP);
    }
    unmake(&m);
}

static void counters_that_stand_still_are_no_zero(void **state) {
    (void)state;
    struct machine m;
    make(&m);
    assert_int_equal(pn_doctor_run(m.root, NULL, m.found, PN_DOCTOR_MAX, &m.n), 0);
    expect(&m, "vm.steal", PN_FINDING_SKIP, "stood still");
    unmake(&m);
}

static void too_small_a_table_is_said(void **state) {
    (void)state;
    struct pn_finding two[2];
    size_t n = 0;
    assert_int_equal(pn_doctor_run("/nowhere", NULL, two, 2, &n), -ENOSPC);
    assert_true(n > 2 && n <= PN_DOCTOR_MAX);
    assert_string_equal(two[1].id, "vm.steal");
}

static void this_machine_answers(void **state) {
    (void)state;
    struct pn_finding found[PN_DOCTOR_MAX];
    size_t n = 0;
    assert_int_equal(pn_doctor_run("", NULL, found, PN_DOCTOR_MAX, &n), 0);
    for (size_t i = 0; i < n; i++) {
        print_message("%-5s %-16s %s%s\n", pn_finding_status_name(found[i].status), found[i].id,
                      found[i].value, found[i].reason);
        assert_int_equal(found[i].value[0] == '\0', found[i].reason[0] != '\0');
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_machine_is_ok_throughout),
        cmocka_unit_test(each_fault_is_seen),
        cmocka_unit_test(steps_between_good_and_bad),
        cmocka_unit_test(what_cannot_be_read_is_a_skip_with_its_reason),
        cmocka_unit_test(nonsense_is_a_skip_too),
        cmocka_unit_test(counters_that_stand_still_are_no_zero),
        cmocka_unit_test(too_small_a_table_is_said),
        cmocka_unit_test(this_machine_answers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
