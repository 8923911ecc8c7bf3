/* SPDX-License-Identifier: MIT */
#include "run_files.h"

#include "command.h"
#include "manifest.h"
#include "topology_json.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int pn_run_file_write(const char *directory, const char *name, json_t *value) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", directory, name);
    int rc = json_dump_file(value, path, JSON_INDENT(1) | JSON_SORT_KEYS);
    json_decref(value);
    return rc == 0 ? 0 : pn_fail(PN_EXIT_LATER, "%s: cannot be written", path);
}

static void quote(FILE *to, const char *word) {
    (void)fputs(" '", to);
    for (; *word != '\0'; word++) {
        (void)(*word == '\'' ? fputs("'\\''", to) : fputc(*word, to));
    }
    (void)fputc('\'', to);
}

/* The command again, but for where it wrote to. */
static int keep_rerun(const struct pn_run_files *files) {
    char path[PATH_MAX], plan[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/rerun.sh", files->directory);
    FILE *f = fopen(path, "we");
    if (f == NULL) {
        return pn_fail(PN_EXIT_LATER, "%s: %s", path, strerror(errno));
    }
    const char *name = strchr(files->argv[0], ' ');
    (void)fprintf(f,
                  "#!/bin/sh\n# The same plan again: sh rerun.sh -o NEW-DIRECTORY\n"
                  "exec \"${PINION:-pinion}\"%s",
                  name == NULL ? " sweep" : name);
    for (char *const *arg = files->argv + 1; *arg != NULL; arg++) {
        if (strncmp(*arg, "-o", 2) == 0) {
            arg += (*arg)[2] == '\0' && arg[1] != NULL;
        } else if (*arg == files->plan_file && realpath(*arg, plan) != NULL) {
            quote(f, plan);
        } else if (strcmp(*arg, "--resume") != 0) {
            quote(f, *arg);
        }
    }
    (void)fputs(" \"$@\"\n", f);
    (void)fchmod(fileno(f), 0777);
    bool lost = ferror(f) != 0;
    return fclose(f) == 0 && !lost ? 0 : pn_fail(PN_EXIT_LATER, "%s: %s", path, strerror(errno));
}

static int begin(const struct pn_run_files *files) {
    char path[PATH_MAX];
    (void)snprintf(path, sizeof path, "%s/rerun.sh", files->directory);
    if (access(path, F_OK) == 0) {
        return 0;
    }
    (void)snprintf(path, sizeof path, "%s/env", files->directory);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        return pn_fail(PN_EXIT_LATER, "%s: %s", path, strerror(errno));
    }
    struct pn_error err = {""};
    (void)snprintf(path, sizeof path, "%s/topology.xml", files->directory);
    if (pn_topology_capture(path, &err) != 0) {
        (void)fprintf(stderr, "pinion: note: no topology.xml: %s\n", err.text);
    }
    const struct pn_machine *m = files->machine;
    int code = pn_run_file_write(files->directory, "env/before.json", pn_environment_json());
    if (code == 0) {
        code = pn_run_file_write(files->directory, "topology.json",
                                 pn_topology_json(m->topology, m->plan));
    }
    return code != 0 ? code : keep_rerun(files);
}

void pn_run_files_begin(struct pn_run_files *files) {
    if (!files->begun) {
        files->begun = true;
        files->code = begin(files);
    }
}

int pn_run_files_end(const struct pn_run_files *files) {
    int code = files->begun
                   ? pn_run_file_write(files->directory, "env/after.json", pn_environment_json())
                   : 0;
    return files->code != 0 ? files->code : code;
}
