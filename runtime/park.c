/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   P1  announced, fence, second look <-> published, fence, announcements read: a store-load pair
 *       (both fences seq_cst), so the second look sees what was published, or the waker sees the
 *       announcement. Dropping either fence loses wake-ups on x86 too.
 *   P2  ring (release) -> the sleeper's load of the word (acquire): what the waker did before.
 *   P3  `searching` lowered, fence of prepare, second look <-> work published, fence of wake_one,
 *       `searching` read: whoever is still counted takes its second look after the publication.
 *
 * Source: the eventcount of D. Vyukov and of Folly, in its futex form; differs: the epoch is a word
 * of its own, not packed with the waiters, because notifications must not be counted in 16 bits.
 */
#include "runtime/park.h"

#include "runtime/futex.h"

#include <errno.h>
#include <stdlib.h>

void pn_eventcount_init(struct pn_eventcount *ec) {
    pn_atomic_init(&ec->epoch, 0);
    pn_atomic_init(&ec->waiters, 0);
}

uint32_t pn_eventcount_prepare(struct pn_eventcount *ec) {
    (void)pn_faa_acqrel(&ec->waiters, 1); /* P1: announced */
    /* P2 acquire: a notification before this key is seen by the caller's second look. */
    uint32_t key = pn_load_acq(&ec->epoch);
    /* P1: announced above, second look below; pairs with the fence in pn_eventcount_notify. */
    pn_fence_seq();
    return key;
}

void pn_eventcount_cancel(struct pn_eventcount *ec) {
    (void)pn_faa_acqrel(&ec->waiters, UINT32_MAX); /* P1: announced no more */
}

bool pn_eventcount_wait(struct pn_eventcount *ec, uint32_t key, uint64_t timeout_ns) {
    /* P2 acquire: pairs with the increment in pn_eventcount_notify. */
    bool notified = pn_load_acq(&ec->epoch) != key;
    while (!notified) {
        pn_futex_wait(&ec->epoch, key, timeout_ns);
        notified = pn_load_acq(&ec->epoch) != key; /* P2 acquire: as above */
        if (timeout_ns != PN_FOREVER) {
            break;
        }
    }
    (void)pn_faa_acqrel(&ec->waiters, UINT32_MAX); /* P1: announced no more */
    return notified;
}

bool pn_eventcount_awaited(struct pn_eventcount *ec) {
    /* P1: the caller published before this call; pairs with the fence in pn_eventcount_prepare. */
    pn_fence_seq();
    /* relaxed: P1 orders it after the publication; a waiter missed here looks again by itself. */
    return pn_load_rlx(&ec->waiters) != 0;
}

bool pn_eventcount_notify(struct pn_eventcount *ec, bool all) {
    if (!pn_eventcount_awaited(ec)) {
        return false;
    }
    /* P2 release: pairs with the loads of epoch in prepare and wait. */
    (void)pn_faa_acqrel(&ec->epoch, 1);
    pn_futex_wake(&ec->epoch, all ? INT32_MAX : 1);
    return true;
}

int pn_sleepers_init(struct pn_sleepers *s, unsigned n) {
    if (n == 0 || n > PN_SLEEPERS_MAX) {
        return -ERANGE;
    }
    s->bells = aligned_alloc(PN_LINE, n * sizeof *s->bells);
    if (s->bells == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < n; i++) {
        pn_atomic_init(&s->bells[i].rung, 0);
    }
    for (unsigned w = 0; w < PN_SLEEPERS_MAX / 64; w++) {
        pn_atomic_init(&s->asleep[w], 0);
    }
    pn_atomic_init(&s->searching, 0);
    s->n = n;
    return 0;
}

void pn_sleepers_search(struct pn_sleepers *s, bool begin) {
    /* P3: pairs with the load in pn_sleepers_wake_one. */
    (void)pn_faa_acqrel(&s->searching, begin ? 1 : UINT32_MAX);
}

void pn_sleepers_fini(struct pn_sleepers *s) {
    free(s->bells);
    s->bells = NULL;
}

static uint64_t bit_of(unsigned i) {
    return (uint64_t)1 << (i % 64);
}

uint32_t pn_sleepers_prepare(struct pn_sleepers *s, unsigned i) {
    /* P2 acquire: a ring before this key belongs to an earlier sleep. */
    uint32_t key = pn_load_acq(&s->bells[i].rung);
    (void)pn_for_acqrel(&s->asleep[i / 64], bit_of(i)); /* P1: announced */
    /* P1: announced above, second look below; pairs with the fence in wake and wake_one. */
    pn_fence_seq();
    return key;
}

void pn_sleepers_cancel(struct pn_sleepers *s, unsigned i) {
    (void)pn_fand_acqrel(&s->asleep[i / 64], ~bit_of(i)); /* P1: announced no more */
}

bool pn_sleepers_wait(struct pn_sleepers *s, unsigned i, uint32_t key, uint64_t timeout_ns) {
    /* P2 acquire: pairs with the increment in ring. */
    bool rung = pn_load_acq(&s->bells[i].rung) != key;
    while (!rung) {
        pn_futex_wait(&s->bells[i].rung, key, timeout_ns);
        rung = pn_load_acq(&s->bells[i].rung) != key; /* P2 acquire: as above */
        if (timeout_ns != PN_FOREVER) {
            break;
        }
    }
    pn_sleepers_cancel(s, i);
    return rung;
}

static bool ring(struct pn_sleepers *s, unsigned i) {
    /* P1: the announcement is claimed, so that two wakers do not both pay for one sleeper. */
    uint64_t before = pn_fand_acqrel(&s->asleep[i / 64], ~bit_of(i));
    if ((before & bit_of(i)) == 0) {
        return false;
    }
    /* P2 release: pairs with the loads of rung in prepare and wait. */
    (void)pn_faa_acqrel(&s->bells[i].rung, 1);
    pn_futex_wake(&s->bells[i].rung, 1);
    return true;
}

bool pn_sleepers_wake(struct pn_sleepers *s, unsigned i) {
    /* P1: the caller published before this call; pairs with the fence in pn_sleepers_prepare. */
    pn_fence_seq();
    /* relaxed: P1 orders it after the publication. */
    return (pn_load_rlx(&s->asleep[i / 64]) & bit_of(i)) != 0 && ring(s, i);
}

unsigned pn_sleepers_count(const struct pn_sleepers *s) {
    unsigned n = 0;
    for (unsigned w = 0; w < (s->n + 63) / 64; w++) {
        /* relaxed: a figure. */
        n += (unsigned)__builtin_popcountll(pn_load_rlx(&s->asleep[w]));
    }
    return n;
}

bool pn_sleepers_wake_one(struct pn_sleepers *s, unsigned from, unsigned to) {
    /* P1: the caller published before this call; pairs with the fence in pn_sleepers_prepare. */
    pn_fence_seq();
    /* P3. relaxed: P1 orders it after the publication. */
    if (pn_load_rlx(&s->searching) > 0) {
        return false;
    }
    for (unsigned base = from & ~63u; base < to; base += 64) {
        /* relaxed: P1 orders it after the publication. */
        uint64_t word = pn_load_rlx(&s->asleep[base / 64]);
        for (; word != 0; word &= word - 1) {
            unsigned i = base + (unsigned)__builtin_ctzll(word);
            if (i >= from && i < to && ring(s, i)) {
                return true;
            }
        }
    }
    return false;
}
