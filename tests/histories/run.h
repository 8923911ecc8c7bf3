/* SPDX-License-Identifier: MIT
 *
 * One recorded run: threads do their part on a fresh queue, and what they did is judged.
 */
#ifndef HIST_RUN_H
#define HIST_RUN_H

#include "history.h"
#include "stamp.h"
#include "subject.h"

struct run_plan {
    const struct subject *subject;
    unsigned n[3];     /* threads by enum role */
    uint64_t capacity; /* 0 = unbounded */
    unsigned several;  /* items per operation: 1, or random up to this many */
    uint32_t items;    /* in all, shared among those who push */
    uint64_t seed;     /* of sizes and pauses; it does not repeat the schedule */
    bool closes;       /* one of those who push closes the queue somewhere on the way */
    uint64_t stuck_ns; /* without an item coming out: give up; 0 = 20 s */
};

enum { RUN_THREADS = 16, RUN_SEVERAL = 64 };

struct run_counts {
    uint64_t operations; /* items put in, items taken out, EMPTYs judged */
    uint64_t calls;
    uint64_t empties, wrong_empties, full;
};

/* Queue, threads and sizes, on one line without its end. */
void run_plan_print(const struct run_plan *plan, FILE *to);

struct run_room; /* memory that runs use one after the other */

int run_room_create(struct run_room **out, uint32_t items_most);
void run_room_destroy(struct run_room *room);

/**
 * \param counts  added to
 * \param to      where a failure is told, in one block; NULL: nowhere
 * \return 0 all right; 1 a flaw (its kind in *flaw); -errno it could not be run
 */
int run_once(struct run_room *room, struct stamps *stamps, const struct run_plan *plan,
             struct run_counts *counts, enum hist_flaw *flaw, FILE *to);

#endif
