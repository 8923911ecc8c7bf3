// SPDX-License-Identifier: MIT
//! Events as JSON lines, in the shape that every runtime writes. Snapshots are written while the
//! round runs; what happens in tasks is kept, and written after.

use crate::bench::Bench;
use crate::json::Line;
use crate::machine;
use crate::tally::{Record, What, CRASH_RECORDS_MAX};
use std::fs::File;
use std::io::{LineWriter, Write};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};

/// A reader that is gone ends the program: there is nobody to report to.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

pub fn head(bench: &Bench, event: &str, at_ns: u64) -> Line {
    let t0 = bench.start_ns.load(Ordering::Relaxed);
    Line::event(event)
        .number("schema", 1)
        .text("runtime", bench.design.name.as_str())
        .number("t_ns", at_ns.saturating_sub(t0))
}

fn line(bench: &Bench, r: &Record) -> String {
    let (p, i, worker) = (u64::from(r.producer), u64::from(r.i), u64::from(r.worker));
    match r.what {
        What::Job { lat_ns, sleep_ns } => head(bench, "job_done", r.at_ns)
            .number("producer", p)
            .number("i", i)
            .number("worker", worker)
            .number("lat_ns", lat_ns)
            .number("sleep_ns", sleep_ns)
            .number("attempt", 1),
        What::Crash => head(bench, "worker_crash", r.at_ns)
            .number("worker", worker)
            .number("producer", p)
            .number("i", i),
        What::Restart { down_ns } => head(bench, "worker_restart", r.at_ns)
            .number("worker", worker)
            .number("down_ns", down_ns),
        What::Full { waited_ns } => head(bench, "queue_full", r.at_ns)
            .number("producer", p)
            .number("waited_ns", waited_ns),
        What::Dropped { sum } => head(bench, "queue_full", r.at_ns)
            .number("producer", p)
            .number("dropped", sum),
    }
    .end()
}

/// What println! does, at its cost: a lock, and a write per line.
pub fn print_job(bench: &Bench, producer: u32, i: u32, worker: u32) {
    if let Some(file) = bench.printed.get() {
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk must not end the round: the line is only there for its cost.
        let _ = writeln!(file, "worker {worker}: job {producer}/{i} done");
    }
}

/// The file of these lines, which has no name and goes with the process.
pub fn open_print(bench: &Bench) -> std::io::Result<()> {
    let name = format!("pinion-peer-tokio-{}.log", std::process::id());
    let path = std::env::temp_dir().join(name);
    let file = File::options().write(true).create_new(true).open(&path)?;
    std::fs::remove_file(&path)?;
    let _ = bench.printed.set(Mutex::new(LineWriter::new(file)));
    Ok(())
}

/// log=1: a line at once, from the task that ended the job.
pub fn say_record(bench: &Bench, record: &Record) {
    say(&line(bench, record));
}

pub fn say_snapshot(bench: &Bench, now_ns: u64, cpu_ns: u64) {
    let line = head(bench, "snapshot", now_ns)
        .number("done", bench.done())
        .number("in_flight", None)
        .number("queued", None)
        .text(
            "reason",
            "each worker would have to be asked, and that would disturb it",
        )
        .number("rss_kb", machine::status_kb("VmRSS:"))
        .number("cpu_ns", cpu_ns);
    say(&line.end());
}

/// What was kept during the round.
pub fn say_records(bench: &Bench) {
    let (mut crashes, mut restarts) = (0, 0);
    let mut text = String::new();
    for record in bench.records() {
        let count = match record.what {
            What::Crash => &mut crashes,
            What::Restart { .. } => &mut restarts,
            _ => &mut 0,
        };
        *count += 1;
        if *count <= CRASH_RECORDS_MAX {
            text.push_str(&line(bench, &record));
            text.push('\n');
        }
    }
    if std::io::stdout().lock().write_all(text.as_bytes()).is_err() {
        std::process::exit(1);
    }
}
