/* SPDX-License-Identifier: MIT
 *
 * Sleep on a 32-bit word until it changes. The explorer models it: there a wait whose wake-up was
 * lost is a deadlock, and is reported.
 */
#ifndef PN_FUTEX_H
#define PN_FUTEX_H

#include "runtime/atomic.h"

/* No time-out. */
#define PN_FOREVER UINT64_MAX

#if defined(PN_EXPLORE)

void pn_xp_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns);
void pn_xp_futex_wake(const void *word, int n);

static inline void pn_futex_wait(PN_ATOMIC(uint32_t) * word, uint32_t expected,
                                 uint64_t timeout_ns) {
    pn_xp_futex_wait((const void *)word, expected, timeout_ns);
}

static inline void pn_futex_wake(PN_ATOMIC(uint32_t) * word, int n) {
    pn_xp_futex_wake((const void *)word, n);
}

#else

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* Returns on a wake, a change, a signal or the time-out: the caller looks again in any case. */
static inline void pn_futex_wait(PN_ATOMIC(uint32_t) * word, uint32_t expected,
                                 uint64_t timeout_ns) {
    struct timespec ts = {.tv_sec = (time_t)(timeout_ns / 1000000000u),
                          .tv_nsec = (long)(timeout_ns % 1000000000u)};
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected,
                  timeout_ns == PN_FOREVER ? NULL : &ts, NULL, 0);
}

static inline void pn_futex_wake(PN_ATOMIC(uint32_t) * word, int n) {
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, n, NULL, NULL, 0);
}

#endif

#endif
