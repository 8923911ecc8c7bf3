/* SPDX-License-Identifier: MIT
 *
 * Tells AddressSanitizer which bytes of an arena nobody may touch: free blocks, and what lies
 * behind the bytes asked for. A free block's first word stays open: it holds the link.
 */
#ifndef PN_ARENA_POISON_H
#define PN_ARENA_POISON_H

#include <stddef.h>

#if defined(__SANITIZE_ADDRESS__)
#define PN_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define PN_ASAN 1
#endif
#endif

#if defined(PN_ASAN)
#include <sanitizer/asan_interface.h>
#define pn_poison(at, bytes)   __asan_poison_memory_region((at), (bytes))
#define pn_unpoison(at, bytes) __asan_unpoison_memory_region((at), (bytes))
#define pn_is_poisoned(at)     (__asan_address_is_poisoned(at) != 0)
#else
#define pn_poison(at, bytes)   ((void)(at), (void)(bytes))
#define pn_unpoison(at, bytes) ((void)(at), (void)(bytes))
#define pn_is_poisoned(at)     ((void)(at), 0)
#endif

#endif
