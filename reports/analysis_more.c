/* SPDX-License-Identifier: MIT
 *
 * Noise floor, ceiling, per-core sums.
 */
#include "analysis.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every A/A slot against the main slot that it repeats, round by round. */
struct pn_noise pn_study_noise(const struct pn_rundir *run, const struct pn_study *study) {
    double values[PN_ROUNDS_MAX];
    size_t n = 0;
    double widest = 0;
    struct pn_noise out = {.floor = NAN};
    for (size_t i = 0; i < run->samples && n < PN_ROUNDS_MAX; i++) {
        const struct pn_sample *aa = &run->sample[i];
        if (aa->sweep != study->sweep || aa->role != PN_ROLE_AA || !pn_sample_good(aa)) {
            continue;
        }
        const struct pn_sample *main =
            pn_study_slot(study, aa->design, aa->level, aa->point, aa->round);
        if (main != NULL && pn_sample_good(main)) {
            values[n] = log(pn_sample_rate(aa) / pn_sample_rate(main));
            widest = fabs(values[n]) > widest ? fabs(values[n]) : widest;
            out.design = aa->design_name;
            n++;
        }
    }
    out.pair = pn_estimate_median(values, n, 0.05);
    if (out.pair.n > 0) {
        /* Under 6 rounds no 95 % interval exists: the widest pair seen stands in for it. */
        out.floor = isnan(out.pair.lo) ? widest : fmax(fabs(out.pair.lo), fabs(out.pair.hi));
        out.biased = out.pair.lo > 0 || out.pair.hi < 0;
    }
    return out;
}

/* The loop's slot of this round: at this point, else at any. */
static const struct pn_sample *loop_slot(const struct pn_rundir *run, const struct pn_study *study,
                                         size_t point, size_t round) {
    const struct pn_sample *any = NULL;
    for (size_t i = 0; i < run->samples; i++) {
        const struct pn_sample *s = &run->sample[i];
        if (s->sweep != study->sweep || s->role != PN_ROLE_LOOP || s->round != round ||
            !pn_sample_good(s)) {
            continue;
        }
        if (s->point == point) {
            return s;
        }
        any = any == NULL ? s : any;
    }
    return any;
}

static bool has_loop(const struct pn_rundir *run, const struct pn_study *study) {
    for (size_t i = 0; i < run->samples; i++) {
        if (run->sample[i].sweep == study->sweep && run->sample[i].role == PN_ROLE_LOOP) {
            return true;
        }
    }
    return false;
}

static struct pn_share share_of(const struct pn_study *study, const double *loop, size_t design,
                                size_t level, size_t point) {
    double values[PN_ROUNDS_MAX];
    struct pn_share out = {.design = design, .point = point, .level = level};
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *s = pn_study_slot(study, design, level, point, r);
        values[r] = s != NULL && pn_sample_good(s) ? pn_sample_rate(s) / loop[r] : NAN;
    }
    out.share = pn_estimate_median(values, study->sweep->rounds, 0.05);
    out.rate = pn_study_median(study, design, level, point, pn_sample_rate);
    return out;
}

int pn_study_ceiling(const struct pn_rundir *run, struct pn_study *study) {
    const struct pn_sweep *sweep = study->sweep;
    if (!has_loop(run, study)) {
        return 0;
    }
    double loop[PN_ROUNDS_MAX] = {0};
    double sorted[PN_ROUNDS_MAX];
    study->share = calloc(sweep->points * sweep->levels * sweep->designs, sizeof *study->share);
    study->loop = calloc(sweep->points, sizeof *study->loop);
    if (study->share == NULL || study->loop == NULL) {
        return -ENOMEM;
    }
    for (size_t p = 0; p < sweep->points; p++) {
        for (size_t r = 0; r < sweep->rounds; r++) {
            const struct pn_sample *s = loop_slot(run, study, p, r);
            loop[r] = s == NULL ? NAN : pn_sample_rate(s);
        }
        memcpy(sorted, loop, sweep->rounds * sizeof *loop);
        study->loop[p] = pn_estimate_median(sorted, sweep->rounds, 0.05);
        for (size_t level = 0; level < sweep->levels; level++) {
            for (size_t d = 0; d < sweep->designs; d++) {
                struct pn_share share = share_of(study, loop, d, level, p);
                if (share.share.n > 0 && strcmp(sweep->design[d], "loop") != 0) {
                    study->share[study->shares++] = share;
                }
            }
        }
    }
    return 0;
}

/* Whether a job loop's slot, of any sweep, ran the jobs of this point. */
static bool same_job(const struct pn_rundir *run, const struct pn_study *study,
                     const struct pn_sample *loop, size_t point) {
    if (loop->role != PN_ROLE_LOOP || !pn_sample_good(loop) ||
        study->sweep->x[point].word != NULL) {
        return false;
    }
    return loop->sweep == study->sweep
               ? loop->point == point
               : pn_sample_param(run, loop, study->sweep->key) == study->sweep->x[point].at;
}

int pn_study_job(const struct pn_rundir *run, struct pn_study *study) {
    double values[PN_ROUNDS_MAX];
    study->job_ns = calloc(study->sweep->points, sizeof *study->job_ns);
    if (study->job_ns == NULL) {
        return -ENOMEM;
    }
    for (size_t p = 0; p < study->sweep->points; p++) {
        size_t n = 0;
        for (size_t i = 0; i < run->samples && n < PN_ROUNDS_MAX; i++) {
            if (same_job(run, study, &run->sample[i], p)) {
                struct pn_effort e = pn_sample_effort(&run->sample[i]);
                values[n++] = e.busy_ns / e.jobs;
            }
        }
        study->job_ns[p] = pn_estimate_median(values, n, 0.05).value;
    }
    return 0;
}

static double plus(double sum, const json_t *core, const char *key) {
    return sum + pn_member_number(core, key);
}

static int add_core(struct pn_core_table *table, const json_t *core) {
    long cpu = (long)json_integer_value(pn_member(core, "cpu"));
    size_t i = 0;
    while (i < table->cores && table->core[i].cpu != cpu) {
        i++;
    }
    if (i == table->cores) {
        struct pn_core *wider = realloc(table->core, (table->cores + 1) * sizeof *wider);
        if (wider == NULL) {
            return -ENOMEM;
        }
        table->core = wider;
        const json_t *node = pn_member(core, "node");
        table->core[table->cores++] = (struct pn_core){
            .cpu = cpu, .node = json_is_integer(node) ? (long)json_integer_value(node) : -1};
    }
    struct pn_core *to = &table->core[i];
    to->jobs = plus(to->jobs, core, "jobs");
    to->busy_ns = plus(to->busy_ns, core, "busy_ns");
    to->spin_ns = plus(to->spin_ns, core, "spin_ns");
    to->sleep_ns = plus(to->sleep_ns, core, "sleep_ns");
    to->steals = plus(to->steals, core, "steals");
    to->wakes = plus(to->wakes, core, "wakes");
    to->syscalls = plus(to->syscalls, core, "syscalls");
    to->vol_switches = plus(to->vol_switches, core, "vol_switches");
    to->faults = plus(to->faults, core, "faults");
    to->invol_switches = plus(to->invol_switches, core, "invol_switches");
    to->run_delay_ns = plus(to->run_delay_ns, core, "run_delay_ns");
    return 0;
}

/* Sums over the good slots of one design at one point, level 0. */
static int sum_cores(const struct pn_study *study, size_t design, size_t point,
                     struct pn_core_table *table) {
    *table = (struct pn_core_table){.design = design};
    for (size_t r = 0; r < study->sweep->rounds; r++) {
        const struct pn_sample *s = pn_study_slot(study, design, 0, point, r);
        const json_t *cores =
            s == NULL || !pn_sample_good(s) ? NULL : pn_member(s->summary, "cores");
        if (!json_is_array(cores)) {
            continue;
        }
        struct pn_effort effort = pn_sample_effort(s);
        table->slots++;
        table->wall_ns += effort.wall_ns;
        table->jobs += effort.jobs;
        for (size_t i = 0; i < json_array_size(cores); i++) {
            if (add_core(table, json_array_get(cores, i)) != 0) {
                return -ENOMEM;
            }
        }
    }
    return 0;
}

int pn_study_cores(struct pn_study *study) {
    if (study->sweep->kind != PN_SWEEP_CROSSOVER) {
        return 0;
    }
    study->core_point = study->sweep->points / 2;
    for (size_t d = 0; d < study->sweep->designs; d++) {
        int code = sum_cores(study, d, study->core_point, &study->core[study->core_tables++]);
        if (code != 0) {
            return code;
        }
    }
    return 0;
}
