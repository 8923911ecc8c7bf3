/* SPDX-License-Identifier: MIT
 *
 * The fingerprint is a 64-bit FNV-1a hash of what makes two runs comparable: hardware, kernel,
 * program and plan. It tells runs apart; it protects against nothing.
 */
#include "manifest.h"

#include "findings_json.h"

#include <inttypes.h>
#include <pinion/doctor.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FNV_START ((uint64_t)0xcbf29ce484222325u)

static uint64_t fnv(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return hash;
}

static void read_text(const char *path, char *text, size_t cap) {
    FILE *f = fopen(path, "re");
    size_t n = f == NULL ? 0 : fread(text, 1, cap - 1, f);
    text[n] = '\0';
    while (n > 0 && (text[n - 1] == '\n' || text[n - 1] == ' ')) {
        text[--n] = '\0';
    }
    if (f != NULL) {
        (void)fclose(f);
    }
}

static void cpu_model(char *text, size_t cap) {
    char line[512];
    FILE *f = fopen("/proc/cpuinfo", "re");
    (void)snprintf(text, cap, "unknown");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        char *colon = strchr(line, ':');
        if (strncmp(line, "model name", 10) == 0 && colon != NULL) {
            (void)snprintf(text, cap, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
            break;
        }
    }
    if (f != NULL) {
        (void)fclose(f);
    }
}

static bool is_virtual(void) {
    static char text[65536];
    read_text("/proc/cpuinfo", text, sizeof text);
    return strstr(text, " hypervisor") != NULL;
}

void pn_host_hash(char text[16]) {
    char name[256] = "";
    char id[128];
    (void)gethostname(name, sizeof name - 1);
    read_text("/etc/machine-id", id, sizeof id);
    (void)snprintf(text, 16, "%06" PRIx64, fnv(fnv(FNV_START, name), id) & 0xffffffu);
}

static json_t *host_json(const struct pn_machine *m) {
    struct utsname un;
    char hash[16];
    char model[256];
    (void)uname(&un);
    pn_host_hash(hash);
    cpu_model(model, sizeof model);
    unsigned pus = 0;
    uint64_t memory = 0;
    bool known = false;
    for (unsigned i = 0; i < m->topology->n_cores; i++) {
        pus += m->topology->cores[i].n_pus;
    }
    for (unsigned i = 0; i < m->topology->n_nodes; i++) {
        memory += m->topology->nodes[i].memory_bytes;
        known = known || m->topology->nodes[i].memory_known;
    }
    return json_pack("{s:s,s:s,s:s,s:i,s:i,s:i,s:o,s:b}", "hash", hash, "kernel", un.release,
                     "cpu_model", model, "cpus", (int)pus, "cores", (int)m->topology->n_cores,
                     "nodes", (int)m->topology->n_nodes, "memory_bytes",
                     known ? json_integer((json_int_t)memory) : json_null(), "hypervisor",
                     is_virtual());
}

static json_t *placement_json(const struct pn_machine *m) {
    json_t *schedulers = json_array();
    json_t *housekeeping = json_array();
    for (unsigned i = 0; i < m->plan->n_schedulers; i++) {
        const struct pn_plan_scheduler *s = &m->plan->schedulers[i];
        json_t *node = s->node < 0 ? json_null() : json_integer(m->topology->nodes[s->node].os.id);
        json_array_append_new(schedulers, json_pack("{s:i,s:o,s:s}", "cpu", s->cpu.id, "node", node,
                                                    "reason", s->reason));
    }
    for (unsigned i = 0; i < m->plan->n_housekeeping; i++) {
        json_array_append_new(housekeeping, json_integer(m->plan->housekeeping[i].id));
    }
    return json_pack("{s:o,s:o,s:s}", "schedulers", schedulers, "housekeeping", housekeeping,
                     "note", m->plan->note);
}

static json_t *tool_json(void) {
    json_t *build = json_pack("{s:s,s:s,s:s,s:b}", "compiler", PN_COMPILER, "flags",
                              PN_COMPILER_FLAGS, "type", PN_BUILD_TYPE, "native", PN_BUILD_NATIVE);
    return json_pack("{s:s,s:o}", "version", PN_VERSION, "build", build);
}

static json_t *findings(const struct pn_machine *m) {
    enum { MOST = 64 };
    static struct pn_finding list[MOST];
    size_t n = 0;
    if (pn_doctor_run("", m->topology, list, MOST, &n) != 0) {
        return json_array();
    }
    return pn_findings_json(list, n);
}

static json_t *fingerprint(json_t *host, const char *extra) {
    char *text = json_dumps(host, JSON_COMPACT | JSON_SORT_KEYS);
    char hex[24];
    char program[64] = "";
    (void)snprintf(program, sizeof program, "%s", PN_VERSION " " PN_BUILD_TYPE);
    uint64_t hash = fnv(fnv(fnv(FNV_START, text == NULL ? "" : text), program), extra);
    (void)snprintf(hex, sizeof hex, "%016" PRIx64, hash);
    free(text);
    return json_string(hex);
}

/* argv[0] is "pinion survey", two words, so that argp names the command in its messages. A word
 * that is not UTF-8 has no place in JSON. */
static json_t *command_json(char *const *argv) {
    json_t *command = json_array();
    size_t first = strcspn(argv[0], " ");
    json_array_append_new(command, json_stringn(argv[0], first));
    if (argv[0][first] == ' ') {
        json_array_append_new(command, json_string(argv[0] + first + 1));
    }
    for (char *const *arg = argv + 1; *arg != NULL; arg++) {
        json_t *word = json_string(*arg);
        json_array_append_new(command, word == NULL ? json_string("(not UTF-8)") : word);
    }
    return command;
}

json_t *pn_manifest_json(const struct pn_machine *machine, char *const *argv, const char *preset,
                         const char *extra) {
    json_t *host = host_json(machine);
    json_t *print = fingerprint(host, extra);
    json_t *versions = json_pack("{s:s,s:s,s:s}", "liburcu", PN_VERSION_URCU, "hwloc",
                                 PN_VERSION_HWLOC, "jansson", JANSSON_VERSION);
    return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o}", "tool", tool_json(), "command",
                     command_json(argv), "preset",
                     preset == NULL ? json_null() : json_string(preset), "host", host,
                     "fingerprint", print, "versions", versions, "findings", findings(machine),
                     "placement", placement_json(machine), "micro", json_null());
}

/* The words of the kernel's command line that bear on timing. The others name disks, addresses and
 * hosts, which a report that is handed over must not. */
static json_t *kernel_parameters(char *cmdline) {
    static const char *const known[] = {
        "isolcpus",  "nohz",          "rcu_nocb",     "rcutree.",     "irqaffinity", "mitigations",
        "spectre",   "nosmt",         "maxcpus",      "nr_cpus",      "preempt",     "threadirqs",
        "intel_",    "amd_",          "cpuidle",      "cpufreq",      "idle=",       "processor.",
        "hugepages", "default_hugep", "transparent_", "numa",         "clocksource", "tsc",
        "skew_tick", "nmi_watchdog",  "nowatchdog",   "nosoftlockup", "audit=",      "iommu",
        "psi="};
    json_t *list = json_array();
    char *rest = NULL;
    for (char *word = strtok_r(cmdline, " ", &rest); word != NULL;
         word = strtok_r(NULL, " ", &rest)) {
        for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
            if (strncmp(word, known[i], strlen(known[i])) == 0) {
                json_array_append_new(list, json_string(word));
                break;
            }
        }
    }
    return list;
}

json_t *pn_environment_json(void) {
    static const char *const files[] = {
        "/proc/loadavg",
        "/proc/vmstat",
        "/proc/meminfo",
        "/proc/pressure/cpu",
        "/proc/sys/kernel/numa_balancing",
        "/sys/kernel/mm/transparent_hugepage/enabled",
        "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
        "/sys/devices/system/clocksource/clocksource0/current_clocksource",
    };
    static char text[65536];
    json_t *object = json_pack("{s:s}", "schema", "pinion.environment/1");
    read_text("/proc/cmdline", text, sizeof text);
    json_object_set_new(object, "kernel_parameters", kernel_parameters(text));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        read_text(files[i], text, sizeof text);
        json_object_set_new(object, files[i], text[0] == '\0' ? json_null() : json_string(text));
    }
    return object;
}
