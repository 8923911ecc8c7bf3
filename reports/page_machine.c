/* SPDX-License-Identifier: MIT
 *
 * The machine with doctor's findings, every sample, and how to measure again.
 */
#include "page.h"

#include <math.h>
#include <string.h>

static const char *chip_of(const char *status) {
    if (strcmp(status, "fail") == 0 || strcmp(status, "warn") == 0) {
        return "chip";
    }
    return strcmp(status, "ok") == 0 ? "chip ok" : "chip plain";
}

static void finding_row(const json_t *f, struct pn_text *out) {
    const char *status = pn_member_string(f, "status", "unknown");
    const char *value = pn_member_string(f, "value", "");
    const char *fix = pn_member_string(f, "fix", "");
    pn_row_open(out, pn_member_string(f, "id", "check"));
    pn_text_cat(out, "<td data-l=\"status\"><span class=\"", chip_of(status), "\">", NULL);
    pn_text_escape(out, status);
    pn_text_put(out, "</span></td><td data-l=\"found\">");
    if (value[0] == '\0') {
        pn_text_put(out, "null<small>");
        pn_text_escape(out, pn_member_string(f, "reason", "no reason recorded"));
        pn_text_put(out, "</small>");
    } else {
        pn_text_escape(out, value);
        pn_text_put(out, "<small>expected: ");
        pn_text_escape(out, pn_member_string(f, "expected", "not stated"));
        pn_text_put(out, "</small>");
    }
    pn_text_put(out, "</td><td data-l=\"why it matters\">");
    pn_text_escape(out, pn_member_string(f, "why", ""));
    if (fix[0] != '\0' && strcmp(status, "ok") != 0) {
        pn_text_put(out, "<small>to do: ");
        pn_text_escape(out, fix);
        pn_text_put(out, "</small>");
    }
    pn_text_put(out, "</td>");
    pn_row_close(out);
}

static size_t count(const json_t *findings, const char *status) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        n += strcmp(pn_member_string(json_array_get(findings, i), "status", ""), status) == 0;
    }
    return n;
}

/* What spoils the run first, what passed last. */
static void findings_table(const json_t *findings, struct pn_text *out) {
    static const char *const order[] = {"fail", "warn", "info", "skip", "ok"};
    pn_text_put(
        out,
        "<table class=\"words cards\"><thead><tr><th scope=\"col\">check</th><th "
        "scope=\"col\">status</th>"
        "<th scope=\"col\">found</th><th scope=\"col\">why it matters</th></tr></thead><tbody>\n");
    for (size_t s = 0; s < sizeof order / sizeof order[0]; s++) {
        for (size_t i = 0; i < json_array_size(findings); i++) {
            const json_t *f = json_array_get(findings, i);
            if (strcmp(pn_member_string(f, "status", ""), order[s]) == 0) {
                finding_row(f, out);
            }
        }
    }
    pn_text_put(out, "</tbody></table>\n");
}

static void fact(struct pn_text *out, const char *name, const char *value) {
    pn_text_put(out, "<dt>");
    pn_text_escape(out, name);
    pn_text_put(out, "</dt><dd>");
    pn_text_escape(out, value);
    pn_text_put(out, "</dd>");
}

static void placement_facts(const json_t *placement, struct pn_text *out) {
    const json_t *schedulers = pn_member(placement, "schedulers");
    for (size_t i = 0; i < json_array_size(schedulers) && i < 512; i++) {
        const json_t *s = json_array_get(schedulers, i);
        double node = pn_member_number(s, "node");
        fact(out, pn_label("scheduler %zu", i).s,
             pn_label("CPU %s, node %s: %.90s", pn_num_plain(pn_member_number(s, "cpu"), 0).s,
                      isnan(node) ? "unknown" : pn_num_plain(node, 0).s,
                      pn_member_string(s, "reason", "no reason recorded"))
                 .s);
    }
    fact(out, "placement", pn_member_string(placement, "note", "no note"));
}

void pn_page_machine(const struct pn_analysis *analysis, struct pn_text *out) {
    const json_t *manifest = analysis->run->manifest;
    const json_t *findings = pn_member(manifest, "findings");
    size_t n = json_array_size(findings);
    pn_section_open(out, "machine", "Machine",
                    n == 0 ? "0 checks of the machine were recorded"
                           : pn_label("%zu checks: %zu pass, %zu warn, %zu fail, %zu could not run",
                                      n, count(findings, "ok") + count(findings, "info"),
                                      count(findings, "warn"), count(findings, "fail"),
                                      count(findings, "skip"))
                                 .s);
    if (n > 0) {
        findings_table(findings, out);
    }
    if (pn_member(manifest, "placement") != NULL || !analysis->run->bare) {
        pn_text_put(out, "<details><summary>Placement</summary><dl class=\"facts\">");
        placement_facts(pn_member(manifest, "placement"), out);
        pn_text_put(out, "</dl></details>\n");
    }
    pn_section_close(out);
}

/* A run of a day has some 10,000 slots; the page stays readable and the lines are in the file. */
#define SLOTS_SHOWN 4000

/* Every slot as it came, void ones with their reason. */
static void slots_table(const struct pn_rundir *run, struct pn_text *out) {
    static const char *const columns[] = {
        "slot", "started, s", "sweep, x, level", "round", "jobs/s (raw)", "says", NULL};
    size_t shown = 0;
    pn_details_named(out, "Data table", columns);
    for (size_t i = 0; i < run->samples && shown < SLOTS_SHOWN; i++) {
        const struct pn_sample *s = &run->sample[i];
        char room[96];
        const char *level = pn_level_name(s->sweep, s->level, room, sizeof room);
        const char *what = s->error != NULL         ? "failed: "
                           : s->void_reason != NULL ? "void: "
                           : s->unsteady            ? "unsteady"
                                                    : "valid";
        const char *why = s->error != NULL ? s->error : s->void_reason;
        double rate = pn_sample_raw_rate(s);
        pn_row_open(out,
                    pn_label("%.30s%s", s->design_name, s->role == PN_ROLE_AA ? ", A/A" : "").s);
        pn_cell(out, pn_num_fixed(s->start_ns / 1e9, 1).s);
        pn_cell(out, pn_label("%.40s, %s%s%.60s", s->sweep->name, pn_x_text(s->sweep, s->point).s,
                              level[0] != '\0' ? ", " : "", level)
                         .s);
        pn_cell(out, pn_label("%zu", s->round + 1).s);
        pn_cell(out, isnan(rate) ? "null" : pn_num_si(rate).s);
        pn_cell(out, pn_label("%s%.140s", what, why == NULL ? "" : why).s);
        pn_row_close(out);
        shown++;
    }
    pn_table_close(out);
    if (shown < run->samples) {
        pn_text_format(out, "<p class=\"none\">The first %zu of %zu; all are in samples.jsonl.</p>",
                       shown, run->samples);
    }
    pn_text_put(out, "</details>\n");
}

void pn_page_samples(const struct pn_analysis *analysis, struct pn_text *out) {
    const struct pn_rundir *run = analysis->run;
    pn_section_open(out, "samples", "Every sample",
                    pn_label("%zu of %zu planned slots: %zu void, %zu failed, %zu unsteady",
                             run->samples, run->planned, analysis->voided, analysis->failed,
                             analysis->unsteady)
                        .s);
    if (run->samples == 0) {
        pn_text_put(out, "<p class=\"none\">No slot was finished.</p>");
    } else {
        pn_text_put(out, "<figure>");
        pn_chart_strip(out, analysis);
        pn_caption(out, "One mark per slot: its throughput's deviation from the median of its own "
                        "point. A slope would be "
                        "drift. Hollow marks are void by a gate that cannot depend on the design; "
                        "a stroke marks a slot "
                        "whose halves differ by over 2\u00a0%. Nothing is dropped by value. Marks "
                        "beyond the scale stand "
                        "at its edge.");
        slots_table(run, out);
        pn_gates_table(run, out);
        pn_text_put(out, "</figure>\n");
    }
    pn_section_close(out);
}

static void put_command(const json_t *command, struct pn_text *out) {
    for (size_t i = 0; i < json_array_size(command); i++) {
        const char *word = json_string_value(json_array_get(command, i));
        bool quote =
            word == NULL || word[0] == '\0' || strpbrk(word, " \t\n\"'\\$&|;<>()*?#~`") != NULL;
        pn_text_put(out, i > 0 ? " " : "");
        pn_text_put(out, quote ? "&#39;" : "");
        for (const char *c = word == NULL ? "" : word; *c != '\0'; c++) {
            char one[2] = {*c, '\0'};
            pn_text_cat(out, *c == '\'' && quote ? "&#39;\\&#39;&#39;" : "", NULL);
            if (*c != '\'' || !quote) {
                if ((unsigned char)*c >= 0x80) {
                    pn_text_put_n(out, c, 1);
                } else {
                    pn_text_escape(out, one);
                }
            }
        }
        pn_text_put(out, quote ? "&#39;" : "");
    }
}

static void versions(const json_t *manifest, struct pn_text *out) {
    const json_t *build = pn_member(pn_member(manifest, "tool"), "build");
    struct pn_text text = {0};
    const char *key;
    json_t *value;
    pn_text_cat(&text, "pinion ",
                pn_member_string(pn_member(manifest, "tool"), "version", "unknown"), ", ",
                pn_member_string(build, "type", "unknown"), " build, ",
                pn_member_string(build, "compiler", "unknown compiler"),
                json_is_true(json_object_get(build, "native")) ? ", this machine's instruction set"
                                                               : ", baseline instruction set",
                NULL);
    fact(out, "tool", text.data == NULL ? "" : text.data);
    pn_text_free(&text);
    fact(out, "flags", pn_member_string(build, "flags", "not recorded"));
    json_object_foreach((json_t *)pn_member(manifest, "versions"), key, value) {
        pn_text_cat(&text, text.len > 0 ? ", " : "", key, " ",
                    json_is_string(value) ? json_string_value(value) : "unknown", NULL);
    }
    fact(out, "libraries", text.data == NULL ? "not recorded" : text.data);
    pn_text_free(&text);
    fact(out, "seed", pn_num_plain(pn_member_number(manifest, "seed"), 0).s);
}

/* Of a run that measured queues only. */
static void queue_limits(const struct pn_queue_report *report, struct pn_text *out) {
    pn_text_put(out,
                "<ul><li>One machine, one kernel. Another fingerprint needs its own run.</li>"
                "<li>Only ratios inside one round are compared; rates of different runs are "
                "not.</li><li>The fastest of several queues is chosen by the same rounds that "
                "then state its lead, which favours it slightly.</li><li>Intervals hold one by "
                "one, not for all queues and workloads at once.</li>");
    if (report->notice[0] != '\0') {
        pn_text_put(out, "<li>");
        pn_text_escape(out, report->notice);
        pn_text_put(out, ".</li>");
    }
    pn_text_put(out, "</ul>");
}

static void limits(const struct pn_analysis *analysis, struct pn_text *out) {
    const json_t *manifest = analysis->run->manifest;
    const json_t *sampled = pn_member(manifest, "sampled");
    pn_text_put(out, "<ul><li>One machine, one kernel. Another fingerprint needs its own "
                     "run.</li><li>Sampled: cores ");
    pn_text_escape(out, pn_member_string(sampled, "cores", "not recorded"));
    pn_text_put(out, ", points ");
    pn_text_escape(out, pn_member_string(sampled, "points", "not recorded"));
    const char *why = pn_member_string(sampled, "why", "");
    pn_text_put(out, why[0] != '\0' ? "; " : "");
    pn_text_escape(out, why);
    pn_text_put(
        out, ".</li><li>Hardware counters are not part of this report: cache and remote-memory "
             "misses are null, not "
             "0.</li><li>Closed-loop latency is queue depth over rate and is not compared.</li>");
    if (analysis->unlike > 0) {
        pn_text_format(out,
                       "<li>%zu pairs of slots have unlike results or lost jobs: no ratio was "
                       "stated for them.</li>",
                       analysis->unlike);
    }
    for (size_t i = 0; i < analysis->run->notices; i++) {
        pn_text_put(out, "<li>");
        pn_text_escape(out, analysis->run->notice[i]);
        pn_text_put(out, ".</li>");
    }
    pn_text_put(out, "<li>Intervals of ratios hold for all points of a curve at once (Bonferroni); "
                     "the others hold one by "
                     "one.</li></ul>");
}

void pn_page_rerun(const struct pn_analysis *analysis, struct pn_text *out) {
    const json_t *manifest = analysis->run->manifest;
    bool bare = analysis->run->bare;
    struct pn_num seed = pn_num_plain(pn_member_number(manifest, "seed"), 0);
    pn_section_open(out, "rerun", "Reproduce",
                    bare ? pn_label("Seed %s shuffles the rounds the same way again", seed.s).s
                         : pn_label("Seed %s and %zu planned slots make this run again", seed.s,
                                    analysis->run->planned)
                               .s);
    pn_text_cat(out, "<pre>",
                bare ? ""
                     : "# in the run directory: the same plan and seed\nsh rerun.sh -o "
                       "NEW-DIRECTORY\n",
                "# the command that made it\n", NULL);
    put_command(pn_member(manifest, "command"), out);
    pn_text_put(out, "\n# this page and results.json again, byte for byte\npinion report .</pre>"
                     "<div class=\"limits\"><dl class=\"facts\">");
    versions(manifest, out);
    fact(out, "kernel", pn_member_string(pn_member(manifest, "host"), "kernel", "not recorded"));
    fact(out, "preset", pn_member_string(manifest, "preset", "none"));
    fact(out, "data",
         bare ? "manifest.json queues.jsonl results.json"
              : "manifest.json plan.jsonl samples.jsonl micro.json topology.json topology.xml env/ "
                "results.json");
    pn_text_put(out, "</dl>");
    if (bare) {
        queue_limits(analysis->queues, out);
    } else {
        limits(analysis, out);
    }
    pn_text_put(out, "</div>\n");
    pn_section_close(out);
}
