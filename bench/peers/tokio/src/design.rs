// SPDX-License-Identifier: MIT
//! The design string: `tokio[:MODE][+key=value]...`, and which parameters a mode cannot have.

use crate::params::{Params, Pattern, ProducersAs};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Naive,
    Tuned,
    Shared,
    Spawn,
    Literal,
}

pub const MODES: &[(&str, Mode)] = &[
    ("naive", Mode::Naive),
    ("tuned", Mode::Tuned),
    ("shared", Mode::Shared),
    ("spawn", Mode::Spawn),
    ("literal", Mode::Literal),
];

/// How a crash becomes known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Restart {
    /// `catch_unwind` around the worker, in its own task.
    Catch,
    /// A parent awaits the worker's JoinHandle.
    Join,
    /// As `join`, and a watchdog aborts a worker whose heart stands still.
    Watchdog,
}

/// How a producer's task waits for its next job's time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pace {
    /// A thread of its own wakes it.
    Thread,
    /// Tokio's timer, in ticks of 1 ms.
    Timer,
}

#[derive(Clone, Debug)]
pub struct Design {
    /// As given: the `runtime` of every event.
    pub name: String,
    pub mode: Mode,
    pub restart: Restart,
    pub pace: Pace,
    /// Channel messages that a worker takes in one turn, at most.
    pub turn: usize,
    /// Jobs that a producer gives one worker before it turns to the next.
    pub run: usize,
}

impl Restart {
    pub fn word(self) -> &'static str {
        match self {
            Restart::Catch => "catch",
            Restart::Join => "join",
            Restart::Watchdog => "watchdog",
        }
    }
}

impl Pace {
    pub fn word(self) -> &'static str {
        match self {
            Pace::Thread => "thread",
            Pace::Timer => "timer",
        }
    }
}

impl Design {
    pub fn parse(text: &str) -> Result<Design, String> {
        let mut parts = text.split('+');
        let head = parts.next().unwrap_or("");
        let mode = match head.split_once(':') {
            None if head == "tokio" => Mode::Tuned,
            Some(("tokio", word)) => {
                let found = MODES.iter().find(|(w, _)| *w == word);
                let all: Vec<&str> = MODES.iter().map(|(w, _)| *w).collect();
                found.map(|(_, m)| *m).ok_or_else(|| {
                    format!("--design {text}: no mode '{word}', but {}", all.join(", "))
                })?
            }
            _ => return Err(format!("--design {text}: this program runs tokio[:MODE]")),
        };
        let mut design = Design {
            name: text.to_string(),
            mode,
            restart: Restart::Join,
            pace: Pace::Thread,
            turn: 32,
            run: 32,
        };
        for part in parts {
            design.switch(text, part)?;
        }
        Ok(design)
    }

    fn switch(&mut self, text: &str, part: &str) -> Result<(), String> {
        let (key, value) = part.split_once('=').unwrap_or((part, ""));
        match (key, value) {
            ("restart", "catch") => self.restart = Restart::Catch,
            ("restart", "join") => self.restart = Restart::Join,
            ("restart", "watchdog") => self.restart = Restart::Watchdog,
            ("pace", "thread") => self.pace = Pace::Thread,
            ("pace", "timer") => self.pace = Pace::Timer,
            ("turn", n) => self.turn = small(text, part, n)?,
            ("run", n) => self.run = small(text, part, n)?,
            _ => {
                return Err(format!(
                    "--design {text}: no switch '{part}', but restart=catch|join|watchdog, \
                     pace=thread|timer, turn=1..1024, run=1..1024"
                ))
            }
        }
        Ok(())
    }

    /// A long computation lets others run in between: what a newcomer does not know.
    pub fn slices(&self) -> bool {
        matches!(self.mode, Mode::Tuned | Mode::Shared | Mode::Spawn)
    }

    /// What this mode cannot be asked for.
    pub fn check(&self, p: &Params) -> Result<(), String> {
        let refuse = |what: &str, why: &str| Err(format!("{}: {what}: {why}", self.name));
        let naive = matches!(self.mode, Mode::Naive | Mode::Literal);
        if self.restart != Restart::Join && self.mode == Mode::Spawn {
            return refuse("restart", "a task per job is only ever joined");
        }
        if self.restart == Restart::Watchdog && naive {
            return refuse("restart=watchdog", "the naive modes have no heartbeat");
        }
        if p.fail_at_ms > 0 && self.mode == Mode::Spawn {
            return refuse("fail_at_ms", "a task per job has no worker to lose");
        }
        if p.keys > 0 && matches!(self.mode, Mode::Shared | Mode::Spawn) {
            return refuse(
                "keys",
                "only a mailbox per worker keeps a key's order: tokio:tuned",
            );
        }
        if self.mode == Mode::Spawn && p.producers_as == ProducersAs::Thread {
            return refuse("producers_as=thread", "a thread owns no tasks");
        }
        self.check_pattern(p, naive)
    }

    fn check_pattern(&self, p: &Params, naive: bool) -> Result<(), String> {
        let word = p.pattern.word();
        let actors = match p.pattern {
            Pattern::None => return Ok(()),
            Pattern::PingPong => 2 * p.producers,
            Pattern::Big => p.producers,
        };
        if naive {
            return Err(format!(
                "{}: pattern={word}: a crash would end the chains that it loses",
                self.name
            ));
        }
        let threads = p.producers_as == ProducersAs::Thread;
        if p.keys > 0 || p.rate > 0 || p.drop > 0 || p.batch > 1 || threads {
            return Err(format!(
                "pattern={word} has no producers: keys, rate, drop, batch and producers_as do not \
                 apply"
            ));
        }
        if self.mode == Mode::Tuned && p.workers < actors {
            return Err(format!(
                "pattern={word} with producers={} needs workers={actors} or more",
                p.producers
            ));
        }
        Ok(())
    }
}

fn small(text: &str, part: &str, value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(n @ 1..=1024) => Ok(n),
        _ => Err(format!(
            "--design {text}: {part}: not a number from 1 to 1024"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(design: &str, assignments: &[&str]) -> bool {
        let Ok(design) = Design::parse(design) else {
            return true;
        };
        let mut p = Params::default();
        for a in assignments {
            p.set(a).expect("a parameter of the schema");
        }
        design.check(&p).is_err()
    }

    #[test]
    fn names_and_switches() {
        let d = Design::parse("tokio").expect("the default");
        assert_eq!((d.mode, d.restart), (Mode::Tuned, Restart::Join));
        let d = Design::parse("tokio:shared+restart=catch+turn=4").expect("a mode");
        assert_eq!(
            (d.mode, d.restart, d.turn),
            (Mode::Shared, Restart::Catch, 4)
        );
        for bad in [
            "",
            "beam",
            "tokio:fast",
            "tokio+x",
            "tokio+turn=0",
            "tokio+restart=no",
        ] {
            assert!(Design::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_mode_cannot_do() {
        assert!(!refused("tokio:tuned", &["keys=4", "state=64"]));
        assert!(refused("tokio:shared", &["keys=4"]));
        assert!(refused("tokio:spawn+restart=catch", &[]));
        assert!(refused("tokio:naive+restart=watchdog", &[]));
        assert!(refused("tokio:naive", &["pattern=big"]));
        assert!(refused("tokio:tuned", &["pattern=pingpong"]));
        assert!(!refused("tokio:tuned", &["pattern=pingpong", "workers=8"]));
        assert!(!refused("tokio:shared", &["pattern=pingpong"]));
        assert!(refused("tokio:tuned", &["pattern=big", "rate=5"]));
    }
}
