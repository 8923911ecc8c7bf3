// SPDX-License-Identifier: MIT
//! The steps of a job, one implementation for every mode. Which jobs sleep, crash or block is a
//! function of (seed, producer, i), so that every runtime loses the same ones.

use crate::bench::Bench;
use crate::generator::{self, Draw};
use crate::params::{Offload, Params};
use crate::tally::{bump, Record, What};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::panic::resume_unwind;
use std::time::Duration;

const PAGE_WORDS: usize = 1024;
const TOUCH_STRIDE: usize = 64;

/// The message, moved through the channels by value.
pub struct Job {
    pub producer: u32,
    pub i: u32,
    /// Sampled jobs: before the first attempt to send, or the intended start; else 0.
    pub start_ns: u64,
    pub payload: Option<Box<[u32]>>,
}

/// What a crashing worker panics with.
pub struct Crash {
    pub worker: u32,
    pub at_ns: u64,
}

/// What is left of a job that cannot end where it was computed.
pub enum Later {
    Compute { x: u32, units: u32 },
    Block { result: u32, sleep: Duration },
    Sleep { result: u32, sleep: Duration },
}

/// The word repeated, by doubling copies: what memcpy makes of it is as fast as the others' fill.
pub fn fill(bytes: u64, word: u32) -> Box<[u32]> {
    [word].repeat(bytes as usize / 4).into_boxed_slice()
}

pub fn read(payload: &[u32]) -> u32 {
    let pages = payload.iter().step_by(PAGE_WORDS);
    let sum = pages.fold(0u32, |sum, word| sum.wrapping_add(*word));
    sum.wrapping_add(payload.last().copied().unwrap_or(0))
}

/// Allocated, touched and freed. The touch is a store that the compiler may not drop.
pub fn scratch(bytes: u64) {
    let mut block: Vec<u8> = Vec::with_capacity(bytes as usize);
    let room = &mut block.spare_capacity_mut()[..bytes as usize];
    for (at, byte) in room.iter_mut().step_by(TOUCH_STRIDE).enumerate() {
        *black_box(byte) = MaybeUninit::new(at as u8);
    }
}

pub fn block(params: &Params) {
    std::thread::sleep(Duration::from_micros(params.block_us));
}

impl Job {
    /// Job i of a producer; `start_ns` as in the message.
    #[inline]
    pub fn make(bench: &Bench, producer: u32, i: u32, start_ns: u64) -> Job {
        let bytes = bench.params.payload;
        let payload = (bytes > 0).then(|| {
            let key = generator::key(bench.bases[producer as usize], i);
            fill(bytes, generator::draw(key, Draw::Payload))
        });
        Job {
            producer,
            i,
            start_ns,
            payload,
        }
    }

    #[inline(always)]
    fn key(&self, bench: &Bench) -> u32 {
        generator::key(bench.bases[self.producer as usize], self.i)
    }

    /// Everything up to where the job ends or has to wait. Panics where it crashes its worker.
    #[inline]
    pub fn run(&mut self, bench: &Bench, worker: u32) -> Option<Later> {
        let p = &bench.params;
        let key = self.key(bench);
        let x = key.wrapping_add(self.payload.as_deref().map_or(0, read));
        if p.alloc > 0 {
            scratch(p.alloc);
        }
        let units = units_of(p, key);
        if p.offload == Offload::Cpu {
            return Some(Later::Compute { x, units });
        }
        let result = generator::compute(x, units);
        self.computed(bench, worker, key, result)
    }

    #[inline]
    fn computed(&mut self, bench: &Bench, worker: u32, key: u32, result: u32) -> Option<Later> {
        let p = &bench.params;
        if p.crash_ppm > 0 && generator::hit(key, Draw::Crash, p.crash_ppm as u32) {
            self.lose(bench, worker);
        }
        self.payload = None;
        let sleep = sleep_of(p, key);
        if p.block_ppm > 0 && generator::hit(key, Draw::Block, p.block_ppm as u32) {
            if p.offload != Offload::None {
                return Some(Later::Block { result, sleep });
            }
            block(p);
        }
        if !sleep.is_zero() {
            return Some(Later::Sleep { result, sleep });
        }
        self.finish(bench, worker, result, 0);
        None
    }

    /// The waits of a job, each where it belongs.
    pub async fn later(&mut self, bench: &Bench, worker: u32, first: Later) {
        let mut next = Some(first);
        while let Some(later) = next.take() {
            match later {
                Later::Compute { x, units } => {
                    let result = off(move || generator::compute(x, units)).await;
                    next = self.computed(bench, worker, self.key(bench), result);
                }
                Later::Block { result, sleep } => {
                    let us = bench.params.block_us;
                    off(move || std::thread::sleep(Duration::from_micros(us))).await;
                    next = Some(Later::Sleep { result, sleep });
                }
                Later::Sleep { result, sleep } => {
                    let slept = self.sleep(bench, sleep).await;
                    self.finish(bench, worker, result, slept);
                }
            }
        }
    }

    async fn sleep(&self, bench: &Bench, sleep: Duration) -> u64 {
        if sleep.is_zero() {
            return 0;
        }
        let from = if self.start_ns > 0 { bench.now_ns() } else { 0 };
        tokio::time::sleep(sleep).await;
        if self.start_ns > 0 {
            bench.now_ns() - from
        } else {
            0
        }
    }

    #[inline]
    pub fn finish(&self, bench: &Bench, worker: u32, result: u32, slept_ns: u64) {
        let tally = bench.tally();
        bump(&tally.checksum, u64::from(result));
        bump(bench.worker_jobs(worker), 1);
        if self.start_ns != 0 {
            self.finish_sampled(bench, worker, slept_ns);
        }
        bump(&tally.done, 1);
    }

    #[cold]
    fn finish_sampled(&self, bench: &Bench, worker: u32, slept_ns: u64) {
        let tally = bench.tally();
        let now = bench.now_ns();
        let lat_ns = now.saturating_sub(self.start_ns);
        if slept_ns > 0 {
            bump(&tally.slept_ns, slept_ns);
            bump(&tally.slept, 1);
        }
        tally.kept().latency.add(lat_ns);
        bench.record(Record {
            what: What::Job {
                lat_ns: Some(lat_ns),
                sleep_ns: slept_ns,
            },
            producer: self.producer,
            i: self.i,
            worker,
            at_ns: now,
        });
    }

    /// The worker dies with this job in hand. The panic hook is not called: restarts are quiet in
    /// every runtime.
    #[cold]
    fn lose(&mut self, bench: &Bench, worker: u32) -> ! {
        let now = bench.now_ns();
        self.payload = None;
        bench.record(Record {
            what: What::Crash,
            producer: self.producer,
            i: self.i,
            worker,
            at_ns: now,
        });
        bump(&bench.tally().lost, 1);
        resume_unwind(Box::new(Crash { worker, at_ns: now }))
    }
}

/// On the blocking pool, whose threads are made on demand.
async fn off<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(e) => resume_unwind(e.into_panic()),
    }
}

#[inline]
fn units_of(p: &Params, key: u32) -> u32 {
    if p.greedy_ppm > 0 && generator::hit(key, Draw::Greedy, p.greedy_ppm as u32) {
        return p.greedy_units as u32;
    }
    if p.wlo == p.whi {
        return p.wlo as u32;
    }
    generator::pick(key, Draw::Units, p.wlo as u32, p.whi as u32)
}

#[inline]
fn sleep_of(p: &Params, key: u32) -> Duration {
    if p.sleep_ppm == 0 || !generator::hit(key, Draw::Sleep, p.sleep_ppm as u32) {
        return Duration::ZERO;
    }
    let us = generator::pick(key, Draw::SleepUs, p.slo as u32, p.shi as u32);
    Duration::from_micros(u64::from(us))
}
