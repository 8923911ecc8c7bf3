/* SPDX-License-Identifier: MIT
 *
 * The committed samples: whole, small, nameless, and each report is what this code makes of the
 * files beside it.
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

/* A sample's directory below reports/samples/, the files that its report is made of, and the rest.
 */
struct sample {
    const char *name;
    const char *raw[5];
    const char *beside[8];
    off_t most_kb; /* of a file; twice that of all */
};

static const struct sample samples[] = {
    {"quick",
     {"manifest.json", "plan.jsonl", "samples.jsonl", "micro.json", NULL},
     {"topology.json", "topology.xml", "rerun.sh", "results.json", "report.html", "env/before.json",
      "env/after.json", NULL},
     1024},
    {"peers",
     {"manifest.json", "plan.jsonl", "samples.jsonl", "topology.xml", NULL},
     {"topology.json", "rerun.sh", "results.json", "report.html", "env/before.json",
      "env/after.json", NULL},
     4096},
    {"queues",
     {"manifest.json", "queues.jsonl", NULL},
     {"topology.json", "topology.xml", "rerun.sh", "results.json", "report.html", "env/before.json",
      "env/after.json", NULL},
     1024},
};

static void sample_path(char *path, size_t size, const struct sample *sample, const char *name) {
    (void)snprintf(path, size, "%s/reports/samples/%s/%s", getenv("PINION_TEST_SOURCE"),
                   sample->name, name);
}

/* The i-th file of a sample, raw ones first; NULL after the last. */
static const char *file_of(const struct sample *sample, size_t i) {
    size_t n = 0;
    while (sample->raw[n] != NULL) {
        n++;
    }
    return i < n ? sample->raw[i] : sample->beside[i - n];
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

static void copy_raw(const struct sample *sample, const char *dir) {
    for (size_t i = 0; sample->raw[i] != NULL; i++) {
        char path[4096];
        size_t len;
        sample_path(path, sizeof path, sample, sample->raw[i]);
        char *data = load(path, &len);
        (void)snprintf(path, sizeof path, "%s/%s", dir, sample->raw[i]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        assert_true(fwrite(data, 1, len, f) == len && fclose(f) == 0);
        free(data);
    }
}

static void same_bytes(const struct sample *sample, const char *made, const char *kept) {
    char path[4096];
    size_t len;
    size_t kept_len;
    char *now = load(made, &len);
    sample_path(path, sizeof path, sample, kept);
    char *then = load(path, &kept_len);
    if (len != kept_len || memcmp(now, then, len) != 0) {
        print_error("%s differs from what the code makes now: 'pinion report' on the sample, and "
                    "look at the difference\n",
                    path);
        fail();
    }
    free(now);
    free(then);
    (void)unlink(made);
}

static void reports_are_made_again_byte_for_byte(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof samples / sizeof samples[0]; s++) {
        struct pn_report_verdict verdict;
        struct pn_report_error err;
        char dir[] = "/tmp/pinion-sample-XXXXXX";
        assert_non_null(mkdtemp(dir));
        copy_raw(&samples[s], dir);
        if (pn_report_write(dir, &verdict, &err) != 0) {
            print_error("%s\n", err.text);
            fail();
        }
        same_bytes(&samples[s], verdict.html_path, "report.html");
        same_bytes(&samples[s], verdict.json_path, "results.json");
        for (size_t i = 0; samples[s].raw[i] != NULL; i++) {
            char path[4096];
            (void)snprintf(path, sizeof path, "%s/%s", dir, samples[s].raw[i]);
            (void)unlink(path);
        }
        (void)rmdir(dir);
    }
}

static void they_are_whole_and_small(void **state) {
    (void)state;
    for (size_t s = 0; s < sizeof samples / sizeof samples[0]; s++) {
        off_t sum = 0;
        for (size_t i = 0; file_of(&samples[s], i) != NULL; i++) {
            char path[4096];
            struct stat st;
            sample_path(path, sizeof path, &samples[s], file_of(&samples[s], i));
            if (stat(path, &st) != 0) {
                print_error("%s is missing\n", path);
                fail();
            }
            assert_true(st.st_size > 0 && st.st_size <= samples[s].most_kb * 1024);
            sum += st.st_size;
        }
        assert_true(sum < 2 * samples[s].most_kb * 1024);
    }
}

/* Every JSON file but Google Benchmark's own says its schema; a run that ended says so. */
static void they_have_their_schemas(void **state) {
    (void)state;
    static const char *const names[][2] = {{"manifest.json", "pinion.manifest/1"},
                                           {"results.json", "pinion.results/1"},
                                           {"topology.json", "pinion.topology/1"},
                                           {"env/before.json", "pinion.environment/1"},
                                           {"env/after.json", "pinion.environment/1"}};
    size_t n = sizeof names / sizeof names[0];
    for (size_t i = 0; i < n * sizeof samples / sizeof samples[0]; i++) {
        char path[4096];
        sample_path(path, sizeof path, &samples[i / n], names[i % n][0]);
        json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(root);
        assert_string_equal(json_string_value(json_object_get(root, "schema")), names[i % n][1]);
        const char *status = json_string_value(json_object_get(root, "status"));
        assert_true(status == NULL || strcmp(status, "complete") == 0 ||
                    strcmp(status, "noisy") == 0);
        json_decref(root);
    }
}

static void they_name_no_host_and_no_path(void **state) {
    (void)state;
    static const char *const never[] = {"\"host_name\"", "HostName", "LinuxCgroup", "/home/",
                                        "/root",         "/tmp/",    "/work/",      "BOOT_IMAGE"};
    for (size_t s = 0; s < sizeof samples / sizeof samples[0]; s++) {
        for (size_t i = 0; file_of(&samples[s], i) != NULL; i++) {
            char path[4096];
            size_t len;
            sample_path(path, sizeof path, &samples[s], file_of(&samples[s], i));
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
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports_are_made_again_byte_for_byte),
        cmocka_unit_test(they_are_whole_and_small),
        cmocka_unit_test(they_have_their_schemas),
        cmocka_unit_test(they_name_no_host_and_no_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
