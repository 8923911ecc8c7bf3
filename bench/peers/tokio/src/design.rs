// SPDX-License-Identifier: MIT
//! The design string: `tokio[:MODE][+key=value]...`.

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

#[derive(Clone, Debug)]
pub struct Design {
    /// As given: the `runtime` of every event.
    pub name: String,
    pub mode: Mode,
    pub restart: Restart,
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
            ("turn", n) => self.turn = small(text, part, n)?,
            ("run", n) => self.run = small(text, part, n)?,
            _ => {
                return Err(format!(
                    "--design {text}: no switch '{part}', but restart=catch|join|watchdog, \
                     turn=1..1024, run=1..1024"
                ))
            }
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
