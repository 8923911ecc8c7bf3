/* SPDX-License-Identifier: MIT */
#include "json_lines.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_BYTES_MAX (256u << 20)

int pn_report_fail(struct pn_report_error *err, enum pn_report_status status, const char *format,
                   ...) {
    va_list args;
    va_start(args, format);
    err->status = status;
    (void)vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    for (char *c = err->text; *c != '\0'; c++) { /* one line, whatever a file name holds */
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    return -1;
}

static int fill(int fd, char *data, size_t size, size_t *len) {
    while (*len < size) {
        ssize_t n = read(fd, data + *len, size - *len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        if (n == 0) {
            break;
        }
        *len += (size_t)n;
    }
    return 0;
}

/* Whole regular file, terminated; NULL with *code = -errno. */
static char *slurp(const char *path, size_t *len, int *code) {
    struct stat st = {0};
    char *data = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    *len = 0;
    *code = fd < 0 || fstat(fd, &st) != 0 ? -errno : 0;
    if (*code == 0 && !S_ISREG(st.st_mode)) {
        *code = -EINVAL;
    } else if (*code == 0 && st.st_size > (off_t)FILE_BYTES_MAX) {
        *code = -EFBIG;
    }
    if (*code == 0) {
        data = malloc((size_t)st.st_size + 1);
        *code = data == NULL ? -ENOMEM : fill(fd, data, (size_t)st.st_size, len);
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    if (*code != 0) {
        free(data);
        return NULL;
    }
    data[*len] = '\0';
    return data;
}

static const char *fault_of(int code) {
    switch (code) {
    case -EINVAL:
        return "not a regular file";
    case -EFBIG:
        return "larger than 256 MiB";
    default:
        return strerror(-code);
    }
}

static int unreadable(struct pn_report_error *err, const char *path, int code) {
    return pn_report_fail(err, code == -ENOMEM ? PN_REPORT_FAILED : PN_REPORT_BAD_INPUT, "%s: %s",
                          path, fault_of(code));
}

int pn_json_load(const char *dir, const char *name, json_t **out, struct pn_report_error *err) {
    char path[4096];
    size_t len;
    int code;
    json_error_t where;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    char *data = slurp(path, &len, &code);
    if (data == NULL) {
        return unreadable(err, path, code);
    }
    *out = json_loadb(data, len, JSON_REJECT_DUPLICATES, &where);
    free(data);
    if (*out == NULL) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%d: %s", path, where.line, where.text);
    }
    return json_is_object(*out)
               ? 0
               : pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:1: not a JSON object", path);
}

int pn_lines_next(struct pn_lines *in, json_t **out, struct pn_report_error *err) {
    json_error_t where;
    if (in->at >= in->end) {
        return 0;
    }
    char *newline = memchr(in->at, '\n', (size_t)(in->end - in->at));
    size_t len = (size_t)((newline != NULL ? newline : in->end) - in->at);
    in->line++;
    *out = json_loadb(in->at, len, JSON_REJECT_DUPLICATES, &where);
    in->at += len + 1;
    if (*out == NULL && newline == NULL) {
        in->cut = true;
        return 0;
    }
    if (*out == NULL) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: damaged line: %s", in->path,
                              in->line, where.text);
    }
    if (!json_is_object(*out)) {
        json_decref(*out);
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: not a JSON object", in->path,
                              in->line);
    }
    return 1;
}

int pn_lines_open(struct pn_lines *in, const char *dir, const char *name,
                  struct pn_report_error *err) {
    size_t len;
    int code;
    *in = (struct pn_lines){.name = name};
    (void)snprintf(in->path, sizeof in->path, "%s/%s", dir, name);
    in->data = slurp(in->path, &len, &code);
    if (in->data == NULL) {
        return unreadable(err, in->path, code);
    }
    in->at = in->data;
    in->end = in->data + len;
    return 0;
}

void pn_lines_close(struct pn_lines *in) {
    free(in->data);
    in->data = NULL;
}
