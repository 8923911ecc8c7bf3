%% SPDX-License-Identifier: MIT
%% One injected failure, from the workers' side. Workers die at defined points only: at the crash
%% point of a job, in a sleep, or without a job; so no job is both counted and lost.
-module(pb_failure).
-export([beat/3, at_crash_point/2, sleep/3, victims/1]).
-include("pb.hrl").

%% To the heartbeat process, in runs that a failure is to hit.
beat(#c{armed = false}, _, _) -> ok;
beat(#c{rows = Rows}, W, Sign) -> atomics:put(Rows, ?AT(W, ?BEAT), Sign).

at_crash_point(#c{words = Words, rows = Rows, p = #{fail_kind := Kind}}, W) ->
    Wanted = atomics:get(Words, ?WANTED) =:= 1 andalso
        atomics:compare_exchange(Words, ?WANTED, 1, 0) =:= ok,
    if
        Wanted, Kind =:= hang ->
            hang;
        Wanted ->
            Kind =:= init andalso atomics:put(Rows, ?AT(W, ?STARTS), 6),
            atomics:put(Rows, ?AT(W, ?DOOMED), 1),
            die;
        true ->
            case atomics:get(Rows, ?AT(W, ?DOOMED)) of
                1 -> die;
                _ -> live
            end
    end.

sleep(C, W, Ms) ->
    receive
        {'EXIT', _, _} ->
            atomics:put(C#c.rows, ?AT(W, ?DOOMED), 1),
            killed
    after Ms -> ok
    end.

%% A process belongs to no memory node: `node` is the share of the workers that one node of the
%% machine stands for, the first ones.
victims(#c{workers = W, p = #{fail_kind := node}}) ->
    lists:seq(0, max(1, W div memory_nodes()) - 1);
victims(#c{workers = W}) ->
    lists:seq(0, W - 1).

memory_nodes() ->
    max(1, length(filelib:wildcard("/sys/devices/system/node/node[0-9]*"))).
