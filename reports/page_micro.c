/* SPDX-License-Identifier: MIT
 *
 * Google Benchmark's rows, from its own JSON.
 */
#include "page.h"

#include <math.h>
#include <string.h>

/* Repeated runs are shown by their median; a single run by itself. */
static bool shown(const json_t *row, bool aggregates) {
    const char *type = pn_member_string(row, "run_type", "iteration");
    if (json_is_true(json_object_get(row, "error_occurred"))) {
        return true;
    }
    return aggregates ? strcmp(pn_member_string(row, "aggregate_name", ""), "median") == 0
                      : strcmp(type, "iteration") == 0;
}

static bool has_aggregates(const json_t *rows) {
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (strcmp(pn_member_string(json_array_get(rows, i), "aggregate_name", ""), "median") ==
            0) {
            return true;
        }
    }
    return false;
}

static const char *const columns[] = {
    "benchmark", "wall time per operation", "CPU time per iteration", "iterations", "counters",
    NULL};

/* Counters are whatever else the row holds as a number. */
static void put_counters(const json_t *row, struct pn_text *out) {
    static const char *const known[] = {"real_time",    "cpu_time",
                                        "iterations",   "repetitions",
                                        "threads",      "repetition_index",
                                        "family_index", "per_family_instance_index",
                                        "ns_per_op",    NULL};
    const char *key;
    json_t *value;
    size_t n = 0;
    json_object_foreach((json_t *)row, key, value) {
        size_t k = 0;
        while (known[k] != NULL && strcmp(known[k], key) != 0) {
            k++;
        }
        if (known[k] == NULL && json_is_number(value) && n < 4) {
            pn_text_put(out, n++ > 0 ? ", " : "");
            pn_text_escape(out, key);
            pn_text_cat(out, " ", pn_num_si(json_number_value(value)).s, NULL);
        }
    }
}

/* "a/b/threads:1" without what every single-threaded name ends in. */
static void put_name(const json_t *row, struct pn_text *out) {
    const char *name = pn_member_string(row, "run_name", pn_member_string(row, "name", "unnamed"));
    size_t n = strlen(name);
    static const char tail[] = "/threads:1";
    size_t cut =
        n > sizeof tail && strcmp(name + n - (sizeof tail - 1), tail) == 0 ? sizeof tail - 1 : 0;
    pn_row_open(out, pn_label("%.*s", (int)(n - cut < 120 ? n - cut : 120), name).s);
}

static void put_row(const json_t *row, struct pn_text *out) {
    const char *unit = pn_member_string(row, "time_unit", "ns");
    double per_op = pn_member_number(row, "ns_per_op");
    put_name(row, out);
    if (json_is_true(json_object_get(row, "error_occurred"))) {
        for (size_t i = 1; i < 4; i++) {
            pn_card_cell(out, columns[i], "null");
        }
        pn_card_cell(out, columns[4],
                     pn_member_string(row, "error_message", "failed without a message"));
        pn_row_close(out);
        return;
    }
    struct pn_label wall = isnan(per_op)
                               ? pn_label("%s" PN_NBSP "%.8s",
                                          pn_num_sig(pn_member_number(row, "real_time"), 3).s, unit)
                               : pn_label("%s" PN_NBSP "ns", pn_num_sig(per_op, 3).s);
    struct pn_label cpu =
        pn_label("%s" PN_NBSP "%.8s", pn_num_sig(pn_member_number(row, "cpu_time"), 3).s, unit);
    pn_card_cell(out, columns[1], wall.s);
    pn_card_cell(out, columns[2], cpu.s);
    pn_card_cell(out, columns[3], pn_num_si(pn_member_number(row, "iterations")).s);
    pn_text_put(out, "<td data-l=\"counters\">");
    put_counters(row, out);
    pn_text_put(out, "</td>");
    pn_row_close(out);
}

/* Which builds were timed: the library's own may have assertions, the timed loops are ours. */
static void put_caption(const json_t *context, bool aggregates, struct pn_text *out) {
    struct pn_text text = {0};
    pn_text_cat(&text,
                aggregates ? "Google Benchmark's own figures, median over its repetitions. "
                           : "Google Benchmark's own figures, one run each: no interval. ",
                "Wall time is per operation where the benchmark counts operations, else per "
                "iteration; threads "
                "share the wall clock. Build of pinion: ",
                pn_member_string(context, "pinion_build", "unknown"),
                "; of the Google Benchmark library: ",
                pn_member_string(context, "library_build_type", "unknown"), ".", NULL);
    pn_caption(out, text.data == NULL ? "" : text.data);
    pn_text_free(&text);
}

void pn_page_micro(const struct pn_rundir *run, struct pn_text *out) {
    const json_t *rows = pn_member(run->micro, "benchmarks");
    if (!json_is_array(rows) || json_array_size(rows) == 0) {
        pn_section_open(out, "micro", "Micro", "0 microbenchmarks in this run");
        pn_text_put(out, "<p class=\"none\">");
        pn_text_escape(out,
                       run->micro == NULL ? run->micro_reason : "micro.json holds no benchmarks");
        pn_text_put(out, ".</p>");
        pn_section_close(out);
        return;
    }
    bool aggregates = has_aggregates(rows);
    size_t n = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        n += shown(json_array_get(rows, i), aggregates);
    }
    pn_section_open(out, "micro", "Micro", pn_label("%zu microbenchmarks price the parts", n).s);
    pn_text_put(out, "<figure>");
    pn_cards_open(out, columns);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        if (shown(json_array_get(rows, i), aggregates)) {
            put_row(json_array_get(rows, i), out);
        }
    }
    pn_table_close(out);
    put_caption(pn_member(run->micro, "context"), aggregates, out);
    pn_text_put(out, "</figure>\n");
    pn_section_close(out);
}
