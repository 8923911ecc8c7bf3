/* SPDX-License-Identifier: MIT
 *
 * Nodes for the linked queues, recycled: better than the malloc and free per item of their own
 * examples. What a thread takes out of the queue it keeps for what it puts in; a thread that only
 * takes out gives nodes back 64 at a time (one compare-and-swap), a thread that only puts in takes
 * all that were given back (one exchange). Type-stable: nothing is freed before the end.
 *
 * Before: struct node with `struct node *spare`, used while the node is in no queue. NODES_AGE 1: a
 * node that was taken out may not go in again at once; then NODES_USED(own) gets the 64.
 */
#include <stddef.h>
#include <stdlib.h>

#ifndef NODES_AGE
#define NODES_AGE 0
#endif

enum { NODES_GIVEN = 64, NODES_MADE = 1024 };

struct node_block {
    struct node_block *next;
    struct node node[NODES_MADE];
};

/* Shared; each on a line of its own. */
struct nodes {
    struct node *given __attribute__((aligned(128)));
    struct node_block *blocks __attribute__((aligned(128)));
};

struct own_nodes {
    struct nodes *shared;
    struct node *spare;         /* to use */
    struct node *used, *oldest; /* taken out; oldest is the list's last */
    unsigned n_used;
};

static __attribute__((noinline)) struct node *node_more(struct own_nodes *own) {
    own->spare = __atomic_exchange_n(&own->shared->given, NULL, __ATOMIC_ACQUIRE);
    if (own->spare == NULL) {
        struct node_block *b = aligned_alloc(64, (sizeof *b + 63) / 64 * 64);
        if (b == NULL) {
            abort();
        }
        for (unsigned i = 0; i < NODES_MADE; i++) {
            b->node[i].spare = i + 1 < NODES_MADE ? &b->node[i + 1] : NULL;
        }
        b->next = __atomic_load_n(&own->shared->blocks, __ATOMIC_RELAXED);
        while (!__atomic_compare_exchange_n(&own->shared->blocks, &b->next, b, 1, __ATOMIC_RELEASE,
                                            __ATOMIC_RELAXED)) {
        }
        own->spare = b->node;
    }
    struct node *n = own->spare;
    own->spare = n->spare;
    return n;
}

static inline struct node *node_get(struct own_nodes *own) {
    struct node *n = own->used;
    if (!NODES_AGE && n != NULL) {
        own->used = n->spare;
        own->n_used--;
        return n;
    }
    n = own->spare;
    if (n != NULL) {
        own->spare = n->spare;
        return n;
    }
    return node_more(own);
}

/* A list of nodes, first to last, back to whoever needs some. */
static inline void nodes_give(struct nodes *shared, struct node *first, struct node *last) {
    struct node *top = __atomic_load_n(&shared->given, __ATOMIC_RELAXED);
    do {
        last->spare = top;
    } while (!__atomic_compare_exchange_n(&shared->given, &top, first, 1, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
}

#ifndef NODES_USED
#define NODES_USED(own) nodes_give((own)->shared, (own)->used, (own)->oldest)
#endif

static inline void node_put(struct own_nodes *own, struct node *n) {
    if (own->used == NULL) {
        own->oldest = n;
    }
    n->spare = own->used;
    own->used = n;
    if (++own->n_used == NODES_GIVEN) {
        NODES_USED(own);
        own->used = NULL;
        own->n_used = 0;
    }
}

static inline void nodes_free(struct nodes *shared) {
    while (shared->blocks != NULL) {
        struct node_block *b = shared->blocks;
        shared->blocks = b->next;
        free(b);
    }
}
