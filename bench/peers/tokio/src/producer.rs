// SPDX-License-Identifier: MIT
//! Producers, as tasks or as threads. Both make the same jobs in the same order; what to do with
//! "full" is the workload's: wait (drop=0) or drop and count (drop=1).

use crate::bench::Bench;
use crate::job::Job;
use crate::port::{Mailboxes, Message};
use std::sync::atomic::Ordering;
use std::sync::Arc;

/// With drop=1 a producer never waits: so many messages, then the others' turn.
const TURN: u64 = 16;

/// The jobs of one producer in one round.
pub struct Source {
    pub bench: Arc<Bench>,
    pub p: u32,
    next: u32,
    end: u32,
    every: u32,
    /// Jobs until the next sampled one.
    until: u32,
    dropped: u64,
    full: u64,
}

impl Source {
    pub fn new(bench: &Arc<Bench>, p: u32, jobs: u64) -> Self {
        Source {
            bench: Arc::clone(bench),
            p,
            next: 0,
            end: bench.params.jobs_of(jobs, u64::from(p)) as u32,
            every: bench.sample_every.load(Ordering::Relaxed) as u32,
            until: 0,
            dropped: 0,
            full: 0,
        }
    }

    #[inline]
    fn over(&self) -> bool {
        self.next == self.end || self.bench.stop.load(Ordering::Relaxed)
    }

    #[inline]
    fn make(&mut self, due_ns: u64) -> Job {
        let i = self.next;
        self.next += 1;
        let mut start_ns = 0;
        if self.until == 0 {
            self.until = self.every;
            start_ns = if due_ns > 0 {
                due_ns
            } else {
                self.bench.now_ns()
            };
        }
        self.until -= 1;
        Job::make(&self.bench, self.p, i, start_ns)
    }

    #[inline]
    fn message<M: Message>(&mut self, batch: u32) -> M {
        let n = batch.min(self.end - self.next);
        M::collect((0..n).map(|_| self.make(0)))
    }

    fn drop_message<M: Message>(&mut self, message: M) {
        self.dropped += message.len();
    }

    fn finish(self) {
        let b = &self.bench;
        b.dropped.fetch_add(self.dropped, Ordering::Relaxed);
        b.queue_full.fetch_add(self.full, Ordering::Relaxed);
        b.finished.fetch_add(1, Ordering::Release);
    }
}

pub async fn task<M: Message>(mut source: Source, mut port: Mailboxes<M>) {
    let batch = source.bench.params.batch as u32;
    let drop = source.bench.params.drop == 1;
    let tries = port.tries(drop);
    let mut turn = TURN;
    while !source.over() {
        let message = source.message(batch);
        if let Err(back) = port.try_send(message, tries) {
            source.full += 1;
            if drop {
                source.drop_message(back);
            } else {
                port.send(back).await;
            }
        }
        if drop {
            turn -= 1;
            if turn == 0 {
                turn = TURN;
                tokio::task::yield_now().await;
            }
        }
    }
    source.finish();
}

pub fn thread<M: Message>(mut source: Source, mut port: Mailboxes<M>) {
    let batch = source.bench.params.batch as u32;
    let drop = source.bench.params.drop == 1;
    let tries = port.tries(drop);
    while !source.over() {
        let message = source.message(batch);
        if let Err(back) = port.try_send(message, tries) {
            source.full += 1;
            if drop {
                source.drop_message(back);
            } else {
                port.blocking_send(back);
            }
        }
    }
    source.finish();
}
