/* SPDX-License-Identifier: MIT
 *
 * The memory model: store histories with stale reads, vector clocks for happens-before, release
 * sequences, C11 fences. A load may see any store that is not hidden: not older than what its
 * thread has seen there, nor than a store that happens before it, nor (seq_cst) than the last
 * seq_cst store. Read-modify-writes see the newest. SC fences are slightly stronger than C11:
 * ordered by execution.
 */
#include "explorer_parts.h"

#include <string.h>

void xp_join(struct xp_clock *into, const struct xp_clock *from) {
    for (int i = 0; i < XP_THREADS; i++) {
        if (from->at[i] > into->at[i]) {
            into->at[i] = from->at[i];
        }
    }
}

void xp_memory_reset(void) {
    memset(xp.location_hash, 0, sizeof xp.location_hash);
    memset(xp.plain_hash, 0, sizeof xp.plain_hash);
    xp.n_locations = xp.n_plain = xp.n_blocks = 0;
}

static struct xp_location *find(uintptr_t address) {
    unsigned h = (unsigned)((address * 0x9E3779B97F4A7C15u) >> 53) % (2 * XP_LOCATIONS);
    while (xp.location_hash[h] != 0) {
        struct xp_location *l = &xp.location[xp.location_hash[h] - 1];
        if (l->address == address) {
            return l;
        }
        h = (h + 1) % (2 * XP_LOCATIONS);
    }
    if (xp.n_locations == XP_LOCATIONS) {
        pn_xp_fail("the test uses too many atomic locations");
    }
    struct xp_location *l = &xp.location[xp.n_locations++];
    xp.location_hash[h] = xp.n_locations;
    memset(l, 0, sizeof *l);
    l->address = address;
    l->n = 1; /* the zero that was there */
    return l;
}

uint64_t xp_latest(uintptr_t address) {
    struct xp_location *l = find(address);
    return l->store[l->n - 1].value;
}

static void make_room(struct xp_location *l) {
    enum { DROP = XP_HISTORY / 2 };
    if (l->n < XP_HISTORY) {
        return;
    }
    memmove(l->store, l->store + DROP, (XP_HISTORY - DROP) * sizeof *l->store);
    l->n -= DROP;
    l->last_seq = l->last_seq > DROP ? l->last_seq - DROP : 0;
    for (int t = 0; t < XP_THREADS; t++) {
        l->seen[t] = l->seen[t] > DROP ? l->seen[t] - DROP : 0;
    }
}

static bool releases(enum pn_xp_order o) {
    return o == PN_XP_REL || o == PN_XP_ACQREL || o == PN_XP_SEQ;
}

static bool acquires(enum pn_xp_order o) {
    return o == PN_XP_ACQ || o == PN_XP_ACQREL || o == PN_XP_SEQ;
}

static void append(struct xp_location *l, uint64_t value, enum pn_xp_order order,
                   const struct xp_clock *continues) {
    struct xp_thread *me = &xp.thread[xp.current];
    make_room(l);
    struct xp_store *s = &l->store[l->n];
    me->now.at[xp.current]++;
    s->value = value;
    s->thread = xp.current;
    s->when = me->now.at[xp.current];
    s->release = releases(order) ? me->now : me->release_fence;
    if (continues != NULL) {
        xp_join(&s->release, continues); /* a read-modify-write continues the release sequence */
    }
    if (order == PN_XP_SEQ) {
        l->last_seq = l->n;
    }
    l->seen[xp.current] = l->n++;
    me->now.at[xp.current]++; /* what comes later is not covered by this release */
}

static void observe(struct xp_location *l, int i, enum pn_xp_order order) {
    struct xp_thread *me = &xp.thread[xp.current];
    l->seen[xp.current] = i;
    xp_join(acquires(order) ? &me->now : &me->acquire_pending, &l->store[i].release);
}

static int oldest_visible(const struct xp_location *l, enum pn_xp_order order) {
    const struct xp_thread *me = &xp.thread[xp.current];
    int lowest = l->seen[xp.current];
    for (int i = l->n - 1; i > lowest; i--) {
        const struct xp_store *s = &l->store[i];
        if (s->when <= me->now.at[s->thread] || s->when <= me->visible.at[s->thread]) {
            lowest = i;
            break;
        }
    }
    if (order == PN_XP_SEQ && l->last_seq > lowest) {
        lowest = l->last_seq;
    }
    return xp.weak && me->fresh == 0 ? lowest : l->n - 1;
}

void pn_xp_init(const void *p, uint64_t value) {
    xp_check_block((uintptr_t)p);
    append(find((uintptr_t)p), value, PN_XP_RLX, NULL);
}

uint64_t pn_xp_load(const void *p, enum pn_xp_order order, struct pn_xp_site site) {
    /* A thread that reads old stores for ever is no schedule worth a search. */
    enum { STALE_MOST = 3, STALE_READS_MOST = 4 };
    xp_switch_point();
    xp_check_block((uintptr_t)p);
    struct xp_location *l = find((uintptr_t)p);
    int choices = l->n - oldest_visible(l, order);
    choices = choices > STALE_MOST ? STALE_MOST : choices;
    int back = 0;
    if (xp.exhaustive && xp.stale_reads >= STALE_READS_MOST) {
        choices = 1;
    }
    if (choices > 1 && (xp.exhaustive || xp_choose(4) == 0)) {
        back = xp_choose(choices);
    }
    xp.thread[xp.current].fresh -= xp.thread[xp.current].fresh > 0;
    xp.stale_reads += back > 0;
    int i = l->n - 1 - back;
    observe(l, i, order);
    xp_step(back == 0 ? "load" : "load (stale)", (uintptr_t)p, l->store[i].value, site);
    return l->store[i].value;
}

void pn_xp_store(const void *p, uint64_t value, enum pn_xp_order order, struct pn_xp_site site) {
    xp_switch_point();
    xp_check_block((uintptr_t)p);
    append(find((uintptr_t)p), value, order, NULL);
    xp_step("store", (uintptr_t)p, value, site);
}

uint64_t pn_xp_rmw(const void *p, size_t size, enum pn_xp_rmw op, uint64_t operand,
                   enum pn_xp_order order, struct pn_xp_site site) {
    xp_switch_point();
    xp_check_block((uintptr_t)p);
    struct xp_location *l = find((uintptr_t)p);
    struct xp_store old = l->store[l->n - 1];
    uint64_t mask = size >= 8 ? UINT64_MAX : ((uint64_t)1 << (8 * size)) - 1;
    uint64_t value = operand;
    if (op == PN_XP_ADD) {
        value = (old.value + operand) & mask;
    } else if (op == PN_XP_OR) {
        value = old.value | operand;
    } else if (op == PN_XP_AND) {
        value = old.value & operand;
    }
    observe(l, l->n - 1, order);
    append(l, value, order, &old.release);
    xp_step("rmw", (uintptr_t)p, value, site);
    return old.value;
}

bool pn_xp_cas(const void *p, uint64_t *expected, uint64_t desired, enum pn_xp_order yes,
               enum pn_xp_order no, struct pn_xp_site site) {
    xp_switch_point();
    xp_check_block((uintptr_t)p);
    struct xp_location *l = find((uintptr_t)p);
    struct xp_store old = l->store[l->n - 1];
    bool same = old.value == *expected;
    observe(l, l->n - 1, same ? yes : no);
    if (same) {
        append(l, desired, yes, &old.release);
    } else {
        *expected = old.value;
    }
    xp_step(same ? "cas" : "cas (failed)", (uintptr_t)p, same ? desired : old.value, site);
    return same;
}

void pn_xp_membarrier(void);

/* An SC fence of every thread, wherever each is. */
void pn_xp_membarrier(void) {
    xp_switch_point();
    for (int t = 0; t < xp.n; t++) {
        xp_join(&xp.fence_order, &xp.thread[t].now);
        xp_join(&xp.fence_order, &xp.thread[t].visible);
    }
    for (int t = 0; t < xp.n; t++) {
        xp_join(&xp.thread[t].visible, &xp.fence_order);
    }
    xp_step("membarrier", 0, 0, (struct pn_xp_site){"membarrier", 0});
}

void pn_xp_fence(struct pn_xp_site site) {
    xp_switch_point();
    struct xp_thread *me = &xp.thread[xp.current];
    xp_join(&me->now, &me->acquire_pending);
    /* All SC fences stand in one order: after a later one no store from before an earlier one is
     * hidden. That is visibility, not happens-before: it publishes no plain data. */
    xp_join(&xp.fence_order, &me->now);
    xp_join(&xp.fence_order, &me->visible);
    xp_join(&me->visible, &xp.fence_order);
    me->release_fence = me->now;
    me->now.at[xp.current]++;
    xp_step("fence", 0, 0, site);
}
