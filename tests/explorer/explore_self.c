/* SPDX-License-Identifier: MIT
 *
 * Testing the tester: small protocols, right and each wrong in one way. The wrong ones must be
 * found, the right ones must pass, and a seed must give the same execution twice.
 */
#include "explorer.h"
#include "runtime/futex.h"
#include "runtime/rcu.h"

#include <stdio.h>
#include <string.h>

static PN_ATOMIC(uint32_t) flag, other, result[2];
static PN_ATOMIC(int *) shared;
static int data;
enum bug {
    RIGHT,
    NO_RELEASE,
    NO_ACQUIRE,
    NO_FENCE,
    NO_RECHECK,
    LOST_UPDATE,
    FREED_EARLY,
    QUIET_INSIDE,
    FREED_TWICE,
    LEAKED
};
static enum bug wrong;

static void send(void *arg) {
    (void)arg;
    data = 42;
    if (wrong == NO_RELEASE) {
        pn_store_rlx(&flag, 1);
    } else {
        pn_store_rel(&flag, 1);
    }
}

static void receive(void *arg) {
    (void)arg;
    while ((wrong == NO_ACQUIRE ? pn_load_rlx(&flag) : pn_load_acq(&flag)) == 0) {
        pn_relax();
    }
    pn_xp_require(data == 42);
}

static void message_passing(void) {
    data = 0;
    pn_atomic_init(&flag, 0);
    pn_xp_spawn(send, NULL);
    pn_xp_spawn(receive, NULL);
}

/* Announce, fence, look at the other: at least one of two must see the other. */
static void announce(void *arg) {
    int me = *(int *)arg;
    PN_ATOMIC(uint32_t) *mine = me == 0 ? &flag : &other;
    PN_ATOMIC(uint32_t) *theirs = me == 0 ? &other : &flag;
    pn_store_rel(mine, 1);
    if (wrong != NO_FENCE) {
        pn_fence_seq();
    }
    pn_store_rlx(&result[me], pn_load_acq(theirs));
}

static void store_load(void) {
    static int id[] = {0, 1};
    pn_atomic_init(&flag, 0);
    pn_atomic_init(&other, 0);
    pn_xp_spawn(announce, &id[0]);
    pn_xp_spawn(announce, &id[1]);
}

static void one_saw_the_other(void) {
    pn_xp_require(pn_load_acq(&result[0]) + pn_load_acq(&result[1]) > 0);
}

static void count(void *arg) {
    (void)arg;
    if (wrong == LOST_UPDATE) {
        pn_store_rel(&flag, pn_load_acq(&flag) + 1);
    } else {
        (void)pn_faa_acqrel(&flag, 1);
    }
}

static void counting(void) {
    pn_atomic_init(&flag, 0);
    pn_xp_spawn(count, NULL);
    pn_xp_spawn(count, NULL);
}

static void both_counted(void) {
    pn_xp_require(pn_load_acq(&flag) == 2);
}

static void sleeper(void *arg) {
    (void)arg;
    if (wrong == NO_RECHECK || pn_load_acq(&flag) == 0) {
        uint32_t key = wrong == NO_RECHECK ? (uint32_t)pn_load_acq(&other) : 0;
        pn_futex_wait(&other, key, PN_FOREVER);
    }
}

static void waker(void *arg) {
    (void)arg;
    pn_store_rel(&flag, 1);
    (void)pn_faa_acqrel(&other, 1);
    pn_futex_wake(&other, 1);
}

static void sleeping(void) {
    pn_atomic_init(&flag, 0);
    pn_atomic_init(&other, 0);
    pn_xp_spawn(sleeper, NULL);
    pn_xp_spawn(waker, NULL);
}

static void read_shared(void *arg) {
    (void)arg;
    pn_rcu_register();
    int *seen = pn_load_acq(&shared);
    if (wrong == QUIET_INSIDE) {
        pn_rcu_quiescent();
    }
    if (seen != NULL) {
        pn_xp_require(*seen == 7);
    }
    pn_rcu_unregister();
}

static void replace_shared(void *arg) {
    (void)arg;
    int *old = pn_xchg_acqrel(&shared, NULL);
    if (wrong != FREED_EARLY) {
        pn_rcu_synchronize();
    }
    if (wrong != LEAKED) {
        pn_xp_free(old);
    }
    if (wrong == FREED_TWICE) {
        pn_xp_free(old);
    }
}

static void reclaiming(void) {
    int *first = pn_xp_alloc(sizeof *first);
    *first = 7;
    pn_atomic_init(&shared, first);
    pn_xp_spawn(read_shared, NULL);
    pn_xp_spawn(replace_shared, NULL);
}

struct trial {
    const char *name;
    void (*setup)(void);
    void (*check)(void);
    enum bug wrong;
};

static const struct trial trials[] = {
    {"message passing", message_passing, NULL, RIGHT},
    {"no release", message_passing, NULL, NO_RELEASE},
    {"no acquire", message_passing, NULL, NO_ACQUIRE},
    {"store, fence, load", store_load, one_saw_the_other, RIGHT},
    {"no fence", store_load, one_saw_the_other, NO_FENCE},
    {"counting", counting, both_counted, RIGHT},
    {"lost update", counting, both_counted, LOST_UPDATE},
    {"sleep and wake", sleeping, NULL, RIGHT},
    {"sleep without a second look", sleeping, NULL, NO_RECHECK},
    {"grace period", reclaiming, NULL, RIGHT},
    {"freed early", reclaiming, NULL, FREED_EARLY},
    {"quiescent while reading", reclaiming, NULL, QUIET_INSIDE},
    {"freed twice", reclaiming, NULL, FREED_TWICE},
    {"leaked", reclaiming, NULL, LEAKED},
};

static int replay_is_the_same(void) {
    const struct pn_xp_test test = {.name = "replay", .setup = counting};
    uint64_t n = 0;
    uint64_t hash[2];
    wrong = RIGHT;
    for (int i = 0; i < 2; i++) {
        (void)pn_xp_search(&test, 77, 10, 1, &n);
        hash[i] = pn_xp_trace_hash();
    }
    return hash[0] == hash[1] ? 0 : 1;
}

/* A program's main with these arguments after its name. */
static int run_main(const struct pn_xp_test *test, const char *a, const char *b, const char *c,
                    const char *d) {
    char program[] = "explore_self";
    const char *word[] = {program, a, b, c, d};
    char *argv[5];
    char copy[5][64];
    int argc = 1;
    argv[0] = program;
    for (; argc < 5 && word[argc] != NULL; argc++) {
        (void)snprintf(copy[argc], sizeof copy[argc], "%s", word[argc]);
        argv[argc] = copy[argc];
    }
    return pn_xp_main(argc, argv, test);
}

/* The file with its line of that name replaced. */
static void change_line(const char *file, const char *name, const char *line) {
    char text[1 << 14];
    FILE *f = fopen(file, "r");
    size_t n = f == NULL ? 0 : fread(text, 1, sizeof text - 1, f);
    text[n] = 0;
    (void)(f != NULL && fclose(f));
    f = fopen(file, "w");
    const char *at = strstr(text, name);
    const char *end = at == NULL ? NULL : strchr(at, '\n');
    if (f != NULL && end != NULL) {
        (void)fprintf(f, "%.*s%s%s", (int)(at - text), text, line, end);
    }
    (void)(f != NULL && fclose(f));
}

/* A failure, its file, the same failure from the file; and files that must be refused. */
static int failures_replay(const char *strategy) {
    static const char file[] = "explore_self.replay";
    const struct pn_xp_test test = {
        .name = "replayed", .setup = store_load, .check = one_saw_the_other};
    const struct pn_xp_test another = {.name = "another", .setup = counting};
    int failed = 0;
    wrong = NO_FENCE;
    failed += run_main(&test, strategy, "2", "--save", file) != 1;
    uint64_t hash = pn_xp_trace_hash();
    failed += run_main(&test, "--replay", file, NULL, NULL) != 1;
    failed += pn_xp_trace_hash() != hash;
    failed += run_main(&another, "--replay", file, NULL, NULL) != 2;
    wrong = RIGHT; /* not what was recorded any more */
    failed += run_main(&test, "--replay", file, NULL, NULL) != 2;
    change_line(file, "program", "program 0123456789abcdef");
    failed += run_main(&test, "--replay", file, NULL, NULL) != 2;
    change_line(file, "pinion", "something else");
    failed += run_main(&test, "--replay", file, NULL, NULL) != 2;
    (void)remove(file);
    failed += run_main(&test, "--replay", file, NULL, NULL) != 2;
    return failed;
}

/* Three threads in a row, each after the one before it, in an order against that of their making: a
 * matter of three priorities for PCT, of luck for a scheduler that tosses a coin at each step. */
enum { CHAIN = 3, STEPS_BEFORE = 12 };

static void chain_link(void *arg) {
    uint32_t place = (uint32_t)(uintptr_t)arg;
    for (int i = 0; i < STEPS_BEFORE; i++) {
        (void)pn_faa_rlx(&result[0], 1);
    }
    uint32_t expected = place;
    if (pn_load_acq(&result[0]) == (place + 1) * STEPS_BEFORE) {
        (void)pn_cas_acqrel(&flag, &expected, place + 1);
    }
}

static void chain(void) {
    pn_atomic_init(&flag, 0);
    pn_atomic_init(&result[0], 0);
    for (uint32_t i = CHAIN; i-- > 0;) {
        pn_xp_spawn(chain_link, (void *)(uintptr_t)i);
    }
}

static void chain_is_broken(void) {
    pn_xp_require(pn_load_acq(&flag) != CHAIN);
}

static int pct_finds_deep_orders(void) {
    const struct pn_xp_test test = {.name = "deep", .setup = chain, .check = chain_is_broken};
    (void)printf("by PCT, expected to fail: ");
    int found = run_main(&test, "--pct", "1", "--executions", "100");
    (void)printf("by coins, expected to pass: ");
    int by_coins = run_main(&test, "--uniform", "--executions", "100", NULL);
    (void)remove("deep.replay");
    return (found != 1) + (by_coins != 0);
}

int main(void) {
    enum { MOST = 20000 };
    int failed = 0;
    for (size_t i = 0; i < sizeof trials / sizeof *trials; i++) {
        const struct trial *t = &trials[i];
        const struct pn_xp_test test = {.name = t->name, .setup = t->setup, .check = t->check};
        uint64_t n = 0;
        wrong = t->wrong;
        const char *error = pn_xp_search(&test, 1, 10, MOST, &n);
        bool as_expected = (error != NULL) == (t->wrong != RIGHT);
        printf("%-28s %s after %lu executions%s%s\n", t->name,
               as_expected ? "ok," : "NOT AS EXPECTED,", (unsigned long)n,
               error == NULL ? "" : ": ", error == NULL ? "" : error);
        failed += !as_expected;
    }
    if (replay_is_the_same() != 0) {
        printf("seed 77 gave two different executions\n");
        failed++;
    }
    failed +=
        failures_replay("--seed") + failures_replay("--pct") + failures_replay("--exhaustive");
    failed += pct_finds_deep_orders();
    printf("%d wrong\n", failed);
    return failed == 0 ? 0 : 1;
}
