/* SPDX-License-Identifier: MIT */
#include <pinion/generator.h>

/* Never inlined: the same machine code computes for every design, at the same alignment, so that
 * no design is faster because a compiler placed its copy of this loop better. */
#if defined(__clang__)
#define ONE_COPY __attribute__((noinline, aligned(64)))
#else
#define ONE_COPY __attribute__((noinline, noclone, aligned(64)))
#endif
ONE_COPY uint32_t pn_compute(uint32_t x, uint32_t units) {
    for (uint32_t u = 0; u < units; u++) {
        x = pn_round(x);
    }
    return x;
}

ONE_COPY uint32_t pn_compute_counted(uint32_t x, uint32_t units) {
    uint32_t left = units;
    for (;;) {
        if (left-- == 0) {
            return x;
        }
        x = pn_round(x);
        __asm__("" : "+r"(left)); /* or the compiler folds it into the loop's own counter */
    }
}
