/* SPDX-License-Identifier: MIT
 *
 * From a run directory to results.json and report.html.
 */
#ifndef PINION_REPORT_H
#define PINION_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum pn_report_status {
    PN_REPORT_OK,
    PN_REPORT_BAD_INPUT,    /* a file of the run directory is missing, damaged or unknown */
    PN_REPORT_NOT_WRITABLE, /* the directory cannot be written: found before any work */
    PN_REPORT_FAILED        /* everything later: memory, a full disk */
};

struct pn_report_error {
    enum pn_report_status status;
    char text[512]; /* one line: what, where (file:line), what to do */
};

/* What the report found, as plain UTF-8 text for a terminal. */
struct pn_report_verdict {
    char kind[16];       /* "crossover", "none", "several", "undetermined" */
    char crossover[512]; /* first line: where one design overtakes the other */
    char cause[512];     /* second line: how the gap splits, what memory placement shifts */
    char notice[256];    /* "" or what was dropped while reading */
    bool withheld;       /* "ahead" is not stated: see crossover */
    bool noisy;          /* the run was marked too noisy, or over a quarter of its slots is void */
    size_t slots;
    size_t voided;
    char html_path[4096];
    char json_path[4096];
};

/** Reads the run directory `dir` and writes `dir`/results.json and `dir`/report.html.
 *
 * Both are pure functions of the directory's other files: the same files give the same bytes, on
 * any machine and at any time. Each is written to a temporary file in `dir`, synced and renamed,
 * results.json first; when anything fails, the files that stood there before still stand.
 *
 * Reading is strict: a damaged line is an error that names file and line. Only a last line of
 * samples.jsonl or plan.jsonl that a kill cut short is dropped, and `out->notice` says so.
 *
 * @param out  filled on success; may not be NULL
 * @param err  filled on failure; may not be NULL
 * @return 0, or -1 with *err. Threads: any, one call per directory at a time. Blocks on the disk;
 *         memory about 6 times the size of samples.jsonl. */
int pn_report_write(const char *dir, struct pn_report_verdict *out, struct pn_report_error *err);

#endif
