%% SPDX-License-Identifier: MIT
%% A producer of mode tuned. It claims up to `chunk` places of one worker, sends so many messages in
%% a row, and turns to the next worker. It remembers what it sent until the worker has taken it: a
%% worker's death takes its mailbox along, and the successor gets these jobs again.
-module(pb_producer).
-export([start_link/1, init/2]).
-include("pb.hrl").

-define(TRIES, 8).          % workers that are asked before waiting
%% So many workers are used from the first one on, as far as needed, because their memory is larger
%% than the caches: with 10,000 workers 1.30 times the jobs/s, with 1,000 workers 0.96.
-define(MANY, 4096).
-define(TURN, 16).          % dropped messages before others get their turn

-record(s, {
    c, p, base,
    at = 0,                 % whose turn it is
    home = none,            % where its turns begin again once there is room
    up = #{},               % workers that have been restarted
    sent = #{},             % worker => {jobs sent ever, [{I, N, jobs sent with these}]}, newest first
    waits = none,           % on whose stack of waiters it is
    every = 1, next_sample = 0, last = 0,
    due = 0,
    full = 0, dropped = 0, turn = ?TURN
}).

start_link(P) ->
    proc_lib:start_link(?MODULE, init, [self(), P], infinity, pb_life:spawn_options()).

init(Parent, P) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    C = persistent_term:get(pb),
    process_flag(priority, maps:get(prio, C#c.d)),
    First = P * C#c.workers div C#c.producers,
    Home = case C#c.workers >= ?MANY of true -> First; false -> none end,
    idle(#s{c = C, p = P, base = element(P + 1, C#c.bases), at = First, home = Home}).

%% Between its last job and the next round.
idle(S) ->
    receive
        {round, Jobs} -> round_of(S, Jobs);
        {up, W, Pid} -> idle(again(S, W, Pid));
        room -> idle(S#s{waits = none})
    end.

round_of(#s{c = C, p = P} = S, Jobs) ->
    Every = atomics:get(C#c.words, ?EVERY),
    Last = pb_params:jobs_of(Jobs, C#c.producers, P),
    Due = atomics:get(C#c.words, ?T0),
    S1 = go(S#s{every = Every, next_sample = 0, last = Last, full = 0, dropped = 0, due = Due}, 0),
    counters:add(C#c.sums, ?FULL, S1#s.full),
    counters:add(C#c.sums, ?DROPPED, S1#s.dropped),
    atomics:add(C#c.words, ?FINISHED, 1),
    idle(S1).

go(#s{last = Last} = S, I) when I >= Last ->
    S;
go(#s{c = #c{rate = 0} = C, last = Last} = S, I) ->
    Start = case S#s.next_sample of I -> ?NOW; _ -> 0 end,
    Want = case C#c.keys of 0 -> min(C#c.chunk * C#c.batch, Last - I); _ -> 1 end,
    step(S, I, Want, Start);
go(#s{c = C, p = P, base = Base} = S, I) ->
    Due = pb_pace:due(C, P, Base, I, S#s.due),
    pb_pace:await(C, Due, S#s.next_sample =:= I),
    step(S#s{due = Due}, I, 1, Due).

step(S, I, Want, Start) ->
    {S1, W, N} = place(listen(S), target(S, I), Want),
    case W of
        drop -> go(S1, I + N);
        _ -> go(turn(send(S1, W, I, N, Start), W), I + N)
    end.

target(#s{c = #c{keys = 0}, at = At}, _) -> At;
target(#s{c = C, base = Base}, I) -> pb_job:worker_of_key(C, Base, I).

turn(#s{c = #c{keys = Keys}} = S, _) when Keys > 0 -> S;
turn(#s{home = none} = S, W) -> ahead(S, W);
turn(#s{home = Home, c = C} = S, W) ->
    case pb_credit:has_room(C, Home) of
        true -> S#s{at = Home};
        false -> ahead(S, W)
    end.

ahead(#s{c = #c{workers = Workers}} = S, W) when W + 1 =:= Workers -> S#s{at = 0};
ahead(S, W) -> S#s{at = W + 1}.

%% Room for up to Want jobs: {S, Worker, N}; or {S, drop, N}.
place(#s{c = C} = S, W, Want) ->
    Tries = if
        C#c.keys > 0 -> 1;
        C#c.drop =:= 1 -> C#c.workers;
        true -> min(C#c.workers, ?TRIES)
    end,
    case find(C, W, Want, Tries) of
        {At, N} -> {S, At, N};
        none when C#c.drop =:= 1 -> {drop(S, min(Want, C#c.batch)), drop, min(Want, C#c.batch)};
        none -> wait(S, W, Want)
    end.

find(_, _, _, 0) ->
    none;
find(C, W, Want, Tries) ->
    case pb_credit:claim(C, W, Want) of
        0 when W + 1 =:= C#c.workers -> find(C, 0, Want, Tries - 1);
        0 -> find(C, W + 1, Want, Tries - 1);
        N -> {W, N}
    end.

drop(#s{c = C, p = P} = S, N) ->
    Dropped = S#s.dropped + N,
    pb_events:full(C, P, S#s.full, fun() -> {dropped, Dropped} end),
    S1 = S#s{full = S#s.full + 1, dropped = Dropped, turn = S#s.turn - 1},
    case S1#s.turn of
        0 -> erlang:yield(), S1#s{turn = ?TURN};
        _ -> S1
    end.

wait(#s{c = C, p = P} = S, W, Want) ->
    From = ?NOW,
    {S1, At, N} = room(S, W, Want),
    pb_events:full(C, P, S#s.full, fun() -> {waited_ns, ?NOW - From} end),
    {S1#s{full = S#s.full + 1}, At, N}.

room(#s{waits = none, c = C, p = P} = S, W, Want) ->
    pb_credit:push(C, W, P),
    room(S#s{waits = W}, W, Want);
room(#s{waits = V, c = C} = S, W, Want) ->
    At = case C#c.keys of 0 -> V; _ -> W end,
    case pb_credit:claim(C, At, Want) of
        0 ->
            receive
                room -> room(S#s{waits = none}, At, Want);
                {up, Who, Pid} -> room(again(S, Who, Pid), W, Want)
            end;
        N ->
            {S, At, N}
    end.

%% N jobs from I on to worker W, which has room for them.
send(#s{c = C} = S, W, I, N, Start) ->
    S1 = remember(S, W, I, N, Start),
    case C of
        #c{batch = 1} -> each(S1, pid(S1, W), pb_job:id(S#s.p, I), I, I + N, Start);
        #c{batch = B} -> batches(S1, pid(S1, W), I, I + N, B, Start)
    end.

pid(#s{up = Up}, W) when map_size(Up) =:= 0 ->
    element(W + 1, persistent_term:get(pb_pids));
pid(#s{up = Up}, W) ->
    case Up of
        #{W := Pid} -> Pid;
        _ -> element(W + 1, persistent_term:get(pb_pids))
    end.

each(S, _, _, End, End, _) ->
    S;
each(#s{next_sample = I} = S, Pid, J, I, End, Start) ->
    Pid ! message(S, J, stamp(Start)),
    each(S#s{next_sample = I + S#s.every}, Pid, J + 1, I + 1, End, 0);
each(#s{c = #c{payload = 0}} = S, Pid, J, I, End, Start) ->
    Pid ! J,
    each(S, Pid, J + 1, I + 1, End, Start);
each(S, Pid, J, I, End, Start) ->
    Pid ! message(S, J, 0),
    each(S, Pid, J + 1, I + 1, End, Start).

stamp(0) -> ?NOW;
stamp(Start) -> Start.

message(#s{c = C, base = Base}, J, Start) ->
    pb_job:make(C, J, Start, Base).

batches(S, _, End, End, _, _) ->
    S;
batches(S, Pid, I, End, B, Start) ->
    Upto = min(I + B, End),
    {S1, Jobs} = list(S, pb_job:id(S#s.p, I), I, Upto, Start, []),
    Pid ! Jobs,
    batches(S1, Pid, Upto, End, B, 0).

list(S, _, End, End, _, Jobs) ->
    {S, lists:reverse(Jobs)};
list(#s{next_sample = I} = S, J, I, End, Start, Jobs) ->
    list(S#s{next_sample = I + S#s.every}, J + 1, I + 1, End, 0, [message(S, J, stamp(Start)) | Jobs]);
list(S, J, I, End, Start, Jobs) ->
    list(S, J + 1, I + 1, End, Start, [message(S, J, 0) | Jobs]).

%% What was sent and may be lost with its worker.
remember(#s{c = #c{resend = false}} = S, _, _, _, _) ->
    S;
remember(#s{sent = Sent} = S, W, I, N, Start) ->
    {Total, Runs} = maps:get(W, Sent, {0, []}),
    Taken = taken(S, W),
    Waiting = lists:takewhile(fun({_, _, Upto, _}) -> Upto > Taken end, Runs),
    S#s{sent = Sent#{W => {Total + N, [{I, N, Total + N, stamp(Start)} | Waiting]}}}.

taken(#s{c = C, p = P}, W) ->
    counters:get(element(W + 1, C#c.taken), P + 1).

listen(#s{c = #c{resend = false}} = S) ->
    S;
listen(S) ->
    receive {up, W, Pid} -> listen(again(S, W, Pid)) after 0 -> S end.

%% Worker W lives again as Pid. It keeps the places in its mailbox that these jobs had.
again(#s{sent = Sent, up = Up} = S, W, Pid) ->
    {_, Runs} = maps:get(W, Sent, {0, []}),
    Taken = taken(S, W),
    [resend(S, Pid, Run, Taken) || {_, _, Upto, _} = Run <- lists:reverse(Runs), Upto > Taken],
    S#s{up = Up#{W => Pid}}.

resend(#s{p = P, every = Every} = S, Pid, {I, N, Upto, Start}, Taken) ->
    From = I + max(0, Taken - (Upto - N)),
    Stamp = fun(K) when K rem Every =:= 0 -> Start; (_) -> 0 end,
    [Pid ! message(S, pb_job:id(P, K), Stamp(K)) || K <- lists:seq(From, I + N - 1)].
