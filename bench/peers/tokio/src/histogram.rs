// SPDX-License-Identifier: MIT
//! Log-linear histogram of nanoseconds: each power of two is cut into 128 equal buckets. Index:
//! v < 256 -> v; else e = 63 - clz(v), ((e - 7) << 7) + (v >> (e - 7)). The same in every runtime.

pub const BITS: u32 = 7;
const LINEAR: u64 = 1 << (BITS + 1);
pub const BUCKETS: usize = (42 - 7 + 2) << 7;

pub struct Histogram {
    count: Vec<u64>,
    pub n: u64,
    pub max: u64,
}

pub fn index_of(v: u64) -> usize {
    if v < LINEAR {
        return v as usize;
    }
    let e = 63 - v.leading_zeros();
    let index = (u64::from(e - BITS) << BITS) + (v >> (e - BITS));
    (index as usize).min(BUCKETS - 1)
}

/// Smallest value of a bucket.
pub fn floor(index: usize) -> u64 {
    let index = index as u64;
    if index < LINEAR {
        return index;
    }
    let e = (index >> BITS) - 1;
    ((index & ((1 << BITS) - 1)) | (1 << BITS)) << e
}

impl Histogram {
    pub fn new() -> Self {
        Histogram {
            count: vec![0; BUCKETS],
            n: 0,
            max: 0,
        }
    }

    pub fn add(&mut self, value: u64) {
        self.count[index_of(value)] += 1;
        self.n += 1;
        self.max = self.max.max(value);
    }

    pub fn merge(&mut self, other: &Histogram) {
        for (into, from) in self.count.iter_mut().zip(&other.count) {
            *into += from;
        }
        self.n += other.n;
        self.max = self.max.max(other.max);
    }

    /// `sorted[floor((n - 1) q)]`, to a bucket's middle; None without a value.
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let rank = (self.n.checked_sub(1)? as f64 * q) as u64;
        let mut seen = 0;
        for (i, count) in self.count.iter().enumerate() {
            seen += count;
            if seen > rank {
                let lo = floor(i);
                return Some((lo + (floor(i + 1) - lo) / 2).min(self.max));
            }
        }
        Some(self.max)
    }

    /// `[index, count]` of the buckets that hold something.
    pub fn filled(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        let all = self.count.iter().copied().enumerate();
        all.filter(|&(_, count)| count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_join_without_gap() {
        for i in 0..BUCKETS - 1 {
            assert_eq!(index_of(floor(i)), i);
            assert_eq!(index_of(floor(i + 1) - 1), i);
        }
        assert_eq!(index_of(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_of_a_known_list() {
        let mut h = Histogram::new();
        assert_eq!(h.quantile(0.5), None);
        for v in 0..=200 {
            h.add(v);
        }
        assert_eq!(h.quantile(0.5), Some(100));
        assert_eq!(h.quantile(0.99), Some(198));
        h.add(1_000_000);
        let q = h.quantile(1.0).unwrap_or(0) as f64;
        assert!((q - 1e6).abs() / 1e6 < 0.008);
    }
}
