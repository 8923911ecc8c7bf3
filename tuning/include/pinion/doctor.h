/* SPDX-License-Identifier: MIT
 *
 * The checks that decide whether a figure from this machine means anything. They only read; what
 * they find is data, and whoever prints it decides how.
 */
#ifndef PINION_DOCTOR_H
#define PINION_DOCTOR_H

#include <pinion/finding.h>
#include <pinion/topology.h>

/* No more findings than this come from one call. */
enum { PN_DOCTOR_MAX = 24 };

/**
 * Run all checks, in the order in which a reader wants them: the virtual machine first, then what
 * the container allows, processor, memory, clock, other load.
 *
 * A check whose source cannot be read is PN_FINDING_SKIP with its reason, never "ok".
 *
 * \param root  "" for this machine, or the root of a copied tree (<root>/proc, <root>/sys)
 * \param topo  borrowed, may be NULL: then sibling counts come from sysfs alone
 * \param out   [cap] receives the findings
 * \param n     receives how many there are, at most PN_DOCTOR_MAX
 * \return 0; -ENOSPC if cap is too small: the first cap findings are filled in
 * \threads any; \cost about 200 ms, because steal and load are deltas of /proc/stat
 */
int pn_doctor_run(const char *root, const struct pn_topology *topo, struct pn_finding *out,
                  size_t cap, size_t *n);

#endif
