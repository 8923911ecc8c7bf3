/* SPDX-License-Identifier: MIT
 *
 * What hwloc says of the nodes against what libnuma says. They differ where one of them corrects
 * the firmware's table or cannot see it, as in a container with a masked /sys.
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

int pn_topology_nodes_check(const struct pn_topology *topo, char *text, size_t cap) {
    /* A virtual machine's memory may grow between the two looks. */
    static const double tolerance = 0.05;
    int differ = 0;
    text[0] = '\0';
    if (!topo->live || topo->n_nodes == 0 || !topo->nodes[0].memory_known) {
        return -ENODATA;
    }
    if (numa_available() < 0) {
        return -ENOSYS;
    }
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        double ours = (double)topo->nodes[i].memory_bytes;
        long long size = numa_node_size64(topo->nodes[i].os.id, NULL);
        double theirs = size < 0 ? 0 : (double)size; /* it says -1 of a node without memory */
        double larger = ours > theirs ? ours : theirs;
        double apart = ours > theirs ? ours - theirs : theirs - ours;
        if (apart > tolerance * larger && differ++ == 0) {
            (void)snprintf(text, cap, "node %d: hwloc %.0f MiB, libnuma %.0f MiB",
                           topo->nodes[i].os.id, ours / (1 << 20), theirs / (1 << 20));
        }
    }
    return differ;
}
