// SPDX-License-Identifier: MIT
//! The slot program of crossbeam's queues: the protocol of loop/slot.c.
//!
//! usage: pinion-queues-rust --list | QUEUE WORKLOAD [--ms N] [--warm N] [--items N] [--later N]

mod clock;
mod loops;
mod machine;

use clock::Start;
use crossbeam_queue::{ArrayQueue, SegQueue};
use loops::{Bed, Kind, Queue, Tally, Turn, BATCH};
use std::process::exit;
use std::sync::atomic::AtomicU64;
use std::sync::Barrier;

/// Unbounded.
struct Seg(SegQueue<u64>);

impl Queue for Seg {
    const NAME: &'static str = "crossbeam_seg";
    const BOUNDED: bool = false;
    fn create(_capacity: usize) -> Seg {
        Seg(SegQueue::new())
    }
    #[inline(always)]
    fn push(&self, item: u64) -> bool {
        self.0.push(item);
        true
    }
    #[inline(always)]
    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }
}

struct Array(ArrayQueue<u64>);

impl Queue for Array {
    const NAME: &'static str = "crossbeam_array";
    const BOUNDED: bool = true;
    fn create(capacity: usize) -> Array {
        Array(ArrayQueue::new(capacity))
    }
    #[inline(always)]
    fn push(&self, item: u64) -> bool {
        self.0.push(item).is_ok()
    }
    #[inline(always)]
    fn pop(&self) -> Option<u64> {
        self.0.pop()
    }
}

#[derive(Clone, Copy)]
struct Workload {
    name: &'static str,
    kind: Kind,
    producers: usize,
    consumers: usize,
    capacity: u64,
    work: bool,
    items: u64,
}

const fn load(name: &'static str, kind: Kind, producers: usize, consumers: usize, capacity: u64,
              work: bool, items: u64) -> Workload {
    Workload { name, kind, producers, consumers, capacity, work, items }
}

/// As in loop/slot.c, without the chains.
const WORKLOADS: [Workload; 16] = [
    load("pairs_t1", Kind::Pairs, 1, 0, 1024, false, 0),
    load("pairs_t2", Kind::Pairs, 2, 0, 1024, false, 0),
    load("pairs_t4", Kind::Pairs, 4, 0, 1024, false, 0),
    load("pairs_t1_work", Kind::Pairs, 1, 0, 1024, true, 0),
    load("pairs_t2_work", Kind::Pairs, 2, 0, 1024, true, 0),
    load("pairs_t4_work", Kind::Pairs, 4, 0, 1024, true, 0),
    load("1p1c_1024", Kind::Produce, 1, 1, 1024, false, 0),
    load("1p1c_65536", Kind::Produce, 1, 1, 65536, false, 0),
    load("2p2c_1024", Kind::Produce, 2, 2, 1024, false, 0),
    load("2p2c_65536", Kind::Produce, 2, 2, 65536, false, 0),
    load("1p1c_b32_1024", Kind::ProduceBatch, 1, 1, 1024, false, 0),
    load("1p1c_b32_65536", Kind::ProduceBatch, 1, 1, 65536, false, 0),
    load("2p2c_b32_1024", Kind::ProduceBatch, 2, 2, 1024, false, 0),
    load("2p2c_b32_65536", Kind::ProduceBatch, 2, 2, 65536, false, 0),
    load("memory_1m", Kind::Memory, 1, 0, 0, false, 1000000),
    load("memory_10m", Kind::Memory, 1, 0, 0, false, 10000000),
];

fn measure<Q: Queue>(w: &Workload, start: &Start, [warm_ms, ms, later_ms]: [u64; 3]) -> i32 {
    let cpus = machine::allowed_cpus();
    if cpus.is_empty() {
        eprintln!("{}: no affinity mask", Q::NAME);
        return 3;
    }
    let (ns_per_tick, steps_per_ns) = start.calibrate(if w.work { 5_000_000 } else { 1_000_000 });
    let threads = w.producers + w.consumers;
    let crowded = w.kind == Kind::Pairs && threads > cpus.len();
    let counts = || (0..threads).map(|_| Default::default()).collect::<Vec<_>>();
    let bed = Bed {
        barrier: Barrier::new(threads),
        begin: AtomicU64::new(0),
        warm_ticks: (warm_ms as f64 * 1e6 / ns_per_tick) as u64,
        ticks: (ms as f64 * if crowded { 4e6 } else { 1e6 } / ns_per_tick) as u64,
        capacity: w.capacity,
        steps_per_ns,
        ns_per_tick,
        items: w.items,
        later_ms,
        ball: Default::default(),
        hop_ticks: AtomicU64::new(0),
        produced: counts(),
        consumed: counts(),
    };
    let queue = Q::create(w.capacity as usize);
    let several = cpus.len() >= 2;
    let mut turns: Vec<Turn> = (0..threads).map(|thread| turn::<Q>(w, thread)).collect();
    std::thread::scope(|scope| {
        for t in turns.iter_mut() {
            let (bed, queue, cpu) = (&bed, &queue, cpus[t.thread % cpus.len()]);
            scope.spawn(move || {
                machine::pin_to(cpu);
                if threads >= 2 && t.thread < 2 && several {
                    loops::throw_ball(bed, t.thread as u64);
                }
                let mut own = *t; // on this thread's stack, not beside the others'
                loops::run(queue, &mut own, bed);
                *t = own;
            });
        }
    });
    report::<Q>(w, &turns, bed.hop_ticks.into_inner(), start.ns_per_tick())
}

fn turn<Q: Queue>(w: &Workload, thread: usize) -> Turn {
    let consumes = thread >= w.producers;
    let kind = match w.kind {
        Kind::Produce if consumes => Kind::Consume,
        Kind::ProduceBatch if consumes => Kind::ConsumeBatch,
        kind => kind,
    };
    Turn {
        kind,
        thread,
        work: w.work,
        watch: w.work && w.producers == 4,
        distance: !Q::BOUNDED,
        drains: consumes || w.kind == Kind::Pairs,
        begin: 0,
        end: 0,
        from: 0,
        to: 0,
        operations: 0,
        full: 0,
        empty: 0,
        input: Tally::default(),
        output: Tally::default(),
        longest_ns: 0,
        rss: [0; 4],
    }
}

fn judge(w: &Workload, turns: &[Turn], operations: u64) -> (&'static str, String) {
    let add = |all: Tally, one: Tally| Tally {
        n: all.n + one.n,
        sum: all.sum.wrapping_add(one.sum),
        exclusive: all.exclusive ^ one.exclusive,
    };
    let input = turns.iter().map(|t| t.input).fold(Tally::default(), add);
    let output = turns.iter().map(|t| t.output).fold(Tally::default(), add);
    if input.n != output.n || input.sum != output.sum || input.exclusive != output.exclusive {
        let others = if input.n == output.n { ", but others" } else { "" };
        let why = format!("{} items went in and {} came out{others}", input.n, output.n);
        return ("wrong sum", why);
    }
    if w.kind == Kind::Memory && turns[0].full != 0 {
        return ("full", format!("full after {} items", input.n));
    }
    if operations == 0 {
        return ("no operation", "not one operation in the window".into());
    }
    ("ok", String::new())
}

fn report<Q: Queue>(w: &Workload, turns: &[Turn], hop_ticks: u64, ns_per_tick: f64) -> i32 {
    let from = if w.consumers > 0 { w.producers } else { 0 };
    let operations: u64 = turns[from..].iter().map(|t| t.operations).sum();
    let one = &turns[0];
    let window = if w.kind == Kind::Memory { one.to - one.from } else { one.end - one.begin };
    let seconds = window as f64 * ns_per_tick / 1e9;
    let (status, why) = judge(w, turns, operations);
    let ok = status == "ok";
    let null = || "null".to_string();
    let batch = w.kind == Kind::ProduceBatch;
    let capacity = w.capacity == 0 || (w.kind == Kind::Pairs && !Q::BOUNDED);
    let figures = if ok {
        format!("\"ops\":{operations},\"seconds\":{seconds:.9},\"mops\":{:.6}", operations as f64 / seconds / 1e6)
    } else {
        "\"ops\":null,\"seconds\":null,\"mops\":null".into()
    };
    let known = turns.iter().all(|t| t.longest_ns >= 0);
    let longest = turns.iter().map(|t| t.longest_ns).max().unwrap_or(0);
    let rss = turns[0].rss;
    let memory = if ok && w.kind == Kind::Memory && rss[0] != 0 {
        let beyond = |at: u64| at as i64 - rss[0] as i64;
        format!(
            "\"rss_per_item\":{:.3},\"rss_drained\":{},\"rss_later\":{}",
            beyond(rss[1]) as f64 / w.items as f64,
            beyond(rss[2]),
            beyond(rss[3])
        )
    } else {
        "\"rss_per_item\":null,\"rss_drained\":null,\"rss_later\":null".into()
    };
    println!(
        "{{\"queue\":\"{}\",\"library\":\"crossbeam\",\"version\":\"{}\",\"workload\":\"{}\",\
         \"threads\":{},\"batch\":{},\"batch_kind\":{},\"capacity\":{},\"work_ns\":{},{figures},\
         \"longest_wait_ns\":{},{memory},\"hop_ns\":{},\"full\":{},\"empty\":{},\"status\":\"{status}\",\
         \"reason\":{}}}",
        Q::NAME,
        env!("CROSSBEAM_VERSION"),
        w.name,
        turns.len(),
        if batch { BATCH } else { 1 },
        if batch { "\"emulated\"" } else { "null" },
        if capacity { null() } else { w.capacity.to_string() },
        if w.work { "[50,150]" } else { "null" },
        if ok && turns[0].watch && known { longest.to_string() } else { null() },
        if hop_ticks == 0 { null() } else { format!("{:.1}", hop_ticks as f64 * ns_per_tick) },
        turns.iter().map(|t| t.full).sum::<u64>(),
        turns.iter().map(|t| t.empty).sum::<u64>(),
        if ok { null() } else { format!("\"{why}\"") },
    );
    if ok { 0 } else { 1 }
}

fn can(bounded: bool, w: &Workload) -> bool {
    !bounded || w.kind != Kind::Memory
}

fn list() {
    for (name, bounded) in [(Seg::NAME, Seg::BOUNDED), (Array::NAME, Array::BOUNDED)] {
        let names: Vec<String> = WORKLOADS
            .iter()
            .filter(|w| can(bounded, w))
            .map(|w| format!("\"{}\"", w.name))
            .collect();
        println!(
            "{{\"queue\":\"{name}\",\"library\":\"crossbeam\",\"version\":\"{}\",\"workloads\":[{}]}}",
            env!("CROSSBEAM_VERSION"),
            names.join(",")
        );
    }
}

fn usage() -> ! {
    eprintln!("usage: pinion-queues-rust --list | QUEUE WORKLOAD [--ms N] [--warm N] [--items N] [--later N] \
               (--list names what goes with what)");
    exit(2)
}

fn main() {
    let start = Start::now();
    let args: Vec<String> = std::env::args().skip(1).collect();
    if args.len() == 1 && args[0] == "--list" {
        return list();
    }
    if args.len() < 2 || args.len() % 2 != 0 {
        usage();
    }
    let (mut ms, mut warm, mut items, mut later) = (50u64, 10u64, 0u64, 300u64);
    for option in args[2..].chunks(2) {
        let Ok(value) = option[1].parse::<u64>() else { usage() };
        match option[0].as_str() {
            "--ms" => ms = value,
            "--warm" => warm = value,
            "--items" => items = value,
            "--later" => later = value,
            _ => usage(),
        }
    }
    let Some(mut w) = WORKLOADS.iter().find(|w| w.name == args[1]).copied() else { usage() };
    if w.items != 0 && items != 0 {
        w.items = items;
    }
    exit(match args[0].as_str() {
        "crossbeam_seg" => measure::<Seg>(&w, &start, [warm, ms, later]),
        "crossbeam_array" if can(true, &w) => measure::<Array>(&w, &start, [warm, ms, later]),
        _ => usage(),
    })
}
