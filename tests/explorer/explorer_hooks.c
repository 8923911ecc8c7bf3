/* SPDX-License-Identifier: MIT
 *
 * What explored files call besides accesses to memory: futex, RCU, time, and the few locks of
 * start-up.
 */
#include "explorer_parts.h"

#include <pthread.h>

void pn_xp_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns);
void pn_xp_futex_wake(const void *word, int n);

void pn_xp_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns) {
    xp_switch_point();
    if ((uint32_t)xp_latest((uintptr_t)word) != expected) {
        return;
    }
    struct xp_thread *me = &xp.thread[xp.current];
    me->timed = timeout_ns != UINT64_MAX;
    bool ran_out =
        me->timed && xp_choose(2) == 1; /* else it may when others wait, see wake_by_time */
    if (ran_out) {
        xp.waited_ns += timeout_ns;
    } else {
        me->deadline = pn_xp_time_ns() + timeout_ns;
        me->waits_on = (uintptr_t)word;
        xp_block_current();
        ran_out = me->waits_on != 0;
        me->waits_on = 0;
    }
    if (ran_out) {
        pn_xp_relax(); /* others ran meanwhile */
        return;
    }
    me->fresh = 1; /* the kernel's lock lies between wake and return */
}

void pn_xp_futex_wake(const void *word, int n) {
    xp_switch_point();
    for (int t = 1; n > 0 && t < xp.n; t++) {
        if (xp.thread[t].blocked && xp.thread[t].waits_on == (uintptr_t)word) {
            xp.thread[t].blocked = false;
            xp.thread[t].waits_on = 0;
            n--;
        }
    }
}

uint64_t pn_xp_time_ns(void) {
    enum { PER_STEP = 100 };
    return (uint64_t)xp.steps * PER_STEP + xp.waited_ns;
}

void pn_xp_rcu_register(void);
void pn_xp_rcu_unregister(void);
void pn_xp_rcu_quiescent(void);
void pn_xp_rcu_offline(void);
void pn_xp_rcu_online(void);
void pn_xp_rcu_synchronize(struct pn_xp_site *site);

/* Whoever waits for this thread's quiescent state may be done waiting. */
static void wake_synchronizers(void) {
    for (int t = 1; t < xp.n; t++) {
        if (xp.thread[t].in_synchronize) {
            xp.thread[t].blocked = false;
        }
    }
}

static void quiesce(bool online) {
    struct xp_thread *me = &xp.thread[xp.current];
    xp_switch_point();
    me->quiescent++;
    me->quiet = me->now;
    me->now.at[xp.current]++;
    me->online = online;
    if (online) {
        /* A reader that starts after a grace period began sees what was unpublished before it. */
        xp_join(&me->now, &xp.grace_starts);
    }
    wake_synchronizers();
}

void pn_xp_rcu_register(void) {
    xp.thread[xp.current].registered = true;
    quiesce(true);
}

void pn_xp_rcu_unregister(void) {
    quiesce(false);
    xp.thread[xp.current].registered = false;
}

void pn_xp_rcu_quiescent(void) {
    quiesce(true);
}

void pn_xp_rcu_offline(void) {
    quiesce(false);
}

void pn_xp_rcu_online(void) {
    quiesce(true);
}

static bool must_wait(const struct xp_thread *me) {
    for (int t = 1; t < xp.n; t++) {
        const struct xp_thread *other = &xp.thread[t];
        if (t != xp.current && !other->done && other->registered && other->online &&
            other->quiescent == me->waits_for[t]) {
            return true;
        }
    }
    return false;
}

void pn_xp_rcu_synchronize(struct pn_xp_site *site) {
    xp_switch_point();
    xp_step("synchronize", 0, 0, site);
    if (site->broken) {
        return;
    }
    struct xp_thread *me = &xp.thread[xp.current];
    bool was_online = me->online;
    me->online = false;
    xp_join(&xp.grace_starts, &me->now);
    me->now.at[xp.current]++;
    for (int t = 1; t < xp.n; t++) {
        me->waits_for[t] = xp.thread[t].quiescent;
    }
    wake_synchronizers();
    while (xp.current != 0 && must_wait(me)) {
        me->in_synchronize = true;
        xp_block_current();
    }
    me->in_synchronize = false;
    me->online = was_online;
    for (int t = 1; t < xp.n; t++) {
        xp_join(&me->now, xp.thread[t].done ? &xp.thread[t].now : &xp.thread[t].quiet);
    }
}

/* A mutex is a word that is 1 while somebody has it. A condition wakes everybody who waits: each
 * looks again, as its callers must in any case. */
int pn_xp_mutex_lock(pthread_mutex_t *mutex);
int pn_xp_mutex_unlock(pthread_mutex_t *mutex);
int pn_xp_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex);
int pn_xp_cond_signal(pthread_cond_t *cond);

int pn_xp_mutex_lock(pthread_mutex_t *mutex) {
    static struct pn_xp_site site = {.file = "mutex", .function = "lock", .order = PN_XP_ACQ};
    uint64_t unlocked = 0;
    while (!pn_xp_cas(mutex, &unlocked, 1, &site)) {
        unlocked = 0;
        pn_xp_relax();
    }
    return 0;
}

int pn_xp_mutex_unlock(pthread_mutex_t *mutex) {
    static struct pn_xp_site site = {.file = "mutex", .function = "unlock", .order = PN_XP_REL};
    pn_xp_store(mutex, 0, &site);
    return 0;
}

int pn_xp_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex) {
    (void)cond;
    (void)pn_xp_mutex_unlock(mutex);
    pn_xp_relax();
    return pn_xp_mutex_lock(mutex);
}

int pn_xp_cond_signal(pthread_cond_t *cond) {
    (void)cond;
    return 0;
}
