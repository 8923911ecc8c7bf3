/* SPDX-License-Identifier: MIT */
#include <pinion/conformance.h>

#include "child.h"

#include <inttypes.h>
#include <pinion/clock.h>
#include <pinion/event_schema.h>
#include <pinion/generator.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { DEADLINE_S = 30, ARGS = 48, EXIT_INPUT = 2 };

static uint32_t payload_sum(uint32_t key, uint64_t bytes) {
    uint32_t word = pn_mix(key + PN_DRAW_PAYLOAD);
    uint64_t pages = (bytes + 4095) / 4096;
    return bytes == 0 ? 0 : word * (uint32_t)(pages + 1);
}

static uint32_t units_of(const struct pn_params *p, uint32_t key) {
    if (p->greedy_ppm > 0 && pn_job_hit(key, PN_DRAW_GREEDY, (uint32_t)p->greedy_ppm)) {
        return (uint32_t)p->greedy_units;
    }
    return pn_job_pick(key, PN_DRAW_UNITS, (uint32_t)p->wlo, (uint32_t)p->whi);
}

void pn_reference_run(const struct pn_params *p, struct pn_reference *out) {
    memset(out, 0, sizeof *out);
    for (uint64_t k = 0; k < p->producers; k++) {
        uint32_t base = pn_job_base((uint32_t)p->seed, (uint32_t)k);
        uint64_t n = pn_params_jobs_of(p, p->jobs, k);
        for (uint64_t i = 0; i < n; i++) {
            uint32_t key = pn_job_key(base, (uint32_t)i);
            if (p->crash_ppm > 0 && pn_job_hit(key, PN_DRAW_CRASH, (uint32_t)p->crash_ppm)) {
                out->lost++;
                continue;
            }
            out->done++;
            out->checksum += pn_compute(key + payload_sum(key, p->payload), units_of(p, key));
        }
    }
}

double pn_reference_unit_ns(void) {
    enum { UNITS = 1 << 22, ROUNDS = 9 };
    uint64_t best = UINT64_MAX;
    for (unsigned i = 0; i < ROUNDS; i++) {
        uint64_t start = pn_now_ns();
        uint32_t x = pn_compute(i, UNITS);
        __asm__("" : : "r"(x));
        uint64_t ns = pn_now_ns() - start;
        best = ns < best ? ns : best;
    }
    return (double)best / UNITS;
}

/* Known values, not computed here: what both sides could get wrong alike shows against them. */
static const struct {
    const char *text;
    struct pn_reference expected;
} fixed[PN_CHECK_VALUES] = {
    {"jobs=20000", {20000, 0, 0x000027050ac42ebd}},
    {"jobs=20000 seed=7 producers=16 workers=100 queue=1024 wlo=0 whi=500 payload=4096 "
     "sleep_ppm=50000 slo=500 shi=2500 crash_ppm=5000",
     {19905, 95, 0x000026d0be2550a1}},
};

static uint32_t draw(uint32_t *x, uint32_t n) {
    *x = pn_round(*x);
    return pn_mix(*x) % n;
}

static uint32_t one_of(uint32_t *x, const uint32_t *list, uint32_t n) {
    return list[draw(x, n)];
}

#define ONE_OF(x, ...)                                                                             \
    one_of(x, (const uint32_t[]){__VA_ARGS__},                                                     \
           sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void draw_text(uint32_t *x, char *text, size_t cap) {
    uint32_t lo = draw(x, 100);
    (void)snprintf(
        text, cap,
        "jobs=%u warm=%u seed=%u producers=%u workers=%u queue=%u wlo=%u whi=%u payload=%u "
        "sleep_ppm=%u slo=0 shi=%u crash_ppm=%u batch=%u alloc=%u block_ppm=%u block_us=200 "
        "offload=%s greedy_ppm=%u greedy_units=60000 rate=%u collector=%s",
        1 + draw(x, 4000), ONE_OF(x, 0, 300), draw(x, 1u << 31), ONE_OF(x, 1, 2, 4, 7, 16),
        ONE_OF(x, 1, 2, 4, 9, 64, 300), ONE_OF(x, 1, 3, 64, 1024), lo, lo + draw(x, 300),
        ONE_OF(x, 0, 0, 4, 512, 4096, 16384), ONE_OF(x, 0, 0, 20000), ONE_OF(x, 0, 600),
        ONE_OF(x, 0, 0, 1000, 50000), ONE_OF(x, 1, 1, 1, 4, 16), ONE_OF(x, 0, 0, 64, 4096),
        ONE_OF(x, 0, 0, 3000), draw(x, 2) == 0 ? "none" : "block", ONE_OF(x, 0, 0, 2000),
        ONE_OF(x, 0, 0, 0, 40000), draw(x, 2) == 0 ? "sharded" : "shared");
}

/* Keys that only a peer has so far are not the reference's concern: they do not change a result. */
static void take(const char *text, struct pn_params *p) {
    char copy[512];
    char *rest = NULL;
    struct pn_error err;
    pn_params_init(p);
    (void)snprintf(copy, sizeof copy, "%s", text);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        (void)pn_params_set(p, word, &err);
    }
}

void pn_check_make(unsigned i, uint32_t seed, struct pn_check *check) {
    struct pn_params p;
    if (i < PN_CHECK_VALUES) {
        (void)snprintf(check->text, sizeof check->text, "%s", fixed[i].text);
        check->expected = fixed[i].expected;
        return;
    }
    uint32_t x = pn_mix(seed + i);
    draw_text(&x, check->text, sizeof check->text);
    take(check->text, &p);
    pn_reference_run(&p, &check->expected);
}

/* Every line of the run; the last has to be the summary. */
static bool read_events(char *text, const char *design, struct pn_events_seen *seen, char *why,
                        size_t cap) {
    char *rest = NULL;
    unsigned line = 0;
    for (char *at = strtok_r(text, "\n", &rest); at != NULL; at = strtok_r(NULL, "\n", &rest)) {
        char wrong[200];
        line++;
        if (pn_event_check(at, design, seen, wrong, sizeof wrong) != 0) {
            (void)snprintf(why, cap, "line %u: %s", line, wrong);
            return false;
        }
    }
    if (seen->summary == NULL) {
        (void)snprintf(why, cap, "no summary in %u lines", line);
    }
    return seen->summary != NULL;
}

static uint64_t figure(const json_t *summary, const char *name) {
    return (uint64_t)json_integer_value(json_object_get(summary, name));
}

static bool same_work(const json_t *summary, const struct pn_reference *r, char *why, size_t cap) {
    char sum[17];
    const char *said = json_string_value(json_object_get(summary, "checksum"));
    uint64_t collateral = figure(summary, "collateral");
    uint64_t done = figure(summary, "done");
    uint64_t lost = figure(summary, "lost");
    (void)snprintf(sum, sizeof sum, "%016" PRIx64, r->checksum);
    if (collateral > 0) {
        /* A design that loses mailboxes: only the books can be checked. */
        if (done + lost + collateral + figure(summary, "dropped") == r->done + r->lost) {
            return true;
        }
        (void)snprintf(why, cap, "done + lost + dropped + collateral is not jobs");
        return false;
    }
    if (strcmp(said, sum) == 0 && done == r->done && lost == r->lost) {
        return true;
    }
    (void)snprintf(why, cap,
                   "checksum %s, %" PRIu64 " done, %" PRIu64 " lost; expected %s, %" PRIu64
                   ", %" PRIu64,
                   said, done, lost, sum, r->done, r->lost);
    return false;
}

static enum pn_checked judge(const struct pn_check *check, struct pn_child *c, const char *design,
                             char *why, size_t cap) {
    int status = 0;
    enum pn_heard heard = pn_child_finish(c, &status);
    if (heard == PN_HEARD_STOP) {
        return PN_CHECKED_STOPPED;
    }
    if (heard != PN_HEARD_END) {
        (void)snprintf(why, cap, "%s", pn_heard_words[heard]);
        return PN_CHECKED_FAILED;
    }
    if (status != 0) {
        pn_child_explain(c, status, why, cap);
        return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_INPUT ? PN_CHECKED_REFUSED
                                                                      : PN_CHECKED_FAILED;
    }
    struct pn_events_seen seen = {.summary = NULL};
    bool ok = read_events(c->text, design, &seen, why, cap) &&
              same_work(seen.summary, &check->expected, why, cap);
    pn_events_seen_fini(&seen);
    return ok ? PN_CHECKED_OK : PN_CHECKED_FAILED;
}

enum pn_checked pn_check_run(const struct pn_check *check, const char *path, const char *design,
                             bool (*interrupted)(void), char *why, size_t cap) {
    char words[512];
    const char *argv[ARGS] = {path, "run", "--json", "--design", design};
    unsigned n = 5;
    char *rest = NULL;
    struct pn_child c;
    (void)snprintf(words, sizeof words, "%s", check->text);
    for (char *word = strtok_r(words, " ", &rest); word != NULL && n + 1 < ARGS;
         word = strtok_r(NULL, " ", &rest)) {
        argv[n++] = word;
    }
    int rc = pn_child_start(&c, argv, (uint64_t)DEADLINE_S * 1000000000u, interrupted);
    if (rc != 0) {
        (void)snprintf(why, cap, "%.150s: %s", path, strerror(-rc));
        return PN_CHECKED_FAILED;
    }
    enum pn_checked checked = judge(check, &c, design, why, cap);
    pn_child_fini(&c);
    return checked;
}
