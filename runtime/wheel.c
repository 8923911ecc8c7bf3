/* SPDX-License-Identifier: MIT
 *
 * The hierarchical timing wheel. Time is cut into ticks of 4.096 us; a due tick is a number of nine
 * 6-bit digits, one level per digit. See the invariant at struct pn_wheel.
 *
 * Why digits of the absolute tick: a timer and the wheel's tick share all digits above the timer's
 * level, so within a level everything pending lies ahead of the cursor and "which bucket is next"
 * is one count-trailing-zeros per question; no slot holds timers of two rotations, and no list for
 * the far future is needed. The price is that a timer just beyond a digit's carry starts at a high
 * level and comes down several levels, at most one move each.
 *
 * Tick length: the mean delay is half a tick. 16.4 us would still keep a 1 ms sleep under 1.1 ms,
 * 4.1 us leaves that margin to the kernel's wake-up, which is the larger part.
 */
#include <pinion/wheel.h>

#include <string.h>

enum { BITS = 6, DUE = PN_WHEEL_LEVELS * PN_WHEEL_SLOTS + 1 };

_Static_assert(1u << BITS == PN_WHEEL_SLOTS, "one 64-bit word of occupancy per level");
_Static_assert(BITS *PN_WHEEL_LEVELS >= 64 - 12, "levels cover every tick of a 64-bit clock");
_Static_assert(PN_WHEEL_TICK_NS == 1u << 12, "the line above counts on it");

static unsigned lowest(uint64_t word) {
    return (unsigned)__builtin_ctzll(word);
}

static uint64_t due_tick(uint64_t due_ns) {
    return due_ns / PN_WHEEL_TICK_NS + (due_ns % PN_WHEEL_TICK_NS != 0);
}

/* Circular lists with the head pointing at the oldest: 8 bytes a slot, append in O(1). */
static void list_append(struct pn_timer **head, struct pn_timer *timer) {
    if (*head == NULL) {
        timer->next = timer->prev = timer;
        *head = timer;
        return;
    }
    timer->next = *head;
    timer->prev = (*head)->prev;
    timer->prev->next = timer;
    (*head)->prev = timer;
}

static void list_remove(struct pn_timer **head, struct pn_timer *timer) {
    if (timer->next == timer) {
        *head = NULL;
        return;
    }
    timer->prev->next = timer->next;
    timer->next->prev = timer->prev;
    if (*head == timer) {
        *head = timer->next;
    }
}

/* First tick of a slot, seen from the wheel's tick, which shares all higher digits. */
static uint64_t slot_start(uint64_t tick, unsigned level, unsigned slot) {
    unsigned shift = level * BITS;
    return (((tick >> shift) & ~(uint64_t)(PN_WHEEL_SLOTS - 1)) | slot) << shift;
}

static void place(struct pn_wheel *wheel, struct pn_timer *timer) {
    uint64_t due = due_tick(timer->due_ns);
    if (due <= wheel->tick) {
        timer->where = DUE;
        wheel->n_due++;
        list_append(&wheel->due, timer);
        return;
    }
    unsigned level = (63u - (unsigned)__builtin_clzll(due ^ wheel->tick)) / BITS;
    unsigned slot = (unsigned)(due >> (level * BITS)) & (PN_WHEEL_SLOTS - 1);
    uint64_t bit = (uint64_t)1 << slot;
    if ((wheel->occupied[level] & bit) == 0 || due < wheel->earliest[level][slot]) {
        wheel->earliest[level][slot] = due;
    }
    wheel->occupied[level] |= bit;
    wheel->levels |= 1u << level;
    timer->where = level * PN_WHEEL_SLOTS + slot + 1;
    list_append(&wheel->slot[level][slot], timer);
}

static void slot_emptied(struct pn_wheel *wheel, unsigned level, unsigned slot) {
    wheel->occupied[level] &= ~((uint64_t)1 << slot);
    if (wheel->occupied[level] == 0) {
        wheel->levels &= ~(1u << level);
    }
}

void pn_wheel_init(struct pn_wheel *wheel, uint64_t now_ns) {
    memset(wheel, 0, sizeof *wheel);
    wheel->tick = now_ns / PN_WHEEL_TICK_NS;
}

void pn_wheel_add(struct pn_wheel *wheel, struct pn_timer *timer, uint64_t due_ns) {
    timer->due_ns = due_ns;
    wheel->armed++;
    place(wheel, timer);
}

bool pn_wheel_cancel(struct pn_wheel *wheel, struct pn_timer *timer) {
    if (timer->where == 0) {
        return false;
    }
    if (timer->where == DUE) {
        list_remove(&wheel->due, timer);
        wheel->n_due--;
    } else {
        unsigned level = (timer->where - 1) / PN_WHEEL_SLOTS;
        unsigned slot = (timer->where - 1) % PN_WHEEL_SLOTS;
        list_remove(&wheel->slot[level][slot], timer);
        if (wheel->slot[level][slot] == NULL) {
            slot_emptied(wheel, level, slot);
        }
    }
    timer->where = 0;
    wheel->armed--;
    wheel->cancelled++;
    return true;
}

/* Bring the tick up to now: every bucket that starts by then either is due (level 0) or is dealt
 * out to the levels below. Between two buckets nothing is pending, so the tick may jump: the jump
 * ends before the next bucket's start, hence no pending timer's highest differing digit moves. */
static void expire(struct pn_wheel *wheel, uint64_t now_tick) {
    while (wheel->levels != 0) {
        unsigned level = lowest(wheel->levels);
        unsigned slot = lowest(wheel->occupied[level]);
        uint64_t start = slot_start(wheel->tick, level, slot);
        if (start > now_tick) {
            break;
        }
        wheel->tick = start;
        struct pn_timer *first = wheel->slot[level][slot];
        wheel->slot[level][slot] = NULL;
        slot_emptied(wheel, level, slot);
        struct pn_timer *timer = first;
        do {
            struct pn_timer *next = timer->next;
            place(wheel, timer);
            wheel->moved_down += level != 0;
            timer = next;
        } while (timer != first);
    }
    if (now_tick > wheel->tick) {
        wheel->tick = now_tick;
    }
}

size_t pn_wheel_advance(struct pn_wheel *wheel, uint64_t now_ns, size_t budget) {
    expire(wheel, now_ns / PN_WHEEL_TICK_NS);
    /* What fn adds joins the end of the list and is not part of this count, so an fn that adds
     * itself again without delay cannot hold the core. */
    size_t limit = wheel->n_due < budget ? wheel->n_due : budget;
    size_t fired = 0;
    while (fired < limit && wheel->due != NULL) {
        struct pn_timer *timer = wheel->due;
        list_remove(&wheel->due, timer);
        timer->where = 0;
        wheel->n_due--;
        wheel->armed--;
        wheel->fired++;
        fired++;
        timer->fn(timer);
    }
    return fired;
}

uint64_t pn_wheel_next_ns(const struct pn_wheel *wheel) {
    if (wheel->due != NULL) {
        return 0;
    }
    if (wheel->levels == 0) {
        return UINT64_MAX;
    }
    unsigned level = lowest(wheel->levels);
    uint64_t tick = wheel->earliest[level][lowest(wheel->occupied[level])];
    return tick > UINT64_MAX / PN_WHEEL_TICK_NS ? UINT64_MAX - 1 : tick * PN_WHEEL_TICK_NS;
}

static bool slot_check(const struct pn_wheel *wheel, unsigned level, unsigned slot,
                       uint64_t *count) {
    const struct pn_timer *first = wheel->slot[level][slot];
    bool occupied = (wheel->occupied[level] >> slot & 1u) != 0;
    if ((first != NULL) != occupied) {
        return false;
    }
    if (first == NULL) {
        return true;
    }
    const struct pn_timer *timer = first;
    do {
        uint64_t due = due_tick(timer->due_ns);
        if (due <= wheel->tick || due < wheel->earliest[level][slot] ||
            (63u - (unsigned)__builtin_clzll(due ^ wheel->tick)) / BITS != level ||
            timer->where != level * PN_WHEEL_SLOTS + slot + 1 || timer->next->prev != timer) {
            return false;
        }
        (*count)++;
        timer = timer->next;
    } while (timer != first);
    return true;
}

bool pn_wheel_check(const struct pn_wheel *wheel) {
    uint64_t count = 0;
    for (unsigned level = 0; level < PN_WHEEL_LEVELS; level++) {
        if ((wheel->occupied[level] != 0) != ((wheel->levels >> level & 1u) != 0)) {
            return false;
        }
        for (unsigned slot = 0; slot < PN_WHEEL_SLOTS; slot++) {
            if (!slot_check(wheel, level, slot, &count)) {
                return false;
            }
        }
    }
    uint32_t due = 0;
    const struct pn_timer *timer = wheel->due;
    while (timer != NULL) {
        due++;
        timer = timer->next == wheel->due ? NULL : timer->next;
    }
    return due == wheel->n_due && count + due == wheel->armed;
}
