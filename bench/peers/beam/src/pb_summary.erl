%% SPDX-License-Identifier: MIT
%% The summary event. What does not apply or is not known is null.
-module(pb_summary).
-export([line/3, status_kb/1, versions/0, flags/1]).
-include("pb.hrl").

-define(M64, 16#FFFFFFFFFFFFFFFF).

line(C, W, Jobs) ->
    pb_events:line(C, summary, ?NOW,
        counts(C, W, Jobs) ++ queue(C) ++ latency(C) ++ workers(C, W) ++
        pb_recovery:fields(C, W) ++ machine(C, W)).

sum(#c{sums = Sums}, I) -> counters:get(Sums, I).

counts(C, #{'end' := End, t0 := T0, half := Half, cpu := Cpu}, Jobs) ->
    Done = sum(C, ?DONE),
    Lost = sum(C, ?LOST),
    Dropped = sum(C, ?DROPPED),
    Collateral = case pb_mode:comparable(C#c.mode) of
        true -> 0;
        false -> Jobs - Done - Lost - Dropped
    end,
    [{jobs, Jobs}, {done, Done}, {lost, Lost}, {collateral, Collateral}, {dropped, Dropped},
     {restarts, sum(C, ?RESTARTS)}, {queue_full, sum(C, ?FULL)},
     {checksum, list_to_binary(io_lib:format("~16.16.0b", [sum(C, ?SUM) band ?M64]))},
     {wall_ns, End - T0}, {cpu_ns, Cpu}, {spin_ns, null},
     {spin_reason, <<"the emulator does not count what its schedulers spend looking for work">>},
     {busy_ns, null},
     {half1_ns, minus(Half, T0)}, {half2_ns, minus(End, Half)}].

minus(null, _) -> null;
minus(_, null) -> null;
minus(A, B) -> A - B.

queue(#c{p = P} = C) ->
    {Bound, Effective, Kind, Payload} = pb_mode:facts(C),
    [{producers_as, maps:get(producers_as, P)}, {bound, Bound}, {queue_kind, Kind}, {payload_mode, Payload},
     {queue_effective, Effective}, {queue_bytes, pb_mode:queue_bytes(C)}, {shards, null},
     {turn, pb_mode:turn(C)}, {batch, C#c.batch}, {collector, maps:get(collector, P)},
     {collected, case C#c.shared of none -> null; Shared -> atomics:get(Shared, 1) end}].

latency(#c{buckets = Buckets, words = Words} = C) ->
    Filled = pb_histogram:filled(Buckets),
    Max = atomics:get(Words, ?MAX_LATENCY),
    Q = fun(X) -> pb_histogram:quantile(Filled, Max, X) end,
    Short = pb_histogram:quantile(pb_histogram:filled(C#c.short), Max, 0.99),
    [{short_p99_ns, Short}, {p50_ns, Q(0.5)}, {p95_ns, Q(0.95)}, {p99_ns, Q(0.99)}, {p999_ns, Q(0.999)},
     {max_ns, case Filled of [] -> null; _ -> Max end},
     {samples, lists:sum([N || {_, N} <- Filled])},
     {sleep_mean_ns, mean(sum(C, ?SLEPT_NS), sum(C, ?SLEPT))},
     {pacing_mean_ns, mean(sum(C, ?LATE_NS), sum(C, ?PACED))},
     {pacing_max_ns, case sum(C, ?PACED) of 0 -> null; _ -> atomics:get(Words, ?MAX_LATE) end},
     {histogram, {[{p, 7}, {counts, [[I, N] || {I, N} <- Filled]}]}}].

mean(_, 0) -> null;
mean(Sum, N) -> Sum div N.

workers(#c{mode = spawn}, W) ->
    [{worker_min_jobs, null}, {worker_max_jobs, null}, {longest_gap_ns, gap(W)}];
workers(#c{rows = Rows, workers = Workers}, W) ->
    {Min, Max} = min_max(Rows, Workers - 1, 1 bsl 59, 0),
    [{worker_min_jobs, Min}, {worker_max_jobs, Max}, {longest_gap_ns, gap(W)}].

min_max(_, -1, Min, Max) ->
    {Min, Max};
min_max(Rows, W, Min, Max) ->
    N = atomics:get(Rows, ?AT(W, ?JOBS)),
    min_max(Rows, W - 1, min(Min, N), max(Max, N)).

gap(#{gap := 0}) -> null;
gap(#{gap := Gap}) -> Gap.

machine(C, #{failed := Failed}) ->
    [{rss_kb, status_kb("VmRSS:")}, {hwm_kb, status_kb("VmHWM:")}, {mem, malloc},
     {versions, versions()}, {flags, flags(C#c.d)}, {failed, Failed}, {interrupted, false}].

status_kb(Label) ->
    {ok, Text} = file:read_file("/proc/self/status"),
    case binary:split(Text, list_to_binary(["\n", Label])) of
        [_, Rest] ->
            [Kb | _] = string:lexemes(binary_to_list(Rest), " \t\n"),
            list_to_integer(Kb);
        _ ->
            null
    end.

info(Item) -> erlang:system_info(Item).

versions() ->
    {[{otp, list_to_binary(info(otp_release))}, {erts, list_to_binary(info(version))},
      {emulator, list_to_binary(io_lib:format("~s-~s", [info(emu_flavor), info(emu_type)]))}]}.

%% How this virtual machine runs, asked of it, and what the mode sets per process.
flags(D) ->
    Text = io_lib:format(
        "schedulers=~b dirty_cpu=~b dirty_io=~b sbt=~s sbwt=~s swt=~s mqd=~s heap=~b chunk=~b crews=~b prio=~s pace=~b "
        "malloc=erts_alloc restart_logs=off distribution=off",
        [info(schedulers), info(dirty_cpu_schedulers), info(dirty_io_schedulers), info(scheduler_bind_type),
         maps:get(sbwt, D), maps:get(swt, D), maps:get(mqd, D), maps:get(heap, D), maps:get(chunk, D),
         maps:get(crews, D), maps:get(prio, D), maps:get(pace, D)]),
    list_to_binary(Text).
