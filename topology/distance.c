/* SPDX-License-Identifier: MIT */
#include <pinion/topology.h>

unsigned pn_topology_distance(const struct pn_topology *topo, int node_a, int node_b) {
    if (node_a < 0 || node_b < 0) {
        return 0;
    }
    if (node_a == node_b) {
        return 10;
    }
    if (topo->distances == NULL) {
        return 0;
    }
    return topo->distances[(unsigned)node_a * topo->n_nodes + (unsigned)node_b];
}
