/* SPDX-License-Identifier: MIT
 *
 * Restart intensity: at most `max` restarts in any `period`. Counted in eight buckets of the
 * period, so the window is exact to an eighth and needs no list of times, whatever max is.
 *
 * Threads: any; lock-free. A crash is not the hot path.
 */
#ifndef PINION_INTENSITY_H
#define PINION_INTENSITY_H

#include <stdbool.h>
#include <stdint.h>

struct pn_intensity;

/** \return 0; -ENOMEM */
int pn_intensity_create(struct pn_intensity **out, uint64_t max, uint64_t period_ns);
void pn_intensity_destroy(struct pn_intensity *in);

/** Count one restart. \return true if that is one too many */
bool pn_intensity_exceeded(struct pn_intensity *in, uint64_t now_ns);

#endif
