/* SPDX-License-Identifier: MIT
 *
 * Two pinned threads answer each other. Measured: the round trip of one value through two cache
 * lines, the floor under every hand-over between cores; both threads spin. Not measured: wake-ups.
 * One iteration = one round trip.
 */
#include "micro.h"
#include "runtime/atomic.h"

#include <stdlib.h>

struct pingpong {
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) ping;
    _Alignas(PN_LINE) PN_ATOMIC(uint64_t) pong;
};

/* Orderings: P1 ping, P2 pong: each value carries everything written before it was stored. */
static void run_line(struct pn_bench_state *state, const struct pn_bench_case *self) {
    (void)self;
    void **shared = pn_bench_shared(state);
    bool leads = pn_bench_thread(state) == 0;
    (void)pn_bench_pin(state);
    if (leads) {
        struct pingpong *table = aligned_alloc(PN_LINE, sizeof *table);
        if (table != NULL) {
            pn_atomic_init(&table->ping, 0);
            pn_atomic_init(&table->pong, 0);
        }
        *shared = table;
    }
    uint64_t n = pn_bench_begin(state);
    struct pingpong *table = *shared;
    for (uint64_t i = 1; i <= n && table != NULL; i++) {
        if (leads) {
            /* P1 release: pairs with the acquire of the other thread. */
            pn_store_rel(&table->ping, i);
            /* P2 acquire: pairs with its release. */
            while (pn_load_acq(&table->pong) != i) {
                pn_relax();
            }
        } else {
            /* P1 acquire: pairs with the release of thread 0. */
            while (pn_load_acq(&table->ping) != i) {
                pn_relax();
            }
            /* P2 release: pairs with its acquire. */
            pn_store_rel(&table->pong, i);
        }
    }
    pn_bench_end(state);
    if (leads) {
        /* relaxed: end was a barrier. */
        if (n != 0 && (table == NULL || pn_load_rlx(&table->pong) != n)) {
            pn_bench_fail(state, "not every ping was answered");
        }
        free(table);
        *shared = NULL;
    }
}

static const struct pn_bench_case cases[] = {
    {"pingpong/round_trip/via=line", run_line, 2, 0, 0},
};

const struct pn_micro_table pn_micro_pingpong = {cases, sizeof cases / sizeof cases[0]};
