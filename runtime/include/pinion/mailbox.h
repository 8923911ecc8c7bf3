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
 * Bound: at most `capacity` messages; a sender that finds no room is told, and may wait.
 * Source: D. Vyukov's intrusive MPSC queue with the empty mark of the Pony runtime's message queue.
 */
#ifndef PINION_MAILBOX_H
#define PINION_MAILBOX_H

#include <pinion/queue.h>
#include <pinion/task.h>
#include <stdbool.h>
#include <stddef.h>

struct pn_mailbox;

/* First member of a message. Opaque; written by the mailbox while the message is inside. */
struct pn_mail {
    void *next;
};

/* How messages get in. */
enum pn_mailbox_kind {
    PN_MAILBOX_LIST,  /* one exchange; wait-free for the sender */
    PN_MAILBOX_LOCKED /* a mutex around an outer list, the receiver takes all of it: BEAM's before
                         OTP 25. Blocking. For comparison */
};

/** \return 0; -ENOMEM; -EINVAL capacity 0 */
int pn_mailbox_create(struct pn_mailbox **out, enum pn_mailbox_kind kind, uint64_t capacity);
void pn_mailbox_destroy(struct pn_mailbox *box);

/**
 * \param idle  set to true if the receiver was idle, and the caller must schedule it
 * \return PN_QUEUE_OK; PN_QUEUE_FULL: the message is still the caller's
 */
enum pn_queue_rc pn_mailbox_push(struct pn_mailbox *box, struct pn_mail *mail, bool *idle);

/** The same of a PN_MAILBOX_LOCKED, which knows no other push, pop and rest. */
enum pn_queue_rc pn_mailbox_push_locked(struct pn_mailbox *box, struct pn_mail *mail, bool *idle);
enum pn_queue_rc pn_mailbox_pop_locked(struct pn_mailbox *box, struct pn_mail **mail);
bool pn_mailbox_rest_locked(struct pn_mailbox *box);

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

/** Any thread: messages accepted and not yet taken; a moment later it may be otherwise. */
uint64_t pn_mailbox_length(const struct pn_mailbox *box);

/** Receiver: n messages were taken; whoever waits for room may go on. Once per batch. */
void pn_mailbox_took(struct pn_mailbox *box, struct pn_runtime *rt, unsigned n);

/* A task that waits for room; lives in the producer. */
struct pn_mail_waiter {
    struct pn_mail_waiter *next;
    struct pn_task *task;
    unsigned core; /* where the task runs on */
};

/** On a scheduler: the waiter's task runs again once there may be room. */
void pn_mailbox_wait_room(struct pn_mailbox *box, struct pn_runtime *rt,
                          struct pn_mail_waiter *waiter);

/** A thread of the program's own: returns once there may be room. Polls if `spin`. */
void pn_mailbox_wait_room_foreign(struct pn_mailbox *box, bool spin);

#endif
