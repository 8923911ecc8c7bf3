// SPDX-License-Identifier: MIT
//! Who starts workers, notices that one died, and starts the next.

use crate::bench::Bench;
use crate::design::Restart;
use crate::job::Crash;
use crate::params::Supervise;
use crate::tally::{Record, What};
use std::any::Any;
use std::collections::VecDeque;
use std::future::{poll_fn, Future};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use tokio::task::{JoinError, JoinSet};

type Panic = Box<dyn Any + Send>;

/// Restarts in a sliding window of time.
pub struct Intensity {
    max: u64,
    period_ns: u64,
    recent: Mutex<VecDeque<u64>>,
}

impl Intensity {
    pub fn new(max: u64, period_ms: u64) -> Self {
        Intensity {
            max,
            period_ns: period_ms * 1_000_000,
            recent: Mutex::new(VecDeque::new()),
        }
    }

    /// One more restart. True: too many, the supervisor gives up.
    pub fn exceeded(&self, now_ns: u64) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        while recent
            .front()
            .is_some_and(|at| now_ns.saturating_sub(*at) >= self.period_ns)
        {
            recent.pop_front();
        }
        recent.push_back(now_ns);
        recent.len() as u64 > self.max
    }
}

/// A panic inside the future ends it with an error.
async fn catch<F: Future>(future: F) -> Result<F::Output, Panic> {
    let mut future = std::pin::pin!(future);
    poll_fn(
        move |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
            Ok(Poll::Pending) => Poll::Pending,
            Err(panic) => Poll::Ready(Err(panic)),
        },
    )
    .await
}

/// What a worker's task ended with, whatever way it came.
type End = Result<Result<(), Panic>, JoinError>;

/// None: it ended well. A panic that is no crash of the workload is a bug, and stays one.
fn crash_of(end: End) -> Option<Crash> {
    let panic = match end {
        Ok(Ok(())) => return None,
        Ok(Err(panic)) => panic,
        Err(e) => e.try_into_panic().ok()?,
    };
    match panic.downcast::<Crash>() {
        Ok(crash) => Some(*crash),
        Err(other) => {
            let text = other.downcast_ref::<String>().cloned();
            let text = text.or_else(|| other.downcast_ref::<&str>().map(|s| s.to_string()));
            eprintln!(
                "pinion-peer-tokio: a worker panicked: {}",
                text.unwrap_or_default()
            );
            std::process::exit(1)
        }
    }
}

impl Bench {
    /// A successor starts. False: it must not, the restart intensity is exceeded.
    fn may_restart(&self, crash: &Crash) -> bool {
        let now = self.now_ns();
        if self.intensity.exceeded(now) {
            self.failed
                .store(true, std::sync::atomic::Ordering::Release);
            return false;
        }
        self.restarts
            .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.record(Record {
            what: What::Restart {
                down_ns: now - crash.at_ns,
            },
            producer: 0,
            i: 0,
            worker: crash.worker,
            at_ns: now,
        });
        true
    }
}

/// Start all workers, and keep them up until they end by themselves.
pub async fn run<S, F>(bench: Arc<Bench>, start: S)
where
    S: Fn(u32) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let workers = 0..bench.params.workers as u32;
    let catches = bench.design.restart == Restart::Catch;
    match bench.params.supervise {
        Supervise::Tree => tree(bench, workers, catches, start).await,
        Supervise::Loop => {
            let start = Arc::new(start);
            for id in workers {
                let (bench, start) = (Arc::clone(&bench), Arc::clone(&start));
                tokio::spawn(single(bench, id, catches, start));
            }
        }
    }
}

/// One parent of all, one_for_one.
async fn tree<S, F>(bench: Arc<Bench>, ids: std::ops::Range<u32>, catches: bool, start: S)
where
    S: Fn(u32) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut set = JoinSet::new();
    let up = |set: &mut JoinSet<_>, id| {
        let worker = start(id);
        set.spawn(async move {
            if catches {
                catch(worker).await
            } else {
                worker.await;
                Ok(())
            }
        });
    };
    for id in ids {
        up(&mut set, id);
    }
    while let Some(end) = set.join_next().await {
        match crash_of(end) {
            Some(crash) if bench.may_restart(&crash) => up(&mut set, crash.worker),
            _ => {}
        }
    }
}

/// A loop of its own for every worker.
async fn single<S, F>(bench: Arc<Bench>, id: u32, catches: bool, start: Arc<S>)
where
    S: Fn(u32) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    loop {
        let end = if catches {
            Ok(catch(start(id)).await)
        } else {
            tokio::spawn(start(id)).await.map(Ok)
        };
        match crash_of(end) {
            Some(crash) if bench.may_restart(&crash) => {}
            _ => return,
        }
    }
}
