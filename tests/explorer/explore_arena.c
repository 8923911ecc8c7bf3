/* SPDX-License-Identifier: MIT
 *
 * Remote frees, with the arenas that ship: an owner hands out blocks, two other threads write to
 * them, free them into arenas of their own and flush; the owner collects and hands the same blocks
 * out again. Whoever has a block has it alone, and the books balance at the end.
 */
#include "explorer.h"
#include "runtime/arena_chunk.h"

#include <pinion/arena.h>

enum { ABROAD = 2, EACH = 2, BYTES = 48 };

static struct pn_arena *home, *abroad[ABROAD];
static unsigned *block[ABROAD * EACH];

static void free_abroad(void *arg) {
    unsigned a = (unsigned)(uintptr_t)arg;
    for (unsigned i = 0; i < EACH; i++) {
        unsigned *mine = block[a * EACH + i];
        pn_xp_require(mine[4] == a * EACH + i);
        mine[4] = mine[0] = 99;
        pn_arena_free(abroad[a], mine);
        if (i == 0 && pn_xp_choose(2) == 0) {
            (void)pn_arena_flush(abroad[a]);
        }
    }
    (void)pn_arena_flush(abroad[a]);
}

static void own(void *arg) {
    (void)arg;
    size_t home_again = 0;
    unsigned *again[ABROAD * EACH];
    unsigned n = 0;
    while (home_again < (size_t)ABROAD * EACH) {
        size_t came = pn_arena_collect(home);
        home_again += came;
        for (size_t i = 0; i < came; i++) {
            again[n] = pn_arena_alloc(home, BYTES); /* the last one freed */
            pn_xp_require(again[n][4] == 99);
            again[n][4] = 7;
            n++;
        }
        if (came == 0) {
            pn_relax();
        }
    }
    for (unsigned i = 0; i < n; i++) {
        pn_xp_require(again[i][4] == 7);
        pn_arena_free(home, again[i]);
    }
}

static int create(struct pn_arena **out, unsigned id) {
    const struct pn_arena_config config = {.policy = PN_MEM_LOCAL, .node.id = -1, .home = id};
    return pn_arena_create(out, &config);
}

static void setup(void) {
    int rc = create(&home, 0);
    for (unsigned a = 0; rc == 0 && a < ABROAD; a++) {
        rc = create(&abroad[a], a + 1);
    }
    if (rc != 0) {
        pn_xp_fail("no memory");
    }
    for (unsigned i = 0; i < ABROAD * EACH; i++) {
        block[i] = pn_arena_alloc(home, BYTES);
        block[i][4] = i;
    }
    pn_xp_spawn(own, NULL);
    pn_xp_spawn(free_abroad, (void *)0);
    pn_xp_spawn(free_abroad, (void *)1);
}

static void check(void) {
    pn_xp_require(pn_arena_check(home, NULL) == 0);
    for (unsigned a = 0; a < ABROAD; a++) {
        pn_xp_require(pn_arena_check(abroad[a], NULL) == 0);
        pn_arena_destroy(abroad[a]);
    }
    struct pn_arena_counts counts;
    pn_arena_counts(home, &counts);
    pn_xp_require(counts.received == (uint64_t)ABROAD * EACH);
    pn_arena_destroy(home);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "arena", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
