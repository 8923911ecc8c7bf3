// SPDX-License-Identifier: MIT
//! What one runtime thread did. Each figure has one writer, the thread; the collector reads while
//! it runs. A task counts into the tally of the thread that polls it, never across an await.

use crate::histogram::Histogram;
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Crashes, and restarts, that a run writes; what comes later is only counted.
pub const CRASH_RECORDS_MAX: usize = 1000;

#[derive(Clone, Copy)]
pub enum What {
    Job { lat_ns: Option<u64>, sleep_ns: u64 },
    Crash,
    Restart { down_ns: u64 },
    Full { waited_ns: u64 },
    Dropped { sum: u64 },
}

#[derive(Clone, Copy)]
pub struct Record {
    pub what: What,
    pub producer: u32,
    pub i: u32,
    pub worker: u32,
    pub at_ns: u64,
}

/// Of sampled jobs; behind a lock that only the collector ever contends for, between rounds.
pub struct Kept {
    pub latency: Histogram,
    pub pacing: Histogram,
    pub records: Vec<Record>,
}

#[repr(align(128))]
pub struct Tally {
    pub done: AtomicU64,
    pub lost: AtomicU64,
    pub checksum: AtomicU64,
    pub slept_ns: AtomicU64,
    pub slept: AtomicU64,
    /// When this thread last ran out of work, and what it had done by then.
    pub idle_ns: AtomicU64,
    stamped: AtomicU64,
    kept: Mutex<Kept>,
}

thread_local! {
    static SLOT: Cell<usize> = const { Cell::new(usize::MAX) };
}

/// Give this thread its tally; once per thread.
pub fn claim(next: &AtomicU64) {
    SLOT.with(|slot| slot.set(next.fetch_add(1, Ordering::Relaxed) as usize));
}

#[inline(always)]
pub fn slot() -> usize {
    SLOT.with(Cell::get)
}

/// A single writer's increment: no read-modify-write on the bus.
#[inline(always)]
pub fn bump(word: &AtomicU64, by: u64) {
    word.store(
        word.load(Ordering::Relaxed).wrapping_add(by),
        Ordering::Release,
    );
}

impl Tally {
    pub fn new() -> Self {
        Tally {
            done: AtomicU64::new(0),
            lost: AtomicU64::new(0),
            checksum: AtomicU64::new(0),
            slept_ns: AtomicU64::new(0),
            slept: AtomicU64::new(0),
            idle_ns: AtomicU64::new(0),
            stamped: AtomicU64::new(0),
            kept: Mutex::new(Kept {
                latency: Histogram::new(),
                pacing: Histogram::new(),
                records: Vec::new(),
            }),
        }
    }

    pub fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn ended(&self) -> u64 {
        self.done.load(Ordering::Acquire) + self.lost.load(Ordering::Acquire)
    }

    /// The thread has nothing to do: note when, if it did something since.
    pub fn stamp(&self, now_ns: u64) {
        let ended = self.ended();
        if ended != self.stamped.load(Ordering::Relaxed) {
            self.stamped.store(ended, Ordering::Relaxed);
            self.idle_ns.store(now_ns, Ordering::Release);
        }
    }

    /// Between rounds, when no job is anywhere.
    pub fn reset(&self) {
        for word in [
            &self.done,
            &self.lost,
            &self.checksum,
            &self.slept_ns,
            &self.slept,
            &self.idle_ns,
            &self.stamped,
        ] {
            word.store(0, Ordering::Release);
        }
        let mut kept = self.kept();
        kept.latency = Histogram::new();
        kept.pacing = Histogram::new();
        kept.records.clear();
    }
}
