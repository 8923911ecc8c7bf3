/* SPDX-License-Identifier: MIT */
#include "rundir.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
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

static int load_whole(const char *dir, const char *name, json_t **out,
                      struct pn_report_error *err) {
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

/* One JSON-lines file. */
struct lines {
    const char *path;
    const char *name;
    char *data;
    char *at;
    char *end;
    unsigned line;
};

/* The next line's document: 1, 0 at the end, -1 with *err. A last line without its newline that
 * does not parse was cut short by a kill: dropped, with a notice. */
static int next_line(struct pn_rundir *run, struct lines *in, json_t **out,
                     struct pn_report_error *err) {
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
        if (run->notices < sizeof run->notice / sizeof run->notice[0]) {
            (void)snprintf(run->notice[run->notices++], sizeof run->notice[0],
                           "%s: line %u was cut short and dropped", in->name, in->line);
        }
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

static int open_lines(struct lines *in, char *path, size_t size, const char *dir,
                      struct pn_report_error *err) {
    size_t len;
    int code;
    (void)snprintf(path, size, "%s/%s", dir, in->name);
    in->path = path;
    in->data = slurp(path, &len, &code);
    if (in->data == NULL) {
        return unreadable(err, path, code);
    }
    in->at = in->data;
    in->end = in->data + len;
    return 0;
}

static int read_plan(const char *dir, struct pn_rundir *run, struct pn_report_error *err) {
    char path[4096];
    struct lines in = {.name = "plan.jsonl"};
    json_t *line = NULL;
    if (open_lines(&in, path, sizeof path, dir, err) != 0) {
        return -1;
    }
    int got;
    while ((got = next_line(run, &in, &line, err)) == 1) {
        const char *fault = NULL;
        int bad = pn_plan_read(run, line, &fault);
        json_decref(line);
        if (bad != 0) {
            got = pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: %s", path, in.line, fault);
            break;
        }
        run->planned++;
    }
    free(in.data);
    return got;
}

/* Room for one more sample; the two arrays grow together. */
static bool grow(struct pn_rundir *run, size_t *capacity) {
    if (run->samples < *capacity) {
        return true;
    }
    size_t wider = *capacity == 0 ? 256 : *capacity * 2;
    json_t **lines = realloc(run->lines, wider * sizeof(json_t *));
    if (lines != NULL) {
        run->lines = lines;
    }
    struct pn_sample *sample = realloc(run->sample, wider * sizeof *sample);
    if (sample != NULL) {
        run->sample = sample;
    }
    if (lines == NULL || sample == NULL) {
        return false;
    }
    *capacity = wider;
    return true;
}

static int read_samples(const char *dir, struct pn_rundir *run, struct pn_report_error *err) {
    char path[4096];
    size_t capacity = 0;
    struct lines in = {.name = "samples.jsonl"};
    json_t *line = NULL;
    json_t *keys = json_object();
    int got = keys == NULL ? pn_report_fail(err, PN_REPORT_FAILED, "out of memory")
                           : open_lines(&in, path, sizeof path, dir, err);
    while (got >= 0 && (got = next_line(run, &in, &line, err)) == 1) {
        if (!grow(run, &capacity)) {
            json_decref(line);
            got = pn_report_fail(err, PN_REPORT_FAILED, "%s: out of memory", path);
            break;
        }
        const char *fault = NULL;
        struct pn_sample *sample = &run->sample[run->samples];
        run->lines[run->samples++] = line;
        if (pn_sample_read(run, line, sample, &fault) != 0) {
            got = pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: %s", path, in.line, fault);
            break;
        }
        sample->line = in.line;
        const json_t *first = json_object_get(keys, sample->key);
        if (first != NULL) {
            got = pn_report_fail(err, PN_REPORT_BAD_INPUT, "%s:%u: key of line %d repeated", path,
                                 in.line, (int)json_integer_value(first));
            break;
        }
        (void)json_object_set_new(keys, sample->key, json_integer((json_int_t)in.line));
    }
    json_decref(keys);
    free(in.data);
    return got;
}

/* micro.json is optional: a run without it, or with a broken one, still reports its own slots. */
static void read_micro(const char *dir, struct pn_rundir *run) {
    const char *name = pn_member_string(run->manifest, "micro", NULL);
    struct pn_report_error err;
    (void)snprintf(run->micro_reason, sizeof run->micro_reason, "%s",
                   pn_member_reason(run->manifest, "micro", "not measured in this run"));
    if (name == NULL) {
        return;
    }
    if (strchr(name, '/') != NULL) {
        (void)snprintf(run->micro_reason, sizeof run->micro_reason,
                       "the manifest names a path outside the run");
    } else if (load_whole(dir, name, &run->micro, &err) != 0) {
        json_decref(run->micro);
        run->micro = NULL;
        (void)snprintf(run->micro_reason, sizeof run->micro_reason, "micro.json could not be read");
    }
}

int pn_rundir_read(const char *dir, struct pn_rundir *run, struct pn_report_error *err) {
    *run = (struct pn_rundir){.plan = json_object()};
    if (run->plan == NULL) {
        return pn_report_fail(err, PN_REPORT_FAILED, "out of memory");
    }
    if (strlen(dir) > 4000) {
        return pn_report_fail(err, PN_REPORT_BAD_INPUT, "the directory's name is too long");
    }
    if (load_whole(dir, "manifest.json", &run->manifest, err) != 0) {
        return -1;
    }
    if (pn_manifest_read(run, err) != 0) {
        char fault[sizeof err->text];
        memcpy(fault, err->text, sizeof fault);
        return pn_report_fail(err, err->status, "%s/manifest.json: %.300s", dir, fault);
    }
    if (read_plan(dir, run, err) != 0 || read_samples(dir, run, err) != 0) {
        return -1;
    }
    read_micro(dir, run);
    return 0;
}

void pn_rundir_free(struct pn_rundir *run) {
    for (size_t i = 0; i < run->samples; i++) {
        json_decref(run->lines[i]);
    }
    free(run->lines);
    free(run->sample);
    json_decref(run->plan);
    json_decref(run->micro);
    json_decref(run->manifest);
    *run = (struct pn_rundir){0};
}
