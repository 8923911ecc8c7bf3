/* SPDX-License-Identifier: MIT
 *
 * The operations of one execution on a queue, checked for linearizability against a FIFO queue by
 * trying every order (Wing & Gong, JPDC 1993). For a dozen operations at most.
 *
 * Which operation comes before which? In an execution without old values (pn_xp_weak): the one that
 * returned before the other was called. With old values an operation may be earlier than the clock
 * says, as long as nothing has told its thread otherwise. So there the successes are checked by the
 * clock, and all operations once more by happens-before.
 *
 * EMPTY and FULL are checked one at a time: where the two sides do not fence (pn_spsc), a pusher
 * may be told FULL and a popper EMPTY of one state, each by an old value of the other's index
 * (store buffering), and no order explains both.
 */
#ifndef PN_XP_HISTORY_H
#define PN_XP_HISTORY_H

#include <stdbool.h>
#include <stdint.h>

enum { XP_OPERATIONS = 16 };

/* What is checked besides the order of the items. */
enum { XP_FIFO = 0, XP_EMPTY = 1, XP_FULL = 2 };

void xp_history_begin(unsigned flags, uint64_t capacity); /* in the set-up; 0: unbounded */

/* Around each call. Values are distinct and not 0. */
int xp_push_begins(uint64_t value);
int xp_pop_begins(void);
void xp_push_ends(int operation, bool pushed);
void xp_pop_ends(int operation, uint64_t value); /* 0: EMPTY */

/* In the check: the execution fails if there is no order. */
void xp_history_check(void);

/* Whether that EMPTY could not have been said by a linearizable queue: with the successes it has no
 * order. */
bool xp_empty_is_weak(int operation);

#endif
