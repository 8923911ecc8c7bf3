// SPDX-License-Identifier: MIT
//! Ticks, and work of a known length: as in loop/slot.h.

use std::arch::asm;
use std::time::Instant;

#[inline(always)]
pub fn ticks() -> u64 {
    #[cfg(target_arch = "x86_64")]
    unsafe {
        core::arch::x86_64::_rdtsc()
    }
    #[cfg(target_arch = "aarch64")]
    unsafe {
        let t: u64;
        asm!("mrs {}, cntvct_el0", out(reg) t);
        t
    }
}

/// Each step is done, one after another.
#[inline(always)]
fn work_step(mut x: u64) -> u64 {
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    unsafe { asm!("/* {0} */", inout(reg) x, options(nomem, nostack, preserves_flags)) };
    x
}

#[inline(always)]
pub fn work(random: &mut u64, steps_per_ns: f64) {
    let ns = 50 + (*random >> 33) % 101;
    let mut n = (ns as f64 * steps_per_ns) as i64;
    while n > 0 {
        *random = work_step(*random);
        n -= 1;
    }
    *random = work_step(*random);
}

pub struct Start {
    at: Instant,
    ticks: u64,
}

impl Start {
    pub fn now() -> Start {
        Start { at: Instant::now(), ticks: ticks() }
    }

    pub fn ns_per_tick(&self) -> f64 {
        self.at.elapsed().as_nanos() as f64 / (ticks() - self.ticks) as f64
    }

    /// Nanoseconds per tick and work steps per nanosecond, the least over `enough_ns` of chains.
    pub fn calibrate(&self, enough_ns: u128) -> (f64, f64) {
        const STEPS: u64 = 5000;
        let mut x: u64 = 88172645463325252;
        let mut least = u64::MAX;
        while self.at.elapsed().as_nanos() < enough_ns {
            let from = ticks();
            for _ in 0..STEPS {
                x = work_step(x);
            }
            least = least.min(ticks() - from);
        }
        let tick = self.ns_per_tick();
        (tick, STEPS as f64 / (least as f64 * tick))
    }
}
