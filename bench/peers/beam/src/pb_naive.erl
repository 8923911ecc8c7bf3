%% SPDX-License-Identifier: MIT
%% The worker of modes naive and literal, as a newcomer writes it: an unbounded mailbox that dies with
%% it, payloads as lists, timer:sleep also for 0 ms, a message per result. `literal` also prints a line
%% per job and computes in an empty loop.
-module(pb_naive).
-export([start_link/1, start/1, init/2, results/1, drained/1, device/0]).
-include("pb.hrl").
-include("pb_gen.hrl").

start_link(W) ->
    proc_lib:start_link(?MODULE, init, [W, self()]).

start(W) ->
    spawn_monitor(?MODULE, init, [W, none]).

init(W, Parent) ->
    C = persistent_term:get(pb),
    pb_life:up(C, W, Parent),
    loop(C, W).

loop(C, W) ->
    receive
        {J, Start, Payload} when is_integer(J) ->
            work(C, W, J, Start, list_to_binary(Payload)),
            loop(C, W);
        {J, Start} when is_integer(J) ->
            work(C, W, J, Start, <<>>),
            loop(C, W);
        J when is_integer(J) ->
            work(C, W, J, 0, <<>>),
            loop(C, W);
        {sync, From, Ref} ->
            From ! Ref,
            loop(C, W);
        {'EXIT', _, _} ->
            pb_life:die(C, W)
    end.

work(C, W, J, Start, Payload) ->
    pb_failure:beat(C, W, J + 1),
    Key = pb_job:key_of(C, J),
    case compute(C, W, Key, Payload) of
        crash -> pb_life:crash(C, W, J);
        hang -> receive after infinity -> ok end;
        {wait, X} -> finish(C, W, J, Start, Key, X);
        X -> finish(C, W, J, Start, Key, X)
    end,
    pb_failure:beat(C, W, 0).

compute(#c{mode = literal, wlo = Units} = C, W, Key, Payload) ->
    run(Units),
    pb_job:run(C#c{plain = false, wlo = 0, whi = 0, greedy_ppm = 0}, W, Key, Payload);
compute(C, W, Key, Payload) ->
    pb_job:run(C, W, Key, Payload).

run(0) -> ok;
run(N) -> run(N - 1).

finish(C, W, J, Start, Key, X) ->
    Slept = case pb_job:wait(C, W, Key, Start > 0) of
        killed -> pb_life:crash(C, W, J);
        0 -> timer:sleep(0), 0;
        Ns -> Ns
    end,
    C#c.mode =:= literal andalso io:format(persistent_term:get(pb_device), "worker ~p: job ~p done: ~p~n", [W, J, X]),
    pb_job:done(C, W, J, Start, Slept, X),
    atomics:add(C#c.rows, ?AT(W, ?JOBS), 1),
    pb_results ! {result, X}.

%% A printed line goes through a process and a system call, but nobody has to read it.
device() ->
    {ok, Device} = file:open("/dev/null", [write]),
    Device.

%% The process that all results are sent to.
results(C) ->
    results(C, 0, 0).

results(#c{sums = Sums} = C, N, Sum) ->
    receive
        {result, X} ->
            results(C, N + 1, Sum + X)
    after 0 ->
        counters:add(Sums, ?SUM, Sum),
        counters:add(Sums, ?DONE, N),
        N > 0 andalso atomics:put(C#c.words, ?IDLE_LAST, ?NOW),
        receive
            {result, X} ->
                results(C, 1, X);
            {sync, From, Ref} ->
                From ! Ref,
                results(C, 0, 0)
        end
    end.

%% All jobs were sent, and some will never end: their worker's mailbox is gone. True once every
%% mailbox has been empty.
drained(#c{words = Words} = C) ->
    case atomics:get(Words, ?DRAINED) of
        0 ->
            atomics:put(Words, ?DRAINED, 1),
            spawn(fun() -> drain(C, C#c.workers - 1) end),
            false;
        1 -> false;
        2 -> true
    end.

drain(#c{words = Words}, -1) ->
    sync(pb_results),
    atomics:put(Words, ?DRAINED, 2);
drain(C, W) ->
    case sync(ets:lookup_element(pb_names, W, 2)) of
        ok -> drain(C, W - 1);
        down -> receive after 1 -> drain(C, W) end
    end.

sync(Process) ->
    Ref = monitor(process, Process),
    Process ! {sync, self(), Ref},
    receive
        Ref -> demonitor(Ref, [flush]), ok;
        {'DOWN', Ref, process, _, _} -> down
    end.
