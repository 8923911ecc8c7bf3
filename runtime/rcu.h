/* SPDX-License-Identifier: MIT
 *
 * The only door to RCU: liburcu, QSBR flavour. A registered thread is inside a read-side section
 * until it says quiescent or goes offline, so a crashed actor cannot hold one open; a thread that
 * sleeps or blocks must be offline, or it stops all reclamation.
 *
 * _LGPL_SOURCE stays undefined: the calls cost 4.6 instead of 0.33 ns per scheduler loop, and in
 * return nothing of the library is inlined and ThreadSanitizer sees one boundary.
 *
 * Debian 12's liburcu 0.13.2 carries no TSan annotations, so its contract is stated here:
 *   R1  everything a reader did before quiescent/offline/unregister (release)
 *       -> everything after a synchronize that waited for it (acquire).
 *   R2  what a writer unpublished before synchronize -> readers that come online later (liburcu).
 */
#ifndef PN_RCU_H
#define PN_RCU_H

#if defined(PN_EXPLORE)

#include "runtime/atomic.h"

void pn_xp_rcu_register(void);
void pn_xp_rcu_unregister(void);
void pn_xp_rcu_quiescent(void);
void pn_xp_rcu_offline(void);
void pn_xp_rcu_online(void);
void pn_xp_rcu_synchronize(struct pn_xp_site *site);

#define pn_rcu_register      pn_xp_rcu_register
#define pn_rcu_unregister    pn_xp_rcu_unregister
#define pn_rcu_quiescent     pn_xp_rcu_quiescent
#define pn_rcu_offline       pn_xp_rcu_offline
#define pn_rcu_online        pn_xp_rcu_online
#define pn_rcu_synchronize() pn_xp_rcu_synchronize(PN_XP_SITE(PN_XP_GRACE, PN_XP_RLX, PN_XP_RLX))

#else

#include "runtime/atomic.h"

#include <urcu-qsbr.h>

#if defined(PN_TSAN)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
/* One address that all files agree on, without a variable. */
#define PN_RCU_R1_RELEASE() __tsan_release((void *)(uintptr_t)&urcu_qsbr_synchronize_rcu)
#define PN_RCU_R1_ACQUIRE() __tsan_acquire((void *)(uintptr_t)&urcu_qsbr_synchronize_rcu)
#else
#define PN_RCU_R1_RELEASE() ((void)0)
#define PN_RCU_R1_ACQUIRE() ((void)0)
#endif

static inline void pn_rcu_register(void) {
    urcu_qsbr_register_thread();
}

static inline void pn_rcu_unregister(void) {
    PN_RCU_R1_RELEASE();
    urcu_qsbr_unregister_thread();
}

static inline void pn_rcu_quiescent(void) {
    PN_RCU_R1_RELEASE();
    urcu_qsbr_quiescent_state();
}

static inline void pn_rcu_offline(void) {
    PN_RCU_R1_RELEASE();
    urcu_qsbr_thread_offline();
}

static inline void pn_rcu_online(void) {
    urcu_qsbr_thread_online();
}

/* Blocks until every registered, online thread has been quiescent. Never on a scheduler. */
static inline void pn_rcu_synchronize(void) {
    PN_RCU_R1_RELEASE();
    urcu_qsbr_synchronize_rcu();
    PN_RCU_R1_ACQUIRE();
}

#endif

#endif
