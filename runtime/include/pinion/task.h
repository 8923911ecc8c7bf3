/* SPDX-License-Identifier: MIT
 *
 * pn_task: the unit that a scheduler runs, to completion. Intrusive: it lives inside what it works
 * for; 64 bytes. A function that has to wait returns, after arranging to be run again.
 *
 * State: idle -> ready (in exactly one queue) -> running -> idle. A running task may make itself
 * ready or sleep as its last act; nothing else may touch it then.
 * Owner: the caller, who keeps it alive until it is idle for good.
 */
#ifndef PINION_TASK_H
#define PINION_TASK_H

#include <pinion/wheel.h>

struct pn_runtime;
struct pn_task;

typedef void pn_task_fn(struct pn_task *task);

/* Zeroed with `run` set is a valid idle task. */
struct pn_task {
    struct pn_task *next; /* the queue's */
    pn_task_fn *run;
    struct pn_timer timer; /* the runtime's, while it sleeps */
};

/** Any thread: ready on core `core`, behind what is queued there. Wakes the core if it sleeps.
 *  \progress lock-free; a system call only if the core sleeps */
void pn_task_send(struct pn_runtime *rt, unsigned core, struct pn_task *task);

/* On a scheduler, that is, inside a task, a timer or a poller: */

/** Ready on this core, at the tail; thieves may take it. */
void pn_task_ready(struct pn_task *task);

/** Ready on this core after ns nanoseconds: never early, on an idle core within 0.1 ms. */
void pn_task_sleep(struct pn_task *task, uint64_t ns);

#endif
