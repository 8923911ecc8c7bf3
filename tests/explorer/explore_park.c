/* SPDX-License-Identifier: MIT
 *
 * The eventcount and the sleepers: whoever announces itself, looks again and sleeps is woken by
 * whoever publishes and then notifies. A lost wake-up is a deadlock, which the explorer reports.
 */
#include "explorer.h"
#include "runtime/futex.h"
#include "runtime/park.h"

static struct pn_eventcount ec;
static struct pn_sleepers sleepers;
static PN_ATOMIC(uint32_t) published, for_sleeper;
static unsigned note, note_for_sleeper; /* written before the notification, and before the ring */

static void wait_for_event(void *arg) {
    (void)arg;
    while (pn_load_acq(&published) == 0) {
        uint32_t key = pn_eventcount_prepare(&ec);
        if (pn_load_acq(&published) != 0) {
            pn_eventcount_cancel(&ec);
            return;
        }
        if (pn_eventcount_wait(&ec, key, PN_FOREVER)) {
            pn_xp_require(note == 1); /* P2: the notification carries it */
        }
    }
}

static void sleep_for_work(void *arg) {
    (void)arg;
    pn_sleepers_search(&sleepers, true);
    while (pn_load_acq(&for_sleeper) == 0) {
        pn_sleepers_search(&sleepers, false);
        uint32_t key = pn_sleepers_prepare(&sleepers, 0);
        if (pn_load_acq(&for_sleeper) != 0) {
            pn_sleepers_cancel(&sleepers, 0);
            return;
        }
        if (pn_sleepers_wait(&sleepers, 0, key, PN_FOREVER)) {
            pn_xp_require(note_for_sleeper == 1); /* P2 */
        }
        pn_sleepers_search(&sleepers, true);
    }
    pn_sleepers_search(&sleepers, false);
}

/* Released stores, not read-modify-writes: without the fence they could pass the look at waiters.
 */
static void publish(void *arg) {
    (void)arg;
    note_for_sleeper = 1;
    pn_store_rel(&for_sleeper, 1);
    if (pn_xp_choose(2) == 0) {
        (void)pn_sleepers_wake_one(&sleepers, 0, 1);
    } else {
        (void)pn_sleepers_wake(&sleepers, 0);
    }
    note = 1;
    pn_store_rel(&published, 1);
    (void)pn_eventcount_notify(&ec, true);
}

static void setup(void) {
    pn_eventcount_init(&ec);
    if (pn_sleepers_init(&sleepers, 1) != 0) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&published, 0);
    pn_atomic_init(&for_sleeper, 0);
    note = note_for_sleeper = 0;
    pn_xp_spawn(wait_for_event, NULL);
    pn_xp_spawn(sleep_for_work, NULL);
    pn_xp_spawn(publish, NULL);
}

static void check(void) {
    pn_xp_require(pn_load_acq(&ec.waiters) == 0);
    pn_xp_require(pn_load_acq(&sleepers.searching) == 0);
    pn_sleepers_fini(&sleepers);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "park", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
