/* SPDX-License-Identifier: MIT */
#include <pinion/properties.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

/* BEAM's values after runtimes that do the same job; `mailbox` keeps the best known form of each
 * part, so that it is no straw man. */
const struct pn_property_entry pn_property_table[PN_PROPERTIES] = {
    {"route", "M1", "who picks the worker: a queue that all take from, or the sender",
     WORDS("queue", "rr", "random", "least2"), PN_ROUTE_QUEUE, PN_ROUTE_RR, PN_ROUTE_RR, NULL},
    {"mbox", "M2", "a mailbox: an exchange on a list, or a lock around an outer queue",
     WORDS("list", "locked"), PN_MBOX_LIST, PN_MBOX_LIST, PN_MBOX_LOCKED,
     "its queue is no mailbox: take route=rr"},
    {"credit", "M3", "whether what waits is bounded", WORDS("bound", "none"), PN_CREDIT_BOUND,
     PN_CREDIT_BOUND, PN_CREDIT_BOUND, NULL},
    {"copy", "M4", "payloads by reference, or copied into what the receiver owns",
     WORDS("none", "frag"), PN_COPY_NONE, PN_COPY_FRAG, PN_COPY_FRAG, NULL},
    {"heap", "M5", "scratch memory from the core's arena, or from a collected heap per worker",
     WORDS("core", "actor"), PN_HEAP_CORE, PN_HEAP_CORE, PN_HEAP_ACTOR, NULL},
    {"reds", "M6", "a slice by time, or 4000 counted units and then the tail of the run queue",
     WORDS("0", "4000"), PN_REDS_0, PN_REDS_0, PN_REDS_4000, NULL},
    {"rq", "M7", "the run queue: lock-free, or a mutex around it", WORDS("lockfree", "mutex"),
     PN_RQ_LOCKFREE, PN_RQ_LOCKFREE, PN_RQ_MUTEX, NULL},
    {"steal", "M8", "from the nearest half of what it has, from the first by index one, or not",
     WORDS("distance", "index", "off"), PN_STEAL_BY_DISTANCE, PN_STEAL_BY_DISTANCE,
     PN_STEAL_BY_INDEX, NULL},
    {"migrate", "M9", "an actor goes home after it was stolen, or stays where it ran",
     WORDS("stay", "free"), PN_MIGRATE_STAY, PN_MIGRATE_STAY, PN_MIGRATE_FREE,
     "its workers own nothing that could move: take route=rr"},
    {"free", "M10", "blocks go home in chains of 32, or one by one", WORDS("home", "delayed"),
     PN_FREE_HOME, PN_FREE_HOME, PN_FREE_DELAYED, NULL},
    {"idle", "M11", "spin as long as it pays, or for 10,000 turns; then sleep",
     WORDS("ladder", "futex"), PN_IDLE_LADDER, PN_IDLE_LADDER, PN_IDLE_FUTEX, NULL},
};

static int refuse(struct pn_error *err, const char *design, const char *why, const char *what) {
    (void)snprintf(err->text, sizeof err->text, "design '%.80s': %s %.120s", design, why, what);
    return -EINVAL;
}

static void set_all(struct pn_properties *p, const char *base, bool beam) {
    bool shared = strcmp(base, "shared") == 0;
    for (unsigned i = 0; i < PN_PROPERTIES; i++) {
        const struct pn_property_entry *e = &pn_property_table[i];
        p->value[i] = shared ? e->shared : beam ? e->beam : e->mailbox;
    }
}

static int set_one(struct pn_properties *p, bool *asked, const char *design, const char *key,
                   const char *value, struct pn_error *err) {
    for (unsigned i = 0; i < PN_PROPERTIES; i++) {
        const struct pn_property_entry *e = &pn_property_table[i];
        if (strcmp(e->key, key) != 0) {
            continue;
        }
        for (unsigned k = 0; e->words[k] != NULL; k++) {
            if (strcmp(e->words[k], value) == 0) {
                p->value[i] = k;
                asked[i] = true;
                return 0;
            }
        }
        char all[96];
        size_t n = (size_t)snprintf(all, sizeof all, "%s is", key);
        for (unsigned k = 0; e->words[k] != NULL && n < sizeof all; k++) {
            n += (size_t)snprintf(all + n, sizeof all - n, " %s", e->words[k]);
        }
        return refuse(err, design, "", all);
    }
    return refuse(err, design, "no property", key);
}

/* What the base brings along is no wish; what was asked for and cannot be is one. */
static int check(const struct pn_properties *p, const bool *asked, const char *design,
                 struct pn_error *err) {
    for (unsigned i = 0; i < PN_PROPERTIES; i++) {
        const struct pn_property_entry *e = &pn_property_table[i];
        if (p->value[PN_PROPERTY_ROUTE] == PN_ROUTE_QUEUE && e->shared_reason != NULL && asked[i]) {
            return refuse(err, design, e->key, e->shared_reason);
        }
    }
    return 0;
}

int pn_properties_parse(const char *design, struct pn_properties *out, char base[16],
                        struct pn_error *err) {
    size_t len = strcspn(design, "+");
    const char *at = design + len;
    bool asked[PN_PROPERTIES] = {false};
    (void)snprintf(base, 16, "%.*s", (int)(len < 15 ? len : 15), design);
    if (strcmp(base, "shared") != 0 && strcmp(base, "mailbox") != 0) {
        (void)snprintf(err->text, sizeof err->text, "no design '%.80s': shared, mailbox or loop",
                       design);
        return -EINVAL;
    }
    set_all(out, base, false);
    while (*at == '+') {
        char key[16];
        char value[16];
        size_t n = strcspn(++at, "+");
        if (sscanf(at, "%15[^=+]=%15[^+]", key, value) != 2 ||
            strlen(key) + strlen(value) + 1 != n) {
            return refuse(err, design, "", "a property is +key=value");
        }
        bool first = at == design + len + 1;
        if (first && strcmp(key, "like") == 0 && strcmp(value, "beam") == 0 &&
            strcmp(base, "mailbox") == 0) {
            set_all(out, base, true);
        } else if (set_one(out, asked, design, key, value, err) != 0) {
            return -EINVAL;
        }
        at += n;
    }
    return check(out, asked, design, err);
}

/* The other side's value; of the bound, which both sides have, the pure form without one. */
static const char *other(const struct pn_property_entry *e, unsigned side) {
    if (e == &pn_property_table[PN_PROPERTY_CREDIT]) {
        return e->words[PN_CREDIT_NONE];
    }
    return e->words[side == 0 ? e->beam : e->shared];
}

bool pn_ladder_design(unsigned i, char *text, size_t cap) {
    static const char *const base[] = {"shared", "mailbox+like=beam"};
    unsigned at = 0;
    for (unsigned side = 0; side < 2; side++) {
        if (at++ == i) {
            (void)snprintf(text, cap, "%s", base[side]);
            return true;
        }
        for (unsigned k = 0; k < PN_PROPERTIES; k++) {
            const struct pn_property_entry *e = &pn_property_table[k];
            bool has_meaning = side == 1 || e->shared_reason == NULL;
            if (has_meaning && at++ == i) {
                (void)snprintf(text, cap, "%s+%s=%s", base[side], e->key, other(e, side));
                return true;
            }
        }
    }
    return false;
}
