/* SPDX-License-Identifier: MIT
 *
 * The chaos back-end of runtime/atomic.h: before one shared access in 64 the thread yields, before
 * one in 4096 it sleeps 50 microseconds. It widens windows that preemption alone rarely hits; two
 * seeds differ in where. Only runtime/atomic.h includes this.
 */
#ifndef PN_ATOMIC_CHAOS_H
#define PN_ATOMIC_CHAOS_H

#include <sched.h>
#include <stdint.h>
#include <time.h>

static inline void pn_chaos_point(void) {
    static _Thread_local uint64_t x;
    if (x == 0) {
        x = (uint64_t)(uintptr_t)&x | 1u;
    }
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    if ((x & 63u) == 0) {
        (void)sched_yield();
    } else if ((x & 4095u) == 1) {
        (void)nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
    }
}

#endif
