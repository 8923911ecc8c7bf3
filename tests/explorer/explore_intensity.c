/* SPDX-License-Identifier: MIT
 *
 * How many restarts in a period: of three that are counted at the same time where two are allowed,
 * one at least is told that it is too many.
 */
#include "explorer.h"
#include "runtime/intensity.h"

enum { CRASHES = 3, ALLOWED = 2 };

static struct pn_intensity intensity;
static bool too_many[CRASHES];

static void crash(void *arg) {
    too_many[(uintptr_t)arg] = pn_intensity_exceeded(&intensity, 0);
}

static void setup(void) {
    pn_intensity_init(&intensity, ALLOWED, 1000);
    for (unsigned i = 0; i < CRASHES; i++) {
        pn_xp_spawn(crash, (void *)(uintptr_t)i);
    }
}

static void check(void) {
    unsigned n = 0;
    for (unsigned i = 0; i < CRASHES; i++) {
        n += too_many[i];
    }
    pn_xp_require(n >= 1);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "intensity", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
