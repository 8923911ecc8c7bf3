/* SPDX-License-Identifier: MIT
 *
 * The ladder between `shared` and a mailbox runtime as BEAM's: eleven properties, each a switch of
 * both designs. One at a time set to the other side's value says what it is worth.
 *
 * A design is written NAME+key=value+key=value: `shared+copy=frag` is `shared` but for M4;
 * `mailbox` is the strong mailbox design; `mailbox+like=beam` has BEAM's value of every property.
 */
#ifndef PINION_PROPERTIES_H
#define PINION_PROPERTIES_H

#include <pinion/topology.h>
#include <stddef.h>

enum pn_property {
    PN_PROPERTY_ROUTE,   /* M1 */
    PN_PROPERTY_MBOX,    /* M2 */
    PN_PROPERTY_CREDIT,  /* M3 */
    PN_PROPERTY_COPY,    /* M4 */
    PN_PROPERTY_HEAP,    /* M5 */
    PN_PROPERTY_REDS,    /* M6 */
    PN_PROPERTY_RQ,      /* M7 */
    PN_PROPERTY_STEAL,   /* M8 */
    PN_PROPERTY_MIGRATE, /* M9 */
    PN_PROPERTY_FREE,    /* M10 */
    PN_PROPERTY_IDLE,    /* M11 */
    PN_PROPERTIES
};

enum { PN_ROUTE_QUEUE, PN_ROUTE_RR, PN_ROUTE_RANDOM, PN_ROUTE_LEAST2 };
enum { PN_MBOX_LIST, PN_MBOX_LOCKED };
enum { PN_CREDIT_BOUND, PN_CREDIT_NONE };
enum { PN_COPY_NONE, PN_COPY_FRAG };
enum { PN_HEAP_CORE, PN_HEAP_ACTOR };
enum { PN_REDS_0, PN_REDS_4000 };
enum { PN_RQ_LOCKFREE, PN_RQ_MUTEX };
enum { PN_STEAL_BY_DISTANCE, PN_STEAL_BY_INDEX, PN_STEAL_BY_NOBODY };
enum { PN_MIGRATE_STAY, PN_MIGRATE_FREE };
enum { PN_FREE_HOME, PN_FREE_DELAYED };
enum { PN_IDLE_LADDER, PN_IDLE_FUTEX };

struct pn_property_entry {
    const char *key, *number, *meaning;
    const char *const *words;       /* NULL-terminated, as the enums above */
    unsigned shared, mailbox, beam; /* their values */
    const char *shared_reason;      /* why it has no meaning without mailboxes; NULL if it has */
};
extern const struct pn_property_entry pn_property_table[PN_PROPERTIES];

struct pn_properties {
    unsigned value[PN_PROPERTIES];
};

/**
 * A design with its switches: "shared", "mailbox+like=beam+rq=lockfree".
 * \param base  receives "shared" or "mailbox"
 * \return 0; -EINVAL and one line in *err: no such design, key or value, or one without a meaning
 */
int pn_properties_parse(const char *design, struct pn_properties *out, char base[16],
                        struct pn_error *err);

/**
 * The ladder's i-th design: shared, each property of it at BEAM's value; then mailbox+like=beam,
 * each property of it at shared's. A step without a meaning is left out. Both sides are bounded;
 * the step of M3 takes the bound away on either. \return false behind the last
 */
bool pn_ladder_design(unsigned i, char *text, size_t cap);

#endif
