/* SPDX-License-Identifier: MIT
 *
 * The helper thread of a reclaimer: when it works and when it sleeps.
 *
 * Pace: a round per nap. The nap follows the work, so that about nap_bytes are retired in one: long
 * enough that grace periods are rare, short enough that recycled segments are still in the cache.
 * A round that finds nothing doubles the nap up to a rest; whoever then retires enough rings.
 *
 * Orderings
 *   L3  round finished (release) -> barrier (acquire): fn has run.
 *   L4  barrier announced, rounds read <-> rounds raised, barriers read: all seq_cst (the futex
 *       compares the word itself), so that a barrier either sees the round or is woken.
 *   L5  stop raised (release) -> read by the thread (acquire): what was retired before is in the
 *       last round, because the thread reads stop before the stack.
 */
#include "runtime/reclaim.h"

#include "runtime/futex.h"
#include "runtime/segment.h"

#include <errno.h>
#include <pinion/clock.h>
#include <pinion/placement.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static const uint64_t nap_bytes = UINT64_C(512) * 1024;
static const uint64_t nap_least_ns = 1000000;
static const uint64_t nap_most_ns = 20000000;
static const uint64_t rest_ns = 250000000;

static uint64_t clamp(uint64_t x, uint64_t least, uint64_t most) {
    return x < least ? least : x > most ? most : x;
}

/* How long to nap after a round that handed on so many bytes. */
static uint64_t next_nap_ns(const struct pn_reclaimer *r, uint64_t nap_ns, uint64_t bytes) {
    if (bytes == 0) {
        return clamp(2 * nap_ns, 0, rest_ns);
    }
    if (r->fixed_nap_ns != 0) {
        return r->fixed_nap_ns;
    }
    if (nap_ns > nap_most_ns) {
        /* Out of a rest: from below, so that the start of a load does not retire more in one nap
         * than its steady state does (the queues would grow for that one nap). */
        return nap_least_ns;
    }
    /* By at most a factor of two at a time: one odd nap changes little. */
    uint64_t ideal = (uint64_t)((double)nap_ns * (double)nap_bytes / (double)bytes);
    return clamp(clamp(ideal, nap_ns / 2, 2 * nap_ns), nap_least_ns, nap_most_ns);
}

static void *reclaimer_main(void *arg) {
    struct pn_reclaimer *r = arg;
    pn_store_rlx(&r->tid, (int)syscall(SYS_gettid)); /* relaxed: a number for statistics */
    if (r->cpu.id >= 0) {
        /* Without permission it floats: it is small and correct anywhere. */
        (void)pn_pin_self(r->cpu);
    }
    uint64_t nap_ns = r->fixed_nap_ns != 0 ? r->fixed_nap_ns : nap_most_ns;
    for (;;) {
        /* L5 acquire: pairs with the store in destroy. The bell is read before stop and the stack,
         * so that a later ring ends the nap at once. */
        uint32_t bell = pn_load_acq(&r->bell);
        bool stop = pn_load_acq(&r->stop) != 0;
        uint64_t bytes = pn_reclaimer_round(r);
        /* L3 release, L4: pair with pn_reclaimer_barrier. */
        (void)pn_faa_seq(&r->rounds, 1);
        if (pn_load_seq(&r->barriers) != 0) {
            pn_futex_wake(&r->rounds, INT32_MAX);
        }
        if (stop) {
            return NULL;
        }
        nap_ns = next_nap_ns(r, nap_ns, bytes);
        if (pn_segment_pools_trim(r, pn_now_ns())) {
            nap_ns = nap_ns < PN_TRIM_WINDOW_NS ? nap_ns : PN_TRIM_WINDOW_NS;
        }
        /* relaxed: a ring lost here costs one rest; see pn_reclaimer_retire. */
        pn_store_rlx(&r->resting, nap_ns > nap_most_ns);
        pn_futex_wait(&r->bell, bell, nap_ns);
    }
}

int pn_reclaimer_create(struct pn_reclaimer **out, struct pn_os_cpu cpu, uint64_t nap_ns) {
    struct pn_reclaimer *r = aligned_alloc(PN_LINE, sizeof *r);
    if (r == NULL) {
        return -ENOMEM;
    }
    pn_reclaimer_init(r);
    r->cpu = cpu;
    r->fixed_nap_ns = nap_ns;
    int rc = pthread_create(&r->thread, NULL, reclaimer_main, r);
    if (rc != 0) {
        free(r);
        return -rc;
    }
    *out = r;
    return 0;
}

void pn_reclaimer_barrier(struct pn_reclaimer *r) {
    /* L4: pairs with the look at barriers in reclaimer_main. */
    (void)pn_faa_seq(&r->barriers, 1);
    /* The round under way may have taken its batch before the caller retired, so two must end. L3
     * acquire: pairs with the end of a round. */
    uint32_t start = pn_load_seq(&r->rounds);
    for (uint32_t now = start; now - start < 2; now = pn_load_seq(&r->rounds)) {
        pn_reclaimer_ring(r);
        pn_futex_wait(&r->rounds, now, PN_FOREVER);
    }
    (void)pn_faa_seq(&r->barriers, (uint32_t)-1); /* L4: announced no more */
}

void pn_reclaimer_destroy(struct pn_reclaimer *r) {
    if (r == NULL) {
        return;
    }
    pn_store_rel(&r->stop, 1); /* L5 release: pairs with the load in reclaimer_main */
    pn_reclaimer_ring(r);
    (void)pthread_join(r->thread, NULL);
    while (pn_load_acq(&r->top) != NULL) { /* L1 acquire, of reclaim.c */
        (void)pn_reclaimer_round(r);
    }
    (void)pthread_mutex_destroy(&r->pools_lock);
    (void)pthread_mutex_destroy(&r->readers_lock);
    free(r);
}
