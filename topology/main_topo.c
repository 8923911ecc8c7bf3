/* SPDX-License-Identifier: MIT
 *
 * pinion-topo: the only executable that links hwloc. It reads a machine and writes what Pinion
 * needs of it as text on standard output; pn_topology_load (discover.c) validates every word of
 * that.
 *
 * A process of its own, because libhwloc 2.9 crashes on malformed XML and under failed allocation,
 * and because fork is unsafe in a threaded host.
 *
 * usage: pinion-topo live | xml FILE | synthetic DESCRIPTION | capture FILE
 * exit:  0 and a last line "end", or 1 and a last line "error TEXT"
 */
#include <errno.h>
#include <hwloc.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

enum { INPUT_BYTES_MAX = 64 << 20, CPU_SECONDS_MAX = 20 };

/* A 64 MiB XML file grows about tenfold in hwloc's trees. */
static const rlim_t address_space_max = (rlim_t)2 << 30;

static int fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

static int fail(const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)fputs("error ", stdout);
    (void)vprintf(format, args);
    (void)fputc('\n', stdout);
    va_end(args);
    return 1;
}

static void limit_self(void) {
    (void)setrlimit(RLIMIT_CPU, &(struct rlimit){CPU_SECONDS_MAX, CPU_SECONDS_MAX});
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    /* The sanitizers map terabytes of shadow. */
    (void)setrlimit(RLIMIT_AS, &(struct rlimit){address_space_max, address_space_max});
#else
    (void)address_space_max;
#endif
}

/* Variables that would make hwloc describe another machine than the one asked for. */
static void forget_redirections(void) {
    static const char *const names[] = {
        "HWLOC_XMLFILE",          "HWLOC_SYNTHETIC",
        "HWLOC_FSROOT",           "HWLOC_CPUID_PATH",
        "HWLOC_COMPONENTS",       "HWLOC_PLUGINS_PATH",
        "HWLOC_THISSYSTEM",       "HWLOC_THISSYSTEM_ALLOWED_RESOURCES",
        "HWLOC_DUMPED_HWDATA_DIR"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)unsetenv(names[i]);
    }
}

/* Memory that only some tasks should use; a core's everyday memory is none of these. */
static int is_special_memory(hwloc_obj_t node) {
    static const char *const subtypes[] = {"GPUMemory", "MCDRAM", "HBM", "NVM", "SPM", "CXL-DRAM"};
    if (node->subtype == NULL) {
        return 0;
    }
    for (size_t i = 0; i < sizeof subtypes / sizeof *subtypes; i++) {
        if (strcmp(node->subtype, subtypes[i]) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The node that a core's memory comes from in the normal case: the ordinary one of the lowest index
 * among those that are local; the parent adds the fall-back by distance. -1: none is local. */
static int local_node(hwloc_topology_t topo, hwloc_obj_t core) {
    enum { NODES_MAX = 64 };
    hwloc_obj_t nodes[NODES_MAX];
    unsigned n = NODES_MAX;
    struct hwloc_location where = {.type = HWLOC_LOCATION_TYPE_CPUSET,
                                   .location.cpuset = core->cpuset};
    if (hwloc_get_local_numanode_objs(topo, &where, &n, nodes,
                                      HWLOC_LOCAL_NUMANODE_FLAG_LARGER_LOCALITY) != 0) {
        return -1;
    }
    hwloc_obj_t best = NULL;
    for (unsigned i = 0; i < n && i < NODES_MAX; i++) {
        hwloc_obj_t node = nodes[i];
        int better =
            best == NULL || is_special_memory(node) < is_special_memory(best) ||
            (is_special_memory(node) == is_special_memory(best) && node->os_index < best->os_index);
        if (better) {
            best = node;
        }
    }
    return best == NULL ? -1 : (int)best->os_index;
}

/* Level 1 is private everywhere and says nothing about sharing. */
static hwloc_obj_t last_level_cache(hwloc_obj_t core) {
    hwloc_obj_t found = NULL;
    for (hwloc_obj_t up = core; up != NULL; up = up->parent) {
        if (hwloc_obj_type_is_dcache(up->type) && up->attr->cache.depth >= 2) {
            found = up;
        }
    }
    return found;
}

static void print_set(const char *word, hwloc_const_bitmap_t set) {
    char *text = NULL;
    if (hwloc_bitmap_list_asprintf(&text, set) >= 0) {
        (void)printf("%s %s\n", word, text);
        free(text);
    }
}

static int node_has_twin(hwloc_topology_t topo, hwloc_obj_t node) {
    for (hwloc_obj_t other = NULL;
         (other = hwloc_get_next_obj_by_type(topo, HWLOC_OBJ_NUMANODE, other)) != NULL;) {
        if (other->os_index < node->os_index && !is_special_memory(other) &&
            hwloc_bitmap_isequal(other->cpuset, node->cpuset)) {
            return 1;
        }
    }
    return 0;
}

static void print_nodes(hwloc_topology_t topo) {
    for (hwloc_obj_t node = NULL;
         (node = hwloc_get_next_obj_by_type(topo, HWLOC_OBJ_NUMANODE, node)) != NULL;) {
        /* hwloc gives a node without CPUs the CPUs of its initiator, so a node whose CPUs are
         * another's already has none of its own. */
        int cpuless = hwloc_bitmap_iszero(node->cpuset) || is_special_memory(node) ||
                      node_has_twin(topo, node);
        (void)printf("node %u %llu %d\n", node->os_index,
                     (unsigned long long)node->attr->numanode.local_memory, cpuless);
    }
}

/* Some machines have no Core objects; there every PU counts as one. */
static void print_cores(hwloc_topology_t topo) {
    hwloc_obj_type_t type = HWLOC_OBJ_CORE;
    if (hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_CORE) <= 0) {
        type = HWLOC_OBJ_PU;
    }
    for (hwloc_obj_t core = NULL; (core = hwloc_get_next_obj_by_type(topo, type, core)) != NULL;) {
        if (hwloc_bitmap_iszero(core->cpuset)) {
            continue;
        }
        hwloc_obj_t llc = last_level_cache(core);
        hwloc_obj_t package = hwloc_get_ancestor_obj_by_type(topo, HWLOC_OBJ_PACKAGE, core);
        (void)printf("core %d %d %d %d", local_node(topo, core),
                     llc == NULL ? -1 : (int)llc->gp_index,
                     package == NULL ? -1 : (int)package->logical_index, type == HWLOC_OBJ_PU);
        for (int pu = hwloc_bitmap_first(core->cpuset); pu >= 0;
             pu = hwloc_bitmap_next(core->cpuset, pu)) {
            (void)printf(" %d", pu);
        }
        (void)fputc('\n', stdout);
    }
}

static void print_distances(hwloc_topology_t topo) {
    struct hwloc_distances_s *matrix = NULL;
    unsigned n = 1;
    if (hwloc_distances_get_by_type(topo, HWLOC_OBJ_NUMANODE, &n, &matrix,
                                    HWLOC_DISTANCES_KIND_MEANS_LATENCY, 0) != 0 ||
        n == 0) {
        return;
    }
    for (unsigned i = 0; i < matrix->nbobjs; i++) {
        (void)printf("distance %u", matrix->objs[i]->os_index);
        for (unsigned j = 0; j < matrix->nbobjs; j++) {
            (void)printf(" %u:%llu", matrix->objs[j]->os_index,
                         (unsigned long long)matrix->values[i * matrix->nbobjs + j]);
        }
        (void)fputc('\n', stdout);
    }
    hwloc_distances_release(topo, matrix);
}

static void print_allowed(hwloc_topology_t topo, int live) {
    hwloc_bitmap_t allowed = hwloc_bitmap_dup(hwloc_topology_get_allowed_cpuset(topo));
    hwloc_bitmap_t mask = hwloc_bitmap_alloc();
    if (allowed != NULL && mask != NULL) {
        hwloc_bitmap_and(allowed, allowed, hwloc_topology_get_topology_cpuset(topo));
        if (live && hwloc_get_cpubind(topo, mask, HWLOC_CPUBIND_PROCESS) == 0) {
            hwloc_bitmap_and(allowed, allowed, mask);
        }
        print_set("allowed", allowed);
    }
    hwloc_bitmap_free(allowed);
    hwloc_bitmap_free(mask);
}

static int check_input(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        return fail("%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fail("%s: not a file", path);
    }
    if (st.st_size > INPUT_BYTES_MAX) {
        return fail("%s: %lld bytes; at most %d are read", path, (long long)st.st_size,
                    INPUT_BYTES_MAX);
    }
    return 0;
}

static int set_source(hwloc_topology_t topo, const char *kind, const char *what) {
    if (strcmp(kind, "xml") == 0) {
        if (check_input(what) != 0) {
            return 1;
        }
        if (hwloc_topology_set_xml(topo, what) != 0) {
            return fail("%s: not an hwloc v2 XML file", what);
        }
    } else if (strcmp(kind, "synthetic") == 0) {
        if (hwloc_topology_set_synthetic(topo, what) != 0) {
            return fail("'%s': not a synthetic topology", what);
        }
    }
    return 0;
}

static int describe(hwloc_topology_t topo, const char *kind, const char *what) {
    int live = strcmp(kind, "live") == 0 || strcmp(kind, "capture") == 0;
    if (hwloc_topology_set_flags(topo, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) != 0 ||
        set_source(topo, kind, what) != 0) {
        return 1;
    }
    if (hwloc_topology_load(topo) != 0) {
        return fail("%s: hwloc cannot load it", what == NULL ? "this machine" : what);
    }
    if (strcmp(kind, "capture") == 0) {
        if (hwloc_topology_export_xml(topo, what, 0) != 0) {
            return fail("%s: cannot be written: %s", what, strerror(errno));
        }
        return 0;
    }
    (void)printf("pinion-topo 1\npackages %d\n", hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_PACKAGE));
    print_nodes(topo);
    print_cores(topo);
    print_distances(topo);
    print_allowed(topo, live);
    return 0;
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 3 || (strcmp(argv[1], "live") != 0 && argc != 3)) {
        return fail("usage: pinion-topo live | xml FILE | synthetic TEXT | capture FILE");
    }
    limit_self();
    forget_redirections();
    hwloc_topology_t topo;
    if (hwloc_topology_init(&topo) != 0) {
        return fail("hwloc: no memory");
    }
    int status = describe(topo, argv[1], argc == 3 ? argv[2] : NULL);
    hwloc_topology_destroy(topo);
    if (status == 0) {
        (void)puts("end");
    }
    return fflush(stdout) == 0 ? status : 1;
}
