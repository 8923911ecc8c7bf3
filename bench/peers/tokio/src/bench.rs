// SPDX-License-Identifier: MIT
//! What one process measures, shared by everything that runs in it.

use crate::design::Design;
use crate::generator;
use crate::params::Params;
use crate::supervise::Intensity;
use crate::tally::{self, Record, Tally};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

/// Jobs of a round whose latency is taken: i mod max(1, N div this) = 0.
const SAMPLES: u64 = 20000;
/// Below so many workers each counts its jobs in a cache line of its own.
const SPREAD_BELOW: u64 = 4096;
const SPREAD: usize = 16;

pub struct Bench {
    pub params: Params,
    pub design: Design,
    pub cores: usize,
    pub bases: Vec<u32>,
    pub tallies: Vec<Tally>,
    pub threads: AtomicU64,
    worker_jobs: Vec<AtomicU64>,
    worker_stride: usize,
    pub sample_every: AtomicU64,
    pub start_ns: AtomicU64,
    pub stop: AtomicBool,
    pub finished: AtomicU64,
    pub dropped: AtomicU64,
    pub queue_full: AtomicU64,
    pub restarts: AtomicU64,
    pub intensity: Intensity,
    /// The restart intensity was exceeded.
    pub failed: AtomicBool,
    /// Event lines besides the summary: records are kept.
    pub events: bool,
    clock: Instant,
}

impl Bench {
    pub fn new(params: Params, design: Design, cores: usize, events: bool) -> Self {
        let seed = params.seed as u32;
        let stride = if params.workers < SPREAD_BELOW {
            SPREAD
        } else {
            1
        };
        Bench {
            bases: (0..params.producers as u32)
                .map(|p| generator::base(seed, p))
                .collect(),
            // One more: the thread that drives a runtime may poll a task.
            tallies: (0..=cores).map(|_| Tally::new()).collect(),
            threads: AtomicU64::new(0),
            worker_jobs: (0..params.workers as usize * stride)
                .map(|_| AtomicU64::new(0))
                .collect(),
            worker_stride: stride,
            sample_every: AtomicU64::new(1),
            start_ns: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            finished: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            queue_full: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            intensity: Intensity::new(params.restarts_max, params.restarts_period_ms),
            failed: AtomicBool::new(false),
            clock: Instant::now(),
            params,
            design,
            cores,
            events,
        }
    }

    #[inline]
    pub fn now_ns(&self) -> u64 {
        let since = self.clock.elapsed();
        since.as_secs() * 1_000_000_000 + u64::from(since.subsec_nanos())
    }

    /// Of the thread that calls. Panics on a thread that is none of the runtime's.
    #[inline(always)]
    pub fn tally(&self) -> &Tally {
        &self.tallies[tally::slot()]
    }

    pub fn worker_jobs(&self, worker: u32) -> &AtomicU64 {
        &self.worker_jobs[worker as usize * self.worker_stride]
    }

    pub fn ended(&self) -> u64 {
        self.tallies.iter().map(Tally::ended).sum()
    }

    pub fn done(&self) -> u64 {
        let done = |t: &Tally| t.done.load(Ordering::Acquire);
        self.tallies.iter().map(done).sum()
    }

    /// What the runtime calls before a thread of it goes to sleep.
    pub fn stamp(&self) {
        if let Some(tally) = self.tallies.get(tally::slot()) {
            tally.stamp(self.now_ns());
        }
    }

    pub fn record(&self, record: Record) {
        if self.events {
            self.tally().kept().records.push(record);
        }
    }

    pub fn reset(&self, jobs: u64) {
        self.tallies.iter().for_each(Tally::reset);
        for word in self.worker_jobs.iter() {
            word.store(0, Ordering::Relaxed);
        }
        for word in [
            &self.finished,
            &self.dropped,
            &self.queue_full,
            &self.restarts,
        ] {
            word.store(0, Ordering::Relaxed);
        }
        self.stop.store(false, Ordering::Relaxed);
        self.sample_every
            .store((jobs / SAMPLES).max(1), Ordering::Relaxed);
        self.start_ns.store(self.now_ns(), Ordering::Release);
    }
}
