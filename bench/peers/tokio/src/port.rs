// SPDX-License-Identifier: MIT
//! Where a producer puts its messages, and what a message is: a job, or with batch=n a list of n.

use crate::bench::Bench;
use crate::job::Job;
use crate::modes::naive::Current;
use crate::modes::spawn::Spawner;
use std::sync::Arc;
use tokio::sync::mpsc::{self, error::TrySendError};

/// Workers that a producer tries before it waits for one.
const TRIES: usize = 8;

pub trait Message: Send + Sync + Sized + 'static {
    fn collect(jobs: impl Iterator<Item = Job>) -> Self;
    fn jobs(&self) -> &[Job];
    fn len(&self) -> u64 {
        self.jobs().len() as u64
    }
    /// Take all jobs out, the first one last: they are popped from the end.
    fn unpack(messages: &mut Vec<Self>, jobs: &mut Vec<Job>);
    fn unpack_one(self, jobs: &mut Vec<Job>);
}

impl Message for Job {
    #[inline]
    fn collect(mut jobs: impl Iterator<Item = Job>) -> Self {
        jobs.next().expect("a producer asks only for what is left")
    }

    fn jobs(&self) -> &[Job] {
        std::slice::from_ref(self)
    }

    #[inline]
    fn unpack(messages: &mut Vec<Self>, jobs: &mut Vec<Job>) {
        messages.reverse();
        std::mem::swap(messages, jobs);
    }

    #[inline]
    fn unpack_one(self, jobs: &mut Vec<Job>) {
        jobs.push(self);
    }
}

impl Message for Vec<Job> {
    #[inline]
    fn collect(jobs: impl Iterator<Item = Job>) -> Self {
        jobs.collect()
    }

    fn jobs(&self) -> &[Job] {
        self
    }

    #[inline]
    fn unpack(messages: &mut Vec<Self>, jobs: &mut Vec<Job>) {
        for batch in messages.drain(..).rev() {
            jobs.extend(batch.into_iter().rev());
        }
    }

    #[inline]
    fn unpack_one(self, jobs: &mut Vec<Job>) {
        jobs.extend(self.into_iter().rev());
    }
}

/// One producer's way to the workers.
pub enum Port<M: Message> {
    Mailboxes(Mailboxes<M>),
    Queue(kanal::AsyncSender<M>),
    Naive(Current<M>),
    Spawner(Spawner),
}

impl<M: Message> Port<M> {
    /// The message comes back if there is no room.
    #[inline]
    pub fn try_send(&mut self, bench: &Bench, message: M) -> Result<(), M> {
        if !bench.bytes_take(&message) {
            return Err(message);
        }
        let sent = match self {
            Port::Mailboxes(boxes) => boxes.try_send(bench, message),
            Port::Queue(tx) => {
                let mut message = Some(message);
                let _ = tx.try_send_option(&mut message);
                message.map_or(Ok(()), Err)
            }
            Port::Naive(current) => current.try_send(bench, message),
            Port::Spawner(spawner) => spawner.try_send(bench, message),
        };
        if let Err(back) = &sent {
            bench.bytes_give(back);
        }
        sent
    }

    /// Wait for room. Where the other side has gone for good, the process ends.
    pub async fn send(&mut self, bench: &Arc<Bench>, message: M) {
        bench.bytes_wait(&message).await;
        match self {
            Port::Mailboxes(boxes) => boxes.send(bench, message).await,
            Port::Queue(tx) => drop(tx.send(message).await),
            Port::Naive(current) => current.send(bench, message).await,
            Port::Spawner(spawner) => spawner.send(bench, message).await,
        }
    }

    pub fn blocking_send(&mut self, bench: &Arc<Bench>, message: M) {
        if let Port::Spawner(_) = self {
            unreachable!("refused: a thread owns no tasks")
        }
        bench.handle().block_on(self.send(bench, message));
    }

    pub async fn drain(&mut self, bench: &Arc<Bench>) {
        if let Port::Spawner(spawner) = self {
            spawner.drain(bench).await;
        }
    }
}

/// A producer's view of all mailboxes.
pub struct Mailboxes<M> {
    all: Arc<[mpsc::Sender<M>]>,
    at: usize,
    /// Messages to the same worker in a row.
    run: usize,
    left: usize,
    /// Workers that are asked before the producer waits, or drops.
    tries: usize,
    keyed: bool,
}

impl<M: Message> Mailboxes<M> {
    pub fn new(all: Arc<[mpsc::Sender<M>]>, producer: u32, bench: &Bench) -> Self {
        let p = &bench.params;
        // In an open loop there is nothing to gain from filling one mailbox before the next.
        let run = if p.rate > 0 { 1 } else { bench.design.run };
        let most = if p.drop == 1 { all.len() } else { TRIES };
        Mailboxes {
            at: producer as usize % all.len(),
            tries: most.min(all.len()),
            keyed: p.keys > 0,
            all,
            run,
            left: run,
        }
    }

    #[inline]
    fn turn(&mut self) {
        self.at += 1;
        if self.at == self.all.len() {
            self.at = 0;
        }
        self.left = self.run;
    }

    #[inline]
    fn try_send(&mut self, bench: &Bench, mut message: M) -> Result<(), M> {
        if self.keyed {
            let to = &self.all[bench.worker_of_key(&message.jobs()[0])];
            return to.try_send(message).map_err(TrySendError::into_inner);
        }
        for _ in 0..self.tries {
            match self.all[self.at].try_send(message) {
                Ok(()) => {
                    self.left -= 1;
                    if self.left == 0 {
                        self.turn();
                    }
                    return Ok(());
                }
                Err(back) => message = back.into_inner(),
            }
            self.turn();
        }
        Err(message)
    }

    async fn send(&mut self, bench: &Bench, message: M) {
        if self.keyed {
            let to = bench.worker_of_key(&message.jobs()[0]);
            let _ = self.all[to].send(message).await;
            return;
        }
        let _ = self.all[self.at].send(message).await;
        self.turn();
    }
}
