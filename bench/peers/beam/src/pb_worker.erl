%% SPDX-License-Identifier: MIT
%% The worker of mode tuned: a plain loop under proc_lib, because a gen_server's callback per message
%% costs more than the rest of a short job.
%%
%% It keeps its sums itself and publishes them together with the places it freed, every `chunk` jobs
%% and whenever it runs dry: seven operations on shared words for 16 jobs instead of for one.
-module(pb_worker).
-export([start_link/1, start/1, init/2, books/2, publish/4, dry/4, is_new/2]).
-include("pb.hrl").

-record(w, {c, id, at, chunk, bound, rows, sums, taken}).

start_link(W) ->
    proc_lib:start_link(?MODULE, init, [W, self()], infinity, pb_life:spawn_options()).

%% Under a loop of its own instead of under a supervisor.
start(W) ->
    spawn_opt(?MODULE, init, [W, none], [monitor | pb_life:spawn_options()]).

init(W, Parent) ->
    C = persistent_term:get(pb),
    pb_life:up(C, W, Parent),
    rest(books(C, W), 0, 0, 0).

books(C, W) ->
    Taken = C#c.resend andalso element(W + 1, C#c.taken),
    #w{c = C, id = W, at = ?AT(W, 0), chunk = C#c.chunk, bound = C#c.bound, rows = C#c.rows,
            sums = C#c.sums, taken = Taken}.

%% K jobs were taken since the last look at the books, N completed with the sum of results Sum.
%% [worker
next(S, K, N, Sum) ->
    receive
        {'EXIT', _, _} -> die(S, K, N, Sum);
        Message -> open(S, Message, K, N, Sum)
    after 0 ->
        rest(S, K, N, Sum)
    end.

work(#w{c = C, id = W} = S, J, Start, Payload, More, K, N, Sum) ->
    Key = pb_job:key_of(C, J),
    case is_new(S, J) andalso pb_job:run(C, W, Key, Payload) of
        X when is_integer(X) ->
            pb_job:done(C, W, J, Start, 0, X),
            more(S, More, K, N + 1, Sum + X);
        {wait, X} ->
            publish(S, K, N, Sum),
            case pb_job:wait(C, W, Key, Start > 0) of
                killed ->
                    crash(S, J, 0, 0, 0);
                Slept ->
                    pb_job:done(C, W, J, Start, Slept, X),
                    more(S, More, 0, 1, X)
            end;
        crash ->
            crash(S, J, K, N, Sum);
        hang ->
            hang(S, K, N, Sum);
        false ->
            more(S, More, K, N, Sum)
    end.
%% worker]

open(S, J, K, N, Sum) when is_integer(J) -> take(S, J, 0, <<>>, [], K + 1, N, Sum);
open(S, Jobs, K, N, Sum) when is_list(Jobs) -> more(S, Jobs, K, N, Sum);
open(S, Job, K, N, Sum) -> more(S, [Job], K, N, Sum).

more(S, [], K, N, Sum) -> next(S, K, N, Sum);
more(S, [{J, Start} | More], K, N, Sum) -> take(S, J, Start, <<>>, More, K + 1, N, Sum);
more(S, [{J, Start, Bin} | More], K, N, Sum) -> take(S, J, Start, Bin, More, K + 1, N, Sum);
more(S, [J | More], K, N, Sum) -> take(S, J, 0, <<>>, More, K + 1, N, Sum).

take(#w{chunk = Chunk} = S, J, Start, Payload, More, K, N, Sum) when K >= Chunk ->
    publish(S, K, N, Sum),
    work(S, J, Start, Payload, More, 0, 0, 0);
take(S, J, Start, Payload, More, K, N, Sum) ->
    work(S, J, Start, Payload, More, K, N, Sum).

rest(S, K, N, Sum) ->
    dry(S, K, N, Sum),
    receive
        {'EXIT', _, _} -> die(S, 0, 0, 0);
        Message -> open(S, Message, 0, 0, 0)
    end.

%% The mailbox is empty.
dry(#w{c = C, rows = Rows, at = At} = S, K, N, Sum) ->
    K > 0 andalso atomics:add(Rows, At + ?TAKEN, K),
    results(S, N, Sum),
    pb_credit:wake(C, S#w.id),
    N > 0 andalso atomics:put(Rows, At + ?IDLE, ?NOW),
    pb_failure:beat(C, S#w.id, 0).

%% Producers are woken once half of the mailbox is free, or all of it (rest): waking them for every
%% chunk made them switch in and out 16 times as often.
publish(S, 0, N, Sum) ->
    results(S, N, Sum);
publish(#w{rows = Rows, at = At} = S, K, N, Sum) ->
    results(S, N, Sum),
    Taken = atomics:add_get(Rows, At + ?TAKEN, K),
    case atomics:get(Rows, At + ?WAITER) of
        0 -> ok;
        _ -> wake(S, Taken)
    end.

wake(#w{c = C, rows = Rows, at = At, bound = Bound} = S, Taken) ->
    case atomics:get(Rows, At + ?CLAIMED) - Taken of
        Waiting when Waiting * 2 =< Bound -> pb_credit:wake(C, S#w.id);
        _ -> ok
    end.

results(_, 0, _) ->
    ok;
results(#w{sums = Sums, rows = Rows, at = At}, N, Sum) ->
    counters:add(Sums, ?SUM, Sum),
    counters:add(Sums, ?DONE, N),
    atomics:add(Rows, At + ?JOBS, N).

%% False for a job of a pattern that came twice. It is in the books as taken from here on.
is_new(#w{taken = false}, _) ->
    true;
is_new(#w{taken = Taken, c = C, id = W}, J) ->
    pb_failure:beat(C, W, J + 1),
    counters:add(Taken, pb_job:producer(J) + 1, 1),
    C#c.pattern =:= none orelse pb_chain:take(C, J).

-spec crash(#w{}, integer(), integer(), integer(), integer()) -> no_return().
crash(S, J, K, N, Sum) ->
    publish(S, K, N, Sum),
    pb_life:crash(S#w.c, S#w.id, J).

%% Without a job.
-spec die(#w{}, integer(), integer(), integer()) -> no_return().
die(S, K, N, Sum) ->
    publish(S, K, N, Sum),
    pb_life:die(S#w.c, S#w.id).

%% Until the heartbeat process has noticed.
-spec hang(#w{}, integer(), integer(), integer()) -> no_return().
hang(S, K, N, Sum) ->
    publish(S, K, N, Sum),
    receive after infinity -> ok end.
