/* SPDX-License-Identifier: MIT
 *
 * What a run directory holds beside manifest, plan and samples: the machine, its state before and
 * after, and the command again.
 */
#ifndef PN_CLI_RUN_FILES_H
#define PN_CLI_RUN_FILES_H

#include "machine.h"

#include <jansson.h>

struct pn_run_files {
    const char *directory;
    const struct pn_machine *machine;
    char *const *argv;     /* as called; argv[0] is "pinion NAME" */
    const char *plan_file; /* the one of argv that is a path, NULL = none */
    int code;              /* of pn_run_files_begin */
    bool begun;
};

/** Once the directory is there: topology.xml, topology.json, env/before.json, rerun.sh. What an
 *  earlier run of the same plan left stays. Again: nothing. One line on stderr if it fails. */
void pn_run_files_begin(struct pn_run_files *files);

/** env/after.json. \return an exit code */
int pn_run_files_end(const struct pn_run_files *files);

/** \param value  stolen. \return 0, or an exit code after one line on stderr */
int pn_run_file_write(const char *directory, const char *name, json_t *value);

#endif
