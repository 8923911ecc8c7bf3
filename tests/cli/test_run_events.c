/* SPDX-License-Identifier: MIT
 *
 * The events that `pinion run` writes: their counts, the directory they go to, an interrupt.
 */
#include <setjmp.h>
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

enum { TEXT = 1 << 22 };

struct outcome {
    int code;
    char *text; /* [TEXT] */
};

static void call(struct outcome *out, const char *format, const char *argument) {
    char arguments[512];
    char command[1024];
    /* NOLINTNEXTLINE(clang-diagnostic-format-nonliteral) */
    (void)snprintf(arguments, sizeof arguments, "%s %s", format, argument);
    (void)snprintf(command, sizeof command, "timeout 30 '%s/pinion' run %s",
                   getenv("PINION_TEST_BUILD"), arguments);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    size_t n = fread(out->text, 1, TEXT - 1, f);
    out->text[n] = '\0';
    int status = pclose(f);
    assert_true(WIFEXITED(status));
    out->code = WEXITSTATUS(status);
}

/* Counts the lines of one kind; each is an object with the common head. */
static unsigned count(const char *text, const char *event, json_t **last) {
    unsigned n = 0;
    for (const char *at = text; *at != '\0'; at = strchr(at, '\n') + 1) {
        const char *end = strchr(at, '\n');
        assert_non_null(end);
        json_t *line = json_loadb(at, (size_t)(end - at), 0, NULL);
        assert_non_null(line);
        assert_int_equal(json_integer_value(json_object_get(line, "schema")), 1);
        assert_string_equal(json_string_value(json_object_get(line, "runtime")), "mailbox");
        if (strcmp(json_string_value(json_object_get(line, "event")), event) == 0) {
            n++;
            json_decref(*last);
            *last = json_incref(line);
        }
        json_decref(line);
    }
    return n;
}

static void events_end_with_the_summary(void **state) {
    struct outcome *out = *state;
    json_t *last = NULL;
    call(out, "--design mailbox --json jobs=2000 warm=100 crash_ppm=5000", "");
    assert_int_equal(out->code, 0);
    assert_int_equal(count(out->text, "summary", &last), 1);
    json_int_t lost = json_integer_value(json_object_get(last, "lost"));
    assert_true(lost > 0);
    assert_int_equal(count(out->text, "worker_crash", &last), lost);
    assert_int_equal(count(out->text, "worker_restart", &last), lost);
    assert_int_equal(count(out->text, "job_done", &last), 2000 - lost);
    const char *tail = strrchr(out->text, '{'); /* of the last core or placement */
    assert_true(tail > strstr(out->text, "\"event\":\"summary\""));
    json_decref(last);
}

static void snapshots_count_what_was_completed(void **state) {
    struct outcome *out = *state;
    json_t *last = NULL;
    /* Every job is lost: none is done. The warm-up, as long, writes no snapshot of its own. */
    call(out, "--design mailbox --json jobs=3000 warm=3000 rate=10000 crash_ppm=1000000", "");
    assert_int_equal(out->code, 0);
    unsigned n = count(out->text, "snapshot", &last);
    assert_in_range(n, 1, 4);
    assert_int_equal(json_integer_value(json_object_get(last, "done")), 0);
    json_decref(last);
}

static void a_dropping_producer_says_how_much(void **state) {
    struct outcome *out = *state;
    json_t *last = NULL;
    call(out, "--design mailbox --json jobs=5000 warm=0 drop=1 queue=1 workers=1 units=20000",
         "producers_as=thread");
    assert_int_equal(out->code, 0);
    assert_true(count(out->text, "queue_full", &last) > 0);
    assert_true(json_integer_value(json_object_get(last, "dropped")) > 0);
    assert_null(json_object_get(last, "waited_ns"));
    json_decref(last);
}

static void a_directory_takes_the_events(void **state) {
    struct outcome *out = *state;
    char dir[] = "/tmp/pinion-run-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(dir));
    call(out, "--design mailbox --json jobs=100 warm=0 -o", dir);
    assert_int_equal(out->code, 0);
    assert_null(strchr(strchr(out->text, '\n') + 1, '\n')); /* the summary alone */
    (void)snprintf(path, sizeof path, "%s/events.jsonl", dir);
    assert_int_equal(access(path, R_OK), 0);
    call(out, "--design mailbox --json jobs=100 warm=0 2>&1 -o", dir);
    assert_int_equal(out->code, 2);
    assert_non_null(strstr(out->text, "not empty"));
    (void)unlink(path);
    (void)rmdir(dir);
}

static void an_interrupt_prints_what_there_is(void **state) {
    struct outcome *out = *state;
    json_t *last = NULL;
    call(out, "--design mailbox --json --summary jobs=100000 warm=0 rate=100",
         "& sleep 0.5; kill -INT $!; wait $!");
    assert_int_equal(out->code, 130);
    assert_int_equal(count(out->text, "summary", &last), 1);
    assert_true(json_is_true(json_object_get(last, "interrupted")));
    json_decref(last);
}

static int setup(void **state) {
    static struct outcome out;
    out.text = malloc(TEXT);
    *state = &out;
    return out.text == NULL;
}

static int teardown(void **state) {
    free(((struct outcome *)*state)->text);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_end_with_the_summary),
        cmocka_unit_test(snapshots_count_what_was_completed),
        cmocka_unit_test(a_dropping_producer_says_how_much),
        cmocka_unit_test(a_directory_takes_the_events),
        cmocka_unit_test(an_interrupt_prints_what_there_is),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
