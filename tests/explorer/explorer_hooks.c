/* SPDX-License-Identifier: MIT
 *
 * What explored files call besides atomic accesses: plain accesses (the compiler's __tsan_* calls),
 * futex, RCU, watched memory.
 */
#include "explorer_parts.h"

#include <stdlib.h>
#include <string.h>

/* A block freed, or used by somebody since. Executions are short: a list will do. */
void xp_check_block(uintptr_t address) {
    for (int i = xp.n_blocks - 1; i >= 0; i--) {
        struct xp_block *b = &xp.block[i];
        if (address >= b->address && address < b->address + b->bytes) {
            if (b->freed) {
                pn_xp_fail("use after free");
            }
            uint32_t now = xp.thread[xp.current].now.at[xp.current];
            uint32_t *used = &b->used.at[xp.current];
            *used = now > *used ? now : *used;
            return;
        }
    }
}

void *pn_xp_alloc(size_t bytes) {
    if (xp.n_blocks == XP_BLOCKS) {
        pn_xp_fail("the test allocates too many blocks");
    }
    size_t rounded = (bytes + PN_LINE - 1) / PN_LINE * PN_LINE;
    void *block = aligned_alloc(PN_LINE, rounded);
    if (block == NULL) {
        pn_xp_fail("no memory");
    }
    memset(block, 0, rounded);
    xp.block[xp.n_blocks] = (struct xp_block){.address = (uintptr_t)block, .bytes = rounded};
    xp.n_blocks++;
    return block;
}

/* The memory itself stays until the execution's end, so that a use after free is seen here. */
void pn_xp_free(void *block) {
    for (int i = 0; i < xp.n_blocks; i++) {
        struct xp_block *b = &xp.block[i];
        if (b->address != (uintptr_t)block) {
            continue;
        }
        if (b->freed) {
            pn_xp_fail("double free");
        }
        for (int t = 0; t < XP_THREADS; t++) {
            if (t != xp.current && b->used.at[t] > xp.thread[xp.current].now.at[t]) {
                pn_xp_fail("free not ordered after a use (freed too early)");
            }
        }
        b->freed = true;
        return;
    }
    pn_xp_fail("free of something that was not allocated");
}

const char *xp_leak(void) {
    const char *leak = NULL;
    for (int i = 0; i < xp.n_blocks; i++) {
        leak = xp.block[i].freed ? leak : "leak: a block was not freed";
        free((void *)xp.block[i].address);
    }
    xp.n_blocks = 0;
    return leak;
}

static struct xp_plain *find_plain(uintptr_t address) {
    unsigned h = (unsigned)((address * 0x9E3779B97F4A7C15u) >> 53) % (2 * XP_LOCATIONS);
    while (xp.plain_hash[h] != 0) {
        struct xp_plain *p = &xp.plain[xp.plain_hash[h] - 1];
        if (p->address == address) {
            return p;
        }
        h = (h + 1) % (2 * XP_LOCATIONS);
    }
    if (xp.n_plain == XP_LOCATIONS) {
        pn_xp_fail("the test uses too many plain locations");
    }
    struct xp_plain *p = &xp.plain[xp.n_plain++];
    xp.plain_hash[h] = xp.n_plain;
    memset(p, 0, sizeof *p);
    p->address = address;
    p->writer = -1;
    return p;
}

/* Stacks are their thread's own. */
static bool on_a_stack(uintptr_t address) {
    for (int t = 1; t < xp.n; t++) {
        uintptr_t base = (uintptr_t)xp.thread[t].stack;
        if (address >= base && address < base + XP_STACK) {
            return true;
        }
    }
    return false;
}

void xp_plain_access(uintptr_t address, bool write) {
    if (!xp.running || xp.current == 0 || on_a_stack(address)) {
        return;
    }
    xp_check_block(address);
    struct xp_thread *me = &xp.thread[xp.current];
    struct xp_plain *p = find_plain(address);
    if (p->writer >= 0 && p->writer != xp.current && p->written > me->now.at[p->writer]) {
        pn_xp_fail("data race: a plain access not ordered after another thread's write");
    }
    for (int t = 0; write && t < XP_THREADS; t++) {
        if (t != xp.current && p->read[t] > me->now.at[t]) {
            pn_xp_fail("data race: a plain write not ordered after another thread's read");
        }
    }
    if (write) {
        me->now.at[xp.current]++;
        p->writer = xp.current;
        p->written = me->now.at[xp.current];
    } else {
        p->read[xp.current] = me->now.at[xp.current];
    }
}

#define HOOK(bytes)                                                                                \
    void __tsan_read##bytes(void *p);                                                              \
    void __tsan_write##bytes(void *p);                                                             \
    void __tsan_unaligned_read##bytes(void *p);                                                    \
    void __tsan_unaligned_write##bytes(void *p);                                                   \
    void __tsan_read##bytes(void *p) {                                                             \
        xp_plain_access((uintptr_t)p, false);                                                      \
    }                                                                                              \
    void __tsan_write##bytes(void *p) {                                                            \
        xp_plain_access((uintptr_t)p, true);                                                       \
    }                                                                                              \
    void __tsan_unaligned_read##bytes(void *p) {                                                   \
        xp_plain_access((uintptr_t)p, false);                                                      \
    }                                                                                              \
    void __tsan_unaligned_write##bytes(void *p) {                                                  \
        xp_plain_access((uintptr_t)p, true);                                                       \
    }
HOOK(1)
HOOK(2)
HOOK(4)
HOOK(8)
HOOK(16)

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(void *p, size_t n);
void __tsan_write_range(void *p, size_t n);
void *__tsan_memset(void *p, int byte, size_t n);
void *__tsan_memcpy(void *to, const void *from, size_t n);
void *__tsan_memmove(void *to, const void *from, size_t n);

void __tsan_init(void) {
}

void __tsan_func_entry(void *caller) {
    (void)caller;
}

void __tsan_func_exit(void) {
}

static void range(uintptr_t p, size_t n, bool write) {
    for (size_t i = 0; i < n; i += 8) {
        xp_plain_access(p + i, write);
    }
}

void __tsan_read_range(void *p, size_t n) {
    range((uintptr_t)p, n, false);
}

void __tsan_write_range(void *p, size_t n) {
    range((uintptr_t)p, n, true);
}

void *__tsan_memset(void *p, int byte, size_t n) {
    range((uintptr_t)p, n, true);
    return memset(p, byte, n);
}

void *__tsan_memcpy(void *to, const void *from, size_t n) {
    range((uintptr_t)from, n, false);
    range((uintptr_t)to, n, true);
    return memcpy(to, from, n);
}

void *__tsan_memmove(void *to, const void *from, size_t n) {
    range((uintptr_t)from, n, false);
    range((uintptr_t)to, n, true);
    return memmove(to, from, n);
}

void pn_xp_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns);
void pn_xp_futex_wake(const void *word, int n);

void pn_xp_futex_wait(const void *word, uint32_t expected, uint64_t timeout_ns) {
    xp_switch_point();
    if ((uint32_t)xp_latest((uintptr_t)word) != expected) {
        return;
    }
    struct xp_thread *me = &xp.thread[xp.current];
    me->timed = timeout_ns != UINT64_MAX;
    if (me->timed && xp_choose(2) == 0) {
        return; /* the time ran out at once */
    }
    me->waits_on = (uintptr_t)word;
    xp_block_current();
    me->waits_on = 0;
    me->fresh = 1; /* the kernel's lock lies between wake and return */
}

void pn_xp_futex_wake(const void *word, int n) {
    xp_switch_point();
    for (int t = 1; n > 0 && t < xp.n; t++) {
        if (xp.thread[t].blocked && xp.thread[t].waits_on == (uintptr_t)word) {
            xp.thread[t].blocked = false;
            n--;
        }
    }
}

void pn_xp_rcu_register(void);
void pn_xp_rcu_unregister(void);
void pn_xp_rcu_quiescent(void);
void pn_xp_rcu_offline(void);
void pn_xp_rcu_online(void);
void pn_xp_rcu_synchronize(void);

/* Whoever waits for this thread's quiescent state may be done waiting. */
static void wake_synchronizers(void) {
    for (int t = 1; t < xp.n; t++) {
        if (xp.thread[t].in_synchronize) {
            xp.thread[t].blocked = false;
        }
    }
}

static void quiesce(bool online) {
    struct xp_thread *me = &xp.thread[xp.current];
    xp_switch_point();
    me->quiescent++;
    me->quiet = me->now;
    me->now.at[xp.current]++;
    me->online = online;
    if (online) {
        /* A reader that starts after a grace period began sees what was unpublished before it. */
        xp_join(&me->now, &xp.grace_starts);
    }
    wake_synchronizers();
}

void pn_xp_rcu_register(void) {
    xp.thread[xp.current].registered = true;
    quiesce(true);
}

void pn_xp_rcu_unregister(void) {
    quiesce(false);
    xp.thread[xp.current].registered = false;
}

void pn_xp_rcu_quiescent(void) {
    quiesce(true);
}

void pn_xp_rcu_offline(void) {
    quiesce(false);
}

void pn_xp_rcu_online(void) {
    quiesce(true);
}

static bool must_wait(const struct xp_thread *me) {
    for (int t = 1; t < xp.n; t++) {
        const struct xp_thread *other = &xp.thread[t];
        if (t != xp.current && !other->done && other->registered && other->online &&
            other->quiescent == me->waits_for[t]) {
            return true;
        }
    }
    return false;
}

void pn_xp_rcu_synchronize(void) {
    xp_switch_point();
    struct xp_thread *me = &xp.thread[xp.current];
    bool was_online = me->online;
    me->online = false;
    xp_join(&xp.grace_starts, &me->now);
    me->now.at[xp.current]++;
    for (int t = 1; t < xp.n; t++) {
        me->waits_for[t] = xp.thread[t].quiescent;
    }
    wake_synchronizers();
    while (xp.current != 0 && must_wait(me)) {
        me->in_synchronize = true;
        xp_block_current();
    }
    me->in_synchronize = false;
    me->online = was_online;
    for (int t = 1; t < xp.n; t++) {
        xp_join(&me->now, xp.thread[t].done ? &xp.thread[t].now : &xp.thread[t].quiet);
    }
}
