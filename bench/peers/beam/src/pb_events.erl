%% SPDX-License-Identifier: MIT
%% Events as JSON lines. What happens while the round runs is kept in a table and written after it;
%% log=1 writes each job at once.
-module(pb_events).
-export([raise/3, open/1, clear/1, job_done/5, crash/4, restart/4, full/4, write/1, line/4]).
-include("pb.hrl").
-include("pb_gen.hrl").

-define(TABLE, pb_records).
-define(MOST, 1000).        % crashes and restarts that are written; then they are counted
-define(FULL_EVERY, 1000).

open(#c{events = Events}) ->
    Events andalso ets:new(?TABLE, [named_table, public, {write_concurrency, true}]).

clear(#c{events = Events}) ->
    Events andalso ets:delete_all_objects(?TABLE).

%% A job that ended well: its latency and its sleep, if it was sampled.
job_done(#c{log = 0}, _, _, 0, _) ->
    ok;
job_done(C, W, J, Start, Slept) ->
    Now = ?NOW,
    Start > 0 andalso sample(C, J, Now - Start, Slept),
    if
        C#c.log =:= 1, C#c.events -> print(C, job, {W, J}, Now, {latency(Start, Now), Slept});
        C#c.events -> keep(job, {W, J}, Now, {latency(Start, Now), Slept});
        true -> ok
    end.

latency(0, _) -> null;
latency(Start, Now) -> Now - Start.

sample(#c{buckets = Buckets, words = Words, sums = Sums} = C, J, Latency, Slept) ->
    pb_histogram:add(Buckets, Latency),
    C#c.greedy_ppm > 0 andalso not hit(pb_job:key_of(C, J), ?GREEDY, C#c.greedy_ppm) andalso
        pb_histogram:add(C#c.short, Latency),
    raise(Words, ?MAX_LATENCY, Latency),
    Slept > 0 andalso begin
        counters:add(Sums, ?SLEPT_NS, Slept),
        counters:add(Sums, ?SLEPT, 1)
    end.

raise(Words, Word, Value) ->
    case atomics:get(Words, Word) of
        Seen when Seen >= Value -> ok;
        Seen ->
            case atomics:compare_exchange(Words, Word, Seen, Value) of
                ok -> ok;
                _ -> raise(Words, Word, Value)
            end
    end.

keep(Kind, Id, Now, Data) ->
    ets:insert(?TABLE, {{Kind, Id, Now}, Data}).

some(C, Word) ->
    C#c.events andalso atomics:add_get(C#c.words, Word, 1) =< ?MOST.

crash(C, W, J, Now) ->
    some(C, ?CRASH_RECORDS) andalso keep(crash, {W, J}, Now, none).

restart(C, W, Now, Down) ->
    some(C, ?RESTART_RECORDS) andalso keep(restart, {W, 0}, Now, Down).

%% The N-th time that producer P found no room; What() is the rest of the line.
full(#c{events = true}, P, N, What) when N rem ?FULL_EVERY =:= 0 ->
    keep(full, {P, 0}, ?NOW, What());
full(_, _, _, _) ->
    ok.

print(C, Kind, Id, Now, Data) ->
    atomics:get(C#c.words, ?MEASURED) =:= 1 andalso io:put_chars(record({{Kind, Id, Now}, Data}, C)).

write(#c{events = false}) ->
    ok;
write(C) ->
    Rows = lists:keysort(1, [{Now, R} || {{_, _, Now}, _} = R <- ets:tab2list(?TABLE)]),
    io:put_chars([record(R, C) || {_, R} <- Rows]).

record({{job, {W, J}, Now}, {Latency, Slept}}, C) ->
    line(C, job_done, Now, [{producer, pb_job:producer(J)}, {i, pb_job:index(J)}, {worker, W},
                            {lat_ns, Latency}, {sleep_ns, Slept}, {attempt, 1}]);
record({{crash, {W, J}, Now}, _}, C) ->
    line(C, worker_crash, Now, [{worker, W}, {producer, pb_job:producer(J)}, {i, pb_job:index(J)}]);
record({{restart, {W, _}, Now}, Down}, C) ->
    line(C, worker_restart, Now, [{worker, W}, {down_ns, Down}]);
record({{full, {P, _}, Now}, {What, Value}}, C) ->
    line(C, queue_full, Now, [{producer, P}, {What, Value}]).

line(#c{words = Words, d = #{name := Name}}, Event, Now, Fields) ->
    T0 = atomics:get(Words, ?T0),
    pb_json:line([{event, Event}, {schema, 1}, {runtime, Name}, {t_ns, max(0, Now - T0)} | Fields]).
