/* SPDX-License-Identifier: MIT
 *
 * From the helper's text to struct pn_topology. The helper is not trusted: every number is checked,
 * every reference must exist, and nothing is left to hwloc's memory.
 *
 *   "pinion-topo 3"
 *   "packages N"
 *   "node OS BYTES CPULESS ALLOWED"
 *   "core NODE LLC PACKAGE PU_AS_CORE KIND PU..."  NODE an OS index, LLC any distinct number, KIND
 *                                             rising with speed; -1 none. Neighbours next to each
 *                                             other
 *   "distance OS OTHER:VALUE..."              after all nodes
 *   "allowed LIST"
 *   "end"
 */
#include "reader.h"

#include <errno.h>
#include <limits.h>
#include <pinion/cpulist.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NODES_MAX = 4096, CORES_MAX = 65536, KINDS_MAX = 64, DEADLINE_MS = 30000 };

/* The mutable twin of struct pn_topology while lines come in. Core i owns pus[first .. first+n). */
struct builder {
    struct pn_topo_node *nodes;
    struct pn_topo_core *cores;
    struct pn_os_cpu *pus;
    size_t *first_pu;
    long *llc_of; /* the helper's number, before renumbering */
    unsigned *distances;
    unsigned n_nodes, n_cores, n_packages;
    size_t n_pus, cap_nodes, cap_cores, cap_pus;
    struct pn_os_cpu *allowed;
    unsigned n_allowed;
    bool version_seen, allowed_seen, end_seen;
};

struct scan {
    const char *at;
    bool bad;
};

static long long take(struct scan *s, long long lo, long long hi) {
    char *end = NULL;
    errno = 0;
    long long value = strtoll(s->at, &end, 10);
    if (end == s->at || errno != 0 || value < lo || value > hi) {
        s->bad = true;
        return lo;
    }
    s->at = end;
    return value;
}

static bool at_end(const struct scan *s) {
    return s->bad || *s->at == '\0';
}

static int grow(void *pointer, size_t *cap, size_t need, size_t size, size_t max) {
    if (need <= *cap) {
        return 0;
    }
    size_t larger = *cap == 0 ? 16 : *cap * 2;
    if (need > max) {
        return -EPROTO;
    }
    void **array = pointer;
    void *moved = realloc(*array, larger * size);
    if (moved == NULL) {
        return -ENOMEM;
    }
    *array = moved;
    *cap = larger;
    return 0;
}

static int find_node(const struct builder *b, long long os) {
    for (unsigned i = 0; i < b->n_nodes; i++) {
        if (b->nodes[i].os.id == os) {
            return (int)i;
        }
    }
    return -1;
}

static int line_node(struct builder *b, struct scan *s) {
    if (b->distances != NULL) {
        return -EPROTO; /* the matrix has its size already */
    }
    int rc = grow(&b->nodes, &b->cap_nodes, b->n_nodes + 1, sizeof *b->nodes, NODES_MAX);
    if (rc != 0) {
        return rc;
    }
    struct pn_topo_node node = {.os.id = (int)take(s, 0, INT_MAX)};
    node.memory_bytes = (uint64_t)take(s, 0, LLONG_MAX);
    node.cpuless = take(s, 0, 1) != 0;
    node.allowed = take(s, 0, 1) != 0;
    if (s->bad || !at_end(s) || find_node(b, node.os.id) >= 0) {
        return -EPROTO;
    }
    b->nodes[b->n_nodes++] = node;
    return 0;
}

static int grow_cores(struct builder *b) {
    size_t cap = b->cap_cores;
    int rc = grow(&b->cores, &cap, b->n_cores + 1, sizeof *b->cores, CORES_MAX);
    if (rc == 0 && cap != b->cap_cores) {
        size_t *first = realloc(b->first_pu, cap * sizeof *first);
        b->first_pu = first != NULL ? first : b->first_pu;
        long *llc = realloc(b->llc_of, cap * sizeof *llc);
        b->llc_of = llc != NULL ? llc : b->llc_of;
        rc = first == NULL || llc == NULL ? -ENOMEM : 0;
    }
    b->cap_cores = rc == 0 ? cap : b->cap_cores;
    return rc;
}

static int line_core(struct builder *b, struct scan *s) {
    int rc = grow_cores(b);
    if (rc != 0) {
        return rc;
    }
    struct pn_topo_core core = {.node = (int)take(s, -1, INT_MAX)};
    b->llc_of[b->n_cores] = (long)take(s, -1, LONG_MAX);
    core.package = (int)take(s, -1, INT_MAX);
    core.pu_as_core = take(s, 0, 1) != 0;
    core.kind = (int)take(s, -1, KINDS_MAX - 1);
    core.place = b->n_cores;
    b->first_pu[b->n_cores] = b->n_pus;
    int last = -1;
    while (!at_end(s)) {
        int id = (int)take(s, last + 1, PN_CPU_ID_MAX - 1);
        rc = grow(&b->pus, &b->cap_pus, b->n_pus + 1, sizeof *b->pus, PN_CPU_ID_MAX);
        if (rc != 0) {
            return rc;
        }
        b->pus[b->n_pus++].id = id;
        core.n_pus++;
        last = id;
    }
    if (s->bad || core.n_pus == 0) {
        return -EPROTO;
    }
    b->cores[b->n_cores++] = core;
    return 0;
}

static int line_distance(struct builder *b, struct scan *s) {
    if (b->distances == NULL) {
        b->distances = calloc((size_t)b->n_nodes * b->n_nodes + 1, sizeof *b->distances);
        if (b->distances == NULL) {
            return -ENOMEM;
        }
    }
    int row = find_node(b, take(s, 0, INT_MAX));
    while (row >= 0 && !at_end(s)) {
        int column = find_node(b, take(s, 0, INT_MAX));
        if (column < 0 || *s->at++ != ':') {
            return -EPROTO;
        }
        b->distances[(unsigned)row * b->n_nodes + (unsigned)column] =
            (unsigned)take(s, 0, UINT_MAX);
    }
    return row < 0 || s->bad ? -EPROTO : 0;
}

static int parse_line(struct builder *b, char *line) {
    char *space = strchr(line, ' ');
    struct scan s = {.at = space == NULL ? "" : space + 1};
    if (space != NULL) {
        *space = '\0';
    }
    if (strcmp(line, "pinion-topo") == 0) {
        b->version_seen = take(&s, 3, 3) == 3 && at_end(&s) && !s.bad;
        return b->version_seen ? 0 : -EPROTO;
    }
    if (!b->version_seen) {
        return -EPROTO;
    }
    if (strcmp(line, "packages") == 0) {
        b->n_packages = (unsigned)take(&s, 0, CORES_MAX);
        return s.bad || !at_end(&s) ? -EPROTO : 0;
    }
    if (strcmp(line, "node") == 0) {
        return line_node(b, &s);
    }
    if (strcmp(line, "core") == 0) {
        return line_core(b, &s);
    }
    if (strcmp(line, "distance") == 0) {
        return line_distance(b, &s);
    }
    if (strcmp(line, "allowed") == 0 && !b->allowed_seen) {
        b->allowed_seen = true;
        return pn_cpulist_parse(s.at, &b->allowed, &b->n_allowed) == 0 ? 0 : -EPROTO;
    }
    b->end_seen = strcmp(line, "end") == 0;
    return b->end_seen ? 0 : -EPROTO;
}

static int parse(struct builder *b, char *text) {
    char *save = NULL;
    for (char *line = strtok_r(text, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        int rc = b->end_seen ? -EPROTO : parse_line(b, line);
        if (rc != 0) {
            return rc;
        }
    }
    return b->allowed_seen && b->end_seen && b->n_cores > 0 ? 0 : -EPROTO;
}

static int by_node_os(const void *a, const void *b) {
    const struct pn_topo_node *x = a;
    const struct pn_topo_node *y = b;
    return (x->os.id > y->os.id) - (x->os.id < y->os.id);
}

static int by_first_pu(const void *a, const void *b) {
    const struct pn_topo_core *x = a;
    const struct pn_topo_core *y = b;
    return (x->pus[0].id > y->pus[0].id) - (x->pus[0].id < y->pus[0].id);
}

static bool has_memory(const struct pn_topo_node *node) {
    return node->memory_bytes > 0 || !node->memory_known;
}

/* The nearest usable node to a node without memory or outside of the cpuset; among equals one with
 * CPUs, then the first. A core without any local node knows no distances: all are equal. */
static int nearest_with_memory(const struct builder *b, int from, bool allowed_only) {
    int best = -1;
    unsigned best_distance = UINT_MAX;
    for (unsigned i = 0; i < b->n_nodes; i++) {
        const struct pn_topo_node *node = &b->nodes[i];
        if (!has_memory(node) || (allowed_only && !node->allowed)) {
            continue;
        }
        unsigned d =
            from >= 0 && b->distances != NULL ? b->distances[(unsigned)from * b->n_nodes + i] : 0;
        d = d == 0 ? UINT_MAX : d; /* not in the matrix */
        bool closer = best < 0 || d < best_distance ||
                      (d == best_distance && b->nodes[best].cpuless && !node->cpuless);
        if (closer) {
            best = (int)i;
            best_distance = d;
        }
    }
    return best;
}

static int memory_of(const struct builder *b, int home) {
    if (home >= 0 && b->nodes[home].allowed && has_memory(&b->nodes[home])) {
        return home;
    }
    int nearest = nearest_with_memory(b, home, true);
    return nearest >= 0 ? nearest : nearest_with_memory(b, home, false);
}

/* Nodes ascending by OS index, with the matrix moved along. */
static int sort_nodes(struct builder *b) {
    unsigned n = b->n_nodes;
    unsigned *moved = b->distances == NULL ? NULL : calloc((size_t)n * n + 1, sizeof *moved);
    struct pn_topo_node *before = malloc((n + 1) * sizeof *before);
    if (before == NULL || (b->distances != NULL && moved == NULL)) {
        free(before);
        free(moved);
        return -ENOMEM;
    }
    if (n > 0) {
        memcpy(before, b->nodes, n * sizeof *before);
        qsort(b->nodes, n, sizeof *b->nodes, by_node_os);
    }
    for (unsigned i = 0; moved != NULL && i < n; i++) {
        int row = find_node(b, before[i].os.id);
        for (unsigned j = 0; j < n; j++) {
            int column = find_node(b, before[j].os.id);
            moved[(unsigned)row * n + (unsigned)column] = b->distances[i * n + j];
        }
    }
    free(before);
    free(b->distances);
    b->distances = moved;
    return 0;
}

static int resolve(struct builder *b) {
    bool known = false;
    for (unsigned i = 0; i < b->n_nodes; i++) {
        known = known || b->nodes[i].memory_bytes > 0;
    }
    for (unsigned i = 0; i < b->n_nodes; i++) {
        b->nodes[i].memory_known = known;
    }
    int rc = sort_nodes(b);
    if (rc != 0) {
        return rc;
    }
    for (unsigned i = 0; i < b->n_cores; i++) {
        struct pn_topo_core *core = &b->cores[i];
        core->pus = b->pus + b->first_pu[i];
        core->llc = -1;
        int node = core->node < 0 ? -1 : find_node(b, core->node);
        if (core->node >= 0 && node < 0) {
            return -EPROTO;
        }
        core->home = node;
        core->node = memory_of(b, node);
    }
    return 0;
}

/* Logical ids in the order in which the helper names them, which is hwloc's. */
static unsigned number_llcs(struct builder *b) {
    unsigned n = 0;
    for (unsigned i = 0; i < b->n_cores; i++) {
        for (unsigned j = 0; b->llc_of[i] >= 0 && j < i; j++) {
            if (b->llc_of[j] == b->llc_of[i]) {
                b->cores[i].llc = b->cores[j].llc;
                break;
            }
        }
        if (b->llc_of[i] >= 0 && b->cores[i].llc < 0) {
            b->cores[i].llc = (int)n++;
        }
    }
    return n;
}

static bool pus_are_distinct(const struct builder *b) {
    unsigned char *seen = calloc(PN_CPU_ID_MAX, 1);
    bool distinct = seen != NULL;
    for (size_t i = 0; distinct && i < b->n_pus; i++) {
        distinct = !seen[b->pus[i].id];
        seen[b->pus[i].id] = 1;
    }
    free(seen);
    return distinct;
}

static void builder_free(struct builder *b) {
    free(b->nodes);
    free(b->cores);
    free(b->pus);
    free(b->distances);
    free(b->allowed);
    free(b->first_pu);
    free(b->llc_of);
}

static int finish(struct builder *b, bool live, struct pn_topology **out) {
    int rc = resolve(b);
    if (rc == 0 && !pus_are_distinct(b)) {
        rc = -EPROTO;
    }
    struct pn_topology *topo = rc == 0 ? calloc(1, sizeof *topo) : NULL;
    if (rc == 0 && topo == NULL) {
        rc = -ENOMEM;
    }
    if (rc != 0) {
        return rc;
    }
    topo->n_llcs = number_llcs(b);
    qsort(b->cores, b->n_cores, sizeof *b->cores, by_first_pu);
    topo->n_packages = b->n_packages;
    topo->n_nodes = b->n_nodes;
    topo->n_cores = b->n_cores;
    topo->nodes = b->nodes;
    topo->cores = b->cores;
    topo->pus = b->pus;
    topo->allowed = b->allowed;
    topo->n_allowed = b->n_allowed;
    topo->distances = b->distances;
    topo->distance_source = b->distances == NULL ? PN_DISTANCE_NONE : PN_DISTANCE_HWLOC;
    topo->live = live;
    free(b->first_pu);
    free(b->llc_of);
    *out = topo;
    return 0;
}

int pn_topology_load(const char *input, struct pn_topology **out, struct pn_error *err) {
    static const char prefix[] = "synthetic:";
    const char *kind = "live";
    const char *what = input;
    if (input != NULL) {
        bool synthetic = strncmp(input, prefix, strlen(prefix)) == 0;
        kind = synthetic ? "synthetic" : "xml";
        what = synthetic ? input + strlen(prefix) : input;
    }
    char *text = NULL;
    int rc = pn_reader_run(kind, what, DEADLINE_MS, &text, err);
    if (rc != 0) {
        return rc;
    }
    struct builder b = {0};
    rc = parse(&b, text);
    free(text);
    if (rc == 0) {
        rc = finish(&b, input == NULL, out);
    }
    if (rc != 0) {
        builder_free(&b);
        pn_error_set(err, "%s: %s", input == NULL ? "this machine" : input,
                     rc == -ENOMEM ? "no memory" : "the topology reader's answer makes no sense");
        return input != NULL && rc == -EPROTO ? -EINVAL : rc;
    }
    return 0;
}

void pn_topology_destroy(struct pn_topology *topo) {
    if (topo == NULL) {
        return;
    }
    free((void *)topo->nodes);
    free((void *)topo->cores);
    free((void *)topo->pus);
    free((void *)topo->allowed);
    free((void *)topo->distances);
    free(topo);
}
