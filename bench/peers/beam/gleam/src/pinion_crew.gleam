//// SPDX-License-Identifier: MIT
//// The supervisor of a crew of workers, one_for_one: it is linked to all of them, traps their exits,
//// and starts a successor for each that ends.

pub type Pid

pub type Exit {
  Exit(pid: Pid)
}

pub type Child {
  Child(pid: Pid, worker: Int)
}

@external(erlang, "pb_gleam", "start_linked")
fn start(worker: Int) -> Pid

@external(erlang, "pb_gleam", "await_exit")
fn await_exit() -> Exit

pub fn run(workers: List(Int)) -> Nil {
  supervise(start_all(workers, []))
}

fn start_all(workers: List(Int), children: List(Child)) -> List(Child) {
  case workers {
    [] -> children
    [worker, ..rest] -> start_all(rest, [Child(start(worker), worker), ..children])
  }
}

fn supervise(children: List(Child)) -> Nil {
  let Exit(pid) = await_exit()
  supervise(restart(children, pid, []))
}

fn restart(children: List(Child), dead: Pid, seen: List(Child)) -> List(Child) {
  case children {
    [] -> seen
    [child, ..rest] if child.pid == dead ->
      prepend(seen, [Child(start(child.worker), child.worker), ..rest])
    [child, ..rest] -> restart(rest, dead, [child, ..seen])
  }
}

fn prepend(from: List(Child), to: List(Child)) -> List(Child) {
  case from {
    [] -> to
    [child, ..rest] -> prepend(rest, [child, ..to])
  }
}
