/* SPDX-License-Identifier: MIT
 *
 * Bad run directories: one clear line with file and line, nothing written, never a crash.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#include <pinion/report.h>

#include "make_run.h"

static struct made_run small_run(uint64_t seed) {
    struct made_run m = made_run_plain(seed);
    m.rounds = 2;
    m.points = 4;
    return m;
}

static char *load(const char *dir, const char *name, size_t *len) {
    char path[4300];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char *data = malloc(4 << 20);
    assert_non_null(data);
    *len = fread(data, 1, (4 << 20) - 1, f);
    data[*len] = '\0';
    (void)fclose(f);
    return data;
}

static void store(const char *dir, const char *name, const char *data, size_t len) {
    FILE *f = made_open(dir, name);
    assert_true(fwrite(data, 1, len, f) == len);
    (void)fclose(f);
}

/* Replaces the first `from` at or after line `line` of a file. */
static void edit(const char *dir, const char *name, unsigned line, const char *from,
                 const char *to) {
    size_t len;
    char *data = load(dir, name, &len);
    char *at = data;
    for (unsigned i = 1; i < line; i++) {
        at = strchr(at, '\n');
        assert_non_null(at);
        at++;
    }
    at = strstr(at, from);
    assert_non_null(at);
    char *changed = malloc(len + strlen(to) + 1);
    assert_non_null(changed);
    size_t head = (size_t)(at - data);
    memcpy(changed, data, head);
    memcpy(changed + head, to, strlen(to));
    memcpy(changed + head + strlen(to), at + strlen(from), len - head - strlen(from));
    store(dir, name, changed, len - strlen(from) + strlen(to));
    free(changed);
    free(data);
}

/* Only the files that a failed report may leave behind. */
static void assert_nothing_written(const char *dir) {
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        assert_null(strstr(e->d_name, "report.html"));
        assert_null(strstr(e->d_name, "results.json"));
    }
    (void)closedir(d);
}

static void assert_refused(const char *dir, const char *expected) {
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    assert_int_equal(pn_report_write(dir, &verdict, &err), -1);
    if (strstr(err.text, expected) == NULL || err.status != PN_REPORT_BAD_INPUT ||
        strchr(err.text, '\n') != NULL) {
        print_error("said '%s', expected '%s'\n", err.text, expected);
        fail();
    }
    assert_nothing_written(dir);
}

struct damage {
    const char *file;
    unsigned line;
    const char *from, *to;
    const char *expected;
};

static void damage_names_file_and_line(void **state) {
    (void)state;
    static const struct damage cases[] = {
        {"manifest.json", 1, "pinion.manifest/1", "pinion.manifest/2",
         "manifest.json: schema pinion.manifest/2"},
        {"manifest.json", 1, "pinion.manifest/1", "pinion.manifest/12", "manifest.json: schema"},
        {"manifest.json", 1, "pinion.manifest/1", "elephant", "manifest.json: no manifest"},
        {"manifest.json", 1, "\"seed\":42", "\"seed\":42,,", "manifest.json:1:"},
        {"manifest.json", 1, "[16,32", "[32,16", "do not ascend"},
        {"manifest.json", 1, "[16,32", "[-16,32", "not above 0"},
        {"manifest.json", 1, "\"log2\"", "\"log7\"", "scale"},
        {"manifest.json", 1, "\"kind\":\"latency\"", "\"kind\":\"folly\"", "unknown kind"},
        {"manifest.json", 1, "\"name\":\"latency\"", "\"name\":\"units\"", "named twice"},
        {"manifest.json", 1, "\"designs\":[\"shared\",\"mailbox\"]", "\"designs\":[]",
         "1 to 32 designs"},
        {"manifest.json", 1, "\"designs\":[\"shared\",\"mailbox\"]", "\"designs\":[\"shared\",7]",
         "not a string"},
        {"plan.jsonl", 3, "{", "", "plan.jsonl:3: damaged line"},
        {"plan.jsonl", 2, "\"schema\":1", "\"schema\":2", "plan.jsonl:2: schema is not 1"},
        {"plan.jsonl", 4, "\"role\":\"main\"", "\"role\":\"jester\"", "plan.jsonl:4: role"},
        {"samples.jsonl", 5, "\"wall_ns\"", "wall_ns", "samples.jsonl:5: damaged line"},
        {"samples.jsonl", 6, "\"schema\":1", "\"schema\":2", "samples.jsonl:6: schema is not 1"},
        {"samples.jsonl", 7, "\"sweep\":\"units\"", "\"sweep\":\"unity\"",
         "samples.jsonl:7: a sweep"},
        {"samples.jsonl", 2, "\"x\":16", "\"x\":17", "samples.jsonl:2: an x"},
        {"samples.jsonl", 2, "\"design\":\"", "\"design\":\"un", "samples.jsonl:2: a design"},
        {"samples.jsonl", 2, "\"by\":\"", "\"by\":\"un", "samples.jsonl:2: a value of by"},
        {"samples.jsonl", 2, "\"round\":0", "\"round\":0.5", "samples.jsonl:2: round"},
        {"samples.jsonl", 2, "\"round\":0", "\"round\":-1", "samples.jsonl:2: round"},
        {"samples.jsonl", 2, "\"round\":0", "\"round\":1e18", "samples.jsonl:2: round"},
        {"samples.jsonl", 2, "\"key\":\"1\"", "\"key\":\"0\"",
         "samples.jsonl:2: key of line 1 repeated"},
        {"samples.jsonl", 2, "\"wall_ns\":", "\"wall_ns\":-", "samples.jsonl:2: wall_ns"},
        {"samples.jsonl", 2, "\"jobs\":100000", "\"jobs\":0", "samples.jsonl:2: wall_ns and jobs"},
        {"samples.jsonl", 2, "\"t_start_ns\":", "\"t_start\":", "samples.jsonl:2: t_start_ns"},
        {"samples.jsonl", 2, "\"steal_pct\":0.0", "\"steal_pct\":\"lots\"",
         "samples.jsonl:2: a gate"},
        {"samples.jsonl", 2, "\"summary\":{", "\"summary\":7,\"x2\":{", "samples.jsonl:2: summary"},
        {"samples.jsonl", 2, "\n", "\n[1]\n", "samples.jsonl:3: not a JSON object"},
        {"samples.jsonl", 2, "\n", "\n\n", "samples.jsonl:3: damaged line"},
        {"samples.jsonl", 2, "shared", "sh\xff\xfe", "samples.jsonl:"},
    };
    struct made_run m = small_run(3);
    m.void_share = 0;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char dir[64];
        made_directory(dir, sizeof dir);
        make_run(dir, &m);
        edit(dir, cases[i].file, cases[i].line, cases[i].from, cases[i].to);
        assert_refused(dir, cases[i].expected);
        made_remove(dir);
    }
}

static void missing_files_are_named(void **state) {
    (void)state;
    static const char *const names[] = {"samples.jsonl", "plan.jsonl", "manifest.json"};
    struct made_run m = small_run(4);
    char dir[64];
    made_directory(dir, sizeof dir);
    make_run(dir, &m);
    for (size_t i = 0; i < 3; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        (void)unlink(path);
        assert_refused(dir, names[i]);
        assert_true(mkdir(path, 0700) == 0);
        assert_refused(dir, "not a regular file");
        (void)rmdir(path);
    }
    made_remove(dir);
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    assert_int_equal(pn_report_write("/nowhere/at all", &verdict, &err), -1);
    assert_true(err.status == PN_REPORT_BAD_INPUT &&
                strstr(err.text, "/nowhere/at all/manifest.json") != NULL);
}

static void cut_last_line_is_dropped_with_a_notice(void **state) {
    (void)state;
    struct made_run m = small_run(5);
    struct pn_report_verdict verdict;
    struct pn_report_error err;
    char dir[64];
    size_t len;
    made_directory(dir, sizeof dir);
    make_run(dir, &m);
    assert_int_equal(pn_report_write(dir, &verdict, &err), 0);
    size_t whole = verdict.slots;
    assert_true(verdict.notice[0] == '\0');
    char *data = load(dir, "samples.jsonl", &len);
    store(dir, "samples.jsonl", data, len - 40);
    assert_int_equal(pn_report_write(dir, &verdict, &err), 0);
    assert_true(verdict.slots == whole - 1);
    assert_non_null(strstr(verdict.notice, "samples.jsonl"));
    store(dir, "samples.jsonl", data, len - 1); /* whole but for its newline */
    assert_int_equal(pn_report_write(dir, &verdict, &err), 0);
    assert_true(verdict.slots == whole && verdict.notice[0] == '\0');
    store(dir, "samples.jsonl", "", 0);
    assert_int_equal(pn_report_write(dir, &verdict, &err), 0);
    assert_true(verdict.slots == 0 && strcmp(verdict.kind, "undetermined") == 0);
    free(data);
    made_remove(dir);
}

/* Values that a parser, a scale or a printer may stumble over. */
static const char *const odd_values[] = {
    "null",
    "true",
    "-1",
    "0",
    "-0.0",
    "1e308",
    "-1e308",
    "1e-308",
    "1e999",
    "NaN",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999999",
    "\"\"",
    "\"\\u0000\"",
    "\"<script>alert(1)</script>\"",
    "\"\\u001b[31m%s%n\"",
    "\"\xff\xfe\"",
    "[]",
    "{}",
    "[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]",
    "{\"key\":1,\"key\":2}",
    "\"shared\"",
    "\"mailbox\"",
    "[\"shared\"]",
    "[1,2,3]",
};

/* Puts an odd value where a value stands. */
static void replace_value(struct pn_random *r, char *data, size_t *len, size_t at) {
    char *colon = memchr(data + at, ':', *len - at);
    if (colon == NULL) {
        return;
    }
    const char *value = odd_values[pn_random_below(r, sizeof odd_values / sizeof odd_values[0])];
    size_t from = (size_t)(colon - data) + 1;
    size_t old = 0;
    while (from + old < *len && strchr(",}]\n", data[from + old]) == NULL) {
        old++;
    }
    size_t n = strlen(value);
    memmove(data + from + n, data + from + old, *len - from - old);
    memcpy(data + from, value, n);
    *len += n - old;
}

static void mutate(struct pn_random *r, char *data, size_t *len) {
    size_t edits = 1 + pn_random_below(r, 4);
    for (size_t i = 0; i<edits && * len> 8; i++) {
        size_t at = pn_random_below(r, *len);
        size_t n = 1 + pn_random_below(r, *len - at < 40 ? *len - at : 40);
        switch (pn_random_below(r, 8)) {
        case 5:
        case 6:
        case 7:
            replace_value(r, data, len, at);
            break;
        case 0:
            data[at] = (char)pn_random_next(r);
            break;
        case 1:
            data[at] = "0123456789-.eE\"{}[],:nulltrue"[pn_random_below(r, 29)];
            break;
        case 2: /* cut out */
            memmove(data + at, data + at + n, *len - at - n);
            *len -= n;
            break;
        case 3: /* repeat */
            memmove(data + at + n, data + at, *len - at);
            *len += n;
            break;
        default:
            *len = pn_random_below(r, 6) == 0 ? at + 1 : *len;
        }
    }
}

/* Closed and quiet: the page ends as it should, and nothing of the data became markup or "nan". */
static void assert_sound_page(const struct pn_report_verdict *verdict, const char *dir) {
    size_t len;
    char *html = load(dir, "report.html", &len);
    assert_true(len > 20 && strcmp(html + len - 22, "</main></body></html>\n") == 0);
    assert_true(memchr(html, '\0', len) == NULL && strchr(html, '\033') == NULL);
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "=\"nan"));
    assert_null(strstr(html, "=\"inf"));
    assert_true(verdict->crossover[0] != '\0' && strchr(verdict->crossover, '\033') == NULL);
    free(html);
    char *json = load(dir, "results.json", &len);
    json_t *root = json_loadb(json, len, JSON_REJECT_DUPLICATES, NULL);
    assert_non_null(root);
    json_decref(root);
    free(json);
}

/* Whatever stands in the files: 0 with a whole page, or -1 with one line; the sanitizers see the
 * rest. PINION_TEST_MUTATIONS=100000 for a long run. */
static void mutated_files_never_crash(void **state) {
    (void)state;
    static const char *const names[] = {"manifest.json", "plan.jsonl", "samples.jsonl",
                                        "micro.json"};
    const char *given = getenv("PINION_TEST_SEED");
    uint64_t seed = given == NULL ? 20261124 : strtoull(given, NULL, 10);
    struct pn_random r = {seed};
    struct made_run m = small_run(6);
    m.points = 2;
    char dir[64];
    const char *more = getenv("PINION_TEST_MUTATIONS");
    int rounds = more == NULL ? 240 : atoi(more);
    int accepted = 0;
    made_directory(dir, sizeof dir);
    make_run(dir, &m);
    for (int i = 0; i < rounds; i++) {
        const char *name = names[pn_random_below(&r, 4)];
        size_t whole;
        char *original = load(dir, name, &whole);
        char *data = malloc(whole + 1024);
        assert_non_null(data);
        memcpy(data, original, whole);
        size_t len = whole;
        mutate(&r, data, &len);
        store(dir, name, data, len);
        struct pn_report_verdict verdict;
        struct pn_report_error err;
        int code = pn_report_write(dir, &verdict, &err);
        if (code != 0 && (err.text[0] == '\0' || strchr(err.text, '\n') != NULL)) {
            print_error("seed %llu, mutation %d of %s: '%s'\n", (unsigned long long)seed, i, name,
                        err.text);
            fail();
        }
        if (code == 0) {
            accepted++;
            assert_sound_page(&verdict, dir);
        }
        store(dir, name, original, whole);
        free(data);
        free(original);
    }
    made_remove(dir);
    print_message("seed %llu: %d of %d mutations accepted\n", (unsigned long long)seed, accepted,
                  rounds);
    assert_true(accepted > rounds / 20 && accepted < rounds - rounds / 20);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damage_names_file_and_line),
        cmocka_unit_test(missing_files_are_named),
        cmocka_unit_test(cut_last_line_is_dropped_with_a_notice),
        cmocka_unit_test(mutated_files_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
