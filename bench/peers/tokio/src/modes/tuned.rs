// SPDX-License-Identifier: MIT
//! A bounded mpsc channel per worker. Its receiver lives outside of the worker's task, behind a
//! lock that the task takes once: a panic loses the job in hand and nothing that waits.

use super::{Built, Facts};
use crate::bench::Bench;
use crate::job::Job;
use crate::params::ProducersAs;
use crate::port::{Mailboxes, Message};
use crate::producer;
use crate::supervise;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, Mutex, OwnedMutexGuard};

pub struct Inbox<M> {
    rx: mpsc::Receiver<M>,
    taken: Vec<M>,
    /// Jobs taken from the channel, the next one last. They survive the worker.
    jobs: Vec<Job>,
}

/// Messages in a worker's channel, and beside it: together Q div W jobs.
fn split(bench: &Bench) -> (usize, usize) {
    let p = &bench.params;
    let each = (p.queue / p.workers / p.batch).max(1).min(1 << 28) as usize;
    let turn = bench.design.turn.min((each / 2).max(1));
    // Of the messages taken in one turn one is in hand, the others still wait.
    (each - (turn - 1), turn)
}

pub fn build<M: Message>(bench: &Arc<Bench>, handle: &Handle) -> Built {
    let p = &bench.params;
    let (capacity, turn) = split(bench);
    let mut senders = Vec::new();
    let mut inboxes = Vec::new();
    for _ in 0..p.workers {
        let (tx, rx) = mpsc::channel::<M>(capacity);
        senders.push(tx);
        inboxes.push(Arc::new(Mutex::new(Inbox {
            rx,
            taken: Vec::new(),
            jobs: Vec::new(),
        })));
    }
    let b = Arc::clone(bench);
    handle.spawn(supervise::run(Arc::clone(bench), move |id| {
        let (bench, inbox) = (Arc::clone(&b), Arc::clone(&inboxes[id as usize]));
        async move { work(bench, id, inbox.lock_owned().await, turn).await }
    }));
    let facts = Facts {
        bound: "queue",
        queue_kind: "tokio-mpsc-per-worker",
        payload_mode: "reference",
        queue_effective: Some(p.workers * p.batch * (capacity + turn - 1) as u64),
        turn: Some(turn as u64),
    };
    let senders: Arc<[mpsc::Sender<M>]> = senders.into();
    let (handle, run) = (handle.clone(), bench.design.run);
    let as_thread = p.producers_as == ProducersAs::Thread;
    let start_producer = Box::new(move |source: producer::Source| {
        let port = Mailboxes::new(Arc::clone(&senders), source.p, run);
        if as_thread {
            return Some(std::thread::spawn(|| producer::thread(source, port)));
        }
        handle.spawn(producer::task(source, port));
        None
    });
    Built {
        facts,
        start_producer,
    }
}

async fn work<M: Message>(
    bench: Arc<Bench>,
    id: u32,
    mut inbox: OwnedMutexGuard<Inbox<M>>,
    turn: usize,
) {
    let inbox = &mut *inbox;
    loop {
        while let Some(mut job) = inbox.jobs.pop() {
            if let Some(later) = job.run(&bench, id) {
                job.later(&bench, id, later).await;
            }
        }
        if inbox.rx.recv_many(&mut inbox.taken, turn).await == 0 {
            return;
        }
        M::unpack(&mut inbox.taken, &mut inbox.jobs);
    }
}
