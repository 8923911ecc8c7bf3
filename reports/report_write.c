/* SPDX-License-Identifier: MIT */
#include <pinion/report.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "duel.h"
#include "page.h"

static int write_all(int fd, const char *data, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -errno;
        }
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int sync_directory(const char *dir) {
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int code = fsync(fd) == 0 ? 0 : -errno;
    (void)close(fd);
    return code == -EINVAL ? 0 : code; /* a file system without directory sync */
}

/* To path by way of a temporary file next to it. */
static int replace(const char *dir, const char *path, const char *data, size_t len) {
    char temporary[4200];
    (void)snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0) {
        return -errno;
    }
    int code = write_all(fd, data, len);
    if (code == 0 && (fchmod(fd, 0644) != 0 || fsync(fd) != 0)) {
        code = -errno;
    }
    if (close(fd) != 0 && code == 0) {
        code = -errno;
    }
    if (code == 0 && rename(temporary, path) != 0) {
        code = -errno;
    }
    if (code != 0) {
        (void)unlink(temporary);
        return code;
    }
    return sync_directory(dir);
}

static int save(const char *dir, const char *path, const char *data, size_t len,
                struct pn_report_error *err) {
    int code = replace(dir, path, data, len);
    return code == 0 ? 0
                     : pn_report_fail(err, PN_REPORT_FAILED, "%s: not written: %s", path,
                                      strerror(-code));
}

static int write_report(const struct pn_analysis *analysis, const char *dir,
                        struct pn_report_verdict *out, struct pn_report_error *err) {
    struct pn_text page = {0};
    pn_verdict_fill(analysis, out);
    char *json = pn_results_json(analysis, out);
    pn_page_write(analysis, out, &page);
    int code = -1;
    if (json == NULL || page.failed) {
        (void)pn_report_fail(err, PN_REPORT_FAILED, "%s: out of memory", dir);
    } else if (save(dir, out->json_path, json, strlen(json), err) == 0) {
        code = save(dir, out->html_path, page.data, page.len, err);
    }
    free(json);
    pn_text_free(&page);
    return code;
}

int pn_report_write(const char *dir, struct pn_report_verdict *out, struct pn_report_error *err) {
    struct pn_rundir run;
    struct pn_analysis *analysis = NULL;
    struct pn_queue_report *queues = NULL;
    *out = (struct pn_report_verdict){.slots = 0};
    *err = (struct pn_report_error){.status = PN_REPORT_OK};
    int code = pn_rundir_read(dir, &run, err);
    if (code == 0 && access(dir, W_OK | X_OK) != 0) {
        code = pn_report_fail(err, PN_REPORT_NOT_WRITABLE, "%s: cannot be written: %s", dir,
                              strerror(errno));
    }
    if (code == 0) {
        (void)snprintf(out->html_path, sizeof out->html_path, "%s/report.html", dir);
        (void)snprintf(out->json_path, sizeof out->json_path, "%s/results.json", dir);
        analysis = malloc(sizeof *analysis); /* a megabyte: too much for some stacks */
        code = analysis == NULL || pn_analysis_make(&run, analysis) != 0
                   ? pn_report_fail(err, PN_REPORT_FAILED, "%s: out of memory", dir)
                   : 0;
    }
    if (code == 0 && run.queues) {
        code = pn_queue_report_read(dir, NULL, &queues, err);
    }
    struct pn_peer_targets targets = {.lines = 0};
    if (code == 0 && analysis != NULL && pn_peer_targets_judge(analysis, &targets) != 0) {
        code = pn_report_fail(err, PN_REPORT_FAILED, "%s: out of memory", dir);
    }
    if (code == 0 && analysis != NULL) {
        analysis->queues = queues;
        analysis->peer_targets = &targets;
        code = write_report(analysis, dir, out, err);
    }
    pn_peer_targets_free(&targets);
    pn_queue_report_free(queues);
    if (analysis != NULL) {
        pn_analysis_free(analysis);
    }
    free(analysis);
    pn_rundir_free(&run);
    return code;
}
