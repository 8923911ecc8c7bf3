%% SPDX-License-Identifier: MIT
%% Mode spawn: one process per job. What bounds it are the jobs in flight, W div P of each producer
%% (and one more of the first W rem P); with fewer places than producers they share W of them.
-module(pb_spawn).
-export([start_link/1, init/2, job/1]).
-include("pb.hrl").

-record(s, {c, p, base, places, shared, flying = 0, waits = false, every = 1, last = 0, due = 0, full = 0,
            dropped = 0}).

start_link(P) ->
    proc_lib:start_link(?MODULE, init, [self(), P], infinity, [{message_queue_data, off_heap}]).

init(Parent, P) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    C = #c{workers = W, producers = N} = persistent_term:get(pb),
    Places = case maps:get(pattern, C#c.p) of
        none -> pb_params:jobs_of(W, N, P);
        _ -> 1
    end,
    idle(#s{c = C, p = P, base = element(P + 1, C#c.bases), places = Places, shared = W < N}).

idle(S) ->
    receive
        {round, Jobs} -> round_of(S, Jobs);
        room -> idle(S#s{waits = false})
    end.

round_of(#s{c = C, p = P} = S, Jobs) ->
    Last = pb_params:jobs_of(Jobs, C#c.producers, P),
    S1 = go(S#s{every = atomics:get(C#c.words, ?EVERY), last = Last, full = 0, dropped = 0,
                due = atomics:get(C#c.words, ?T0)}, 0),
    S2 = land_all(S1),
    pb_events:raise(C#c.words, ?IDLE_LAST, ?NOW),
    counters:add(C#c.sums, ?FULL, S2#s.full),
    counters:add(C#c.sums, ?DROPPED, S2#s.dropped),
    atomics:add(C#c.words, ?FINISHED, 1),
    idle(S2).

go(#s{last = I} = S, I) ->
    S;
go(#s{c = C, p = P, base = Base} = S, I) ->
    Due = pb_pace:due(C, P, Base, I, S#s.due),
    pb_pace:await(C, Due, I rem S#s.every =:= 0),
    Start = case I rem S#s.every of
        0 when Due =:= 0 -> ?NOW;
        0 -> Due;
        _ -> 0
    end,
    case place(land(S#s{due = Due})) of
        {true, S1} -> go(fly(S1, I, Start), I + 1);
        {false, S1} when C#c.drop =:= 1 -> go(drop(S1), I + 1);
        {false, S1} -> go(fly(wait(S1), I, Start), I + 1)
    end.

place(#s{shared = false, flying = N, places = Places} = S) -> {N < Places, S};
place(#s{c = C} = S) -> {pb_credit:claim(C, 0, 1) =:= 1, S}.

drop(#s{c = C, p = P} = S) ->
    Dropped = S#s.dropped + 1,
    pb_events:full(C, P, S#s.full, fun() -> {dropped, Dropped} end),
    S#s.full rem 16 =:= 15 andalso erlang:yield(),
    S#s{full = S#s.full + 1, dropped = Dropped}.

wait(#s{c = C, p = P} = S) ->
    From = ?NOW,
    S1 = room(S),
    pb_events:full(C, P, S#s.full, fun() -> {waited_ns, ?NOW - From} end),
    S1#s{full = S#s.full + 1}.

room(#s{shared = true, waits = false, c = C, p = P} = S) ->
    pb_credit:push(C, 0, P),
    room(S#s{waits = true});
room(S) ->
    case place(S) of
        {true, S1} -> S1;
        {false, S1} ->
            receive
                room -> room(S1#s{waits = false});
                {'DOWN', _, process, _, Reason} -> room(landed(S1, Reason))
            end
    end.

fly(#s{c = C, p = P, base = Base, flying = N} = S, I, Start) ->
    spawn_monitor(?MODULE, job, [pb_job:make(C, pb_job:id(P, I), Start, Base)]),
    S#s{flying = N + 1}.

land(S) ->
    receive {'DOWN', _, process, _, Reason} -> land(landed(S, Reason)) after 0 -> S end.

land_all(#s{flying = 0} = S) -> S;
land_all(S) -> receive {'DOWN', _, process, _, Reason} -> land_all(landed(S, Reason)) end.

landed(#s{c = C, shared = Shared, flying = N} = S, Reason) ->
    Shared andalso begin
        atomics:add(C#c.rows, ?AT(0, ?TAKEN), 1),
        pb_credit:wake(C, 0)
    end,
    Reason =:= normal orelse pb_life:replaced(C, Reason),
    S#s{flying = N - 1}.

%% The process of one job.
job({J, Start, Payload}) -> work(persistent_term:get(pb), J, Start, Payload);
job({J, Start}) -> work(persistent_term:get(pb), J, Start, <<>>);
job(J) -> work(persistent_term:get(pb), J, 0, <<>>).

work(C, J, Start, Payload) ->
    Key = pb_job:key_of(C, J),
    case pb_job:run(C, none, Key, Payload) of
        crash -> crash(C, J);
        {wait, X} -> emit(C, J, Start, pb_job:wait(C, none, Key, Start > 0), X);
        X -> emit(C, J, Start, 0, X)
    end.

emit(#c{sums = Sums} = C, J, Start, Slept, X) ->
    pb_job:done(C, place_of(C, J), J, Start, Slept, X),
    counters:add(Sums, ?SUM, X),
    counters:add(Sums, ?DONE, 1).

crash(C, J) ->
    Now = ?NOW,
    W = place_of(C, J),
    pb_life:book_loss(C, W, J, Now),
    exit({crash, W, Now}).

%% What events name as the worker: the processes of a producer have no other number.
place_of(#c{workers = W}, J) -> pb_job:producer(J) rem W.
