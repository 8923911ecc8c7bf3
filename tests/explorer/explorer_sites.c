/* SPDX-License-Identifier: MIT
 *
 * The sites of a program by name, and mutants: one site with a weaker order, without its fence,
 * barrier or grace period, or with a compare-and-swap whose answer nobody checks.
 *
 * A site's name is file:function:n, n counting the atomic accesses of the function from 1 in the
 * order of the source, so that it survives edits elsewhere.
 */
#include "explorer_parts.h"

#include <stdio.h>
#include <string.h>

/* The linker's names for the ends of the section; absent without any site. */
extern struct pn_xp_site __start_pn_xp_sites[] __attribute__((weak));
extern struct pn_xp_site __stop_pn_xp_sites[] __attribute__((weak));

static const char *const order_name[] = {"rlx", "acq", "rel", "acqrel", "seq"};
static const char *const kind_name[] = {"load",  "store",      "rmw",         "cas",
                                        "fence", "membarrier", "light_fence", "synchronize"};

static const char *base_name(const char *file) {
    const char *slash = strrchr(file, '/');
    return slash == NULL ? file : slash + 1;
}

static bool same_function(const struct pn_xp_site *a, const struct pn_xp_site *b) {
    return strcmp(a->function, b->function) == 0 && strcmp(a->unit, b->unit) == 0 &&
           strcmp(a->file, b->file) == 0;
}

static int ordinal(const struct pn_xp_site *site) {
    int n = 1;
    for (const struct pn_xp_site *s = __start_pn_xp_sites; s < __stop_pn_xp_sites; s++) {
        n += s->counter < site->counter && same_function(s, site);
    }
    return n;
}

const char *xp_site_name(const struct pn_xp_site *site, char *out, size_t bytes) {
    (void)snprintf(out, bytes, "%s:%d %s", base_name(site->file), site->line, site->function);
    return out;
}

struct change {
    const char *name;
    uint8_t order, order_failed;
    bool broken;
};

/* What can be weakened at a site, one step each. \return how many */
static int changes_of(const struct pn_xp_site *s, struct change *out) {
    static const struct {
        uint8_t from, to;
    } step[] = {{PN_XP_ACQ, PN_XP_RLX},
                {PN_XP_REL, PN_XP_RLX},
                {PN_XP_ACQREL, PN_XP_ACQ},
                {PN_XP_ACQREL, PN_XP_REL},
                {PN_XP_SEQ, PN_XP_ACQREL}};
    static char name[8][40];
    int n = 0;
    for (unsigned i = 0; i < sizeof step / sizeof *step; i++) {
        if (s->order == step[i].from) {
            /* A load or store has but one side of acq_rel. */
            uint8_t to = step[i].to != PN_XP_ACQREL ? step[i].to
                         : s->kind == PN_XP_LOAD    ? PN_XP_ACQ
                         : s->kind == PN_XP_STORE   ? PN_XP_REL
                                                    : PN_XP_ACQREL;
            (void)snprintf(name[n], sizeof name[n], "%s-%s", order_name[s->order], order_name[to]);
            out[n] = (struct change){name[n], to, s->order_failed, false};
            n++;
        }
    }
    if (s->kind == PN_XP_CAS && s->order_failed == PN_XP_ACQ) {
        out[n++] = (struct change){"failed-acq-rlx", s->order, PN_XP_RLX, false};
    }
    if (s->kind == PN_XP_CAS) {
        out[n++] = (struct change){"unchecked", s->order, s->order_failed, true};
    }
    if (s->kind >= PN_XP_FENCE) {
        out[n++] = (struct change){"dropped", s->order, s->order_failed, true};
    }
    return n;
}

static void mutant_name(const struct pn_xp_site *s, const struct change *c, char *out,
                        size_t bytes) {
    (void)snprintf(out, bytes, "%s:%s:%d:%s:%s", base_name(s->file), s->function, ordinal(s),
                   kind_name[s->kind], c->name);
}

/* A header's function has a site in each file that includes it. */
bool xp_mutate(const char *id) {
    bool found = false;
    for (struct pn_xp_site *s = __start_pn_xp_sites; s < __stop_pn_xp_sites; s++) {
        struct change change[8];
        int n = strstr(s->file, "runtime/") == NULL ? 0 : changes_of(s, change);
        for (int i = 0; i < n; i++) {
            char name[256];
            mutant_name(s, &change[i], name, sizeof name);
            if (strcmp(name, id) == 0) {
                s->order = change[i].order;
                s->order_failed = change[i].order_failed;
                s->broken = change[i].broken;
                found = true;
                break;
            }
        }
    }
    return found;
}

void xp_list_mutants(void) {
    for (const struct pn_xp_site *s = __start_pn_xp_sites; s < __stop_pn_xp_sites; s++) {
        struct change change[8];
        int n = strstr(s->file, "runtime/") == NULL ? 0 : changes_of(s, change);
        for (int i = 0; i < n; i++) {
            char name[256];
            mutant_name(s, &change[i], name, sizeof name);
            (void)printf("mutant %s %s\n", name, s->reached ? "reached" : "unreached");
        }
    }
}

/* Of the program file: what was recorded with another one means nothing. */
uint64_t xp_build_id(void) {
    uint64_t hash = 0xcbf29ce484222325u;
    FILE *f = fopen("/proc/self/exe", "rb");
    if (f == NULL) {
        return 0;
    }
    unsigned char piece[4096];
    for (size_t n = fread(piece, 1, sizeof piece, f); n > 0; n = fread(piece, 1, sizeof piece, f)) {
        for (size_t i = 0; i < n; i++) {
            hash = (hash ^ piece[i]) * 0x100000001b3u;
        }
    }
    (void)fclose(f);
    return hash;
}
