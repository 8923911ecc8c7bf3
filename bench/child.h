/* SPDX-License-Identifier: MIT
 *
 * One measured process: started in a group and an environment of its own, listened to until it ends
 * or its deadline passes, and reaped.
 */
#ifndef PN_CHILD_H
#define PN_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { PN_CHILD_COMPLAINT = 4096 };

struct pn_child {
    pid_t pid;
    int in, out, err; /* our ends */
    char *text;       /* what it printed, NUL-terminated */
    size_t used;
    char complaint[PN_CHILD_COMPLAINT]; /* on standard error */
    size_t complained;
    uint64_t deadline_ns;
    bool (*interrupted)(void); /* asked ten times a second; may be NULL */
};

enum pn_heard {
    PN_HEARD_SOMETHING,
    PN_HEARD_END,
    PN_HEARD_TOO_MUCH, /* more than 8 MiB */
    PN_HEARD_TOO_LATE,
    PN_HEARD_STOP /* interrupted */
};
/* What to say of it; "" for the first two. */
extern const char *const pn_heard_words[];

/**
 * \param argv         NULL-terminated; argv[0] an absolute path
 * \param environment  NULL-terminated "NAME=value" beside PATH and LC_ALL; NULL: none
 * \param deadline_ns  from now on
 * \return 0; -errno, then there is nothing to reap
 */
int pn_child_start_in(struct pn_child *c, const char *const *argv, const char *const *environment,
                      uint64_t deadline_ns, bool (*interrupted)(void));
int pn_child_start(struct pn_child *c, const char *const *argv, uint64_t deadline_ns,
                   bool (*interrupted)(void));
/** Until it prints something or ends its output. */
enum pn_heard pn_child_listen(struct pn_child *c);
/** After PN_HEARD_END. */
enum pn_heard pn_child_await_exit(const struct pn_child *c);
/** End it, with its group, if it has not ended, and reap it. \return the CPU time it used in all */
uint64_t pn_child_reap(struct pn_child *c, bool end_it, int *status);
/** For one that needs no input: listen until it has exited or must be ended, and reap it.
 * \return PN_HEARD_END, or why it was ended */
enum pn_heard pn_child_finish(struct pn_child *c, int *status);
/** One line of why it ended so: exit code or signal, and the last line of what it complained of. */
void pn_child_explain(const struct pn_child *c, int status, char *text, size_t cap);
/** It reads the end of its input. */
void pn_child_end_input(struct pn_child *c);
void pn_child_fini(struct pn_child *c);

#endif
