/* SPDX-License-Identifier: MIT
 *
 * Whatever the helper says, the parent neither crashes nor believes nonsense: answers about real
 * and made-up machines are mutated at random, read, and planned for where they still make sense.
 *
 * PINION_TEST_SEED repeats a run, PINION_TEST_SECONDS makes it longer.
 */
#include "promises.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Built in, so that the copy beside the stand-in helper needs no files. */
static const char *const seeds[] = {
    "pinion-topo 3\npackages 1\nnode 0 4096 0 1\ncore 0 1 0 0 -1 0 2\ncore 0 1 0 0 -1 1 3\n"
    "distance 0 0:10\nallowed 0-3\nend\n",
    "pinion-topo 3\npackages 2\nnode 1 4096 0 1\nnode 0 0 0 0\nnode 7 9 1 1\n"
    "core 0 8 0 0 0 0 4\ncore 1 8 0 0 0 1 5\ncore 1 9 1 0 1 2 6\ncore -1 -1 -1 0 1 3 7\n"
    "distance 1 1:10 0:20 7:30\ndistance 0 1:20 0:10 7:31\ndistance 7 1:30 0:31 7:10\n"
    "allowed 0-2,4-7\nend\n",
    "pinion-topo 3\npackages 0\ncore -1 -1 -1 1 -1 0\ncore -1 -1 -1 1 -1 65535\nallowed 0\nend\n",
};

static uint64_t next(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

enum { TEXT = 4096 };

static void insert(char *text, size_t at, const char *what) {
    size_t n = strlen(text);
    size_t m = strlen(what);
    if (n + m < TEXT) {
        memmove(text + at + m, text + at, n - at + 1);
        memcpy(text + at, what, m);
    }
}

/* Numbers at the borders, words of the form, bytes of none, lines twice, missing or swapped. */
static void mutate(char *text, uint64_t *rng) {
    static const char *const words[] = {"-1",         "0",          "1",
                                        "65535",      "65536",      "4096",
                                        "-",          ",",          ":",
                                        " ",          "\n",         "99999999999999999999",
                                        "2147483647", "2147483648", "9223372036854775807",
                                        "end\n",      "core ",      "node ",
                                        "distance ",  "allowed ",   "0-65535",
                                        "packages ",  "\x01",       "\xff",
                                        "0x1",        "+1"};
    size_t n = strlen(text);
    if (n == 0) {
        return;
    }
    size_t at = next(rng) % n;
    char *line = strchr(text + at, '\n');
    switch (next(rng) % 6) {
    case 0:
        text[at] = (char)(1 + next(rng) % 255);
        break;
    case 1:
        memmove(text + at, text + at + 1, n - at);
        break;
    case 2:
        insert(text, at, words[next(rng) % (sizeof words / sizeof *words)]);
        break;
    case 3: /* a number becomes another */
        while (text[at] != '\0' && (text[at] < '0' || text[at] > '9')) {
            at++;
        }
        if (text[at] != '\0') {
            size_t digits = strspn(text + at, "0123456789");
            memmove(text + at, text + at + digits, strlen(text + at + digits) + 1);
            insert(text, at, words[next(rng) % (sizeof words / sizeof *words)]);
        }
        break;
    case 4: /* a line again, elsewhere */
        if (line != NULL) {
            char copy[TEXT];
            size_t len = strcspn(line + 1, "\n") + (strchr(line + 1, '\n') != NULL);
            memcpy(copy, line + 1, len);
            copy[len] = '\0';
            size_t to = next(rng) % n;
            insert(text, to + strcspn(text + to, "\n"), "\n");
            insert(text, to + strcspn(text + to, "\n") + 1, copy);
        }
        break;
    default:
        text[at] = '\0';
    }
}

static void write_text(const char *path, const char *text, mode_t mode) {
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(close(fd), 0);
}

static unsigned plan_all(const struct pn_topology *topo) {
    unsigned planned = 0;
    for (int variant = 0; variant < 6; variant++) {
        struct pn_plan *plan = NULL;
        struct pn_policy policy = {.order = (enum pn_order)(variant % 3), .smt = variant >= 3};
        if (pn_plan_create(topo, &policy, &plan, NULL) == 0) {
            check_plan("mutated", topo, plan, policy.smt);
            pn_plan_destroy(plan);
            planned++;
        }
    }
    return planned;
}

static double seconds(void) {
    struct timespec ts;
    (void)clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* This program looks for its helper beside itself: make_folder has put a copy of it into a folder
 * of its own and replaced this process by the copy. */
static void test_answers_mutated_ones_do_no_harm(void **state) {
    (void)state;
    const char *given = getenv("PINION_TEST_SEED");
    const char *length = getenv("PINION_TEST_SECONDS");
    uint64_t seed = given == NULL ? (uint64_t)time(NULL) : strtoull(given, NULL, 10);
    double until = seconds() + (length == NULL ? 2 : strtod(length, NULL));
    uint64_t rng = seed;
    unsigned rounds = 0, taken = 0, planned = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    for (; seconds() < until; rounds++) {
        char text[TEXT];
        (void)snprintf(text, sizeof text, "%s", seeds[next(&rng) % (sizeof seeds / sizeof *seeds)]);
        for (uint64_t n = rounds < 3 ? 0 : 1 + next(&rng) % 4; n > 0; n--) {
            mutate(text, &rng);
        }
        write_text("answer", text, 0666);
        struct pn_topology *topo = NULL;
        struct pn_error err = {""};
        int rc = pn_topology_load(NULL, &topo, &err);
        if (rc == 0) {
            taken++;
            planned += plan_all(topo);
            pn_topology_destroy(topo);
        } else if (topo != NULL || err.text[0] == '\0' || strchr(err.text, '\n') != NULL) {
            fail_msg("answer '%s': %d, '%s'", text, rc, err.text);
        }
    }
    print_message("%u answers, %u taken, %u plans\n", rounds, taken, planned);
    assert_true(taken >= 3 && taken < rounds && planned > 0);
}

static char folder[] = "/tmp/pinion-answers-XXXXXX";

static int remove_folder(void **state) {
    (void)state;
    (void)unlink("answer");
    (void)unlink("copy");
    (void)unlink("pinion-topo");
    return chdir("/") == 0 ? rmdir(getenv("PINION_TEST_FOLDER")) : -1;
}

int main(int argc, char **argv) {
    if (argc < 2) {
        char command[256];
        char copy[64];
        if (mkdtemp(folder) == NULL || chdir(folder) != 0) {
            return 1;
        }
        (void)snprintf(command, sizeof command, "cp /proc/%d/exe copy", (int)getpid());
        FILE *f = popen(command, "r");
        if (f == NULL || pclose(f) != 0) {
            return 1;
        }
        write_text("pinion-topo", "#!/bin/sh\nexec cat answer\n", 0777);
        (void)setenv("PINION_TEST_FOLDER", folder, 1);
        (void)snprintf(copy, sizeof copy, "%s/copy", folder);
        return execl(copy, argv[0], "go", (char *)NULL);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_mutated_ones_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, remove_folder);
}
