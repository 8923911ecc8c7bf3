// SPDX-License-Identifier: MIT
//! The workload's counter-based generator: a job is made again from (producer, i) alone.

/// Which draw a number belongs to: `mix(key + n)`.
#[derive(Clone, Copy)]
pub enum Draw {
    Sleep = 1,
    Crash = 2,
    Units = 3,
    SleepUs = 4,
    Block = 5,
    Payload = 6,
    Greedy = 7,
    Arrival = 8,
    Key = 9,
    Actor = 10,
}

#[inline(always)]
pub fn round(x: u32) -> u32 {
    (x ^ (x >> 15))
        .wrapping_mul(0x0254_5F49)
        .wrapping_add(0x9E37_79B9)
}

#[inline(always)]
pub fn mix(x: u32) -> u32 {
    let y = round(round(round(round(x))));
    y ^ (y >> 16)
}

pub fn base(seed: u32, producer: u32) -> u32 {
    mix(seed.wrapping_add(producer.wrapping_mul(0x0063_2BE5)))
}

/// The key of a producer's job i; i counts from 0, below 2^27.
#[inline(always)]
pub fn key(base: u32, i: u32) -> u32 {
    mix(base.wrapping_add(i.wrapping_mul(0x1F12_3BB5)))
}

#[inline(always)]
pub fn draw(key: u32, n: Draw) -> u32 {
    mix(key.wrapping_add(n as u32))
}

#[inline(always)]
pub fn hit(key: u32, n: Draw, ppm: u32) -> bool {
    draw(key, n) % 1_000_000 < ppm
}

#[inline(always)]
pub fn pick(key: u32, n: Draw, lo: u32, hi: u32) -> u32 {
    lo + draw(key, n) % (hi - lo + 1)
}

/// The compute step: a dependent chain, so it neither vectorises nor folds.
#[inline]
pub fn compute(mut x: u32, units: u32) -> u32 {
    for _ in 0..units {
        x = round(x);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The checksum of a workload without payload, by a plain loop.
    fn checksum(seed: u32, producers: u32, jobs: u32, units: u32) -> u64 {
        (0..producers)
            .flat_map(|p| {
                let n = jobs / producers + u32::from(p < jobs % producers);
                (0..n).map(move |i| key(base(seed, p), i))
            })
            .map(|x| u64::from(compute(x, units)))
            .sum()
    }

    #[test]
    fn first_check_value() {
        assert_eq!(checksum(42, 4, 20000, 100), 0x0000_2705_0ac4_2ebd);
    }

    #[test]
    fn draws_stay_in_range() {
        for i in 0..10000 {
            let k = key(base(7, 3), i);
            assert!((5..=9).contains(&pick(k, Draw::Units, 5, 9)));
            assert!(!hit(k, Draw::Crash, 0));
            assert!(hit(k, Draw::Crash, 1_000_000));
        }
    }
}
