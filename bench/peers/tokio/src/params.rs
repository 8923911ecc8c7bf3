// SPDX-License-Identifier: MIT
//! The workload's parameters, schema 1: key=value, the same for every runtime.

const JOBS_PER_PRODUCER_MAX: u64 = 1 << 27;
const PPM: u64 = 1_000_000;
const ANY: u64 = u32::MAX as u64;

macro_rules! words {
    ($name:ident { $($variant:ident = $word:literal),+ }) => {
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum $name { $($variant),+ }
        impl $name {
            const ALL: &'static [(&'static str, $name)] = &[$(($word, $name::$variant)),+];
            #[allow(dead_code)] // not every one is printed
            pub fn word(self) -> &'static str {
                Self::ALL.iter().find(|(_, v)| *v == self).map_or("", |(w, _)| w)
            }
            pub fn parse(key: &str, word: &str) -> Result<Self, String> {
                let found = Self::ALL.iter().find(|(w, _)| *w == word);
                found.map(|(_, v)| *v).ok_or_else(|| {
                    let all: Vec<&str> = Self::ALL.iter().map(|(w, _)| *w).collect();
                    format!("{key}={word}: not one of {}", all.join(", "))
                })
            }
        }
    };
}

words!(ProducersAs { Task = "task", Thread = "thread" });
words!(Arrival { Fixed = "fixed", Poisson = "poisson" });
words!(Supervise { Tree = "tree", Loop = "loop" });
words!(FailKind {
    One = "one", Node = "node", All = "all", Init = "init", Supervisor = "supervisor", Hang = "hang"
});
words!(Offload { None = "none", Block = "block", Cpu = "cpu" });
words!(Collector { Sharded = "sharded", Shared = "shared" });
words!(Pattern { None = "none", PingPong = "pingpong", Big = "big" });
// Tokio allocates with malloc and places nothing: `local` is what the others mean by default.
words!(Mem { Local = "local", Malloc = "malloc" });

#[derive(Clone, Debug)]
pub struct Params {
    pub seed: u64,
    pub producers: u64,
    pub workers: u64,
    pub queue: u64,
    /// None: the design's own bound, which knows no bytes. Some(0): none.
    pub queue_bytes: Option<u64>,
    pub drop: u64,
    pub jobs: u64,
    pub warm: u64,
    pub rate: u64,
    pub wlo: u64,
    pub whi: u64,
    pub payload: u64,
    pub sleep_ppm: u64,
    pub slo: u64,
    pub shi: u64,
    pub crash_ppm: u64,
    pub block_ppm: u64,
    pub block_us: u64,
    pub greedy_ppm: u64,
    pub greedy_units: u64,
    pub offload: Offload,
    pub producers_as: ProducersAs,
    pub restarts_max: u64,
    pub restarts_period_ms: u64,
    pub supervise: Supervise,
    pub fail_at_ms: u64,
    pub fail_kind: FailKind,
    pub band_pct: u64,
    pub band_windows: u64,
    pub alloc: u64,
    pub batch: u64,
    pub arrival: Arrival,
    pub keys: u64,
    pub state: u64,
    pub mem: Mem,
    pub cores: u64,
    pub log: u64,
    pub collector: Collector,
    pub pattern: Pattern,
}

impl Default for Params {
    fn default() -> Self {
        Params {
            seed: 42,
            producers: 4,
            workers: 4,
            queue: 1024,
            queue_bytes: None,
            drop: 0,
            jobs: 100_000,
            warm: 20_000,
            rate: 0,
            wlo: 100,
            whi: 100,
            payload: 0,
            sleep_ppm: 0,
            slo: 1000,
            shi: 1000,
            crash_ppm: 0,
            block_ppm: 0,
            block_us: 0,
            greedy_ppm: 0,
            greedy_units: 0,
            offload: Offload::None,
            producers_as: ProducersAs::Task,
            restarts_max: 10_000_000,
            restarts_period_ms: 1000,
            supervise: Supervise::Tree,
            fail_at_ms: 0,
            fail_kind: FailKind::One,
            band_pct: 5,
            band_windows: 5,
            alloc: 0,
            batch: 1,
            arrival: Arrival::Fixed,
            keys: 0,
            state: 0,
            mem: Mem::Local,
            cores: 0,
            log: 0,
            collector: Collector::Sharded,
            pattern: Pattern::None,
        }
    }
}

fn number(key: &str, value: &str, min: u64, max: u64) -> Result<u64, String> {
    if value.is_empty() || !value.bytes().all(|c| c.is_ascii_digit()) {
        return Err(format!("{key}={value}: not a whole number from 0 on"));
    }
    match value.parse::<u64>() {
        Ok(n) if n >= min && n <= max => Ok(n),
        _ => Err(format!("{key}={value}: out of range {min} to {max}")),
    }
}

impl Params {
    /// Take one "key=value" in.
    pub fn set(&mut self, assignment: &str) -> Result<(), String> {
        let (key, value) = match assignment.split_once('=') {
            Some((key, value)) if !key.is_empty() => (key, value),
            _ => return Err(format!("'{assignment}': not key=value")),
        };
        if self.set_word(key, value)? {
            return Ok(());
        }
        match key {
            "units" => {
                self.wlo = number(key, value, 0, ANY - 1)?;
                self.whi = self.wlo;
            }
            "queue_bytes" if value == "auto" => self.queue_bytes = None,
            "queue_bytes" => self.queue_bytes = Some(number(key, value, 0, 1 << 50)?),
            _ => match self.field(key) {
                Some((field, min, max)) => *field = number(key, value, min, max)?,
                None => return Err(format!("no parameter '{key}'")),
            },
        }
        Ok(())
    }

    fn set_word(&mut self, key: &str, value: &str) -> Result<bool, String> {
        match key {
            "producers_as" => self.producers_as = ProducersAs::parse(key, value)?,
            "arrival" => self.arrival = Arrival::parse(key, value)?,
            "supervise" => self.supervise = Supervise::parse(key, value)?,
            "fail_kind" => self.fail_kind = FailKind::parse(key, value)?,
            "offload" => self.offload = Offload::parse(key, value)?,
            "collector" => self.collector = Collector::parse(key, value)?,
            "pattern" => self.pattern = Pattern::parse(key, value)?,
            "mem" => self.mem = Mem::parse(key, value)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn field(&mut self, key: &str) -> Option<(&mut u64, u64, u64)> {
        Some(match key {
            "seed" => (&mut self.seed, 0, u64::MAX),
            "producers" => (&mut self.producers, 1, 65536),
            "workers" => (&mut self.workers, 1, 10_000_000),
            "queue" => (&mut self.queue, 1, 1 << 40),
            "drop" => (&mut self.drop, 0, 1),
            "jobs" => (&mut self.jobs, 1, 1 << 43),
            "warm" => (&mut self.warm, 0, 1 << 43),
            "rate" => (&mut self.rate, 0, 1_000_000_000),
            "wlo" => (&mut self.wlo, 0, ANY - 1),
            "whi" => (&mut self.whi, 0, ANY - 1),
            "payload" => (&mut self.payload, 0, 1 << 30),
            "sleep_ppm" => (&mut self.sleep_ppm, 0, PPM),
            "slo" => (&mut self.slo, 0, ANY - 1),
            "shi" => (&mut self.shi, 0, ANY - 1),
            "crash_ppm" => (&mut self.crash_ppm, 0, PPM),
            "block_ppm" => (&mut self.block_ppm, 0, PPM),
            "block_us" => (&mut self.block_us, 0, 60_000_000),
            "greedy_ppm" => (&mut self.greedy_ppm, 0, PPM),
            "greedy_units" => (&mut self.greedy_units, 0, ANY),
            "restarts_max" => (&mut self.restarts_max, 0, ANY),
            "restarts_period_ms" => (&mut self.restarts_period_ms, 1, 86_400_000),
            "fail_at_ms" => (&mut self.fail_at_ms, 0, 86_400_000),
            "band_pct" => (&mut self.band_pct, 1, 100),
            "band_windows" => (&mut self.band_windows, 1, 1000),
            "alloc" => (&mut self.alloc, 0, 1 << 30),
            "batch" => (&mut self.batch, 1, 32),
            "keys" => (&mut self.keys, 0, ANY - 1),
            "state" => (&mut self.state, 0, 1 << 30),
            "cores" => (&mut self.cores, 0, 65536),
            "log" => (&mut self.log, 0, 1),
            _ => return None,
        })
    }

    /// What only holds between parameters.
    pub fn check(&self) -> Result<(), String> {
        let p = self;
        if p.payload % 4 != 0 || (p.payload > 4096 && p.payload % 4096 != 0) {
            return Err(format!(
                "payload={}: a multiple of 4, over 4096 of 4096",
                p.payload
            ));
        }
        if p.wlo > p.whi {
            return Err(format!("wlo={} is above whi={}", p.wlo, p.whi));
        }
        if p.slo > p.shi {
            return Err(format!("slo={} is above shi={}", p.slo, p.shi));
        }
        let most = p.producers * JOBS_PER_PRODUCER_MAX;
        if p.jobs > most || p.warm > most {
            let (jobs, n) = (p.jobs.max(p.warm), p.producers);
            return Err(format!("jobs={jobs}: {n} producers make at most {most}"));
        }
        if p.arrival == Arrival::Poisson && p.rate == 0 {
            return Err("arrival=poisson needs rate=".into());
        }
        if p.fail_kind != FailKind::One && p.fail_at_ms == 0 {
            return Err(format!(
                "fail_kind={} needs fail_at_ms=",
                p.fail_kind.word()
            ));
        }
        if p.fail_kind == FailKind::Supervisor && p.supervise == Supervise::Loop {
            return Err("fail_kind=supervisor needs supervise=tree: a loop has none".into());
        }
        Ok(())
    }

    /// Jobs that producer p makes.
    pub fn jobs_of(&self, jobs: u64, p: u64) -> u64 {
        jobs / self.producers + u64::from(p < jobs % self.producers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(assignments: &[&str]) -> bool {
        let mut p = Params::default();
        assignments.iter().any(|a| p.set(a).is_err()) || p.check().is_err()
    }

    #[test]
    fn takes_what_the_schema_has() {
        let mut p = Params::default();
        for a in [
            "units=7",
            "payload=4096",
            "fail_kind=all",
            "fail_at_ms=5",
            "queue_bytes=auto",
        ] {
            assert_eq!(p.set(a), Ok(()), "{a}");
        }
        assert_eq!((p.wlo, p.whi), (7, 7));
        assert_eq!(p.check(), Ok(()));
    }

    #[test]
    fn refuses_what_it_has_not() {
        for bad in [
            "jobs",
            "=1",
            "jobs=",
            "jobs=-1",
            "jobs=1x",
            "jobs=0",
            "queue=0",
            "payload=3",
            "payload=4100",
            "wlo=200",
            "arrival=poisson",
            "fail_kind=all",
            "mem=remote",
            "batch=33",
            "nothing=1",
            "jobs=536870913",
            "offload=yes",
        ] {
            assert!(refused(&[bad]), "{bad}");
        }
        assert!(refused(&[
            "fail_at_ms=1",
            "fail_kind=supervisor",
            "supervise=loop"
        ]));
    }

    #[test]
    fn jobs_are_dealt_out_whole() {
        let p = Params {
            producers: 7,
            ..Params::default()
        };
        assert_eq!((0..7).map(|k| p.jobs_of(100, k)).sum::<u64>(), 100);
    }
}
