// SPDX-License-Identifier: MIT
//! When an open loop's next job is due, and how its producer waits for that.
//!
//! Tokio's timer has ticks of 1 ms: a producer that sleeps on it starts its jobs 0.5 ms late on
//! average, in bursts. So one thread beside the runtime sleeps to the nanosecond and wakes the
//! producers' tasks; `+pace=timer` is the plain way.

use crate::bench::Bench;
use crate::generator::{self, Draw};
use crate::params::Arrival;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::num::NonZeroU64;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Between two looks of the pacing thread. Less costs CPU (a wake-up of it and of a runtime thread
/// each), more is pacing error.
const REST: Duration = Duration::from_micros(50);
const NAP_MAX_NS: u64 = 100_000_000;

/// Times at which a producer's jobs are meant to start.
pub struct Due {
    poisson: bool,
    base: u32,
    t0_ns: u64,
    last_ns: f64,
    step: f64,
    ns_per_job: f64,
    p: f64,
}

impl Due {
    pub fn new(bench: &Bench, p: u32, t0_ns: u64) -> Option<Due> {
        let params = &bench.params;
        (params.rate > 0).then(|| Due {
            poisson: params.arrival == Arrival::Poisson,
            base: bench.bases[p as usize],
            t0_ns,
            last_ns: 0.0,
            step: params.producers as f64,
            ns_per_job: 1e9 / params.rate as f64,
            p: f64::from(p),
        })
    }

    /// Of job i; to be asked in order, once each.
    pub fn of(&mut self, i: u32) -> u64 {
        if self.poisson {
            let drawn = generator::draw(generator::key(self.base, i), Draw::Arrival);
            let u = (f64::from(drawn) + 1.0) / 4_294_967_296.0;
            self.last_ns += -u.ln() * self.step * self.ns_per_job;
        } else {
            self.last_ns = (f64::from(i) * self.step + self.p) * self.ns_per_job;
        }
        self.t0_ns + self.last_ns as u64
    }
}

struct Sleeper {
    due_ns: u64,
    waker: Waker,
}

impl PartialEq for Sleeper {
    fn eq(&self, other: &Self) -> bool {
        self.due_ns == other.due_ns
    }
}
impl Eq for Sleeper {}
impl PartialOrd for Sleeper {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Sleeper {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.due_ns.cmp(&other.due_ns)
    }
}

/// The pacing thread's list.
#[derive(Default)]
pub struct Pacer {
    sleepers: Mutex<BinaryHeap<Reverse<Sleeper>>>,
    first: Condvar,
}

pub fn fine_timers() {
    // A refusal leaves the default slack of 50 us: a larger pacing error, which is reported.
    let _ = rustix::thread::set_current_timer_slack(NonZeroU64::new(1));
}

impl Pacer {
    pub fn start(bench: &Arc<Bench>) {
        let bench = Arc::clone(bench);
        std::thread::spawn(move || {
            fine_timers();
            loop {
                bench.pacer.look(&bench);
                std::thread::sleep(REST);
            }
        });
    }

    fn list(&self) -> MutexGuard<'_, BinaryHeap<Reverse<Sleeper>>> {
        self.sleepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wait for the first one's time; wake all whose time has come.
    fn look(&self, bench: &Bench) {
        let mut list = self.list();
        loop {
            let wait = match list.peek() {
                None => Duration::from_nanos(NAP_MAX_NS),
                Some(Reverse(first)) => match first.due_ns.checked_sub(bench.now_ns()) {
                    None | Some(0) => break,
                    Some(ns) => Duration::from_nanos(ns),
                },
            };
            let waited = self.first.wait_timeout(list, wait);
            list = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let now = bench.now_ns();
        let mut woken = Vec::new();
        while list.peek().is_some_and(|s| s.0.due_ns <= now) {
            woken.extend(list.pop().map(|s| s.0.waker));
        }
        drop(list);
        woken.into_iter().for_each(Waker::wake);
    }

    /// A task's wait.
    pub async fn until(&self, bench: &Bench, due_ns: u64) {
        let mut listed = false;
        poll_fn(|cx| {
            if bench.now_ns() >= due_ns {
                return Poll::Ready(());
            }
            if !listed {
                listed = true;
                let waker = cx.waker().clone();
                let mut list = self.list();
                let earliest = list.peek().map_or(true, |s| due_ns < s.0.due_ns);
                list.push(Reverse(Sleeper { due_ns, waker }));
                drop(list);
                if earliest {
                    self.first.notify_one();
                }
            }
            Poll::Pending
        })
        .await;
    }
}

/// A producer thread's wait; or less, so that an early end of the round is seen. It never polls:
/// four that did took the workers' two cores (p50 2.4 ms at 100,000 jobs/s).
pub fn nap(bench: &Bench, due_ns: u64) {
    let ns = due_ns.saturating_sub(bench.now_ns()).min(NAP_MAX_NS);
    std::thread::sleep(Duration::from_nanos(ns));
}
