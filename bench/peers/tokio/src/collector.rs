// SPDX-License-Identifier: MIT
//! Looks at the tallies 100 times a second from a thread that runs no task. It finds the end of a
//! round to the microsecond all the same: every thread notes when it ran out of work.

use crate::bench::Bench;
use crate::machine;
use std::sync::atomic::Ordering;
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(10);
const SNAPSHOT_NS: u64 = 100_000_000;

#[derive(Default, Debug)]
pub struct Watch {
    pub t0_ns: u64,
    pub end_ns: u64,
    pub cpu_ns: u64,
    pub half_ns: Option<u64>,
    pub longest_gap_ns: u64,
    pub failed: bool,
}

/// Two looks: when, and how many jobs had ended.
struct Look {
    at_ns: u64,
    ended: u64,
    moved_ns: u64,
}

impl Watch {
    fn look(&mut self, last: &mut Look, now: u64, n: u64, half: u64) {
        if self.half_ns.is_none() && n >= half && n > last.ended {
            let part = half.saturating_sub(last.ended) as f64 / (n - last.ended) as f64;
            self.half_ns = Some(last.at_ns + (part * (now - last.at_ns) as f64) as u64);
        }
        if n > last.ended {
            self.longest_gap_ns = self.longest_gap_ns.max(last.at_ns - last.moved_ns);
            last.moved_ns = now;
        }
        last.ended = n;
        last.at_ns = now;
    }
}

fn is_over(bench: &Bench, jobs: u64, ended: u64) -> bool {
    if ended >= jobs {
        return true;
    }
    // Dropped jobs never end; the count is final once all producers have finished.
    bench.params.drop == 1
        && bench.finished.load(Ordering::Acquire) == bench.params.producers
        && ended + bench.dropped.load(Ordering::Relaxed) >= jobs
}

fn last_idle(bench: &Bench) -> u64 {
    let idle = |t: &crate::tally::Tally| t.idle_ns.load(Ordering::Acquire);
    bench.tallies.iter().map(idle).max().unwrap_or(0)
}

/// Until the round of so many jobs is over. `snapshot` is called each 100 ms.
pub fn collect(bench: &Bench, jobs: u64, cpu0_ns: u64, mut snapshot: impl FnMut(u64)) -> Watch {
    let t0 = bench.start_ns.load(Ordering::Acquire);
    let mut w = Watch {
        t0_ns: t0,
        ..Watch::default()
    };
    let mut last = Look {
        at_ns: t0,
        ended: 0,
        moved_ns: t0,
    };
    let mut next_snapshot = t0 + SNAPSHOT_NS;
    loop {
        let (now, n) = (bench.now_ns(), bench.ended());
        w.look(&mut last, now, n, jobs / 2 + 1);
        if is_over(bench, jobs, n) {
            break;
        }
        w.failed = bench.failed.load(Ordering::Acquire);
        if now >= next_snapshot {
            next_snapshot += SNAPSHOT_NS;
            snapshot(now);
        }
        if w.failed {
            bench.stop.store(true, Ordering::Release);
            break;
        }
        std::thread::sleep(LOOK);
    }
    w.cpu_ns = machine::process_cpu_ns() - cpu0_ns;
    let deadline = last.at_ns + 100 * LOOK.as_nanos() as u64;
    // The thread of the last job stamps as soon as it finds nothing more.
    while !w.failed && last_idle(bench) <= t0 && bench.now_ns() < deadline {
        std::thread::sleep(LOOK);
    }
    w.end_ns = last_idle(bench);
    if w.end_ns <= t0 || w.failed {
        w.end_ns = last.at_ns;
    }
    // A round that is over before the second look: the line between two looks runs past its end.
    w.half_ns = w.half_ns.map(|half| half.min(w.end_ns));
    w
}
