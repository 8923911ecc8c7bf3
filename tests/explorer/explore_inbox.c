/* SPDX-License-Identifier: MIT
 *
 * The inbox that blocks and workers come home through: two threads push chains, the owner takes all
 * there is until it has everything, once each and with what the pusher wrote.
 */
#include "explorer.h"
#include "runtime/inbox.h"

enum { PUSHERS = 2, BLOCKS = 3 }; /* each pushes one block, then a chain of two */

struct block {
    struct pn_link link;
    unsigned written, taken;
};

static struct pn_inbox inbox;
static struct block *blocks[PUSHERS][BLOCKS];

static void push(void *arg) {
    struct block **mine = arg;
    for (unsigned i = 0; i < BLOCKS; i++) {
        mine[i]->written = i + 1;
    }
    (void)pn_inbox_push(&inbox, &mine[0]->link, &mine[0]->link);
    mine[1]->link.next = &mine[2]->link;
    (void)pn_inbox_push(&inbox, &mine[1]->link, &mine[2]->link);
}

static void take(void *arg) {
    (void)arg;
    for (unsigned n = 0; n < PUSHERS * BLOCKS;) {
        struct pn_link *link = pn_inbox_take(&inbox);
        if (link == NULL) {
            pn_relax();
        }
        while (link != NULL) {
            struct block *block = (struct block *)link;
            link = link->next;
            pn_xp_require(block->written != 0 && block->taken == 0);
            block->taken = 1;
            pn_xp_free(block); /* home: its owner may do anything with it */
            n++;
        }
    }
    pn_xp_require(!pn_inbox_waiting(&inbox));
}

static void setup(void) {
    pn_inbox_init(&inbox);
    for (unsigned p = 0; p < PUSHERS; p++) {
        for (unsigned i = 0; i < BLOCKS; i++) {
            blocks[p][i] = pn_xp_alloc(sizeof *blocks[p][i]);
            blocks[p][i]->written = blocks[p][i]->taken = 0;
        }
    }
    pn_xp_spawn(take, NULL);
    pn_xp_spawn(push, blocks[0]);
    pn_xp_spawn(push, blocks[1]);
}

int main(int argc, char **argv) {
    static const struct pn_xp_test test = {.name = "inbox", .setup = setup};
    return pn_xp_main(argc, argv, &test);
}
