/* SPDX-License-Identifier: MIT
 *
 * pinion-topo: the only executable that links hwloc. It reads a machine and writes what Pinion
 * needs of it as text on standard output; pn_topology_load (discover.c) validates every word of
 * that.
 *
 * A process of its own, because libhwloc 2.9 crashes on malformed XML and under failed allocation,
 * and because fork is unsafe in a threaded host.
 *
 * usage: pinion-topo live | xml FILE | synthetic DESCRIPTION | capture
 * exit:  0 and a last line "end", or 1 and a last line "error ERRNO TEXT"
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
#include <unistd.h>

enum {
    INPUT_BYTES_MAX = 64 << 20,
    CPU_SECONDS_MAX = 20,
    /* hwloc 2.9 takes 1.4 s for 8192 PUs of a synthetic string, 7 s for 16384, 27 s for 65536. */
    SYNTHETIC_PUS_MAX = 16384
};

/* clang says __has_feature where gcc defines a macro. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PN_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PN_SANITIZED 1
#endif

/* A 64 MiB XML file grows about tenfold in hwloc's trees. */
static const rlim_t address_space_max = (rlim_t)2 << 30;

static int fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* One line, whatever a file's name contains. */
static int fail(int code, const char *format, ...) {
    char text[4096];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 127) {
            *c = '?';
        }
    }
    (void)printf("error %d %s\n", code, text);
    return 1;
}

static void limit_self(void) {
    (void)setrlimit(RLIMIT_CPU, &(struct rlimit){CPU_SECONDS_MAX, CPU_SECONDS_MAX});
    (void)setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
#ifndef PN_SANITIZED
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

struct source {
    hwloc_topology_t topo;
    int live;
    hwloc_bitmap_t nodes; /* OS indices of those that may be used */
};

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

/* The kernel's own word on a node without CPUs; known for this machine only. */
static int has_no_cpus(unsigned os_index) {
    char path[80];
    (void)snprintf(path, sizeof path, "/sys/devices/system/node/node%u/cpulist", os_index);
    FILE *f = fopen(path, "re");
    int first = f == NULL ? '?' : fgetc(f);
    if (f != NULL) {
        (void)fclose(f);
    }
    return first == '\n' || first == EOF;
}

/* Whether x should serve a core rather than y, both being local to it: a node that may be used
 * first, then everyday memory, then a node that has memory, then one with CPUs, then the lower
 * latency where the firmware says, then the lower index. */
static int serves_better(const struct source *src, hwloc_obj_t core, hwloc_obj_t x, hwloc_obj_t y) {
    int usable =
        hwloc_bitmap_isset(src->nodes, x->os_index) - hwloc_bitmap_isset(src->nodes, y->os_index);
    int special = is_special_memory(y) - is_special_memory(x);
    int memory = (x->attr->numanode.local_memory > 0) - (y->attr->numanode.local_memory > 0);
    int cpus = src->live ? has_no_cpus(y->os_index) - has_no_cpus(x->os_index) : 0;
    struct hwloc_location from = {.type = HWLOC_LOCATION_TYPE_CPUSET,
                                  .location.cpuset = core->cpuset};
    hwloc_uint64_t near_ns = 0;
    hwloc_uint64_t far_ns = 0;
    int latency = 0;
    if (hwloc_memattr_get_value(src->topo, HWLOC_MEMATTR_ID_LATENCY, x, &from, 0, &near_ns) == 0 &&
        hwloc_memattr_get_value(src->topo, HWLOC_MEMATTR_ID_LATENCY, y, &from, 0, &far_ns) == 0) {
        latency = (near_ns < far_ns) - (near_ns > far_ns);
    }
    const int votes[] = {usable, special, memory, cpus, latency};
    for (size_t i = 0; i < sizeof votes / sizeof *votes; i++) {
        if (votes[i] != 0) {
            return votes[i] > 0;
        }
    }
    return x->os_index < y->os_index;
}

/* The node that a core's memory comes from in the normal case. -1: none is local; the parent then
 * goes by distance. Exact locality finds nothing on most machines, hence LARGER_LOCALITY. */
static int local_node(const struct source *src, hwloc_obj_t core) {
    enum { NODES_MAX = 64 };
    hwloc_obj_t nodes[NODES_MAX];
    unsigned n = NODES_MAX;
    struct hwloc_location where = {.type = HWLOC_LOCATION_TYPE_CPUSET,
                                   .location.cpuset = core->cpuset};
    if (hwloc_get_local_numanode_objs(src->topo, &where, &n, nodes,
                                      HWLOC_LOCAL_NUMANODE_FLAG_LARGER_LOCALITY) != 0) {
        return -1;
    }
    hwloc_obj_t best = NULL;
    for (unsigned i = 0; i < n && i < NODES_MAX; i++) {
        if (best == NULL || serves_better(src, core, nodes[i], best)) {
            best = nodes[i];
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

/* hwloc gives a node without CPUs the CPUs of its initiator: of the nodes with one set of CPUs,
 * only one owns them, everyday memory before special, then the lowest index. */
static int owner_is_other(hwloc_topology_t topo, hwloc_obj_t node) {
    for (hwloc_obj_t other = NULL;
         (other = hwloc_get_next_obj_by_type(topo, HWLOC_OBJ_NUMANODE, other)) != NULL;) {
        int special = is_special_memory(node) - is_special_memory(other);
        int better = special > 0 || (special == 0 && other->os_index < node->os_index);
        if (other != node && better && hwloc_bitmap_isequal(other->cpuset, node->cpuset)) {
            return 1;
        }
    }
    return 0;
}

static void print_nodes(const struct source *src) {
    for (hwloc_obj_t node = NULL;
         (node = hwloc_get_next_obj_by_type(src->topo, HWLOC_OBJ_NUMANODE, node)) != NULL;) {
        int cpuless = hwloc_bitmap_iszero(node->cpuset) ||
                      (src->live ? has_no_cpus(node->os_index) : owner_is_other(src->topo, node));
        (void)printf("node %u %llu %d %d\n", node->os_index,
                     (unsigned long long)node->attr->numanode.local_memory, cpuless,
                     hwloc_bitmap_isset(src->nodes, node->os_index) != 0);
    }
}

/* MHz, 0 if that kind of core has no such information. */
static long highest_clock(hwloc_topology_t topo, unsigned kind) {
    unsigned n = 0;
    struct hwloc_info_s *infos = NULL;
    if (hwloc_cpukinds_get_info(topo, kind, NULL, NULL, &n, &infos, 0) != 0) {
        return 0;
    }
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(infos[i].name, "FrequencyMaxMHz") == 0) {
            return strtol(infos[i].value, NULL, 10);
        }
    }
    return 0;
}

/* Kinds of cores, slowest first: 0 unless hwloc could rank them. Boost clocks that differ by up to
 * a tenth are favoured cores of one kind, which hwloc 2.9 reports as several. */
static int count_kinds(hwloc_topology_t topo) {
    int n = hwloc_cpukinds_get_nr(topo, 0);
    int distinct = 0;
    for (int i = 0; i < n; i++) {
        int efficiency = -1;
        if (hwloc_cpukinds_get_info(topo, (unsigned)i, NULL, &efficiency, NULL, NULL, 0) != 0 ||
            efficiency < 0) {
            return 0;
        }
        long first = highest_clock(topo, 0);
        long other = highest_clock(topo, (unsigned)i);
        distinct += first == 0 || other == 0 || other * 10 > first * 11;
    }
    return distinct > 0 ? n : 0;
}

/* Some machines have no Core objects; there every PU counts as one. In hwloc's order, in which
 * neighbours share most. */
static void print_cores(const struct source *src) {
    hwloc_topology_t topo = src->topo;
    int kinds = count_kinds(topo);
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
        (void)printf("core %d %d %d %d %d", local_node(src, core),
                     llc == NULL ? -1 : (int)llc->gp_index,
                     package == NULL ? -1 : (int)package->logical_index, type == HWLOC_OBJ_PU,
                     kinds < 2 ? -1 : hwloc_cpukinds_get_by_cpuset(topo, core->cpuset, 0));
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

/* The cgroup's files, which hwloc reads, may not be mounted here; the kernel's word on this process
 * always is. NULL without memory. */
static hwloc_bitmap_t allowed_nodes(hwloc_topology_t topo, int live) {
    static const char label[] = "Mems_allowed_list:";
    char line[4096];
    hwloc_bitmap_t nodes = hwloc_bitmap_dup(hwloc_topology_get_allowed_nodeset(topo));
    hwloc_bitmap_t mine = hwloc_bitmap_alloc();
    FILE *f = live && nodes != NULL && mine != NULL ? fopen("/proc/self/status", "re") : NULL;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        const char *list = line + strlen(label);
        line[strcspn(line, "\n")] = '\0'; /* hwloc reads an empty list otherwise */
        if (strncmp(line, label, strlen(label)) == 0 &&
            hwloc_bitmap_list_sscanf(mine, list + strspn(list, " \t")) == 0) {
            hwloc_bitmap_and(nodes, nodes, mine);
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
    hwloc_bitmap_free(mine);
    return nodes;
}

/* hwloc says only that it cannot read a file; which hwloc could is what helps. */
static int check_version(const char *path) {
    char head[4096];
    FILE *f = fopen(path, "re");
    size_t n = f == NULL ? 0 : fread(head, 1, sizeof head - 1, f);
    if (f != NULL) {
        (void)fclose(f);
    }
    head[n] = '\0';
    const char *element = strstr(head, "<topology");
    if (element == NULL) {
        return fail(EINVAL, "%s: not an hwloc v2 XML file", path);
    }
    char *end = strchr(element, '>');
    if (end != NULL) {
        *end = '\0';
    }
    const char *version = strstr(element, "version=\"");
    if (version == NULL || strncmp(version, "version=\"2", strlen("version=\"2")) != 0) {
        return fail(EINVAL, "%s: hwloc XML of another version; write it with lstopo of hwloc 2",
                    path);
    }
    return 0;
}

static int check_input(const char *path) {
    struct stat st;
    if (stat(path, &st) != 0) {
        return fail(errno, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return fail(EINVAL, "%s: not a file", path);
    }
    if (access(path, R_OK) != 0) {
        return fail(errno, "%s: %s", path, strerror(errno));
    }
    if (st.st_size > INPUT_BYTES_MAX) {
        return fail(EFBIG, "%s: %lld bytes; at most %d are read", path, (long long)st.st_size,
                    INPUT_BYTES_MAX);
    }
    return check_version(path);
}

/* The product of the counts outside of brackets: "pack:2 [numa(memory=9)] core:4 pu:2" has 16. */
static unsigned long count_synthetic_pus(const char *text) {
    unsigned long product = 1;
    int depth = 0;
    for (const char *at = text; *at != '\0'; at++) {
        depth += (*at == '[' || *at == '(') - (*at == ']' || *at == ')');
        if (depth == 0 && *at == ':') {
            unsigned long n = strtoul(at + 1, NULL, 10);
            product = n > SYNTHETIC_PUS_MAX ? SYNTHETIC_PUS_MAX + 1ul : product * n;
        }
        if (product > SYNTHETIC_PUS_MAX) {
            return product;
        }
    }
    return product;
}

static int check_synthetic(const char *text) {
    if (count_synthetic_pus(text) > SYNTHETIC_PUS_MAX) {
        return fail(EINVAL, "'%s': describes more than %d CPUs", text, SYNTHETIC_PUS_MAX);
    }
    return 0;
}

static int set_source(hwloc_topology_t topo, const char *kind, const char *what) {
    if (strcmp(kind, "xml") == 0) {
        if (check_input(what) != 0) {
            return 1;
        }
        if (hwloc_topology_set_xml(topo, what) != 0) {
            return fail(EINVAL, "%s: not an hwloc v2 XML file", what);
        }
    } else if (strcmp(kind, "synthetic") == 0) {
        if (check_synthetic(what) != 0) {
            return 1;
        }
        if (hwloc_topology_set_synthetic(topo, what) != 0) {
            return fail(EINVAL, "'%s': not a synthetic topology", what);
        }
    }
    return 0;
}

/* The parent writes the file, so that a full disk leaves no half of one behind. */
static int print_xml(hwloc_topology_t topo) {
    char *text = NULL;
    int bytes = 0;
    if (hwloc_topology_export_xmlbuffer(topo, &text, &bytes, 0) != 0) {
        return fail(errno == 0 ? EINVAL : errno, "hwloc cannot export this machine");
    }
    (void)fputs(text, stdout);
    hwloc_free_xmlbuffer(topo, text);
    return 0;
}

static int describe(hwloc_topology_t topo, const char *kind, const char *what) {
    int live = strcmp(kind, "live") == 0 || strcmp(kind, "capture") == 0;
    if (hwloc_topology_set_flags(topo, HWLOC_TOPOLOGY_FLAG_INCLUDE_DISALLOWED) != 0 ||
        set_source(topo, kind, what) != 0) {
        return 1;
    }
    if (hwloc_topology_load(topo) != 0) {
        return fail(EINVAL, "%s: hwloc cannot load it", what == NULL ? "this machine" : what);
    }
    if (strcmp(kind, "capture") == 0) {
        return print_xml(topo);
    }
    struct source src = {topo, live, allowed_nodes(topo, live)};
    if (src.nodes == NULL) {
        return fail(ENOMEM, "hwloc: no memory");
    }
    (void)printf("pinion-topo 3\npackages %d\n", hwloc_get_nbobjs_by_type(topo, HWLOC_OBJ_PACKAGE));
    print_nodes(&src);
    print_cores(&src);
    print_distances(topo);
    print_allowed(topo, live);
    hwloc_bitmap_free(src.nodes);
    return 0;
}

int main(int argc, char **argv) {
    int alone = argc == 2 && (strcmp(argv[1], "live") == 0 || strcmp(argv[1], "capture") == 0);
    int about = argc == 3 && (strcmp(argv[1], "xml") == 0 || strcmp(argv[1], "synthetic") == 0);
    if (!alone && !about) {
        return fail(EINVAL, "usage: pinion-topo live | xml FILE | synthetic TEXT | capture");
    }
    limit_self();
    forget_redirections();
    hwloc_topology_t topo;
    if (hwloc_topology_init(&topo) != 0) {
        return fail(ENOMEM, "hwloc: no memory");
    }
    int status = describe(topo, argv[1], argc == 3 ? argv[2] : NULL);
    hwloc_topology_destroy(topo);
    if (status == 0) {
        (void)puts("end");
    }
    return fflush(stdout) == 0 ? status : 1;
}
