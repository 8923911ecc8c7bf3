/* SPDX-License-Identifier: MIT
 *
 * Who may touch what a scheduler uses alone: its wheel, and the lists of its pollers. The owner
 * holds the lease while it schedules, and lends it while it is in user code; a rescuer may take it
 * only then. So a core that blocks in user code does not take its due timers down with it.
 *
 *   word = turn << 2 | state        turn: counts the owner's entries into user code
 *
 *            enter (store)                     take (CAS of the word that was seen)
 *   HELD ----------------> IN_TASK ----------------------------------------> TAKEN
 *        <----------------         <----------------------------------------
 *            leave (CAS)                       give (store)
 *
 * The turn makes each stay in user code a value of its own: a rescuer that decided on an old look
 * fails, and a word that has not changed for a while is a core that has not moved for a while.
 *
 * Orderings
 *   X1  enter (release) -> take (acquire): what the owner did with the leased lists.
 *   X2  give (release) -> leave (acquire): what the rescuer did with them.
 *   X3  take (acquire) <-> give (release) of one rescuer and the next: as X2, between rescuers.
 *
 * Progress: enter is wait-free; take is one try; leave waits for a rescuer that is at work, which
 * moves a bounded number of list entries and runs no user code meanwhile.
 */
#ifndef PN_LEASE_H
#define PN_LEASE_H

#include "runtime/atomic.h"

enum pn_lease_state { PN_LEASE_HELD = 0, PN_LEASE_IN_TASK = 1, PN_LEASE_TAKEN = 2 };

struct pn_lease {
    PN_ATOMIC(uint64_t) word;
};

static inline uint64_t pn_lease_word(uint64_t turn, enum pn_lease_state state) {
    return turn << 2 | (uint64_t)state;
}

static inline bool pn_lease_in_task(uint64_t word) {
    return (word & 3) == PN_LEASE_IN_TASK;
}

static inline void pn_lease_init(struct pn_lease *lease) {
    pn_atomic_init(&lease->word, 0);
}

/* Owner, holding it: user code begins. \param turn  another one each time */
static inline void pn_lease_enter(struct pn_lease *lease, uint64_t turn) {
    /* X1 release: pairs with the compare-and-swap in pn_lease_take. */
    pn_store_rel(&lease->word, pn_lease_word(turn, PN_LEASE_IN_TASK));
}

/* Owner: user code has ended. \return false while a rescuer has the lease: try again */
static inline bool pn_lease_leave(struct pn_lease *lease, uint64_t turn) {
    uint64_t in_task = pn_lease_word(turn, PN_LEASE_IN_TASK);
    /* X2 acquire: pairs with the store in pn_lease_give. */
    return pn_cas_acq(&lease->word, &in_task, pn_lease_word(turn, PN_LEASE_HELD));
}

/* Anybody: what the owner is at. A hint, until pn_lease_take has succeeded with it. */
static inline uint64_t pn_lease_look(const struct pn_lease *lease) {
    return pn_load_rlx(&lease->word); /* relaxed: nothing is read on the strength of it */
}

/* Rescuer: have the leased lists to itself, if the owner is still where `seen` was looked up. */
static inline bool pn_lease_take(struct pn_lease *lease, uint64_t seen) {
    uint64_t expected = seen;
    /* X1, X3 acquire: pairs with the stores in pn_lease_enter and pn_lease_give. */
    return pn_lease_in_task(seen) &&
           pn_cas_acq(&lease->word, &expected, (seen & ~(uint64_t)3) | PN_LEASE_TAKEN);
}

static inline void pn_lease_give(struct pn_lease *lease, uint64_t seen) {
    /* X2, X3 release: pairs with the compare-and-swaps in pn_lease_leave and pn_lease_take. */
    pn_store_rel(&lease->word, seen);
}

#endif
