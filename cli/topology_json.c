/* SPDX-License-Identifier: MIT */
#include "topology_json.h"

static json_t *nodes_json(const struct pn_topology *topo) {
    json_t *list = json_array();
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        const struct pn_topo_node *n = &topo->nodes[i];
        json_t *bytes = n->memory_known ? json_integer((json_int_t)n->memory_bytes) : json_null();
        json_array_append_new(list,
                              json_pack("{s:i,s:o,s:b,s:b}", "os_index", n->os.id, "memory_bytes",
                                        bytes, "cpuless", n->cpuless, "allowed", n->allowed));
    }
    return list;
}

static json_t *id_or_null(int id) {
    return id < 0 ? json_null() : json_integer(id);
}

static json_t *node_id(const struct pn_topology *topo, int node) {
    return id_or_null(node < 0 ? -1 : topo->nodes[node].os.id);
}

static json_t *cores_json(const struct pn_topology *topo) {
    json_t *list = json_array();
    for (unsigned i = 0; i < topo->n_cores; i++) {
        const struct pn_topo_core *c = &topo->cores[i];
        json_t *pus = json_array();
        for (unsigned k = 0; k < c->n_pus; k++) {
            json_array_append_new(pus, json_integer(c->pus[k].id));
        }
        json_t *core =
            json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "pus", pus, "node", node_id(topo, c->home),
                      "memory_node", node_id(topo, c->node), "llc", id_or_null(c->llc), "package",
                      id_or_null(c->package), "kind", id_or_null(c->kind));
        if (c->pu_as_core) {
            json_object_set_new(core, "pu_as_core", json_true());
        }
        json_array_append_new(list, core);
    }
    return list;
}

static json_t *distances_json(const struct pn_topology *topo) {
    if (topo->distances == NULL) {
        return json_null();
    }
    json_t *nodes = json_array();
    json_t *values = json_array();
    for (unsigned i = 0; i < topo->n_nodes; i++) {
        json_t *row = json_array();
        for (unsigned j = 0; j < topo->n_nodes; j++) {
            unsigned d = topo->distances[i * topo->n_nodes + j];
            json_array_append_new(row, d == 0 ? json_null() : json_integer(d));
        }
        json_array_append_new(values, row);
        json_array_append_new(nodes, json_integer(topo->nodes[i].os.id));
    }
    const char *source = topo->distance_source == PN_DISTANCE_SLIT ? "slit" : "hwloc";
    return json_pack("{s:o,s:o,s:s}", "nodes", nodes, "values", values, "source", source);
}

static json_t *cpus_json(const struct pn_os_cpu *cpus, unsigned n) {
    json_t *list = json_array();
    for (unsigned i = 0; i < n; i++) {
        json_array_append_new(list, json_integer(cpus[i].id));
    }
    return list;
}

static json_t *plan_json(const struct pn_topology *topo, const struct pn_plan *plan) {
    json_t *list = json_array();
    json_t *note = plan->note[0] == '\0' ? json_null() : json_string(plan->note);
    for (unsigned i = 0; i < plan->n_schedulers; i++) {
        const struct pn_plan_scheduler *s = &plan->schedulers[i];
        json_array_append_new(list, json_pack("{s:i,s:o,s:i,s:s}", "cpu", s->cpu.id, "node",
                                              node_id(topo, s->node), "domain",
                                              (int)plan->domain_of[i], "reason", s->reason));
    }
    return json_pack("{s:o,s:o,s:s,s:o}", "schedulers", list, "housekeeping",
                     cpus_json(plan->housekeeping, plan->n_housekeeping), "housekeeping_reason",
                     plan->housekeeping_reason, "note", note);
}

json_t *pn_topology_json(const struct pn_topology *topo, const struct pn_plan *plan) {
    json_t *root = json_pack("{s:s,s:i,s:o,s:o,s:o,s:o}", "schema", "pinion.topology/1", "packages",
                             (int)topo->n_packages, "nodes", nodes_json(topo), "cores",
                             cores_json(topo), "distances", distances_json(topo), "allowed_pus",
                             cpus_json(topo->allowed, topo->n_allowed));
    if (root != NULL && plan != NULL) {
        json_object_set_new(root, "plan", plan_json(topo, plan));
    }
    return root;
}
