/* SPDX-License-Identifier: MIT
 *
 * Waiting for room: two senders share one credit, a receiver gives it back after each item. Nobody
 * sleeps while there is room: a lost wake-up is a deadlock, which the explorer reports.
 */
#include "explorer.h"
#include "runtime/room.h"

#include <pinion/credit.h>

enum { SENDERS = 2, ITEMS = 2 };

static struct pn_credit *credit;
static struct pn_room room;
static PN_ATOMIC(uint32_t) full;

static void send(void *arg) {
    (void)arg;
    struct pn_credit_port port;
    pn_credit_port_init(&port, credit);
    for (unsigned k = 0; k < ITEMS;) {
        if (pn_credit_take(&port, 1)) {
            pn_store_rel(&full, 1);
            k++;
            continue;
        }
        uint32_t key = pn_room_prepare(&room);
        if (pn_credit_free(credit) > 0) {
            pn_room_cancel(&room);
        } else {
            pn_room_wait(&room, key);
        }
    }
    pn_room_pass_on(&room);
}

static void receive(void *arg) {
    (void)arg;
    struct pn_credit_port port;
    pn_credit_port_init(&port, credit);
    for (unsigned n = 0; n < SENDERS * ITEMS;) {
        uint32_t filled = 1;
        if (!pn_cas_acq(&full, &filled, 0)) {
            pn_relax();
            continue;
        }
        n++;
        if (pn_credit_give(&port, 1)) {
            (void)pn_room_made(&room);
        }
    }
}

static void setup(void) {
    if (pn_credit_create(&credit, 1, 3) != 0) {
        pn_xp_fail("no memory");
    }
    pn_room_init(&room);
    pn_atomic_init(&full, 0);
    pn_xp_spawn(receive, NULL);
    for (unsigned i = 0; i < SENDERS; i++) {
        pn_xp_spawn(send, NULL);
    }
}

static void check(void) {
    pn_xp_require(pn_load_acq(&room.waiters.waiters) == 0);
    pn_credit_destroy(credit);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "room", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
