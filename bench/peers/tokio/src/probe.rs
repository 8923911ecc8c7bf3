// SPDX-License-Identifier: MIT
//! Single steps timed alone: what a unit costs here, and what the harness's own filling and
//! touching adds. The least of several rounds: what disturbs only adds.

use crate::design::{Design, MODES};
use crate::events::say;
use crate::generator::compute;
use crate::job::{fill, read, scratch};
use crate::json::Line;
use crate::machine;
use crate::params::Params;
use crate::summary;
use std::hint::black_box;
use std::time::Instant;

const ROUNDS: u32 = 9;
const UNITS: u32 = 1 << 22;
/// Of so many calls each, so that a block is as warm as in a run.
const CALLS: u32 = 200;

fn least(mut once: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let from = Instant::now();
        once();
        best = best.min(from.elapsed().as_nanos() as f64);
    }
    best
}

pub fn about() {
    let modes: Vec<String> = MODES.iter().map(|(w, _)| format!("\"{w}\"")).collect();
    let design = Design::parse("tokio").expect("the default");
    let line = Line::event("about")
        .text("runtime", "tokio")
        .raw("modes", &format!("[{}]", modes.join(",")))
        .raw("versions", summary::VERSIONS)
        .text("flags", summary::flags(&design, machine::cpus()).as_str());
    say(&line.end());
}

pub fn unit() {
    let mut x = 1;
    let ns = least(|| x = compute(black_box(x), black_box(UNITS)));
    black_box(x);
    let line = Line::event("unit")
        .text("runtime", "tokio")
        .float("ns_per_unit", ns / f64::from(UNITS))
        .number("rounds", u64::from(ROUNDS));
    say(&line.end());
}

pub fn touch(args: &[String]) -> Result<(), String> {
    let mut p = Params::default();
    for arg in args {
        p.set(arg)?;
    }
    p.check()?;
    let per_call = |ns: f64| ns / f64::from(CALLS);
    let mut line = Line::event("touch")
        .text("runtime", "tokio")
        .number("payload", p.payload);
    if p.payload > 0 {
        let made = fill(p.payload, 7);
        let fills = least(|| (0..CALLS).for_each(|k| drop(black_box(fill(p.payload, k)))));
        let reads = least(|| {
            for _ in 0..CALLS {
                black_box(read(black_box(&made)));
            }
        });
        line = line
            .float("fill_ns", per_call(fills))
            .float("read_ns", per_call(reads));
    } else {
        line = line.number("fill_ns", None).number("read_ns", None);
    }
    line = line.number("alloc", p.alloc);
    if p.alloc > 0 {
        let ns = least(|| (0..CALLS).for_each(|_| scratch(p.alloc)));
        line = line.float("alloc_ns", per_call(ns));
    } else {
        line = line.number("alloc_ns", None);
    }
    say(&line.end());
    Ok(())
}
