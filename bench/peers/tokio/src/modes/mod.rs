// SPDX-License-Identifier: MIT
//! The designs: how jobs get from producers to workers.

pub mod naive;
pub mod shared;
pub mod spawn;
pub mod tuned;

use crate::bench::Bench;
use crate::design::Mode;
use crate::job::Job;
use crate::params::ProducersAs;
use crate::port::{Message, Port};
use crate::producer::{self, Source};
use std::sync::Arc;
use std::thread::JoinHandle;

/// What a mode says of itself in the summary.
pub struct Facts {
    pub bound: &'static str,
    pub queue_kind: &'static str,
    pub payload_mode: &'static str,
    pub queue_effective: Option<u64>,
    pub turn: Option<u64>,
}

/// Starts one producer of a round, as a task on the runtime or as a thread.
type StartProducer = Box<dyn Fn(Source) -> Option<JoinHandle<()>>>;

pub struct Built {
    pub facts: Facts,
    pub start_producer: StartProducer,
}

impl Built {
    fn new<M: Message>(
        bench: &Arc<Bench>,
        facts: Facts,
        port: impl Fn(&Arc<Bench>, u32) -> Port<M> + 'static,
    ) -> Built {
        let as_thread = bench.params.producers_as == ProducersAs::Thread;
        let start_producer = Box::new(move |source: Source| {
            let port = port(&source.bench, source.p);
            if as_thread {
                return Some(std::thread::spawn(|| producer::thread(source, port)));
            }
            let handle = source.bench.handle().clone();
            handle.spawn(producer::task(source, port));
            None
        });
        Built {
            facts,
            start_producer,
        }
    }
}

fn of<M: Message>(bench: &Arc<Bench>) -> Built {
    match bench.design.mode {
        Mode::Tuned => tuned::build::<M>(bench),
        Mode::Shared => shared::build::<M>(bench),
        Mode::Naive | Mode::Literal => naive::build::<M>(bench),
        Mode::Spawn => spawn::build::<M>(bench),
    }
}

pub fn build(bench: &Arc<Bench>) -> Built {
    // A key's jobs go one by one: two of a batch may belong to different workers.
    if bench.params.batch > 1 && bench.params.keys == 0 {
        of::<Vec<Job>>(bench)
    } else {
        of::<Job>(bench)
    }
}
