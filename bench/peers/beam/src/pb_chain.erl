%% SPDX-License-Identifier: MIT
%% Actor patterns: P chains of jobs, the end of (p, i) sends (p, i + 1). Nobody produces; the process
%% that stands in a producer's place starts its chain, and sends the job that is under way again when
%% the worker it went to has died.
%%
%% A job may so arrive twice: `took` of the chain says which is the last one that was taken. The sender
%% publishes `out` before it looks up the receiver, and a restarted worker is found under its new pid
%% before the chains hear of it: so a job that went to a dead process is always seen here.
-module(pb_chain).
-export([start_link/1, init/2, go_on/2, take/2, target/3]).
-include("pb.hrl").
-include("pb_gen.hrl").

-define(OUT(P), 2 * (P) + 1).
-define(TOOK(P), 2 * (P) + 2).

start_link(P) ->
    proc_lib:start_link(?MODULE, init, [self(), P]).

init(Parent, P) ->
    proc_lib:init_ack(Parent, {ok, self()}),
    idle(persistent_term:get(pb), P).

idle(C, P) ->
    receive
        {round, _} ->
            atomics:put(C#c.chains, ?OUT(P), 0),
            atomics:put(C#c.chains, ?TOOK(P), 0),
            send(C, P, 0),
            atomics:add(C#c.words, ?FINISHED, 1);
        {up, W, Pid} ->
            again(C, P, atomics:get(C#c.chains, ?OUT(P)) - 1, W, Pid);
        room ->
            ok
    end,
    idle(C, P).

again(_, _, -1, _, _) ->
    ok;
again(C, P, I, W, Pid) ->
    case atomics:get(C#c.chains, ?TOOK(P)) =< I andalso target(C, P, I) of
        W -> Pid ! message(C, P, I);
        _ -> ok
    end.

%% Job J has ended, well or not.
go_on(C, J) ->
    send(C, pb_job:producer(J), pb_job:index(J) + 1).

send(#c{words = Words, producers = Producers} = C, P, I) ->
    case I < pb_params:jobs_of(atomics:get(Words, ?ROUND_JOBS), Producers, P) of
        true ->
            atomics:put(C#c.chains, ?OUT(P), I + 1),
            pb_life:pid(C, target(C, P, I)) ! message(C, P, I);
        false ->
            ok
    end.

%% False: it was here before.
take(#c{chains = Chains}, J) ->
    P = pb_job:producer(J),
    I = pb_job:index(J),
    case atomics:get(Chains, ?TOOK(P)) of
        Took when Took > I -> false;
        _ -> atomics:put(Chains, ?TOOK(P), I + 1), true
    end.

message(#c{words = Words, bases = Bases} = C, P, I) ->
    Start = case I rem atomics:get(Words, ?EVERY) of 0 -> ?NOW; _ -> 0 end,
    pb_job:make(C, pb_job:id(P, I), Start, element(P + 1, Bases)).

target(#c{pattern = pingpong}, P, I) -> 2 * P + (I band 1);
target(#c{pattern = big}, P, I) when I band 1 =:= 1 -> P;
target(#c{pattern = big, bases = Bases, workers = W}, P, I) ->
    pick(key(element(P + 1, Bases), I), ?PARTNER, 0, W - 1).
