/* SPDX-License-Identifier: MIT
 *
 * Your own work in place of the workload's: a shared library with three functions, run by the same
 * producers, workers, slots, sweeps and report. Valid C11 and C++17; link nothing of Pinion.
 *
 *     cc -O2 -shared -fPIC -o mine.so mine.c
 *     pinion sweep --workload ./mine.so --x payload=64..65536:log2 -o DIR
 *
 * `payload` of the parameters is the size of a job's data, `units` has no meaning; everything else
 * (queues, sleeps, crashes, open loop) stays as it is. Other runtimes are not measured on it.
 */
#ifndef PINION_WORKLOAD_H
#define PINION_WORKLOAD_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Of this header; the library says which one it was built with. */
#define PN_WORKLOAD_ABI 1
extern const uint32_t pn_workload_abi;

/**
 * Fill a job's data.
 *
 * \param data   `bytes` of it, 16-byte aligned, not zeroed; yours until you return, then the
 * worker's. NULL where bytes is 0
 * \param producer, i  which job it is; the same two always make the same data
 * \threads any number at once, each with its own data; on a producer's thread or a scheduler
 * \cost part of what is measured: keep it what your producers really do
 */
void pn_workload_make(void *data, size_t bytes, uint32_t seed, uint32_t producer, uint32_t i);

/**
 * Do a job.
 *
 * \param data   what make left there; not kept after the return
 * \return its result; the sum of all is the run's checksum, so it may depend on (seed, producer, i)
 * and the data only, or designs can not be compared
 * \threads any number at once, on schedulers: it must neither block nor exit; a crash ends the slot
 */
uint64_t pn_workload_compute(const void *data, size_t bytes, uint32_t seed, uint32_t producer,
                             uint32_t i);

/**
 * Whether a result is right. Asked of the sampled jobs (i a multiple of jobs / 20000), after they
 * were done.
 * \return 0; anything else is a wrong result: the run ends with it, and has no figures
 */
int pn_workload_verify(uint32_t seed, uint32_t producer, uint32_t i, uint64_t result);

#ifdef __cplusplus
}
#endif

#endif
