/* SPDX-License-Identifier: MIT
 *
 * The options that every command has, and one line on stderr for a mistake in any of them.
 */
#ifndef PN_CLI_ARGS_H
#define PN_CLI_ARGS_H

#include <argp.h>
#include <stdbool.h>
#include <stdint.h>

struct pn_common {
    bool json;    /* the result as JSON on standard output */
    bool dry_run; /* say what would be done, and stop */
    bool quiet;   /* neither progress nor notes; warnings and errors stay */
    bool verbose;
    bool seeded;
    uint64_t seed; /* 1 unless given */
};

/**
 * Parse a command's own options and the common ones.
 *
 * argp's parser gets `input` as state->input. It refuses by pn_fail(PN_EXIT_INPUT, ...) and a
 * return of EINVAL.
 *
 * \param code  receives the exit code where the command has to stop: after a mistake, after --help
 * \return true to go on
 */
bool pn_args_parse(const struct argp *argp, int argc, char **argv, void *input,
                   struct pn_common *common, int *code);

/** A whole number without a sign. \return 0, or EINVAL after one line on stderr */
int pn_args_number(const char *option, const char *text, uint64_t *value);

/** How long to measure at most: "30s", "10m", "2h". \return 0, or EINVAL after one line on stderr
 */
int pn_args_budget(const char *command, const char *text, uint64_t *ns);

/** A note to the reader: one line on stderr, nothing with -q. */
void pn_note(const struct pn_common *common, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
