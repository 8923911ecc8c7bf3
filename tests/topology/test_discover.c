/* SPDX-License-Identifier: MIT
 *
 * Reading machines: this one, captured ones, and files that are none.
 */
#include <pinion/placement.h>
#include <pinion/topology.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_live_machine_is_read(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    struct pn_error err = {""};
    if (pn_topology_load(NULL, &topo, &err) != 0) {
        fail_msg("%s", err.text);
    }
    assert_true(topo->live);
    assert_true(topo->n_cores > 0 && topo->n_allowed > 0);
    /* We run here, so some node gives us memory. */
    bool any = false;
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        any = any || (topo->nodes[i].allowed &&
                      (topo->nodes[i].memory_bytes > 0 || !topo->nodes[i].memory_known));
    }
    assert_true(any);
    pn_topology_destroy(topo);
}

/* A capture is handed on: it says what the machine is like, not which one it is. */
static void test_capture_names_no_machine(void **state) {
    (void)state;
    static const char *const never[] = {"HostName", "LinuxCgroup", "Serial\"", "UUID\"",
                                        "AssetTag"};
    static char text[1 << 20];
    char path[] = "/tmp/pinion-capture-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(pn_topology_capture(path, NULL), 0);
    (void)close(fd);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    (void)fclose(f);
    (void)unlink(path);
    for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
        assert_null(strstr(text, never[i]));
    }
    assert_non_null(strstr(text, "</topology>"));
}

static void test_capture_reads_back_the_same(void **state) {
    (void)state;
    char path[] = "/tmp/pinion-capture-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    struct pn_topology *live = NULL;
    struct pn_topology *read = NULL;
    assert_int_equal(pn_topology_capture(path, NULL), 0);
    assert_int_equal(pn_topology_load(NULL, &live, NULL), 0);
    assert_int_equal(pn_topology_load(path, &read, NULL), 0);
    assert_int_equal(live->n_cores, read->n_cores);
    assert_int_equal(live->n_nodes, read->n_nodes);
    assert_int_equal(live->n_llcs, read->n_llcs);
    assert_false(read->live);
    pn_topology_destroy(live);
    pn_topology_destroy(read);
    (void)unlink(path);
}

/* A captured file, cut short and with bytes overwritten at seeded places: an error or a machine,
 * never a crash of this process. libhwloc 2.9 dies on some of these; its process is not ours. */
static void test_damaged_xml_is_survived(void **state) {
    (void)state;
    static char text[1 << 18];
    char path[] = "/tmp/pinion-damage-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(pn_topology_capture(path, NULL), 0);
    fd = open(path, O_RDWR | O_CLOEXEC); /* a capture replaces the file */
    assert_true(fd >= 0);
    ssize_t len = pread(fd, text, sizeof text, 0);
    assert_true(len > 100);
    uint32_t seed = 20261124;
    unsigned refused = 0;
    for (unsigned round = 0; round < 60; round++) {
        seed = seed * 1664525u + 1013904223u;
        size_t keep = round % 2 == 0 ? (size_t)len : seed % (size_t)len;
        assert_int_equal(ftruncate(fd, 0), 0);
        assert_int_equal(pwrite(fd, text, keep, 0), keep);
        for (unsigned k = 0; keep > 0 && k < 1 + round % 5; k++) {
            seed = seed * 1664525u + 1013904223u;
            char byte = (char)(seed >> 24);
            assert_int_equal(pwrite(fd, &byte, 1, (off_t)(seed % keep)), 1);
        }
        struct pn_topology *topo = NULL;
        struct pn_error err = {""};
        int rc = pn_topology_load(path, &topo, &err);
        if (rc != 0) {
            assert_true(err.text[0] != '\0');
            refused++;
        }
        pn_topology_destroy(rc == 0 ? topo : NULL);
    }
    print_message("seed 20261124: %u of 60 refused\n", refused);
    assert_true(refused > 20);
    (void)close(fd);
    (void)unlink(path);
}

static void test_no_such_input_is_refused(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    struct pn_error err = {""};
    assert_int_equal(pn_topology_load("/nonexistent.xml", &topo, &err), -ENOENT);
    assert_non_null(strstr(err.text, "/nonexistent.xml"));
    assert_int_equal(pn_topology_load("synthetic:nonsense", &topo, &err), -EINVAL);
}

/* In a child, because a pinned thread stays pinned. */
static void test_pin_is_read_back(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    assert_int_equal(pn_topology_load(NULL, &topo, NULL), 0);
    struct pn_os_cpu cpu = topo->allowed[topo->n_allowed - 1];
    pn_topology_destroy(topo);
    pid_t pid = fork();
    if (pid == 0) {
        int ok = pn_pin_self(cpu) == 0 && pn_pin_holds(cpu) &&
                 pn_pin_self((struct pn_os_cpu){60000}) == -EINVAL;
        _exit(ok ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static void test_bound_memory_is_where_it_was_bound(void **state) {
    (void)state;
    struct pn_topology *topo = NULL;
    assert_int_equal(pn_topology_load(NULL, &topo, NULL), 0);
    struct pn_os_node node = topo->nodes[topo->cores[0].node].os;
    pn_topology_destroy(topo);
    struct pn_map map;
    assert_int_equal(pn_map_create(&map, 1 << 20, PN_MEM_LOCAL, node, false), 0);
    struct pn_audit before = {0};
    pn_map_audit(&map, node, &before);
    memset(map.base, 1, map.bytes);
    struct pn_audit after = {0};
    pn_map_audit(&map, node, &after);
    pn_map_destroy(&map);
    if (map.bound != 0 || before.error != 0) {
        print_message("no permission to bind or to ask: %d %d\n", map.bound, before.error);
        skip();
        return;
    }
    assert_int_equal(before.absent, before.pages);
    assert_int_equal(after.expected, after.pages);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live_machine_is_read),
        cmocka_unit_test(test_capture_names_no_machine),
        cmocka_unit_test(test_capture_reads_back_the_same),
        cmocka_unit_test(test_damaged_xml_is_survived),
        cmocka_unit_test(test_no_such_input_is_refused),
        cmocka_unit_test(test_pin_is_read_back),
        cmocka_unit_test(test_bound_memory_is_where_it_was_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
