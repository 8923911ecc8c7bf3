/* SPDX-License-Identifier: MIT
 *
 * CPU quotas of both kinds of cgroup, read from made-up trees.
 */
#include <pinion/cgroup.h>

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static void shell(const char *root, const char *script) {
    char command[2048];
    (void)snprintf(command, sizeof command, "cd %s && %s", root, script);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    assert_int_equal(pclose(f), 0);
}

/* The quota in hundredths of a CPU, or the error, of a tree that a script makes. */
static int quota_of(const char *script) {
    char root[] = "/tmp/pinion-cgroup-XXXXXX";
    assert_non_null(mkdtemp(root));
    shell(root, "mkdir -p proc/self sys/fs/cgroup");
    shell(root, script);
    double quota = pn_cpu_quota(root);
    shell(root, "rm -r proc sys");
    assert_int_equal(rmdir(root), 0);
    return quota < 0 ? (int)quota : (int)(quota * 100 + 0.5);
}

static void test_cgroup_v2_tightest_on_the_way_up(void **state) {
    (void)state;
    assert_int_equal(quota_of("echo 0::/a/b >proc/self/cgroup && mkdir -p sys/fs/cgroup/a/b && "
                              "echo 300000 100000 >sys/fs/cgroup/a/b/cpu.max && "
                              "echo 150000 100000 >sys/fs/cgroup/a/cpu.max && "
                              "echo cpu >sys/fs/cgroup/cgroup.controllers"),
                     150);
    assert_int_equal(quota_of("echo 0::/ >proc/self/cgroup && "
                              "echo max 100000 >sys/fs/cgroup/cpu.max"),
                     0);
}

static void test_cgroup_v1_quota(void **state) {
    (void)state;
    static const char tree[] = "echo '5:cpu,cpuacct:/job' >proc/self/cgroup && "
                               "D=sys/fs/cgroup/cpu,cpuacct && mkdir -p $D/job && "
                               "echo 100000 >$D/cpu.cfs_period_us && echo -1 >$D/cpu.cfs_quota_us "
                               "&& echo 100000 >$D/job/cpu.cfs_period_us && ";
    char script[512];
    (void)snprintf(script, sizeof script, "%s echo 50000 >$D/job/cpu.cfs_quota_us", tree);
    assert_int_equal(quota_of(script), 50);
    (void)snprintf(script, sizeof script, "%s echo -1 >$D/job/cpu.cfs_quota_us", tree);
    assert_int_equal(quota_of(script), 0);
}

static void test_cgroup_unmounted_is_not_unlimited(void **state) {
    (void)state;
    assert_int_equal(quota_of("true"), -ENOENT);
    assert_int_equal(quota_of("echo 0::/ >proc/self/cgroup"), -ENOENT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cgroup_v2_tightest_on_the_way_up),
        cmocka_unit_test(test_cgroup_v1_quota),
        cmocka_unit_test(test_cgroup_unmounted_is_not_unlimited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
