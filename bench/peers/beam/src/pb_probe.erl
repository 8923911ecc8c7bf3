%% SPDX-License-Identifier: MIT
%% What the peer says of itself, and single steps of the workload timed alone.
-module(pb_probe).
-export([about/0, unit/0, touch/1]).

-define(RUNTIME, {runtime, beam}).
-define(ROUNDS, 2000000).
-define(REPEATS, 7).

about() ->
    Absent = [{[{mode, M}, {reason, R}]} || M <- pb_design:modes(), R <- [pb_mode:absent(M)], R =/= none],
    {ok, D} = pb_design:parse("beam:tuned"),
    say([{event, about}, {schema, 1}, ?RUNTIME, {modes, [M || M <- pb_design:modes(), pb_mode:absent(M) =:= none]},
         {absent, Absent}, {versions, pb_summary:versions()}, {flags, pb_summary:flags(D)}]).

say(Pairs) ->
    io:put_chars(pb_json:line(Pairs)),
    0.

unit() ->
    Ns = least(fun() -> pb_job:compute(12345, ?ROUNDS) end),
    say([{event, unit}, {schema, 1}, ?RUNTIME, {ns_per_unit, Ns / ?ROUNDS}, {rounds, ?ROUNDS}]).

%% The least of several: what the others do to the machine only adds.
least(Fun) ->
    lists:min([timed(Fun) || _ <- lists:seq(1, ?REPEATS)]).

timed(Fun) ->
    From = erlang:monotonic_time(),
    _ = Fun(),
    erlang:monotonic_time() - From.

touch(#{payload := Bytes, alloc := Alloc}) ->
    Made = case Bytes of 0 -> <<>>; _ -> pb_job:fill(Bytes, 1) end,
    say([{event, touch}, {schema, 1}, ?RUNTIME, {payload, Bytes},
         {fill_ns, each(Bytes, fun() -> pb_job:fill(Bytes, 1) end)},
         {read_ns, each(Bytes, fun() -> pb_job:read(Made, Bytes) end)},
         {alloc, Alloc}, {alloc_ns, each(Alloc, fun() -> pb_job:scratch(Alloc) end)}]).

%% Per job: so many that a few MiB are touched, collections included.
each(0, _) ->
    null;
each(Bytes, Fun) ->
    N = max(8, min(20000, 16777216 div Bytes)),
    least(fun() -> times(N, Fun) end) / N.

times(0, _) ->
    ok;
times(N, Fun) ->
    _ = Fun(),
    times(N - 1, Fun).
