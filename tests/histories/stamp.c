/* SPDX-License-Identifier: MIT
 *
 * A step back is looked for as the kernel does: threads on all CPUs, each comparing its stamp with
 * the latest that any has published. What this cannot see is a difference smaller than the time in
 * which a line moves between two CPUs; that time is measured along the way (`uncertain`) and said
 * with a failure that would not be one if stamps were that far off.
 */
#include "stamp.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { LOOKS_PER_TIME = 256, FOREIGN_ENOUGH = 20000, THREADS_MOST = 64 };
enum { LOOKS = 5, NEAR = 5000 };
static const uint64_t look_ns = 50000000;

struct looker {
    struct stamps *s;
    _Atomic uint64_t *latest;
    atomic_uint *ready;
    unsigned n;
    int cpu;
    uint64_t least_gap; /* from another's stamp to ours, ticks */
    bool back;
    pthread_t thread;
};

static void look(struct looker *l) {
    uint64_t own = 0;
    uint64_t start = pn_now_ns();
    unsigned foreign = 0;
    /* All go on until the time is over, unless they have seen enough of each other. */
    for (unsigned i = 0; foreign < FOREIGN_ENOUGH; i++) {
        if (i % LOOKS_PER_TIME == 0 && pn_now_ns() - start > look_ns) {
            return;
        }
        uint64_t seen = atomic_load_explicit(l->latest, memory_order_acquire);
        stamp_fence_work(true);
        uint64_t now = stamp_read(l->s);
        foreign += seen != own;
        if (now < seen) {
            l->back = true;
        } else if (seen != own && now - seen < l->least_gap) {
            l->least_gap = now - seen;
        }
        while (seen < now && !atomic_compare_exchange_weak(l->latest, &seen, now)) {
        }
        own = now;
    }
}

static void *look_main(void *arg) {
    struct looker *l = arg;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET((unsigned)l->cpu, &set);
    (void)pthread_setaffinity_np(pthread_self(), sizeof set, &set);
    atomic_fetch_add(l->ready, 1);
    while (atomic_load(l->ready) < l->n) {
        (void)sched_yield();
    }
    look(l);
    return NULL;
}

/* \return whether no stamp was earlier than one that it followed */
static bool runs_forwards(struct stamps *s) {
    cpu_set_t mask;
    struct looker l[THREADS_MOST];
    _Alignas(128) _Atomic uint64_t latest = 0;
    _Alignas(128) atomic_uint ready = 0;
    unsigned n = 0;
    if (sched_getaffinity(0, sizeof mask, &mask) != 0) {
        return false;
    }
    for (int cpu = 0; cpu < CPU_SETSIZE && n < THREADS_MOST; cpu++) {
        if (CPU_ISSET((unsigned)cpu, &mask)) {
            l[n++] = (struct looker){
                .s = s, .latest = &latest, .ready = &ready, .cpu = cpu, .least_gap = UINT64_MAX};
        }
    }
    unsigned started = 0;
    for (unsigned i = 0; i < n; i++) {
        l[i].n = n;
        if (pthread_create(&l[i].thread, NULL, look_main, &l[i]) != 0) {
            abort(); /* the others wait for it */
        }
        started++;
    }
    bool forwards = true;
    s->uncertain = 0;
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(l[i].thread, NULL);
        forwards = forwards && !l[i].back;
        if (n > 1 && l[i].least_gap != UINT64_MAX && l[i].least_gap > s->uncertain) {
            s->uncertain = l[i].least_gap;
        }
    }
    return forwards;
}

void stamps_choose(struct stamps *s, enum stamp_source first) {
    struct pn_ticks ticks;
    pn_ticks_calibrate(&ticks);
    atomic_init(&s->shared, 1);
    s->source = first == STAMP_COUNTER && !ticks.from_tsc ? STAMP_CLOCK : first;
    uint64_t least = UINT64_MAX;
    /* On a busy machine the lookers may hardly meet: each look is a bound, the least is taken. */
    for (unsigned looks = 0; s->source != STAMP_SHARED && looks < LOOKS && least > NEAR;) {
        if (runs_forwards(s)) {
            least = s->uncertain < least ? s->uncertain : least;
            looks++;
        } else {
            s->source = s->source == STAMP_COUNTER ? STAMP_CLOCK : STAMP_SHARED;
            least = UINT64_MAX;
            looks = 0;
        }
    }
    s->uncertain = s->source == STAMP_SHARED ? 0 : least;
}

const char *stamp_source_text(enum stamp_source source) {
    static const char *const text[] = {"cycle counter", "CLOCK_MONOTONIC", "shared counter"};
    return text[source];
}
