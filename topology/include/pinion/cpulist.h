/* SPDX-License-Identifier: MIT
 *
 * Lists of CPUs as the kernel writes them: "0-3,8,10-11". Parsed into ascending, distinct numbers.
 */
#ifndef PINION_CPULIST_H
#define PINION_CPULIST_H

#include <pinion/topology.h>

enum { PN_CPU_ID_MAX = 1 << 16 };

/**
 * Parse a list; white space and anything but numbers, ranges and commas is refused.
 *
 * \param out  [*n] owned by the caller (free); NULL if the list is empty
 * \return 0; -EINVAL not a list; -ENOMEM
 */
int pn_cpulist_parse(const char *text, struct pn_os_cpu **out, unsigned *n);

/** True if cpu is in the ascending list. O(log n). */
bool pn_cpulist_has(const struct pn_os_cpu *list, unsigned n, struct pn_os_cpu cpu);

/** Write as "0-3,8". What cap does not hold is left out after a whole number and ",...". */
void pn_cpulist_print(const struct pn_os_cpu *list, unsigned n, char *text, size_t cap);

#endif
