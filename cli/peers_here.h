/* SPDX-License-Identifier: MIT
 *
 * Before a campaign: what of its designs is here, and what the manifest says of the peers.
 */
#ifndef PN_CLI_PEERS_HERE_H
#define PN_CLI_PEERS_HERE_H

#include "args.h"

#include <jansson.h>
#include <pinion/sweep.h>

struct pn_peers_wish {
    bool require;         /* a missing one is an error */
    const char *workload; /* a library as the user named it: no peer runs it; NULL */
};

/** A library's absolute path, for children. \return an exit code */
int pn_workload_path(const char *named, char *path, size_t cap);

/**
 * Designs whose peer is not here are taken out, each with a note; the manifest gets `peers` and
 * `absent_designs`.
 * \return an exit code
 */
int pn_peers_here(struct pn_sweep_plan *sweeps, unsigned n, const char *program,
                  const struct pn_peers_wish *wish, const struct pn_common *common,
                  json_t *manifest);

#endif
