/* SPDX-License-Identifier: MIT
 *
 * The explorer back-end of runtime/atomic.h: every access is a call into tests/explorer, which
 * decides who runs next and which of the stores that the memory model allows a load sees. Only
 * runtime/atomic.h includes this.
 */
#ifndef PN_ATOMIC_EXPLORE_H
#define PN_ATOMIC_EXPLORE_H

#include <stdatomic.h>
#include <stddef.h>

enum pn_xp_order { PN_XP_RLX, PN_XP_ACQ, PN_XP_REL, PN_XP_ACQREL, PN_XP_SEQ };
enum pn_xp_rmw { PN_XP_XCHG, PN_XP_ADD, PN_XP_OR, PN_XP_AND };
enum pn_xp_kind {
    PN_XP_LOAD,
    PN_XP_STORE,
    PN_XP_RMW,
    PN_XP_CAS,
    PN_XP_FENCE,
    PN_XP_BARRIER, /* membarrier */
    PN_XP_LIGHT,   /* its light side */
    PN_XP_GRACE    /* synchronize */
};

/* One place in the source. The explorer names it file:function:n-th, which survives edits around
 * it, and reads the orders from here, so that a mutant is a site with another order. */
struct pn_xp_site {
    const char *file, *unit, *function;
    int line, counter;
    uint8_t kind, order, order_failed; /* enum pn_xp_kind, pn_xp_order */
    bool broken;                       /* a mutant: dropped, or succeeds without the check */
    bool reached;
};

void pn_xp_init(const void *p, uint64_t value);
uint64_t pn_xp_load(const void *p, struct pn_xp_site *site);
void pn_xp_store(const void *p, uint64_t value, struct pn_xp_site *site);
uint64_t pn_xp_rmw(const void *p, size_t size, enum pn_xp_rmw op, uint64_t operand,
                   struct pn_xp_site *site);
bool pn_xp_cas(const void *p, uint64_t *expected, uint64_t desired, struct pn_xp_site *site);
void pn_xp_fence(struct pn_xp_site *site);
void pn_xp_relax(void);

/* All sites of a program lie in one section, where the explorer finds them before any of them runs.
 * The alignment is that of a member: a larger one would leave holes between them. */
#define PN_XP_SITE(kind, order, order_failed)                                                      \
    ({                                                                                             \
        static struct pn_xp_site pn_xp_here                                                        \
            __attribute__((section("pn_xp_sites"), used, aligned(8))) = {                          \
                __FILE__, __BASE_FILE__, __func__,     __LINE__, __COUNTER__,                      \
                kind,     order,         order_failed, false,    false};                           \
        &pn_xp_here;                                                                               \
    })

/* The comma makes an lvalue a value, which drops _Atomic from its type. */
#define PN_XP_TYPE(p) __typeof__(((void)0, *(p)))
#define PN_XP_AT(p)   ((const void *)(uintptr_t)(p))
#define PN_XP_WORD(v) ((uint64_t)(uintptr_t)(v))

#define PN_XP_LOAD_(p, o)                                                                          \
    ((PN_XP_TYPE(p))(uintptr_t)pn_xp_load(PN_XP_AT(p), PN_XP_SITE(PN_XP_LOAD, o, PN_XP_RLX)))
#define PN_XP_STORE_(p, v, o)                                                                      \
    pn_xp_store(PN_XP_AT(p), PN_XP_WORD((PN_XP_TYPE(p))(v)), PN_XP_SITE(PN_XP_STORE, o, PN_XP_RLX))
#define PN_XP_RMW_(p, op, v, o)                                                                    \
    ((PN_XP_TYPE(p))(uintptr_t)pn_xp_rmw(PN_XP_AT(p), sizeof *(p), op,                             \
                                         PN_XP_WORD((PN_XP_TYPE(p))(v)),                           \
                                         PN_XP_SITE(PN_XP_RMW, o, PN_XP_RLX)))
#define PN_XP_CAS_(p, e, v, yes, no)                                                               \
    ({                                                                                             \
        uint64_t pn_xp_e = PN_XP_WORD(*(e));                                                       \
        bool pn_xp_ok = pn_xp_cas(PN_XP_AT(p), &pn_xp_e, PN_XP_WORD((PN_XP_TYPE(p))(v)),           \
                                  PN_XP_SITE(PN_XP_CAS, yes, no));                                 \
        if (!pn_xp_ok) {                                                                           \
            *(e) = (PN_XP_TYPE(p))(uintptr_t)pn_xp_e;                                              \
        }                                                                                          \
        pn_xp_ok;                                                                                  \
    })

#define pn_atomic_init(p, v) pn_xp_init(PN_XP_AT(p), PN_XP_WORD((PN_XP_TYPE(p))(v)))

#define pn_load_rlx(p) PN_XP_LOAD_(p, PN_XP_RLX)
#define pn_load_acq(p) PN_XP_LOAD_(p, PN_XP_ACQ)
#define pn_load_seq(p) PN_XP_LOAD_(p, PN_XP_SEQ)

#define pn_store_rlx(p, v) PN_XP_STORE_(p, v, PN_XP_RLX)
#define pn_store_rel(p, v) PN_XP_STORE_(p, v, PN_XP_REL)
#define pn_store_seq(p, v) PN_XP_STORE_(p, v, PN_XP_SEQ)

#define pn_xchg_acq(p, v)    PN_XP_RMW_(p, PN_XP_XCHG, v, PN_XP_ACQ)
#define pn_xchg_rel(p, v)    PN_XP_RMW_(p, PN_XP_XCHG, v, PN_XP_REL)
#define pn_xchg_acqrel(p, v) PN_XP_RMW_(p, PN_XP_XCHG, v, PN_XP_ACQREL)
#define pn_xchg_seq(p, v)    PN_XP_RMW_(p, PN_XP_XCHG, v, PN_XP_SEQ)
#define pn_faa_rlx(p, v)     PN_XP_RMW_(p, PN_XP_ADD, v, PN_XP_RLX)
#define pn_faa_acq(p, v)     PN_XP_RMW_(p, PN_XP_ADD, v, PN_XP_ACQ)
#define pn_faa_rel(p, v)     PN_XP_RMW_(p, PN_XP_ADD, v, PN_XP_REL)
#define pn_faa_acqrel(p, v)  PN_XP_RMW_(p, PN_XP_ADD, v, PN_XP_ACQREL)
#define pn_faa_seq(p, v)     PN_XP_RMW_(p, PN_XP_ADD, v, PN_XP_SEQ)
#define pn_for_rel(p, v)     PN_XP_RMW_(p, PN_XP_OR, v, PN_XP_REL)
#define pn_for_acqrel(p, v)  PN_XP_RMW_(p, PN_XP_OR, v, PN_XP_ACQREL)
#define pn_for_seq(p, v)     PN_XP_RMW_(p, PN_XP_OR, v, PN_XP_SEQ)
#define pn_fand_acqrel(p, v) PN_XP_RMW_(p, PN_XP_AND, v, PN_XP_ACQREL)
#define pn_fand_seq(p, v)    PN_XP_RMW_(p, PN_XP_AND, v, PN_XP_SEQ)

#define pn_cas_rlx(p, e, v)         PN_XP_CAS_(p, e, v, PN_XP_RLX, PN_XP_RLX)
#define pn_cas_acq(p, e, v)         PN_XP_CAS_(p, e, v, PN_XP_ACQ, PN_XP_ACQ)
#define pn_cas_rel(p, e, v)         PN_XP_CAS_(p, e, v, PN_XP_REL, PN_XP_RLX)
#define pn_cas_acqrel(p, e, v)      PN_XP_CAS_(p, e, v, PN_XP_ACQREL, PN_XP_ACQ)
#define pn_cas_seq(p, e, v)         PN_XP_CAS_(p, e, v, PN_XP_SEQ, PN_XP_ACQ)
#define pn_cas_weak_rlx(p, e, v)    pn_cas_rlx(p, e, v)
#define pn_cas_weak_rel(p, e, v)    pn_cas_rel(p, e, v)
#define pn_cas_weak_acqrel(p, e, v) pn_cas_acqrel(p, e, v)

#define pn_fence_seq() pn_xp_fence(PN_XP_SITE(PN_XP_FENCE, PN_XP_SEQ, PN_XP_RLX))
#define pn_relax()     pn_xp_relax()

#endif
