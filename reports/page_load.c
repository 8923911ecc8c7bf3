/* SPDX-License-Identifier: MIT
 *
 * Latency, cores, ceiling, Google Benchmark's rows.
 */
#include "page.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static struct pn_num micro(double ns) {
    return pn_num_sig(ns / 1e3, 3);
}

static const struct pn_latency *find_latency(const struct pn_study *study, size_t design) {
    for (size_t i = 0; i < study->latencies; i++) {
        if (study->latency[i].design == design) {
            return &study->latency[i];
        }
    }
    return NULL;
}

static struct pn_label headline_latency(const struct pn_study *study) {
    const struct pn_latency *a = find_latency(study, study->a);
    const struct pn_latency *b = find_latency(study, study->b);
    if (a == NULL || b == NULL || a == b) {
        const struct pn_latency *one = a != NULL ? a : b;
        return one == NULL ? pn_label("0 open-loop slots were measured")
                           : pn_label("Open loop: p99 is %s µs with %.30s",
                                      micro(one->quantile[PN_P99].value).s,
                                      study->sweep->design[one->design]);
    }
    return pn_label("Open loop at %s jobs/s: p99 is %s µs with %.30s, %s µs with %.30s",
                    pn_num_si(a->rate.value).s, micro(a->quantile[PN_P99].value).s,
                    study->sweep->design[study->a], micro(b->quantile[PN_P99].value).s,
                    study->sweep->design[study->b]);
}

/* A value with its interval below, as a cell of a card table; one count of decimals per column. */
static void value_cell(struct pn_text *out, const char *label, const struct pn_estimate *e,
                       int decimals) {
    pn_text_put(out, "<td data-l=\"");
    pn_text_escape(out, label);
    pn_text_put(out, "\">");
    pn_text_escape(out, isnan(e->value) ? "null" : pn_num_fixed(e->value, decimals).s);
    if (!isnan(e->lo)) {
        pn_text_cat(out, "<small>", pn_num_fixed(e->lo, decimals).s, " " PN_DASH " ",
                    pn_num_fixed(e->hi, decimals).s, "</small>", NULL);
    }
    pn_text_put(out, "</td>");
}

static struct pn_estimate scaled(const struct pn_estimate *e, double unit) {
    return (struct pn_estimate){e->value / unit, e->lo / unit, e->hi / unit, e->n};
}

/* Three significant digits for the largest value of the column. */
static int quantile_decimals(const struct pn_study *study, size_t q) {
    double most = 0;
    for (size_t i = 0; i < study->latencies; i++) {
        most = fmax(most, study->latency[i].quantile[q].value / 1e3);
    }
    return pn_num_decimals(most, 3);
}

static void swatch_header(struct pn_text *out, const char *design, size_t place, const char *more) {
    pn_text_format(out, "<tr><th scope=\"row\"><i class=\"sw w%d\" aria-hidden=\"true\"></i>",
                   pn_design_style(design, place));
    pn_text_escape(out, design);
    if (more[0] != '\0') {
        pn_text_put(out, "<small>");
        pn_text_escape(out, more);
        pn_text_put(out, "</small>");
    }
    pn_text_put(out, "</th>");
}

/* What was run at a point: "rate = 200000 jobs/s, mem = local". */
static struct pn_label point_name(const struct pn_sweep *sweep, size_t point, size_t level) {
    char room[96];
    const char *name = pn_level_name(sweep, level, room, sizeof room);
    return pn_label("%.30s = %s%s%.24s%s%.60s", sweep->key, pn_x_text(sweep, point).s,
                    sweep->unit[0] != '\0' ? " " : "", sweep->unit, name[0] != '\0' ? ", " : "",
                    name);
}

static void latency_rows(const struct pn_study *study, struct pn_text *out) {
    pn_text_put(out, "<div class=\"scroll\"><table class=\"num cards\"><thead><tr><th "
                     "scope=\"col\">design</th>");
    for (size_t q = 0; q < PN_QUANTILES; q++) {
        pn_text_cat(out, "<th scope=\"col\">", pn_quantile_names[q], "<small>µs</small></th>",
                    NULL);
    }
    pn_text_put(out, "<th scope=\"col\">reached<small>k jobs/s</small></th><th "
                     "scope=\"col\">asked<small>k jobs/s</small></th>"
                     "</tr></thead><tbody>\n");
    for (size_t i = 0; i < study->latencies; i++) {
        const struct pn_latency *l = &study->latency[i];
        struct pn_estimate asked = {l->offered / 1e3, NAN, NAN, 1};
        swatch_header(out, study->sweep->design[l->design], l->design,
                      point_name(study->sweep, l->point, l->level).s);
        for (size_t q = 0; q < PN_QUANTILES; q++) {
            struct pn_estimate us = scaled(&l->quantile[q], 1e3);
            value_cell(out, pn_label("%s, µs", pn_quantile_names[q]).s, &us,
                       quantile_decimals(study, q));
        }
        struct pn_estimate reached = scaled(&l->rate, 1e3);
        value_cell(out, "reached, k jobs/s", &reached, 2);
        value_cell(out, "asked, k jobs/s", &asked, 2);
        pn_row_close(out);
    }
    pn_text_put(out, "</tbody></table></div>\n");
}

static void latency_figures(const struct pn_study *study, struct pn_text *out) {
    const struct pn_latency *last = NULL;
    for (size_t i = 0; i < study->latencies; i++) {
        const struct pn_latency *l = &study->latency[i];
        if (l->counts == 0 ||
            (last != NULL && last->level == l->level && last->point == l->point)) {
            continue;
        }
        last = l;
        pn_text_put(out, "<div class=\"two\"><figure><h3>Percentiles, ");
        pn_text_escape(out, point_name(study->sweep, l->point, l->level).s);
        pn_text_put(out, "</h3>");
        pn_chart_latency(out, study, l->level, l->point);
        pn_text_put(out, "</figure><figure><h3>Histogram, the same jobs</h3>");
        pn_chart_histogram(out, study, l->level, l->point);
        pn_text_put(out, "</figure></div>\n");
    }
}

void pn_page_latency(const struct pn_analysis *analysis, struct pn_text *out) {
    for (size_t i = 0; i < analysis->studies; i++) {
        const struct pn_study *study = &analysis->study[i];
        if (study->sweep->kind != PN_SWEEP_LATENCY || study->latencies == 0) {
            continue;
        }
        pn_section_open(out, pn_label("latency-%zu", study->index).s, "Latency",
                        headline_latency(study).s);
        latency_figures(study, out);
        pn_text_put(out, "<figure>");
        latency_rows(study, out);
        pn_caption(out,
                   "Open loop: every latency counts from the job's intended start, so queueing is "
                   "not hidden. "
                   "Figures merge the histograms of all rounds; the table has medians over rounds, "
                   "with their 95\u00a0% interval from 6 rounds on. Each step to the right in a "
                   "figure is ten times rarer.");
        pn_text_put(out, "</figure>\n");
        pn_section_close(out);
    }
}

static double per_million(double count, double jobs) {
    return jobs > 0 ? 1e6 * count / jobs : NAN;
}

static double kernel_entries(const struct pn_core_table *t) {
    double sum = 0;
    for (size_t i = 0; i < t->cores; i++) {
        sum += t->core[i].syscalls + t->core[i].faults + t->core[i].vol_switches;
    }
    return per_million(sum, t->jobs);
}

static struct pn_num or_null(double v, int digits) {
    struct pn_num out = pn_num_sig(v, digits);
    if (isnan(v)) {
        (void)snprintf(out.s, sizeof out.s, "null");
    }
    return out;
}

static void core_row(const struct pn_study *study, const struct pn_core_table *t,
                     const struct pn_core *c, struct pn_text *out) {
    const char *label[] = {"jobs, %",
                           "busy, %",
                           "spin, %",
                           "sleep, %",
                           "steals, per M jobs",
                           "wakes, per M jobs",
                           "kernel entries, per M jobs",
                           "run delay, %"};
    double value[] = {100 * c->jobs / t->jobs,
                      100 * c->busy_ns / t->wall_ns,
                      100 * c->spin_ns / t->wall_ns,
                      100 * c->sleep_ns / t->wall_ns,
                      per_million(c->steals, c->jobs),
                      per_million(c->wakes, c->jobs),
                      per_million(c->syscalls + c->faults + c->vol_switches, c->jobs),
                      100 * c->run_delay_ns / t->wall_ns};
    /* Percentages, then counts per million jobs. */
    static const int decimals[] = {1, 2, 2, 2, 1, 1, 1, 2};
    const char *name = study->sweep->design[t->design];
    swatch_header(out, name, t->design,
                  c->node < 0 ? pn_label("CPU %ld, node unknown", c->cpu).s
                              : pn_label("CPU %ld, node %ld", c->cpu, c->node).s);
    for (size_t i = 0; i < sizeof value / sizeof value[0]; i++) {
        struct pn_estimate e = {value[i], NAN, NAN, 1};
        value_cell(out, label[i], &e, decimals[i]);
    }
    pn_row_close(out);
}

/* Beyond this many, the first table shows the least and the most busy core of each design. */
#define CORES_SHOWN 12

static bool is_extreme(const struct pn_core_table *t, size_t core) {
    size_t least = 0;
    size_t most = 0;
    for (size_t c = 1; c < t->cores; c++) {
        least = t->core[c].busy_ns < t->core[least].busy_ns ? c : least;
        most = t->core[c].busy_ns > t->core[most].busy_ns ? c : most;
    }
    return core == least || core == most;
}

static bool has_many(const struct pn_study *study) {
    for (size_t i = 0; i < study->core_tables; i++) {
        if (study->core[i].cores > CORES_SHOWN) {
            return true;
        }
    }
    return false;
}

static void cores_table(const struct pn_study *study, bool extremes, struct pn_text *out) {
    pn_text_put(
        out,
        "<div class=\"scroll\"><table class=\"num cards\"><thead><tr><th scope=\"col\">core</th>"
        "<th scope=\"col\">jobs<small>% of all</small></th><th scope=\"col\">busy<small>% of "
        "wall</small></th>"
        "<th scope=\"col\">spin<small>% of wall</small></th><th scope=\"col\">sleep<small>% of "
        "wall</small></th>"
        "<th scope=\"col\">steals<small>per million jobs</small></th>"
        "<th scope=\"col\">wakes<small>per million jobs</small></th>"
        "<th scope=\"col\">kernel entries<small>per million jobs</small></th>"
        "<th scope=\"col\">run delay<small>% of wall</small></th></tr></thead>\n");
    for (size_t i = 0; i < study->core_tables; i++) {
        const struct pn_core_table *t = &study->core[i];
        if (t->cores == 0) {
            continue;
        }
        pn_text_put(out, "<tbody>");
        for (size_t c = 0; c < t->cores; c++) {
            if (!extremes || is_extreme(t, c)) {
                core_row(study, t, &t->core[c], out);
            }
        }
        pn_text_put(out, "</tbody>");
    }
    pn_text_put(out, "</table></div>\n");
}

void pn_page_cores(const struct pn_analysis *analysis, struct pn_text *out) {
    const struct pn_study *study = pn_analysis_first(analysis, PN_SWEEP_CROSSOVER);
    if (study == NULL || study->core_tables == 0) {
        return;
    }
    size_t cores = 0;
    for (size_t i = 0; i < study->core_tables; i++) {
        cores += study->core[i].cores;
    }
    if (cores == 0) {
        pn_section_open(out, "cores", "Per core", "0 slots report their cores");
        pn_text_put(out,
                    "<p class=\"none\">Busy, spinning and sleeping time per core is null.</p>");
        pn_section_close(out);
        return;
    }
    const struct pn_core_table *a = &study->core[study->a];
    const struct pn_core_table *b = &study->core[study->b];
    struct pn_label headline =
        pn_label("Per million jobs %.24s enters the kernel %s times, %.24s %s times",
                 study->sweep->design[study->a], or_null(kernel_entries(a), 3).s,
                 study->sweep->design[study->b], or_null(kernel_entries(b), 3).s);
    pn_section_open(out, "cores", "Per core", headline.s);
    pn_text_put(out, "<figure>");
    bool many = has_many(study);
    cores_table(study, many, out);
    if (many) {
        pn_text_put(out, "<details><summary>Every core</summary>");
        cores_table(study, false, out);
        pn_text_put(out, "</details>\n");
    }
    char room[96];
    struct pn_text caption = {0};
    const char *level = pn_level_name(study->sweep, 0, room, sizeof room);
    pn_text_cat(&caption, "Sums over the valid slots at ",
                pn_x_text(study->sweep, study->core_point).s, " ", pn_x_unit(study->sweep),
                level[0] != '\0' ? ", " : "", level,
                many ? ": the least and the most busy core of each design" : "",
                ". Busy is CPU time without counted idle spin. Kernel entries are system calls, "
                "page faults and "
                "voluntary context switches of the scheduler thread. Run delay is time ready but "
                "not running.",
                NULL);
    pn_caption(out, caption.data == NULL ? "" : caption.data);
    pn_text_free(&caption);
    pn_text_put(out, "</figure>\n");
    pn_section_close(out);
}

void pn_page_ceiling(const struct pn_analysis *analysis, struct pn_text *out) {
    for (size_t i = 0; i < analysis->studies; i++) {
        const struct pn_study *study = &analysis->study[i];
        if (study->shares == 0) {
            continue;
        }
        static const char *const columns[] = {"point",
                                              "design",
                                              "share of the job loop, % [95 %]",
                                              "jobs/s [95 %]",
                                              "job loop, jobs/s [95 %]",
                                              NULL};
        const struct pn_share *first = &study->share[0];
        pn_section_open(out, pn_label("ceiling-%zu", study->index).s, "Ceiling",
                        pn_label("%.30s reaches %s" PN_NBSP "%% of the job loop with %.30s = %s",
                                 study->sweep->design[first->design],
                                 pn_num_fixed(100 * first->share.value, 0).s, study->sweep->key,
                                 pn_x_text(study->sweep, first->point).s)
                            .s);
        pn_text_put(out, "<figure>");
        pn_chart_ceiling(out, study);
        pn_caption(out, "The job loop runs the same whole jobs on the same cores without a queue: "
                        "what is missing to "
                        "100\u00a0% is the price of handing jobs over. Median of the ratios within "
                        "each round, bar = "
                        "95\u00a0% interval.");
        pn_details_open(out, columns);
        for (size_t s = 0; s < study->shares; s++) {
            const struct pn_share *share = &study->share[s];
            struct pn_estimate percent = {100 * share->share.value, 100 * share->share.lo,
                                          100 * share->share.hi, share->share.n};
            pn_row_open(out, point_name(study->sweep, share->point, share->level).s);
            pn_cell(out, study->sweep->design[share->design]);
            pn_cell(out, pn_label_estimate(&percent, pn_num_sig3).s);
            pn_cell(out, pn_label_estimate(&share->rate, pn_num_si).s);
            pn_cell(out, pn_label_estimate(&study->loop[share->point], pn_num_si).s);
            pn_row_close(out);
        }
        pn_details_close(out);
        pn_text_put(out, "</figure>\n");
        pn_section_close(out);
    }
}
