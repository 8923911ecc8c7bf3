// SPDX-License-Identifier: MIT
//! What the kernel says: affinity, resident memory, run-queue delay. As in loop/slot.c.

use crate::clock::ticks;
use crate::loops::{Bed, Turn};
use std::fs::File;
use std::os::unix::fs::FileExt;

pub fn allowed_cpus() -> Vec<usize> {
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        if libc::sched_getaffinity(0, std::mem::size_of_val(&set), &mut set) != 0 {
            return Vec::new();
        }
        (0..libc::CPU_SETSIZE as usize).filter(|cpu| libc::CPU_ISSET(*cpu, &set)).collect()
    }
}

pub fn pin_to(cpu: usize) {
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpu, &mut set);
        libc::sched_setaffinity(0, std::mem::size_of_val(&set), &set);
    }
}

/// 0: not known here.
pub fn rss() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with("Rss:")).unwrap_or("");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

pub struct RunDelay {
    file: Option<File>,
    before: u64,
}

impl RunDelay {
    pub fn open(watch: bool) -> RunDelay {
        let file = if watch { File::open("/proc/thread-self/schedstat").ok() } else { None };
        let mut delay = RunDelay { file, before: 0 };
        delay.before = delay.read().unwrap_or(0);
        delay
    }

    fn read(&self) -> Option<u64> {
        let mut text = [0u8; 96];
        let n = self.file.as_ref()?.read_at(&mut text, 0).ok()?;
        std::str::from_utf8(&text[..n]).ok()?.split_whitespace().nth(1)?.parse().ok()
    }

    /// Gaps above 100 us come here so that each one's run delay is its own.
    #[inline(never)]
    pub fn note_gap(&mut self, t: &mut Turn, bed: &Bed, gap_ticks: u64) {
        let mut gap = (gap_ticks as f64 * bed.ns_per_tick) as i64;
        let Some(delay) = self.read() else {
            t.longest_ns = -1;
            return;
        };
        if gap > 1_000_000 {
            gap -= (delay - self.before) as i64;
        }
        self.before = delay;
        if t.longest_ns >= 0 && gap > t.longest_ns && ticks() >= t.begin {
            t.longest_ns = gap;
        }
    }
}
