/* SPDX-License-Identifier: MIT
 *
 * pn_mailbox: two senders and an actor that is scheduled by whoever finds it idle. Every message is
 * received once, in its sender's order; the actor is never scheduled twice at a time; it never
 * rests over a message that nobody will schedule it for (that would be a deadlock here).
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
static struct message message[SENDERS][EACH];
static int turns; /* plain: it belongs to the actor, and at rest to whoever schedules it */
static PN_ATOMIC(uint32_t) scheduled; /* futex word: 1 while the actor has been scheduled */

void pn_task_send(struct pn_runtime *rt, unsigned core, struct pn_task *task);

/* No task waits for room in this test. */
void pn_task_send(struct pn_runtime *rt, unsigned core, struct pn_task *task) {
    (void)rt;
    (void)core;
    (void)task;
    pn_xp_fail("a waiter nobody registered was released");
}

static void send(void *arg) {
    struct message *own = arg;
    for (int i = 0; i < EACH; i++) {
        own[i].number = i + 1;
        bool idle = false;
        pn_xp_require(pn_mailbox_push(box, &own[i].mail, &idle) == PN_QUEUE_OK);
        if (idle) {
            turns++;
            pn_xp_require(pn_xchg_acqrel(&scheduled, 1) == 0);
            pn_futex_wake(&scheduled, 1);
        }
    }
}

static void receive(void *arg) {
    (void)arg;
    int last[SENDERS] = {0};
    int received = 0;
    unsigned taken = 0;
    bool each = pn_xp_choose(2) == 0; /* room is given back after each, or when nothing is left */
    while (received < SENDERS * EACH) {
        while (pn_load_acq(&scheduled) == 0) {
            pn_futex_wait(&scheduled, 0, PN_FOREVER);
        }
        for (;;) {
            struct pn_mail *mail = NULL;
            if (pn_mailbox_pop(box, &mail) == PN_QUEUE_OK) {
                struct message *m = (struct message *)mail;
                int s = m >= message[1] ? 1 : 0;
                pn_xp_require(m->number == last[s] + 1);
                last[s] = m->number;
                received++;
                if (each) {
                    pn_mailbox_took(box, NULL, 1);
                }
                taken++;
                continue;
            }
            if (!each && taken > 0) {
                pn_mailbox_took(box, NULL, taken);
            }
            taken = 0;
            turns++;
            /* Before resting: the next sender may schedule as soon as the mark is there. */
            pn_store_rel(&scheduled, 0);
            if (pn_mailbox_rest(box)) {
                break;
            }
            pn_store_rel(&scheduled, 1);
            pn_relax();
        }
    }
}

static void setup(void) {
    if (pn_mailbox_create(&box, PN_MAILBOX_LIST, SENDERS * EACH) != 0) {
        pn_xp_fail("no memory");
    }
    pn_atomic_init(&scheduled, 0);
    turns = 0;
    pn_xp_spawn(send, message[0]);
    pn_xp_spawn(send, message[1]);
    pn_xp_spawn(receive, NULL);
}

static void check(void) {
    pn_mailbox_destroy(box);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "mailbox", .setup = setup, .check = check};
    return pn_xp_main(argc, argv, &test);
}
