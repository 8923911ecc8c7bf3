/* SPDX-License-Identifier: MIT
 *
 * JSON files of a run directory: one document, or one object a line. Errors name file and line.
 */
#ifndef PN_REPORTS_JSON_LINES_H
#define PN_REPORTS_JSON_LINES_H

#include <stdbool.h>

#include <jansson.h>

#include <pinion/report.h>

/* Records an error, as one line whatever a file name holds. Always -1. */
int pn_report_fail(struct pn_report_error *err, enum pn_report_status status, const char *format,
                   ...) __attribute__((format(printf, 3, 4)));

/* The object that dir/name holds. 0, or -1 with *err. Files over 256 MiB are refused. */
int pn_json_load(const char *dir, const char *name, json_t **out, struct pn_report_error *err);

struct pn_lines {
    const char *name;
    char path[4200];
    char *data;
    char *at;
    char *end;
    unsigned line; /* of the document last returned */
    bool cut;      /* a last line was dropped */
};

/* 0, or -1 with *err. Close it also after a failure. */
int pn_lines_open(struct pn_lines *in, const char *dir, const char *name,
                  struct pn_report_error *err);
/* The next line's object: 1, 0 at the end, -1 with *err. A last line without its newline that does
 * not parse was cut short by a kill: dropped, and `cut` says so. */
int pn_lines_next(struct pn_lines *in, json_t **out, struct pn_report_error *err);
void pn_lines_close(struct pn_lines *in);

#endif
