// SPDX-License-Identifier: MIT
//! The summary event. What does not apply or is not known is null.

use crate::bench::Bench;
use crate::collector::Watch;
use crate::design::{Design, Mode};
use crate::events;
use crate::histogram::{Histogram, BITS};
use crate::json::Line;
use crate::machine;
use crate::modes::Facts;
use std::fmt::Write;
use std::sync::atomic::{AtomicU64, Ordering};

pub const VERSIONS: &str = concat!(
    "{\"tokio\":\"",
    env!("TOKIO_VERSION"),
    "\",\"kanal\":\"",
    env!("KANAL_VERSION"),
    "\",\"rustc\":\"",
    env!("RUSTC_VERSION"),
    "\"}"
);

/// How this program is built and set up, in one line of every result.
pub fn flags(design: &Design, cores: usize) -> String {
    format!(
        "release opt-level=3 lto=fat codegen-units=1, system malloc, multi_thread \
         worker_threads={cores}, restart={}, pace={}, panics by resume_unwind: no hook prints",
        design.restart.word(),
        design.pace.word(),
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
        .number("collateral", load(&bench.collateral) + w.given_up)
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
    // A task per job counts under its producer.
    let known = bench.design.mode != Mode::Spawn;
    let gap = (w.longest_gap_ns > 0).then_some(w.longest_gap_ns);
    line.number("worker_min_jobs", known.then_some(min))
        .number("worker_max_jobs", known.then_some(max))
        .number("longest_gap_ns", gap)
}

/// The load generator's error: its jobs' first attempts against their intended starts.
fn pacing(line: Line, bench: &Bench) -> Line {
    let late = bench.late();
    line.number("pacing_mean_ns", late.sum_ns.checked_div(late.n))
        .number("pacing_max_ns", (late.n > 0).then_some(late.max_ns))
}

/// None: everything is known.
fn why_not(bench: &Bench, w: &Watch) -> Option<&'static str> {
    let failure = bench.failure.as_ref()?;
    if !failure.struck() {
        return Some("the round ended before fail_at_ms");
    }
    if w.given_up > 0 {
        return Some("nobody saw the hang: only +restart=watchdog looks");
    }
    if !failure.all_up() {
        return Some("the round ended before every victim had a successor");
    }
    if w.recovery.baseline.is_none() {
        return Some("fewer than 3 windows of 100 ms before the failure, or nothing done in them");
    }
    let back = w.recovery.recovery_ns.is_some();
    (!back).then_some("the round ended before throughput was back in the band")
}

fn failure(line: Line, bench: &Bench, w: &Watch) -> Line {
    let p = &bench.params;
    let f = bench.failure.as_ref();
    let line = line
        .number("detect_ns", f.and_then(|f| f.detect_ns()))
        .number("restart_ns", f.and_then(|f| f.restart_ns()))
        .number("recovery_ns", w.recovery.recovery_ns)
        .number("baseline_per_s", w.recovery.baseline)
        .number("rss_recovered_kb", w.rss_recovered_kb)
        .text("supervise", p.supervise.word());
    let Some(f) = f else { return line };
    line.text("fail_kind", p.fail_kind.word())
        .number("fail_at_ns", p.fail_at_ms * 1_000_000)
        .number("victims", f.victims())
        .text("failure_reason", why_not(bench, w))
}

pub fn line(bench: &Bench, facts: &Facts, w: &Watch, jobs: u64) -> String {
    let p = &bench.params;
    let line = events::head(bench, "summary", bench.now_ns());
    let batch = if p.keys > 0 { 1 } else { p.batch };
    let line = counts(line, bench, w, jobs)
        .text("producers_as", p.producers_as.word())
        .text("bound", facts.bound)
        .text("queue_kind", facts.queue_kind)
        .text("payload_mode", facts.payload_mode)
        .number("queue_effective", facts.queue_effective)
        .number("queue_bytes", p.queue_bytes.filter(|&n| n > 0))
        .number("shards", None)
        .number("turn", facts.turn)
        .number("batch", batch);
    let line = workers(latency(line, bench), bench, w);
    failure(pacing(line, bench), bench, w)
        .number("rss_kb", machine::status_kb("VmRSS:"))
        .number("hwm_kb", machine::status_kb("VmHWM:"))
        .text("mem", "malloc")
        .raw("versions", VERSIONS)
        .text("flags", flags(&bench.design, bench.cores).as_str())
        .raw("failed", if w.failed { "true" } else { "false" })
        .raw("interrupted", "false")
        .end()
}
