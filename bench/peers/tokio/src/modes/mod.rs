// SPDX-License-Identifier: MIT
//! The designs: how jobs get from producers to workers.

pub mod tuned;

/// What a mode says of itself in the summary.
pub struct Facts {
    pub bound: &'static str,
    pub queue_kind: &'static str,
    pub payload_mode: &'static str,
    pub queue_effective: Option<u64>,
    pub turn: Option<u64>,
}

/// Starts one producer of a round, as a task on the runtime or as a thread.
pub type StartProducer =
    Box<dyn Fn(crate::producer::Source) -> Option<std::thread::JoinHandle<()>>>;

pub struct Built {
    pub facts: Facts,
    pub start_producer: StartProducer,
}
