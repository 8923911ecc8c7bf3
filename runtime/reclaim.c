/* SPDX-License-Identifier: MIT
 *
 * The stack of retired pieces and the round that empties it.
 *
 * Orderings
 *   L1  retire's push (release) -> the round's take-all (acquire): the piece is written. Later
 *       pushes continue the release sequence of earlier ones (they are read-modify-writes).
 *   L2  the grace period (runtime/rcu.h, R1) -> fn: every reader that could reach the piece is past
 *       it.
 *
 * The stack is pushed by compare-and-swap and emptied by one exchange, so no pop exists that a
 * recycled piece could fool (ABA).
 */
#include "runtime/reclaim.h"

#include "runtime/futex.h"
#include "runtime/reader.h"

void pn_reclaimer_init(struct pn_reclaimer *r) {
    pn_atomic_init(&r->top, NULL);
    pn_atomic_init(&r->pending_bytes, 0);
    pn_atomic_init(&r->rings, 0);
    pn_atomic_init(&r->resting, 0);
    pn_atomic_init(&r->bell, 0);
    pn_atomic_init(&r->rounds, 0);
    pn_atomic_init(&r->barriers, 0);
    pn_atomic_init(&r->grace_periods, 0);
    pn_atomic_init(&r->longest_ns, 0);
    pn_atomic_init(&r->pieces, 0);
    pn_atomic_init(&r->tid, 0);
    pn_atomic_init(&r->stop, 0);
    (void)pthread_mutex_init(&r->pools_lock, NULL);
    r->pools = NULL;
    (void)pthread_mutex_init(&r->readers_lock, NULL);
    r->readers = NULL;
    pn_atomic_init(&r->grace_since_ns, 0);
}

void pn_reclaimer_ring(struct pn_reclaimer *r) {
    /* relaxed: the futex's own check of the word is all that is needed. */
    (void)pn_faa_rlx(&r->bell, 1);
    pn_futex_wake(&r->bell, 1);
}

void pn_reclaimer_retire(struct pn_reclaimer *r, struct pn_retired *piece) {
    uint32_t bytes = piece->bytes;
    struct pn_retired *top = pn_load_rlx(&r->top); /* relaxed: a guess for the compare-and-swap */
    do {
        piece->next = top;
        /* RCU: the caller has unpublished the piece. L1 release: pairs with the exchange in
         * pn_reclaimer_round. LP. */
    } while (!pn_cas_weak_rel(&r->top, &top, piece));
    /* relaxed: a sum that is only compared with bounds. Exactly one caller crosses the threshold. A
     * ring lost to a rest that begins just now costs one rest, a quarter of a second. */
    uint64_t before = pn_faa_rlx(&r->pending_bytes, bytes);
    if (before < PN_RECLAIM_RING_BYTES && before + bytes >= PN_RECLAIM_RING_BYTES &&
        pn_load_rlx(&r->resting) != 0) {
        (void)pn_faa_rlx(&r->rings, 1); /* relaxed: a statistic */
        pn_reclaimer_ring(r);
    }
}

uint64_t pn_reclaimer_round(struct pn_reclaimer *r) {
    /* relaxed: a glance that spares the exchange; what it misses waits for the next round. */
    if (pn_load_rlx(&r->top) == NULL) {
        return 0;
    }
    /* L1 acquire: pairs with the push in pn_reclaimer_retire. */
    struct pn_retired *piece = pn_xchg_acq(&r->top, NULL);
    uint64_t ns = pn_reclaimer_grace_period(r); /* L2 */
    uint64_t n = 0;
    uint64_t bytes = 0;
    while (piece != NULL) {
        struct pn_retired *next = piece->next;
        bytes += piece->bytes;
        n++;
        piece->fn(piece, piece->context);
        piece = next;
    }
    /* relaxed: statistics of one writer, and the bound's sum. */
    pn_store_rlx(&r->grace_periods, pn_load_rlx(&r->grace_periods) + 1);
    pn_store_rlx(&r->pieces, pn_load_rlx(&r->pieces) + n);
    if (ns > pn_load_rlx(&r->longest_ns)) {
        pn_store_rlx(&r->longest_ns, ns);
    }
    (void)pn_faa_rlx(&r->pending_bytes, (uint64_t)0 - bytes);
    return bytes;
}

uint64_t pn_reclaimer_pending_bytes(const struct pn_reclaimer *r) {
    /* relaxed: compared with a bound that is far larger than one piece. */
    return pn_load_rlx(&r->pending_bytes);
}

void pn_reclaimer_counts(const struct pn_reclaimer *r, struct pn_reclaimer_counts *out) {
    /* relaxed: statistics. */
    out->grace_periods = pn_load_rlx(&r->grace_periods);
    out->longest_ns = pn_load_rlx(&r->longest_ns);
    out->pieces = pn_load_rlx(&r->pieces);
    out->rings = pn_load_rlx(&r->rings);
    out->tid = pn_load_rlx(&r->tid);
}
