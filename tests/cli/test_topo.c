/* SPDX-License-Identifier: MIT
 *
 * `pinion topo` as a user calls it: the JSON's shape, exit codes, one line per mistake, nothing
 * half-written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

static char folder[] = "/tmp/pinion-cli-topo-XXXXXX";

struct outcome {
    int code;
    char out[1 << 16], err[4096];
};

static void read_into(const char *name, char *text, size_t cap) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    size_t n = f == NULL ? 0 : fread(text, 1, cap - 1, f);
    text[n] = '\0';
    if (f != NULL) {
        (void)fclose(f);
    }
}

static struct outcome *call(const char *arguments) {
    static struct outcome o;
    char command[1024];
    (void)snprintf(command, sizeof command, "cd %s; '%s/pinion' topo %s >out 2>err", folder,
                   getenv("PINION_TEST_BUILD"), arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    o.code = WEXITSTATUS(status);
    read_into("out", o.out, sizeof o.out);
    read_into("err", o.err, sizeof o.err);
    return &o;
}

static void expect_refusal(const char *arguments, int code, const char *part) {
    struct outcome *o = call(arguments);
    char *newline = strchr(o->err, '\n');
    bool one_line = newline != NULL && newline[1] == '\0';
    if (o->code != code || !one_line || strstr(o->err, part) == NULL || o->out[0] != '\0') {
        fail_msg("topo %s: exit %d, stderr '%s', stdout '%s'", arguments, o->code, o->err, o->out);
    }
}

static void test_topo_bad_input_gets_one_line(void **state) {
    (void)state;
    static const char machine[] = "--plan --input synthetic:'pack:1 core:4 pu:1'";
    char arguments[256];
    expect_refusal("--input nowhere.xml", 2, "nowhere.xml: No such file");
    expect_refusal("--input .", 2, "not a file");
    expect_refusal("--input bad.xml", 2, "bad.xml");
    expect_refusal("--input empty.xml", 2, "empty.xml");
    expect_refusal("--input large.xml", 2, "at most 67108864");
    expect_refusal("--input synthetic:nonsense", 2, "nonsense");
    expect_refusal("--input synthetic:", 2, "synthetic");
    expect_refusal("--order sideways --plan", 2, "sideways");
    expect_refusal("surplus", 2, "surplus");
    expect_refusal("--capture a.xml --input bad.xml", 2, "--capture");
    static const char *const lists[] = {"--cpus 7", "--cpus 3-1", "--cpus isolated",
                                        "--cpus 0 --housekeeping 0", "--housekeeping x"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        (void)snprintf(arguments, sizeof arguments, "%s %s", machine, lists[i]);
        expect_refusal(arguments, 2, "pinion: ");
    }
}

static void test_topo_lost_capture_leaves_nothing(void **state) {
    (void)state;
    char path[128];
    expect_refusal("--capture nowhere/a.xml", 3, "nowhere/a.xml: cannot be written");
    expect_refusal("--capture /dev/full", 3, "No space left");
    struct outcome *o = call("--capture a.xml");
    assert_int_equal(o->code, 0);
    assert_string_equal(o->out, "");
    assert_int_equal(call("--input a.xml --json")->code, 0);
    (void)snprintf(path, sizeof path, "%s/a.xml", folder);
    assert_int_equal(unlink(path), 0);
}

static void test_topo_json_has_the_stated_shape(void **state) {
    (void)state;
    struct outcome *o =
        call("--json --plan --input synthetic:'pack:2 [numa(memory=1073741824)] l3:1 core:4 pu:2'");
    assert_int_equal(o->code, 0);
    json_t *root = json_loads(o->out, 0, NULL);
    assert_non_null(root);
    json_int_t packages = 0;
    json_t *nodes, *cores, *distances, *allowed, *schedulers, *housekeeping;
    assert_int_equal(json_unpack(root, "{s:I,s:o,s:o,s:o,s:o,s:{s:o,s:o}}", "packages", &packages,
                                 "nodes", &nodes, "cores", &cores, "distances", &distances,
                                 "allowed_pus", &allowed, "plan", "schedulers", &schedulers,
                                 "housekeeping", &housekeeping),
                     0);
    assert_int_equal(packages, 2);
    assert_int_equal(json_array_size(nodes), 2);
    assert_int_equal(json_array_size(cores), 8);
    assert_int_equal(json_array_size(allowed), 16);
    assert_int_equal(json_array_size(schedulers) + json_array_size(housekeeping), 8);
    json_t *core = json_array_get(cores, 5);
    assert_int_equal(json_array_size(json_object_get(core, "pus")), 2);
    assert_int_equal(json_integer_value(json_object_get(core, "node")), 1);
    assert_int_equal(json_integer_value(json_object_get(core, "llc")), 1);
    assert_null(json_object_get(core, "pu_as_core"));
    json_t *node = json_array_get(nodes, 1);
    assert_int_equal(json_integer_value(json_object_get(node, "os_index")), 1);
    assert_int_equal(json_integer_value(json_object_get(node, "memory_bytes")), 1 << 30);
    assert_true(json_is_false(json_object_get(node, "cpuless")));
    json_t *first = json_array_get(schedulers, 0);
    assert_true(json_is_integer(json_object_get(first, "cpu")));
    assert_true(json_is_integer(json_object_get(first, "node")));
    assert_true(json_is_string(json_object_get(first, "reason")));
    json_decref(root);
}

static void test_topo_json_says_null_for_unknown(void **state) {
    (void)state;
    struct outcome *o = call("--json --input coreless.xml");
    assert_int_equal(o->code, 0);
    json_t *root = json_loads(o->out, 0, NULL);
    assert_non_null(root);
    assert_true(json_is_null(json_object_get(root, "distances")));
    assert_null(json_object_get(root, "plan"));
    json_t *core = json_array_get(json_object_get(root, "cores"), 1);
    assert_true(json_is_true(json_object_get(core, "pu_as_core")));
    assert_true(json_is_null(json_object_get(core, "llc")));
    json_t *node = json_array_get(json_object_get(root, "nodes"), 0);
    assert_true(json_is_null(json_object_get(node, "memory_bytes")));
    json_decref(root);
}

/* What a human reads need not be stable, but must name each scheduler's CPU. */
static void test_topo_prints_for_people(void **state) {
    (void)state;
    struct outcome *o =
        call("--plan --input synthetic:'pack:2 [numa(memory=1073741824)] l3:1 core:4 pu:2'");
    assert_int_equal(o->code, 0);
    assert_non_null(strstr(o->out, "2 packages, 2 memory nodes, 2 last-level caches, 8 cores"));
    assert_non_null(strstr(o->out, "housekeeping CPUs: 0 (the first core of the machine)\n"));
    assert_non_null(strstr(o->out, "first PU of its core"));
}

static void put(const char *name, const char *text, off_t bytes) {
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    if (bytes > 0) {
        assert_int_equal(truncate(path, bytes), 0);
    }
}

#define SETS(n)                                                                                    \
    " cpuset=\"" n "\" complete_cpuset=\"" n "\" nodeset=\"0x1\" complete_nodeset=\"0x1\""

/* Two PUs, no cores, no caches, memory not told. */
static const char coreless[] =
    "<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\"" SETS(
        "0x3") " allowed_cpuset=\"0x3\" allowed_nodeset=\"0x1\" gp_index=\"1\">"
               "<object type=\"NUMANode\" os_index=\"0\"" SETS(
                   "0x3") " gp_index=\"2\"/>"
                          "<object type=\"PU\" os_index=\"0\"" SETS(
                              "0x1") " gp_index=\"3\"/>"
                                     "<object type=\"PU\" os_index=\"1\"" SETS(
                                         "0x2") " gp_index=\"4\"/>"
                                                "</object></topology>\n";

static const char *const files[] = {"out",       "err",       "bad.xml",
                                    "empty.xml", "large.xml", "coreless.xml"};

static int make_folder(void **state) {
    (void)state;
    assert_non_null(mkdtemp(folder));
    put("bad.xml", "<topology version=\"2.0\"><object type=\"Machine\"", 0);
    put("empty.xml", "", 0);
    put("large.xml", "<topology>", (off_t)(64 << 20) + 1);
    put("coreless.xml", coreless, 0);
    return 0;
}

/* Fails if a call has left a file behind. */
static int remove_folder(void **state) {
    (void)state;
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    return rmdir(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topo_bad_input_gets_one_line),
        cmocka_unit_test(test_topo_lost_capture_leaves_nothing),
        cmocka_unit_test(test_topo_json_has_the_stated_shape),
        cmocka_unit_test(test_topo_json_says_null_for_unknown),
        cmocka_unit_test(test_topo_prints_for_people),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
