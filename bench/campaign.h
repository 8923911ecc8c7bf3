/* SPDX-License-Identifier: MIT
 *
 * The inside of a campaign, shared by campaign.c, campaign_plan.c and rundir.c.
 */
#ifndef PN_CAMPAIGN_PARTS_H
#define PN_CAMPAIGN_PARTS_H

#include <pinion/campaign.h>

/* One planned slot. */
struct pn_slot_plan {
    unsigned sweep, x, level, design, round;
    enum { PN_SLOT_MAIN, PN_SLOT_AA, PN_SLOT_LOOP } role;
};

struct pn_campaign {
    const struct pn_campaign_options *o;
    struct pn_slot_plan *slots; /* in the order they are run */
    unsigned n_slots;
    int samples;       /* descriptor of samples.jsonl */
    json_t *done;      /* key -> true, of a resumed run */
    json_t *checksums; /* "sweep/x/level" -> the first work seen */
    uint64_t start_ns;
    struct pn_campaign_sum sum;
};

/* campaign_plan.c */
int pn_campaign_order(struct pn_campaign *c);
void pn_slot_key(const struct pn_campaign *c, const struct pn_slot_plan *slot, char *key,
                 size_t cap);
const char *pn_slot_design(const struct pn_campaign *c, const struct pn_slot_plan *slot);
const char *pn_slot_level(const struct pn_campaign *c, const struct pn_slot_plan *slot);
const char *pn_slot_role(const struct pn_campaign *c, const struct pn_slot_plan *slot);
/* The child's key=value arguments; [n] strings owned by the caller. */
enum { PN_SLOT_ARGS = 64 };
unsigned pn_slot_params(const struct pn_campaign *c, const struct pn_slot_plan *slot, uint64_t jobs,
                        char (*args)[96]);

/* campaign_slot.c: run one; and see whether it did the work that the others at this point and level
 * did: the first checksum, done and lost are everybody's. Where jobs were dropped there is none. */
int pn_campaign_slot(struct pn_campaign *c, const struct pn_slot_plan *slot, uint64_t jobs,
                     struct pn_slot_result *result);
void pn_campaign_equal_work(struct pn_campaign *c, const struct pn_slot_plan *slot,
                            struct pn_slot_result *result);

/* rundir.c */
enum pn_campaign_end pn_rundir_open(struct pn_campaign *c, struct pn_error *err);
int pn_rundir_write_plan(struct pn_campaign *c, struct pn_error *err);
int pn_rundir_append(struct pn_campaign *c, json_t *sample, struct pn_error *err);
int pn_rundir_manifest(struct pn_campaign *c, const char *status, struct pn_error *err);
json_t *pn_rundir_coordinates(const struct pn_campaign *c, const struct pn_slot_plan *slot);
/* The same for any run directory. */
/** \param empty  receives whether it is, but for what a killed run leaves if `resume` */
enum pn_campaign_end pn_rundir_make(const char *directory, bool resume, bool *empty,
                                    struct pn_error *err);
/** manifest.json with its status, and when it started and ended. */
int pn_rundir_stamp(const char *directory, json_t *manifest, const char *status,
                    struct pn_error *err);
/** One line, whole and synced. */
int pn_rundir_append_line(int fd, const char *directory, const char *name, const json_t *line,
                          struct pn_error *err);
/* Write a file whole or not at all. */
int pn_rundir_write(const char *directory, const char *name, json_t *value, struct pn_error *err);

#endif
