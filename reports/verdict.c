/* SPDX-License-Identifier: MIT
 *
 * The verdict's sentences. Each is written once, with marks for bold and interval, and leaves as
 * plain text (terminal, results.json) or as HTML.
 */
#include "verdict.h"
#include "page_queues.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Marks inside a sentence; put_word() keeps foreign text from holding one. */
#define BOLD     "\001"
#define PLAIN    "\002"
#define INTERVAL "\003"

static void put_word(struct pn_text *out, const char *word) {
    enum { LONGEST = 60 };
    size_t n = strlen(word);
    bool cut = n > LONGEST;
    n = cut ? LONGEST : n;
    while (cut && n > 0 && ((unsigned char)word[n] & 0xc0) == 0x80) {
        n--; /* not inside a character */
    }
    for (size_t i = 0; i < n; i++) {
        pn_text_put_n(out, (unsigned char)word[i] < 0x20 ? "?" : word + i, 1);
    }
    pn_text_put(out, cut ? "…" : "");
}

static const char *name_of(const struct pn_study *study, enum pn_sign sign) {
    return study->sweep->design[sign == PN_SIGN_B ? study->b : study->a];
}

static enum pn_sign other(enum pn_sign sign) {
    return sign == PN_SIGN_A ? PN_SIGN_B : PN_SIGN_A;
}

/* A place on the axis: the word itself where x is a list of words. */
static struct pn_num place_text(const struct pn_study *study, double x) {
    const struct pn_sweep *sweep = study->sweep;
    for (size_t p = 0; p < sweep->points; p++) {
        if (sweep->x[p].word != NULL && sweep->x[p].at == x) {
            return pn_x_text(sweep, p);
        }
    }
    return pn_num_x(x);
}

static struct pn_num lead(double log_ratio) {
    return pn_num_sig(100 * expm1(fabs(log_ratio)), fabs(log_ratio) < 0.0995 ? 2 : 3);
}

static void put_range(const struct pn_study *study, struct pn_text *out) {
    const struct pn_sweep *sweep = study->sweep;
    pn_text_cat(out, pn_x_text(sweep, 0).s, " ", NULL);
    if (sweep->points > 1) {
        pn_text_cat(out, "to ", pn_x_text(sweep, sweep->points - 1).s, " ", NULL);
    }
    put_word(out, pn_x_unit(sweep));
}

/* Where "ahead" is withheld the sentence speaks of throughput only. */
static void say_at(const struct pn_study *study, const struct pn_cross *c, bool withheld,
                   struct pn_text *out) {
    pn_text_cat(out, BOLD, withheld ? "The throughputs cross at " : "Below ", pn_num_x(c->x).s, " ",
                NULL);
    put_word(out, pn_x_unit(study->sweep));
    pn_text_cat(out, PLAIN " " INTERVAL "(95" PN_NBSP "% ", pn_num_x(c->lo).s, PN_DASH,
                pn_num_x(c->hi).s, ")" PLAIN, withheld ? ": below it " : " " BOLD, NULL);
    put_word(out, name_of(study, c->ahead));
    pn_text_put(out, withheld ? " completes more jobs than " : " is ahead" PLAIN " of ");
    put_word(out, name_of(study, other(c->ahead)));
    pn_text_cat(out, ", by up to ", lead(c->lead_low).s, PN_NBSP "%; above it ", NULL);
    put_word(out, name_of(study, other(c->ahead)));
    pn_text_cat(out, withheld ? " does, by up to " : " leads, by up to ", lead(c->lead_high).s,
                PN_NBSP "%.", NULL);
}

static void say_none(const struct pn_study *study, const struct pn_cross *c, bool withheld,
                     struct pn_text *out) {
    if (study->sweep->x[0].word != NULL) {
        pn_text_put(out, BOLD "With every value of ");
        put_word(out, pn_x_unit(study->sweep));
    } else {
        pn_text_put(out,
                    study->sweep->points > 1 ? BOLD "No crossover from " : BOLD "At one point, ");
        put_range(study, out);
    }
    if (withheld) {
        pn_text_put(out, PLAIN ": the throughput of ");
        put_word(out, name_of(study, c->ahead));
        pn_text_put(out, " is higher than that of ");
    } else {
        pn_text_put(out, ": ");
        put_word(out, name_of(study, c->ahead));
        pn_text_put(out, " is ahead" PLAIN " of ");
    }
    put_word(out, name_of(study, other(c->ahead)));
    if (lead(c->gap_lo).s[0] == lead(c->gap_hi).s[0] &&
        strcmp(lead(c->gap_lo).s, lead(c->gap_hi).s) == 0) {
        pn_text_cat(out, ", by ", lead(c->gap_hi).s, PN_NBSP "%.", NULL);
    } else {
        pn_text_cat(out, ", by ", c->gap_lo < 0 ? "0" : lead(c->gap_lo).s, PN_DASH,
                    lead(c->gap_hi).s, PN_NBSP "%.", NULL);
    }
}

static void say_several(const struct pn_study *study, const struct pn_cross *c,
                        struct pn_text *out) {
    bool words = study->sweep->x[0].word != NULL;
    pn_text_put(out, words ? BOLD "It depends on " : BOLD "More than one crossover" PLAIN ": ");
    if (words) {
        put_word(out, pn_x_unit(study->sweep));
        pn_text_put(out, PLAIN ": ");
    }
    put_word(out, name_of(study, PN_SIGN_A));
    pn_text_put(out, " and ");
    put_word(out, name_of(study, PN_SIGN_B));
    pn_text_put(out, " change places");
    for (size_t i = 0; i < c->crossings && i < 8 && !words; i++) {
        pn_text_cat(out,
                    i == 0                  ? " at "
                    : i + 1 == c->crossings ? " and "
                                            : ", ",
                    pn_num_x(c->crossing[i]).s, NULL);
    }
    if (!words) {
        pn_text_put(out, " ");
        put_word(out, pn_x_unit(study->sweep));
    }
    pn_text_put(out, words ? " between its values." : ".");
}

/* Where more measuring would decide, and which kind of it. */
static void say_next(const struct pn_study *study, const struct pn_cross *c, struct pn_text *out) {
    static const char *const what[] = {"", "; measure between ", "; more rounds at ",
                                       "; measure beyond "};
    if (c->next != PN_NEXT_NOTHING) {
        bool between = c->next == PN_NEXT_BETWEEN;
        pn_text_cat(out, what[c->next], place_text(study, c->next_lo).s, NULL);
        if (c->next_hi > c->next_lo) {
            pn_text_cat(out, between ? " and " : PN_DASH, place_text(study, c->next_hi).s, NULL);
        }
        pn_text_put(out, " ");
        put_word(out, pn_x_unit(study->sweep));
        pn_text_put(out, c->next == PN_NEXT_ROUNDS ? " would say." : ".");
    } else {
        pn_text_put(out, ".");
    }
}

static void say_undetermined(const struct pn_study *study, const struct pn_cross *c,
                             struct pn_text *out) {
    pn_text_put(out, BOLD "Undetermined");
    if (c->needs_rounds) {
        pn_text_format(out, ", needs rounds" PLAIN ": %zu of the %zu that %zu points need",
                       c->rounds_least, c->rounds_needed, study->sweep->points);
    } else {
        bool noise = study->margin > log1p(PN_TIE);
        pn_text_put(out, PLAIN ": whether ");
        put_word(out, name_of(study, PN_SIGN_A));
        pn_text_put(out, " or ");
        put_word(out, name_of(study, PN_SIGN_B));
        pn_text_cat(out, " is ahead by more than ", pn_num_sig(100 * expm1(study->margin), 2).s,
                    PN_NBSP "%", noise ? ", the noise floor," : "", " is open", NULL);
    }
    say_next(study, c, out);
}

static bool all_ties(const struct pn_study *study, const struct pn_cross *c) {
    for (size_t p = 0; p < study->sweep->points; p++) {
        if (c->sign[p] != PN_SIGN_TIE) {
            return false;
        }
    }
    return true;
}

static void say_uncompared(const struct pn_study *study, size_t level, struct pn_text *out) {
    size_t unlike = 0;
    for (size_t p = 0; study->curve[level].point != NULL && p < study->sweep->points; p++) {
        unlike += study->curve[level].point[p].unlike;
    }
    pn_text_put(out, BOLD "Undetermined" PLAIN);
    if (unlike > 0) {
        pn_text_format(out, ": results differ in %zu pairs of slots, so no ratio is stated.",
                       unlike);
    } else if (study->a == study->b) {
        pn_text_put(out, ": the run has one design only, ");
        put_word(out, name_of(study, PN_SIGN_A));
        pn_text_put(out, ".");
    } else {
        pn_text_put(out, ": no round has a valid slot of two designs to compare.");
    }
}

static void say_curve(const struct pn_study *study, size_t level, struct pn_text *out) {
    const struct pn_cross *c = &study->curve[level].cross;
    if (!study->curve[level].compared) {
        say_uncompared(study, level, out);
        return;
    }
    switch (c->kind) {
    case PN_CROSS_AT:
        say_at(study, c, study->withheld, out);
        break;
    case PN_CROSS_NONE:
        say_none(study, c, study->withheld, out);
        break;
    case PN_CROSS_SEVERAL:
        say_several(study, c, out);
        break;
    default:
        if (all_ties(study, c)) {
            pn_text_put(out, BOLD "A tie from ");
            put_range(study, out);
            pn_text_cat(out, PLAIN ": the designs stay within ",
                        pn_num_sig(100 * expm1(study->margin), 2).s,
                        PN_NBSP "% of each other; no crossover to state.", NULL);
        } else {
            say_undetermined(study, c, out);
        }
    }
}

static void say_tail(const struct pn_analysis *analysis, struct pn_text *out) {
    pn_text_cat(out, " " BOLD "Who is ahead is withheld" PLAIN ": the open-loop p99 differs ",
                pn_num_sig(exp(fabs(analysis->tail.log_p99)), 2).s,
                "× at throughput within 10" PN_NBSP
                "%. Move blocking off the schedulers and shard the collector, then measure again.",
                NULL);
}

static double share(double part, double total) {
    return 100 * part / total;
}

static bool same_way(const struct pn_split *s) {
    double parts[] = {s->efficiency, isnan(s->spinning) ? s->waiting : s->spinning,
                      isnan(s->spinning) ? 0 : s->sleeping};
    for (size_t i = 0; i < 3; i++) {
        if (parts[i] * s->total < 0) {
            return false;
        }
    }
    return true;
}

static void say_shares(const struct pn_split *s, struct pn_text *out) {
    pn_text_cat(out, BOLD, pn_num_fixed(share(s->efficiency, s->total), 0).s,
                PN_NBSP "% is CPU per job and ", pn_num_fixed(share(s->waiting, s->total), 0).s,
                PN_NBSP "% is waiting" PLAIN, NULL);
    if (!isnan(s->spinning)) {
        pn_text_cat(out, " (", pn_num_fixed(share(s->spinning, s->total), 0).s,
                    PN_NBSP "% spinning, ", pn_num_fixed(share(s->sleeping, s->total), 0).s,
                    PN_NBSP "% sleeping)", NULL);
    }
    pn_text_put(out, ".");
}

/* Parts of unlike sign have no shares; they are stated in log percent, which add up. */
static void say_parts(const struct pn_study *study, const struct pn_split *s, struct pn_text *out) {
    pn_text_put(out, " ");
    put_word(out, name_of(study, PN_SIGN_A));
    pn_text_cat(out, " completes ", pn_num_sig(fabs(100 * expm1(s->total)), 2).s, PN_NBSP "% ",
                s->total < 0 ? "fewer" : "more", " jobs: " BOLD "CPU per job accounts for ",
                pn_num_signed(100 * s->efficiency, 1).s, PLAIN, NULL);
    if (isnan(s->spinning)) {
        pn_text_cat(out, ", waiting for ", pn_num_signed(100 * s->waiting, 1).s, NULL);
    } else {
        pn_text_cat(out, ", spinning for ", pn_num_signed(100 * s->spinning, 1).s,
                    ", sleeping for ", pn_num_signed(100 * s->sleeping, 1).s, NULL);
    }
    pn_text_cat(out, " (log" PN_NBSP "%, sum ", pn_num_signed(100 * s->total, 1).s, ").", NULL);
}

static void say_gap(const struct pn_study *study, struct pn_text *out) {
    size_t p = study->gap_point;
    if (p == SIZE_MAX) {
        pn_text_put(out, study->curve[0].compared && all_ties(study, &study->curve[0].cross)
                             ? " No gap is wide enough to be split."
                             : " No gap is decided yet, so no split is stated.");
        return;
    }
    const struct pn_split *s = &study->curve[0].point[p].split;
    bool shares = same_way(s);
    pn_text_cat(out, shares ? " Of the gap at " : " At ", pn_x_text(study->sweep, p).s, " ", NULL);
    put_word(out, pn_x_unit(study->sweep));
    if (shares) {
        pn_text_cat(out, " (", pn_num_percent(s->total, 1).s, "), ", NULL);
        say_shares(s, out);
    } else {
        say_parts(study, s, out);
    }
}

/* The point where the level changes the ratio most, with its interval. */
static void say_delta(const struct pn_study *study, const struct pn_shift *shift,
                      struct pn_text *out) {
    size_t most = SIZE_MAX;
    for (size_t p = 0; p < study->sweep->points; p++) {
        if (!isnan(shift->delta[p].value) &&
            (most == SIZE_MAX || fabs(shift->delta[p].value) > fabs(shift->delta[most].value))) {
            most = p;
        }
    }
    if (most == SIZE_MAX) {
        pn_text_put(out, "no round has both levels.");
        return;
    }
    const struct pn_estimate *e = &shift->delta[most];
    pn_text_cat(out, "it changes the ratio of ", NULL);
    put_word(out, name_of(study, PN_SIGN_A));
    pn_text_put(out, " to ");
    put_word(out, name_of(study, PN_SIGN_B));
    pn_text_cat(out, " most at ", pn_x_text(study->sweep, most).s, " ", NULL);
    put_word(out, pn_x_unit(study->sweep));
    pn_text_cat(out, ", by " BOLD, pn_num_percent(e->value, 1).s, PLAIN, NULL);
    if (isnan(e->lo)) {
        pn_text_put(out, ", from too few rounds for an interval.");
    } else {
        pn_text_cat(out, " " INTERVAL, pn_label_interval(e, pn_num_percent1).s, PLAIN,
                    e->lo > 0 || e->hi < 0 ? "." : ", which is not separated from none.", NULL);
    }
}

static void say_shift(const struct pn_study *study, const struct pn_shift *shift,
                      struct pn_text *out) {
    char room[96];
    const struct pn_cross *to = &study->curve[shift->to].cross;
    const struct pn_cross *from = &study->curve[0].cross;
    pn_text_put(out, "With ");
    put_word(out, pn_level_name(study->sweep, shift->to, room, sizeof room));
    if (to->kind == PN_CROSS_AT && from->kind == PN_CROSS_AT) {
        pn_text_cat(out, " the crossover moves from ", pn_num_x(from->x).s, " to " BOLD,
                    pn_num_x(to->x).s, PLAIN " " INTERVAL "[", pn_num_x(to->lo).s, PN_DASH,
                    pn_num_x(to->hi).s, "]" PLAIN ", ×", pn_num_fixed(shift->factor.value, 2).s,
                    " " INTERVAL, NULL);
        if (isnan(shift->factor.lo)) {
            pn_text_put(out, "(interval open)" PLAIN ".");
        } else {
            pn_text_cat(out, "[", pn_num_fixed(shift->factor.lo, 2).s, PN_DASH,
                        pn_num_fixed(shift->factor.hi, 2).s, "]" PLAIN,
                        shift->factor.lo > 1 || shift->factor.hi < 1 ? "."
                                                                     : ": not separated from none.",
                        NULL);
        }
        return;
    }
    pn_text_put(out, to->kind == PN_CROSS_NONE && from->kind == PN_CROSS_NONE
                         ? " there is no crossover in range either; "
                     : to->kind == PN_CROSS_AT
                         ? " there is a crossover where the reference has none; "
                         : " no crossover can be stated; ");
    say_delta(study, shift, out);
}

/* Leaves with marks removed, or turned into tags. */
static void render(const struct pn_text *marked, bool html, struct pn_text *out) {
    const char *open = NULL;
    for (size_t i = 0; i < marked->len; i++) {
        char c = marked->data[i];
        char one[2] = {c, '\0'};
        if (c == BOLD[0] || c == INTERVAL[0]) {
            open = c == BOLD[0] ? "b" : "span";
            pn_text_put(out, !html ? "" : c == BOLD[0] ? "<b>" : "<span class=\"ci\">");
        } else if (c == PLAIN[0]) {
            pn_text_cat(out, html && open != NULL ? "</" : "", html && open != NULL ? open : "",
                        html && open != NULL ? ">" : "", NULL);
            open = NULL;
        } else if (html && strchr("<>&\"'", c) != NULL) {
            pn_text_escape(out, one);
        } else {
            pn_text_put_n(out, &c, 1);
        }
    }
}

static void leave(struct pn_text *marked, bool html, struct pn_text *out) {
    out->failed |= marked->failed;
    if (marked->len > 0) {
        render(marked, html, out);
    }
    pn_text_free(marked);
}

void pn_verdict_crossover(const struct pn_analysis *analysis, bool html, struct pn_text *out) {
    struct pn_text said = {0};
    const struct pn_study *study = pn_analysis_first(analysis, PN_SWEEP_CROSSOVER);
    if (study == NULL) {
        pn_text_put(&said,
                    BOLD "Undetermined" PLAIN ": the run has no sweep that looks for a crossover.");
    } else {
        say_curve(study, 0, &said);
        if (analysis->tail.withheld && study->curve[0].compared &&
            (study->curve[0].cross.kind == PN_CROSS_NONE ||
             study->curve[0].cross.kind == PN_CROSS_AT)) {
            say_tail(analysis, &said);
        }
    }
    leave(&said, html, out);
}

void pn_verdict_cause(const struct pn_analysis *analysis, bool html, struct pn_text *out) {
    struct pn_text said = {0};
    const struct pn_study *study = pn_analysis_first(analysis, PN_SWEEP_CROSSOVER);
    if (study == NULL) {
        pn_text_put(&said, "Nothing to split or shift.");
    } else {
        if (study->shifts > 0) {
            say_shift(study, &study->shift[0], &said);
        } else if (study->sweep->levels > 1) {
            pn_text_put(&said, "No valid round compares two levels of ");
            put_word(&said, study->sweep->by_key);
            pn_text_put(&said, ".");
        } else {
            pn_text_put(&said, "The run varied no memory placement.");
        }
        say_gap(study, &said);
    }
    leave(&said, html, out);
}

void pn_verdict_curve(const struct pn_study *study, size_t level, struct pn_text *out) {
    struct pn_text said = {0};
    say_curve(study, level, &said);
    leave(&said, false, out);
}

static void copy(char *to, size_t size, struct pn_text *text) {
    size_t n = text->len < size - 1 ? text->len : size - 1;
    if (n > 0) {
        memcpy(to, text->data, n);
    }
    while (n > 0 && n < text->len && ((unsigned char)text->data[n] & 0xc0) == 0x80) {
        n--; /* not inside a character */
    }
    to[n] = '\0';
    pn_text_free(text);
}

void pn_verdict_fill(const struct pn_analysis *analysis, struct pn_report_verdict *out) {
    static const char *const kinds[] = {"undetermined", "crossover", "none", "several"};
    const struct pn_study *study = pn_analysis_first(analysis, PN_SWEEP_CROSSOVER);
    enum pn_cross_kind kind = study != NULL && study->curve[0].compared ? study->curve[0].cross.kind
                                                                        : PN_CROSS_UNDETERMINED;
    struct pn_text text = {0};
    (void)snprintf(out->kind, sizeof out->kind, "%s", kinds[kind]);
    pn_verdict_crossover(analysis, false, &text);
    copy(out->crossover, sizeof out->crossover, &text);
    pn_verdict_cause(analysis, false, &text);
    copy(out->cause, sizeof out->cause, &text);
    out->withheld = analysis->tail.withheld;
    out->noisy = analysis->noisy;
    out->slots = analysis->run->samples;
    out->voided = analysis->voided;
    out->notice[0] = '\0';
    if (analysis->run->notices > 0) {
        (void)snprintf(out->notice, sizeof out->notice, "%s", analysis->run->notice[0]);
    } else if (analysis->queues != NULL) {
        (void)snprintf(out->notice, sizeof out->notice, "%s", analysis->queues->notice);
    }
    if (analysis->run->bare) {
        pn_queue_verdict(analysis->queues, out);
    }
}
