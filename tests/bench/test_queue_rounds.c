/* SPDX-License-Identifier: MIT
 *
 * The driver with a slot program that hangs, dies, prints garbage, speaks of another queue: each is
 * a line by that name, and the rounds go on. The program is tests/peers-queues/misbehaves.sh.
 */
#include <fcntl.h>
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
#include <pinion/clock.h>
#include <pinion/queue_rounds.h>

struct bed {
    char root[64], programs[96], out[96];
};

static void write_script(const struct bed *b, const char *name, const char *text) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", b->programs, name);
    FILE *f = fopen(path, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(path, 0755), 0);
}

static void set_up(struct bed *b) {
    (void)snprintf(b->root, sizeof b->root, "/tmp/pinion-queue-rounds-XXXXXX");
    assert_non_null(mkdtemp(b->root));
    (void)snprintf(b->programs, sizeof b->programs, "%s/programs", b->root);
    (void)snprintf(b->out, sizeof b->out, "%s/run", b->root);
    assert_int_equal(mkdir(b->programs, 0777), 0);
    char script[512];
    char path[160];
    (void)snprintf(script, sizeof script, "%s/tests/peers-queues/misbehaves.sh",
                   getenv("PINION_TEST_SOURCE"));
    (void)snprintf(path, sizeof path, "%s/pinion-queues-own", b->programs);
    assert_int_equal(symlink(script, path), 0);
}

static void tear_down(const struct bed *b) {
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", b->root);
    assert_int_equal(system(command), 0);
}

static struct pn_queue_rounds_options options_of(const struct bed *b, const char *only) {
    return (struct pn_queue_rounds_options){.programs = b->programs,
                                            .only = only,
                                            .rounds = 2,
                                            .slot_ms = 1,
                                            .seed = 7,
                                            .directory = b->out,
                                            .manifest = json_object()};
}

/* The lines of queues.jsonl. */
static json_t *read_lines(const struct bed *b) {
    char path[160];
    char text[4096];
    (void)snprintf(path, sizeof path, "%s/queues.jsonl", b->out);
    FILE *f = fopen(path, "re");
    json_t *lines = json_array();
    assert_non_null(f);
    while (fgets(text, sizeof text, f) != NULL) {
        json_t *line = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(line);
        json_array_append_new(lines, line);
    }
    (void)fclose(f);
    return lines;
}

static const char *text_of(const json_t *line, const char *key) {
    const char *text = json_string_value(json_object_get(line, key));
    return text == NULL ? "" : text;
}

static const char *manifest_status(const struct bed *b, char *text, size_t cap) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/manifest.json", b->out);
    json_t *manifest = json_load_file(path, 0, NULL);
    (void)snprintf(text, cap, "%s", text_of(manifest, "status"));
    json_decref(manifest);
    return text;
}

/* One queue, two rounds of two workloads: all four lines with this status and reason. */
static void expect(const char *queue, const char *status, const char *reason) {
    struct bed b;
    struct pn_queue_rounds_sum sum;
    struct pn_error err = {""};
    set_up(&b);
    struct pn_queue_rounds_options o = options_of(&b, queue);
    o.deadline_ns = 300000000;
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_COMPLETE);
    assert_int_equal(sum.slots, 4);
    assert_int_equal(sum.failed, strcmp(status, "ok") == 0 ? 0 : 4);
    json_t *lines = read_lines(&b);
    size_t i;
    json_t *line;
    assert_int_equal(json_array_size(lines), 4);
    json_array_foreach(lines, i, line) {
        assert_string_equal(text_of(line, "queue"), queue);
        if (strcmp(text_of(line, "status"), status) != 0 ||
            strstr(text_of(line, "reason"), reason) == NULL) {
            fail_msg("%s: '%s', '%s'", queue, text_of(line, "status"), text_of(line, "reason"));
        }
        assert_int_equal(json_integer_value(json_object_get(line, "round")), i / 2);
        assert_int_equal(json_integer_value(json_object_get(line, "slot")), i);
        assert_non_null(json_object_get(line, "mops"));
        assert_int_equal(json_is_null(json_object_get(line, "mops")), strcmp(status, "ok") != 0);
    }
    json_decref(lines);
    json_decref(o.manifest);
    tear_down(&b);
}

static void test_each_way_to_fail_has_its_name(void **state) {
    (void)state;
    expect("good", "ok", "");
    expect("hangs", "hang", "did not finish before its deadline");
    expect("seven", "failed", "exit code 7: no luck today");
    expect("garbage", "garbage", "{\"queue\": 12");
    expect("silent", "garbage", "no line about its slot");
    expect("other", "garbage", "no line about its slot");
    expect("empty", "garbage", "no line about its slot");
    expect("loses", "wrong sum", "lost 1");
    expect("late", "failed", "exit code 3");
}

static void test_what_is_missing_has_a_line(void **state) {
    (void)state;
    struct bed b;
    struct pn_queue_rounds_sum sum;
    struct pn_error err = {""};
    char status[32];
    set_up(&b);
    write_script(&b, "pinion-queues-c", "#!/bin/sh\nkill -11 $$\n");
    write_script(&b, "pinion-queues-rust.why", "cargo: no network\n");
    struct pn_queue_rounds_options o = options_of(&b, "good,absent,faa,tbb_queue,crossbeam_seg");
    o.peers = true;
    o.rounds = 1;
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_COMPLETE);
    assert_int_equal(sum.missing, 4);
    json_t *lines = read_lines(&b);
    static const char *const expected[][2] = {{"absent", "package libabsent-dev"},
                                              {"faa", "died of signal 11"},
                                              {"tbb_queue", "the slot program is not there"},
                                              {"crossbeam_seg", "cargo: no network"}};
    for (size_t i = 0; i < 4; i++) {
        const json_t *line = json_array_get(lines, i);
        assert_string_equal(text_of(line, "queue"), expected[i][0]);
        assert_string_equal(text_of(line, "status"), "not measured");
        assert_string_equal(text_of(line, "reason"), expected[i][1]);
    }
    assert_int_equal(json_array_size(lines), 4 + 2);
    assert_string_equal(manifest_status(&b, status, sizeof status), "complete");
    json_decref(lines);
    json_decref(o.manifest);
    tear_down(&b);
}

static void test_what_cannot_be_is_refused(void **state) {
    (void)state;
    struct bed b;
    struct pn_queue_rounds_sum sum;
    struct pn_error err = {""};
    set_up(&b);
    struct pn_queue_rounds_options o = options_of(&b, "god");
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_BAD_INPUT);
    assert_string_equal(err.text,
                        "no queue 'god'; --list names them, --peers adds those of other libraries");
    o.only = "good";
    o.workloads = "w1,w3";
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_BAD_INPUT);
    assert_string_equal(err.text, "no workload 'w3'; --list names them");
    assert_int_equal(access(b.out, F_OK), -1); /* nothing was written */
    o.workloads = NULL;
    o.directory = b.programs;
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_BAD_INPUT);
    assert_non_null(strstr(err.text, "not empty"));
    o.programs = b.root;
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_NO_ACCESS);
    assert_non_null(strstr(err.text, "/pinion-queues-own: "));
    json_decref(o.manifest);
    tear_down(&b);
}

static bool at_once(void) {
    return true;
}

static void test_an_interruption_keeps_what_is_there(void **state) {
    (void)state;
    struct bed b;
    struct pn_queue_rounds_sum sum;
    struct pn_error err = {""};
    char status[32];
    set_up(&b);
    struct pn_queue_rounds_options o = options_of(&b, "hangs");
    uint64_t start = pn_now_ns();
    o.interrupted = at_once;
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_INTERRUPTED);
    assert_true(pn_now_ns() - start < 10000000000u);
    assert_int_equal(sum.slots, 0);
    assert_string_equal(manifest_status(&b, status, sizeof status), "interrupted");
    json_decref(o.manifest);
    tear_down(&b);
}

struct seen {
    char order[512];
    unsigned n;
};

static void note(void *context, const struct pn_queue_progress *p) {
    struct seen *seen = context;
    size_t used = strlen(seen->order);
    seen->n++;
    assert_int_equal(p->slot, seen->n);
    (void)snprintf(seen->order + used, sizeof seen->order - used, "%s %s,",
                   text_of(p->line, "queue"), text_of(p->line, "workload"));
}

static void order_of(uint64_t seed, struct seen *seen) {
    struct bed b;
    struct pn_queue_rounds_sum sum;
    struct pn_error err = {""};
    set_up(&b);
    struct pn_queue_rounds_options o = options_of(&b, "good,silent,seven@w1,other@w*");
    *seen = (struct seen){"", 0};
    o.seed = seed;
    o.progress = note;
    o.context = seen;
    assert_int_equal(pn_queue_rounds_run(&o, &sum, &err), PN_CAMPAIGN_COMPLETE);
    json_decref(o.manifest);
    tear_down(&b);
}

static void test_the_seed_fixes_the_order(void **state) {
    (void)state;
    static struct seen first, again, other;
    order_of(1, &first);
    order_of(1, &again);
    order_of(2, &other);
    assert_int_equal(first.n, 2 * 7);
    assert_string_equal(first.order, again.order);
    assert_string_not_equal(first.order, other.order);
    /* One workload after the other: w1 has four queues, w2 three. */
    unsigned turns = 0;
    const char *before = "";
    for (const char *at = first.order; (at = strstr(at, " w")) != NULL; at++) {
        turns += strncmp(at, before, 3) != 0;
        before = at;
    }
    assert_in_range(turns, 3, 4);
    /* Every slot once per round. */
    assert_null(strstr(first.order, "seven w2"));
    const char *half = first.order;
    for (unsigned i = 0; i < 7; i++) {
        half = strchr(half, ',') + 1;
    }
    assert_non_null(strstr(half, "seven w1"));
    assert_true(strstr(first.order, "seven w1") < half);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_way_to_fail_has_its_name),
        cmocka_unit_test(test_what_is_missing_has_a_line),
        cmocka_unit_test(test_what_cannot_be_is_refused),
        cmocka_unit_test(test_an_interruption_keeps_what_is_there),
        cmocka_unit_test(test_the_seed_fixes_the_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
