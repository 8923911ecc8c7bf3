// SPDX-License-Identifier: MIT
//! tokio:spawn: a task per job. Each producer keeps W div P of them in flight, in a JoinSet that
//! tells it of the panics.

use super::{Built, Facts};
use crate::bench::Bench;
use crate::job::Job;
use crate::params::Pattern;
use crate::port::{Message, Port};
use crate::supervise::crash_of;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};

pub struct Spawner {
    bench: Arc<Bench>,
    /// Of its tasks; also what they count their jobs under.
    producer: u32,
    most: usize,
    set: JoinSet<()>,
}

async fn one(bench: Arc<Bench>, id: u32, mut job: Job) {
    if let Some(later) = job.run(&bench, id) {
        job.later(&bench, id, later).await;
    }
}

impl Spawner {
    fn ended(bench: &Bench, end: Result<(), JoinError>) {
        if let Err(e) = end {
            bench.may_restart(&crash_of(e.into_panic()));
        }
    }

    fn has_room(&self, n: u64) -> bool {
        self.set.is_empty() || self.set.len() + n as usize <= self.most
    }

    fn spawn<M: Message>(&mut self, message: M) {
        let id = self.producer % self.bench.params.workers as u32;
        let mut jobs = Vec::new();
        message.unpack_one(&mut jobs);
        while let Some(job) = jobs.pop() {
            self.set.spawn(one(Arc::clone(&self.bench), id, job));
        }
    }

    pub fn try_send<M: Message>(&mut self, bench: &Bench, message: M) -> Result<(), M> {
        while let Some(end) = self.set.try_join_next() {
            Spawner::ended(bench, end);
        }
        if !self.has_room(message.len()) {
            return Err(message);
        }
        self.spawn(message);
        Ok(())
    }

    pub async fn send<M: Message>(&mut self, bench: &Bench, message: M) {
        while !self.has_room(message.len()) {
            if let Some(end) = self.set.join_next().await {
                Spawner::ended(bench, end);
            }
        }
        self.spawn(message);
    }

    pub async fn drain(&mut self, bench: &Bench) {
        while let Some(end) = self.set.join_next().await {
            Spawner::ended(bench, end);
        }
    }
}

pub fn build<M: Message>(bench: &Arc<Bench>) -> Built {
    let p = &bench.params;
    let most = (p.workers / p.producers).max(1);
    if p.pattern != Pattern::None {
        let owner = Arc::clone(bench);
        let send = move |_: &Bench, job: Job| {
            let bench = Arc::clone(&owner);
            let id = job.producer % bench.params.workers as u32;
            owner.handle().spawn(async move {
                let end = tokio::spawn(one(Arc::clone(&bench), id, job)).await;
                Spawner::ended(&bench, end);
            });
        };
        let _ = bench.chain.set(Box::new(send));
    }
    let facts = Facts {
        bound: "in_flight",
        queue_kind: "none",
        payload_mode: "reference",
        queue_effective: Some(most * p.producers),
        turn: None,
    };
    Built::new(bench, facts, move |bench, producer| {
        Port::<M>::Spawner(Spawner {
            bench: Arc::clone(bench),
            producer,
            most: most as usize,
            set: JoinSet::new(),
        })
    })
}
