/* SPDX-License-Identifier: MIT
 *
 * One side of a store-load pair that pays nothing, because the other side, which is rare, pays for
 * both: it interrupts every CPU that runs a thread of this process (membarrier(2)).
 *
 *   often:   store A, pn_fence_light, load B        rarely:  store B, pn_membarrier, load A
 *
 * At least one of the two loads sees the other's store. The light side keeps the compiler from
 * swapping the two; the CPU's own store buffer is emptied by the interrupt.
 *
 * A kernel or a sandbox may refuse it: whoever uses it asks first and has a way without.
 */
#ifndef PN_MEMBARRIER_H
#define PN_MEMBARRIER_H

#include "runtime/atomic.h"

#if defined(PN_EXPLORE)

#define pn_membarrier_register() true
void pn_xp_membarrier(struct pn_xp_site *site);
void pn_xp_fence_light(struct pn_xp_site *site);
#define pn_membarrier()  pn_xp_membarrier(PN_XP_SITE(PN_XP_BARRIER, PN_XP_RLX, PN_XP_RLX))
#define pn_fence_light() pn_xp_fence_light(PN_XP_SITE(PN_XP_LIGHT, PN_XP_RLX, PN_XP_RLX))

#else

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

#define pn_fence_light() __asm__ volatile("" ::: "memory")

/* Once per process, best before its threads exist. \return whether pn_membarrier works */
static inline bool pn_membarrier_register(void) {
    return syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0;
}

/* A system call and an interrupt per CPU of the process. Only after a successful registration. */
static inline void pn_membarrier(void) {
    (void)syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0);
}

#endif

#endif
