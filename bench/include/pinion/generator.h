/* SPDX-License-Identifier: MIT
 *
 * The workload's counter-based generator: a job is made again from (producer, i) alone.
 *
 * 32-bit on purpose: every product stays under 2^59, the largest integer that the BEAM keeps
 * unboxed, so that the same job costs no runtime its number format.
 */
#ifndef PINION_GENERATOR_H
#define PINION_GENERATOR_H

#include <stdbool.h>
#include <stdint.h>

/* Which draw a number belongs to: mix(key + n). */
enum pn_draw {
    PN_DRAW_SLEEP = 1,
    PN_DRAW_CRASH = 2,
    PN_DRAW_UNITS = 3,
    PN_DRAW_SLEEP_US = 4,
    PN_DRAW_BLOCK = 5,
    PN_DRAW_PAYLOAD = 6,
    PN_DRAW_GREEDY = 7,
    PN_DRAW_ARRIVAL = 8,
    PN_DRAW_KEY = 9,
    PN_DRAW_PARTNER = 10
};

static inline uint32_t pn_round(uint32_t x) {
    return (uint32_t)((uint64_t)(x ^ (x >> 15)) * 0x2545F49u + 0x9E3779B9u);
}

static inline uint32_t pn_mix(uint32_t x) {
    uint32_t y = pn_round(pn_round(pn_round(pn_round(x))));
    return y ^ (y >> 16);
}

static inline uint32_t pn_job_base(uint32_t seed, uint32_t producer) {
    return pn_mix(seed + producer * 0x632BE5u);
}

/* i counts within the producer from 0; i < 2^27. */
static inline uint32_t pn_job_key(uint32_t base, uint32_t i) {
    return pn_mix(base + i * 0x1F123BB5u);
}

static inline bool pn_job_hit(uint32_t key, enum pn_draw n, uint32_t ppm) {
    return pn_mix(key + (uint32_t)n) % 1000000u < ppm;
}

static inline uint32_t pn_job_pick(uint32_t key, enum pn_draw n, uint32_t lo, uint32_t hi) {
    return lo + pn_mix(key + (uint32_t)n) % (hi - lo + 1u);
}

/* The compute step: a dependent chain, so it neither vectorises nor folds. */
uint32_t pn_compute(uint32_t x, uint32_t units);
/* The same with a counter that is taken down and looked at in every step, as compiled BEAM code
 * does for its reductions. */
uint32_t pn_compute_counted(uint32_t x, uint32_t units);

#endif
