/* SPDX-License-Identifier: MIT
 *
 * What every queue of the runtime answers, and what it counts.
 */
#ifndef PINION_QUEUE_H
#define PINION_QUEUE_H

#include <stdint.h>

enum pn_queue_rc {
    PN_QUEUE_OK,
    PN_QUEUE_FULL,  /* no room now, or past the bound on retired bytes: see each header */
    PN_QUEUE_EMPTY, /* nothing to take now */
    PN_QUEUE_CLOSED /* no more will come, and nothing is left */
};

/* Single writer (the thread that owns the port), relaxed readers. */
struct pn_queue_counts {
    uint64_t push, pop;    /* items that went in and out */
    uint64_t cas_failed;   /* compare-and-swaps lost */
    uint64_t retries;      /* loops run again for any reason */
    uint64_t full, empty;  /* answers of that kind */
    uint64_t longest_wait; /* iterations of the longest wait inside one operation */
};

#endif
