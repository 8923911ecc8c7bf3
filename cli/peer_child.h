/* SPDX-License-Identifier: MIT
 *
 * A peer's program run for a person: its lines are read as they come.
 */
#ifndef PN_CLI_PEER_CHILD_H
#define PN_CLI_PEER_CHILD_H

/**
 * \param argv     NULL-terminated; argv[0] its absolute path
 * \param on_line  each line with its newline
 * \return an exit code: its own where it refuses its input or the machine
 */
int pn_peer_child(const char *const *argv, void (*on_line)(const char *line, void *context),
                  void *context);

#endif
