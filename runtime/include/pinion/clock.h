/* SPDX-License-Identifier: MIT
 *
 * Time in nanoseconds on CLOCK_MONOTONIC, and cheap ticks for the hot path.
 */
#ifndef PINION_CLOCK_H
#define PINION_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC, about 20 ns a call. */
uint64_t pn_now_ns(void);
/* CLOCK_THREAD_CPUTIME_ID of the caller, about 250 ns a call: never per job. */
uint64_t pn_thread_cpu_ns(void);
/* CLOCK_PROCESS_CPUTIME_ID. */
uint64_t pn_process_cpu_ns(void);

/* Calibrated ticks (TSC where it is invariant and the kernel's clock source, else the clock). */
struct pn_ticks {
    uint64_t per_second;
    int from_tsc;
};
void pn_ticks_calibrate(struct pn_ticks *ticks);
uint64_t pn_ticks_now(void);
uint64_t pn_ticks_to_ns(const struct pn_ticks *ticks, uint64_t delta);

#endif
