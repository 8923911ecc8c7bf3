/* SPDX-License-Identifier: MIT
 *
 * Designs by name, and the peers: other runtimes that run the same workload, each in a program of
 * its own (bench/peers/), spoken to over the same protocol as a child of our own.
 *
 * A design is written NAME[:MODE][+key=value]...: shared, mailbox+copy=none, tokio:shared,
 * beam:tuned+sbwt=default. A peer's name alone means its tuned mode.
 */
#ifndef PINION_PEER_H
#define PINION_PEER_H

#include <jansson.h>
#include <pinion/topology.h>
#include <stdbool.h>
#include <stddef.h>

enum { PN_PEERS_KNOWN = 2 };

/* A peer as this program knows it; whether it is there, pn_peer_find says. */
struct pn_peer {
    const char *name, *title;
    const char *const *modes; /* NULL-terminated; the first is what the name alone means */
    const char *needs;        /* what builds it: "cargo" */
};
extern const struct pn_peer pn_peers[PN_PEERS_KNOWN];

struct pn_design_name {
    const struct pn_peer *peer; /* NULL: one of this binary */
    char base[16];              /* "shared", "tokio" */
    char mode[16];              /* of a peer, never empty; "" for ours */
    const char *switches;       /* "" or "+key=value...", inside of the text given; borrowed */
};

/**
 * Take a design's name apart. Whether a switch has a meaning is for the design to say.
 * \return 0; -EINVAL and one line in *err
 */
int pn_design_parse(const char *text, struct pn_design_name *name, struct pn_error *err);

/**
 * Where a peer's program is: beside `pinion`, in peers/NAME/.
 * \param program  absolute path of the command \param path  receives the peer's
 * \return 0; -ENOENT and the reason in *err: what was missing when it was to be built
 */
int pn_peer_find(const struct pn_peer *peer, const char *program, char *path, size_t cap,
                 struct pn_error *err);

/**
 * Ask a peer's program for one line of JSON: `about`, `unit`, `touch payload=65536`.
 * \param words  NULL-terminated
 * \return the line, owned by the caller; NULL and one line in *err
 */
json_t *pn_peer_ask(const char *path, const char *const *words, struct pn_error *err);

struct pn_sweep_plan;
/**
 * Take out of the sweeps the designs whose peer is not here.
 * \param peers   an array; receives what each peer says of itself: {name, versions, flags, modes}
 * \param absent  an array; receives {design, reason}
 * \return how many were taken out; a sweep may be left without a design
 */
unsigned pn_peers_keep(struct pn_sweep_plan *sweeps, unsigned n, const char *program, json_t *peers,
                       json_t *absent);
/** The same of all peers, which cannot run a workload of one's own. */
unsigned pn_peers_leave_out(struct pn_sweep_plan *sweeps, unsigned n, json_t *absent);

#endif
