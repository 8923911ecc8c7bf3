/* SPDX-License-Identifier: MIT
 *
 * Bringing the peers: their tools from the system's packages, their programs from the build tree
 * that this program lies in.
 */
#ifndef PN_CLI_PEERS_BUILD_H
#define PN_CLI_PEERS_BUILD_H

#include "args.h"

/** \return an exit code */
int pn_peers_install(const char *program, const struct pn_common *common);
/** Builds those that are not here; one that cannot be built is a line. \return an exit code */
int pn_peers_build(const char *program, const struct pn_common *common);

#endif
