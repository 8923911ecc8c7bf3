/* SPDX-License-Identifier: MIT
 *
 * An own workload: each job is a block of text whose lines are counted.
 *
 *     cc -O2 -shared -fPIC -I bench/include -o lines.so bench/examples/workload_lines.c
 *     pinion run --workload ./lines.so --design shared payload=4096
 */
#include <pinion/workload.h>

const uint32_t pn_workload_abi = PN_WORKLOAD_ABI;

/* Lines of 16 to 79 characters; how long they are depends on the job. */
static uint32_t line_length(uint32_t seed, uint32_t producer, uint32_t i) {
    return 16 + (seed + 7 * producer + i) % 64;
}

void pn_workload_make(void *data, size_t bytes, uint32_t seed, uint32_t producer, uint32_t i) {
    char *text = data;
    uint32_t length = line_length(seed, producer, i);
    uint32_t column = 0;
    for (size_t at = 0; at < bytes; at++) {
        column = column == length ? 0 : column + 1;
        text[at] = column == length ? '\n' : 'x';
    }
}

uint64_t pn_workload_compute(const void *data, size_t bytes, uint32_t seed, uint32_t producer,
                             uint32_t i) {
    const char *text = data;
    uint64_t lines = 0;
    for (size_t at = 0; at < bytes; at++) {
        lines += text[at] == '\n';
    }
    return lines * line_length(seed, producer, i) + i;
}

/* What the size of the data decides is not known here: that it fits the line's length is. */
int pn_workload_verify(uint32_t seed, uint32_t producer, uint32_t i, uint64_t result) {
    return result < i || (result - i) % line_length(seed, producer, i) != 0;
}
