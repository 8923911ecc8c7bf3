/* SPDX-License-Identifier: MIT */
#ifndef PN_CLI_PEERS_INSPECT_H
#define PN_CLI_PEERS_INSPECT_H

#include "args.h"

/**
 * Run a peer and print what it says of itself each `ms`.
 * \param which  a design: "tokio", "beam:naive" \param words  [..NULL] "key=value"
 * \return an exit code
 */
int pn_peers_inspect(const char *which, const char *program, const char *const *words, uint64_t ms,
                     const struct pn_common *common);

#endif
