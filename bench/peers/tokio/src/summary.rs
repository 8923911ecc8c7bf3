// SPDX-License-Identifier: MIT
//! The summary event. What does not apply or is not known is null.

use crate::bench::Bench;
use crate::collector::Watch;
use crate::histogram::{Histogram, BITS};
use crate::json::Line;
use crate::machine;
use crate::modes::Facts;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

pub const VERSIONS: &str = concat!(
    "{\"tokio\":\"",
    env!("TOKIO_VERSION"),
    "\",\"rustc\":\"",
    env!("RUSTC_VERSION"),
    "\"}"
);

/// How this program is built and set up, in one line of every result.
pub fn flags(bench: &Bench) -> String {
    let d = &bench.design;
    format!(
        "opt-level=3 lto=fat codegen-units=1 malloc=system worker_threads={} restart={} \
         panic_output=off",
        bench.cores,
        d.restart.word(),
    )
}

fn sum(bench: &Bench, of: impl Fn(&crate::tally::Tally) -> &AtomicU64) -> u64 {
    let add = |sum: u64, t| sum.wrapping_add(of(t).load(Ordering::Acquire));
    bench.tallies.iter().fold(0, add)
}

fn merged(bench: &Bench, of: impl Fn(&crate::tally::Kept) -> &Histogram) -> Histogram {
    let mut all = Histogram::new();
    for tally in &bench.tallies {
        all.merge(of(&tally.kept()));
    }
    all
}

fn histogram_json(h: &Histogram) -> String {
    let mut text = format!("{{\"p\":{BITS},\"counts\":[");
    let mut comma = "";
    for (index, count) in h.filled() {
        let _ = write!(text, "{comma}[{index},{count}]");
        comma = ",";
    }
    text.push_str("]}");
    text
}

fn counts(line: Line, bench: &Bench, w: &Watch, jobs: u64) -> Line {
    let half2 = w.half_ns.and_then(|half| w.end_ns.checked_sub(half));
    let load = |word: &AtomicU64| word.load(Ordering::Acquire);
    line.number("jobs", jobs)
        .number("done", sum(bench, |t| &t.done))
        .number("lost", sum(bench, |t| &t.lost))
        .number("collateral", 0)
        .number("dropped", load(&bench.dropped))
        .number("restarts", load(&bench.restarts))
        .number("queue_full", load(&bench.queue_full))
        .text(
            "checksum",
            format!("{:016x}", sum(bench, |t| &t.checksum)).as_str(),
        )
        .number("wall_ns", w.end_ns - w.t0_ns)
        .number("cpu_ns", w.cpu_ns)
        .number("spin_ns", None)
        .text(
            "spin_reason",
            "tokio does not count what its workers spend searching for work",
        )
        .number("busy_ns", None)
        .number("half1_ns", w.half_ns.map(|half| half - w.t0_ns))
        .number("half2_ns", half2)
}

fn latency(line: Line, bench: &Bench) -> Line {
    let h = merged(bench, |kept| &kept.latency);
    let slept = sum(bench, |t| &t.slept);
    let slept_ns = sum(bench, |t| &t.slept_ns);
    line.number("p50_ns", h.quantile(0.5))
        .number("p95_ns", h.quantile(0.95))
        .number("p99_ns", h.quantile(0.99))
        .number("p999_ns", h.quantile(0.999))
        .number("max_ns", (h.n > 0).then_some(h.max))
        .number("samples", h.n)
        .number("sleep_mean_ns", slept_ns.checked_div(slept))
        .raw("histogram", &histogram_json(&h))
}

fn workers(line: Line, bench: &Bench, w: &Watch) -> Line {
    let ids = 0..bench.params.workers as u32;
    let jobs = ids.map(|id| bench.worker_jobs(id).load(Ordering::Relaxed));
    let (min, max) = jobs.fold((u64::MAX, 0), |(min, max), n| (min.min(n), max.max(n)));
    let gap = (w.longest_gap_ns > 0).then_some(w.longest_gap_ns);
    line.number("worker_min_jobs", min)
        .number("worker_max_jobs", max)
        .number("longest_gap_ns", gap)
}

pub fn line(bench: &Bench, facts: &Facts, w: &Watch, jobs: u64) -> String {
    let p = &bench.params;
    let line = Line::event("summary")
        .number("schema", 1)
        .text("runtime", bench.design.name.as_str())
        .number("t_ns", bench.now_ns() - w.t0_ns);
    let line = counts(line, bench, w, jobs)
        .text("producers_as", p.producers_as.word())
        .text("bound", facts.bound)
        .text("queue_kind", facts.queue_kind)
        .text("payload_mode", facts.payload_mode)
        .number("queue_effective", facts.queue_effective)
        .number("shards", None)
        .number("turn", facts.turn)
        .number("batch", p.batch);
    let line = workers(latency(line, bench), bench, w)
        .number("detect_ns", None)
        .number("restart_ns", None)
        .number("recovery_ns", None)
        .number("baseline_per_s", None)
        .number("rss_recovered_kb", None)
        .text("supervise", p.supervise.word());
    line.number("rss_kb", machine::status_kb("VmRSS:"))
        .number("hwm_kb", machine::status_kb("VmHWM:"))
        .text("mem", "malloc")
        .raw("versions", VERSIONS)
        .text("flags", flags(bench).as_str())
        .raw("failed", if w.failed { "true" } else { "false" })
        .raw("interrupted", "false")
        .end()
}
