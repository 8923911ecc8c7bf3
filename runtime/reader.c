/* SPDX-License-Identifier: MIT
 *
 * Readers by name, and which of them a grace period waits for: one that is online and has not said
 * quiescent since the grace period began.
 */
#include "runtime/reader.h"

#include "runtime/reclaim.h"

#include <errno.h>
#include <pinion/clock.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int pn_reader_open(struct pn_reclaimer *r, const char *name, struct pn_reader **out) {
    struct pn_reader *reader = aligned_alloc(PN_LINE, sizeof *reader);
    if (reader == NULL) {
        return -ENOMEM;
    }
    memset((void *)reader, 0, sizeof *reader);
    pn_atomic_init(&reader->passes, 0);
    reader->reclaimer = r;
    reader->tid = (int)syscall(SYS_gettid);
    (void)strncpy(reader->name, name, sizeof reader->name - 1);
    (void)pthread_mutex_lock(&r->readers_lock);
    reader->next = r->readers;
    r->readers = reader;
    (void)pthread_mutex_unlock(&r->readers_lock);
    pn_rcu_register();
    *out = reader;
    return 0;
}

void pn_reader_close(struct pn_reader *reader) {
    if (reader == NULL) {
        return;
    }
    pn_rcu_unregister();
    struct pn_reclaimer *r = reader->reclaimer;
    (void)pthread_mutex_lock(&r->readers_lock);
    for (struct pn_reader **at = &r->readers; *at != NULL; at = &(*at)->next) {
        if (*at == reader) {
            *at = reader->next;
            break;
        }
    }
    (void)pthread_mutex_unlock(&r->readers_lock);
    free(reader);
}

void pn_reader_quiescent(struct pn_reader *reader) {
    pn_reader_is_quiescent(reader);
}

void pn_reader_offline(struct pn_reader *reader) {
    pn_reader_goes_offline(reader);
}

void pn_reader_online(struct pn_reader *reader) {
    pn_reader_comes_online(reader);
}

void pn_reclaimer_rest(struct pn_reclaimer *r, bool offline) {
    int tid = (int)syscall(SYS_gettid);
    if (offline) {
        pn_rcu_offline();
    }
    (void)pthread_mutex_lock(&r->readers_lock);
    for (struct pn_reader *reader = r->readers; reader != NULL; reader = reader->next) {
        if (reader->tid == tid) {
            pn_reader_passes(reader, 1);
        }
    }
    (void)pthread_mutex_unlock(&r->readers_lock);
    if (!offline) {
        pn_rcu_online();
    }
}

#if defined(PN_EXPLORE)
uint64_t pn_reclaimer_grace_period(struct pn_reclaimer *r) {
    (void)r;
    pn_rcu_synchronize();
    return 0;
}
#else
uint64_t pn_reclaimer_grace_period(struct pn_reclaimer *r) {
    (void)pthread_mutex_lock(&r->readers_lock);
    for (struct pn_reader *reader = r->readers; reader != NULL; reader = reader->next) {
        reader->seen = pn_load_rlx(&reader->passes); /* relaxed: as in pn_reader_passes */
    }
    uint64_t start = pn_now_ns();
    pn_store_rlx(&r->grace_since_ns, start); /* relaxed: read under the lock, or a figure */
    (void)pthread_mutex_unlock(&r->readers_lock);
    pn_rcu_synchronize();
    pn_store_rlx(&r->grace_since_ns, 0); /* relaxed: a figure */
    return pn_now_ns() - start;
}
#endif

bool pn_reclaimer_held_up(struct pn_reclaimer *r, uint64_t at_least_ns, struct pn_holdup *out) {
    *out = (struct pn_holdup){.ns = 0};
    uint64_t since = pn_load_rlx(&r->grace_since_ns); /* relaxed: looked at again under the lock */
    uint64_t now = pn_now_ns();
    if (since == 0 || now < since + at_least_ns) {
        return false;
    }
    (void)pthread_mutex_lock(&r->readers_lock);
    bool same = pn_load_rlx(&r->grace_since_ns) == since; /* relaxed: the lock orders it */
    for (struct pn_reader *reader = r->readers; same && reader != NULL; reader = reader->next) {
        uint64_t passes = pn_load_rlx(&reader->passes); /* relaxed: as in pn_reader_passes */
        if (passes == reader->seen && passes % 2 == 0) {
            out->tid = reader->tid;
            memcpy(out->name, reader->name, sizeof out->name);
            break;
        }
    }
    (void)pthread_mutex_unlock(&r->readers_lock);
    out->ns = now - since;
    return same;
}
