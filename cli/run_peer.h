/* SPDX-License-Identifier: MIT
 *
 * pinion run --design PEER: the same words to a program beside this one.
 */
#ifndef PN_CLI_RUN_PEER_H
#define PN_CLI_RUN_PEER_H

#include "args.h"

struct pn_run_peer {
    const char *design;
    const char *const *words; /* [n_words] "key=value" */
    unsigned n_words;
    bool summary_only, stdin_go;
};

/** True if a design of this name is another runtime's. */
bool pn_run_is_peer(const char *design);
/** \return an exit code */
int pn_run_peer(const struct pn_run_peer *run, const struct pn_common *common);

#endif
