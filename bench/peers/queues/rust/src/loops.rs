// SPDX-License-Identifier: MIT
//! The loops of loop/loops.h once more, made anew for each queue type by the compiler. What is
//! equal and why is said there; names are the same.

use crate::clock::{ticks, work};
use crossbeam_utils::CachePadded;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicU64, Ordering::{Acquire, Relaxed, Release}};
use std::sync::Barrier;
use std::thread::yield_now;

pub const BATCH: usize = 32;
pub const CHECK_EVERY: u64 = 64;
const PAUSES: u32 = 16;

pub trait Queue: Sync + Send {
    const NAME: &'static str;
    const BOUNDED: bool;
    fn create(capacity: usize) -> Self;
    fn push(&self, item: u64) -> bool;
    fn pop(&self) -> Option<u64>;
}

#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Pairs,
    Produce,
    Consume,
    ProduceBatch,
    ConsumeBatch,
    Memory,
}

#[derive(Clone, Copy, Default)]
pub struct Tally {
    pub n: u64,
    pub sum: u64,
    pub exclusive: u64,
}

impl Tally {
    #[inline(always)]
    pub fn add(&mut self, item: u64) {
        self.n += 1;
        self.sum = self.sum.wrapping_add(item);
        self.exclusive ^= item;
    }
}

/// What all threads share.
pub struct Bed {
    pub barrier: Barrier,
    pub begin: AtomicU64,
    pub warm_ticks: u64,
    pub ticks: u64,
    pub capacity: u64,
    pub steps_per_ns: f64,
    pub ns_per_tick: f64,
    pub items: u64,
    pub later_ms: u64,
    pub ball: CachePadded<AtomicU64>,
    pub hop_ticks: AtomicU64,
    pub produced: Vec<CachePadded<AtomicU64>>,
    pub consumed: Vec<CachePadded<AtomicU64>>,
}

#[derive(Clone, Copy)]
pub struct Turn {
    pub kind: Kind,
    pub thread: usize,
    pub work: bool,
    pub watch: bool,
    pub distance: bool,
    pub drains: bool,
    pub begin: u64,
    pub end: u64,
    pub from: u64,
    pub to: u64,
    pub operations: u64,
    pub full: u64,
    pub empty: u64,
    pub input: Tally,
    pub output: Tally,
    pub longest_ns: i64,
    pub rss: [u64; 4], // before, full, drained, later
}

#[inline(always)]
fn make_item(thread: usize, i: u64) -> u64 {
    (((thread as u64 + 1) << 40) | i) << 3
}

impl Turn {
    /// Full or empty was met. False: the window is over, give up.
    #[inline(always)]
    fn back_off(&self, k: &mut u32) -> bool {
        *k += 1;
        if *k <= PAUSES {
            spin_loop();
            return true;
        }
        *k = 0;
        yield_now();
        ticks() < self.end
    }

    /// False once the window is over.
    #[inline(always)]
    fn look_at_clock(&mut self, operations: u64) -> bool {
        let now = ticks();
        if now < self.begin {
            return true;
        }
        if self.from == 0 {
            self.from = now;
            self.operations = operations;
        }
        if now < self.end {
            return true;
        }
        self.to = now;
        self.operations = operations - self.operations;
        false
    }
}

#[inline(always)]
fn pairs<Q: Queue, const WORK: bool, const WATCH: bool>(q: &Q, t: &mut Turn, bed: &Bed) {
    let (mut input, mut output) = (Tally::default(), Tally::default());
    let mut random = 88172645463325252u64 + t.thread as u64 * 7919;
    let mut delays = crate::machine::RunDelay::open(WATCH);
    let limit = (1e5 / bed.ns_per_tick) as u64;
    let (mut i, mut last, mut longest) = (0u64, ticks(), 0u64);
    'all: loop {
        for _ in 0..CHECK_EVERY / 2 {
            i += 1;
            let item = make_item(t.thread, i);
            let mut k = 0;
            while !q.push(item) {
                t.full += 1;
                if !t.back_off(&mut k) {
                    break 'all;
                }
            }
            input.add(item);
            if WORK {
                work(&mut random, bed.steps_per_ns);
            }
            match q.pop() {
                Some(item) => output.add(item),
                None => t.empty += 1,
            }
            if WORK {
                work(&mut random, bed.steps_per_ns);
            }
            if WATCH {
                let mut now = ticks();
                longest = longest.max(now - last);
                if longest > limit {
                    delays.note_gap(t, bed, longest);
                    longest = 0;
                    now = ticks();
                }
                last = now;
            }
        }
        if !t.look_at_clock(input.n + output.n) {
            break;
        }
    }
    if WATCH {
        delays.note_gap(t, bed, longest);
    }
    if t.to == 0 {
        t.operations = if t.from == 0 { 0 } else { input.n + output.n - t.operations };
    }
    t.input = input;
    t.output = output;
}

/// Unbounded queues: the producers together keep at most `capacity` ahead.
#[inline(always)]
fn keep_distance(t: &mut Turn, bed: &Bed, mine: u64) -> bool {
    let mut k = 0;
    bed.produced[t.thread].store(mine, Relaxed);
    loop {
        let input: u64 = bed.produced.iter().map(|n| n.load(Relaxed)).sum();
        let output: u64 = bed.consumed.iter().map(|n| n.load(Relaxed)).sum();
        if (input.wrapping_sub(output) as i64) < bed.capacity as i64 {
            return true;
        }
        t.full += 1;
        if !t.back_off(&mut k) {
            return false;
        }
    }
}

fn produce<Q: Queue>(q: &Q, t: &mut Turn, bed: &Bed) {
    let mut input = Tally::default();
    'all: for i in 1.. {
        let item = make_item(t.thread, i);
        let mut k = 0;
        while !q.push(item) {
            t.full += 1;
            if !t.back_off(&mut k) {
                break 'all;
            }
        }
        input.add(item);
        if input.n % CHECK_EVERY == 0
            && (!t.look_at_clock(input.n) || (t.distance && !keep_distance(t, bed, input.n)))
        {
            break;
        }
    }
    t.input = input;
}

#[inline(always)]
fn consumer_looks(t: &mut Turn, bed: &Bed, n: u64) -> bool {
    if t.distance {
        bed.consumed[t.thread].store(n, Relaxed);
    }
    t.look_at_clock(n)
}

fn consume<Q: Queue>(q: &Q, t: &mut Turn, bed: &Bed) {
    let mut output = Tally::default();
    let mut k = 0;
    loop {
        if let Some(item) = q.pop() {
            output.add(item);
            k = 0;
            if output.n % CHECK_EVERY == 0 && !consumer_looks(t, bed, output.n) {
                break;
            }
            continue;
        }
        t.empty += 1;
        k += 1;
        if k <= PAUSES {
            spin_loop();
        } else {
            k = 0;
            if !consumer_looks(t, bed, output.n) {
                break;
            }
            yield_now();
        }
    }
    t.output = output;
}

fn produce_batch<Q: Queue>(q: &Q, t: &mut Turn, bed: &Bed) {
    let mut input = Tally::default();
    let mut items = [0u64; BATCH];
    let (mut more, mut i, mut calls) = (true, 0u64, 1u64);
    while more {
        let before = input;
        for item in items.iter_mut() {
            i += 1;
            *item = make_item(t.thread, i);
            input.add(*item);
        }
        let (mut done, mut k) = (0, 0);
        while done < BATCH && more {
            let from = done;
            while done < BATCH && q.push(items[done]) {
                done += 1;
            }
            if done == from {
                t.full += 1;
                more = t.back_off(&mut k);
            }
        }
        if done < BATCH {
            input = before;
            items[..done].iter().for_each(|item| input.add(*item));
        }
        if t.distance && calls % 2 == 0 {
            more = more && keep_distance(t, bed, input.n);
        }
        if calls % CHECK_EVERY == 0 {
            more = more && t.look_at_clock(input.n);
        }
        calls += 1;
    }
    t.input = input;
}

fn consume_batch<Q: Queue>(q: &Q, t: &mut Turn, bed: &Bed) {
    let mut output = Tally::default();
    let mut items = [0u64; BATCH];
    let (mut more, mut calls, mut k) = (true, 1u64, 0);
    while more {
        let mut n = 0;
        while n < BATCH {
            match q.pop() {
                Some(item) => items[n] = item,
                None => break,
            }
            n += 1;
        }
        items[..n].iter().for_each(|item| output.add(*item));
        if n != 0 {
            k = 0;
            if t.distance {
                bed.consumed[t.thread].store(output.n, Relaxed);
            }
            if calls % CHECK_EVERY == 0 {
                more = t.look_at_clock(output.n);
            }
            calls += 1;
            continue;
        }
        t.empty += 1;
        k += 1;
        if k <= PAUSES {
            spin_loop();
        } else {
            k = 0;
            more = consumer_looks(t, bed, output.n);
            if more {
                yield_now();
            }
        }
    }
    t.output = output;
}

fn drain<Q: Queue>(q: &Q, t: &mut Turn) {
    while let Some(item) = q.pop() {
        t.output.add(item);
    }
}

fn memory<Q: Queue>(q: &Q, t: &mut Turn, bed: &Bed) {
    for i in 1..=4096 {
        let _ = q.push(make_item(t.thread, i));
        let _ = q.pop();
    }
    t.rss[0] = crate::machine::rss();
    t.from = ticks();
    for i in 1..=bed.items {
        let item = make_item(t.thread, i);
        if !q.push(item) {
            t.full += 1;
            break;
        }
        t.input.add(item);
    }
    t.to = ticks();
    t.operations = t.input.n;
    t.rss[1] = crate::machine::rss();
    drain(q, t);
    t.rss[2] = crate::machine::rss();
    std::thread::sleep(std::time::Duration::from_millis(bed.later_ms));
    t.rss[3] = crate::machine::rss();
}

/// What a line's trip from one CPU to the other takes: as in loop/slot.c.
pub fn throw_ball(bed: &Bed, thread: u64) {
    const TIMES: u64 = 50;
    const TRIPS: u64 = 20;
    let mut least = u64::MAX;
    for k in 0..TIMES {
        let from = ticks();
        for i in 0..TRIPS {
            let mine = 2 * (k * TRIPS + i) + thread;
            while bed.ball.load(Acquire) != mine {}
            bed.ball.store(mine + 1, Release);
        }
        least = least.min(ticks() - from);
    }
    if thread == 0 {
        bed.hop_ticks.store(least / (2 * TRIPS), Relaxed);
    }
}

pub fn run<Q: Queue>(q: &Q, t: &mut Turn, bed: &Bed) {
    bed.barrier.wait();
    if t.thread == 0 {
        bed.begin.store(ticks() + bed.warm_ticks, Relaxed);
    }
    bed.barrier.wait();
    t.begin = bed.begin.load(Relaxed);
    t.end = t.begin + bed.ticks;
    match t.kind {
        Kind::Pairs if t.watch => pairs::<Q, true, true>(q, t, bed),
        Kind::Pairs if t.work => pairs::<Q, true, false>(q, t, bed),
        Kind::Pairs => pairs::<Q, false, false>(q, t, bed),
        Kind::Produce => produce(q, t, bed),
        Kind::Consume => consume(q, t, bed),
        Kind::ProduceBatch => produce_batch(q, t, bed),
        Kind::ConsumeBatch => consume_batch(q, t, bed),
        Kind::Memory => memory(q, t, bed),
    }
    bed.barrier.wait();
    if t.drains {
        drain(q, t);
    }
    bed.barrier.wait();
}
