%% SPDX-License-Identifier: MIT
%% Births and deaths of workers, whoever restarts them.
-module(pb_life).
-export([spawn_options/0, pid/2, up/3, linked_up/3, replaced/2, crash/3, die/2, book_loss/4, too_many/2]).
-include("pb.hrl").

spawn_options() ->
    #c{d = D} = persistent_term:get(pb),
    [{message_queue_data, maps:get(mqd, D)}, {min_heap_size, maps:get(heap, D)}].

%% Worker W as it lives now, where nobody is told of restarts.
pid(#c{resend = false}, W) -> element(W + 1, persistent_term:get(pb_pids));
pid(_, W) -> ets:lookup_element(pb_names, W, 2).

%% In the worker's own process, before its first job. Parent: to be told that it is up; or none.
up(C, W, Parent) ->
    C#c.armed andalso process_flag(trap_exit, true),
    Parent =:= none orelse proc_lib:init_ack(Parent, {ok, self()}),
    linked_up(C, W, Parent).

%% As up, where nobody waits to be told.
linked_up(C, W, Parent) ->
    C#c.armed andalso process_flag(trap_exit, true),
    case atomics:add_get(C#c.rows, ?AT(W, ?BORN), 1) of
        1 ->
            ets:insert(pb_names, {W, self()}),
            pb_engine ! {born, W, self()},
            C#c.armed andalso (pb_heart ! {up, W, self()});
        _ ->
            again(C, W, Parent)
    end.

%% Restarted. Jobs that its predecessor had taken and not yet said so are put into the books first.
again(C, W, Parent) ->
    orphan(C, W, Parent),
    count(C, W, ?NOW),
    may_start(C, W),
    atomics:put(C#c.rows, ?AT(W, ?DIED), 0),
    _ = atomics:compare_exchange(C#c.rows, ?AT(W, ?DOOMED), 2, 0),
    ets:insert(pb_names, {W, self()}),
    atomics:put(C#c.rows, ?AT(W, ?TAKEN), taken_of(C, W)),
    tell(C, {up, W, self()}).

taken_of(#c{resend = true, taken = All, producers = P}, W) ->
    Taken = element(W + 1, All),
    lists:sum([counters:get(Taken, I) || I <- lists:seq(1, P)]);
taken_of(C, W) ->
    atomics:get(C#c.rows, ?AT(W, ?CLAIMED)).

tell(C, Up) ->
    [Pid ! Up || Pid <- tuple_to_list(persistent_term:get(pb_producers))],
    C#c.armed andalso (pb_heart ! Up).

count(C, W, Now) ->
    Down = Now - atomics:get(C#c.rows, ?AT(W, ?DIED)),
    counters:add(C#c.sums, ?RESTARTS, 1),
    pb_events:restart(C, W, Now, Down),
    case too_many(C, Now) of
        true ->
            atomics:put(C#c.words, ?FAILED, 1),
            receive after infinity -> ok end;
        false ->
            ok
    end.

%% fail_kind=init: a start that fails, after 1, 2, ... 64 ms; the supervisor tries again.
may_start(C, W) ->
    case C#c.armed andalso atomics:get(C#c.rows, ?AT(W, ?STARTS)) of
        Left when is_integer(Left), Left > 0 ->
            atomics:sub(C#c.rows, ?AT(W, ?STARTS), 1),
            receive after 1 bsl (6 - Left) -> ok end,
            atomics:put(C#c.rows, ?AT(W, ?DIED), ?NOW),
            exit(start_failed);
        _ ->
            ok
    end.

%% fail_kind=supervisor: nobody comes up before the last is down. Who was restarted in the supervisor's
%% last moments goes with it, or there would be two of this worker. A worker that had just crashed when
%% the blow came is down all the same: the successor says so.
orphan(#c{armed = true, words = Words, p = #{fail_kind := supervisor}} = C, W, Parent) ->
    is_process_alive(Parent) orelse exit(shutdown),
    was_dead(C, W) andalso (pb_heart ! {dead, W}),
    case atomics:get(Words, ?DEAD) < atomics:get(Words, ?VICTIMS) of
        true -> receive {'EXIT', _, _} -> exit(shutdown) after 1 -> orphan(C, W, Parent) end;
        false -> is_process_alive(Parent) orelse exit(shutdown)
    end;
orphan(_, _, _) ->
    ok.

was_dead(#c{rows = Rows}, W) ->
    atomics:get(Rows, ?AT(W, ?DIED)) =/= 0 andalso atomics:compare_exchange(Rows, ?AT(W, ?DOOMED), 1, 2) =:= ok.

%% Mode spawn: the process that comes in a crashed one's place is the next job's.
replaced(C, {crash, W, Died}) ->
    Now = ?NOW,
    counters:add(C#c.sums, ?RESTARTS, 1),
    pb_events:restart(C, W, Now, Now - Died),
    too_many(C, Now) andalso atomics:put(C#c.words, ?FAILED, 1).

%% The job in hand is lost. Its worker dies of it.
crash(C, W, J) ->
    Now = ?NOW,
    book_loss(C, W, J, Now),
    atomics:put(C#c.rows, ?AT(W, ?DIED), Now),
    atomics:put(C#c.rows, ?AT(W, ?IDLE), Now), % it may have been the round's last job
    exit(cause(C, W)).

book_loss(C, W, J, Now) ->
    pb_events:crash(C, W, J, Now),
    counters:add(C#c.sums, ?LOST, 1),
    C#c.pattern =:= none orelse pb_chain:go_on(C, J).

%% Told by an exit signal to end, which is the blow's whether it has marked this worker yet or not.
die(C, W) ->
    atomics:put(C#c.rows, ?AT(W, ?DOOMED), 2),
    atomics:put(C#c.rows, ?AT(W, ?DIED), ?NOW),
    exit(doomed).

cause(#c{armed = true, rows = Rows}, W) ->
    case atomics:compare_exchange(Rows, ?AT(W, ?DOOMED), 1, 2) of
        0 -> crash;
        _ -> doomed
    end;
cause(_, _) ->
    crash.

%% OTP's supervisor counts restarts in whole seconds; every runtime gets the same window of
%% milliseconds, so it is kept here: restart n looks when restart n - max was.
too_many(#c{p = #{restarts_max := 0}}, _) ->
    true;
too_many(#c{restarts = none}, _) ->
    false;
too_many(#c{restarts = Ring, p = #{restarts_max := Max, restarts_period_ms := Ms}}, Now) ->
    N = atomics:add_get(Ring, Max + 1, 1),
    Before = atomics:exchange(Ring, N rem Max + 1, Now),
    Before =/= 0 andalso Now - Before < Ms * 1000000.
