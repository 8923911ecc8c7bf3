/* SPDX-License-Identifier: MIT
 *
 * Credits that travel in chunks: a receiver that keeps part of a chunk hands it back when it has
 * nothing more to do (flush). What it did before happens before what a sender does with the credit.
 */
#include "explorer.h"
#include "runtime/atomic.h"

#include <pinion/credit.h>

enum { TOTAL = 16, CHUNK = 2 };

static struct pn_credit *credit;
static struct pn_credit_port receiver;
static unsigned place;

static void give(void *arg) {
    (void)arg;
    place = 1;
    if (pn_xp_choose(2) == 0) {
        pn_xp_require(!pn_credit_give(&receiver, 1)); /* half a chunk */
        pn_xp_require(pn_credit_flush(&receiver));
    } else {
        pn_xp_require(pn_credit_give(&receiver, CHUNK));
    }
}

static void take(void *arg) {
    (void)arg;
    struct pn_credit_port sender;
    pn_credit_port_init(&sender, credit);
    while (!pn_credit_take(&sender, 1)) {
        pn_relax();
    }
    pn_xp_require(place == 1);
    place = 2;
    (void)pn_credit_flush(&sender);
}

static void setup(void) {
    if (pn_credit_create(&credit, TOTAL, 1) != 0) {
        pn_xp_fail("no memory");
    }
    pn_credit_port_init(&receiver, credit);
    pn_xp_require(pn_credit_take(&receiver, TOTAL)); /* all are under way */
    place = 0;
    pn_xp_spawn(give, NULL);
    pn_xp_spawn(take, NULL);
}

static void check(void) {
    pn_credit_destroy(credit);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "credit_chunk", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
