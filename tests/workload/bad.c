/* SPDX-License-Identifier: MIT
 *
 * Workloads that must not be believed: of another ABI, with a function missing, with wrong results.
 */
#include <pinion/workload.h>

#if defined(BAD_stale)
const uint32_t pn_workload_abi = PN_WORKLOAD_ABI + 1;
#else
const uint32_t pn_workload_abi = PN_WORKLOAD_ABI;
#endif

void pn_workload_make(void *data, size_t bytes, uint32_t seed, uint32_t producer, uint32_t i) {
    (void)seed;
    (void)producer;
    (void)i;
    for (size_t at = 0; at < bytes; at++) {
        ((char *)data)[at] = 0;
    }
}

uint64_t pn_workload_compute(const void *data, size_t bytes, uint32_t seed, uint32_t producer,
                             uint32_t i) {
    (void)data;
    (void)bytes;
    (void)seed;
    (void)producer;
    return i;
}

#if !defined(BAD_halved)
int pn_workload_verify(uint32_t seed, uint32_t producer, uint32_t i, uint64_t result) {
    (void)seed;
    (void)producer;
    (void)result;
    return i == 7;
}
#endif
