// SPDX-License-Identifier: MIT
//! Where a producer puts its messages, and what a message is: a job, or with batch=n a list of n.

use crate::job::Job;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Workers that a producer tries before it waits for one.
const TRIES: usize = 8;

pub trait Message: Send + Sized + 'static {
    fn collect(jobs: impl Iterator<Item = Job>) -> Self;
    fn len(&self) -> u64;
    /// Take all jobs out, the first one last: they are popped from the end.
    fn unpack(messages: &mut Vec<Self>, jobs: &mut Vec<Job>);
}

impl Message for Job {
    #[inline]
    fn collect(mut jobs: impl Iterator<Item = Job>) -> Self {
        jobs.next().expect("a producer asks only for what is left")
    }

    fn len(&self) -> u64 {
        1
    }

    #[inline]
    fn unpack(messages: &mut Vec<Self>, jobs: &mut Vec<Job>) {
        messages.reverse();
        std::mem::swap(messages, jobs);
    }
}

impl Message for Vec<Job> {
    #[inline]
    fn collect(jobs: impl Iterator<Item = Job>) -> Self {
        jobs.collect()
    }

    fn len(&self) -> u64 {
        Vec::len(self) as u64
    }

    #[inline]
    fn unpack(messages: &mut Vec<Self>, jobs: &mut Vec<Job>) {
        for batch in messages.drain(..).rev() {
            jobs.extend(batch.into_iter().rev());
        }
    }
}

/// One producer's view of all mailboxes.
pub struct Mailboxes<M> {
    all: Arc<[mpsc::Sender<M>]>,
    at: usize,
    /// Messages to the same worker in a row.
    run: usize,
    left: usize,
}

impl<M: Message> Mailboxes<M> {
    pub fn new(all: Arc<[mpsc::Sender<M>]>, producer: u32, run: usize) -> Self {
        Mailboxes {
            at: producer as usize % all.len(),
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

    /// The message comes back if there is no room; `tries`: how many workers are asked at most.
    #[inline]
    pub fn try_send(&mut self, mut message: M, tries: usize) -> Result<(), M> {
        for _ in 0..tries {
            match self.all[self.at].try_send(message) {
                Ok(()) => {
                    self.left -= 1;
                    if self.left == 0 {
                        self.turn();
                    }
                    return Ok(());
                }
                Err(mpsc::error::TrySendError::Full(back)) => message = back,
                Err(mpsc::error::TrySendError::Closed(_)) => return Ok(()), // the process ends
            }
            self.turn();
        }
        Err(message)
    }

    pub fn tries(&self, drop: bool) -> usize {
        if drop {
            self.all.len()
        } else {
            self.all.len().min(TRIES)
        }
    }

    /// Wait for the worker whose turn it is. An error means that the process ends.
    pub async fn send(&mut self, message: M) {
        let _ = self.all[self.at].send(message).await;
        self.turn();
    }

    pub fn blocking_send(&mut self, message: M) {
        let _ = self.all[self.at].blocking_send(message);
        self.turn();
    }
}
