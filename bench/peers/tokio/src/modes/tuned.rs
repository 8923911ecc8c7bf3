// SPDX-License-Identifier: MIT
//! tokio:tuned: a bounded mpsc channel per worker, received many at a time.

use super::{Built, Facts};
use crate::bench::Bench;
use crate::generator::{self, Draw};
use crate::job::Job;
use crate::params::Pattern;
use crate::port::{Mailboxes, Message, Port};
use crate::supervise;
use crate::worker::{mortal, work, Inbox, Inlet};
use std::sync::Arc;
use tokio::sync::{mpsc, Mutex};

/// Messages in a worker's channel, and those taken in one turn: what waits in the channel and
/// beside it is together at most Q div W jobs.
fn split(bench: &Bench) -> (usize, usize) {
    let p = &bench.params;
    let mut each = p.queue / p.workers / p.batch;
    if p.pattern != Pattern::None {
        each = each.max(p.producers); // a full mailbox could end in a ring of workers waiting
    }
    let each = each.clamp(1, 1 << 28) as usize;
    let turn = bench.design.turn.min((each / 2).max(1));
    // Of the messages taken in one turn one is in hand, the others still wait.
    (each - (turn - 1), turn)
}

/// The worker of a chain's job.
fn actor(bench: &Bench, job: &Job) -> usize {
    let p = job.producer as usize;
    if bench.params.pattern == Pattern::PingPong {
        return 2 * p + job.i as usize % 2;
    }
    if job.i % 2 == 1 {
        return p;
    }
    let key = generator::key(bench.bases[p], job.i);
    let last = bench.params.workers as u32 - 1;
    generator::pick(key, Draw::Actor, 0, last) as usize
}

pub fn build<M: Message>(bench: &Arc<Bench>) -> Built {
    let p = &bench.params;
    let (capacity, turn) = split(bench);
    let made = (0..p.workers).map(|_| mpsc::channel::<M>(capacity));
    let (senders, receivers): (Vec<_>, Vec<_>) = made.unzip();
    let senders: Arc<[mpsc::Sender<M>]> = senders.into();
    let inboxes: Vec<_> = receivers
        .into_iter()
        .map(|rx| Arc::new(Mutex::new(Inbox::new(rx))))
        .collect();
    if p.pattern != Pattern::None {
        let all = Arc::clone(&senders);
        let send = move |bench: &Bench, job: Job| {
            let to = &all[actor(bench, &job)];
            let sent = to.try_send(M::collect(std::iter::once(job)));
            assert!(sent.is_ok(), "a mailbox has room for every chain");
        };
        let _ = bench.chain.set(Box::new(send));
    }
    let b = Arc::clone(bench);
    let start = move |id| {
        let (bench, inbox) = (Arc::clone(&b), Arc::clone(&inboxes[id as usize]));
        async move {
            let inlet = Inlet::Own(inbox.lock_owned().await, turn);
            mortal(Arc::clone(&bench), id, Box::pin(work(bench, id, inlet))).await;
        }
    };
    bench
        .handle()
        .spawn(supervise::run(Arc::clone(bench), start));
    let facts = Facts {
        bound: "queue",
        queue_kind: "tokio-mpsc-per-worker",
        payload_mode: "reference",
        queue_effective: Some(p.workers * p.batch * (capacity + turn - 1) as u64),
        turn: Some(turn as u64),
    };
    Built::new(bench, facts, move |bench, producer| {
        Port::Mailboxes(Mailboxes::new(Arc::clone(&senders), producer, bench))
    })
}
