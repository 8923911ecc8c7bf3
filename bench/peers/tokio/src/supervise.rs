// SPDX-License-Identifier: MIT
//! Who starts workers, notices that one died, and starts the next. Three ways: the worker's own
//! task catches the panic, a parent inspects the JoinHandle, or a watchdog looks at heartbeats too.

use crate::bench::Bench;
use crate::design::Restart;
use crate::job::Crash;
use crate::params::{FailKind, Supervise};
use crate::tally::{Record, What};
use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::future::{poll_fn, Future};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};

/// Between two looks of the watchdog.
const LOOK: Duration = Duration::from_millis(10);

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
        let old = |at: &u64| now_ns.saturating_sub(*at) >= self.period_ns;
        while recent.front().is_some_and(old) {
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

/// A panic that is no crash of the workload is a bug, and stays one.
pub fn crash_of(panic: Panic) -> Crash {
    match panic.downcast::<Crash>() {
        Ok(crash) => *crash,
        Err(other) => {
            let text = other.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| other.downcast_ref::<&str>().copied());
            eprintln!("pinion-peer-tokio: a task panicked: {}", text.unwrap_or(""));
            std::process::exit(1)
        }
    }
}

impl Bench {
    /// A successor starts. False: it must not, the restart intensity is exceeded.
    pub fn may_restart(&self, crash: &Crash) -> bool {
        let now = self.now_ns();
        self.restarts.fetch_add(1, Ordering::Relaxed);
        self.record(Record {
            what: What::Restart {
                down_ns: now.saturating_sub(crash.at_ns),
            },
            producer: 0,
            i: 0,
            worker: crash.worker,
            at_ns: now,
        });
        let exceeded = self.intensity.exceeded(now);
        if exceeded {
            self.failed.store(true, Ordering::Release);
        }
        !exceeded
    }

    /// A hang is noticed when it is aborted, and a start that fails is no new victim.
    fn notice(&self, crash: &Crash) {
        let Some(failure) = self.failure.as_ref().filter(|_| crash.injected) else {
            return;
        };
        match failure.kind {
            FailKind::Hang => {}
            FailKind::Init if failure.victims() > 0 => {}
            _ => failure.noticed(self.now_ns()),
        }
    }
}

/// The life of one worker, from its start on. A victim's successor may fail in its start.
async fn live(bench: Arc<Bench>, id: u32, successor: bool, worker: impl Future<Output = ()>) {
    if let Some(failure) = bench.failure.as_ref().filter(|_| successor) {
        if let Some((back_off, fails)) = failure.next_start() {
            tokio::time::sleep(back_off).await;
            if fails {
                resume_unwind(Box::new(Crash {
                    worker: id,
                    at_ns: bench.now_ns(),
                    injected: true,
                }));
            }
        }
        failure.is_up(bench.now_ns());
    }
    worker.await;
}

/// How the supervised workers are made.
pub trait Start: Fn(u32) -> <Self as Start>::Worker + Send + Sync + 'static {
    type Worker: Future<Output = ()> + Send + 'static;
}

impl<S, F> Start for S
where
    S: Fn(u32) -> F + Send + Sync + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    type Worker = F;
}

/// Start all workers, and keep them up until they end by themselves.
pub async fn run<S: Start>(bench: Arc<Bench>, start: S) {
    let start = Arc::new(start);
    if bench.params.supervise == Supervise::Loop && bench.design.restart != Restart::Watchdog {
        for id in 0..bench.params.workers as u32 {
            tokio::spawn(single(Arc::clone(&bench), id, Arc::clone(&start)));
        }
        return;
    }
    let mut again = false;
    loop {
        let alive = Arc::new(AtomicU64::new(0));
        let tree = Tree::new(&bench, &start, &alive);
        let Err(end) = tokio::spawn(tree.supervise(again)).await else {
            return;
        };
        // The supervisor has died, and its workers with it: up again once the last one is down.
        let at_ns = end
            .try_into_panic()
            .map_or(0, |panic| crash_of(panic).at_ns);
        while alive.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        for worker in 0..bench.params.workers as u32 {
            let crash = Crash {
                worker,
                at_ns,
                injected: true,
            };
            bench.notice(&crash);
            if !bench.may_restart(&crash) {
                return;
            }
        }
        again = true;
    }
}

/// Counts the workers that exist.
struct Alive(Arc<AtomicU64>);

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// One parent of all, one_for_one.
struct Tree<S: Start> {
    bench: Arc<Bench>,
    start: Arc<S>,
    alive: Arc<AtomicU64>,
    set: JoinSet<Result<(), Panic>>,
    /// For the watchdog: whose heart to look at, and whose task it was that it aborted.
    tasks: Vec<Option<AbortHandle>>,
    aborted: HashMap<Id, u32>,
    seen: Vec<(u64, u64)>,
}

impl<S: Start> Tree<S> {
    fn new(bench: &Arc<Bench>, start: &Arc<S>, alive: &Arc<AtomicU64>) -> Self {
        let watches = bench.design.restart == Restart::Watchdog;
        let n = if watches {
            bench.params.workers as usize
        } else {
            0
        };
        Tree {
            bench: Arc::clone(bench),
            start: Arc::clone(start),
            alive: Arc::clone(alive),
            set: JoinSet::new(),
            tasks: (0..n).map(|_| None).collect(),
            aborted: HashMap::new(),
            seen: vec![(0, 0); n],
        }
    }

    fn up(&mut self, id: u32, successor: bool) {
        self.alive.fetch_add(1, Ordering::AcqRel);
        let alive = Alive(Arc::clone(&self.alive));
        let life = live(Arc::clone(&self.bench), id, successor, (self.start)(id));
        let catches = self.bench.design.restart == Restart::Catch;
        let task = self.set.spawn(async move {
            let _alive = alive;
            if catches {
                catch(life).await
            } else {
                life.await;
                Ok(())
            }
        });
        if let Some(place) = self.tasks.get_mut(id as usize) {
            *place = Some(task);
        }
    }

    /// None: it ended well.
    fn crash(&mut self, end: Result<Result<(), Panic>, JoinError>) -> Option<Crash> {
        match end {
            Ok(Ok(())) => None,
            Ok(Err(panic)) => Some(crash_of(panic)),
            Err(e) => {
                let id = e.id();
                match e.try_into_panic() {
                    Ok(panic) => Some(crash_of(panic)),
                    Err(_) => self.aborted.remove(&id).map(|worker| Crash {
                        worker,
                        at_ns: self.bench.now_ns(),
                        injected: true,
                    }),
                }
            }
        }
    }

    async fn supervise(mut self, again: bool) {
        for id in 0..self.bench.params.workers as u32 {
            self.up(id, again);
        }
        let bench = Arc::clone(&self.bench);
        let mut watch = std::pin::pin!(tokio::time::sleep(LOOK));
        let mut killed = std::pin::pin!(async {
            match &bench.failure {
                Some(failure) => failure.supervisor_killed().await,
                None => std::future::pending().await,
            }
        });
        let watches = !self.tasks.is_empty();
        loop {
            let end = poll_fn(|cx| {
                if bench.failure.is_some() && killed.as_mut().poll(cx).is_ready() {
                    resume_unwind(Box::new(Crash {
                        worker: 0,
                        at_ns: bench.now_ns(),
                        injected: true,
                    }));
                }
                while watches && watch.as_mut().poll(cx).is_ready() {
                    self.look();
                    watch.as_mut().reset(tokio::time::Instant::now() + LOOK);
                }
                self.set.poll_join_next(cx)
            })
            .await;
            let Some(end) = end else { return };
            if let Some(crash) = self.crash(end) {
                bench.notice(&crash);
                if bench.may_restart(&crash) {
                    self.up(crash.worker, crash.injected);
                }
            }
        }
    }

    /// A heart that stands still while it has a job in hand, for longer than any job may take.
    fn look(&mut self) {
        let now = self.bench.now_ns();
        let limit = self.bench.beat_limit_ns();
        for id in 0..self.tasks.len() {
            let beat = self.bench.beat(id as u32);
            let beat = beat.map_or(0, |beat| beat.load(Ordering::Acquire));
            if beat % 2 == 0 || beat != self.seen[id].0 {
                self.seen[id] = (beat, now);
            } else if now - self.seen[id].1 > limit {
                self.seen[id].1 = now;
                if let Some(task) = self.tasks[id].take() {
                    if let Some(failure) = &self.bench.failure {
                        failure.noticed(now);
                    }
                    self.aborted.insert(task.id(), id as u32);
                    task.abort();
                }
            }
        }
    }
}

/// A loop of its own for every worker.
async fn single<S: Start>(bench: Arc<Bench>, id: u32, start: Arc<S>) {
    let mut successor = false;
    loop {
        let life = live(Arc::clone(&bench), id, successor, start(id));
        let end = if bench.design.restart == Restart::Catch {
            catch(life).await
        } else {
            match tokio::spawn(life).await {
                Ok(()) => Ok(()),
                Err(e) => Err(e.into_panic()),
            }
        };
        let Err(panic) = end else { return };
        let crash = crash_of(panic);
        bench.notice(&crash);
        successor = crash.injected;
        if !bench.may_restart(&crash) {
            return;
        }
    }
}
