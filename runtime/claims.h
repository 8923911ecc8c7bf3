/* SPDX-License-Identifier: MIT
 *
 * What a core took from a queue with one operation and has not started yet. The owner starts one
 * after the other for two stores and a load each; should it get stuck in one of them, a rescuer
 * that has its lease takes those that are left.
 *
 *   owner:    cursor = i + 1, light fence, revoked?      -> yes: hold the lease, see what is left
 *   rescuer:  revoked = 1, membarrier, cursor?           -> [cursor, n) are its
 *
 * Whichever of the two comes second sees the other (membarrier.h), so an item is started by one.
 *
 * Orderings
 *   K1  publish (release) -> the rescuer's look at cursor (acquire): the items and `left`.
 *   K2  cursor, light fence, look at revoked <-> revoked, membarrier, look at cursor: a store-load
 *       pair. Both looks are acquire only to keep what follows behind them.
 *   Between a rescuer and the owner's next look at the list lies the lease (lease.h, X2).
 */
#ifndef PN_CLAIMS_H
#define PN_CLAIMS_H

#include "runtime/membarrier.h"

enum { PN_CLAIMS_MAX = 64 };

struct pn_claims {
    PN_ATOMIC(uint64_t) cursor; /* n << 32 | first that is not started; the owner's */
    uint64_t left;              /* a rescuer has taken [left, n); guarded by the lease */
    void *item[PN_CLAIMS_MAX];
    _Alignas(PN_LINE) PN_ATOMIC(uint32_t) revoked;
};

static inline void pn_claims_init(struct pn_claims *claims) {
    pn_atomic_init(&claims->cursor, 0);
    pn_atomic_init(&claims->revoked, 0);
    claims->left = 0;
}

static inline uint64_t pn_claims_word(uint64_t n, uint64_t next) {
    return n << 32 | next;
}

/* Owner, all earlier ones started: item[0..n) are written. */
static inline void pn_claims_publish(struct pn_claims *claims, uint64_t n) {
    claims->left = n;
    /* K1 release: pairs with the load in pn_claims_revoke. */
    pn_store_rel(&claims->cursor, pn_claims_word(n, 0));
}

/* Owner: start item i of n. \return false if a rescuer may have it: hold the lease and ask
 * pn_claims_settle */
static inline bool pn_claims_start(struct pn_claims *claims, uint64_t n, uint64_t i) {
    /* K1 release, K2: pairs with the load in pn_claims_revoke. */
    pn_store_rel(&claims->cursor, pn_claims_word(n, i + 1));
    pn_fence_light();
    return pn_load_acq(&claims->revoked) == 0; /* K2: pairs with the store in pn_claims_revoke */
}

/* Owner, holding the lease, after start of item i failed. \return how many of the n remain the
 * owner's, the started ones included; the list says so from here on */
static inline uint64_t pn_claims_settle(struct pn_claims *claims, uint64_t i) {
    uint64_t left = claims->left;
    pn_store_rlx(&claims->revoked, 0); /* relaxed: the lease orders it */
    /* relaxed: as above. */
    pn_store_rlx(&claims->cursor, pn_claims_word(left, i < left ? i + 1 : left));
    return left;
}

/* Owner, holding the lease: start no more of them. \return the end of those that are the owner's */
static inline uint64_t pn_claims_end(struct pn_claims *claims) {
    uint64_t left = claims->left;
    /* relaxed: the lease orders both. A rescuer has taken what it wanted, or takes nothing. */
    pn_store_rlx(&claims->revoked, 0);
    pn_store_rlx(&claims->cursor, pn_claims_word(left, left)); /* relaxed: as above */
    return left;
}

/* Rescuer, having the lease: whatever the owner has not started is the rescuer's now.
 * \param first  of the items that are, in item[first..result) \return its end; = *first if none */
static inline uint64_t pn_claims_revoke(struct pn_claims *claims, uint64_t *first) {
    pn_store_rlx(&claims->revoked, 1); /* relaxed: K2, ordered by the barrier */
    pn_membarrier();
    /* K1, K2 acquire: pairs with the stores in publish and start. */
    uint64_t cursor = pn_load_acq(&claims->cursor);
    *first = cursor & UINT32_MAX;
    /* None, or an earlier rescuer has them. `revoked` stays even then: what that one took may be
     * what the owner is about to start. `left` may be read only if there are some: else the owner
     * may be writing the next list. */
    if (*first == cursor >> 32 || *first >= claims->left) {
        return *first;
    }
    uint64_t end = claims->left;
    claims->left = *first;
    return end;
}

#endif
