/* SPDX-License-Identifier: MIT
 *
 * The collector looks at the cores' counts 100 times a second from a thread that does no job. It
 * finds the end of a round to the nanosecond all the same, because each core notes when it ran out
 * of work; only the halves are interpolated between two looks.
 */
#include "engine.h"

#include <pinion/clock.h>
#include <sys/resource.h>
#include <time.h>

/* 100 looks a second, 80 calls for snapshots: with the watchdog's 100 and the reclaimer's 210 the
 * helper threads together stay below 500 system calls. */
enum { LOOK_NS = 10000000, SNAPSHOT_NS = 100000000 };

/* A system call each; all of them are asked at the end of a round. */
enum { CORES_ASKED_PER_SNAPSHOT = 8 };

static uint64_t ended(const struct pn_bench *b) {
    uint64_t n = 0;
    for (unsigned i = 0; i < b->n_cores; i++) {
        n += pn_tally_ended(&b->tallies[i]);
    }
    return n;
}

static uint64_t last_idle(const struct pn_bench *b) {
    uint64_t last = 0;
    for (unsigned i = 0; i < b->n_cores; i++) {
        /* relaxed: read again until it is later than the round's last job. */
        uint64_t at = pn_load_rlx((PN_ATOMIC(uint64_t) *)&b->tallies[i].idle_ns);
        last = at > last ? at : last;
    }
    return last;
}

static uint64_t dropped_so_far(const struct pn_bench *b) {
    uint64_t n = 0;
    for (uint64_t k = 0; k < b->params->producers; k++) {
        n += b->producers[k].dropped;
    }
    return n;
}

/* Where the line between two looks crosses half of the jobs. */
static void find_half(struct pn_watch *w, uint64_t half, uint64_t t0, uint64_t n0, uint64_t t1,
                      uint64_t n1) {
    if (w->half_ns == 0 && n1 >= half && n1 > n0) {
        double part = (double)(half - n0) / (double)(n1 - n0);
        w->half_ns = t0 + (uint64_t)(part * (double)(t1 - t0));
    }
}

static bool is_over(struct pn_bench *b, uint64_t jobs, uint64_t n) {
    if (n >= jobs) {
        return true;
    }
    /* Dropped jobs never end; a producer's count is final once it has finished. */
    return b->params->drop == 1 && pn_producers_finished(b) && n + dropped_so_far(b) >= jobs;
}

static void look_for_moved(const struct pn_bench *b, struct pn_watch *w) {
    for (unsigned i = 0; i < CORES_ASKED_PER_SNAPSHOT && i < b->n_cores; i++) {
        w->next_core = (w->next_core + 1) % b->n_cores;
        w->moved = w->moved || pn_runtime_moved(b->rt, w->next_core);
    }
}

/* The failure, the watchdog and the windows, in a round that has a failure. */
static void look_at_failure(struct pn_bench *b, uint64_t now) {
    struct pn_failure *f = b->round.failure;
    struct pn_recovery *r = &b->recovery;
    if (f == NULL) {
        return;
    }
    if (f->struck_ns == 0 && now >= r->fail_ns) {
        pn_recovery_strike(r, now, pn_done_so_far(b));
        pn_inject(b, now);
    } else if (pn_recovery_look(r, now, pn_done_so_far(b))) {
        b->rss_recovered_kb = pn_status_kb("VmRSS:");
    }
    pn_failure_watch(f, now);
}

/* Until the next look; no later than a window ends. */
static void rest(const struct pn_bench *b) {
    uint64_t ns = LOOK_NS;
    if (b->round.failure != NULL) {
        uint64_t now = pn_now_ns();
        uint64_t left = b->recovery.next_ns > now ? b->recovery.next_ns - now : 0;
        ns = left < ns ? left : ns;
    }
    (void)nanosleep(&(struct timespec){.tv_nsec = (long)ns}, NULL);
}

void pn_collect(struct pn_bench *b, uint64_t jobs, struct pn_watch *w) {
    uint64_t seen = 0;
    uint64_t seen_ns = w->t0_ns;
    uint64_t moved_ns = w->t0_ns;
    uint64_t snapshot_ns = w->t0_ns + SNAPSHOT_NS;
    w->half_ns = w->longest_gap_ns = 0;
    for (;;) {
        uint64_t now = pn_now_ns();
        uint64_t n = ended(b);
        find_half(w, jobs / 2 + 1, seen_ns, seen, now, n);
        if (n > seen) {
            uint64_t gap = seen_ns - moved_ns;
            w->longest_gap_ns = gap > w->longest_gap_ns ? gap : w->longest_gap_ns;
            moved_ns = now;
        }
        seen = n;
        seen_ns = now;
        if (is_over(b, jobs, n)) {
            break;
        }
        look_at_failure(b, now);
        w->failed = b->design->failed(b) || pn_load_acq(&b->too_many_restarts) != 0;
        if (now >= snapshot_ns) {
            snapshot_ns += SNAPSHOT_NS;
            pn_event_snapshot(b, pn_process_cpu_ns() - w->cpu0_ns);
            look_for_moved(b, w);
            w->interrupted = b->options->interrupted != NULL && b->options->interrupted();
        }
        if (w->failed || w->interrupted) {
            pn_store_rel(&b->stop, 1);
            break;
        }
        rest(b);
    }
    w->cpu_ns = pn_process_cpu_ns() - w->cpu0_ns;
    uint64_t deadline = seen_ns + 100 * (uint64_t)LOOK_NS;
    /* The core of the last job stamps as soon as it finds nothing more. */
    while ((w->end_ns = last_idle(b)) <= w->t0_ns && pn_now_ns() < deadline) {
        (void)nanosleep(&(struct timespec){.tv_nsec = LOOK_NS}, NULL);
    }
    if (w->end_ns <= w->t0_ns || w->failed || w->interrupted) {
        w->end_ns = seen_ns;
    }
}
