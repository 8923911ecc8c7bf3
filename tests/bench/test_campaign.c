/* SPDX-License-Identifier: MIT
 *
 * Campaigns with a stand-in for `pinion run`: order, kill and resume, full disks, liars. The
 * stand-in is a shell script that speaks the protocol and measures nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <pinion/campaign.h>

static const char stand_in[] =
    "#!/bin/sh\n"
    "for a; do case $a in jobs=*) jobs=${a#jobs=};; units=*) x=${a#units=};; esac; "
    "[ \"$last\" = --design ] && design=$a; last=$a; done\n"
    "sum=00000000000000$((10 + x % 80))\n"
    "here=$(dirname \"$0\")\n"
    "if [ -e \"$here/liar\" ] && [ $design = mailbox ]; then sum=00000000000000ff; fi\n"
    "if [ -e \"$here/broken\" ] && [ $jobs -gt 20000 ]; then echo 'out of order' >&2; exit 7; fi\n"
    "echo '{\"event\":\"ready\"}'; read go\n"
    "echo '{\"event\":\"summary\",\"checksum\":\"'$sum'\",\"jobs\":'$jobs',\"done\":'$jobs'"
    ",\"wall_ns\":100000,\"cpu_ns\":1}'\n";

struct place {
    char base[64], directory[96], program[96];
};

static void make_place(struct place *p) {
    (void)snprintf(p->base, sizeof p->base, "/tmp/pinion-campaign-XXXXXX");
    assert_non_null(mkdtemp(p->base));
    (void)snprintf(p->directory, sizeof p->directory, "%s/run", p->base);
    (void)snprintf(p->program, sizeof p->program, "%s/stand-in", p->base);
    FILE *f = fopen(p->program, "w");
    assert_non_null(f);
    assert_true(fputs(stand_in, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(chmod(p->program, 0755), 0);
}

static void remove_place(const struct place *p) {
    char command[160];
    (void)snprintf(command, sizeof command, "rm -rf '%s'", p->base);
    assert_int_equal(system(command), 0);
}

static void mark(const struct place *p, const char *name) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", p->base, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    (void)fclose(f);
}

struct run {
    struct pn_sweep_plan sweep;
    struct pn_campaign_sum sum;
    struct pn_error err;
    uint64_t seed;
    const char *fingerprint;
    bool resume;
    bool (*interrupted)(void);
};

static enum pn_campaign_end play(const struct place *p, struct run *r) {
    static struct pn_plan_scheduler scheduler = {.cpu = {0}};
    static const struct pn_plan plan = {.n_schedulers = 1, .schedulers = &scheduler};
    if (r->sweep.n_x == 0) {
        pn_sweep_init(&r->sweep, "test");
        assert_int_equal(pn_sweep_set_x(&r->sweep, "units=1..4:log2", &r->err), 0);
        assert_int_equal(pn_sweep_set_by(&r->sweep, "mem=local,malloc", &r->err), 0);
        r->sweep.rounds = 2;
        r->sweep.aa = true;
    }
    json_t *manifest =
        json_pack("{s:s}", "fingerprint", r->fingerprint == NULL ? "f" : r->fingerprint);
    struct pn_campaign_options options = {.directory = p->directory,
                                          .program = p->program,
                                          .plan = &plan,
                                          .sweeps = &r->sweep,
                                          .n_sweeps = 1,
                                          .seed = r->seed,
                                          .slot_s = 0.001,
                                          .resume = r->resume,
                                          .manifest = manifest,
                                          .interrupted = r->interrupted};
    enum pn_campaign_end end = pn_campaign_run(&options, &r->sum, &r->err);
    json_decref(manifest);
    return end == PN_CAMPAIGN_NOISY ? PN_CAMPAIGN_COMPLETE : end; /* neighbours are not the test */
}

static char *slurp(const struct place *p, const char *name) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", p->directory, name);
    char *text = calloc(1, 1 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(text);
    if (f != NULL) {
        assert_true(fread(text, 1, (1 << 20) - 1, f) < (1 << 20) - 1);
        (void)fclose(f);
    }
    return text;
}

/* One value per line of a JSON-lines file, joined by blanks. */
static void values_of(const struct place *p, const char *name, const char *key, char *out,
                      size_t cap) {
    char *text = slurp(p, name);
    char *save = NULL;
    out[0] = '\0';
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        json_t *object = json_loads(line, 0, NULL);
        assert_non_null(object);
        char *value = json_dumps(json_object_get(object, key), JSON_ENCODE_ANY);
        assert_true(strlen(out) + strlen(value) + 2 < cap);
        (void)strcat(strcat(out, value), " ");
        free(value);
        json_decref(object);
    }
    free(text);
}

static void check_complete(const struct place *p) {
    static char planned[65536], done[65536];
    values_of(p, "plan.jsonl", "key", planned, sizeof planned);
    values_of(p, "samples.jsonl", "key", done, sizeof done);
    assert_string_equal(planned, done);
    char *text = slurp(p, "manifest.json");
    json_t *manifest = json_loads(text, 0, NULL);
    free(text);
    const char *status = json_string_value(json_object_get(manifest, "status"));
    assert_non_null(status);
    assert_true(strcmp(status, "complete") == 0 || strcmp(status, "noisy") == 0);
    json_decref(manifest);
}

static void test_whole_run(void **state) {
    (void)state;
    struct place p;
    struct run r = {.seed = 5};
    static char rounds[4096], errors[4096];
    make_place(&p);
    if (play(&p, &r) != PN_CAMPAIGN_COMPLETE) {
        fail_msg("%s", r.err.text);
    }
    /* 3 points x 2 designs x 2 levels and an A/A slot, twice; rounds outermost. */
    assert_int_equal(r.sum.slots, 26);
    assert_int_equal(r.sum.failed, 0);
    check_complete(&p);
    values_of(&p, "samples.jsonl", "round", rounds, sizeof rounds);
    assert_string_equal(rounds, "0 0 0 0 0 0 0 0 0 0 0 0 0 1 1 1 1 1 1 1 1 1 1 1 1 1 ");
    values_of(&p, "samples.jsonl", "error", errors, sizeof errors);
    assert_null(strchr(errors, '"'));
    remove_place(&p);
}

static void test_seed_fixes_the_order(void **state) {
    (void)state;
    static char keys[3][65536];
    for (unsigned i = 0; i < 3; i++) {
        struct place p;
        struct run r = {.seed = i == 2 ? 6 : 5};
        make_place(&p);
        assert_int_equal(play(&p, &r), PN_CAMPAIGN_COMPLETE);
        values_of(&p, "plan.jsonl", "key", keys[i], sizeof keys[i]);
        remove_place(&p);
    }
    assert_string_equal(keys[0], keys[1]);
    assert_string_not_equal(keys[0], keys[2]);
}

static size_t lines_of(const struct place *p) {
    char *text = slurp(p, "samples.jsonl");
    size_t n = 0;
    for (const char *c = text; *c != '\0'; c++) {
        n += *c == '\n';
    }
    free(text);
    return n;
}

static void append(const struct place *p, const char *text) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/samples.jsonl", p->directory);
    FILE *f = fopen(path, "a");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static void whole_run(uint64_t seed, char *keys, size_t cap) {
    struct place q;
    struct run r = {.seed = seed};
    make_place(&q);
    assert_int_equal(play(&q, &r), PN_CAMPAIGN_COMPLETE);
    values_of(&q, "samples.jsonl", "key", keys, cap);
    remove_place(&q);
}

static void sleep_us(uint64_t us) {
    (void)nanosleep(&(struct timespec){.tv_sec = (time_t)(us / 1000000),
                                       .tv_nsec = (long)(us % 1000000 * 1000)},
                    NULL);
}

/* Starts the campaign (again), kills it `us` later. \return false if it was through by then */
static bool start_and_kill(const struct place *p, uint64_t seed, uint64_t us) {
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        /* What a kill leaves may be a directory without a manifest: that is begun again. */
        struct run again = {.seed = seed, .resume = true};
        (void)alarm(30);
        enum pn_campaign_end end = play(p, &again);
        if (end != PN_CAMPAIGN_COMPLETE) {
            (void)fprintf(stderr, "  %s\n", again.err.text);
        }
        _exit((int)end);
    }
    sleep_us(us);
    (void)kill(pid, SIGKILL);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) != (int)PN_CAMPAIGN_COMPLETE) {
        fail_msg("ended by itself with %d", WEXITSTATUS(status));
    }
    return !WIFEXITED(status);
}

/* The moments are drawn, from the first milliseconds on: PINION_SEED=n for others. */
static void test_killed_at_30_moments_and_resumed_is_the_same_plan(void **state) {
    (void)state;
    static char whole[65536], resumed[65536];
    const char *text = getenv("PINION_SEED");
    uint32_t x = text == NULL ? 20260303 : (uint32_t)strtoul(text, NULL, 10);
    (void)fprintf(stderr, "  seed %u\n", x);
    whole_run(9, whole, sizeof whole);
    unsigned kills = 0, campaigns = 0;
    while (kills < 30) {
        struct place p;
        make_place(&p);
        campaigns++;
        for (bool killed = true; killed && kills < 30; kills += killed) {
            x = x * 1664525u + 1013904223u;
            killed = start_and_kill(&p, 9, 1000 + (x >> 8) % 250000);
            if (killed && (x & 0x80) != 0 && lines_of(&p) > 0) {
                append(&p, "{\"key\":\"cut sho");
            }
        }
        struct run last = {.seed = 9, .resume = true};
        if (play(&p, &last) != PN_CAMPAIGN_COMPLETE) {
            fail_msg("after %u kills: %s", kills, last.err.text);
        }
        check_complete(&p);
        values_of(&p, "samples.jsonl", "key", resumed, sizeof resumed);
        assert_string_equal(whole, resumed);
        remove_place(&p);
    }
    (void)fprintf(stderr, "  %u kills in %u campaigns\n", kills, campaigns);
}

static void leave(const struct place *p, const char *name, const char *text) {
    char path[160];
    (void)snprintf(path, sizeof path, "%s/%s", p->directory, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

/* Killed before its manifest stood, a run begins when it is resumed; other files are not touched.
 */
static void test_what_a_kill_at_once_leaves_is_begun_again(void **state) {
    (void)state;
    struct place p;
    struct run r = {.seed = 9, .resume = true}, again = {.seed = 9, .resume = true};
    make_place(&p);
    assert_int_equal(mkdir(p.directory, 0755), 0);
    leave(&p, ".manifest.json.new", "{\"half");
    leave(&p, "samples.jsonl", "");
    struct run no = {.seed = 9};
    assert_int_equal(play(&p, &no), PN_CAMPAIGN_BAD_INPUT);
    assert_int_equal(play(&p, &r), PN_CAMPAIGN_COMPLETE);
    check_complete(&p);
    remove_place(&p);
    make_place(&p);
    assert_int_equal(mkdir(p.directory, 0755), 0);
    leave(&p, "samples.jsonl", "{\"key\":\"of whom?\"}\n");
    assert_int_equal(play(&p, &again), PN_CAMPAIGN_BAD_INPUT);
    assert_non_null(strstr(again.err.text, "manifest.json"));
    remove_place(&p);
}

static void test_a_cut_line_is_dropped_with_a_notice(void **state) {
    (void)state;
    static char whole[65536], resumed[65536];
    struct place p;
    struct run r = {.seed = 9}, again = {.seed = 9, .resume = true};
    make_place(&p);
    assert_int_equal(play(&p, &r), PN_CAMPAIGN_COMPLETE);
    values_of(&p, "samples.jsonl", "key", whole, sizeof whole);
    append(&p, "{\"key\":\"cut sho");
    assert_int_equal(play(&p, &again), PN_CAMPAIGN_COMPLETE);
    assert_non_null(strstr(again.err.text, "cut short"));
    values_of(&p, "samples.jsonl", "key", resumed, sizeof resumed);
    assert_string_equal(whole, resumed);
    remove_place(&p);
}

static unsigned asked;

static bool after_some(void) {
    return ++asked > 60;
}

static void test_interrupted_is_saved_and_resumed(void **state) {
    (void)state;
    struct place p;
    struct run r = {.seed = 2, .interrupted = after_some};
    struct run rest = {.seed = 2, .resume = true};
    make_place(&p);
    asked = 0;
    assert_int_equal(play(&p, &r), PN_CAMPAIGN_INTERRUPTED);
    assert_true(lines_of(&p) < 26);
    char *text = slurp(&p, "manifest.json");
    assert_non_null(strstr(text, "\"interrupted\""));
    free(text);
    assert_int_equal(play(&p, &rest), PN_CAMPAIGN_COMPLETE);
    check_complete(&p);
    remove_place(&p);
}

static void test_what_cannot_be_resumed_is_refused(void **state) {
    (void)state;
    struct place p;
    struct run r = {.seed = 1};
    make_place(&p);
    assert_int_equal(play(&p, &r), PN_CAMPAIGN_COMPLETE);
    char *before = slurp(&p, "samples.jsonl");
    struct run fresh = {.seed = 1};
    assert_int_equal(play(&p, &fresh), PN_CAMPAIGN_BAD_INPUT);
    assert_non_null(strstr(fresh.err.text, "not empty"));
    struct run other = {.seed = 1, .resume = true, .fingerprint = "g"};
    assert_int_equal(play(&p, &other), PN_CAMPAIGN_BAD_INPUT);
    struct run seed = {.seed = 3, .resume = true};
    assert_int_equal(play(&p, &seed), PN_CAMPAIGN_BAD_INPUT);
    char *after = slurp(&p, "samples.jsonl");
    assert_string_equal(before, after);
    append(&p, "{\"key\":\"broken\n{}\n");
    struct run damaged = {.seed = 1, .resume = true};
    assert_int_equal(play(&p, &damaged), PN_CAMPAIGN_BAD_INPUT);
    assert_non_null(strstr(damaged.err.text, "samples.jsonl:27"));
    free(before);
    free(after);
    remove_place(&p);
}

static void test_no_directory_is_no_access(void **state) {
    (void)state;
    struct place p;
    struct run r = {.seed = 1};
    make_place(&p);
    (void)snprintf(p.directory, sizeof p.directory, "/dev/null/run");
    assert_int_equal(play(&p, &r), PN_CAMPAIGN_NO_ACCESS);
    assert_non_null(strstr(r.err.text, "/dev/null/run"));
    remove_place(&p);
}

static void test_liar_is_named_and_the_run_goes_on(void **state) {
    (void)state;
    static char errors[65536];
    struct place p;
    struct run r = {.seed = 4};
    make_place(&p);
    pn_sweep_init(&r.sweep, "test");
    assert_int_equal(pn_sweep_set_x(&r.sweep, "units=1,2", &r.err), 0);
    r.sweep.rounds = 1;
    mark(&p, "liar");
    assert_int_equal(play(&p, &r), PN_CAMPAIGN_COMPLETE);
    assert_int_equal(r.sum.failed, 2); /* one of each pair: which of the two lied is not known */
    values_of(&p, "samples.jsonl", "error", errors, sizeof errors);
    assert_non_null(strstr(errors, "checksum"));
    remove_place(&p);
}

static void test_nothing_but_failures_ends_the_run(void **state) {
    (void)state;
    struct place p;
    struct run r = {.seed = 4};
    make_place(&p);
    pn_sweep_init(&r.sweep, "test");
    assert_int_equal(pn_sweep_set_x(&r.sweep, "units=1,2,3,4", &r.err), 0);
    for (unsigned i = 0; i < 4; i++) {
        r.sweep.jobs[i] = 30000; /* no pilot, so that the slots themselves fail */
    }
    mark(&p, "broken");
    assert_int_equal(play(&p, &r), PN_CAMPAIGN_FAILED);
    assert_non_null(strstr(r.err.text, "out of order"));
    assert_int_equal(lines_of(&p), 4);
    remove_place(&p);
}

/* A file size limit is the full disk that needs no root. */
static void test_full_disk_loses_nothing_silently(void **state) {
    (void)state;
    struct place p;
    make_place(&p);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct run r = {.seed = 8};
        struct rlimit limit = {8192, 8192};
        (void)signal(SIGXFSZ, SIG_IGN);
        (void)setrlimit(RLIMIT_FSIZE, &limit);
        enum pn_campaign_end end = play(&p, &r);
        _exit(end == PN_CAMPAIGN_FAILED && r.err.text[0] != '\0' ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    assert_true(lines_of(&p) > 0);
    assert_true(lines_of(&p) < 26);
    struct run rest = {.seed = 8, .resume = true};
    if (play(&p, &rest) != PN_CAMPAIGN_COMPLETE) {
        fail_msg("%s", rest.err.text);
    }
    check_complete(&p);
    remove_place(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_run),
        cmocka_unit_test(test_seed_fixes_the_order),
        cmocka_unit_test(test_killed_at_30_moments_and_resumed_is_the_same_plan),
        cmocka_unit_test(test_what_a_kill_at_once_leaves_is_begun_again),
        cmocka_unit_test(test_a_cut_line_is_dropped_with_a_notice),
        cmocka_unit_test(test_interrupted_is_saved_and_resumed),
        cmocka_unit_test(test_what_cannot_be_resumed_is_refused),
        cmocka_unit_test(test_no_directory_is_no_access),
        cmocka_unit_test(test_liar_is_named_and_the_run_goes_on),
        cmocka_unit_test(test_nothing_but_failures_ends_the_run),
        cmocka_unit_test(test_full_disk_loses_nothing_silently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
