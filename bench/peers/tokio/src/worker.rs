// SPDX-License-Identifier: MIT
//! A worker: the plain loop of receive, compute, sleep, emit; and where its jobs come from.

use crate::bench::Bench;
use crate::job::{Crash, Job};
use crate::port::Message;
use std::future::{poll_fn, Future};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use tokio::sync::{mpsc, OwnedMutexGuard};

/// A worker's mailbox. It lives outside of the worker's task, behind a lock that the task takes
/// once: a panic loses the job in hand and nothing that waits.
pub struct Inbox<M> {
    pub rx: mpsc::Receiver<M>,
    pub taken: Vec<M>,
    /// Jobs taken from the channel, the next one last.
    pub jobs: Vec<Job>,
}

impl<M> Inbox<M> {
    pub fn new(rx: mpsc::Receiver<M>) -> Self {
        Inbox {
            rx,
            taken: Vec::new(),
            jobs: Vec::new(),
        }
    }
}

pub enum Inlet<M> {
    Own(OwnedMutexGuard<Inbox<M>>, usize),
    Shared(kanal::AsyncReceiver<M>, OwnedMutexGuard<Vec<Job>>),
}

impl<M: Message> Inlet<M> {
    #[inline]
    fn pop(&mut self) -> Option<Job> {
        match self {
            Inlet::Own(inbox, _) => inbox.jobs.pop(),
            Inlet::Shared(_, jobs) => jobs.pop(),
        }
    }

    /// Take what comes next. False: nothing will come any more.
    #[inline]
    async fn take(&mut self) -> bool {
        match self {
            Inlet::Own(inbox, turn) => {
                let inbox = &mut **inbox;
                let n = inbox.rx.recv_many(&mut inbox.taken, *turn).await;
                M::unpack(&mut inbox.taken, &mut inbox.jobs);
                n > 0
            }
            Inlet::Shared(rx, jobs) => match rx.recv().await {
                Ok(message) => {
                    message.unpack_one(jobs);
                    // This channel knows nothing of Tokio's budget: while it is not empty, a worker
                    // would never let others run, nor could it be aborted.
                    tokio::task::consume_budget().await;
                    true
                }
                Err(_) => false,
            },
        }
    }
}

// [worker
pub async fn work<M: Message>(bench: Arc<Bench>, id: u32, mut inlet: Inlet<M>) {
    loop {
        while let Some(mut job) = inlet.pop() {
            if let Some(later) = job.run(&bench, id) {
                job.later(&bench, id, later).await;
            }
        }
        if !inlet.take().await {
            return;
        }
    }
}
// worker]

/// A worker that an injected failure can end wherever it awaits. Its future comes boxed: each async
/// function that takes a future by value keeps it twice, and through three of them a worker's task
/// took 7 KB.
pub async fn mortal<F: Future<Output = ()>>(bench: Arc<Bench>, id: u32, mut work: Pin<Box<F>>) {
    let Some(failure) = bench.failure.as_ref() else {
        return work.await;
    };
    let mut killed = std::pin::pin!(failure.killed());
    poll_fn(|cx| {
        if killed.as_mut().poll(cx).is_ready() {
            resume_unwind(Box::new(Crash {
                worker: id,
                at_ns: bench.now_ns(),
                injected: true,
            }));
        }
        work.as_mut().poll(cx)
    })
    .await
}
