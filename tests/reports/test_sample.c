/* SPDX-License-Identifier: MIT
 *
 * The committed sample: whole, small, nameless, and its report is what this code makes of its
 * files.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include <pinion/report.h>

static const char *const raw[] = {"manifest.json", "plan.jsonl", "samples.jsonl", "micro.json"};
static const char *const beside[] = {"topology.json", "topology.xml", "rerun.sh",
                                     "results.json",  "report.html",  "env/before.json",
                                     "env/after.json"};

static void sample_path(char *path, size_t size, const char *name) {
    (void)snprintf(path, size, "%s/reports/samples/quick/%s", getenv("PINION_TEST_SOURCE"), name);
}

static char *load(const char *path, size_t *len) {
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        print_error("%s is missing\n", path);
    }
    assert_non_null(f);
    char *data = malloc(4 << 20);
    assert_non_null(data);
    *len = fread(data, 1, (4 << 20) - 1, f);
    data[*len] = '\0';
    (void)fclose(f);
    return data;
}

static void copy_raw(const char *dir) {
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        char path[4096];
        size_t len;
        sample_path(path, sizeof path, raw[i]);
        char *data = load(path, &len);
        (void)snprintf(path, sizeof path, "%s/%s", dir, raw[i]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fwrite(data, 1, len, f) == len && fclose(f) == 0);
        free(data);
    }
}

static void report_is_made_again_byte_for_byte(void **state) {
    (void)state;
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    char dir[] = "/tmp/pinion-sample-XXXXXX";
    assert_non_null(mkdtemp(dir));
    copy_raw(dir);
    if (pn_report_write(dir, &verdict, &err) != 0) {
        print_error("%s\n", err.text);
        fail();
    }
    const char *made[] = {verdict.html_path, verdict.json_path};
    const char *kept[] = {"report.html", "results.json"};
    for (size_t i = 0; i < 2; i++) {
        char path[4096];
        size_t len;
        size_t kept_len;
        char *now = load(made[i], &len);
        sample_path(path, sizeof path, kept[i]);
        char *then = load(path, &kept_len);
        if (len != kept_len || memcmp(now, then, len) != 0) {
            print_error(
                "%s differs from what the code makes now: 'pinion report' on the sample, and "
                "look at the difference\n",
                path);
            fail();
        }
        free(now);
        free(then);
        (void)unlink(made[i]);
    }
    for (size_t i = 0; i < sizeof raw / sizeof raw[0]; i++) {
        char path[4096];
        (void)snprintf(path, sizeof path, "%s/%s", dir, raw[i]);
        (void)unlink(path);
    }
    (void)rmdir(dir);
}

static void it_is_whole_and_small(void **state) {
    (void)state;
    off_t sum = 0;
    for (size_t i = 0; i < sizeof raw / sizeof raw[0] + sizeof beside / sizeof beside[0]; i++) {
        size_t n = sizeof raw / sizeof raw[0];
        char path[4096];
        struct stat st;
        sample_path(path, sizeof path, i < n ? raw[i] : beside[i - n]);
        if (stat(path, &st) != 0) {
            print_error("%s is missing\n", path);
            fail();
        }
        assert_true(st.st_size > 0 && st.st_size <= 1024 * 1024);
        sum += st.st_size;
    }
    assert_true(sum < 2048 * 1024);
}

/* Every JSON file but Google Benchmark's own says its schema; a run that ended says so. */
static void it_has_its_schemas(void **state) {
    (void)state;
    static const char *const names[][2] = {{"manifest.json", "pinion.manifest/1"},
                                           {"results.json", "pinion.results/1"},
                                           {"topology.json", "pinion.topology/1"},
                                           {"env/before.json", "pinion.environment/1"},
                                           {"env/after.json", "pinion.environment/1"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[4096];
        sample_path(path, sizeof path, names[i][0]);
        json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "schema")), names[i][1]);
        const char *status = json_string_value(json_object_get(root, "status"));
        assert_true(status == NULL || strcmp(status, "complete") == 0 ||
                    strcmp(status, "noisy") == 0);
        json_decref(root);
    }
}

static void it_names_no_host_and_no_path(void **state) {
    (void)state;
    static const char *const never[] = {"\"host_name\"", "HostName", "LinuxCgroup", "/home/",
                                        "/root",         "/tmp/",    "/work/",      "BOOT_IMAGE"};
    for (size_t i = 0; i < sizeof raw / sizeof raw[0] + sizeof beside / sizeof beside[0]; i++) {
        size_t n = sizeof raw / sizeof raw[0];
        char path[4096];
        size_t len;
        sample_path(path, sizeof path, i < n ? raw[i] : beside[i - n]);
        char *data = load(path, &len);
        for (size_t k = 0; k < sizeof never / sizeof never[0]; k++) {
            if (strstr(data, never[k]) != NULL) {
                print_error("%s holds '%s'\n", path, never[k]);
                fail();
            }
        }
        free(data);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(report_is_made_again_byte_for_byte),
        cmocka_unit_test(it_is_whole_and_small),
        cmocka_unit_test(it_has_its_schemas),
        cmocka_unit_test(it_names_no_host_and_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
