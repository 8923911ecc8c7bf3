/* SPDX-License-Identifier: MIT
 *
 * pn_reclaimer: one helper thread that gives retired memory back once a grace period has passed.
 *
 * It takes everything retired so far, calls synchronize_rcu once, hands each piece to its own
 * function, and naps. Compared with call_rcu of liburcu 0.13, which needs 5 to 13 ms per batch on a
 * thread of its own, a single producer-consumer stream through pn_segq runs 4 to 5 times as fast.
 * The nap limits the rate of grace periods: one that has to wait makes the next scheduler do a
 * FUTEX_WAKE inside its quiescent state.
 *
 * Threads: any may retire; one helper thread per reclaimer. Progress: retire is lock-free and makes
 *   no system call but the one that ends a rest (nothing was retired for a quarter of a second).
 * Source: M. Desnoyers, P. McKenney et al., "User-Level Implementations of Read-Copy Update", IEEE
 *   TPDS 2012 (the QSBR flavour of liburcu does the waiting).
 */
#ifndef PINION_RECLAIM_H
#define PINION_RECLAIM_H

#include <pinion/topology.h>
#include <stdbool.h>
#include <stdint.h>

struct pn_reclaimer;
struct pn_retired;

/** Runs on the helper thread (or in destroy) after the grace period; owns the piece. */
typedef void pn_reclaim_fn(struct pn_retired *piece, void *context);

/* First member of what is retired. */
struct pn_retired {
    struct pn_retired *next;
    pn_reclaim_fn *fn;
    void *context;
    uint32_t bytes;
};

/**
 * \param cpu     pin the thread there (a housekeeping core); .id = -1: it floats
 * \param nap_ns  pause between grace periods while there is work; 0: it adapts, so that about
 *                512 KiB are retired in a nap, between 1 and 20 ms
 * \return 0; -ENOMEM; -EAGAIN no thread
 */
int pn_reclaimer_create(struct pn_reclaimer **out, struct pn_os_cpu cpu, uint64_t nap_ns);

/** Reclaims everything, then ends the thread. Nobody may retire any more. NULL is allowed. */
void pn_reclaimer_destroy(struct pn_reclaimer *r);

/**
 * \param piece  unreachable for readers that start now; owned by the reclaimer until fn runs
 */
void pn_reclaimer_retire(struct pn_reclaimer *r, struct pn_retired *piece);

/**
 * Wait until everything retired before the call has been handed on. Not from a registered, online
 * thread: it would wait for itself.
 */
void pn_reclaimer_barrier(struct pn_reclaimer *r);

/** Bytes retired and not yet handed on. */
uint64_t pn_reclaimer_pending_bytes(const struct pn_reclaimer *r);

struct pn_reclaimer_counts {
    uint64_t grace_periods, longest_ns, pieces;
    uint64_t rings; /* rests ended by a system call of whoever retired */
    int tid;        /* of the helper thread, to count its system calls from outside */
};
void pn_reclaimer_counts(const struct pn_reclaimer *r, struct pn_reclaimer_counts *out);

#endif
