/* SPDX-License-Identifier: MIT
 *
 * The run queue of the ladder's M7: the same queue behind a mutex, taken by its owner for every
 * task and by thieves, as BEAM's schedulers do. An experiment's variant: no other runtime takes a
 * lock here. Whether there is a mutex is fixed before the schedulers start.
 */
#include "runtime/core.h"

#include <errno.h>
#include <pinion/runq.h>
#include <stdlib.h>

struct pn_runq_lock {
    _Alignas(PN_LINE) pthread_mutex_t mutex;
    uint64_t taken; /* under the mutex */
};

int pn_runq_lock_create(struct pn_runq_lock **out) {
    struct pn_runq_lock *lock = aligned_alloc(PN_LINE, sizeof *lock);
    if (lock == NULL) {
        return -ENOMEM;
    }
    (void)pthread_mutex_init(&lock->mutex, NULL);
    lock->taken = 0;
    *out = lock;
    return 0;
}

void pn_runq_lock_destroy(struct pn_runq_lock *lock) {
    if (lock != NULL) {
        (void)pthread_mutex_destroy(&lock->mutex);
        free(lock);
    }
}

uint64_t pn_runq_lock_taken(const struct pn_runq_lock *lock) {
    struct pn_runq_lock *locked = (struct pn_runq_lock *)lock;
    if (lock == NULL) {
        return 0;
    }
    (void)pthread_mutex_lock(&locked->mutex);
    uint64_t taken = lock->taken;
    (void)pthread_mutex_unlock(&locked->mutex);
    return taken;
}

static void enter(struct pn_runq_lock *lock) {
    (void)pthread_mutex_lock(&lock->mutex);
    lock->taken++;
}

bool pn_locked_push(struct pn_core *core, void *task) {
    enter(core->runq_lock);
    bool ok = pn_runq_push(core->runq, task);
    (void)pthread_mutex_unlock(&core->runq_lock->mutex);
    return ok;
}

void *pn_locked_pop(struct pn_core *core) {
    enter(core->runq_lock);
    void *task = pn_runq_pop(core->runq);
    (void)pthread_mutex_unlock(&core->runq_lock->mutex);
    return task;
}

size_t pn_locked_steal(struct pn_core *victim, void **out, size_t max) {
    enter(victim->runq_lock);
    size_t n = pn_runq_steal(victim->runq, out, max);
    (void)pthread_mutex_unlock(&victim->runq_lock->mutex);
    return n;
}
