/* SPDX-License-Identifier: MIT
 *
 * `pinion bench queues` as a user calls it: the table, a ratio, JSON, Ctrl-C, one line per mistake.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

struct outcome {
    int code;
    char text[65536];
};

static char root[64];

static void call(struct outcome *out, const char *arguments) {
    char command[1024];
    (void)snprintf(command, sizeof command, "cd '%s' && timeout 50 '%s/pinion' bench queues %s",
                   root, getenv("PINION_TEST_BUILD"), arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out->text, 1, sizeof out->text - 1, f);
    out->text[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    out->code = WEXITSTATUS(status);
}

static void expect(const struct outcome *out, int code, const char *part) {
    if (out->code != code || strstr(out->text, part) == NULL) {
        fail_msg("exit code %d, without '%s': '%s'", out->code, part, out->text);
    }
}

static void test_the_table_names_what_was_measured(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--ms 20 --rounds 2 --only ring,spsc --workloads pairs_t1,1p1c_1024 -o table "
               "--reference spsc 2>/dev/null");
    expect(&out, 0, "pairs_t1: pairs T=1");
    expect(&out, 0, "ratio to spsc");
    expect(&out, 0, "1p1c_1024: ");
    call(&out, "--ms 20 --rounds 2 --only ring -o table 2>&1"); /* not again into the same */
    expect(&out, 2, "not empty");
}

static void test_a_ratio_measures_only_its_pair(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--ms 20 --rounds 2 --ratio spsc/ring@pairs_t1 -o ratio -q 2>&1");
    expect(&out, 0, "spsc/ring@pairs_t1: ");
    expect(&out, 0, ", 2 rounds; spsc ");
    char command[128];
    (void)snprintf(command, sizeof command, "test $(wc -l <%s/ratio/queues.jsonl) = 4", root);
    assert_int_equal(system(command), 0);
}

static void test_json_is_one_object(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--ms 20 --rounds 1 --only ring --workloads pairs_t1 --json -o json 2>/dev/null");
    assert_int_equal(out.code, 0);
    json_t *json = json_loads(out.text, JSON_REJECT_DUPLICATES, NULL);
    const json_t *workload = json_array_get(json_object_get(json, "workloads"), 0);
    assert_string_equal(json_string_value(json_object_get(workload, "workload")), "pairs_t1");
    const json_t *cell = json_array_get(json_object_get(workload, "queues"), 0);
    const json_t *mops = json_object_get(cell, "mops");
    assert_true(json_number_value(json_object_get(mops, "median")) > 0);
    assert_true(json_is_null(json_object_get(mops, "lo"))); /* one round has no interval */
    json_decref(json);
}

static void test_the_list_runs_nothing(void **state) {
    (void)state;
    static struct outcome out;
    call(&out, "--list --peers 2>&1");
    expect(&out, 0, "segq: pairs_t1 ");
    expect(&out, 0, "\nfaa_array: pairs_t1 ");
    expect(&out, 0, "\ncrossbeam_seg:");
    call(&out, "--dry-run --only spsc 2>&1");
    expect(&out, 0, "spsc: pairs_t1 ");
    assert_null(strstr(out.text, "ring:"));
}

static void test_mistakes_are_one_line(void **state) {
    (void)state;
    static const struct {
        const char *arguments;
        int code;
        const char *part;
    } cases[] = {
        {"--rounds 0", 2, "--rounds 0: not from 1 to 1000"},
        {"--ms x", 2, "--ms"},
        {"--ratio segq", 2, "not of the form A/B@WORKLOAD"},
        {"--only nobody -o none", 2, "no queue 'nobody'"},
        {"--workloads nothing -o none", 2, "no workload 'nothing'"},
        {"--only spsc --workloads memory_1m -o none", 2,
         "none of these queues has such a workload"},
        {"segq", 2, "'segq' is not an option"},
        {"-o /proc/nowhere --only spsc", 3, "/proc/nowhere"},
    };
    static struct outcome out;
    char arguments[256];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        (void)snprintf(arguments, sizeof arguments, "%s 2>&1", cases[i].arguments);
        call(&out, arguments);
        expect(&out, cases[i].code, cases[i].part);
        assert_ptr_equal(strchr(out.text, '\n'), out.text + strlen(out.text) - 1);
    }
}

static void test_ctrl_c_keeps_the_rounds(void **state) {
    (void)state;
    static struct outcome out;
    char command[1024];
    (void)snprintf(
        command, sizeof command,
        "cd '%s' && timeout --foreground --preserve-status -s INT 2 '%s/pinion' bench queues --ms "
        "100 "
        "--rounds 1000 --only ring --workloads pairs_t1 -o stopped >/dev/null 2>&1; "
        "test $? = 130 && grep -q '\"status\": \"interrupted\"' stopped/manifest.json && "
        "test -s stopped/queues.jsonl",
        root, getenv("PINION_TEST_BUILD"));
    assert_int_equal(system(command), 0);
    call(&out, "--list --only ring -q 2>&1"); /* the terminal and the next run are fine */
    expect(&out, 0, "ring: ");
}

static int make_root(void **state) {
    (void)state;
    (void)snprintf(root, sizeof root, "/tmp/pinion-bench-queues-XXXXXX");
    return mkdtemp(root) == NULL;
}

static int remove_root(void **state) {
    (void)state;
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", root);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_names_what_was_measured),
        cmocka_unit_test(test_a_ratio_measures_only_its_pair),
        cmocka_unit_test(test_json_is_one_object),
        cmocka_unit_test(test_the_list_runs_nothing),
        cmocka_unit_test(test_mistakes_are_one_line),
        cmocka_unit_test(test_ctrl_c_keeps_the_rounds),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
