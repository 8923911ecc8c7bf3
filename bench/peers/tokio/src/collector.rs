// SPDX-License-Identifier: MIT
//! Looks at the tallies 100 times a second from a thread that runs no task. It finds the end of a
//! round to the microsecond all the same: every thread notes when it ran out of work.

use crate::bench::Bench;
use crate::events;
use crate::machine;
use crate::params::FailKind;
use crate::recovery::Recovery;
use crate::tally::Tally;
use std::sync::atomic::Ordering;
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(10);
const SNAPSHOT_NS: u64 = 100_000_000;
/// Without an ended job for so long, jobs that nobody will ever end are given up: a hang that
/// nobody sees, or what a channel dropped while its worker died.
const GIVE_UP_NS: u64 = 1_000_000_000;

#[derive(Default, Debug)]
pub struct Watch {
    pub t0_ns: u64,
    pub end_ns: u64,
    pub cpu_ns: u64,
    pub half_ns: Option<u64>,
    pub longest_gap_ns: u64,
    pub failed: bool,
    /// Jobs that nobody would have ended.
    pub given_up: u64,
    pub recovery: Recovery,
    pub rss_recovered_kb: Option<u64>,
}

/// The look before: when, and how many jobs had ended; and when that last changed.
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

    /// The failure and the windows, in a round that has a failure.
    fn look_at_failure(&mut self, bench: &Bench, now: u64) {
        let Some(failure) = &bench.failure else {
            return;
        };
        let done = bench.done();
        if !failure.struck() && now >= self.t0_ns + bench.params.fail_at_ms * 1_000_000 {
            self.recovery.strike(now, done);
            failure.strike(now);
        } else if self.recovery.look(now, done) {
            self.rss_recovered_kb = machine::status_kb("VmRSS:");
        }
    }
}

fn is_over(bench: &Bench, jobs: u64, ended: u64) -> bool {
    let collateral = bench.collateral.load(Ordering::Acquire);
    if ended + collateral >= jobs {
        return true;
    }
    // Dropped jobs never end; the count is final once all producers have finished.
    bench.params.drop == 1
        && bench.finished.load(Ordering::Acquire) == bench.params.producers
        && ended + collateral + bench.dropped.load(Ordering::Relaxed) >= jobs
}

fn must_give_up(bench: &Bench, last: &Look, now: u64) -> bool {
    if now - last.moved_ns < GIVE_UP_NS {
        return false;
    }
    let hang = |f: &crate::failure::Failure| f.kind == FailKind::Hang && f.struck();
    let unseen = bench.failure.as_ref().is_some_and(hang);
    let finished = bench.finished.load(Ordering::Acquire) == bench.params.producers;
    let leaky = bench.collects_by_message() && bench.restarts.load(Ordering::Relaxed) > 0;
    unseen || (finished && leaky)
}

fn last_idle(bench: &Bench) -> u64 {
    let idle = |t: &Tally| t.idle_ns.load(Ordering::Acquire);
    bench.tallies.iter().map(idle).max().unwrap_or(0)
}

/// Until the round of so many jobs is over; the measured one has its failure and its snapshots.
pub fn collect(bench: &Bench, jobs: u64, cpu0_ns: u64, measured: bool) -> Watch {
    let t0 = bench.start_ns.load(Ordering::Acquire);
    let mut w = Watch {
        t0_ns: t0,
        recovery: Recovery::new(&bench.params, t0),
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
        if measured {
            w.look_at_failure(bench, now);
        }
        w.failed = bench.failed.load(Ordering::Acquire);
        if now >= next_snapshot {
            next_snapshot += SNAPSHOT_NS;
            if measured && bench.events {
                events::say_snapshot(bench, now, machine::process_cpu_ns() - cpu0_ns);
            }
        }
        let give_up = must_give_up(bench, &last, now);
        if give_up {
            let known = n + bench.dropped.load(Ordering::Relaxed);
            w.given_up = jobs - known - bench.collateral.load(Ordering::Acquire);
        }
        if w.failed || give_up {
            bench.stop.store(true, Ordering::Release);
            break;
        }
        std::thread::sleep(LOOK);
    }
    w.cpu_ns = machine::process_cpu_ns() - cpu0_ns;
    find_end(bench, &mut w, &last);
    w
}

fn find_end(bench: &Bench, w: &mut Watch, last: &Look) {
    let cut_short = w.failed || w.given_up > 0;
    let deadline = last.at_ns + 100 * LOOK.as_nanos() as u64;
    // The thread of the last job stamps as soon as it finds nothing more.
    while !cut_short && last_idle(bench) <= w.t0_ns && bench.now_ns() < deadline {
        std::thread::sleep(LOOK);
    }
    w.end_ns = last_idle(bench);
    if w.end_ns <= w.t0_ns || cut_short {
        w.end_ns = last.at_ns;
    }
    // A round that is over before the second look: the line between two looks runs past its end.
    w.half_ns = w.half_ns.map(|half| half.min(w.end_ns));
}
