/* SPDX-License-Identifier: MIT
 *
 * The machine's signals, read before and after the measured part of a slot.
 */
#ifndef PN_GATES_H
#define PN_GATES_H

#include <pinion/slot.h>
#include <sys/types.h>

struct pn_gate_reading {
    uint64_t at_ns;
    uint64_t busy_ticks, steal_ticks; /* of the slot's CPUs */
    bool stat_known;
    uint64_t throttled, pages_moved;
    bool throttle_known, pages_known;
    uint64_t self_cpu_ns;
    uint64_t loop_ns; /* a fixed loop, the fastest of several */
};

void pn_gates_read(const struct pn_slot_options *options, struct pn_gate_reading *reading);

/** \param child_cpu_ns  what the child's process tree used in between */
void pn_gates_compare(const struct pn_slot_options *options, const struct pn_gate_reading *before,
                      const struct pn_gate_reading *after, uint64_t child_cpu_ns,
                      const json_t *summary, struct pn_gates *gates);

#endif
