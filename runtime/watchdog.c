/* SPDX-License-Identifier: MIT
 *
 * A look at each lease per tick. A core whose lease word stood still from one look to the next has
 * been in one stretch of user code for at least a tick: it is marked with that word, which only the
 * rescue of this very stretch can use.
 *
 * Orderings
 *   V1  the mark (release) -> read by rescuers (acquire; rescue.c): rescue_due_ns was set for it.
 *   V2  n_stalled raised, fence of pn_sleepers_wake_one, "who sleeps" <-> announced, fence of
 *       pn_sleepers_prepare, n_stalled read (rescue.c): the pair that P1 of park.c is about.
 *   T1  of sched.c: a task that was sent to the stuck core.
 *   V3  stop raised (release) -> read by the thread (acquire): nothing but the end.
 */
#include "runtime/watchdog.h"

#include "runtime/futex.h"

#include <errno.h>
#include <pinion/reader.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 100 looks a second: with the reclaimer's 210 (20 million short jobs, strace) and what a program's
 * own helpers do, under 500 system calls a second. A stall is seen after one to two ticks. */
static const uint64_t tick_ns = 10000000;

/* With every core asleep nothing can get stuck; the first look after that comes so late at most. */
static const uint64_t rest_most_ns = 40000000;

/* Far beyond a time slice or a job that blocks where it should not. */
static const uint64_t holdup_ns = 500000000;
enum { HOLDUPS_MOST = 8 };

struct pn_watchdog {
    struct pn_runtime *rt;
    struct pn_os_cpu cpu;
    pthread_t thread;
    uint64_t *seen; /* [n_cores] lease words of the last look */
    bool holdup_noted;
    unsigned holdups; /* noted so far */
    PN_ATOMIC(uint32_t) stop;
    PN_ATOMIC(int) tid;
};

static bool stood_still(uint64_t word, uint64_t seen) {
    return word == seen && pn_lease_in_task(word);
}

/* \return true if a sleeper is worth waking for it */
static bool look_at(struct pn_watchdog *dog, unsigned i, uint64_t now_ns) {
    struct pn_core *core = &dog->rt->cores[i];
    uint64_t word = pn_lease_look(&core->lease);
    uint64_t marked = pn_load_rlx(&core->stalled); /* relaxed: only this thread writes it */
    bool stalled = stood_still(word, dog->seen[i]);
    dog->seen[i] = word;
    if (!stalled) {
        if (marked != 0 && word != marked && (word & 3) != PN_LEASE_TAKEN) {
            pn_store_rel(&core->stalled, 0); /* V1: a rescue that begins now finds none */
            /* V2: pairs with the load in pn_core_rescue_pending. */
            (void)pn_faa_acqrel(&dog->rt->n_stalled, UINT32_MAX);
        }
        return false;
    }
    if (marked != word) {
        pn_store_rlx(&core->rescue_due_ns, 0); /* relaxed: V1 carries it */
        /* V1 release: pairs with the loads in rescue.c. */
        pn_store_rel(&core->stalled, word);
        if (marked == 0) {
            (void)pn_faa_acqrel(&dog->rt->n_stalled, 1); /* V2: as above */
        }
        return true;
    }
    /* relaxed: a time to look, set by whoever looked last. T1 acquire: as in sched.c. */
    return now_ns >= pn_load_rlx(&core->rescue_due_ns) || pn_load_acq(&core->inbox) != NULL ||
           pn_runq_length(core->runq) > 0;
}

/* A reader that holds up grace periods keeps retired memory from coming back: name it, once each
 * time. */
static void look_at_reclaimer(struct pn_watchdog *dog) {
    struct pn_holdup holdup;
    bool held = pn_reclaimer_held_up(dog->rt->reclaimer, holdup_ns, &holdup);
    if (held && !dog->holdup_noted && dog->holdups < HOLDUPS_MOST) {
        dog->holdups++;
        pn_runtime_degrade(dog->rt, "%s (thread %d) holds up memory reclamation: %lu ms so far",
                           holdup.name[0] != 0 ? holdup.name : "an unknown reader", holdup.tid,
                           (unsigned long)(holdup.ns / 1000000));
    }
    dog->holdup_noted = held;
}

static void *watchdog_main(void *arg) {
    struct pn_watchdog *dog = arg;
    struct pn_runtime *rt = dog->rt;
    pn_store_rlx(&dog->tid, (int)syscall(SYS_gettid)); /* relaxed: a number for statistics */
    if (dog->cpu.id >= 0) {
        /* Without permission it floats: it is small and correct anywhere. */
        (void)pn_pin_self(dog->cpu);
    }
    uint64_t nap_ns = tick_ns;
    /* V3 acquire: pairs with the store in pn_watchdog_destroy. */
    while (pn_load_acq(&dog->stop) == 0) {
        uint64_t now = pn_now_ns();
        bool wake = false;
        for (unsigned i = 0; i < rt->n_cores; i++) {
            wake = look_at(dog, i, now) || wake;
        }
        look_at_reclaimer(dog);
        if (wake) {
            (void)pn_sleepers_wake_one(&rt->sleepers, 0, rt->n_cores); /* V2 */
        }
        bool rest = pn_sleepers_count(&rt->sleepers) == rt->n_cores;
        nap_ns = !rest ? tick_ns : 2 * nap_ns < rest_most_ns ? 2 * nap_ns : rest_most_ns;
        pn_futex_wait(&dog->stop, 0, nap_ns);
    }
    return NULL;
}

int pn_watchdog_create(struct pn_watchdog **out, struct pn_runtime *rt, struct pn_os_cpu cpu) {
    *out = NULL;
    if (rt->n_cores < 2) {
        return 0;
    }
    struct pn_watchdog *dog = calloc(1, sizeof *dog);
    uint64_t *seen = calloc(rt->n_cores, sizeof *seen);
    if (dog == NULL || seen == NULL) {
        free(dog);
        free(seen);
        return -ENOMEM;
    }
    dog->rt = rt;
    dog->cpu = cpu;
    dog->seen = seen;
    pn_atomic_init(&dog->stop, 0);
    pn_atomic_init(&dog->tid, 0);
    int rc = pthread_create(&dog->thread, NULL, watchdog_main, dog);
    if (rc != 0) {
        free(dog->seen);
        free(dog);
        return -rc;
    }
    *out = dog;
    return 0;
}

void pn_watchdog_destroy(struct pn_watchdog *dog) {
    if (dog == NULL) {
        return;
    }
    pn_store_rel(&dog->stop, 1); /* V3 release: pairs with the load in watchdog_main */
    pn_futex_wake(&dog->stop, 1);
    (void)pthread_join(dog->thread, NULL);
    free(dog->seen);
    free(dog);
}

int pn_watchdog_tid(const struct pn_watchdog *dog) {
    return dog == NULL ? 0 : pn_load_rlx(&dog->tid); /* relaxed: a number for statistics */
}
