/* SPDX-License-Identifier: MIT
 *
 * `shared` against each other design of a sweep, point by point: paired ratios, and what forbids to
 * state them.
 */
#ifndef PN_REPORTS_DUEL_H
#define PN_REPORTS_DUEL_H

#include "analysis.h"
#include "text.h"

/* One design at one level of a sweep. */
struct pn_side {
    size_t design, level;
};

enum pn_duel_figure {
    PN_DUEL_RATE,      /* jobs/s */
    PN_DUEL_CPU,       /* CPU ns per job, spinning included */
    PN_DUEL_P99,       /* ns, from intended start in an open loop */
    PN_DUEL_SHORT_P99, /* of the jobs that are not greedy */
    PN_DUEL_FIGURES
};

/* Median over rounds of ln(figure of a / figure of b), each pair in one round, at 95 %; pairs that
 * are void, failed or did unlike work have no ratio. */
struct pn_estimate pn_duel_ratio(const struct pn_study *study, struct pn_side a, struct pn_side b,
                                 size_t point, enum pn_duel_figure figure);
/* The same of one round; NaN where it has no pair. */
double pn_duel_round(const struct pn_study *study, struct pn_side a, struct pn_side b, size_t point,
                     size_t round, enum pn_duel_figure figure);
/* A figure of one side over its good slots. */
struct pn_estimate pn_duel_value(const struct pn_study *study, struct pn_side side, size_t point,
                                 enum pn_duel_figure figure);
/* Mean of what sampled sleeps took, ns; NaN where nothing slept. */
struct pn_estimate pn_duel_sleep(const struct pn_study *study, struct pn_side side, size_t point);

/* The level at which a design is best at this point: by jobs/s, in an open loop by p99. */
struct pn_side pn_duel_best_level(const struct pn_study *study, size_t design, size_t point);
/* "tokio" of "tokio:shared+restart=join". */
size_t pn_family_length(const char *design);
/* Of the designs of a family (NULL: all but `not_this`) the best one (by jobs/s, in an open loop by
 * p99, medians) at this level (SIZE_MAX: each at its best) and point. design == PN_DESIGNS_MAX if
 * none has a figure. What computes nothing (literal) or loses mailboxes is none. */
struct pn_side pn_duel_best(const struct pn_study *study, const char *family, size_t not_this,
                            size_t level, size_t point);

/* What two slots of one round differ in, so that they have no ratio; NULL: they are alike. Levels
 * may differ in what they compute, designs at one level may not. */
const char *pn_duel_unlike(const struct pn_sample *a, const struct pn_sample *b);
/* A mode that computes nothing: shown only as what a mistake costs. */
bool pn_duel_is_literal(const char *design);
/* "queue", "in_flight" or "none"; a slot that does not say is bound by its queue. */
const char *pn_duel_bound(const struct pn_study *study, struct pn_side side, size_t point);

/* Why a ratio of the two is no verdict, NULL if it is one: different bounds, bound by timers, lost
 * mailboxes, nothing computed. Written into room. */
const char *pn_duel_caveat(const struct pn_study *study, struct pn_side a, struct pn_side b,
                           size_t point, char *room, size_t size);

/* Sweeps with a design that is neither of the headline pair. */
bool pn_duel_wanted(const struct pn_study *study);
/* The section of one study; modes that compute nothing are not in it. */
void pn_page_duels(const struct pn_rundir *run, const struct pn_study *study, struct pn_text *out);
json_t *pn_duels_array(const struct pn_study *study);

/* What a run says of the standing targets (peer_targets.jsonl), a line per target and point. */
struct pn_peer_target {
    char claim[160], said[200];
    enum pn_target_state state;
    struct pn_estimate figure; /* a ratio, or microseconds */
};
struct pn_peer_targets {
    struct pn_peer_target *line; /* owned; NULL where no sweep of this run has a target */
    size_t lines;
    size_t tally[PN_TARGET_STATES];
};
/* 0, -ENOMEM, or -EINVAL for a damaged table. */
int pn_peer_targets_judge(const struct pn_analysis *analysis, struct pn_peer_targets *out);
void pn_peer_targets_free(struct pn_peer_targets *targets);
void pn_page_peer_targets(const struct pn_peer_targets *targets, struct pn_text *out);
json_t *pn_peer_targets_array(const struct pn_peer_targets *targets);

#endif
