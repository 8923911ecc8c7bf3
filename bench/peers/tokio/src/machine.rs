// SPDX-License-Identifier: MIT
//! What the operating system says of this process.

use rustix::time::{clock_gettime, ClockId};

/// CPUs of the affinity mask.
pub fn cpus() -> usize {
    let set = rustix::thread::sched_getaffinity(None);
    set.map_or(1, |set| set.count() as usize).max(1)
}

pub fn process_cpu_ns() -> u64 {
    let ts = clock_gettime(ClockId::ProcessCPUTime);
    ts.tv_sec as u64 * 1_000_000_000 + ts.tv_nsec as u64
}

/// "VmRSS:", "VmHWM:".
pub fn status_kb(label: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(label))?;
    line[label.len()..].trim().split(' ').next()?.parse().ok()
}
