// SPDX-License-Identifier: MIT
//! tokio:naive and tokio:literal: as tutorials have it. Each worker owns the receiver of its
//! channel, clones what it is sent, and sends every result to one collector. A panic loses the job
//! in hand and all that waits.

use super::{Built, Facts};
use crate::bench::Bench;
use crate::job::{Finished, Job};
use crate::port::{Message, Port};
use crate::supervise;
use crate::worker::mortal;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};
use tokio::sync::mpsc::{self, UnboundedReceiver};

type Senders<M> = Arc<RwLock<Vec<mpsc::Sender<M>>>>;

/// A producer's view: the mailboxes of the workers that live now, one after the other.
pub struct Current<M> {
    to: Senders<M>,
    at: usize,
}

fn cloned<M: Message>(message: &M) -> M {
    let copy = |job: &Job| Job {
        payload: job.payload.clone(),
        ..*job
    };
    M::collect(message.jobs().iter().map(copy))
}

impl<M: Message> Current<M> {
    fn next(&mut self, bench: &Bench, message: &M) -> mpsc::Sender<M> {
        let all = self.to.read().unwrap_or_else(PoisonError::into_inner);
        if bench.params.keys > 0 {
            return all[bench.worker_of_key(&message.jobs()[0])].clone();
        }
        all[self.at].clone()
    }

    fn turn(&mut self, bench: &Bench) {
        self.at = (self.at + 1) % bench.params.workers as usize;
    }

    pub fn try_send(&mut self, bench: &Bench, message: M) -> Result<(), M> {
        let to = self.next(bench, &message);
        match to.try_send(cloned(&message)) {
            Ok(()) => {
                self.turn(bench);
                Ok(())
            }
            Err(_) => Err(message),
        }
    }

    /// Until some worker has it: the one it waits at may die.
    pub async fn send(&mut self, bench: &Bench, mut message: M) {
        loop {
            match self.next(bench, &message).send(message).await {
                Ok(()) => return self.turn(bench),
                Err(back) => message = back.0,
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Dropped with its worker, messages and all.
struct Mine<M: Message> {
    bench: Arc<Bench>,
    rx: mpsc::Receiver<M>,
    jobs: Vec<Job>,
}

impl<M: Message> Drop for Mine<M> {
    fn drop(&mut self) {
        self.rx.close();
        let mut gone = self.jobs.len() as u64;
        while let Ok(message) = self.rx.try_recv() {
            gone += message.len();
        }
        self.bench.collateral.fetch_add(gone, Ordering::AcqRel);
    }
}

async fn work<M: Message>(id: u32, mut mine: Mine<M>) {
    let bench = Arc::clone(&mine.bench);
    while let Some(message) = mine.rx.recv().await {
        message.unpack_one(&mut mine.jobs);
        while let Some(mut job) = mine.jobs.pop() {
            if let Some(later) = job.run(&bench, id) {
                job.later(&bench, id, later).await;
            }
        }
    }
}

async fn collect(bench: Arc<Bench>, mut results: UnboundedReceiver<Finished>) {
    while let Some(finished) = results.recv().await {
        finished.count(&bench);
    }
}

pub fn build<M: Message>(bench: &Arc<Bench>) -> Built {
    let p = &bench.params;
    let size = (p.queue / p.workers / p.batch).clamp(1, 1 << 28) as usize;
    let (tx, rx) = mpsc::unbounded_channel();
    let _ = bench.results.set(tx);
    bench.handle().spawn(collect(Arc::clone(bench), rx));
    // A closed channel in each place, until its worker starts and puts its own there.
    let places = (0..p.workers).map(|_| mpsc::channel(1).0).collect();
    let to: Senders<M> = Arc::new(RwLock::new(places));
    let (b, all) = (Arc::clone(bench), Arc::clone(&to));
    let start = move |id: u32| {
        let (bench, to) = (Arc::clone(&b), Arc::clone(&all));
        async move {
            let (tx, rx) = mpsc::channel(size);
            to.write().unwrap_or_else(PoisonError::into_inner)[id as usize] = tx;
            let mine = Mine {
                bench: Arc::clone(&bench),
                rx,
                jobs: Vec::new(),
            };
            mortal(bench, id, Box::pin(work(id, mine))).await;
        }
    };
    bench
        .handle()
        .spawn(supervise::run(Arc::clone(bench), start));
    let facts = Facts {
        bound: "queue",
        queue_kind: "tokio-mpsc-per-worker",
        payload_mode: "copy",
        queue_effective: Some(size as u64 * p.workers * p.batch),
        turn: Some(1),
    };
    Built::new(bench, facts, move |bench, producer| {
        Port::Naive(Current {
            to: Arc::clone(&to),
            at: producer as usize % bench.params.workers as usize,
        })
    })
}
