/* SPDX-License-Identifier: MIT */
#include <pinion/cgroup.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int read_line(const char *path, char *text, size_t cap) {
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return -errno;
    }
    text[0] = '\0';
    if (fgets(text, (int)cap, f) == NULL && ferror(f)) {
        (void)fclose(f);
        return -EIO;
    }
    text[strcspn(text, "\n")] = '\0';
    (void)fclose(f);
    return 0;
}

int pn_isolated_read(const char *root, char *text, size_t cap) {
    char path[1024];
    (void)snprintf(path, sizeof path, "%s/sys/devices/system/cpu/isolated", root);
    return read_line(path, text, cap);
}

static double tighter(double a, double b) {
    return a == 0 || (b > 0 && b < a) ? b : a;
}

/* "200000 100000" is two CPUs; "max 100000" is no quota. */
static double quota_v2(const char *folder) {
    char path[4096];
    char line[64];
    (void)snprintf(path, sizeof path, "%s/cpu.max", folder);
    char *end = NULL;
    if (read_line(path, line, sizeof line) != 0) {
        return 0;
    }
    double quota = strtod(line, &end);
    double period = end == line ? 0 : strtod(end, NULL);
    return period > 0 ? quota / period : 0;
}

static double quota_v1(const char *folder) {
    char path[4096];
    char line[64];
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_quota_us", folder);
    double quota = read_line(path, line, sizeof line) == 0 ? strtod(line, NULL) : 0;
    (void)snprintf(path, sizeof path, "%s/cpu.cfs_period_us", folder);
    double period = read_line(path, line, sizeof line) == 0 ? strtod(line, NULL) : 0;
    return quota > 0 && period > 0 ? quota / period : 0;
}

/* Each group on the way up may hold the tightest bound. */
static double walk_up(const char *mount, const char *group, double (*quota)(const char *)) {
    char folder[3072];
    int len = snprintf(folder, sizeof folder, "%s%s", mount, group);
    double found = 0;
    if (len < 0 || (size_t)len >= sizeof folder) {
        return 0;
    }
    size_t floor = strlen(mount);
    for (;;) {
        found = tighter(found, quota(folder));
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < floor) {
            return found;
        }
        *slash = '\0';
    }
}

/* A root group has no quota file; a folder that nothing is mounted on has none either, and must not
 * pass for it. */
static bool is_mounted(const char *mount) {
    static const char *const files[] = {"cgroup.controllers", "cpu.max", "cpu.cfs_quota_us"};
    char path[4096];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", mount, files[i]);
        if (access(path, F_OK) == 0) {
            return true;
        }
    }
    return false;
}

double pn_cpu_quota(const char *root) {
    char path[1024];
    char line[2048];
    (void)snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return -errno;
    }
    double found = 0;
    bool mounted = false;
    while (fgets(line, sizeof line, f) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers == NULL ? NULL : strchr(controllers + 1, ':');
        if (group == NULL) {
            continue;
        }
        *group++ = '\0';
        char mount[2048];
        if (strcmp(controllers, ":") == 0) {
            (void)snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
            mounted = mounted || is_mounted(mount);
            found = tighter(found, walk_up(mount, group, quota_v2));
        } else if (strstr(controllers + 1, "cpu") != NULL) {
            (void)snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%s", root, controllers + 1);
            mounted = mounted || is_mounted(mount);
            found = tighter(found, walk_up(mount, group, quota_v1));
        }
    }
    (void)fclose(f);
    return mounted ? found : -ENOENT;
}
