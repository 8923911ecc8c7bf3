/* SPDX-License-Identifier: MIT
 *
 * pn_mailbox with room for one message: two senders, tasks or foreign threads, wait for room, each
 * in its way, and are let go. Room means that the receiver is done with the message before: its
 * sender writes it again. Nobody waits for ever: that would be a deadlock here.
 */
#include "explorer.h"
#include "runtime/futex.h"

#include <pinion/mailbox.h>

enum { SENDERS = 2, EACH = 2 };

struct message {
    struct pn_mail mail;
    int number;
};

static struct pn_mailbox *box;
static struct message message[SENDERS][2]; /* one is inside, the other free */
static struct pn_mail_waiter waiter[SENDERS];
static bool is_task[SENDERS];
static PN_ATOMIC(uint32_t) scheduled;      /* futex word: 1 while the actor has been scheduled */
static PN_ATOMIC(uint32_t) ready[SENDERS]; /* futex words: the sender that is a task may go on */
static int turns;                          /* of the actor; whoever schedules it owns it */

void pn_task_send(struct pn_runtime *rt, unsigned core, struct pn_task *task);

/* The waiter's task is ready. */
void pn_task_send(struct pn_runtime *rt, unsigned core, struct pn_task *task) {
    (void)rt;
    pn_xp_require(core < SENDERS && task == (struct pn_task *)(void *)&ready[core]);
    (void)pn_xchg_acqrel(&ready[core], 1);
    pn_futex_wake(&ready[core], 1);
}

static void wait_as_task(int s) {
    pn_store_rlx(&ready[s], 0);
    waiter[s].core = (unsigned)s;
    waiter[s].task = (struct pn_task *)(void *)&ready[s];
    pn_mailbox_wait_room(box, NULL, &waiter[s]);
    while (pn_load_acq(&ready[s]) == 0) {
        pn_futex_wait(&ready[s], 0, PN_FOREVER);
    }
}

static void send(void *arg) {
    int s = (int)(uintptr_t)arg;
    for (int i = 0; i < EACH; i++) {
        struct message *m = &message[s][i % 2];
        m->number = i + 1;
        bool idle = false;
        while (pn_mailbox_push(box, &m->mail, &idle) != PN_QUEUE_OK) {
            if (is_task[s]) {
                wait_as_task(s);
            } else {
                pn_mailbox_wait_room_foreign(box, false);
            }
        }
        if (i > 0) {
            message[s][0].number = -1; /* there was room for the second: the first is free again */
        }
        if (idle) {
            turns++;
            pn_store_rel(&scheduled, 1);
            pn_futex_wake(&scheduled, 1);
        }
    }
}

static void receive(void *arg) {
    (void)arg;
    int received = 0;
    while (received < SENDERS * EACH) {
        while (pn_load_acq(&scheduled) == 0) {
            pn_futex_wait(&scheduled, 0, PN_FOREVER);
        }
        pn_store_rlx(&scheduled, 0); /* whoever finds it at rest raises it after that */
        for (;;) {
            struct pn_mail *mail = NULL;
            if (pn_mailbox_pop(box, &mail) == PN_QUEUE_OK) {
                pn_xp_require(((struct message *)mail)->number > 0);
                received++;
                pn_mailbox_took(box, NULL, 1);
                continue;
            }
            turns++;
            if (pn_mailbox_rest(box)) {
                break;
            }
            pn_relax();
        }
    }
}

static void setup(void) {
    if (pn_mailbox_create(&box, PN_MAILBOX_LIST, 1) != 0) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&scheduled, 0);
    for (int i = 0; i < SENDERS; i++) {
        pn_atomic_init(&ready[i], 0);
        is_task[i] = pn_xp_choose(2) == 0;
    }
    turns = 0;
    pn_xp_spawn(send, (void *)0);
    pn_xp_spawn(send, (void *)1);
    pn_xp_spawn(receive, NULL);
}

static void check(void) {
    pn_mailbox_destroy(box);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "mailbox_room", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
