/* SPDX-License-Identifier: MIT
 *
 * pn_mailbox: an actor's mailbox, the mailbox design's counterpart of the shared queue. Intrusive,
 * any number of senders, one receiver; push also says whether the receiver must be scheduled.
 *
 * State: an actor is idle or scheduled. The lowest bit of `head` says "empty and idle": the sender
 * that swaps it away is the one that schedules the actor, and no other message does.
 * Progress: push is wait-free (one exchange). The receiver may find a message announced but not yet
 *   linked: a sender between its exchange and its link; it then answers "not yet", never waits.
 * Threads: push any; the rest only the receiver, while it is scheduled.
 * Bound: none here; senders hold credits (pinion/credit.h).
 * Source: D. Vyukov's intrusive MPSC queue with the empty mark of the Pony runtime's message queue.
 */
#ifndef PINION_MAILBOX_H
#define PINION_MAILBOX_H

#include <pinion/queue.h>
#include <stdbool.h>
#include <stddef.h>

struct pn_mailbox;

/* First member of a message. Opaque; written by the mailbox while the message is inside. */
struct pn_mail {
    void *next;
};

/** \return 0; -ENOMEM */
int pn_mailbox_create(struct pn_mailbox **out);
void pn_mailbox_destroy(struct pn_mailbox *box);

/** \return true: the receiver was idle, and the caller must schedule it */
bool pn_mailbox_push(struct pn_mailbox *box, struct pn_mail *mail);

/**
 * Receiver. PN_QUEUE_OK: *mail is the receiver's. PN_QUEUE_EMPTY: nothing, or a sender is between
 * announcing and linking: pn_mailbox_rest tells which.
 */
enum pn_queue_rc pn_mailbox_pop(struct pn_mailbox *box, struct pn_mail **mail);

/**
 * Receiver, after EMPTY: become idle. \return true: idle now, the next push schedules. False: there
 * is a message (or will be in a moment): stay scheduled and come again.
 */
bool pn_mailbox_rest(struct pn_mailbox *box);

#endif
