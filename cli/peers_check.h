/* SPDX-License-Identifier: MIT
 *
 * pinion peers --check: the same work in every runtime, and what its smallest steps cost.
 */
#ifndef PN_CLI_PEERS_CHECK_H
#define PN_CLI_PEERS_CHECK_H

#include "args.h"

struct pn_peers_check {
    unsigned sets; /* drawn ones, per mode */
    uint32_t seed;
};

/** A table on standard output, or JSON. \return an exit code: LATER if a set failed */
int pn_peers_check(const struct pn_peers_check *o, const char *program,
                   const struct pn_common *common);

#endif
