/* SPDX-License-Identifier: MIT
 *
 * The lease: an owner goes in and out of user code and touches its lists in between; two rescuers
 * take the lease when they can and empty the list. The list is plain data, so whoever touches it
 * without the lease is a race; each entry is moved exactly once; a rescuer never succeeds with a
 * look that is one turn old.
 */
#include "explorer.h"
#include "runtime/lease.h"

enum { TURNS = 3 };

static struct pn_lease lease;
static unsigned listed, moved_by_owner, moved_by_rescuers; /* guarded by the lease */
static uint64_t turn_of_list;                              /* the owner's last turn, guarded too */

static void own(void *arg) {
    (void)arg;
    for (uint64_t turn = 1; turn <= TURNS; turn++) {
        listed++; /* holding: a timer is armed */
        turn_of_list = turn;
        pn_lease_enter(&lease, turn);
        while (!pn_lease_leave(&lease, turn)) {
            pn_relax();
        }
        if (turn == TURNS) {
            moved_by_owner += listed;
            listed = 0;
        }
    }
}

static void rescue(void *arg) {
    (void)arg;
    uint64_t seen = pn_lease_look(&lease);
    if (pn_lease_take(&lease, seen)) {
        pn_xp_require(turn_of_list == seen >> 2);
        moved_by_rescuers += listed;
        listed = 0;
        pn_lease_give(&lease, seen);
    }
}

static void setup(void) {
    pn_lease_init(&lease);
    listed = moved_by_owner = moved_by_rescuers = 0;
    turn_of_list = 0;
    pn_xp_spawn(own, NULL);
    pn_xp_spawn(rescue, NULL);
    pn_xp_spawn(rescue, NULL);
}

static void check(void) {
    pn_xp_require(listed == 0);
    pn_xp_require(moved_by_owner + moved_by_rescuers == TURNS);
    pn_xp_require(!pn_lease_in_task(pn_lease_look(&lease)));
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "lease", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
