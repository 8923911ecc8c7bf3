/* SPDX-License-Identifier: MIT
 *
 * Orderings
 *   C1  give (release) -> take (acquire): a sender that gets a credit sees the receiver's work on
 *       the item that carried it, as a bounded buffer promises.
 */
#include "runtime/atomic.h"

#include <errno.h>
#include <pinion/credit.h>
#include <stdlib.h>

/* One write of the counter in 32 items; larger chunks bought nothing measurable. */
enum { CHUNK_MAX = 32 };

struct pn_credit {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) free;
    _Alignas(PN_LINE) uint64_t total;
    uint64_t chunk;
};

int pn_credit_create(struct pn_credit **out, uint64_t total, uint32_t ports) {
    if (total == 0 || total > (uint64_t)1 << 62) {
        return -EINVAL;
    }
    struct pn_credit *c = aligned_alloc(PN_LINE, sizeof *c);
    if (c == NULL) {
        return -ENOMEM;
    }
    uint64_t chunk = total / (8 * (uint64_t)(ports == 0 ? 1 : ports));
    c->total = total;
    c->chunk = chunk < 1 ? 1 : chunk > CHUNK_MAX ? CHUNK_MAX : chunk;
    pn_atomic_init(&c->free, total);
    *out = c;
    return 0;
}

void pn_credit_destroy(struct pn_credit *credit) {
    free(credit);
}

void pn_credit_port_init(struct pn_credit_port *port, struct pn_credit *credit) {
    *port = (struct pn_credit_port){.credit = credit};
}

/* Up to `want`, at least `least`, or nothing. */
static uint64_t draw(struct pn_credit *c, uint64_t least, uint64_t want) {
    /* relaxed: a guess for the compare-and-swap below. */
    uint64_t seen = pn_load_rlx(&c->free);
    for (;;) {
        uint64_t n = seen < want ? seen : want;
        if (n < least) {
            return 0;
        }
        /* C1 acquire: pairs with the additions in pn_credit_give and pn_credit_flush. */
        if (pn_cas_acq(&c->free, &seen, seen - n)) {
            return n;
        }
    }
}

bool pn_credit_take(struct pn_credit_port *port, uint64_t n) {
    if (port->have < n) {
        port->have += port->owed;
        port->owed = 0;
        if (port->have < n) {
            uint64_t least = n - port->have;
            port->have += draw(port->credit, least, least + port->credit->chunk - 1);
            if (port->have < n) {
                return false;
            }
        }
    }
    port->have -= n;
    return true;
}

uint64_t pn_credit_take_some(struct pn_credit_port *port, uint64_t n) {
    if (port->have < n) {
        port->have += port->owed;
        port->owed = 0;
        if (port->have < n) {
            port->have += draw(port->credit, 1, n - port->have + port->credit->chunk - 1);
        }
    }
    uint64_t taken = port->have < n ? port->have : n;
    port->have -= taken;
    return taken;
}

bool pn_credit_give(struct pn_credit_port *port, uint64_t n) {
    port->owed += n;
    if (port->owed < port->credit->chunk) {
        return false;
    }
    /* C1 release: pairs with the compare-and-swap in draw. */
    (void)pn_faa_rel(&port->credit->free, port->owed);
    port->owed = 0;
    return true;
}

bool pn_credit_flush(struct pn_credit_port *port) {
    uint64_t n = port->have + port->owed;
    if (n == 0) {
        return false;
    }
    /* C1 release: pairs with the compare-and-swap in draw. */
    (void)pn_faa_rel(&port->credit->free, n);
    port->have = port->owed = 0;
    return true;
}

uint64_t pn_credit_free(const struct pn_credit *credit) {
    /* C1 acquire: pairs with the additions; who waits for room may go on at once. */
    return pn_load_acq(&credit->free);
}

uint64_t pn_credit_total(const struct pn_credit *credit) {
    return credit->total;
}
