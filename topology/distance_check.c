/* SPDX-License-Identifier: MIT
 *
 * hwloc's matrix against libnuma's. They differ where one of them corrects the firmware's table or
 * cannot see it, as in a container with a masked /sys.
 */
#include <pinion/topology.h>

#include <errno.h>
#include <numa.h>
#include <stdio.h>

int pn_topology_distances_check(const struct pn_topology *topo, char *text, size_t cap) {
    int differ = 0;
    text[0] = '\0';
    if (!topo->live || topo->distances == NULL || topo->n_nodes < 2) {
        return -ENODATA;
    }
    if (numa_available() < 0) {
        return -ENOSYS;
    }
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        for (unsigned j = 0; j < topo->n_nodes; j++) {
            unsigned ours = topo->distances[i * topo->n_nodes + j];
            int from = topo->nodes[i].os.id;
            int to = topo->nodes[j].os.id;
            int theirs = numa_distance(from, to);
            if (theirs < 0 || (unsigned)theirs == ours) {
                continue;
            }
            if (differ++ == 0) {
                (void)snprintf(text, cap, "node %d to %d: hwloc %u, libnuma %d", from, to, ours,
                               theirs);
            }
        }
    }
    return differ;
}
