//// SPDX-License-Identifier: MIT
//// The worker of mode gleam. It does what src/pb_worker.erl does, job for job; mailboxes and the
//// benchmark's books are Erlang's, because Gleam has no `receive` of its own.

/// This worker's place in the books; opaque here.
pub type Place

pub type Job {
  Job(id: Int, start: Int, payload: BitArray)
}

pub type Message {
  Jobs(jobs: List(Job))
  Nothing
  Stop
}

/// Where a job is computed: in this process, or on another kind of scheduler.
pub type Task {
  Here(units: Int)
  Away(units: Int)
}

pub type Fate {
  Ends
  Waits
  Crashes
  Hangs
}

pub type Wait {
  Slept(ns: Int)
  Killed
}

/// Jobs taken since the books were last written, jobs completed, and the sum of their results.
pub type Sums {
  Sums(taken: Int, done: Int, sum: Int)
}

@external(erlang, "pb_gleam", "receive_now")
fn receive_now(place: Place) -> Message

@external(erlang, "pb_gleam", "receive_next")
fn receive_next(place: Place) -> Message

@external(erlang, "pb_gleam", "publish")
fn publish(place: Place, taken: Int, done: Int, sum: Int) -> Nil

@external(erlang, "pb_gleam", "rest")
fn rest(place: Place, taken: Int, done: Int, sum: Int) -> Nil

@external(erlang, "pb_gleam", "chunk")
fn chunk(place: Place) -> Int

@external(erlang, "pb_gleam", "is_new")
fn is_new(place: Place, job: Int) -> Bool

@external(erlang, "pb_gleam", "key")
fn key(place: Place, job: Int) -> Int

@external(erlang, "pb_gleam", "read")
fn read(place: Place, key: Int, payload: BitArray) -> Int

@external(erlang, "pb_gleam", "task")
fn task(place: Place, key: Int) -> Task

@external(erlang, "pb_nif", "compute_dirty")
fn compute_away(x: Int, units: Int) -> Int

@external(erlang, "pb_gleam", "fate")
fn fate(place: Place, key: Int) -> Fate

@external(erlang, "pb_gleam", "wait")
fn wait(place: Place, key: Int, start: Int) -> Wait

@external(erlang, "pb_gleam", "emit")
fn emit(place: Place, job: Int, start: Int, slept: Int, result: Int) -> Nil

@external(erlang, "pb_gleam", "crash")
fn crash(place: Place, job: Int) -> Nil

@external(erlang, "pb_gleam", "die")
fn die(place: Place) -> Nil

@external(erlang, "pb_gleam", "hang")
fn hang() -> Nil

@external(erlang, "erlang", "bxor")
fn bxor(a: Int, b: Int) -> Int

@external(erlang, "erlang", "bsr")
fn bsr(a: Int, by: Int) -> Int

@external(erlang, "erlang", "band")
fn band(a: Int, b: Int) -> Int

fn round(x: Int) -> Int {
  band(bxor(x, bsr(x, 15)) * 0x2545F49 + 0x9E3779B9, 0xFFFFFFFF)
}

/// Four rounds a call, as in Erlang.
pub fn compute(x: Int, units: Int) -> Int {
  case units {
    0 -> x
    1 | 2 | 3 -> compute(round(x), units - 1)
    _ -> compute(round(round(round(round(x)))), units - 4)
  }
}

pub fn run(place: Place) -> Nil {
  next(place, Sums(0, 0, 0))
}

// [worker
fn next(place: Place, sums: Sums) -> Nil {
  case receive_now(place) {
    Jobs(jobs) -> more(place, jobs, sums)
    Stop -> stop(place, sums)
    Nothing -> {
      rest(place, sums.taken, sums.done, sums.sum)
      case receive_next(place) {
        Jobs(jobs) -> more(place, jobs, Sums(0, 0, 0))
        _ -> stop(place, Sums(0, 0, 0))
      }
    }
  }
}

fn work(place: Place, job: Job, jobs: List(Job), sums: Sums) -> Nil {
  let key = key(place, job.id)
  let x = read(place, key, job.payload)
  let result = case task(place, key) {
    Here(units) -> compute(x, units)
    Away(units) -> compute_away(x, units)
  }
  case fate(place, key) {
    Ends -> {
      emit(place, job.id, job.start, 0, result)
      more(place, jobs, Sums(sums.taken, sums.done + 1, sums.sum + result))
    }
    Waits -> {
      publish(place, sums.taken, sums.done, sums.sum)
      case wait(place, key, job.start) {
        Killed -> crash(place, job.id)
        Slept(ns) -> {
          emit(place, job.id, job.start, ns, result)
          more(place, jobs, Sums(0, 1, result))
        }
      }
    }
    Crashes -> {
      publish(place, sums.taken, sums.done, sums.sum)
      crash(place, job.id)
    }
    Hangs -> {
      publish(place, sums.taken, sums.done, sums.sum)
      hang()
    }
  }
}

// worker]

fn stop(place: Place, sums: Sums) -> Nil {
  publish(place, sums.taken, sums.done, sums.sum)
  die(place)
}

fn more(place: Place, jobs: List(Job), sums: Sums) -> Nil {
  case jobs {
    [] -> next(place, sums)
    [job, ..jobs] -> take(place, job, jobs, sums)
  }
}

fn take(place: Place, job: Job, jobs: List(Job), sums: Sums) -> Nil {
  let sums = Sums(sums.taken + 1, sums.done, sums.sum)
  let sums = case sums.taken >= chunk(place) {
    True -> {
      publish(place, sums.taken, sums.done, sums.sum)
      Sums(0, 0, 0)
    }
    False -> sums
  }
  case is_new(place, job.id) {
    True -> work(place, job, jobs, sums)
    False -> more(place, jobs, sums)
  }
}
