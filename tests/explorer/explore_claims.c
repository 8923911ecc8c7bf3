/* SPDX-License-Identifier: MIT
 *
 * Claims: an owner starts what it has claimed, one after the other, two lists in a row, of which it
 * ends the first early; two rescuers take the lease when they can and revoke what is left. Each
 * item is started exactly once, by whoever has it, and what it points to was written before.
 */
#include "explorer.h"
#include "runtime/claims.h"
#include "runtime/lease.h"

enum { LISTS = 2, EACH = 2 };

static struct pn_lease lease;
static struct pn_claims claims;
static unsigned item[LISTS][EACH], started[LISTS][EACH];
static uint64_t turn;

static void start(void *what) {
    unsigned number = *(unsigned *)what;
    pn_xp_require(number > 0 && number <= LISTS * EACH);
    started[(number - 1) / EACH][(number - 1) % EACH]++;
}

static void leave(void) {
    while (!pn_lease_leave(&lease, turn)) {
        pn_relax();
    }
}

static void own(void *arg) {
    (void)arg;
    pn_lease_enter(&lease, ++turn);
    for (unsigned l = 0; l < LISTS; l++) {
        uint64_t n = EACH;
        for (unsigned i = 0; i < EACH; i++) {
            item[l][i] = l * EACH + i + 1;
            claims.item[i] = &item[l][i];
        }
        pn_claims_publish(&claims, n);
        for (uint64_t i = 0; i < n; i++) {
            if (l == 0 && i == 1) { /* no worker for the rest: it is kept elsewhere */
                leave();
                n = pn_claims_end(&claims);
                for (; i < n; i++) {
                    start(claims.item[i]);
                }
                pn_lease_enter(&lease, ++turn);
                break;
            }
            if (!pn_claims_start(&claims, n, i)) {
                leave();
                n = pn_claims_settle(&claims, i);
                pn_lease_enter(&lease, ++turn);
                if (i >= n) {
                    break;
                }
            }
            start(claims.item[i]);
        }
    }
    leave();
}

static void rescue(void *arg) {
    (void)arg;
    for (unsigned k = 0; k < 2; k++) {
        uint64_t seen = pn_lease_look(&lease);
        if (pn_lease_take(&lease, seen)) {
            uint64_t first = 0;
            uint64_t end = pn_claims_revoke(&claims, &first);
            for (uint64_t i = first; i < end; i++) {
                start(claims.item[i]);
            }
            pn_lease_give(&lease, seen);
        }
    }
}

static void setup(void) {
    pn_lease_init(&lease);
    pn_claims_init(&claims);
    turn = 0;
    for (unsigned l = 0; l < LISTS; l++) {
        for (unsigned i = 0; i < EACH; i++) {
            item[l][i] = started[l][i] = 0;
        }
    }
    pn_xp_spawn(own, NULL);
    pn_xp_spawn(rescue, NULL);
    pn_xp_spawn(rescue, NULL);
}

static void check(void) {
    for (unsigned l = 0; l < LISTS; l++) {
        for (unsigned i = 0; i < EACH; i++) {
            pn_xp_require(started[l][i] == 1);
        }
    }
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "claims", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
