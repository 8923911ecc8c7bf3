// SPDX-License-Identifier: MIT
//! Producers, as tasks or as threads. Both make the same jobs in the same order; what to do with
//! "full" is the workload's: wait (drop=0) or drop and count (drop=1).

use crate::bench::Bench;
use crate::design::Pace;
use crate::job::Job;
use crate::pace::{self, Due};
use crate::port::{Message, Port};
use crate::tally::{Record, What};
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::Duration;

/// With drop=1 a producer never waits: so many messages, then the others' turn.
const TURN: u64 = 16;
/// One line of queue_full per so many, and at most so many lines of a producer.
const FULL_RECORD_EVERY: u64 = 1000;
const FULL_RECORDS_MAX: usize = 1000;

/// The jobs of one producer in one round.
pub struct Source {
    pub bench: Arc<Bench>,
    pub p: u32,
    next: u32,
    end: u32,
    every: u32,
    /// Jobs until the next sampled one.
    until: u32,
    due: Option<Due>,
    dropped: u64,
    full: u64,
    records: Vec<Record>,
    late: Late,
}

/// The load generator's own error, of sampled jobs: first attempt against intended start.
#[derive(Default, Clone, Copy)]
pub struct Late {
    pub n: u64,
    pub sum_ns: u64,
    pub max_ns: u64,
}

impl Source {
    pub fn new(bench: &Arc<Bench>, p: u32, jobs: u64) -> Self {
        let t0 = bench.start_ns.load(Ordering::Acquire);
        Source {
            bench: Arc::clone(bench),
            p,
            next: 0,
            end: bench.params.jobs_of(jobs, u64::from(p)) as u32,
            every: bench.sample_every.load(Ordering::Relaxed) as u32,
            until: 0,
            due: Due::new(bench, p, t0),
            dropped: 0,
            full: 0,
            records: Vec::new(),
            late: Late::default(),
        }
    }

    #[inline]
    fn over(&self) -> bool {
        self.next == self.end || self.bench.stop.load(Ordering::Relaxed)
    }

    #[inline]
    fn make(&mut self, due_ns: u64) -> Job {
        let i = self.next;
        self.next += 1;
        let mut start_ns = 0;
        if self.until == 0 {
            self.until = self.every;
            start_ns = self.bench.now_ns();
            if due_ns > 0 {
                let late = start_ns.saturating_sub(due_ns);
                self.late.n += 1;
                self.late.sum_ns += late;
                self.late.max_ns = self.late.max_ns.max(late);
                start_ns = due_ns;
            }
        }
        self.until -= 1;
        Job::make(&self.bench, self.p, i, start_ns)
    }

    /// In an open loop jobs come one by one: a batch would be late by design.
    #[inline]
    fn message<M: Message>(&mut self, batch: u32, due_ns: u64) -> M {
        let n = if due_ns > 0 { 1 } else { batch };
        let n = n.min(self.end - self.next);
        M::collect((0..n).map(|_| self.make(due_ns)))
    }

    /// None in a closed loop.
    fn next_due(&mut self) -> Option<u64> {
        let next = self.next;
        self.due.as_mut().map(|due| due.of(next))
    }

    /// Counted once per message, whose producer then waits or drops.
    fn found_full(&mut self) -> u64 {
        self.full += 1;
        let wanted = self.bench.events && (self.full - 1) % FULL_RECORD_EVERY == 0;
        if wanted && self.records.len() < FULL_RECORDS_MAX {
            self.bench.now_ns()
        } else {
            0
        }
    }

    fn note(&mut self, from_ns: u64) {
        if from_ns == 0 {
            return;
        }
        let now = self.bench.now_ns();
        let what = if self.bench.params.drop == 1 {
            What::Dropped { sum: self.dropped }
        } else {
            What::Full {
                waited_ns: now - from_ns,
            }
        };
        self.records.push(Record {
            what,
            producer: self.p,
            i: 0,
            worker: 0,
            at_ns: now,
        });
    }

    fn finish(self) {
        let b = &self.bench;
        b.dropped.fetch_add(self.dropped, Ordering::Relaxed);
        b.queue_full.fetch_add(self.full, Ordering::Relaxed);
        b.add_late(self.late);
        b.keep(self.records);
        b.finished.fetch_add(1, Ordering::Release);
    }
}

async fn wait_until(bench: &Bench, due_ns: u64) {
    if bench.design.pace == Pace::Thread {
        return bench.pacer.until(bench, due_ns).await;
    }
    let now = bench.now_ns();
    if due_ns > now {
        tokio::time::sleep(Duration::from_nanos(due_ns - now)).await;
    }
}

pub async fn task<M: Message>(mut source: Source, mut port: Port<M>) {
    let bench = Arc::clone(&source.bench);
    let batch = bench.params.batch as u32;
    let drop = bench.params.drop == 1;
    let mut turn = TURN;
    while !source.over() {
        let due = source.next_due();
        if let Some(due) = due {
            wait_until(&bench, due).await;
        }
        let message: M = source.message(batch, due.unwrap_or(0));
        if let Err(back) = port.try_send(&bench, message) {
            let from = source.found_full();
            if drop {
                source.dropped += back.len();
            } else {
                port.send(&bench, back).await;
            }
            source.note(from);
        }
        if drop {
            turn -= 1;
            if turn == 0 {
                turn = TURN;
                tokio::task::yield_now().await;
            }
        }
    }
    port.drain(&bench).await;
    source.finish();
}

pub fn thread<M: Message>(mut source: Source, mut port: Port<M>) {
    pace::fine_timers();
    let bench = Arc::clone(&source.bench);
    let batch = bench.params.batch as u32;
    let drop = bench.params.drop == 1;
    while !source.over() {
        let due = source.next_due();
        if let Some(due) = due {
            while bench.now_ns() < due && !bench.stop.load(Ordering::Relaxed) {
                pace::nap(&bench, due);
            }
        }
        let message: M = source.message(batch, due.unwrap_or(0));
        if let Err(back) = port.try_send(&bench, message) {
            let from = source.found_full();
            if drop {
                source.dropped += back.len();
            } else {
                port.blocking_send(&bench, back);
            }
            source.note(from);
        }
    }
    source.finish();
}
