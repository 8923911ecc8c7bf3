// SPDX-License-Identifier: MIT
//! A running round from outside: Tokio's own runtime metrics, a line every so many milliseconds.
//! What Tokio only counts when built with `tokio_unstable` is null in a build without.

use crate::bench::Bench;
use crate::events::{head, say};
use crate::json::Line;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::RuntimeMetrics;

static OVER: AtomicBool = AtomicBool::new(false);

pub fn start(bench: &Arc<Bench>, ms: u64) {
    let bench = Arc::clone(bench);
    std::thread::spawn(move || {
        let mut before = Before::read(&bench.handle().metrics(), bench.now_ns());
        loop {
            std::thread::sleep(Duration::from_millis(ms));
            if OVER.load(Ordering::Acquire) {
                return;
            }
            before = look(&bench, &before);
        }
    });
}

/// No line after the summary.
pub fn stop(_: &Bench) {
    OVER.store(true, Ordering::Release);
}

/// Counters at the last look, per worker.
struct Before {
    at_ns: u64,
    busy_ns: Vec<u64>,
    parks: Vec<u64>,
    polls: Vec<Option<u64>>,
    steals: Vec<Option<u64>>,
}

impl Before {
    fn read(m: &RuntimeMetrics, at_ns: u64) -> Before {
        let all = || 0..m.num_workers();
        let busy = |w| m.worker_total_busy_duration(w).as_nanos() as u64;
        Before {
            at_ns,
            busy_ns: all().map(busy).collect(),
            parks: all().map(|w| m.worker_park_count(w)).collect(),
            polls: all().map(|w| unstable::polls(m, w)).collect(),
            steals: all().map(|w| unstable::steals(m, w)).collect(),
        }
    }
}

fn less(now: Option<u64>, before: Option<u64>) -> Option<u64> {
    Some(now? - before?)
}

fn look(bench: &Bench, before: &Before) -> Before {
    let m = bench.handle().metrics();
    let now = Before::read(&m, bench.now_ns());
    let passed = (now.at_ns - before.at_ns).max(1);
    let workers: Vec<String> = (0..m.num_workers())
        .map(|w| {
            let busy = now.busy_ns[w] - before.busy_ns[w];
            let polls = less(now.polls[w], before.polls[w]);
            Line::object()
                .float("busy_share", busy as f64 / passed as f64)
                .number("parks", now.parks[w] - before.parks[w])
                .number("polls", polls)
                // Of its busy time: what the scheduler does between two polls is in it.
                .number("mean_poll_ns", polls.and_then(|n| busy.checked_div(n)))
                .number("steals", less(now.steals[w], before.steals[w]))
                .number("local_queue", unstable::local_queue(&m, w))
                .end()
        })
        .collect();
    let line = head(bench, "inspect", now.at_ns)
        .number("alive_tasks", m.num_alive_tasks() as u64)
        .number("global_queue", m.global_queue_depth() as u64)
        .number("blocking_queue", unstable::blocking_queue(&m))
        .number("blocking_threads", unstable::blocking_threads(&m))
        .raw("workers", &format!("[{}]", workers.join(",")))
        .text("reason", unstable::REASON);
    say(&line.end());
    now
}

#[cfg(tokio_unstable)]
mod unstable {
    use tokio::runtime::RuntimeMetrics;

    pub const REASON: Option<&str> = None;
    pub fn polls(m: &RuntimeMetrics, w: usize) -> Option<u64> {
        Some(m.worker_poll_count(w))
    }
    pub fn steals(m: &RuntimeMetrics, w: usize) -> Option<u64> {
        Some(m.worker_steal_count(w))
    }
    pub fn local_queue(m: &RuntimeMetrics, w: usize) -> Option<u64> {
        Some(m.worker_local_queue_depth(w) as u64)
    }
    pub fn blocking_queue(m: &RuntimeMetrics) -> Option<u64> {
        Some(m.blocking_queue_depth() as u64)
    }
    pub fn blocking_threads(m: &RuntimeMetrics) -> Option<u64> {
        Some(m.num_blocking_threads() as u64)
    }
}

#[cfg(not(tokio_unstable))]
mod unstable {
    use tokio::runtime::RuntimeMetrics;

    pub const REASON: Option<&str> =
        Some("null: tokio counts these only when built with --cfg tokio_unstable");
    pub fn polls(_: &RuntimeMetrics, _: usize) -> Option<u64> {
        None
    }
    pub fn steals(_: &RuntimeMetrics, _: usize) -> Option<u64> {
        None
    }
    pub fn local_queue(_: &RuntimeMetrics, _: usize) -> Option<u64> {
        None
    }
    pub fn blocking_queue(_: &RuntimeMetrics) -> Option<u64> {
        None
    }
    pub fn blocking_threads(_: &RuntimeMetrics) -> Option<u64> {
        None
    }
}
