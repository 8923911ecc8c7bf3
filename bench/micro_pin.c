/* SPDX-License-Identifier: MIT
 *
 * What it costs to say where a thread runs, and to read clocks. Measured: the calls themselves,
 * with the thread on the CPU already. Not measured: the migration a first pin may cause.
 */
#include "micro.h"

#include <pinion/clock.h>
#include <pinion/placement.h>

#include <sched.h>

static void run_getcpu(struct pn_bench_state *state, const struct pn_bench_case *self) {
    (void)self;
    bool pinned = pn_bench_pin(state) == 0;
    uint64_t moved = 0;
    int first = sched_getcpu();
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        moved += sched_getcpu() != first;
    }
    pn_bench_end(state);
    if (pinned && moved != 0) {
        pn_bench_fail(state, "a pinned thread moved");
    }
}

/* value: 0 asks whether the pin holds, 1 pins again to the same CPU and reads the mask back. */
static void run_pin(struct pn_bench_state *state, const struct pn_bench_case *self) {
    uint64_t lost = 0;
    if (pn_bench_pin(state) != 0) {
        pn_bench_skip(state, "not allowed to pin");
    }
    struct pn_os_cpu cpu = {sched_getcpu()};
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        lost += self->value == 0 ? !pn_pin_holds(cpu) : pn_pin_self(cpu) != 0;
    }
    pn_bench_end(state);
    if (lost != 0) {
        pn_bench_fail(state, "the pin did not hold");
    }
}

/* value: 0 CLOCK_MONOTONIC, 1 ticks, 2 CPU time of the thread. */
static void run_clock(struct pn_bench_state *state, const struct pn_bench_case *self) {
    uint64_t last = 0, backwards = 0;
    (void)pn_bench_pin(state);
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        uint64_t now = self->value == 0   ? pn_now_ns()
                       : self->value == 1 ? pn_ticks_now()
                                          : pn_thread_cpu_ns();
        backwards += now < last;
        last = now;
    }
    pn_bench_end(state);
    if (backwards != 0) {
        pn_bench_fail(state, "the clock went backwards");
    }
}

static const struct pn_bench_case cases[] = {
    {"pin/read/call=getcpu", run_getcpu, 1, 0, 0},
    {"pin/holds/place=same", run_pin, 1, 0, 0},
    {"pin/self/place=same", run_pin, 1, 1, 0},
    {"clock/read/source=monotonic", run_clock, 1, 0, 0},
    {"clock/read/source=ticks", run_clock, 1, 1, 0},
    {"clock/read/source=thread_cpu", run_clock, 1, 2, 0},
};

const struct pn_micro_table pn_micro_pin = {cases, sizeof cases / sizeof cases[0]};
