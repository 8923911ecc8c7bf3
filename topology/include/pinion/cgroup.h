/* SPDX-License-Identifier: MIT
 *
 * What the kernel and the container leave us of the machine, besides the affinity mask.
 */
#ifndef PINION_CGROUP_H
#define PINION_CGROUP_H

#include <stddef.h>

/**
 * The CPUs that the kernel keeps out of every inherited mask (isolcpus=), as a list such as "2-3".
 *
 * \param root  "" for this machine, or the root of a copied tree
 * \param text  [cap] receives the list, "" if there is none
 * \return 0; -errno if the kernel does not say
 */
int pn_isolated_read(const char *root, char *text, size_t cap);

/**
 * CPU time that the cgroups of this process may use per second of wall time, in CPUs: the tightest
 * quota on the way up, cgroup v2 or v1.
 *
 * \return the quota; 0 if none is set; negative -errno if that cannot be known: /proc/self/cgroup
 *         cannot be read, or no cgroup file system is mounted (-ENOENT)
 */
double pn_cpu_quota(const char *root);

#endif
