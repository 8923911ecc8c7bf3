/* SPDX-License-Identifier: MIT
 *
 * Decisions: random, by priorities (PCT), all of them, or as recorded. Every decision is recorded
 * in xp.path as a small number, 0 for the tame one (no switch, the newest store), whatever made it.
 * So a recorded execution can be run again without knowing how it was found, and can be shortened.
 *
 * PCT: Burckhardt, Kothari, Musuvathi, Nagarakatte, "A randomized scheduler with probabilistic
 * guarantees of finding bugs", ASPLOS 2010. The runnable thread of the highest priority runs;
 * priorities are random; at depth - 1 random steps the running one becomes the lowest. A bug that
 * needs d ordering constraints is found with a probability of at least 1/(n k^(d-1)). Differs: k,
 * the length, is drawn anew for each execution (16 to 512 steps), and a thread that waits in a loop
 * becomes the lowest each time, or it would wait for ever.
 */
#include "explorer_parts.h"

#include <string.h>

static uint64_t next_random(void) {
    uint64_t z = xp.random += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static unsigned draw(unsigned n) {
    return (unsigned)((next_random() >> 32) * n >> 32);
}

static bool scripted(void) {
    return xp.strategy == XP_EXHAUSTIVE || xp.strategy == XP_REPLAY;
}

static int record(int n, int pick) {
    if (xp.depth == XP_PATH) {
        pn_xp_fail("livelock: too many decisions");
    }
    xp.width[xp.depth] = (uint8_t)n;
    xp.path[xp.depth++] = (uint8_t)pick;
    return pick;
}

static int script(int n) {
    int pick = xp.depth < xp.length ? xp.path[xp.depth] : 0;
    return record(n, pick < n ? pick : n - 1);
}

int xp_choose(int n) {
    if (n <= 1) {
        return 0;
    }
    return scripted() ? script(n) : record(n, (int)draw((unsigned)n));
}

int pn_xp_choose(int n) {
    return xp_choose(n);
}

int xp_stale(int n) {
    /* A thread that reads old stores for ever is no schedule worth a search. */
    enum { STALE_READS_MOST = 4 };
    if (n <= 1) {
        return 0;
    }
    if (xp.strategy == XP_EXHAUSTIVE && xp.stale_reads >= STALE_READS_MOST) {
        return record(1, 0);
    }
    if (scripted()) {
        return script(n);
    }
    return record(n, draw((unsigned)xp.stale_odds) == 0 ? 1 + (int)draw((unsigned)n - 1) : 0);
}

/* The highest priority of the list, after what this step changes. */
static int by_priority(const int *list, int n, bool may_stay) {
    struct xp_thread *me = &xp.thread[xp.current];
    for (int i = 0; i < xp.n_changes; i++) {
        if (xp.change[i] == xp.steps) {
            me->priority = --xp.lowest;
        }
    }
    /* A loop that waits without saying so (pn_relax) must end too. */
    enum { ALONE_MOST = 500 };
    if (!may_stay || ++xp.alone > ALONE_MOST) {
        me->priority = --xp.lowest;
        xp.alone = 0;
    }
    int best = 0;
    for (int i = 0; i < n; i++) {
        struct xp_thread *t = &xp.thread[list[i]];
        if (t->priority == 0) {
            t->priority = 1 + (int)draw(1 << 20);
        }
        best = t->priority > xp.thread[list[best]].priority ? i : best;
    }
    xp.alone = list[best] == xp.current ? xp.alone : 0;
    return best;
}

int xp_next(const int *list, int n, bool may_stay) {
    if (n <= 1) {
        return 0;
    }
    if (may_stay && xp.strategy == XP_EXHAUSTIVE && xp.preemptions >= xp.max_preemptions) {
        return record(1, 0);
    }
    if (scripted()) {
        return script(n);
    }
    if (xp.strategy == XP_PCT) {
        return record(n, by_priority(list, n, may_stay));
    }
    if (!may_stay) {
        return record(n, (int)draw((unsigned)n));
    }
    return record(n, draw((unsigned)xp.switch_odds) == 0 ? 1 + (int)draw((unsigned)n - 1) : 0);
}

/* The next path in lexical order. \return false if that was the last */
bool xp_next_path(void) {
    int length = xp.depth;
    while (length > 0) {
        int last = length - 1;
        if (xp.path[last] + 1 < xp.width[last]) {
            xp.path[last]++;
            xp.length = length;
            return true;
        }
        length--;
    }
    return false;
}

void xp_reset_choices(void) {
    xp.depth = 0;
    xp.lowest = xp.alone = 0;
}

/* How one execution is searched, as a function of its seed alone. Different densities of switches
 * and of old values find different bugs: a search that has all of them needs no tuning per test. */
void xp_plan(uint64_t seed, int pct_depth, bool uniform, bool sc) {
    static const uint8_t odds[] = {2, 4, 4, 8};
    static const uint8_t stale[] = {2, 4, 4, 4, 8, 8, 16};
    xp.random = seed;
    unsigned kind = draw(16);
    xp.weak = !sc && kind != 15;
    xp.switch_odds = odds[draw(4)];
    xp.stale_odds = stale[draw(7)];
    xp.strategy = pct_depth > 0 || (!uniform && kind % 2 == 1) ? XP_PCT : XP_UNIFORM;
    if (xp.strategy == XP_PCT) {
        unsigned depth = pct_depth > 0 ? (unsigned)pct_depth : 1 + draw(4);
        unsigned k = 16u << draw(6);
        xp.n_changes = (int)(depth - 1 > 8 ? 8 : depth - 1);
        for (int i = 0; i < xp.n_changes; i++) {
            xp.change[i] = 1 + (int)draw(k);
        }
    }
}
