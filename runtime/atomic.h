/* SPDX-License-Identifier: MIT
 *
 * Every shared access of the project, with the order in its name and no default.
 *
 * One header, four back-ends, chosen when a file is compiled:
 *   native    C11 atomics.
 *   tsan      the same, with fences turned into read-modify-writes, which ThreadSanitizer
 *             understands. That adds ordering, so a missing fence is the explorer's to find.
 *   chaos     (-DPN_CHAOS) the same, with a seeded yield before one access in 64.
 *   explorer  (-DPN_EXPLORE) every access is a call into the schedule explorer, which models
 *             weak memory. The file that ships is the file that is explored.
 *
 * The name says the order of success. A failed compare-and-swap is acquire for _acq, _acqrel and
 * _seq, relaxed for _rlx and _rel, and stores what it saw in *expected.
 *
 * pn_fence_seq may stand in runtime/rcu.h and runtime/park.c only; a lint test keeps it so.
 */
#ifndef PN_ATOMIC_H
#define PN_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

/* Different writers never share this many bytes: two lines, because the adjacent-line prefetcher
 * of x86 moves pairs. */
#define PN_LINE 128

#define PN_ATOMIC(T) _Atomic(T)

#if defined(PN_EXPLORE)
#include "runtime/atomic_explore.h"
#else

#include <stdatomic.h>

#if defined(PN_CHAOS)
#include "runtime/atomic_chaos.h"
#define PN_CHAOS_POINT() pn_chaos_point()
#else
#define PN_CHAOS_POINT() ((void)0)
#endif

#define pn_atomic_init(p, v) atomic_init((p), (v))

#define pn_load_rlx(p) (PN_CHAOS_POINT(), atomic_load_explicit((p), memory_order_relaxed))
#define pn_load_acq(p) (PN_CHAOS_POINT(), atomic_load_explicit((p), memory_order_acquire))
#define pn_load_seq(p) (PN_CHAOS_POINT(), atomic_load_explicit((p), memory_order_seq_cst))

#define pn_store_rlx(p, v) (PN_CHAOS_POINT(), atomic_store_explicit((p), (v), memory_order_relaxed))
#define pn_store_rel(p, v) (PN_CHAOS_POINT(), atomic_store_explicit((p), (v), memory_order_release))
#define pn_store_seq(p, v) (PN_CHAOS_POINT(), atomic_store_explicit((p), (v), memory_order_seq_cst))

#define PN_RMW_(op, p, v, order) (PN_CHAOS_POINT(), atomic_##op##_explicit((p), (v), (order)))

#define pn_xchg_acq(p, v)    PN_RMW_(exchange, p, v, memory_order_acquire)
#define pn_xchg_rel(p, v)    PN_RMW_(exchange, p, v, memory_order_release)
#define pn_xchg_acqrel(p, v) PN_RMW_(exchange, p, v, memory_order_acq_rel)
#define pn_xchg_seq(p, v)    PN_RMW_(exchange, p, v, memory_order_seq_cst)

/* Fetch-and-add and friends return the value before. Subtract by adding the negative. */
#define pn_faa_rlx(p, v)     PN_RMW_(fetch_add, p, v, memory_order_relaxed)
#define pn_faa_acq(p, v)     PN_RMW_(fetch_add, p, v, memory_order_acquire)
#define pn_faa_rel(p, v)     PN_RMW_(fetch_add, p, v, memory_order_release)
#define pn_faa_acqrel(p, v)  PN_RMW_(fetch_add, p, v, memory_order_acq_rel)
#define pn_faa_seq(p, v)     PN_RMW_(fetch_add, p, v, memory_order_seq_cst)
#define pn_for_rel(p, v)     PN_RMW_(fetch_or, p, v, memory_order_release)
#define pn_for_acqrel(p, v)  PN_RMW_(fetch_or, p, v, memory_order_acq_rel)
#define pn_for_seq(p, v)     PN_RMW_(fetch_or, p, v, memory_order_seq_cst)
#define pn_fand_acqrel(p, v) PN_RMW_(fetch_and, p, v, memory_order_acq_rel)
#define pn_fand_seq(p, v)    PN_RMW_(fetch_and, p, v, memory_order_seq_cst)

#define PN_CAS_(kind, p, e, v, yes, no)                                                            \
    (PN_CHAOS_POINT(), atomic_compare_exchange_##kind##_explicit((p), (e), (v), (yes), (no)))

#define pn_cas_rlx(p, e, v)      PN_CAS_(strong, p, e, v, memory_order_relaxed, memory_order_relaxed)
#define pn_cas_acq(p, e, v)      PN_CAS_(strong, p, e, v, memory_order_acquire, memory_order_acquire)
#define pn_cas_rel(p, e, v)      PN_CAS_(strong, p, e, v, memory_order_release, memory_order_relaxed)
#define pn_cas_acqrel(p, e, v)   PN_CAS_(strong, p, e, v, memory_order_acq_rel, memory_order_acquire)
#define pn_cas_seq(p, e, v)      PN_CAS_(strong, p, e, v, memory_order_seq_cst, memory_order_acquire)
#define pn_cas_weak_rlx(p, e, v) PN_CAS_(weak, p, e, v, memory_order_relaxed, memory_order_relaxed)
#define pn_cas_weak_rel(p, e, v) PN_CAS_(weak, p, e, v, memory_order_release, memory_order_relaxed)
#define pn_cas_weak_acqrel(p, e, v)                                                                \
    PN_CAS_(weak, p, e, v, memory_order_acq_rel, memory_order_acquire)

#if defined(__SANITIZE_THREAD__)
#define PN_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define PN_TSAN 1
#endif
#endif

#if defined(PN_TSAN)
static inline void pn_fence_seq(void) {
    static _Atomic int dummy;
    (void)atomic_fetch_add_explicit(&dummy, 0, memory_order_seq_cst);
}
#else
#define pn_fence_seq() atomic_thread_fence(memory_order_seq_cst)
#endif

/* Tell the core that this is a spin loop; tell the explorer that another thread has to run. */
static inline void pn_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

#endif /* PN_EXPLORE */

#endif
