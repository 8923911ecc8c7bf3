/* SPDX-License-Identifier: MIT */
#include <pinion/slot.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A child's clock and ours are read at different moments; and a process clock lags by a tick. */
#define CLOCK_SLACK_NS 20000000u

static bool whole(const json_t *summary, const char *key, uint64_t *out) {
    const json_t *value = json_object_get(summary, key);
    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static int check_sum(const json_t *summary, uint64_t jobs, char *why, size_t cap) {
    static const char *const names[] = {"done", "lost", "dropped", "collateral"};
    uint64_t said = 0, sum = 0;
    if (!whole(summary, "jobs", &said)) {
        (void)snprintf(why, cap, "the summary has no count 'jobs'");
        return -EBADMSG;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const json_t *value = json_object_get(summary, names[i]);
        uint64_t part = 0;
        bool not_there = value == NULL || json_is_null(value); /* what does not apply is null */
        if ((i == 0 && not_there) ||
            (!not_there && (!whole(summary, names[i], &part) || part > said))) {
            (void)snprintf(why, cap, "the summary's count '%s' is no count up to jobs", names[i]);
            return -EBADMSG;
        }
        sum += part;
    }
    if (jobs != 0 && said != jobs) {
        (void)snprintf(why, cap, "%" PRIu64 " jobs were asked for, the summary says %" PRIu64, jobs,
                       said);
        return -EBADMSG;
    }
    if (sum != said) {
        (void)snprintf(why, cap,
                       "done + lost + dropped + collateral = %" PRIu64 ", but jobs = %" PRIu64, sum,
                       said);
        return -EBADMSG;
    }
    return 0;
}

static int check_times(const json_t *summary, uint64_t window_ns, uint64_t cpu_ns, char *why,
                       size_t cap) {
    uint64_t wall = 0, cpu = 0;
    if (!whole(summary, "wall_ns", &wall) || wall == 0 || !whole(summary, "cpu_ns", &cpu)) {
        (void)snprintf(why, cap, "the summary has no wall_ns or cpu_ns");
        return -EBADMSG;
    }
    if (window_ns != 0 && wall > window_ns + window_ns / 100 + CLOCK_SLACK_NS) {
        (void)snprintf(why, cap, "says it ran %" PRIu64 " ns, but only %" PRIu64 " ns passed", wall,
                       window_ns);
        return -EBADMSG;
    }
    if (cpu_ns != 0 && cpu > cpu_ns + cpu_ns / 100 + CLOCK_SLACK_NS) {
        (void)snprintf(why, cap, "says %" PRIu64 " ns of CPU, the kernel says %" PRIu64, cpu,
                       cpu_ns);
        return -EBADMSG;
    }
    return 0;
}

int pn_summary_check(const json_t *summary, uint64_t jobs, uint64_t window_ns, uint64_t cpu_ns,
                     char *why, size_t cap) {
    if (summary == NULL) {
        (void)snprintf(why, cap, "ended without a summary");
        return -EBADMSG;
    }
    const char *checksum = json_string_value(json_object_get(summary, "checksum"));
    if (checksum == NULL || strlen(checksum) != 16) {
        (void)snprintf(why, cap, "the summary has no checksum of 16 digits");
        return -EBADMSG;
    }
    int rc = check_sum(summary, jobs, why, cap);
    return rc != 0 ? rc : check_times(summary, window_ns, cpu_ns, why, cap);
}
