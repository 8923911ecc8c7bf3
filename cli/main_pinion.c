/* SPDX-License-Identifier: MIT
 *
 * The `pinion` command: finds the subcommand, keeps its exit code honest about lost output.
 */
#include "command.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A closed descriptor 0-2 would become the next file we open, and get our messages. In the place of
 * standard output comes one that cannot be written: what was lost is told in the end. */
static void reopen_standard_descriptors(void) {
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0) {
            (void)open("/dev/null", fd == STDOUT_FILENO ? O_RDONLY : O_RDWR);
        }
    }
}

static void print_usage(FILE *to) {
    (void)fputs("usage: pinion COMMAND [options]\n\ncommands:\n", to);
    for (const struct pn_command *const *c = pn_commands; *c != NULL; c++) {
        (void)fprintf(to, "  %-8s %s\n", (*c)->name, (*c)->summary);
    }
    (void)fputs("\n'pinion COMMAND --help' tells each one's options.\n", to);
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        print_usage(stderr);
        return PN_EXIT_INPUT;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return PN_EXIT_OK;
    }
    if (strcmp(argv[1], "--version") == 0) {
        (void)puts("pinion " PN_VERSION);
        return PN_EXIT_OK;
    }
    for (const struct pn_command *const *c = pn_commands; *c != NULL; c++) {
        if (strcmp(argv[1], (*c)->name) == 0) {
            char name[64];
            (void)snprintf(name, sizeof name, "pinion %s", (*c)->name);
            argv[1] = name;
            return (*c)->run(argc - 1, argv + 1);
        }
    }
    return pn_fail(PN_EXIT_INPUT, "no command '%s'; 'pinion --help' lists them", argv[1]);
}

int main(int argc, char **argv) {
    reopen_standard_descriptors();
    (void)signal(SIGPIPE, SIG_IGN);
    int code = dispatch(argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        int lost = pn_fail(PN_EXIT_LATER, "standard output was lost: %s", strerror(errno));
        code = code == PN_EXIT_OK ? lost : code;
    }
    exit(code);
}
