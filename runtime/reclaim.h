/* SPDX-License-Identifier: MIT
 *
 * The inside of pn_reclaimer: reclaim.c holds what retires and reclaims (and is explored),
 * reclaim_thread.c the helper thread and its pace.
 */
#ifndef PN_RECLAIM_H
#define PN_RECLAIM_H

#include "runtime/atomic.h"

#include <pinion/reclaim.h>
#include <pthread.h>

/* Equation: pieces retired = pieces handed on + pieces on the stack or in the round under way. */
struct pn_reclaimer {
    /* Written by whoever retires, once per piece. */
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_retired *) top;
    PN_ATOMIC(uint64_t) pending_bytes;
    PN_ATOMIC(uint64_t) rings;
    PN_ATOMIC(uint32_t) resting; /* 1 while the thread naps longer than there is work for */
    PN_ATOMIC(uint32_t) bell;    /* futex word: the thread sleeps on it */
    /* Written by the helper thread. */
    _Alignas(PN_LINE) PN_ATOMIC(uint32_t) rounds; /* futex word: barriers sleep on it */
    PN_ATOMIC(uint32_t) barriers;                 /* that sleep on rounds, or are about to */
    PN_ATOMIC(uint64_t) grace_periods;
    PN_ATOMIC(uint64_t) longest_ns;
    PN_ATOMIC(uint64_t) pieces;
    PN_ATOMIC(int) tid;
    PN_ATOMIC(uint32_t) stop;
    struct pn_os_cpu cpu;
    uint64_t fixed_nap_ns;              /* 0: it adapts */
    PN_ATOMIC(uint64_t) grace_since_ns; /* 0: none under way */
    pthread_mutex_t readers_lock;
    struct pn_reader *readers;
    pthread_mutex_t pools_lock;
    struct pn_segment_pool *pools; /* of the queues that retire here, a node each */
    pthread_t thread;
};

/* More than this waits while the thread rests: ring. A quarter of what a nap aims at. */
enum { PN_RECLAIM_RING_BYTES = 128 * 1024 };

/* One grace period for everything retired so far. \return bytes handed on */
uint64_t pn_reclaimer_round(struct pn_reclaimer *r);

void pn_reclaimer_ring(struct pn_reclaimer *r);
void pn_reclaimer_init(struct pn_reclaimer *r);

#endif
