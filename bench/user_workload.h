/* SPDX-License-Identifier: MIT
 *
 * A workload from a shared library, loaded once in the process that runs it.
 */
#ifndef PN_USER_WORKLOAD_H
#define PN_USER_WORKLOAD_H

#include "runtime/atomic.h"

#include <pinion/topology.h>
#include <stddef.h>
#include <stdint.h>

struct pn_user_workload {
    void (*make)(void *data, size_t bytes, uint32_t seed, uint32_t producer, uint32_t i);
    uint64_t (*compute)(const void *data, size_t bytes, uint32_t seed, uint32_t producer,
                        uint32_t i);
    int (*verify)(uint32_t seed, uint32_t producer, uint32_t i, uint64_t result);
    uint32_t seed;
    void *library;
    _Alignas(128) PN_ATOMIC(uint64_t) wrong; /* results that verify refused */
};

/**
 * \param path  as dlopen takes it: with a slash, a file
 * \return 0; -EINVAL and one line in *err: not there, no library, a function missing, another ABI
 */
int pn_user_workload_open(struct pn_user_workload *w, const char *path, uint32_t seed,
                          struct pn_error *err);
void pn_user_workload_close(struct pn_user_workload *w);

#endif
