%% SPDX-License-Identifier: MIT
%% Log-linear histogram of nanoseconds, 128 buckets per power of two, in one counters array that
%% all workers add to: sampled jobs only, so its lines are quiet.
-module(pb_histogram).
-export([new/0, clear/1, add/2, filled/1, quantile/3]).

-define(BITS, 7).
-define(BUCKETS, ((42 - ?BITS + 2) bsl ?BITS)).

new() ->
    counters:new(?BUCKETS, [atomics]).

add(H, Ns) ->
    counters:add(H, index(Ns) + 1, 1).

index(V) when V < 1 bsl (?BITS + 1) ->
    max(V, 0);
index(V) ->
    E = log2(V, 0),
    min(((E - ?BITS) bsl ?BITS) + (V bsr (E - ?BITS)), ?BUCKETS - 1).

log2(V, E) when V >= 16#10000 -> log2(V bsr 16, E + 16);
log2(V, E) when V >= 16#100 -> log2(V bsr 8, E + 8);
log2(V, E) when V > 1 -> log2(V bsr 1, E + 1);
log2(_, E) -> E.

floor_of(Index) when Index < 1 bsl (?BITS + 1) ->
    Index;
floor_of(Index) ->
    E = (Index bsr ?BITS) - 1,
    ((Index band (1 bsl ?BITS - 1)) bor (1 bsl ?BITS)) bsl E.

%% [{Index, Count}], the filled buckets, ascending.
filled(H) ->
    [{I, N} || I <- lists:seq(0, ?BUCKETS - 1), N <- [counters:get(H, I + 1)], N > 0].

%% sorted[floor((n - 1) q)], to a bucket's middle; null where there is none.
quantile([], _, _) ->
    null;
quantile(Filled, Max, Q) ->
    N = lists:sum([C || {_, C} <- Filled]),
    walk(Filled, trunc((N - 1) * Q), Max).

walk([{I, C} | _], Rank, Max) when C > Rank ->
    Lo = floor_of(I),
    min(Lo + (floor_of(I + 1) - Lo) div 2, Max);
walk([{_, C} | Rest], Rank, Max) ->
    walk(Rest, Rank - C, Max).

clear(H) ->
    [counters:put(H, I, 0) || I <- lists:seq(1, ?BUCKETS)],
    ok.
