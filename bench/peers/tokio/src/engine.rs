// SPDX-License-Identifier: MIT
//! A run: runtime and mode are made once, then a warm-up round that is thrown away, then the
//! measured round, in the same process with the same tasks and memory.

use crate::bench::Bench;
use crate::collector::{self, Watch};
use crate::design::Mode;
use crate::events::{self, say};
use crate::inspect;
use crate::job::Job;
use crate::modes::{self, Built};
use crate::pace::Pacer;
use crate::params::{Pattern, ProducersAs};
use crate::producer::Source;
use crate::{machine, summary, tally};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};

pub struct Options {
    pub summary_only: bool,
    pub stdin_go: bool,
    pub inspect_ms: Option<u64>,
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

/// The chains' first jobs; everything after comes from their completions.
fn start_chains(bench: &Arc<Bench>, jobs: u64) {
    let bench = Arc::clone(bench);
    bench.handle().clone().spawn(async move {
        let chain = bench.chain.get().expect("the mode has set it");
        for p in 0..bench.params.producers {
            if bench.params.jobs_of(jobs, p) > 0 {
                let now = bench.now_ns();
                chain(&bench, Job::make(&bench, p as u32, 0, now));
            }
        }
        bench
            .finished
            .store(bench.params.producers, Ordering::Release);
    });
}

fn play(bench: &Arc<Bench>, built: &Built, jobs: u64, measured: bool) -> Watch {
    bench.reset(jobs);
    let cpu0 = machine::process_cpu_ns();
    let mut threads = Vec::new();
    if bench.params.pattern == Pattern::None {
        let sources = (0..bench.params.producers as u32).map(|p| Source::new(bench, p, jobs));
        threads.extend(sources.filter_map(|source| (built.start_producer)(source)));
    } else {
        start_chains(bench, jobs);
    }
    let w = collector::collect(bench, jobs, cpu0, measured);
    if !w.failed && w.given_up == 0 {
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

fn rounds(bench: &Arc<Bench>, built: &Built, options: &Options) -> Option<Watch> {
    let mut w = Watch::default();
    if bench.params.warm > 0 {
        w = play(bench, built, bench.params.warm, false);
    }
    if w.failed {
        bench.reset(0); // what the warm-up did is not reported as if it were the round's
        return Some(Watch {
            failed: true,
            ..Watch::default()
        });
    }
    if options.stdin_go && !wait_for_go() {
        return None;
    }
    if let Some(ms) = options.inspect_ms {
        inspect::start(bench, ms);
    }
    bench
        .logs
        .store(bench.events && bench.params.log == 1, Ordering::Release);
    Some(play(bench, built, bench.params.jobs, true))
}

/// The process's exit code. Tasks that still wait are not waited for.
pub fn run(bench: Bench, options: &Options) -> u8 {
    let bench = Arc::new(bench);
    let rt = match make_runtime(&bench) {
        Ok(rt) => rt,
        Err(e) => {
            eprintln!("pinion-peer-tokio: no runtime: {e}");
            return 1;
        }
    };
    bench.set_handle(rt.handle());
    if bench.design.mode == Mode::Literal {
        if let Err(e) = events::open_print(&bench) {
            eprintln!("pinion-peer-tokio: no file for the printed lines in TMPDIR: {e}");
            return 3;
        }
    }
    let built = modes::build(&bench);
    if bench.params.rate > 0 && bench.params.producers_as == ProducersAs::Task {
        Pacer::start(&bench);
    }
    let Some(w) = rounds(&bench, &built, options) else {
        return 0;
    };
    inspect::stop(&bench);
    events::say_records(&bench);
    say(&summary::line(&bench, &built.facts, &w, bench.params.jobs));
    std::process::exit(i32::from(w.failed))
}
