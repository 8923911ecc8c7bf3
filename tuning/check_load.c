/* SPDX-License-Identifier: MIT
 *
 * Who else wants the cores.
 */
#include "machine_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static unsigned online(const struct pn_machine_files *m) {
    struct pn_os_cpu *cpus = NULL;
    unsigned n = 0;
    (void)pn_file_cpus(m, "/sys/devices/system/cpu/online", &cpus, &n);
    free(cpus);
    return n;
}

/* The average remembers a compilation a minute ago: a hint, and a warning only when it is large. */
void pn_check_loadavg(const struct pn_machine_files *m, struct pn_finding *f) {
    static const double warn_per_core = 0.5;
    static const double info_per_core = 0.1;
    char text[128];
    int rc = pn_file_read(m, "/proc/loadavg", text, sizeof text);
    char *end = NULL;
    double load = rc == 0 ? strtod(text, &end) : 0;
    unsigned n = online(m);
    if (rc != 0 || end == text || n == 0) {
        pn_not_read(f, rc != 0 ? rc : -EINVAL);
        return;
    }
    double per_core = load / n;
    enum pn_finding_status status = per_core > warn_per_core   ? PN_FINDING_WARN
                                    : per_core > info_per_core ? PN_FINDING_INFO
                                                               : PN_FINDING_OK;
    pn_found(f, status, "%.2f in the last minute, %.2f per core", load, per_core);
}

/* The lesser of two looks 200 ms apart: what runs at both is no blip. We are one of them. */
void pn_check_runnable(const struct pn_machine_files *m, struct pn_finding *f) {
    if (m->stat_error != 0) {
        pn_not_read(f, m->stat_error);
        return;
    }
    uint64_t least = m->before.running < m->after.running ? m->before.running : m->after.running;
    if (least == 0) {
        pn_not_offered(f, "/proc/stat has no procs_running");
        return;
    }
    pn_found(f, least > 1 ? PN_FINDING_WARN : PN_FINDING_OK, "%llu besides this process",
             (unsigned long long)(least - 1));
}

void pn_check_pressure(const struct pn_machine_files *m, struct pn_finding *f) {
    static const char label[] = "some avg10=";
    static const double warn_pct = 1;
    char text[512];
    int rc = pn_file_read(m, "/proc/pressure/cpu", text, sizeof text);
    if (rc == -ENOENT || rc == -EOPNOTSUPP) {
        pn_not_offered(f, "this kernel does not count pressure (PSI)");
        return;
    }
    const char *at = rc == 0 ? strstr(text, label) : NULL;
    if (at == NULL) {
        pn_not_read(f, rc != 0 ? rc : -EINVAL);
        return;
    }
    double pct = strtod(at + sizeof label - 1, NULL);
    pn_found(f, pct > warn_pct ? PN_FINDING_WARN : PN_FINDING_OK,
             "some task waited %.1f %% of the last 10 s", pct);
}
