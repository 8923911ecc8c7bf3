/* SPDX-License-Identifier: MIT
 *
 * pn_reader: a thread that may hold what a reclaimer gives back later: a port of a pn_segq. It is
 * inside a read-side section (liburcu's QSBR) from opening to closing, but for the moments in which
 * it says that it holds nothing.
 *
 * Schedulers are readers already. A thread of a program's own opens one, says quiescent between
 * operations, at the latest every few hundred, and goes offline before whatever may sleep or block:
 * an online reader that does neither stops all reclamation, until queues answer FULL. It is then
 * named (pn_reclaimer_held_up). Waiting at a queue (pinion/wait.h) goes offline by itself.
 *
 * Threads: each call from the reader's own. Cost: quiescent about 5 ns, no shared line written.
 */
#ifndef PINION_READER_H
#define PINION_READER_H

#include <stdbool.h>
#include <stdint.h>

struct pn_reclaimer;
struct pn_reader;

/** Online from here on. \param name  copied, for reports ("ingest 3"); at most 47 bytes are kept
 * \return 0; -ENOMEM */
int pn_reader_open(struct pn_reclaimer *r, const char *name, struct pn_reader **out);
/** The thread holds nothing any more, its ports are closed. NULL is allowed. */
void pn_reader_close(struct pn_reader *reader);

void pn_reader_quiescent(struct pn_reader *reader);
void pn_reader_offline(struct pn_reader *reader);
void pn_reader_online(struct pn_reader *reader);

/* Who holds up a grace period. */
struct pn_holdup {
    uint64_t ns;   /* how long it has lasted */
    char name[48]; /* the first reader that was online all the time; "" if it is none of ours */
    int tid;       /* its thread, or 0 */
};

/** Any thread. \return true if a grace period has been lasting for at least so long */
bool pn_reclaimer_held_up(struct pn_reclaimer *r, uint64_t at_least_ns, struct pn_holdup *out);

#endif
