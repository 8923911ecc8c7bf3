/* SPDX-License-Identifier: MIT
 *
 * Banner, head, badges, verdict.
 */
#include "page_queues.h"
#include "rival.h"
#include "verdict.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static bool finding_is(const json_t *finding, const char *status) {
    return strcmp(pn_member_string(finding, "status", ""), status) == 0;
}

static size_t count_findings(const json_t *findings, const char *status) {
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(findings); i++) {
        n += finding_is(json_array_get(findings, i), status);
    }
    return n;
}

/* The first finding of this status, as "id: value". */
static struct pn_label name_finding(const json_t *findings, const char *status) {
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const json_t *f = json_array_get(findings, i);
        if (finding_is(f, status)) {
            return pn_label("%.40s: %.60s", pn_member_string(f, "id", "check"),
                            pn_member_string(f, "value", "unknown"));
        }
    }
    return pn_label("%s", "");
}

static void warn(struct pn_text *out, size_t *said, const char *strong, const char *text) {
    pn_text_cat(out, *said == 0 ? "<div class=\"banner\" role=\"note\">" : " ", "<b>", NULL);
    pn_text_escape(out, strong);
    pn_text_put(out, "</b> ");
    pn_text_escape(out, text);
    ++*said;
}

static void write_banner(const struct pn_analysis *analysis, struct pn_text *out) {
    const json_t *manifest = analysis->run->manifest;
    const json_t *host = pn_member(manifest, "host");
    const json_t *findings = pn_member(manifest, "findings");
    const char *status = pn_member_string(manifest, "status", "unknown");
    size_t said = 0;
    if (analysis->noisy) {
        warn(out, &said, "Too noisy.",
             pn_label("%zu of %zu slots are void: measure again on a quiet machine.",
                      analysis->voided, analysis->run->samples)
                 .s);
    }
    if (strcmp(status, "complete") != 0 && strcmp(status, "noisy") != 0) {
        warn(out, &said, "Not complete.",
             analysis->run->bare
                 ? pn_label("The run's status is %.30s.", status).s
                 : pn_label("The run's status is %.30s: %zu of %zu slots were measured.", status,
                            analysis->run->samples, analysis->run->planned)
                       .s);
    }
    size_t slots = 0;
    const char *degraded = pn_first_degraded(analysis->run, &slots);
    if (degraded != NULL) {
        warn(out, &said, "Degraded.",
             pn_label("%zu slots did not run as asked: %.100s", slots, degraded).s);
    }
    if (json_is_true(json_object_get(host, "hypervisor"))) {
        warn(out, &said, "Virtual machine.",
             "Its host may take the CPU away; a physical machine is the evidence.");
    }
    if (pn_member_number(host, "nodes") == 1) {
        warn(out, &said, "One NUMA node.",
             "Nothing here is a statement about memory on another node.");
    }
    if (count_findings(findings, "fail") > 0) {
        warn(out, &said, "Doctor fails.", name_finding(findings, "fail").s);
    }
    if (said > 0) {
        pn_text_put(out, "</div>\n");
    }
}

/* Whom this run was measured against, and who is missing. */
static void write_peers(const json_t *manifest, struct pn_text *out) {
    const json_t *peers = json_object_get(manifest, "peers");
    const json_t *absent = json_object_get(manifest, "absent_designs");
    for (size_t i = 0; i < json_array_size(peers); i++) {
        const json_t *peer = json_array_get(peers, i);
        const char *key;
        json_t *value;
        pn_text_put(out, "<p class=\"when\">Measured against <b>");
        pn_text_escape(out, pn_member_string(peer, "name", "a peer"));
        pn_text_put(out, "</b>");
        json_object_foreach((json_t *)pn_member(peer, "versions"), key, value) {
            pn_text_put(out, ", ");
            pn_text_escape(out, key);
            pn_text_put(out, " ");
            pn_text_escape(out, json_is_string(value) ? json_string_value(value) : "unknown");
        }
        pn_text_put(out, ": <code>");
        pn_text_escape(out, pn_member_string(peer, "flags", "flags unknown"));
        pn_text_put(out, "</code></p>");
    }
    for (size_t i = 0; i < json_array_size(absent); i++) {
        const json_t *one = json_array_get(absent, i);
        pn_text_put(out, "<p class=\"when\"><b>Not measured:</b> ");
        pn_text_escape(out, pn_member_string(one, "design", "a design"));
        pn_text_put(out, ", ");
        pn_text_escape(out, pn_member_string(one, "reason", "for no stated reason"));
        pn_text_put(out, i + 1 == json_array_size(absent)
                             ? ". It comes with <code>pinion peers --install --build</code></p>"
                             : "</p>");
    }
}

static struct pn_label plural(double n, const char *noun) {
    return isnan(n) ? pn_label("%ss unknown", noun)
                    : pn_label("%s %s%s", pn_num_fixed(n, 0).s, noun, n == 1 ? "" : "s");
}

static void write_title(const struct pn_analysis *analysis, struct pn_text *out) {
    const json_t *manifest = analysis->run->manifest;
    const json_t *host = pn_member(manifest, "host");
    const json_t *placement = pn_member(manifest, "placement");
    double memory = pn_member_number(host, "memory_bytes");
    pn_text_cat(out, "<header><p class=\"eyebrow\">Pinion ",
                analysis->run->bare ? "queue" : "crossover", " report</p><h1>", NULL);
    pn_text_cat(out, plural(pn_member_number(host, "cores"), "core").s, ", ",
                plural(pn_member_number(host, "nodes"), "NUMA node").s, NULL);
    if (!isnan(memory)) {
        pn_text_cat(out, ", ", pn_num_tick(floor(memory / 0x1p30 * 10 + 0.5) / 10).s, PN_NBSP "GiB",
                    NULL);
    }
    pn_text_put(out, "</h1><p class=\"machine\">");
    pn_text_escape(out, pn_member_string(host, "cpu_model", "CPU model unknown"));
    pn_text_cat(out, ", ", plural(pn_member_number(host, "cpus"), "CPU").s, ", Linux ", NULL);
    pn_text_escape(out, pn_member_string(host, "kernel", "unknown"));
    if (!analysis->run->bare) {
        pn_text_cat(
            out, ", ",
            plural((double)json_array_size(pn_member(placement, "schedulers")), "scheduler").s,
            " + ",
            plural((double)json_array_size(pn_member(placement, "housekeeping")),
                   "housekeeping core")
                .s,
            NULL);
    }
    pn_text_put(out, "</p>");
}

static double run_minutes(const struct pn_rundir *run) {
    double end = 0;
    for (size_t i = 0; i < run->samples; i++) {
        double wall = run->sample[i].wall_ns > 0 ? run->sample[i].wall_ns : 0;
        end = fmax(end, run->sample[i].start_ns + wall);
    }
    return end / 60e9;
}

/* The fingerprint in groups of four: people compare it by eye. */
static void write_fingerprint(const char *hex, struct pn_text *out) {
    pn_text_put(out, "<code>");
    for (size_t i = 0; hex[i] != '\0' && i < 16; i++) {
        char c[2] = {hex[i], '\0'};
        pn_text_put(out, i > 0 && i % 4 == 0 ? " " : "");
        pn_text_escape(out, c);
    }
    pn_text_put(out, "</code>");
}

static void write_when(const struct pn_analysis *analysis, struct pn_text *out) {
    const json_t *manifest = analysis->run->manifest;
    const struct pn_study *study = pn_analysis_first(analysis, PN_SWEEP_CROSSOVER);
    pn_text_put(out, "<p class=\"when\">");
    const char *start = pn_member_string(manifest, "started_utc", "start unknown");
    if (strlen(start) == 20 && start[10] == 'T' &&
        start[19] == 'Z') { /* to the minute, for people */
        pn_text_escape(out, pn_label("%.10s %.5s UTC", start, start + 11).s);
    } else {
        pn_text_escape(out, start);
    }
    if (analysis->run->bare) {
        pn_text_format(out, ", %zu rounds of %zu queues", analysis->queues->rounds,
                       analysis->queues->queues);
    } else {
        pn_text_cat(out, ", ", pn_num_sig(run_minutes(analysis->run), 2).s, PN_NBSP "min", NULL);
    }
    if (study != NULL) {
        const struct pn_sweep *sweep = study->sweep;
        pn_text_format(out, ", %zu rounds × %zu points", sweep->rounds_measured, sweep->points);
    }
    pn_text_put(out, ", pinion ");
    pn_text_escape(out,
                   pn_member_string(pn_member(manifest, "tool"), "version", "of unknown version"));
    pn_text_put(out, " &nbsp; fingerprint ");
    write_fingerprint(pn_member_string(manifest, "fingerprint", "unknown"), out);
    pn_text_put(out, "</p>");
}

static void badge(struct pn_text *out, bool warn_it, const char *what, const char *value,
                  const char *why) {
    pn_text_cat(out, warn_it ? "<li class=\"warn\"><span>" : "<li><span>", what, "</span><b>",
                NULL);
    pn_text_escape(out, value);
    pn_text_put(out, "</b><small>");
    pn_text_escape(out, why);
    pn_text_put(out, "</small></li>");
}

static void badge_machine(const json_t *host, struct pn_text *out) {
    const json_t *flag = pn_member(host, "hypervisor");
    if (!json_is_boolean(flag)) {
        badge(out, true, "Machine", "unknown",
              pn_member_reason(host, "hypervisor", "not recorded"));
    } else {
        badge(out, json_is_true(flag), "Machine", json_is_true(flag) ? "virtual" : "physical",
              json_is_true(flag) ? "a hypervisor shares the CPUs" : "no hypervisor");
    }
}

static void badge_doctor(const json_t *findings, struct pn_text *out) {
    size_t fails = count_findings(findings, "fail");
    size_t warns = count_findings(findings, "warn");
    size_t asked = json_array_size(findings) - count_findings(findings, "skip");
    if (asked == 0) {
        badge(out, true, "Doctor", "unknown", "no findings were recorded");
        return;
    }
    struct pn_label first = name_finding(findings, fails > 0 ? "fail" : "warn");
    badge(out, fails + warns > 0, "Doctor",
          pn_label("%zu of %zu pass", asked - fails - warns, asked).s,
          fails + warns == 0 ? "nothing to warn of"
                             : pn_label("%s: %.100s", fails > 0 ? "fails" : "warning", first.s).s);
}

static void badge_noise(const struct pn_noise *noise, struct pn_text *out) {
    if (isnan(noise->floor)) {
        badge(out, true, "Noise floor (A/A)", "unknown", "the run holds no A/A pair");
        return;
    }
    const char *why = noise->biased           ? "the A/A pair itself differs: read with care"
                      : isnan(noise->pair.lo) ? "widest of under 6 pairs; smaller is not stated"
                                              : "smaller differences are not stated";
    badge(out, noise->biased || noise->floor > log1p(PN_TIE), "Noise floor (A/A)",
          pn_label("±%s" PN_NBSP "%%", pn_num_sig(100 * expm1(noise->floor), 2).s).s, why);
}

static void badge_void(const struct pn_analysis *analysis, struct pn_text *out) {
    size_t n = analysis->run->samples;
    double percent = n == 0 ? 0 : 100.0 * (double)analysis->voided / (double)n;
    badge(out, percent > 5 || analysis->failed > 0, "Voided slots",
          n == 0 ? "none measured" : pn_label("%s" PN_NBSP "%%", pn_num_fixed(percent, 1).s).s,
          pn_label("%zu of %zu, each with its partner%s", analysis->voided, n,
                   analysis->failed > 0 ? pn_label("; %zu failed", analysis->failed).s : "")
              .s);
}

void pn_page_head(const struct pn_analysis *analysis, struct pn_text *out) {
    const json_t *manifest = analysis->run->manifest;
    write_banner(analysis, out);
    pn_text_put(out, "<main>\n");
    write_title(analysis, out);
    write_when(analysis, out);
    write_peers(manifest, out);
    pn_text_put(out, "<ul class=\"badges\">");
    badge_machine(pn_member(manifest, "host"), out);
    badge_doctor(pn_member(manifest, "findings"), out);
    if (analysis->run->bare) {
        pn_page_queue_badges(analysis->queues, out);
    } else {
        badge_noise(&analysis->noise, out);
        badge_void(analysis, out);
    }
    pn_text_put(out, "</ul></header>\n");
}

void pn_page_verdict(const struct pn_analysis *analysis, const struct pn_report_verdict *verdict,
                     struct pn_text *out) {
    const struct pn_study *study = pn_analysis_first(analysis, PN_SWEEP_CROSSOVER);
    (void)verdict;
    pn_text_put(out, "<section class=\"verdict\" id=\"verdict\"><p class=\"eyebrow\">Verdict</p><p "
                     "class=\"v\">");
    pn_verdict_crossover(analysis, true, out);
    pn_text_put(out, "</p><p class=\"v\">");
    pn_verdict_cause(analysis, true, out);
    pn_text_put(out, "</p>");
    if (study != NULL) {
        pn_page_rivals(analysis->run, study, 0, "v", out);
    }
    pn_text_put(out, "</section>\n");
}
