// SPDX-License-Identifier: MIT
//! A run: runtime and mode are made once, then a warm-up round that is thrown away, then the
//! measured round, in the same process with the same tasks and memory.

use crate::bench::Bench;
use crate::collector::{self, Watch};
use crate::job::Job;
use crate::modes::{self, Built};
use crate::producer::Source;
use crate::{machine, summary, tally};
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

pub struct Options {
    pub summary_only: bool,
    pub stdin_go: bool,
}

fn make_runtime(bench: &Arc<Bench>) -> std::io::Result<Runtime> {
    let (at_start, at_park) = (Arc::clone(bench), Arc::clone(bench));
    Builder::new_multi_thread()
        .worker_threads(bench.cores)
        .enable_time()
        .on_thread_start(move || tally::claim(&at_start.threads))
        .on_thread_park(move || at_park.stamp())
        .build()
}

fn build(bench: &Arc<Bench>, rt: &Runtime) -> Built {
    if bench.params.batch > 1 {
        modes::tuned::build::<Vec<Job>>(bench, rt.handle())
    } else {
        modes::tuned::build::<Job>(bench, rt.handle())
    }
}

fn play(bench: &Arc<Bench>, built: &Built, jobs: u64) -> Watch {
    bench.reset(jobs);
    let cpu0 = machine::process_cpu_ns();
    let threads: Vec<_> = (0..bench.params.producers as u32)
        .filter_map(|p| (built.start_producer)(Source::new(bench, p, jobs)))
        .collect();
    let w = collector::collect(bench, jobs, cpu0, |_| {});
    if !w.failed {
        for thread in threads {
            let _ = thread.join();
        }
        while bench.finished.load(Ordering::Acquire) < bench.params.producers {
            std::thread::sleep(Duration::from_micros(20));
        }
    }
    w
}

/// False: standard input was closed instead.
fn wait_for_go() -> bool {
    say("{\"event\":\"ready\",\"schema\":1}");
    let mut line = String::new();
    matches!(std::io::stdin().read_line(&mut line), Ok(n) if n > 0)
}

/// A reader that is gone ends the program: there is nobody to report to.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    if writeln!(out, "{line}").and_then(|()| out.flush()).is_err() {
        std::process::exit(1);
    }
}

/// The process's exit code.
pub fn run(bench: Bench, options: &Options) -> u8 {
    let bench = Arc::new(bench);
    let rt = match make_runtime(&bench) {
        Ok(rt) => rt,
        Err(e) => {
            eprintln!("pinion-peer-tokio: no runtime: {e}");
            return 1;
        }
    };
    let built = build(&bench, &rt);
    let mut w = Watch::default();
    if bench.params.warm > 0 {
        w = play(&bench, &built, bench.params.warm);
    }
    if !w.failed {
        if options.stdin_go && !wait_for_go() {
            rt.shutdown_background();
            return 0;
        }
        w = play(&bench, &built, bench.params.jobs);
    }
    say(&summary::line(&bench, &built.facts, &w, bench.params.jobs));
    rt.shutdown_background();
    u8::from(w.failed)
}
