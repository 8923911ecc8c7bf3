/* SPDX-License-Identifier: MIT
 *
 * This machine as a file that any of us can plan for. Written beside its name and renamed, so that
 * a full disk or a signal leaves the old file or none, never half a new one.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEADLINE_MS = 30000 };

static int write_all(int fd, const char *text, size_t bytes) {
    while (bytes > 0) {
        ssize_t n = write(fd, text, bytes);
        if (n < 0 && errno != EINTR) {
            return -errno;
        }
        text += n > 0 ? n : 0;
        bytes -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int close_written(int fd, int rc) {
    if (rc == 0 && fsync(fd) != 0 && errno != EINVAL && errno != EROFS) {
        rc = -errno; /* pipes and devices cannot be synced: EINVAL */
    }
    if (close(fd) != 0 && rc == 0) {
        rc = -errno;
    }
    return rc;
}

/* A device or a pipe has no name worth replacing. */
static int write_into(const char *path, const char *text, size_t bytes) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    return fd < 0 ? -errno : close_written(fd, write_all(fd, text, bytes));
}

static int write_beside(const char *path, const char *text, size_t bytes) {
    char beside[4096];
    int len = snprintf(beside, sizeof beside, "%s.%d.part", path, (int)getpid());
    if (len < 0 || (size_t)len >= sizeof beside) {
        return -ENAMETOOLONG;
    }
    int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0) {
        return -errno;
    }
    int rc = close_written(fd, write_all(fd, text, bytes));
    if (rc == 0 && rename(beside, path) != 0) {
        rc = -errno;
    }
    if (rc != 0) {
        (void)unlink(beside);
    }
    return rc;
}

/* Lines of the export that say which machine this is rather than what it is like: a capture is made
 * to be handed on. Root also sees serial numbers and asset tags. */
static bool names_the_machine(const char *line) {
    static const char *const keys[] = {"HostName\"", "LinuxCgroup\"", "Address\"",
                                       "Serial\"",   "UUID\"",        "AssetTag\""};
    const char *info = strstr(line, "<info name=\"");
    const char *end = info == NULL ? NULL : strstr(info, "\" value=");
    for (size_t i = 0; end != NULL && i < sizeof keys / sizeof *keys; i++) {
        size_t n = strlen(keys[i]) - 1;
        if (end - n >= info && strncmp(end - n, keys[i], n) == 0) {
            return true;
        }
    }
    return false;
}

/* \return bytes that stay */
static size_t drop_names(char *text) {
    char *to = text;
    for (char *line = text; *line != '\0';) {
        char *newline = strchr(line, '\n');
        size_t n = newline == NULL ? strlen(line) : (size_t)(newline - line) + 1;
        char kept = line[n];
        line[n] = '\0';
        bool drop = names_the_machine(line);
        line[n] = kept;
        if (!drop) {
            memmove(to, line, n);
            to += n;
        }
        line += n;
    }
    *to = '\0';
    return (size_t)(to - text);
}

int pn_topology_capture(const char *path, struct pn_error *err) {
    static const char last[] = "end\n";
    char *text = NULL;
    int rc = pn_reader_run("capture", NULL, DEADLINE_MS, &text, err);
    if (rc != 0) {
        return rc;
    }
    size_t bytes = strlen(text);
    size_t tail = strlen(last);
    if (bytes < tail || strcmp(text + bytes - tail, last) != 0) {
        free(text);
        pn_error_set(err, "this machine: the topology reader's answer is cut short");
        return -EPROTO;
    }
    struct stat st;
    bool special = stat(path, &st) == 0 && !S_ISREG(st.st_mode);
    text[bytes - tail] = '\0';
    bytes = drop_names(text);
    rc = special ? write_into(path, text, bytes) : write_beside(path, text, bytes);
    free(text);
    if (rc != 0) {
        pn_error_set(err, "%s: cannot be written: %s", path, strerror(-rc));
    }
    return rc;
}
