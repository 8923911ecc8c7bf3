/* SPDX-License-Identifier: MIT
 *
 * Credits: two senders put items into one place and two receivers empty it, with one credit. The
 * credit is the only thing between a receiver's use of the place and the next sender's, so a
 * missing edge is a race on the place. (With two, a sender could fill a place whose credit is not
 * back yet.)
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/credit.h>

enum { ITEMS = 2 };

static struct pn_credit *credit;
static PN_ATOMIC(uint32_t) full;
static unsigned place;

static void send(void *arg) {
    struct pn_credit_port port;
    pn_credit_port_init(&port, credit);
    for (unsigned k = 0; k < ITEMS;) {
        if (!pn_credit_take(&port, 1)) {
            pn_relax();
            continue;
        }
        pn_xp_require(pn_load_rlx(&full) == 0);
        place = (unsigned)(uintptr_t)arg + k;
        pn_store_rel(&full, 1);
        k++;
    }
    (void)pn_credit_flush(&port);
}

static void receive(void *arg) {
    (void)arg;
    struct pn_credit_port port;
    pn_credit_port_init(&port, credit);
    for (unsigned n = 0; n < ITEMS;) {
        uint32_t filled = 1;
        if (!pn_cas_acq(&full, &filled, 0)) {
            pn_relax();
            continue;
        }
        pn_xp_require(place != 0);
        place = 0;
        (void)pn_credit_give(&port, 1);
        n++;
    }
    (void)pn_credit_flush(&port);
}

static void setup(void) {
    if (pn_credit_create(&credit, 1, 4) != 0) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&full, 0);
    place = 0;
    pn_xp_spawn(send, (void *)10);
    pn_xp_spawn(send, (void *)20);
    pn_xp_spawn(receive, NULL);
    pn_xp_spawn(receive, NULL);
}

static void check(void) {
    pn_xp_require(pn_credit_free(credit) == 1);
    pn_credit_destroy(credit);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "credit", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
