// SPDX-License-Identifier: MIT
//! When throughput is back after a failure: judged by completed jobs in windows of 100 ms that end
//! at the failure's planned time and begin there again, never by how many workers were restarted.

use crate::params::Params;

const WINDOW_NS: u64 = 100_000_000;
/// Windows that the baseline is taken from, the last ones; fewer than the least give none.
const BEFORE_MAX: usize = 64;
const BEFORE_MIN: usize = 3;

#[derive(Default, Debug)]
pub struct Recovery {
    band: f64,
    windows: u64,
    next_ns: u64,
    from: (u64, u64),
    before: Vec<u64>,
    struck_ns: Option<u64>,
    pub baseline: Option<u64>,
    in_band: u64,
    since_ns: u64,
    pub recovery_ns: Option<u64>,
}

impl Recovery {
    pub fn new(params: &Params, t0_ns: u64) -> Recovery {
        Recovery {
            band: params.band_pct as f64 / 100.0,
            windows: params.band_windows,
            // So that a window ends at the failure; what is left over at the start is none.
            next_ns: t0_ns + params.fail_at_ms * 1_000_000 % WINDOW_NS,
            from: (t0_ns, 0),
            ..Recovery::default()
        }
    }

    /// The failure happens now; jobs: completed so far.
    pub fn strike(&mut self, now_ns: u64, jobs: u64) {
        self.look(now_ns, jobs);
        let keep = self.before.len().saturating_sub(BEFORE_MAX);
        let mut last = self.before.split_off(keep);
        last.sort_unstable();
        let n = last.len();
        if n >= BEFORE_MIN {
            let median = (last[(n - 1) / 2] + last[n / 2]) / 2;
            self.baseline = Some(median).filter(|&rate| rate > 0);
        }
        self.from = (now_ns, jobs);
        self.next_ns = now_ns + WINDOW_NS;
        self.struck_ns = Some(now_ns);
        self.since_ns = now_ns;
    }

    /// True: recovered, with this look.
    pub fn look(&mut self, now_ns: u64, jobs: u64) -> bool {
        if now_ns < self.next_ns || self.recovery_ns.is_some() {
            return false;
        }
        let (began, had) = std::mem::replace(&mut self.from, (now_ns, jobs));
        // A left-over at the start of less than half a window is none.
        let whole = self.next_ns - began + WINDOW_NS / 2 >= WINDOW_NS;
        let rate = (jobs - had) as f64 * 1e9 / (now_ns - began).max(1) as f64;
        while self.next_ns <= now_ns {
            self.next_ns += WINDOW_NS;
        }
        let Some(struck_ns) = self.struck_ns else {
            if whole {
                self.before.push(rate as u64);
            }
            return false;
        };
        let Some(baseline) = self.baseline else {
            return false;
        };
        if (rate - baseline as f64).abs() > self.band * baseline as f64 {
            self.in_band = 0;
            return false;
        }
        if self.in_band == 0 {
            self.since_ns = began;
        }
        self.in_band += 1;
        if self.in_band >= self.windows {
            self.recovery_ns = Some(self.since_ns - struck_ns);
        }
        self.recovery_ns.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Jobs per window, the failure after `fail_at_ms`; what recovery says in the end.
    fn after(fail_at_ms: u64, windows: &[u64]) -> (Option<u64>, Option<u64>) {
        let params = Params {
            fail_at_ms,
            band_windows: 2,
            ..Params::default()
        };
        let mut r = Recovery::new(&params, 0);
        let (mut jobs, mut struck) = (0, false);
        for (k, n) in windows.iter().enumerate() {
            let now = (k as u64 + 1) * WINDOW_NS;
            jobs += n;
            if !struck && now >= fail_at_ms * 1_000_000 {
                struck = true;
                r.strike(now, jobs);
            } else {
                r.look(now, jobs);
            }
        }
        (r.baseline, r.recovery_ns)
    }

    #[test]
    fn back_in_band_after_two_windows_below() {
        let (baseline, ns) = after(400, &[100, 100, 100, 100, 10, 50, 99, 101, 100]);
        assert_eq!(baseline, Some(1000));
        assert_eq!(ns, Some(2 * WINDOW_NS));
    }

    #[test]
    fn never_left_never_back_and_no_baseline() {
        assert_eq!(after(400, &[100; 8]).1, Some(0));
        assert_eq!(after(400, &[100, 100, 100, 100, 50, 50, 50]).1, None);
        assert_eq!(after(200, &[100; 8]), (None, None));
    }
}
