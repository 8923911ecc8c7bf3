/* SPDX-License-Identifier: MIT
 *
 * pn_credit: a bound on how many items are under way. Senders take credits, receivers give them
 * back; both keep a few in their port, so that the shared counter is written once per chunk.
 *
 * Conservation: free + (have + owed of every port) + in flight = total.
 * A sender may see "none" early, by what the other ports keep: less than two chunks each (have and
 * owed). The chunk is total / (8 x ports), at least 1 and at most 32, so that at most a quarter of
 * the credits is kept; with 1 nothing is kept, and "none" is exact.
 *
 * Threads: one port per thread. Progress: lock-free.
 */
#ifndef PINION_CREDIT_H
#define PINION_CREDIT_H

#include <stdbool.h>
#include <stdint.h>

struct pn_credit;

struct pn_credit_port {
    struct pn_credit *credit;
    uint64_t have; /* taken from the counter, not yet used */
    uint64_t owed; /* given back, not yet in the counter */
};

/**
 * \param total  1 .. 2^62
 * \param ports  how many will be open at once, for the chunk
 * \return 0; -ENOMEM; -EINVAL
 */
int pn_credit_create(struct pn_credit **out, uint64_t total, uint32_t ports);
/** NULL is allowed. */
void pn_credit_destroy(struct pn_credit *credit);

void pn_credit_port_init(struct pn_credit_port *port, struct pn_credit *credit);

/** Take n credits or none. \return false if fewer are to be had now \cost 1 CAS per chunk */
bool pn_credit_take(struct pn_credit_port *port, uint64_t n);

/** Take as many of n as are to be had now. \return how many */
uint64_t pn_credit_take_some(struct pn_credit_port *port, uint64_t n);

/** Give n back, taken by any port. \return true if the shared counter grew: somebody who waits may
 * go on */
bool pn_credit_give(struct pn_credit_port *port, uint64_t n);

/** Put everything the port keeps into the counter. Before a port rests or closes. */
bool pn_credit_flush(struct pn_credit_port *port);

/** What the shared counter holds now; for waiters and for tests. */
uint64_t pn_credit_free(const struct pn_credit *credit);
uint64_t pn_credit_total(const struct pn_credit *credit);

#endif
