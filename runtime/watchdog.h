/* SPDX-License-Identifier: MIT
 *
 * The helper thread that notices schedulers stuck in user code. It changes nothing itself: it marks
 * the core and rings one that sleeps, and schedulers do the rescue (rescue.c).
 */
#ifndef PN_WATCHDOG_H
#define PN_WATCHDOG_H

#include "runtime/core.h"

struct pn_watchdog;

/** Watch the cores of rt until destroy. A runtime of one core has nobody who could help: *out NULL.
 *  \param cpu  where it runs; -1 floats \return 0; -ENOMEM; -EAGAIN no thread */
int pn_watchdog_create(struct pn_watchdog **out, struct pn_runtime *rt, struct pn_os_cpu cpu);

/** Joins it. NULL is allowed. */
void pn_watchdog_destroy(struct pn_watchdog *dog);

/** Kernel thread id; 0 before it runs, or for NULL. */
int pn_watchdog_tid(const struct pn_watchdog *dog);

#endif
