/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   L1  retire's push (release) -> the reclaimer's take-all (acquire): the piece is written.
 *   L2  the grace period (runtime/rcu.h, R1) -> fn: every reader that could reach the piece is past
 * it. L3  done counter (release) -> barrier (acquire): fn has run.
 *
 * The stack is pushed by compare-and-swap and emptied by one exchange, so no pop exists that a
 * recycled node could fool (ABA).
 */
#include <pinion/reclaim.h>

#include "runtime/atomic.h"
#include "runtime/rcu.h"

#include <errno.h>
#include <pinion/clock.h>
#include <pinion/placement.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 10 ms: at 4 million jobs/s a queue of 1024-cell segments retires 40 of them (340 KB) in a nap,
 * and 100 grace periods a second cost the schedulers at most 100 FUTEX_WAKEs. */
static const uint64_t nap_default_ns = 10000000;

struct pn_reclaimer {
    _Alignas(PN_LINE) PN_ATOMIC(struct pn_retired *) top;
    PN_ATOMIC(uint64_t) pending_bytes; /* beside top: both are written once per retired piece */
    _Alignas(PN_LINE)
        PN_ATOMIC(uint64_t) taken_rounds; /* L3: rounds finished, written by the thread */
    PN_ATOMIC(uint64_t) grace_periods;
    PN_ATOMIC(uint64_t) longest_ns;
    PN_ATOMIC(uint64_t) pieces;
    PN_ATOMIC(int) tid;
    _Alignas(PN_LINE) pthread_mutex_t lock; /* guards stop and hurry; never taken by retire */
    pthread_cond_t wake;
    pthread_cond_t finished;
    bool stop;
    bool hurry;
    struct pn_os_cpu cpu;
    uint64_t nap_ns;
    pthread_t thread;
};

void pn_reclaimer_retire(struct pn_reclaimer *r, struct pn_retired *piece) {
    /* relaxed: a sum that is only compared with a bound. */
    (void)pn_faa_rlx(&r->pending_bytes, piece->bytes);
    /* relaxed: a guess for the compare-and-swap. */
    struct pn_retired *top = pn_load_rlx(&r->top);
    do {
        piece->next = top;
        /* L1 release: pairs with the exchange in reclaim_batch. */
    } while (!pn_cas_weak_acqrel(&r->top, &top, piece));
}

static void note_longest(struct pn_reclaimer *r, uint64_t ns) {
    /* relaxed: single writer. */
    if (ns > pn_load_rlx(&r->longest_ns)) {
        pn_store_rlx(&r->longest_ns, ns);
    }
}

/* One grace period for everything retired so far. */
static bool reclaim_batch(struct pn_reclaimer *r) {
    /* L1 acquire: pairs with the push in pn_reclaimer_retire. */
    struct pn_retired *piece = pn_xchg_acqrel(&r->top, NULL);
    if (piece == NULL) {
        return false;
    }
    uint64_t start = pn_now_ns();
    pn_rcu_synchronize();
    note_longest(r, pn_now_ns() - start);
    uint64_t n = 0;
    uint64_t bytes = 0;
    while (piece != NULL) {
        struct pn_retired *next = piece->next;
        bytes += piece->bytes;
        n++;
        piece->fn(piece, piece->context);
        piece = next;
    }
    /* relaxed: statistics with a single writer, and the bound's sum. */
    pn_store_rlx(&r->grace_periods, pn_load_rlx(&r->grace_periods) + 1);
    pn_store_rlx(&r->pieces, pn_load_rlx(&r->pieces) + n);
    (void)pn_faa_rlx(&r->pending_bytes, (uint64_t)0 - bytes);
    return true;
}

static void nap(struct pn_reclaimer *r, uint64_t ns) {
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    uint64_t at = (uint64_t)until.tv_nsec + ns;
    until.tv_sec += (time_t)(at / 1000000000u);
    until.tv_nsec = (long)(at % 1000000000u);
    while (!r->stop && !r->hurry) {
        if (pthread_cond_timedwait(&r->wake, &r->lock, &until) == ETIMEDOUT) {
            break;
        }
    }
}

static void *reclaimer_main(void *arg) {
    struct pn_reclaimer *r = arg;
    pn_store_rel(&r->tid, (int)syscall(SYS_gettid));
    if (r->cpu.id >= 0) {
        /* Without permission it floats: it is small and correct anywhere. */
        (void)pn_pin_self(r->cpu);
    }
    (void)pthread_mutex_lock(&r->lock);
    bool stop = false;
    while (!stop) {
        stop = r->stop;
        r->hurry = false;
        (void)pthread_mutex_unlock(&r->lock);
        bool worked = reclaim_batch(r);
        /* L3 release: pairs with the load in pn_reclaimer_barrier. */
        pn_store_rel(&r->taken_rounds, pn_load_rlx(&r->taken_rounds) + 1); /* relaxed: own word */
        (void)pthread_mutex_lock(&r->lock);
        (void)pthread_cond_broadcast(&r->finished);
        /* With nothing retired, four naps in one: a few wake-ups a second. */
        nap(r, worked ? r->nap_ns : 4 * r->nap_ns);
    }
    (void)pthread_mutex_unlock(&r->lock);
    return NULL;
}

static int init_locks(struct pn_reclaimer *r) {
    pthread_condattr_t attr;
    int rc = pthread_condattr_init(&attr);
    if (rc != 0) {
        return -rc;
    }
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    rc = pthread_mutex_init(&r->lock, NULL);
    if (rc == 0) {
        rc = pthread_cond_init(&r->wake, &attr);
    }
    if (rc == 0) {
        rc = pthread_cond_init(&r->finished, &attr);
    }
    (void)pthread_condattr_destroy(&attr);
    return -rc;
}

int pn_reclaimer_create(struct pn_reclaimer **out, struct pn_os_cpu cpu, uint64_t nap_ns) {
    struct pn_reclaimer *r = aligned_alloc(PN_LINE, sizeof *r);
    if (r == NULL) {
        return -ENOMEM;
    }
    pn_atomic_init(&r->top, NULL);
    pn_atomic_init(&r->pending_bytes, 0);
    pn_atomic_init(&r->taken_rounds, 0);
    pn_atomic_init(&r->grace_periods, 0);
    pn_atomic_init(&r->longest_ns, 0);
    pn_atomic_init(&r->pieces, 0);
    pn_atomic_init(&r->tid, 0);
    r->stop = r->hurry = false;
    r->cpu = cpu;
    r->nap_ns = nap_ns == 0 ? nap_default_ns : nap_ns;
    int rc = init_locks(r);
    if (rc == 0) {
        rc = -pthread_create(&r->thread, NULL, reclaimer_main, r);
    }
    if (rc != 0) {
        free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void pn_reclaimer_barrier(struct pn_reclaimer *r) {
    (void)pthread_mutex_lock(&r->lock);
    /* L3 acquire. The round under way may have taken its batch before the caller retired, so two
     * must end. */
    uint64_t target = pn_load_acq(&r->taken_rounds) + 2;
    while (pn_load_acq(&r->taken_rounds) < target) {
        r->hurry = true;
        (void)pthread_cond_signal(&r->wake);
        (void)pthread_cond_wait(&r->finished, &r->lock);
    }
    (void)pthread_mutex_unlock(&r->lock);
}

void pn_reclaimer_destroy(struct pn_reclaimer *r) {
    if (r == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&r->lock);
    r->stop = true;
    (void)pthread_cond_signal(&r->wake);
    (void)pthread_mutex_unlock(&r->lock);
    (void)pthread_join(r->thread, NULL);
    while (reclaim_batch(r)) {
    }
    (void)pthread_cond_destroy(&r->wake);
    (void)pthread_cond_destroy(&r->finished);
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

uint64_t pn_reclaimer_pending_bytes(const struct pn_reclaimer *r) {
    /* relaxed: compared with a bound that is far larger than one piece. */
    return pn_load_rlx(&r->pending_bytes);
}

void pn_reclaimer_counts(const struct pn_reclaimer *r, struct pn_reclaimer_counts *out) {
    /* relaxed: statistics; each word has one writer. */
    out->grace_periods = pn_load_rlx(&r->grace_periods);
    out->longest_ns = pn_load_rlx(&r->longest_ns);
    out->pieces = pn_load_rlx(&r->pieces);
    out->tid = pn_load_acq(&r->tid);
}
