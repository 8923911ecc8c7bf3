/* SPDX-License-Identifier: MIT */
#include "machine_files.h"

#include <ctype.h>
#include <errno.h>
#include <pinion/cpulist.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Long enough for 20 ticks of each CPU at 100 Hz, short enough to wait for. */
enum { WATCH_MS = 200 };

int pn_file_read(const struct pn_machine_files *m, const char *path, char *text, size_t cap) {
    char full[1024];
    int len = snprintf(full, sizeof full, "%s%s", m->root, path);
    text[0] = '\0';
    if (len < 0 || (size_t)len >= sizeof full) {
        return -ENAMETOOLONG;
    }
    FILE *f = fopen(full, "re");
    if (f == NULL) {
        return -errno;
    }
    size_t n = fread(text, 1, cap - 1, f);
    bool failed = ferror(f) != 0;
    bool more = n == cap - 1 && fgetc(f) != EOF;
    (void)fclose(f);
    text[n] = '\0';
    if (n > 0 && text[n - 1] == '\n') {
        text[n - 1] = '\0';
    }
    if (failed) {
        return -EIO;
    }
    return more ? -EFBIG : 0;
}

int pn_file_number(const struct pn_machine_files *m, const char *path, uint64_t *out) {
    char text[64];
    int rc = pn_file_read(m, path, text, sizeof text);
    if (rc != 0) {
        return rc;
    }
    char *end = NULL;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 ? 0 : -EINVAL;
}

int pn_file_cpus(const struct pn_machine_files *m, const char *path, struct pn_os_cpu **out,
                 unsigned *n) {
    char text[4096];
    int rc = pn_file_read(m, path, text, sizeof text);
    return rc != 0 ? rc : pn_cpulist_parse(text, out, n);
}

static int allowed_list(const struct pn_machine_files *m, const char *label, struct pn_os_cpu **out,
                        unsigned *n) {
    char text[16384];
    int rc = pn_file_read(m, "/proc/self/status", text, sizeof text);
    if (rc != 0) {
        return rc;
    }
    char *at = strstr(text, label);
    if (at == NULL) {
        return -EINVAL;
    }
    at += strlen(label);
    at += strspn(at, " \t");
    at[strcspn(at, "\n")] = '\0';
    return pn_cpulist_parse(at, out, n);
}

int pn_allowed_cpus(const struct pn_machine_files *m, struct pn_os_cpu **out, unsigned *n) {
    return allowed_list(m, "\nCpus_allowed_list:", out, n);
}

int pn_allowed_nodes(const struct pn_machine_files *m, struct pn_os_cpu **out, unsigned *n) {
    return allowed_list(m, "\nMems_allowed_list:", out, n);
}

/* "cpu user nice system idle iowait irq softirq steal guest guest_nice": guest time is inside user
 * time already. */
static int parse_stat(const char *text, struct pn_ticks_seen *seen) {
    enum { STEAL = 7, COUNTED = 8 };
    if (strncmp(text, "cpu ", 4) != 0) {
        return -EINVAL;
    }
    const char *at = text + 4;
    *seen = (struct pn_ticks_seen){0};
    for (int i = 0; i < COUNTED; i++) {
        char *end = NULL;
        uint64_t ticks = strtoull(at, &end, 10);
        if (end == at) {
            return -EINVAL;
        }
        seen->total += ticks;
        seen->steal += i == STEAL ? ticks : 0;
        at = end;
    }
    return 0;
}

/* The line of interrupts alone may have 100 KB, so the file is read by lines. */
static int read_stat(const struct pn_machine_files *m, struct pn_ticks_seen *seen) {
    static const char running[] = "procs_running ";
    char path[1024];
    char *line = NULL;
    size_t cap = 0;
    (void)snprintf(path, sizeof path, "%s/proc/stat", m->root);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return -errno;
    }
    int rc = getline(&line, &cap, f) < 0 ? -EINVAL : parse_stat(line, seen);
    bool found = false;
    while (rc == 0 && !found && getline(&line, &cap, f) >= 0) {
        found = strncmp(line, running, sizeof running - 1) == 0;
        if (found) {
            seen->running = strtoull(line + sizeof running - 1, NULL, 10);
        }
    }
    free(line);
    (void)fclose(f);
    return rc;
}

void pn_files_watch(struct pn_machine_files *m) {
    m->stat_error = read_stat(m, &m->before);
    if (m->stat_error == 0) {
        (void)nanosleep(&(struct timespec){.tv_nsec = WATCH_MS * 1000000L}, NULL);
        m->stat_error = read_stat(m, &m->after);
    }
}

void pn_found(struct pn_finding *f, enum pn_finding_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    (void)vsnprintf(f->value, sizeof f->value, format, args);
    va_end(args);
    f->status = status;
}

void pn_not_read(struct pn_finding *f, int error) {
    f->status = PN_FINDING_SKIP;
    (void)snprintf(f->reason, sizeof f->reason, "cannot be read: %s", strerror(-error));
}

void pn_not_offered(struct pn_finding *f, const char *reason) {
    f->status = PN_FINDING_SKIP;
    (void)snprintf(f->reason, sizeof f->reason, "%s", reason);
}
