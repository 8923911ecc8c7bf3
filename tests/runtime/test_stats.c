/* SPDX-License-Identifier: MIT */
#include <pinion/arena.h>
#include <pinion/stats.h>
#include <pinion/wheel.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* The layout is a protocol: what an outside reader of version 1 relies on, in bytes. */
static void test_layout_bytes_are_those_of_version_1(void **state) {
    (void)state;
    struct pn_stats *stats = NULL;
    assert_int_equal(pn_stats_create(&stats, 3), 0);
    unsigned char head[56];
    assert_int_equal(pread(pn_stats_fd(stats), head, sizeof head, 0), sizeof head);
    static const unsigned char magic[12] = {'P', 'N', 'S', 'T', 'A', 'T', 'S', '1', 1, 0, 0, 0};
    assert_memory_equal(head, magic, sizeof magic);
    uint32_t words[7];
    memcpy(words, head + 12, sizeof words);
    assert_int_equal(words[0], PN_STAT_COUNT);
    assert_int_equal(words[1], 48); /* entry_bytes */
    assert_int_equal(words[2], 3);
    assert_int_equal(words[3], 32); /* label_bytes */
    assert_int_equal(words[4] % 4096, 0);
    assert_int_equal(words[5], 4096);
    assert_int_equal(words[6], getpid());
    char name[32];
    assert_int_equal(pread(pn_stats_fd(stats), name, sizeof name, 56), sizeof name);
    assert_string_equal(name, "jobs");
    assert_int_equal(pread(pn_stats_fd(stats), name, sizeof name, 56 + 48 * PN_STAT_INJECT_PUSH),
                     sizeof name);
    assert_string_equal(name, "inject_push");
    /* Entries are appended only: these positions are part of version 1. */
    assert_int_equal(PN_STAT_TIMERS_FIRED, 30);
    assert_int_equal(PN_STAT_MAILBOX_LONGEST_WAIT, 67);
    assert_true(ftruncate(pn_stats_fd(stats), 0) != 0);
    pn_stats_destroy(stats);
}

static void test_names_are_distinct_and_fit(void **state) {
    (void)state;
    for (int i = 0; i < PN_STAT_COUNT; i++) {
        assert_in_range(strlen(pn_stat_name((enum pn_stat)i)), 1, 31);
        assert_in_range(strlen(pn_stat_unit((enum pn_stat)i)), 1, 11);
        assert_true(strlen(pn_stat_text((enum pn_stat)i)) > 0);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(pn_stat_name((enum pn_stat)i), pn_stat_name((enum pn_stat)j));
        }
    }
}

static void test_totals_sum_counters_and_take_maxima(void **state) {
    (void)state;
    struct pn_stats *stats = NULL;
    assert_int_equal(pn_stats_create(&stats, 4), 0);
    for (unsigned i = 0; i < 4; i++) {
        struct pn_stats_block *block = pn_stats_block(stats, i);
        assert_int_equal((uintptr_t)block % 128, 0);
        pn_stats_add(block, PN_STAT_JOBS, i);
        pn_stats_add(block, PN_STAT_JOBS, 10);
        pn_stats_max(block, PN_STAT_GRACE_MAX_NS, 100 * (i % 3));
        pn_stats_max(block, PN_STAT_GRACE_MAX_NS, 1);
        pn_stats_set_queue(block, PN_STATS_RUNQ,
                           &(struct pn_queue_counts){1, 2, 3, 4, 5, 6, 7 + i});
    }
    assert_null(pn_stats_block(stats, 4));
    struct pn_arena_counts counts = {.alloc = 9, .freed = {1, 2, 3, 4, 5, 6}, .batches_sent = 7};
    pn_stats_set_arena(pn_stats_block(stats, 1), &counts);
    assert_int_equal(pn_stats_total(stats, PN_STAT_FREE_SELF), 1);
    assert_int_equal(pn_stats_total(stats, PN_STAT_FREE_REMOTE), 5);
    assert_int_equal(pn_stats_total(stats, PN_STAT_FREE_UNKNOWN), 6);
    assert_int_equal(pn_stats_total(stats, PN_STAT_FREE_BATCHES), 7);
    pn_stats_set_wheel(pn_stats_block(stats, 1), &(struct pn_wheel){.fired = 11, .cancelled = 12});
    assert_int_equal(pn_stats_total(stats, PN_STAT_TIMERS_FIRED), 11);
    assert_int_equal(pn_stats_total(stats, PN_STAT_JOBS), 46);
    assert_int_equal(pn_stats_total(stats, PN_STAT_GRACE_MAX_NS), 200);
    assert_int_equal(pn_stats_total(stats, PN_STAT_RUNQ_PUSH), 4);
    assert_int_equal(pn_stats_total(stats, PN_STAT_RUNQ_EMPTY), 24);
    assert_int_equal(pn_stats_total(stats, PN_STAT_RUNQ_LONGEST_WAIT), 10);
    assert_int_equal(pn_stats_get(pn_stats_block(stats, 2), PN_STAT_JOBS), 12);
    pn_stats_destroy(stats);
}

/* The reader is a child process, which has nothing but a path. */
static int read_as_outsider(const char *path) {
    struct pn_stats_view *view = NULL;
    if (pn_stats_open(&view, path, -1) != 0) {
        return 1;
    }
    struct pn_stats_label label;
    int entry = pn_stats_view_find(view, "timers_fired");
    int rc = 0;
    if (entry < 0 || pn_stats_view_find(view, "no_such_thing") != -ENOENT ||
        strcmp(pn_stats_view_entry(view, (unsigned)entry)->unit, "timers") != 0) {
        rc = 2;
    } else if (pn_stats_view_get(view, 1, (unsigned)entry) != 77 ||
               pn_stats_view_total(view, (unsigned)entry) != 77 + 5) {
        rc = 3;
    } else if (pn_stats_view_label(view, 1, &label) != 0 || strcmp(label.role, "scheduler") != 0 ||
               label.cpu != 9 || label.node != -1 || pn_stats_view_label(view, 2, &label) == 0) {
        rc = 4;
    }
    pn_stats_close(view);
    return rc;
}

static void test_open_other_process_reads_by_path(void **state) {
    (void)state;
    struct pn_stats *stats = NULL;
    assert_int_equal(pn_stats_create(&stats, 2), 0);
    pn_stats_label(stats, 1, "scheduler", 9, -1);
    pn_stats_add(pn_stats_block(stats, 0), PN_STAT_TIMERS_FIRED, 5);
    pn_stats_add(pn_stats_block(stats, 1), PN_STAT_TIMERS_FIRED, 77);
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)getpid(), pn_stats_fd(stats));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)close(pn_stats_fd(stats));
        _exit(read_as_outsider(path));
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pn_stats_destroy(stats);
}

static void expect_open(const unsigned char *bytes, size_t n, int expected) {
    int fd = memfd_create("damaged", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    struct pn_stats_view *view = NULL;
    assert_int_equal(pn_stats_open(&view, NULL, fd), expected);
    pn_stats_close(view);
    (void)close(fd);
}

static void test_open_damaged_segment_is_refused(void **state) {
    (void)state;
    struct pn_stats *stats = NULL;
    assert_int_equal(pn_stats_create(&stats, 2), 0);
    static unsigned char whole[64 * 1024], bad[sizeof whole];
    ssize_t n = pread(pn_stats_fd(stats), whole, sizeof whole, 0);
    assert_true(n > 8192);
    size_t size = (size_t)n;
    pn_stats_destroy(stats);
    expect_open(whole, size, 0);
    expect_open(whole, 10, -EPROTO);
    expect_open(whole, size - 8, -EPROTO);
    /* Each word of the head that a reader computes with, made as large as it can be. */
    static const struct {
        size_t at;
        int expected;
    } damage[] = {{0, -EPROTO},  {8, -ENOTSUP}, {12, -EPROTO}, {16, -EPROTO}, {20, -EPROTO},
                  {24, -EPROTO}, {28, -EPROTO}, {32, -EPROTO}, {48, -EPROTO}, {56 + 46, -EPROTO}};
    for (size_t i = 0; i < sizeof damage / sizeof damage[0]; i++) {
        memcpy(bad, whole, size);
        /* An entry's offset stays a multiple of 8, so that only its bound refuses it. */
        uint32_t large = damage[i].at > 56 ? 0xfff8 : 0xfffffff8;
        memcpy(bad + damage[i].at, &large, damage[i].at > 56 ? 2 : 4);
        expect_open(bad, size, damage[i].expected);
    }
    struct pn_stats_view *view = NULL;
    assert_int_equal(pn_stats_open(&view, "/nonexistent", -1), -ENOENT);
    assert_int_equal(pn_stats_open(&view, NULL, -1), -EBADF);
}

static void test_create_bad_counts_are_refused(void **state) {
    (void)state;
    struct pn_stats *stats = NULL;
    assert_int_equal(pn_stats_create(&stats, 0), -EINVAL);
    assert_int_equal(pn_stats_create(&stats, 65537), -EINVAL);
    assert_null(stats);
    pn_stats_destroy(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layout_bytes_are_those_of_version_1),
        cmocka_unit_test(test_names_are_distinct_and_fit),
        cmocka_unit_test(test_totals_sum_counters_and_take_maxima),
        cmocka_unit_test(test_open_other_process_reads_by_path),
        cmocka_unit_test(test_open_damaged_segment_is_refused),
        cmocka_unit_test(test_create_bad_counts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
