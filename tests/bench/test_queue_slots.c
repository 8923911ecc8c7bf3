/* SPDX-License-Identifier: MIT
 *
 * Every queue that was built here, in every workload it has, with a few thousand operations: what
 * went in comes out, and the line says what it must. Then queues that lose and alter items, which
 * must be caught, or the sums check nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

/* \return the exit code */
static int call(const char *program, const char *arguments, char *text, size_t cap) {
    char command[512];
    (void)snprintf(command, sizeof command, "timeout 20 '%s/%s' %s 2>&1",
                   getenv("PINION_TEST_BUILD"), program, arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(text, 1, cap - 1, f);
    text[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static json_t *slot(const char *program, const char *queue, const char *workload, int expected) {
    char arguments[128];
    static char text[65536];
    (void)snprintf(arguments, sizeof arguments, "%s %s --ms 2 --warm 1 --items 30000 --later 1",
                   queue, workload);
    int code = call(program, arguments, text, sizeof text);
    json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    if (code != expected || line == NULL) {
        fail_msg("%s %s: exit code %d, '%s'", program, arguments, code, text);
    }
    return line;
}

static const char *text_of(const json_t *line, const char *key) {
    const char *text = json_string_value(json_object_get(line, key));
    return text == NULL ? "" : text;
}

static bool number_or_null(const json_t *line, const char *key) {
    const json_t *value = json_object_get(line, key);
    return json_is_number(value) || json_is_null(value);
}

static void check_line(const json_t *line, const char *queue, const char *workload) {
    static const char *const numbers[] = {"capacity",    "longest_wait_ns", "rss_per_item",
                                          "rss_drained", "rss_later",       "hop_ns"};
    assert_string_equal(text_of(line, "queue"), queue);
    assert_string_equal(text_of(line, "workload"), workload);
    assert_true(json_is_null(json_object_get(line, "reason")));
    assert_true(json_integer_value(json_object_get(line, "ops")) > 0);
    assert_true(json_number_value(json_object_get(line, "mops")) > 0);
    assert_true(json_number_value(json_object_get(line, "seconds")) > 0);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (!number_or_null(line, numbers[i])) {
            fail_msg("%s %s: no %s", queue, workload, numbers[i]);
        }
    }
    bool batch = strstr(workload, "_b32") != NULL || strstr(workload, "_chain") != NULL;
    assert_int_equal(json_integer_value(json_object_get(line, "batch")), batch ? 32 : 1);
    bool work = strstr(workload, "_work") != NULL;
    assert_int_equal(json_array_size(json_object_get(line, "work_ns")), work ? 2 : 0);
    bool memory = strncmp(workload, "memory", 6) == 0;
    assert_int_equal(json_is_number(json_object_get(line, "rss_per_item")), memory);
}

/* In 2 ms on a busy machine a thread may get no CPU: then a slot says so, and is tried again. */
static void check_slot(const char *program, const char *queue, const char *workload) {
    char arguments[128];
    static char text[65536];
    for (int ms = 2; ms <= 512; ms *= 4) {
        (void)snprintf(arguments, sizeof arguments,
                       "%s %s --ms %d --warm 1 --items 30000 --later 1", queue, workload, ms);
        int code = call(program, arguments, text, sizeof text);
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        const char *status = text_of(line, "status");
        if (code == 1 && strcmp(status, "no operation") == 0) {
            json_decref(line);
            continue;
        }
        if (code != 0 || strcmp(status, "ok") != 0) {
            fail_msg("%s %s: exit code %d, '%s'", program, arguments, code, text);
        }
        check_line(line, queue, workload);
        json_decref(line);
        return;
    }
    fail_msg("%s %s: no operation in half a second", queue, workload);
}

static void check_program(const char *program) {
    static char text[65536];
    assert_int_equal(call(program, "--list", text, sizeof text), 0);
    for (char *at = text; *at != '\0';) {
        size_t len = strcspn(at, "\n");
        json_t *entry = json_loadb(at, len, 0, NULL);
        size_t i;
        json_t *workload;
        assert_non_null(entry);
        if (json_object_get(entry, "workloads") == NULL) {
            assert_string_equal(text_of(entry, "status"), "not measured");
            assert_string_not_equal(text_of(entry, "reason"), "");
        }
        json_array_foreach(json_object_get(entry, "workloads"), i, workload) {
            check_slot(program, text_of(entry, "queue"), json_string_value(workload));
        }
        json_decref(entry);
        at += len + (at[len] == '\n');
    }
}

static void test_ours_conform(void **state) {
    (void)state;
    check_program("pinion-queues-own");
}

static void test_c_queues_conform(void **state) {
    (void)state;
    check_program("pinion-queues-c");
}

static void test_cxx_queues_conform(void **state) {
    (void)state;
    check_program("pinion-queues-cxx");
}

static void test_rust_queues_conform(void **state) {
    (void)state;
    char path[512];
    (void)snprintf(path, sizeof path, "%s/pinion-queues-rust", getenv("PINION_TEST_BUILD"));
    if (access(path, X_OK) != 0) {
        print_message("not built here\n");
        skip();
    }
    check_program("pinion-queues-rust");
}

static void test_a_lost_item_is_noticed(void **state) {
    (void)state;
    static const char *const workloads[] = {"pairs_t1", "1p1c_1024", "1p1c_b32_1024"};
    for (size_t i = 0; i < sizeof workloads / sizeof workloads[0]; i++) {
        json_t *line = slot("tests/queues-broken", "loses", workloads[i], 1);
        assert_string_equal(text_of(line, "status"), "wrong sum");
        assert_non_null(strstr(text_of(line, "reason"), "items went in and"));
        assert_true(json_is_null(json_object_get(line, "mops")));
        json_decref(line);
    }
}

static void test_an_altered_item_is_noticed(void **state) {
    (void)state;
    json_t *line = slot("tests/queues-broken", "alters", "pairs_t1", 1);
    assert_string_equal(text_of(line, "status"), "wrong sum");
    assert_non_null(strstr(text_of(line, "reason"), "but others"));
    json_decref(line);
}

static void test_bad_arguments_are_refused(void **state) {
    (void)state;
    static const char *const bad[] = {"",
                                      "loses",
                                      "loses nothing",
                                      "nothing pairs_t1",
                                      "loses pairs_t1 --ms",
                                      "loses pairs_t1 --ms x",
                                      "loses pairs_t1 --what 1",
                                      "loses memory_1m"};
    static char text[65536];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(call("tests/queues-broken", bad[i], text, sizeof text), 2);
        assert_non_null(strstr(text, "usage: "));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ours_conform),
        cmocka_unit_test(test_c_queues_conform),
        cmocka_unit_test(test_cxx_queues_conform),
        cmocka_unit_test(test_rust_queues_conform),
        cmocka_unit_test(test_a_lost_item_is_noticed),
        cmocka_unit_test(test_an_altered_item_is_noticed),
        cmocka_unit_test(test_bad_arguments_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
