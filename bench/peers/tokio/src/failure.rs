// SPDX-License-Identifier: MIT
//! The one injected failure (fail_at_ms, fail_kind): who dies, when it was noticed, when the
//! successors were up.
//!
//! A worker dies where Tokio can end a task: at its job's crash point, or where it awaits. `one`,
//! `init` and `hang` take the next worker at a crash point, `node` and `all` every worker
//! (Tokio's tasks have no node), `supervisor` the supervisor, and its workers with it.

use crate::params::{FailKind, Params};
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

/// The successor of `init` fails so often in its start, tried again after 1, 2, 4 ... ms.
const START_FAILURES: u64 = 6;

pub enum Fate {
    Live,
    Die,
    Hang,
}

pub struct Failure {
    pub kind: FailKind,
    workers: u64,
    wanted: AtomicBool,
    kill: Notify,
    kill_supervisor: Notify,
    struck_ns: AtomicU64,
    victims: AtomicU64,
    noticed: AtomicU64,
    noticed_ns: AtomicU64,
    up: AtomicU64,
    up_ns: AtomicU64,
    starts: AtomicU64,
}

impl Failure {
    pub fn new(params: &Params) -> Failure {
        Failure {
            kind: params.fail_kind,
            workers: params.workers,
            wanted: AtomicBool::new(false),
            kill: Notify::new(),
            kill_supervisor: Notify::new(),
            struck_ns: AtomicU64::new(0),
            victims: AtomicU64::new(0),
            noticed: AtomicU64::new(0),
            noticed_ns: AtomicU64::new(0),
            up: AtomicU64::new(0),
            up_ns: AtomicU64::new(0),
            starts: AtomicU64::new(0),
        }
    }

    /// It happens now.
    pub fn strike(&self, now_ns: u64) {
        self.struck_ns.store(now_ns, Ordering::SeqCst);
        let all = matches!(
            self.kind,
            FailKind::Node | FailKind::All | FailKind::Supervisor
        );
        let victims = if all { self.workers } else { 1 };
        self.victims.store(victims, Ordering::SeqCst);
        match self.kind {
            FailKind::One | FailKind::Init | FailKind::Hang => {
                self.wanted.store(true, Ordering::SeqCst);
            }
            FailKind::Node | FailKind::All => self.kill.notify_waiters(),
            FailKind::Supervisor => self.kill_supervisor.notify_one(),
        }
    }

    pub fn struck(&self) -> bool {
        self.struck_ns.load(Ordering::SeqCst) != 0
    }

    /// Ready at the strike that kills every worker that is alive then.
    pub fn killed(&self) -> impl Future<Output = ()> + '_ {
        self.kill.notified()
    }

    pub fn supervisor_killed(&self) -> impl Future<Output = ()> + '_ {
        self.kill_supervisor.notified()
    }

    #[inline]
    pub fn at_crash_point(&self) -> Fate {
        let wanted = self.wanted.load(Ordering::Acquire);
        if !wanted || !self.wanted.swap(false, Ordering::AcqRel) {
            return Fate::Live;
        }
        if self.kind == FailKind::Hang {
            Fate::Hang
        } else {
            Fate::Die
        }
    }

    /// Whoever restarts has found a victim gone.
    pub fn noticed(&self, now_ns: u64) {
        self.noticed_ns.fetch_max(now_ns, Ordering::SeqCst);
        self.noticed.fetch_add(1, Ordering::SeqCst);
    }

    /// A victim's successor begins: how long it waits first, and whether it fails again. None: it
    /// is up at once.
    pub fn next_start(&self) -> Option<(Duration, bool)> {
        (self.kind == FailKind::Init).then(|| {
            let n = self
                .starts
                .fetch_add(1, Ordering::SeqCst)
                .min(START_FAILURES);
            (Duration::from_millis(1 << n), n < START_FAILURES)
        })
    }

    pub fn is_up(&self, now_ns: u64) {
        self.up_ns.fetch_max(now_ns, Ordering::SeqCst);
        self.up.fetch_add(1, Ordering::SeqCst);
    }

    pub fn victims(&self) -> u64 {
        self.noticed.load(Ordering::SeqCst)
    }

    pub fn all_up(&self) -> bool {
        let victims = self.victims.load(Ordering::SeqCst);
        victims > 0 && self.up.load(Ordering::SeqCst) >= victims
    }

    pub fn detect_ns(&self) -> Option<u64> {
        let noticed = self.noticed_ns.load(Ordering::SeqCst);
        self.all_up()
            .then(|| noticed.saturating_sub(self.struck_ns.load(Ordering::SeqCst)))
    }

    pub fn restart_ns(&self) -> Option<u64> {
        let up = self.up_ns.load(Ordering::SeqCst);
        self.all_up()
            .then(|| up.saturating_sub(self.noticed_ns.load(Ordering::SeqCst)))
    }
}
