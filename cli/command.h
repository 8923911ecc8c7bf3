/* SPDX-License-Identifier: MIT
 *
 * What a subcommand of `pinion` is, and what its exit code means.
 */
#ifndef PN_CLI_COMMAND_H
#define PN_CLI_COMMAND_H

enum pn_exit {
    PN_EXIT_OK = 0,
    PN_EXIT_LATER = 1,   /* anything that went wrong after the start, lost output included */
    PN_EXIT_INPUT = 2,   /* command line or input file */
    PN_EXIT_MACHINE = 3, /* machine, permission, package, directory not writable at the start */
    PN_EXIT_NOISY = 4,   /* too noisy or void */
    PN_EXIT_REGRESSION = 5,
    PN_EXIT_INTERRUPTED = 130 /* state saved */
};

struct pn_command {
    const char *name;
    const char *summary;
    /* argv[0] is "pinion NAME". Returns an enum pn_exit. */
    int (*run)(int argc, char **argv);
};

/* Defined in cmd_<name>.c, listed in commands.c. */
extern const struct pn_command *const pn_commands[];

/* One line on stderr: "pinion: <text>"; returns code, so that a command can return pn_fail(...). */
int pn_fail(enum pn_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
