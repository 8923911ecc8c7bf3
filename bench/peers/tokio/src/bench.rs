// SPDX-License-Identifier: MIT
//! What one process measures, shared by everything that runs in it.

use crate::bytes::Bytes;
use crate::design::{Design, Mode, Restart};
use crate::failure::Failure;
use crate::generator::{self, Draw};
use crate::job::{Finished, Job};
use crate::pace::Pacer;
use crate::params::{Collector, Params};
use crate::producer::Late;
use crate::supervise::Intensity;
use crate::tally::{self, Record, Tally};
use std::fs::File;
use std::io::LineWriter;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use tokio::runtime::Handle;
use tokio::sync::mpsc::UnboundedSender;

/// Jobs of a round whose latency is taken: i mod max(1, N div this) = 0.
const SAMPLES: u64 = 20000;
/// Below so many workers each counts its jobs in cache lines of its own.
const SPREAD_BELOW: u64 = 4096;
const SPREAD: usize = 16;

type Chain = Box<dyn Fn(&Bench, Job) + Send + Sync>;

pub struct Bench {
    pub params: Params,
    pub design: Design,
    pub cores: usize,
    pub bases: Vec<u32>,
    pub tallies: Vec<Tally>,
    pub threads: AtomicU64,
    worker_jobs: Vec<AtomicU64>,
    /// Odd: the worker has a job in hand. Only where something looks at them.
    beats: Vec<AtomicU64>,
    stride: usize,
    pub jobs: AtomicU64,
    pub sample_every: AtomicU64,
    pub start_ns: AtomicU64,
    pub stop: AtomicBool,
    pub finished: AtomicU64,
    pub dropped: AtomicU64,
    pub queue_full: AtomicU64,
    pub collateral: AtomicU64,
    pub restarts: AtomicU64,
    pub intensity: Intensity,
    /// The restart intensity was exceeded.
    pub failed: AtomicBool,
    /// The one injected failure; None where none comes.
    pub failure: Option<Failure>,
    /// collector=shared: one pair of counters that all workers add to.
    pub pair: Option<[AtomicU64; 2]>,
    pub bytes: Option<Bytes>,
    pub pacer: Pacer,
    /// What naive workers report to; None where each thread sums for itself.
    pub results: OnceLock<UnboundedSender<Finished>>,
    /// pattern=...: where a chain's next job goes.
    pub chain: OnceLock<Chain>,
    /// Written by no thread of the runtime: records of producers and supervisors, pacing.
    others: Mutex<(Vec<Record>, Late)>,
    /// Event lines besides the summary: records are kept.
    pub events: bool,
    /// log=1 in the measured round: a line at once for every job.
    pub logs: AtomicBool,
    /// Anything that happens when a worker takes a job.
    pub on_take: bool,
    pub states: Vec<Vec<AtomicU64>>,
    /// tokio:literal prints a line per job: into a file, standard output has the events.
    pub printed: OnceLock<Mutex<LineWriter<File>>>,
    handle: OnceLock<Handle>,
    clock: Instant,
}

fn counters(n: usize) -> Vec<AtomicU64> {
    (0..n).map(|_| AtomicU64::new(0)).collect()
}

impl Bench {
    pub fn new(params: Params, design: Design, cores: usize, events: bool) -> Self {
        let seed = params.seed as u32;
        let stride = if params.workers < SPREAD_BELOW {
            SPREAD
        } else {
            1
        };
        let spread = params.workers as usize * stride;
        let watched = design.restart == Restart::Watchdog;
        let bytes = Bytes::new(&params);
        let shared = params.collector == Collector::Shared;
        let state_words = (params.state as usize + 63) / 64;
        let bases = 0..params.producers as u32;
        Bench {
            bases: bases.map(|p| generator::base(seed, p)).collect(),
            // One more: the thread that drives a runtime may poll a task.
            tallies: (0..=cores).map(|_| Tally::new()).collect(),
            threads: AtomicU64::new(0),
            worker_jobs: counters(spread),
            beats: counters(if watched { spread } else { 0 }),
            stride,
            jobs: AtomicU64::new(0),
            sample_every: AtomicU64::new(1),
            start_ns: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            finished: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            queue_full: AtomicU64::new(0),
            collateral: AtomicU64::new(0),
            restarts: AtomicU64::new(0),
            intensity: Intensity::new(params.restarts_max, params.restarts_period_ms),
            failed: AtomicBool::new(false),
            failure: (params.fail_at_ms > 0).then(|| Failure::new(&params)),
            pair: shared.then(|| [AtomicU64::new(0), AtomicU64::new(0)]),
            on_take: watched || bytes.is_some() || params.keys > 0,
            states: (0..params.keys).map(|_| counters(state_words)).collect(),
            bytes,
            pacer: Pacer::default(),
            results: OnceLock::new(),
            chain: OnceLock::new(),
            others: Mutex::new((Vec::new(), Late::default())),
            logs: AtomicBool::new(false),
            printed: OnceLock::new(),
            handle: OnceLock::new(),
            clock: Instant::now(),
            params,
            design,
            cores,
            events,
        }
    }

    pub fn set_handle(&self, handle: &Handle) {
        let _ = self.handle.set(handle.clone());
    }

    pub fn handle(&self) -> &Handle {
        self.handle.get().expect("set before the first task")
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

    #[inline]
    pub fn worker_jobs(&self, worker: u32) -> &AtomicU64 {
        &self.worker_jobs[worker as usize * self.stride]
    }

    pub fn beat(&self, worker: u32) -> Option<&AtomicU64> {
        self.beats.get(worker as usize * self.stride)
    }

    /// The beat that no work of the workload is longer than.
    pub fn beat_limit_ns(&self) -> u64 {
        let p = &self.params;
        let units = p.whi.max(if p.greedy_ppm > 0 { p.greedy_units } else { 0 });
        let sleep_us = if p.sleep_ppm > 0 { 2 * p.shi + 5000 } else { 0 };
        100_000_000 + units * 20 + 1000 * (sleep_us + 2 * p.block_us)
    }

    pub fn key_of(&self, job: &Job) -> u32 {
        let key = generator::key(self.bases[job.producer as usize], job.i);
        generator::pick(key, Draw::Key, 0, self.params.keys as u32 - 1)
    }

    /// The one worker of the job's key.
    pub fn worker_of_key(&self, job: &Job) -> usize {
        self.key_of(job) as usize % self.params.workers as usize
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

    fn others(&self) -> MutexGuard<'_, (Vec<Record>, Late)> {
        self.others.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn record(&self, record: Record) {
        if self.events {
            match self.tallies.get(tally::slot()) {
                Some(tally) => tally.kept().records.push(record),
                None => self.others().0.push(record),
            }
        }
    }

    pub fn keep(&self, records: Vec<Record>) {
        self.others().0.extend(records);
    }

    pub fn add_late(&self, late: Late) {
        let sum = &mut self.others().1;
        sum.n += late.n;
        sum.sum_ns += late.sum_ns;
        sum.max_ns = sum.max_ns.max(late.max_ns);
    }

    pub fn late(&self) -> Late {
        self.others().1
    }

    /// All records of the round, by time.
    pub fn records(&self) -> Vec<Record> {
        let mut all = std::mem::take(&mut self.others().0);
        for tally in &self.tallies {
            all.append(&mut tally.kept().records);
        }
        all.sort_by_key(|record| record.at_ns);
        all
    }

    /// Channels, tasks and counts of the mode: results go through a task of their own.
    pub fn collects_by_message(&self) -> bool {
        matches!(self.design.mode, Mode::Naive | Mode::Literal)
    }

    pub fn reset(&self, jobs: u64) {
        self.tallies.iter().for_each(Tally::reset);
        for word in [
            &self.finished,
            &self.dropped,
            &self.queue_full,
            &self.collateral,
            &self.restarts,
        ] {
            word.store(0, Ordering::Relaxed);
        }
        for word in &self.worker_jobs {
            word.store(0, Ordering::Relaxed);
        }
        *self.others() = (Vec::new(), Late::default());
        self.stop.store(false, Ordering::Relaxed);
        self.jobs.store(jobs, Ordering::Relaxed);
        let every = (jobs / SAMPLES).max(1);
        self.sample_every.store(every, Ordering::Relaxed);
        self.start_ns.store(self.now_ns(), Ordering::Release);
    }
}
