// SPDX-License-Identifier: MIT
//! queue_bytes=n: at most so many payload bytes wait. A message larger than the bound passes alone.

use crate::bench::Bench;
use crate::params::Params;
use crate::port::Message;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

pub struct Bytes {
    bound: u64,
    waiting: AtomicU64,
    room: Notify,
}

impl Bytes {
    pub fn new(params: &Params) -> Option<Bytes> {
        let bound = params
            .queue_bytes
            .filter(|&n| n > 0 && params.payload > 0)?;
        Some(Bytes {
            bound,
            waiting: AtomicU64::new(0),
            room: Notify::new(),
        })
    }

    fn take(&self, n: u64) -> bool {
        let more = |had| (had == 0 || had + n <= self.bound).then_some(had + n);
        let order = Ordering::AcqRel;
        self.waiting
            .fetch_update(order, Ordering::Acquire, more)
            .is_ok()
    }

    pub fn give(&self, n: u64) {
        self.waiting.fetch_sub(n, Ordering::AcqRel);
        self.room.notify_one();
    }
}

impl Bench {
    #[inline]
    pub fn bytes_take<M: Message>(&self, message: &M) -> bool {
        match &self.bytes {
            None => true,
            Some(bytes) => bytes.take(message.len() * self.params.payload),
        }
    }

    pub fn bytes_give<M: Message>(&self, message: &M) {
        if let Some(bytes) = &self.bytes {
            bytes.give(message.len() * self.params.payload);
        }
    }

    pub async fn bytes_wait<M: Message>(&self, message: &M) {
        if let Some(bytes) = &self.bytes {
            let n = message.len() * self.params.payload;
            while !bytes.take(n) {
                bytes.room.notified().await;
            }
        }
    }
}
