/* SPDX-License-Identifier: MIT
 *
 * The timing wheel, in wheel time. Measured: add with cancel, and add with firing, while `armed`
 * other timers stand in the wheel. Not measured: how late a sleeping core wakes up.
 */
#include "micro.h"

#include <pinion/wheel.h>

#include <stdlib.h>

struct counting_timer {
    struct pn_timer timer;
    uint64_t *fired;
};

static void count_fire(struct pn_timer *timer) {
    (*((struct counting_timer *)timer)->fired)++;
}

struct timer_lab {
    struct pn_wheel wheel;
    uint64_t now, fired;
    size_t n;
    struct counting_timer probe;
    struct counting_timer standing[];
};

static struct timer_lab *lab_create(struct pn_bench_state *state, size_t armed) {
    (void)pn_bench_pin(state);
    struct timer_lab *lab = calloc(1, sizeof *lab + armed * sizeof lab->standing[0]);
    if (lab == NULL) {
        pn_bench_fail(state, "no memory");
        return NULL;
    }
    lab->n = armed;
    lab->now = 1000000000u;
    pn_wheel_init(&lab->wheel, lab->now);
    for (size_t i = 0; i < armed; i++) {
        lab->standing[i] = (struct counting_timer){{.fn = count_fire}, &lab->fired};
        /* Spread over the hours behind what the benchmark walks through. */
        pn_wheel_add(&lab->wheel, &lab->standing[i].timer, ((uint64_t)1 << 62) + i * 1000003u);
    }
    lab->probe = (struct counting_timer){{.fn = count_fire}, &lab->fired};
    return lab;
}

/* value: armed. */
static void run_add_cancel(struct pn_bench_state *state, const struct pn_bench_case *self) {
    struct timer_lab *lab = lab_create(state, (size_t)self->value);
    if (lab == NULL) {
        return;
    }
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        pn_wheel_add(&lab->wheel, &lab->probe.timer, lab->now + 1000000 + (i & 0xffff) * 1024);
        (void)pn_wheel_cancel(&lab->wheel, &lab->probe.timer);
    }
    pn_bench_end(state);
    if (lab->wheel.cancelled != n || lab->wheel.armed != lab->n || !pn_wheel_check(&lab->wheel)) {
        pn_bench_fail(state, "timers were lost");
    }
    free(lab);
}

/* value: armed, value2: delay in ns. One iteration = add, ask for the next, advance to it, fire. */
static void run_add_fire(struct pn_bench_state *state, const struct pn_bench_case *self) {
    struct timer_lab *lab = lab_create(state, (size_t)self->value);
    uint64_t early = 0, delay = (uint64_t)self->value2;
    if (lab == NULL) {
        return;
    }
    uint64_t n = pn_bench_begin(state);
    for (uint64_t i = 0; i < n; i++) {
        pn_wheel_add(&lab->wheel, &lab->probe.timer, lab->now + delay);
        uint64_t next = pn_wheel_next_ns(&lab->wheel);
        early += next < lab->now + delay;
        lab->now = next;
        (void)pn_wheel_advance(&lab->wheel, lab->now, 16);
    }
    pn_bench_end(state);
    if (lab->fired != n || early != 0 || !pn_wheel_check(&lab->wheel)) {
        pn_bench_fail(state, "timers fired early, or not each once");
    }
    free(lab);
}

static const struct pn_bench_case cases[] = {
    {"timer/add_cancel/armed=0", run_add_cancel, 1, 0, 0},
    {"timer/add_cancel/armed=10000", run_add_cancel, 1, 10000, 0},
    {"timer/add_fire/armed=0/delay_us=50", run_add_fire, 1, 0, 50000},
    {"timer/add_fire/armed=10000/delay_us=1000", run_add_fire, 1, 10000, 1000000},
};

const struct pn_micro_table pn_micro_timer = {cases, sizeof cases / sizeof cases[0]};
