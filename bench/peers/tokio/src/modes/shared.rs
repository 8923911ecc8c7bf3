// SPDX-License-Identifier: MIT
//! tokio:shared: one bounded queue of which all workers receive.

use super::{Built, Facts};
use crate::bench::Bench;
use crate::job::Job;
use crate::params::Pattern;
use crate::port::{Message, Port};
use crate::supervise;
use crate::worker::{mortal, work, Inlet};
use std::sync::Arc;
use tokio::sync::Mutex;

pub fn build<M: Message>(bench: &Arc<Bench>) -> Built {
    let p = &bench.params;
    let mut capacity = (p.queue / p.batch).clamp(1, 1 << 28);
    if p.pattern != Pattern::None {
        capacity = capacity.max(p.producers);
    }
    let (tx, rx) = kanal::bounded_async::<M>(capacity as usize);
    if p.pattern != Pattern::None {
        let tx = tx.clone();
        let send = move |_: &Bench, job: Job| {
            let sent = tx.try_send(M::collect(std::iter::once(job)));
            assert!(
                matches!(sent, Ok(true)),
                "the queue has room for every chain"
            );
        };
        let _ = bench.chain.set(Box::new(send));
    }
    // What is left of a batch survives its worker.
    let rests: Vec<_> = (0..p.workers)
        .map(|_| Arc::new(Mutex::new(Vec::new())))
        .collect();
    let b = Arc::clone(bench);
    let start = move |id| {
        let (bench, rx) = (Arc::clone(&b), rx.clone());
        let rest = Arc::clone(&rests[id as usize]);
        async move {
            let inlet = Inlet::Shared(rx, rest.lock_owned().await);
            mortal(Arc::clone(&bench), id, Box::pin(work(bench, id, inlet))).await;
        }
    };
    bench
        .handle()
        .spawn(supervise::run(Arc::clone(bench), start));
    let facts = Facts {
        bound: "queue",
        queue_kind: "kanal",
        payload_mode: "reference",
        queue_effective: Some(capacity * p.batch),
        turn: Some(1),
    };
    Built::new(bench, facts, move |_, _| Port::Queue(tx.clone()))
}
