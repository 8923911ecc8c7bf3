// SPDX-License-Identifier: MIT
//! The steps of a job, one implementation for every mode. Which jobs sleep, crash or block is a
//! function of (seed, producer, i), so that every runtime loses the same ones.

use crate::bench::Bench;
use crate::design::Mode;
use crate::events;
use crate::failure::Fate;
use crate::generator::{self, Draw};
use crate::params::{Offload, Params, Pattern};
use crate::tally::{bump, Record, What};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::panic::resume_unwind;
use std::sync::atomic::Ordering;
use std::time::Duration;

const PAGE_WORDS: usize = 1024;
const TOUCH_STRIDE: usize = 64;
/// A longer computation lets others run after each so many units, 66 us: what Tokio's guide asks
/// of work that does not await. Jobs up to this length never pay for it.
const SLICE: u32 = 32768;

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
    /// By the one injected failure, not by the job's mark.
    pub injected: bool,
}

/// What is left of a job that cannot end where it was computed.
pub enum Later {
    /// Off the scheduler's thread, or in slices on it.
    Compute {
        x: u32,
        units: u32,
        off: bool,
    },
    Block {
        result: u32,
        sleep: Duration,
    },
    Sleep {
        result: u32,
        sleep: Duration,
    },
    Hang,
}

/// A result on its way to the one collector of the naive modes.
pub struct Finished {
    job: Job,
    worker: u32,
    result: u32,
    slept_ns: u64,
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
        if bench.on_take {
            self.taken(bench, worker);
        }
        let key = self.key(bench);
        let x = key.wrapping_add(self.payload.as_deref().map_or(0, read));
        if p.alloc > 0 {
            scratch(p.alloc);
        }
        let (units, greedy) = units_of(p, key);
        let off = greedy && p.offload == Offload::Cpu;
        if off || (units > SLICE && bench.design.slices()) {
            return Some(Later::Compute { x, units, off });
        }
        let result = if bench.design.mode == Mode::Literal {
            (0..units).for_each(|_| black_box(()));
            x
        } else {
            generator::compute(x, units)
        };
        self.computed(bench, worker, key, result)
    }

    #[cold]
    fn taken(&self, bench: &Bench, worker: u32) {
        if let Some(bytes) = &bench.bytes {
            bytes.give(bench.params.payload);
        }
        if let Some(beat) = bench.beat(worker) {
            beat.store(beat.load(Ordering::Relaxed) | 1, Ordering::Release);
        }
        if bench.params.keys > 0 {
            // One worker at a time has this key: a plain read and write would do in C.
            for word in &bench.states[bench.key_of(self) as usize] {
                bump(word, 1);
            }
        }
    }

    #[inline]
    fn computed(&mut self, bench: &Bench, worker: u32, key: u32, result: u32) -> Option<Later> {
        let p = &bench.params;
        if let Some(failure) = &bench.failure {
            match failure.at_crash_point() {
                Fate::Live => {}
                Fate::Die => self.crash(bench, worker, true),
                Fate::Hang => return Some(Later::Hang),
            }
        }
        if p.crash_ppm > 0 && generator::hit(key, Draw::Crash, p.crash_ppm as u32) {
            self.crash(bench, worker, false);
        }
        self.payload = None;
        let sleep = sleep_of(p, key);
        if p.block_ppm > 0 && generator::hit(key, Draw::Block, p.block_ppm as u32) {
            if p.offload == Offload::Block {
                return Some(Later::Block { result, sleep });
            }
            // The wrong way: nothing else runs on this thread meanwhile.
            std::thread::sleep(Duration::from_micros(p.block_us));
        }
        if !sleep.is_zero() || bench.design.mode == Mode::Literal {
            return Some(Later::Sleep { result, sleep });
        }
        self.finish(bench, worker, result, 0);
        None
    }

    /// The waits of a job, each where it belongs.
    pub async fn later(&mut self, bench: &Bench, worker: u32, first: Later) {
        let mut hand = InHand {
            bench,
            worker,
            job: self,
            armed: true,
        };
        let mut next = Some(first);
        while let Some(later) = next.take() {
            match later {
                Later::Compute { x, units, off } => {
                    let result = if off {
                        off_thread(move || generator::compute(x, units)).await
                    } else {
                        in_slices(x, units).await
                    };
                    let key = hand.job.key(bench);
                    hand.armed = false;
                    next = hand.job.computed(bench, worker, key, result);
                    hand.armed = true;
                    if next.is_none() {
                        hand.armed = false;
                    }
                }
                Later::Block { result, sleep } => {
                    let us = bench.params.block_us;
                    off_thread(move || std::thread::sleep(Duration::from_micros(us))).await;
                    next = Some(Later::Sleep { result, sleep });
                }
                Later::Sleep { result, sleep } => {
                    let slept = hand.job.sleep(bench, sleep).await;
                    hand.armed = false;
                    hand.job.finish(bench, worker, result, slept);
                }
                Later::Hang => std::future::pending().await,
            }
        }
    }

    async fn sleep(&self, bench: &Bench, sleep: Duration) -> u64 {
        if sleep.is_zero() && bench.design.mode != Mode::Literal {
            return 0;
        }
        let from = bench.now_ns();
        tokio::time::sleep(sleep).await;
        bench.now_ns() - from
    }

    #[inline]
    fn finish(&mut self, bench: &Bench, worker: u32, result: u32, slept_ns: u64) {
        if let Some(results) = bench.results.get() {
            events::print_job(bench, self.producer, self.i, worker);
            let job = Job {
                payload: None,
                ..*self
            };
            let _ = results.send(Finished {
                job,
                worker,
                result,
                slept_ns,
            });
            return;
        }
        self.count(bench, worker, result, slept_ns);
    }

    #[inline]
    fn count(&self, bench: &Bench, worker: u32, result: u32, slept_ns: u64) {
        let tally = bench.tally();
        bump(&tally.checksum, u64::from(result));
        bump(bench.worker_jobs(worker), 1);
        if let Some(pair) = &bench.pair {
            pair[0].fetch_add(1, Ordering::Relaxed);
            pair[1].fetch_add(u64::from(result), Ordering::Relaxed);
        }
        if self.start_ns != 0 || bench.logs.load(Ordering::Relaxed) {
            self.note(bench, worker, slept_ns);
        }
        self.ended(bench, worker);
        bump(&tally.done, 1);
    }

    /// Done or lost: the heart beats on, the chain goes on.
    #[inline]
    fn ended(&self, bench: &Bench, worker: u32) {
        if let Some(beat) = bench.beat(worker) {
            let odd = beat.load(Ordering::Relaxed) | 1;
            beat.store(odd + 1, Ordering::Release);
        }
        if bench.params.pattern != Pattern::None {
            self.go_on(bench);
        }
    }

    #[cold]
    fn go_on(&self, bench: &Bench) {
        let i = self.i + 1;
        let jobs = bench.jobs.load(Ordering::Relaxed);
        if u64::from(i) == bench.params.jobs_of(jobs, u64::from(self.producer)) {
            return;
        }
        let every = bench.sample_every.load(Ordering::Relaxed) as u32;
        let start_ns = if i % every == 0 { bench.now_ns() } else { 0 };
        if let Some(chain) = bench.chain.get() {
            chain(bench, Job::make(bench, self.producer, i, start_ns));
        }
    }

    #[cold]
    fn note(&self, bench: &Bench, worker: u32, slept_ns: u64) {
        let tally = bench.tally();
        let now = bench.now_ns();
        let sampled = self.start_ns != 0;
        let lat_ns = sampled.then(|| now.saturating_sub(self.start_ns));
        if let Some(lat_ns) = lat_ns {
            if slept_ns > 0 {
                bump(&tally.slept_ns, slept_ns);
                bump(&tally.slept, 1);
            }
            tally.kept().latency.add(lat_ns);
        }
        let record = Record {
            what: What::Job {
                lat_ns,
                sleep_ns: slept_ns,
            },
            producer: self.producer,
            i: self.i,
            worker,
            at_ns: now,
        };
        if bench.logs.load(Ordering::Relaxed) {
            events::say_record(bench, &record);
        } else if sampled {
            bench.record(record);
        }
    }

    fn count_lost(&self, bench: &Bench, worker: u32) -> u64 {
        let now = bench.now_ns();
        bench.record(Record {
            what: What::Crash,
            producer: self.producer,
            i: self.i,
            worker,
            at_ns: now,
        });
        self.ended(bench, worker);
        bench.tally().lost.fetch_add(1, Ordering::AcqRel);
        now
    }

    /// The worker dies with this job in hand. The panic hook is not called: restarts are quiet in
    /// every runtime.
    #[cold]
    fn crash(&mut self, bench: &Bench, worker: u32, injected: bool) -> ! {
        self.payload = None;
        let at_ns = self.count_lost(bench, worker);
        resume_unwind(Box::new(Crash {
            worker,
            at_ns,
            injected,
        }))
    }
}

impl Finished {
    pub fn count(self, bench: &Bench) {
        let Finished { job, worker, .. } = &self;
        job.count(bench, *worker, self.result, self.slept_ns);
    }
}

/// A waiting job, lost if its worker ends meanwhile: aborted, or by a panic elsewhere in it.
struct InHand<'a> {
    bench: &'a Bench,
    worker: u32,
    job: &'a mut Job,
    armed: bool,
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        if self.armed {
            self.job.count_lost(self.bench, self.worker);
        }
    }
}

/// On the blocking pool, whose threads are made on demand.
async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(e) => resume_unwind(e.into_panic()),
    }
}

async fn in_slices(mut x: u32, mut units: u32) -> u32 {
    while units > SLICE {
        x = generator::compute(x, SLICE);
        units -= SLICE;
        tokio::task::yield_now().await;
    }
    generator::compute(x, units)
}

/// Units, and whether the job is a greedy one.
#[inline]
fn units_of(p: &Params, key: u32) -> (u32, bool) {
    if p.greedy_ppm > 0 && generator::hit(key, Draw::Greedy, p.greedy_ppm as u32) {
        return (p.greedy_units as u32, true);
    }
    if p.wlo == p.whi {
        return (p.wlo as u32, false);
    }
    let units = generator::pick(key, Draw::Units, p.wlo as u32, p.whi as u32);
    (units, false)
}

#[inline]
fn sleep_of(p: &Params, key: u32) -> Duration {
    if p.sleep_ppm == 0 || !generator::hit(key, Draw::Sleep, p.sleep_ppm as u32) {
        return Duration::ZERO;
    }
    let us = generator::pick(key, Draw::SleepUs, p.slo as u32, p.shi as u32);
    Duration::from_micros(u64::from(us))
}
