/* SPDX-License-Identifier: MIT
 *
 * The summary event. What does not apply or is not known is null.
 */
#include <pinion/outcome.h>

#include <inttypes.h>

static void number(FILE *to, const char *name, uint64_t value) {
    if (value == PN_NONE) {
        (void)fprintf(to, ",\"%s\":null", name);
    } else {
        (void)fprintf(to, ",\"%s\":%" PRIu64, name, value);
    }
}

static void counts(const struct pn_outcome *o, FILE *to) {
    number(to, "jobs", o->jobs);
    number(to, "done", o->done);
    number(to, "lost", o->lost);
    number(to, "collateral", o->collateral);
    number(to, "dropped", o->dropped);
    number(to, "restarts", o->restarts);
    number(to, "queue_full", o->queue_full);
    (void)fprintf(to, ",\"checksum\":\"%016" PRIx64 "\"", o->checksum);
    number(to, "wall_ns", o->wall_ns);
    number(to, "cpu_ns", o->cpu_ns);
    number(to, "spin_ns", o->spin_ns);
    number(to, "busy_ns", o->cpu_ns > o->spin_ns ? o->cpu_ns - o->spin_ns : 0);
    number(to, "half1_ns", o->half1_ns);
    number(to, "half2_ns", o->half2_ns);
}

static void properties(const struct pn_outcome *o, FILE *to) {
    (void)fputs(",\"properties\":{", to);
    for (unsigned i = 0; i < PN_PROPERTIES; i++) {
        const struct pn_property_entry *e = &pn_property_table[i];
        (void)fprintf(to, "%s\"%s\":\"%s\"", i == 0 ? "" : ",", e->key,
                      e->words[o->properties.value[i]]);
    }
    (void)fputs("}", to);
    number(to, "yields", o->yields);
    number(to, "collections", o->collections);
    number(to, "queue_locks", o->queue_locks);
}

static void queue(const struct pn_outcome *o, const struct pn_params *p, FILE *to) {
    (void)fprintf(to, ",\"producers_as\":\"%s\",\"bound\":\"%s\",\"queue_kind\":\"%s\"",
                  p->producers_as == PN_PRODUCERS_TASK ? "task" : "thread", o->bound,
                  o->queue_kind);
    (void)fprintf(to, ",\"payload_mode\":\"%s\"", o->payload_mode);
    number(to, "queue_effective", o->queue_effective);
    number(to, "shards", o->shards);
    number(to, "turn", o->turn);
    properties(o, to);
    number(to, "batch", p->batch);
    number(to, "queue_bytes", p->queue_bytes == 0 ? PN_NONE : p->queue_bytes);
    (void)fprintf(to, ",\"collector\":\"%s\"", pn_params_word("collector", p->collector));
    number(to, "collected", o->collected);
    number(to, "segments_retired", o->segments_retired);
    number(to, "segments_recycled", o->segments_recycled);
}

static void latency(const struct pn_outcome *o, FILE *to) {
    const struct pn_histogram *h = &o->latency;
    static const struct {
        const char *name;
        double q;
    } quantiles[] = {{"p50_ns", 0.5}, {"p95_ns", 0.95}, {"p99_ns", 0.99}, {"p999_ns", 0.999}};
    for (unsigned i = 0; i < 4; i++) {
        number(to, quantiles[i].name,
               h->n == 0 ? PN_NONE : pn_histogram_quantile(h, quantiles[i].q));
    }
    const struct pn_histogram *s = &o->short_latency;
    number(to, "short_p99_ns", s->n == 0 ? PN_NONE : pn_histogram_quantile(s, 0.99));
    number(to, "max_ns", h->n == 0 ? PN_NONE : h->max);
    number(to, "samples", h->n);
    number(to, "sleep_mean_ns", o->sleep_mean_ns);
    (void)fprintf(to, ",\"histogram\":{\"p\":%d,\"counts\":[", PN_HISTOGRAM_BITS);
    const char *comma = "";
    for (unsigned i = 0; i < PN_HISTOGRAM_BUCKETS; i++) {
        if (h->count[i] > 0) {
            (void)fprintf(to, "%s[%u,%" PRIu64 "]", comma, i, h->count[i]);
            comma = ",";
        }
    }
    (void)fputs("]}", to);
}

static void failure(const struct pn_outcome *o, const struct pn_params *p, FILE *to) {
    number(to, "detect_ns", o->detect_ns);
    number(to, "restart_ns", o->restart_ns);
    number(to, "recovery_ns", o->recovery_ns);
    number(to, "baseline_per_s", o->baseline_per_s);
    number(to, "rss_recovered_kb", o->rss_recovered_kb);
    (void)fprintf(to, ",\"supervise\":\"%s\"", pn_params_word("supervise", p->supervise));
    if (p->fail_at_ms == 0) {
        return;
    }
    (void)fprintf(to, ",\"fail_kind\":\"%s\"", pn_params_word("fail_kind", p->fail_kind));
    number(to, "fail_at_ns", p->fail_at_ms * 1000000u);
    number(to, "victims", o->victims);
    if (o->failure_reason == NULL) {
        (void)fputs(",\"failure_reason\":null", to);
    } else {
        (void)fprintf(to, ",\"failure_reason\":\"%s\"", o->failure_reason);
    }
}

static void cores(const struct pn_outcome *o, FILE *to) {
    (void)fputs(",\"cores\":[", to);
    for (unsigned i = 0; i < o->n_cores; i++) {
        const struct pn_core_usage *c = &o->cores[i];
        uint64_t busy = c->cpu_ns > c->spin_ns ? c->cpu_ns - c->spin_ns : 0;
        (void)fprintf(to, "%s{\"cpu\":%d", i == 0 ? "" : ",", c->cpu);
        number(to, "node", c->node < 0 ? PN_NONE : (uint64_t)c->node);
        number(to, "jobs", o->core_jobs[i]);
        number(to, "busy_ns", busy);
        number(to, "spin_ns", c->spin_ns);
        number(to, "sleep_ns", c->sleep_ns);
        number(to, "run_delay_ns", c->run_delay_ns);
        number(to, "steals", c->steals);
        number(to, "wakes", c->wakes);
        number(to, "syscalls", c->syscalls);
        number(to, "vol_switches", c->voluntary_switches);
        number(to, "invol_switches", c->involuntary_switches);
        number(to, "faults", c->faults);
        (void)fputc('}', to);
    }
    (void)fputc(']', to);
}

static void helpers(const struct pn_outcome *o, FILE *to) {
    const struct {
        const char *name;
        uint64_t switches;
    } all[] = {{"reclaimer", o->reclaimer_switches}, {"collector", o->collector_switches}};
    (void)fputs(",\"helpers\":[", to);
    for (unsigned i = 0; i < 2; i++) {
        (void)fprintf(to,
                      "%s{\"name\":\"%s\",\"syscalls\":null,\"syscalls_reason\":\"only a tracer "
                      "could count them\"",
                      i == 0 ? "" : ",", all[i].name);
        number(to, "vol_switches", all[i].switches);
        (void)fputc('}', to);
    }
    (void)fputc(']', to);
}

static void placement(const struct pn_outcome *o, const struct pn_params *p, FILE *to) {
    static const char *const mem[] = {"local", "malloc", "interleave", "remote"};
    (void)fprintf(to, ",\"mem\":\"%s\",\"placement\":{\"pinned\":%s,\"moved\":%s,\"membind\":%s",
                  mem[p->mem], o->pinned ? "true" : "false", o->moved ? "true" : "false",
                  o->membind ? "true" : "false");
    bool audited = p->mem == PN_MEM_LOCAL && o->audit.error == 0 && o->audit.pages > 0;
    number(to, "pages", audited ? o->audit.expected + o->audit.elsewhere : PN_NONE);
    number(to, "elsewhere", audited ? o->audit.elsewhere : PN_NONE);
    number(to, "absent", audited ? o->audit.absent : PN_NONE);
    if (audited) {
        (void)fputs(",\"reason\":null}", to);
    } else if (o->audit.error != 0) {
        (void)fprintf(to, ",\"reason\":\"move_pages: error %d\"}", -o->audit.error);
    } else {
        (void)fputs(",\"reason\":\"only memory of mem=local has one expected node\"}", to);
    }
    (void)fputs(",\"degraded\":[", to);
    for (unsigned i = 0; i < o->n_degraded; i++) {
        (void)fprintf(to, "%s\"%s\"", i == 0 ? "" : ",", o->degraded[i]);
    }
    (void)fputc(']', to);
}

void pn_outcome_print(const struct pn_outcome *o, const struct pn_run_options *options,
                      uint64_t t_ns, FILE *to) {
    (void)fprintf(to, "{\"event\":\"summary\",\"schema\":1,\"runtime\":\"%s\",\"t_ns\":%" PRIu64,
                  options->design, t_ns);
    counts(o, to);
    queue(o, options->params, to);
    latency(o, to);
    number(to, "worker_min_jobs", o->worker_min_jobs);
    number(to, "worker_max_jobs", o->worker_max_jobs);
    number(to, "longest_gap_ns", o->longest_gap_ns);
    failure(o, options->params, to);
    number(to, "rss_kb", o->rss_kb);
    number(to, "hwm_kb", o->hwm_kb);
    cores(o, to);
    helpers(o, to);
    placement(o, options->params, to);
    (void)fprintf(to, ",\"failed\":%s,\"interrupted\":%s}\n", o->failed ? "true" : "false",
                  o->interrupted ? "true" : "false");
}
