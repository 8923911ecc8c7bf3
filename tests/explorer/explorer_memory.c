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
    xp.n_locations = xp.n_plain = 0;
    xp.generation++;
}

int64_t xp_map_known(const struct xp_map *map, uintptr_t address) {
    enum { SLOTS = 2 * XP_WORDS };
    unsigned h = (unsigned)((address * 0x9E3779B97F4A7C15u) >> 48) % SLOTS;
    for (; map->slot[h].generation == xp.generation; h = (h + 1) % SLOTS) {
        if (map->slot[h].address == address) {
            return map->slot[h].index;
        }
    }
    return -1;
}

uint32_t xp_map_find(struct xp_map *map, uintptr_t address, int *n, int most, bool *fresh) {
    enum { SLOTS = 2 * XP_WORDS };
    unsigned h = (unsigned)((address * 0x9E3779B97F4A7C15u) >> 48);
    for (;; h++) {
        h %= SLOTS;
        if (map->slot[h].generation != xp.generation) {
            break;
        }
        if (map->slot[h].address == address) {
            *fresh = false;
            return map->slot[h].index;
        }
    }
    if (*n == most) {
        pn_xp_fail("the test uses too many locations");
    }
    map->slot[h].address = address;
    map->slot[h].generation = xp.generation;
    map->slot[h].index = (uint32_t)*n;
    *fresh = true;
    return (uint32_t)(*n)++;
}

static struct xp_location *find(uintptr_t address) {
    bool fresh;
    struct xp_location *l =
        &xp.location[xp_map_find(&xp.location_of, address, &xp.n_locations, XP_LOCATIONS, &fresh)];
    if (fresh) {
        memset(l, 0, offsetof(struct xp_location, store) + sizeof l->store[0]);
        l->n = 1; /* the zero that was there */
    }
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

static bool releases(unsigned o) {
    return o == PN_XP_REL || o == PN_XP_ACQREL || o == PN_XP_SEQ;
}

static bool acquires(unsigned o) {
    return o == PN_XP_ACQ || o == PN_XP_ACQREL || o == PN_XP_SEQ;
}

static void append(struct xp_location *l, uint64_t value, unsigned order,
                   const struct xp_clock *continues) {
    struct xp_thread *me = &xp.thread[xp.current];
    make_room(l);
    me->before_store = me->now;
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

static void observe(struct xp_location *l, int i, unsigned order) {
    struct xp_thread *me = &xp.thread[xp.current];
    l->seen[xp.current] = i;
    xp_join(acquires(order) ? &me->now : &me->acquire_pending, &l->store[i].release);
}

static int oldest_visible(const struct xp_location *l, unsigned order) {
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
    struct xp_thread *me = &xp.thread[xp.current];
    struct xp_location *l = find((uintptr_t)p);
    for (int t = 0; t < XP_THREADS; t++) {
        if (t != xp.current && l->used[t] > me->now.at[t]) {
            pn_xp_fail("data race: an initialisation not ordered after another thread's access");
        }
    }
    append(l, value, PN_XP_RLX, NULL);
    l->init_by = xp.current;
    l->init_at = l->store[l->n - 1].when;
    l->used[xp.current] = me->now.at[xp.current];
}

/* The location of an atomic access that is about to happen. */
static struct xp_location *reach(const void *p) {
    xp_switch_point();
    xp_check_block((uintptr_t)p);
    const struct xp_thread *me = &xp.thread[xp.current];
    struct xp_location *l = find((uintptr_t)p);
    if (l->init_at > me->now.at[l->init_by]) {
        pn_xp_fail("data race: an access not ordered after another thread's initialisation");
    }
    l->used[xp.current] = me->now.at[xp.current];
    return l;
}

uint64_t pn_xp_load(const void *p, struct pn_xp_site *site) {
    enum { STALE_MOST = 3 };
    struct xp_location *l = reach(p);
    struct xp_thread *me = &xp.thread[xp.current];
    int choices = l->n - oldest_visible(l, site->order);
    int back = xp_stale(choices > STALE_MOST ? STALE_MOST : choices);
    me->fresh -= me->fresh > 0;
    me->unfenced = false;
    xp.stale_reads += back > 0;
    int i = l->n - 1 - back;
    observe(l, i, site->order);
    xp_step(back == 0 ? "load" : "load (stale)", (uintptr_t)p, l->store[i].value, site);
    return l->store[i].value;
}

void pn_xp_store(const void *p, uint64_t value, struct pn_xp_site *site) {
    append(reach(p), value, site->order, NULL);
    xp_step("store", (uintptr_t)p, value, site);
}

uint64_t pn_xp_rmw(const void *p, size_t size, enum pn_xp_rmw op, uint64_t operand,
                   struct pn_xp_site *site) {
    struct xp_location *l = reach(p);
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
    observe(l, l->n - 1, site->order);
    append(l, value, site->order, &old.release);
    xp_step("rmw", (uintptr_t)p, value, site);
    return old.value;
}

bool pn_xp_cas(const void *p, uint64_t *expected, uint64_t desired, struct pn_xp_site *site) {
    struct xp_location *l = reach(p);
    struct xp_store old = l->store[l->n - 1];
    bool same = old.value == *expected;
    observe(l, l->n - 1, same ? site->order : site->order_failed);
    if (same) {
        append(l, desired, site->order, &old.release);
    } else if (site->broken) {
        /* The mutant: a caller that does not look goes on as if it had stored. */
        xp_step("cas (unchecked)", (uintptr_t)p, old.value, site);
        return true;
    } else {
        *expected = old.value;
    }
    xp_step(same ? "cas" : "cas (failed)", (uintptr_t)p, same ? desired : old.value, site);
    return same;
}

void pn_xp_membarrier(struct pn_xp_site *site);
void pn_xp_fence_light(struct pn_xp_site *site);

/* An SC fence of every thread, wherever each is. */
void pn_xp_membarrier(struct pn_xp_site *site) {
    xp_switch_point();
    xp_step("membarrier", 0, 0, site);
    if (site->broken) {
        return;
    }
    for (int t = 0; t < xp.n; t++) {
        const struct xp_thread *thread = &xp.thread[t];
        xp_join(&xp.fence_order, thread->unfenced ? &thread->before_store : &thread->now);
        xp_join(&xp.fence_order, &thread->visible);
    }
    for (int t = 0; t < xp.n; t++) {
        if (!xp.thread[t].unfenced) {
            xp_join(&xp.thread[t].visible, &xp.fence_order);
        }
    }
}

/* The barrier orders for both sides, so the light fence has nothing to do, unless it is dropped:
 * then the load that follows may come before the store above, and a barrier between the two sees
 * neither. */
void pn_xp_fence_light(struct pn_xp_site *site) {
    xp.thread[xp.current].unfenced = site->broken && xp.weak;
    site->reached = true;
}

void pn_xp_fence(struct pn_xp_site *site) {
    xp_switch_point();
    xp_step("fence", 0, 0, site);
    struct xp_thread *me = &xp.thread[xp.current];
    if (site->broken) {
        return;
    }
    xp_join(&me->now, &me->acquire_pending);
    if (site->order == PN_XP_SEQ) {
        /* All SC fences stand in one order: after a later one no store from before an earlier one
         * is hidden. That is visibility, not happens-before: it publishes no plain data. */
        xp_join(&xp.fence_order, &me->now);
        xp_join(&xp.fence_order, &me->visible);
        xp_join(&me->visible, &xp.fence_order);
    }
    me->release_fence = me->now;
    me->now.at[xp.current]++;
}

void pn_xp_now(struct pn_xp_moment *out) {
    const struct xp_thread *me = &xp.thread[xp.current];
    memcpy(out->clock, me->now.at, sizeof out->clock);
    out->thread = xp.current;
    out->order = ++xp.moments;
}

bool pn_xp_happens_before(const struct pn_xp_moment *a, const struct pn_xp_moment *b) {
    return b->clock[a->thread] >= a->clock[a->thread] && a->order < b->order;
}
