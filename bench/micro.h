/* SPDX-License-Identifier: MIT
 *
 * The tables of microbenchmarks, one per area.
 */
#ifndef PN_BENCH_MICRO_H
#define PN_BENCH_MICRO_H

#include "gbench_shim.h"

struct pn_micro_table {
    const struct pn_bench_case *cases;
    size_t n;
};

extern const struct pn_micro_table pn_micro_queue, pn_micro_segq, pn_micro_memory, pn_micro_timer,
    pn_micro_pin, pn_micro_pingpong;

#endif
