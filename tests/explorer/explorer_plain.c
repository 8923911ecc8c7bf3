/* SPDX-License-Identifier: MIT
 *
 * Memory that is watched, and plain accesses as the compiler reports them (-fsanitize=thread).
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

/* Memory that the C library hands out again within one execution: who used it before its free is
 * ordered before by the library, which is not watched. */
static void forget(uintptr_t address, size_t bytes) {
    for (uintptr_t at = address; at < address + bytes; at += 8) {
        int64_t known = xp_map_known(&xp.plain_of, at);
        for (unsigned i = 0; known >= 0 && i < 8; i++) {
            xp.plain[known].unit[i] = (struct xp_unit){.writer = -1};
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
    forget((uintptr_t)block, rounded);
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

/* Stacks are their thread's own, and so are thread-local words. */
static bool is_own(uintptr_t address) {
    for (int i = 0; i < xp.n_locals; i++) {
        if (address == (uintptr_t)xp.local[i]) {
            return true;
        }
    }
    for (int t = 1; t < xp.n; t++) {
        uintptr_t base = (uintptr_t)xp.thread[t].stack;
        if (address >= base && address < base + XP_STACK) {
            return true;
        }
    }
    return false;
}

static void unit_access(struct xp_unit *unit, bool write) {
    struct xp_thread *me = &xp.thread[xp.current];
    int writer = unit->writer;
    if (writer >= 0 && writer != xp.current && unit->written > me->now.at[writer]) {
        pn_xp_fail("data race: a plain access not ordered after another thread's write");
    }
    if (!write) {
        unit->read[xp.current] = me->now.at[xp.current];
        return;
    }
    for (int t = 0; t < XP_THREADS; t++) {
        if (t != xp.current && unit->read[t] > me->now.at[t]) {
            pn_xp_fail("data race: a plain write not ordered after another thread's read");
        }
    }
    unit->writer = xp.current;
    unit->written = me->now.at[xp.current];
}

/* Accesses of another size or place than before: from here on byte by byte. */
static void split(struct xp_plain *p) {
    struct xp_unit whole = p->unit[0];
    for (unsigned i = 0; i < 8; i++) {
        bool inside = i >= p->first && i < (unsigned)p->first + p->bytes;
        p->unit[i] = inside ? whole : (struct xp_unit){.writer = -1};
    }
    p->bytes = 0;
}

/* Within one aligned word. */
static void word_access(uintptr_t address, unsigned bytes, bool write) {
    unsigned first = address & 7;
    bool fresh;
    struct xp_plain *p =
        &xp.plain[xp_map_find(&xp.plain_of, address - first, &xp.n_plain, XP_WORDS, &fresh)];
    if (fresh) {
        p->first = (uint8_t)first;
        p->bytes = (uint8_t)bytes;
        p->unit[0] = (struct xp_unit){.writer = -1};
    }
    if (p->bytes == bytes && p->first == first) {
        unit_access(&p->unit[0], write);
        return;
    }
    if (p->bytes != 0) {
        split(p);
    }
    for (unsigned i = first; i < first + bytes; i++) {
        unit_access(&p->unit[i], write);
    }
}

static void access_range(uintptr_t address, size_t bytes, bool write) {
    if (!xp.running || xp.current == 0 || bytes == 0 || is_own(address)) {
        return;
    }
    if (++xp.plain_accesses > XP_PLAIN_MAX) {
        pn_xp_fail("livelock: no end after 2000000 plain accesses");
    }
    xp_check_block(address);
    for (uintptr_t at = address; at < address + bytes;) {
        size_t left = address + bytes - at;
        size_t word = 8 - (at & 7);
        word = word < left ? word : left;
        word_access(at, (unsigned)word, write);
        at += word;
    }
}

#define HOOK(kind, bytes, write)                                                                   \
    void __tsan_##kind##bytes(void *p);                                                            \
    void __tsan_##kind##bytes(void *p) {                                                           \
        xp.pc = (uintptr_t)__builtin_return_address(0);                                            \
        access_range((uintptr_t)p, bytes, write);                                                  \
    }
#define HOOKS(bytes)                                                                               \
    HOOK(read, bytes, false)                                                                       \
    HOOK(write, bytes, true)                                                                       \
    HOOK(unaligned_read, bytes, false)                                                             \
    HOOK(unaligned_write, bytes, true)                                                             \
    HOOK(volatile_read, bytes, false)                                                              \
    HOOK(volatile_write, bytes, true)                                                              \
    HOOK(unaligned_volatile_read, bytes, false)                                                    \
    HOOK(unaligned_volatile_write, bytes, true)                                                    \
    HOOK(read_write, bytes, true)                                                                  \
    HOOK(unaligned_read_write, bytes, true)
HOOKS(1)
HOOKS(2)
HOOKS(4)
HOOKS(8)
HOOKS(16)

/* An atomic access that is spelled without runtime/atomic.h calls __tsan_atomic*, which does not
 * exist here: the program does not link. */
void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(void *p, size_t n);
void __tsan_write_range(void *p, size_t n);
void *__tsan_memset(void *p, int byte, size_t n);
void *__tsan_memcpy(void *to, const void *from, size_t n);
void *__tsan_memmove(void *to, const void *from, size_t n);
/* Calls that are written out: libtsan intercepts them, here the command line renames them. */
void *pn_xp_memset(void *p, int byte, size_t n);
void *pn_xp_memcpy(void *to, const void *from, size_t n);
void *pn_xp_memmove(void *to, const void *from, size_t n);

void __tsan_init(void) {
}

void __tsan_func_entry(void *caller) {
    (void)caller;
}

void __tsan_func_exit(void) {
}

void __tsan_read_range(void *p, size_t n) {
    xp.pc = (uintptr_t)__builtin_return_address(0);
    access_range((uintptr_t)p, n, false);
}

void __tsan_write_range(void *p, size_t n) {
    xp.pc = (uintptr_t)__builtin_return_address(0);
    access_range((uintptr_t)p, n, true);
}

void *pn_xp_memset(void *p, int byte, size_t n) {
    xp.pc = (uintptr_t)__builtin_return_address(0);
    access_range((uintptr_t)p, n, true);
    return memset(p, byte, n);
}

void *pn_xp_memcpy(void *to, const void *from, size_t n) {
    xp.pc = (uintptr_t)__builtin_return_address(0);
    access_range((uintptr_t)from, n, false);
    access_range((uintptr_t)to, n, true);
    return memcpy(to, from, n);
}

void *pn_xp_memmove(void *to, const void *from, size_t n) {
    xp.pc = (uintptr_t)__builtin_return_address(0);
    access_range((uintptr_t)from, n, false);
    access_range((uintptr_t)to, n, true);
    return memmove(to, from, n);
}

void *__tsan_memset(void *p, int byte, size_t n) {
    return pn_xp_memset(p, byte, n);
}

void *__tsan_memcpy(void *to, const void *from, size_t n) {
    return pn_xp_memcpy(to, from, n);
}

void *__tsan_memmove(void *to, const void *from, size_t n) {
    return pn_xp_memmove(to, from, n);
}
