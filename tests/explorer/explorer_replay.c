/* SPDX-License-Identifier: MIT
 *
 * A failing execution as a file: its decisions, whatever strategy found them, and the hash of its
 * steps, which a replay must give again.
 */
#include "explorer_parts.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char first_line[] = "pinion explorer, one execution, form 1";

bool xp_save(const char *file, const struct pn_xp_test *test, const char *mutant) {
    FILE *f = fopen(file, "w");
    if (f == NULL) {
        (void)fprintf(stderr, "%s: not written: %s\n", file, strerror(errno));
        return false;
    }
    (void)fprintf(f,
                  "%s\ntest %s\nprogram %016" PRIx64 "\nmutant %s\nmemory %s\nhash %016" PRIx64
                  "\nerror %s\ndecisions %d\n",
                  first_line, test->name, xp_build_id(), mutant == NULL ? "none" : mutant,
                  xp.weak ? "weak" : "sc", xp.hash, xp.error, xp.depth);
    for (int i = 0; i < xp.depth; i++) {
        (void)fprintf(f, "%d%c", xp.path[i], i % 64 == 63 || i + 1 == xp.depth ? '\n' : ' ');
    }
    bool bad = ferror(f) != 0;
    bad = fclose(f) != 0 || bad;
    if (bad) {
        (void)fprintf(stderr, "%s: not written whole: %s\n", file, strerror(errno));
        (void)remove(file);
    }
    return !bad;
}

struct header {
    char test[128], mutant[256], memory[8], error[256];
    uint64_t program, hash;
    int depth;
};

/* \return NULL, or what is wrong with it */
static const char *read_header(FILE *f, struct header *h) {
    char line[128];
    if (fgets(line, sizeof line, f) == NULL ||
        strncmp(line, first_line, sizeof first_line - 1) != 0) {
        return "not a recorded execution";
    }
    char program[32];
    char hash[32];
    char depth[32];
    if (fscanf(f,
               "test %127s program %31s mutant %255s memory %7s hash %31s error %255[^\n] "
               "decisions %31s",
               h->test, program, h->mutant, h->memory, hash, h->error, depth) != 7) {
        return "its head is damaged";
    }
    h->program = strtoull(program, NULL, 16);
    h->hash = strtoull(hash, NULL, 16);
    h->depth = (int)strtol(depth, NULL, 10);
    return h->depth < 0 || h->depth > XP_PATH ? "its head is damaged" : NULL;
}

static const char *read_decisions(FILE *f, int n) {
    for (int i = 0; i < n; i++) {
        char word[8];
        if (fscanf(f, "%7s", word) != 1) {
            return "decisions are missing";
        }
        xp.path[i] = (uint8_t)strtol(word, NULL, 10);
    }
    return NULL;
}

int xp_load_replay(const char *file, const struct pn_xp_test *test, const char *mutant,
                   uint64_t *hash) {
    FILE *f = fopen(file, "r");
    if (f == NULL) {
        (void)fprintf(stderr, "%s: not read: %s\n", file, strerror(errno));
        return 2;
    }
    struct header h;
    const char *wrong = read_header(f, &h);
    if (wrong == NULL && strcmp(h.test, test->name) != 0) {
        wrong = "recorded by another test";
    }
    if (wrong == NULL && h.program != xp_build_id()) {
        wrong = "recorded by another build of this test: search again from its seed";
    }
    if (wrong == NULL && strcmp(h.mutant, mutant == NULL ? "none" : mutant) != 0) {
        wrong = "recorded with another --mutant";
    }
    if (wrong == NULL) {
        wrong = read_decisions(f, h.depth);
    }
    (void)fclose(f);
    if (wrong != NULL) {
        (void)fprintf(stderr, "%s: %s\n", file, wrong);
        return 2;
    }
    xp.strategy = XP_REPLAY;
    xp.weak = strcmp(h.memory, "weak") == 0;
    xp.length = h.depth;
    *hash = h.hash;
    return 0;
}

/* \return whether it fails, and as the first one did */
static bool fails_with(const struct pn_xp_test *test, const uint8_t *path, int length,
                       const char *first) {
    memcpy(xp.path, path, (size_t)length);
    xp.strategy = XP_REPLAY;
    xp.length = length;
    const char *error = xp_execute(test);
    return error != NULL && strcmp(error, first) == 0;
}

static double now(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Make decisions tame, many at a time, then fewer, as long as the same still fails. */
void xp_shrink(const struct pn_xp_test *test, double seconds) {
    static uint8_t best[XP_PATH], trial[XP_PATH];
    double end = now() + seconds;
    const char *error = xp.error;
    int length = xp.depth;
    memcpy(best, xp.path, (size_t)length);
    for (int piece = length; piece >= 1; piece /= 2) {
        for (int at = 0; at < length && now() < end; at += piece) {
            int n = piece < length - at ? piece : length - at;
            memcpy(trial, best, (size_t)length);
            memset(trial + at, 0, (size_t)n);
            if (memcmp(trial, best, (size_t)length) != 0 &&
                fails_with(test, trial, length, error)) {
                length = xp.depth;
                memcpy(best, xp.path, (size_t)length);
            }
        }
    }
    (void)fails_with(test, best, length, error);
}
