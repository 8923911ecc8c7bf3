%% SPDX-License-Identifier: MIT
%% key=value, the same for every runtime; what is refused, and with which line.
-module(pb_params).
-export([parse/1, jobs_of/3]).

-define(ANY, 16#FFFFFFFF).

%% {Name, Initial, Min, Max} or {Name, Initial, Words}
keys() ->
    [
        {seed, 42, 0, 16#FFFFFFFFFFFFFFFF},
        {producers, 4, 1, 65536},
        {workers, 4, 1, 10000000},
        {queue, 1024, 1, 1 bsl 40},
        {drop, 0, 0, 1},
        {jobs, 100000, 1, 1 bsl 43},
        {warm, 20000, 0, 1 bsl 43},
        {rate, 0, 0, 1000000000},
        {wlo, 100, 0, ?ANY - 1},
        {whi, 100, 0, ?ANY - 1},
        {payload, 0, 0, 1 bsl 30},
        {sleep_ppm, 0, 0, 1000000},
        {slo, 1000, 0, ?ANY - 1},
        {shi, 1000, 0, ?ANY - 1},
        {crash_ppm, 0, 0, 1000000},
        {block_ppm, 0, 0, 1000000},
        {block_us, 0, 0, 60000000},
        {greedy_ppm, 0, 0, 1000000},
        {greedy_units, 0, 0, ?ANY},
        {offload, none, [none, block, cpu]},
        {producers_as, task, [task, thread]},
        {restarts_max, 10000000, 0, ?ANY},
        {restarts_period_ms, 1000, 1, 86400000},
        {supervise, tree, [tree, loop]},
        {fail_at_ms, 0, 0, 86400000},
        {fail_kind, one, [one, node, all, init, supervisor, hang]},
        {band_pct, 5, 1, 100},
        {band_windows, 5, 1, 1000},
        {alloc, 0, 0, 1 bsl 30},
        {batch, 1, 1, 32},
        {arrival, fixed, [fixed, poisson]},
        {keys, 0, 0, ?ANY - 1},
        {state, 0, 0, 1 bsl 30},
        {mem, local, [local, malloc, interleave, remote]},
        {cores, 0, 0, 1024},
        {log, 0, 0, 1},
        {collector, sharded, [sharded, shared]},
        {pattern, none, [none, pingpong, big]},
        {queue_bytes, auto, 0, 1 bsl 40}
    ].

parse(Assignments) ->
    try
        P = lists:foldl(fun set/2, defaults(), Assignments),
        check(P),
        {ok, P}
    catch
        throw:Line -> {error, Line}
    end.

defaults() ->
    maps:from_list([{element(1, K), element(2, K)} || K <- keys()]).

refuse(Format, Args) ->
    throw(io_lib:format(Format, Args)).

set(Text, P) ->
    case string:split(Text, "=") of
        [[_ | _] = Name, Value] -> set(Name, Value, P);
        _ -> refuse("'~ts': not key=value", [Text])
    end.

set("units", Value, P) ->
    U = number("units", Value, 0, ?ANY - 1),
    P#{wlo => U, whi => U};
set("queue_bytes", "auto", P) ->
    P#{queue_bytes => auto};
set(Name, Value, P) ->
    case [K || K <- keys(), atom_to_list(element(1, K)) =:= Name] of
        [{Key, _, Words}] -> P#{Key => word(Name, Value, Words)};
        [{Key, _, Min, Max}] -> P#{Key => number(Name, Value, Min, Max)};
        [] -> refuse("no parameter '~ts'; the workload's parameters are in bench/README.md", [Name])
    end.

word(Name, Value, Words) ->
    case [W || W <- Words, atom_to_list(W) =:= Value] of
        [Word] ->
            Word;
        [] ->
            All = lists:join(", ", [atom_to_list(W) || W <- Words]),
            refuse("~ts=~ts: not one of ~ts", [Name, Value, All])
    end.

number(Name, Value, Min, Max) ->
    case Value =/= [] andalso lists:all(fun(D) -> D >= $0 andalso D =< $9 end, Value) of
        false ->
            refuse("~ts=~ts: not a whole number from 0 on", [Name, Value]);
        true ->
            case list_to_integer(Value) of
                N when N >= Min, N =< Max -> N;
                _ -> refuse("~ts=~ts: out of range ~b to ~b", [Name, Value, Min, Max])
            end
    end.

check(#{payload := B}) when B rem 4 =/= 0; B > 4096, B rem 4096 =/= 0 ->
    refuse("payload=~b: a multiple of 4, over 4096 of 4096", [B]);
check(#{wlo := Lo, whi := Hi}) when Lo > Hi ->
    refuse("wlo=~b is above whi=~b", [Lo, Hi]);
check(#{slo := Lo, shi := Hi}) when Lo > Hi ->
    refuse("slo=~b is above shi=~b", [Lo, Hi]);
check(#{jobs := N, warm := M, producers := P}) when N > P bsl 27; M > P bsl 27 ->
    refuse("jobs=~b: ~b producers make at most ~b", [max(N, M), P, P bsl 27]);
check(#{arrival := poisson, rate := 0}) ->
    refuse("arrival=poisson needs rate=", []);
check(#{fail_kind := Kind, fail_at_ms := 0}) when Kind =/= one ->
    refuse("fail_kind=~s needs fail_at_ms=", [Kind]);
check(#{fail_kind := supervisor, supervise := loop}) ->
    refuse("fail_kind=supervisor needs supervise=tree: a loop has none", []);
check(P) ->
    check_beam(P).

%% What no program on the BEAM can do, or means something else there.
check_beam(#{producers_as := thread}) ->
    refuse("producers_as=thread: the BEAM has no threads for programs, its producers are processes", []);
check_beam(#{mem := Mem}) when Mem =:= interleave; Mem =:= remote ->
    refuse("mem=~s: the BEAM places its memory itself", [Mem]);
check_beam(P) ->
    check_keys(P).

check_keys(#{state := S, keys := 0}) when S > 0 ->
    refuse("state=~b needs keys=", [S]);
check_keys(#{pattern := pingpong, producers := P, workers := W}) when W < 2 * P ->
    refuse("pattern=pingpong: ~b chains need ~b workers", [P, 2 * P]);
check_keys(#{pattern := big, producers := P, workers := W}) when W < P ->
    refuse("pattern=big: ~b chains need as many workers", [P]);
check_keys(#{pattern := Pattern, rate := R, keys := K}) when Pattern =/= none, R + K > 0 ->
    refuse("pattern=~s has no producers: no rate= and no keys=", [Pattern]);
check_keys(_) ->
    ok.

%% Jobs that producer P of N jobs makes.
jobs_of(N, Producers, P) when P < N rem Producers -> N div Producers + 1;
jobs_of(N, Producers, _) -> N div Producers.
